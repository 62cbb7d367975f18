/**
 * What the page's address asks for: `?host`, `?join=CODE`, `&name=`, `&watch`, `&public`, `&autostart`, `&bot`, `&fair` (see README.md),
 * and the invite code in whatever somebody pastes.
 */
import { NAME_LENGTH_MAX, normaliseCode } from '../netcode/index.ts';

export interface Launch {
  readonly action: 'host' | 'join' | 'menu';
  /** The code of `?join=`, in capitals if it can be one, else as written. */
  readonly code: string;
  /** The name of `&name=`, or undefined if the address names nobody. */
  readonly name: string | undefined;
  /** Become ready by itself; as host, start as soon as two players are in. */
  readonly isAutostart: boolean;
  /** As guest, only watch. */
  readonly isWatching: boolean;
  /** As host, show the lobby to strangers. */
  readonly isPublic: boolean;
  /** Let the built-in bot play. */
  readonly isBot: boolean;
  /** As host, see and act as late as the median guest. */
  readonly isFair: boolean;
}

/** Longer addresses and clipboards hold no invite link. */
const INVITE_LENGTH_MAX = 2048;

/** A name as it is kept and sent: trimmed, and no longer than a name can be. */
export function tidyName(typed: string): string {
  return [...typed.slice(0, NAME_LENGTH_MAX * 8).trim()].slice(0, NAME_LENGTH_MAX).join('');
}

/** The code in a typed code or a pasted invite link, or undefined if there is none. */
export function inviteCodeFrom(typed: string): string | undefined {
  if (typed.length > INVITE_LENGTH_MAX) return undefined;
  const inLink = /[?&]join=([\w%+-]+)/i.exec(typed)?.[1];
  return normaliseCode(inLink === undefined ? typed.trim() : inLink.replace(/%20|\+/g, ' '));
}

/** Reads a query such as `?join=K7QX2M&name=Bob&bot`. */
export function launchFrom(query: string): Launch {
  const params = new URLSearchParams(query);
  const typedCode = params.get('join');
  const name = tidyName(params.get('name') ?? '');
  return {
    action: params.has('host') ? 'host' : typedCode === null ? 'menu' : 'join',
    code: typedCode === null ? '' : (normaliseCode(typedCode) ?? typedCode.slice(0, INVITE_LENGTH_MAX)),
    name: name === '' ? undefined : name,
    isAutostart: params.has('autostart'),
    isWatching: params.has('watch'),
    isPublic: params.has('public'),
    isBot: params.has('bot'),
    isFair: params.has('fair'),
  };
}

/** The link that brings a friend into the room. */
export const inviteLink = (origin: string, code: string): string => `${origin}/?join=${code}`;
