/**
 * The session protocol: small msgpack messages on the reliable channel. Reading is total: a message is checked field by
 * field and comes out typed, or not at all. Values of any make within the state (`any` fields) are packed here too, since
 * this is the only importer of msgpackr (its build without `new Function`, so that a strict Content-Security-Policy holds).
 */
import { Packr, Unpackr } from 'msgpackr/index-no-eval';
import type { PlayerId, Tick } from '../core/ids.ts';
import { PLAYERS_MAX } from '../core/ids.ts';

/** Why the host does not let someone in. */
export const REFUSALS = ['wrong-version', 'wrong-game', 'full', 'locked', 'kicked', 'already-in'] as const;
export type Refusal = (typeof REFUSALS)[number];

/** Why the host ends someone's stay. */
export const FAREWELLS = ['kicked', 'host-left', 'replaced', 'protocol'] as const;
export type Farewell = (typeof FAREWELLS)[number];

export const PHASES = ['lobby', 'playing', 'results'] as const;

/** Longest text of a message, in UTF-16 units: a name of 20 characters of up to 7 units each, or an id. */
const TEXT_MAX = 160;

/** What a host may say of its player's advantage: no delay is that long. */
const ADVANTAGE_MS_MAX = 10_000;

export interface WirePlayer {
  readonly id: PlayerId;
  readonly name: string;
  readonly color: number;
  readonly isReady: boolean;
  readonly isHost: boolean;
  readonly isSilent: boolean;
}

export interface WireLobby {
  readonly code: string;
  readonly phase: (typeof PHASES)[number];
  readonly players: readonly WirePlayer[];
  readonly playersMax: number;
  readonly isLocked: boolean;
  /** Whatever the game's `result` returned; the game judges it. */
  readonly result: unknown;
}

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
    }
  | { readonly type: 'name'; readonly name: string }
  | { readonly type: 'color'; readonly color: number }
  | { readonly type: 'ready'; readonly isReady: boolean }
  | { readonly type: 'leave' };

/** What the host says. */
export type HostMessage =
  | { readonly type: 'welcome'; readonly me: PlayerId }
  | { readonly type: 'refuse'; readonly reason: Refusal }
  | { readonly type: 'lobby'; readonly lobby: WireLobby }
  /** A match begins, or runs already: what a client needs to follow it. */
  | { readonly type: 'match'; readonly match: number; readonly seed: number; readonly tick: Tick }
  /** By how much the host's own player sees newer things than the median guest. */
  | { readonly type: 'advantage'; readonly hostAdvantageMs: number }
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
  return packr.pack(message);
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

const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= TEXT_MAX;
const isCount = (value: unknown, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
/** Not a number, or not one that could be: 0. */
const msOf = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) ? Math.min(ADVANTAGE_MS_MAX, Math.max(-ADVANTAGE_MS_MAX, value)) : 0;
const isBool = (value: unknown): value is boolean => typeof value === 'boolean';
const isOneOf = <T extends string>(value: unknown, names: readonly T[]): value is T =>
  typeof value === 'string' && (names as readonly string[]).includes(value);

/** A guest's message, or undefined if it is none. */
export function decodeGuestMessage(bytes: Uint8Array): GuestMessage | undefined {
  const m = decode(bytes);
  if (m === undefined) return undefined;
  const { type, protocol, game, version, shape, name, identity, takeOver, color, isReady } = m;
  switch (type) {
    case 'hello': {
      // Of a peer with another protocol nothing but the number is relied on, so that it can be told so.
      if (!isCount(protocol, 65_535)) return undefined;
      const text = (value: unknown): string => (isText(value) ? value : '');
      return {
        type,
        protocol,
        game: text(game),
        version: isCount(version, 65_535) ? version : -1,
        shape: isCount(shape, 0xffff_ffff) ? shape : -1,
        name: text(name),
        identity: text(identity),
        takeOver: takeOver === true,
      };
    }
    case 'name':
      return isText(name) ? { type, name } : undefined;
    case 'color':
      return isCount(color, 255) ? { type, color } : undefined;
    case 'ready':
      return isBool(isReady) ? { type, isReady } : undefined;
    case 'leave':
      return { type };
    default:
      return undefined;
  }
}

/** A host's message, or undefined if it is none. */
export function decodeHostMessage(bytes: Uint8Array): HostMessage | undefined {
  const m = decode(bytes);
  if (m === undefined) return undefined;
  const { type, me, reason, match, seed, tick } = m;
  switch (type) {
    case 'welcome':
      return isCount(me, PLAYERS_MAX) && me > 0 ? { type, me: me as PlayerId } : undefined;
    case 'refuse':
      return isOneOf(reason, REFUSALS) ? { type, reason } : undefined;
    case 'lobby': {
      const lobby = readLobby(m['lobby']);
      return lobby === undefined ? undefined : { type, lobby };
    }
    case 'match':
      if (!isCount(match, 0xffff_ffff) || !isCount(seed, 0xffff_ffff) || !isCount(tick, 2 ** 31)) return undefined;
      return { type, match, seed, tick: tick as Tick };
    case 'advantage':
      return { type, hostAdvantageMs: msOf(m['hostAdvantageMs']) };
    case 'bye':
      return isOneOf(reason, FAREWELLS) ? { type, reason } : undefined;
    default:
      return undefined;
  }
}

function readLobby(value: unknown): WireLobby | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { code, phase, players, playersMax, isLocked, result } = value as Fields;
  if (!isText(code) || !isOneOf(phase, PHASES) || !isCount(playersMax, PLAYERS_MAX) || !isBool(isLocked)) return undefined;
  if (!Array.isArray(players) || players.length > PLAYERS_MAX) return undefined;
  const read: WirePlayer[] = [];
  for (const player of players as unknown[]) {
    if (typeof player !== 'object' || player === null) return undefined;
    const { id, name, color, isReady, isHost, isSilent } = player as Fields;
    if (
      !isCount(id, PLAYERS_MAX) ||
      id === 0 ||
      !isText(name) ||
      !isCount(color, 255) ||
      !isBool(isReady) ||
      !isBool(isHost) ||
      !isBool(isSilent)
    )
      return undefined;
    read.push({ id: id as PlayerId, name, color, isReady, isHost, isSilent });
  }
  return { code, phase, players: read, playersMax, isLocked, result };
}
