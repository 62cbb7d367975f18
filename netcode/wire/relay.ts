/**
 * What a player's page and the broker's relay say to each other: the last way between two players whom no direct path and no TURN server
 * joins. One WebSocket for each end of a pair. The broker reads nothing but the first byte of what it passes on.
 *
 *   page -> broker   text     RelayHello, once, first
 *   broker -> page   text     RelayAnswer: 'paired' when the other end is there, or 'refused', and then it closes
 *   both, from then  binary   [kind u8][payload]
 *
 *   kind 0  control   1 to 16,400 bytes; reliable and in order
 *   kind 1  state     1 to 1,120 bytes; a newer one may take the place of one that still waits
 *   kind 2  credit    u32, little-endian: how many frames of kinds 0 and 1 have been received on this socket, modulo 2^32
 *
 * Credit belongs to one socket, not to the pair: each side of it acknowledges what the other side sent, so that each sees what is on its
 * way and puts no more state behind a queue (`relay-window.ts`). It is sent for every frame received, or for several that came together.
 *
 * Both ends name the pair by a secret that the guest made up and told the host by signalling, which vouches for the sender. The guest
 * proves itself by the lobby's code, the host by its owner token.
 */
import { isCanonicalCode } from './lobby-api.ts';

export const RELAY_PATH = '/relay';
export const RELAY_VERSION = 1;
export const RELAY_CONTROL = 0;
export const RELAY_STATE = 1;
export const RELAY_CREDIT = 2;
/** A link's largest control message, and what the link's ends put before it to go on over another path. */
export const RELAY_CONTROL_BYTES_MAX = 16_400;
/** A link's largest state packet, with room for the same. */
export const RELAY_STATE_BYTES_MAX = 1_120;
export const RELAY_CREDIT_BYTES = 5;

/** The WebSocket is closed with this when the other end is gone. */
export const RELAY_PEER_GONE = 4_001;
/** After an answer 'refused'. */
export const RELAY_REFUSED = 4_003;
/** This end broke the rules: too fast for too long, or frames that are none. */
export const RELAY_VIOLATION = 4_008;

export type RelayHello =
  | { readonly v: number; readonly role: 'guest'; readonly code: string; readonly pair: string }
  | { readonly v: number; readonly role: 'host'; readonly code: string; readonly pair: string; readonly ownerToken: string };

export const RELAY_REFUSALS = [
  /** The hello was none, or of another version. */
  'bad-request',
  'unknown-code',
  'not-owner',
  /** The lobby's host allows no relay. */
  'not-allowed',
  /** This end of the pair is taken. */
  'busy',
  /** The other end did not come in time. */
  'no-peer',
  /** The broker relays as many pairs as it may, or this address asks for too much. */
  'too-many',
  'unavailable',
] as const;
export type RelayRefusal = (typeof RELAY_REFUSALS)[number];

export type RelayAnswer =
  | { readonly type: 'paired' }
  | { readonly type: 'refused'; readonly reason: RelayRefusal; readonly message: string };

/** 128 bits as base64url. */
const PAIR_PATTERN = /^[A-Za-z0-9_-]{22}$/;
const OWNER_TOKEN_PATTERN = /^[A-Za-z0-9_-]{16,128}$/;
/** The longest hello is about 250 characters. */
const TEXT_LENGTH_MAX = 512;
const MESSAGE_LENGTH_MAX = 200;

export function isRelayPair(value: unknown): value is string {
  return typeof value === 'string' && PAIR_PATTERN.test(value);
}

/** Undefined when the text is no hello of this version. Never throws. */
export function readRelayHello(text: string): RelayHello | undefined {
  const { v, role, code, pair, ownerToken } = parse(text);
  if (v !== RELAY_VERSION || !isCanonicalCode(code) || !isRelayPair(pair)) return undefined;
  if (role === 'guest') return { v, role, code, pair };
  if (role !== 'host' || typeof ownerToken !== 'string' || !OWNER_TOKEN_PATTERN.test(ownerToken)) return undefined;
  return { v, role, code, pair, ownerToken };
}

/** Undefined when the text is no answer of a relay. Never throws. */
export function readRelayAnswer(text: string): RelayAnswer | undefined {
  const { type, reason, message } = parse(text);
  if (type === 'paired') return { type };
  const known = RELAY_REFUSALS.find((refusal) => refusal === reason);
  if (type !== 'refused' || known === undefined) return undefined;
  return { type, reason: known, message: typeof message === 'string' ? message.slice(0, MESSAGE_LENGTH_MAX) : '' };
}

/** Writes `received` as a credit frame into the first RELAY_CREDIT_BYTES of `target`. */
export function writeRelayCredit(target: Uint8Array, received: number): void {
  target[0] = RELAY_CREDIT;
  for (let i = 0; i < 4; i++) target[i + 1] = (received >>> (8 * i)) & 0xff;
}

/** The count in a credit frame; undefined if it is none. */
export function readRelayCredit(frame: Uint8Array): number | undefined {
  if (frame.length !== RELAY_CREDIT_BYTES || frame[0] !== RELAY_CREDIT) return undefined;
  return (frame[1]! | (frame[2]! << 8) | (frame[3]! << 16) | (frame[4]! << 24)) >>> 0;
}

/** Whether it is a control or state frame of a legal size. */
export function isRelayData(frame: Uint8Array): boolean {
  const size = frame.length - 1;
  if (size < 1) return false;
  if (frame[0] === RELAY_CONTROL) return size <= RELAY_CONTROL_BYTES_MAX;
  return frame[0] === RELAY_STATE && size <= RELAY_STATE_BYTES_MAX;
}

function parse(text: string): Readonly<Record<string, unknown>> {
  if (text.length > TEXT_LENGTH_MAX) return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
