/**
 * The session protocol: small msgpack messages on the reliable channel. Reading is total: a message is checked field by
 * field and comes out typed, or not at all. Values of any make within the state (`any` fields) are packed here too, since
 * this is the only importer of msgpackr (its build without `new Function`, so that a strict Content-Security-Policy holds).
 */
import { Packr, Unpackr } from 'msgpackr/index-no-eval';
import type { PeerId, PlayerId, Tick } from '../core/ids.ts';
import { PLAYERS_MAX } from '../core/ids.ts';
import {
  isBool,
  isCount,
  isIdentity,
  isOneOf,
  isPeerId,
  isSettings,
  isText,
  type LobbyEstate,
  packBans,
  packEstate,
  packLobby,
  readBans,
  readEstate,
  readLobby,
  TEAMS_MAX,
  type WireBan,
  type WireLobby,
} from './control-lobby.ts';

/** Why the host does not let someone in. */
export const REFUSALS = [
  'wrong-version',
  'wrong-game',
  'full',
  'spectators-full',
  'locked',
  'banned',
  'password-needed',
  'wrong-password',
  'already-in',
] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Why the host ends someone's stay. */
export const FAREWELLS = ['kicked', 'banned', 'host-left', 'host-lost', 'replaced', 'protocol'] as const;
export type Farewell = (typeof FAREWELLS)[number];

/** A line of chat, in UTF-16 units: 240 characters of up to two. */
const CHAT_TEXT_MAX = 480;

/** What a host may say of its player's advantage: no delay is that long. */
const ADVANTAGE_MS_MAX = 10_000;

/** What a guest says. */
export type GuestMessage =
  | {
      readonly type: 'hello';
      readonly protocol: number;
      readonly game: string;
      readonly version: number;
      /** `Game.shape`: whether each can read the other's packets. */
      readonly shape: number;
      readonly name: string;
      readonly identity: string;
      readonly takeOver: boolean;
      readonly password: string;
      readonly isSpectating: boolean;
    }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'color'; readonly color: number }
  | { readonly type: 'ready'; readonly isReady: boolean }
  | { readonly type: 'team'; readonly team: number }
  | { readonly type: 'spectate'; readonly isSpectating: boolean }
  | { readonly type: 'voice'; readonly isOn: boolean }
  | { readonly type: 'chat'; readonly text: string }
  /** The heir holds the lobby as it was at this revision. */
  | { readonly type: 'inherited'; readonly revision: number }
  | { readonly type: 'leave' };

/** What the host says. */
export type HostMessage =
  | { readonly type: 'welcome'; readonly me: PlayerId }
  | { readonly type: 'refuse'; readonly reason: Refusal }
  | { readonly type: 'lobby'; readonly lobby: WireLobby }
  /** A match begins, or runs already: what a client needs to follow it. */
  | { readonly type: 'match'; readonly match: number; readonly seed: number; readonly tick: Tick; readonly settings: readonly number[] }
  /** By how much the host's own player sees newer things than the median guest. */
  | { readonly type: 'advantage'; readonly hostAdvantageMs: number }
  | { readonly type: 'chat'; readonly from: PlayerId; readonly text: string }
  /** To the heir alone: what the host role consists of, bans first. Again with every change, until `moved`. */
  | { readonly type: 'bans'; readonly bans: readonly WireBan[] }
  | { readonly type: 'inherit'; readonly revision: number; readonly ownerToken: string; readonly lobby: LobbyEstate }
  /** The lobby goes on at another peer, which may be the one that is told. `heard`: messages of this guest that the old host took in. */
  | { readonly type: 'moved'; readonly peerId: PeerId; readonly heard: number }
  | { readonly type: 'bye'; readonly reason: Farewell };

const packr = new Packr({ useRecords: false, variableMapSize: true });
// Without structured clones: what is read has no circles.
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true, structuredClone: false });

/** Arrays in arrays in arrays…: deeper than any state is meant to be, and a circle is found at once. */
const DEPTH_MAX = 32;

/** Why a value cannot be packed such that it comes out as it went in; undefined if it can. Freezes it on request. */
function flawOf(value: unknown, isFreezing: boolean, depth = 0): string | undefined {
  if (typeof value === 'function' || typeof value === 'symbol') return `a ${typeof value}`;
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return undefined;
  if (depth === DEPTH_MAX) return `nested deeper than ${DEPTH_MAX} (or in a circle)`;
  if (!Array.isArray(value)) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      return `a ${(value as { constructor?: { name?: string } }).constructor?.name ?? 'class instance'}`;
    // The library gives it another name when reading.
    if (Object.hasOwn(value, '__proto__')) return "an object with the key '__proto__'";
  }
  for (const item of Object.values(value)) {
    const flaw = flawOf(item, isFreezing, depth + 1);
    if (flaw !== undefined) return flaw;
  }
  if (isFreezing) Object.freeze(value);
  return undefined;
}

/**
 * Plain data as msgpack: null, booleans, numbers, strings, bytes, arrays and plain objects of them. The bytes are good
 * until the next call. Throws TypeError naming what is no such thing.
 */
export function packValue(value: unknown): Uint8Array {
  const flaw = flawOf(value, false);
  if (flaw !== undefined) throw new TypeError(`the value is or holds what cannot be packed: ${flaw}`);
  return packr.pack(value);
}

/** What `packValue` packed, frozen; undefined if the bytes are none of its. `bytes` is kept by what is read from it. */
export function unpackValue(bytes: Uint8Array): unknown {
  try {
    const value: unknown = unpackr.unpack(bytes);
    return flawOf(value, true) === undefined ? value : undefined;
  } catch {
    return undefined;
  }
}

export function encodeControl(message: GuestMessage | HostMessage): Uint8Array {
  switch (message.type) {
    case 'lobby':
      return packr.pack({ ...message, lobby: packLobby(message.lobby) });
    case 'inherit':
      return packr.pack({ ...message, lobby: packEstate(message.lobby) });
    case 'bans':
      return packr.pack({ ...message, bans: packBans(message.bans) });
    default:
      return packr.pack(message);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function decode(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = unpackr.unpack(bytes);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
  } catch {
    return undefined;
  }
}

/** Not a number, or not one that could be: 0. */
const msOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? Math.min(ADVANTAGE_MS_MAX, Math.max(-ADVANTAGE_MS_MAX, value)) : 0;
const isChat = (value: unknown): value is string => typeof value === 'string' && value.length <= CHAT_TEXT_MAX;

/** A guest's message, or undefined if it is none. */
export function decodeGuestMessage(bytes: Uint8Array): GuestMessage | undefined {
  const m = decode(bytes);
  if (m === undefined) return undefined;
  const { type, name, color, isReady, team, isSpectating, isOn, revision } = m;
  switch (type) {
    case 'hello':
      return readHello(m);
    case 'name':
      return isText(name) ? { type, name } : undefined;
    case 'color':
      return isCount(color, 255) ? { type, color } : undefined;
    case 'ready':
      return isBool(isReady) ? { type, isReady } : undefined;
    case 'team':
      return isCount(team, TEAMS_MAX - 1) ? { type, team } : undefined;
    case 'spectate':
      return isBool(isSpectating) ? { type, isSpectating } : undefined;
    case 'voice':
      return isBool(isOn) ? { type, isOn } : undefined;
    case 'chat':
      return isChat(m['text']) ? { type, text: m['text'] } : undefined;
    case 'inherited':
      return isCount(revision, Number.MAX_SAFE_INTEGER) ? { type, revision } : undefined;
    case 'leave':
      return { type };
    default:
      return undefined;
  }
}

function readHello({ protocol, game, version, shape, name, identity, takeOver, password, isSpectating }: Fields): GuestMessage | undefined {
  // Of a peer with another protocol nothing but the number is relied on, so that it can be told so.
  if (!isCount(protocol, 65_535)) return undefined;
  const text = (value: unknown): string => (isText(value) ? value : '');
  return {
    type: 'hello',
    protocol,
    game: text(game),
    version: isCount(version, 65_535) ? version : -1,
    shape: isCount(shape, 0xffff_ffff) ? shape : -1,
    name: text(name),
    identity: isIdentity(identity) ? identity : '',
    takeOver: takeOver === true,
    password: text(password),
    isSpectating: isSpectating === true,
  };
}

/** A host's message, or undefined if it is none. */
export function decodeHostMessage(bytes: Uint8Array): HostMessage | undefined {
  const m = decode(bytes);
  if (m === undefined) return undefined;
  const { type, me, reason } = m;
  switch (type) {
    case 'welcome':
      return isSeat(me) ? { type, me } : undefined;
    case 'refuse':
      return isOneOf(reason, REFUSALS) ? { type, reason } : undefined;
    case 'lobby': {
      const lobby = readLobby(m['lobby']);
      return lobby === undefined ? undefined : { type, lobby };
    }
    case 'match':
      return readMatch(m);
    case 'advantage':
      return { type, hostAdvantageMs: msOf(m['hostAdvantageMs']) };
    case 'chat':
      return isSeat(m['from']) && isChat(m['text']) ? { type, from: m['from'], text: m['text'] } : undefined;
    case 'bans': {
      const bans = readBans(m['bans']);
      return bans === undefined ? undefined : { type, bans };
    }
    case 'inherit':
      return readInherit(m);
    case 'moved':
      return isPeerId(m['peerId']) && isCount(m['heard'], Number.MAX_SAFE_INTEGER)
        ? { type, peerId: m['peerId'], heard: m['heard'] }
        : undefined;
    case 'bye':
      return isOneOf(reason, FAREWELLS) ? { type, reason } : undefined;
    default:
      return undefined;
  }
}

const isSeat = (value: unknown): value is PlayerId => isCount(value, PLAYERS_MAX) && value > 0;

function readMatch({ match, seed, tick, settings }: Fields): HostMessage | undefined {
  if (!isCount(match, 0xffff_ffff) || !isCount(seed, 0xffff_ffff) || !isCount(tick, 2 ** 31) || !isSettings(settings)) return undefined;
  return { type: 'match', match, seed, tick: tick as Tick, settings };
}

function readInherit({ revision, ownerToken, lobby }: Fields): HostMessage | undefined {
  const estate = readEstate(lobby);
  if (estate === undefined || !isCount(revision, Number.MAX_SAFE_INTEGER) || !isText(ownerToken)) return undefined;
  return { type: 'inherit', revision, ownerToken, lobby: estate };
}
