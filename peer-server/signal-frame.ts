/**
 * What a signalling client may say. Every frame is checked here before the PeerJS server or another player's page sees
 * it, because neither checks anything: a frame without a payload makes the receiving page throw, and a payload nested
 * thousands of levels deep makes the PeerJS server hang up on the innocent receiver (its JSON.stringify overflows the stack).
 * A frame that is not exactly one of those below is malformed. `src`, should a client say one, is not even read.
 *
 *   {"type":"HEARTBEAT"}                                  every 5 s, keeps the registration
 *   {"type":"OFFER","dst":ID,"payload":{...}}             to a peer; ANSWER and CANDIDATE alike
 *   {"type":"LEAVE","dst":ID}                             to a peer: our connections are over
 *   {"type":"LEAVE"}                                      to the broker: forget me
 */
import type { RawData } from 'ws';
import { isPeerId } from './peer-params.ts';

/** Largest frame. An SDP offer for data channels is about 1 KB, one with video 8 KB; this leaves room for candidates and metadata. */
export const FRAME_BYTES_MAX = 65_536;
/** PeerJS's own payloads are two levels deep (`payload.sdp.type`); the rest is room for an application's metadata. */
const PAYLOAD_DEPTH_MAX = 16;
const CONNECTION_ID_LENGTH_MAX = 128;
/** PeerJS looks the serializer up by this name and calls it as a constructor; an unknown one throws in the receiving page. */
const SERIALIZATIONS: ReadonlySet<unknown> = new Set(['raw', 'json', 'binary', 'binary-utf8', 'default']);

/** What PeerJS writes before and after a frame's members: `JSON.stringify({ type, payload, dst })`. */
const TYPE_MARK = '{"type":"';
const PAYLOAD_MARK = '","payload":';
const DST_MARK = ',"dst":';
const HEARTBEAT_TEXT = '{"type":"HEARTBEAT"}';

/** To another client. */
export interface PeerFrame {
  readonly type: 'OFFER' | 'ANSWER' | 'CANDIDATE' | 'LEAVE';
  readonly dst: string;
  readonly payload: unknown;
  /** The payload as it arrived, which saves writing it anew; undefined when the frame was not written as PeerJS writes it. */
  readonly payloadText?: string | undefined;
}

export type SignalFrame = { readonly type: 'HEARTBEAT' } | { readonly type: 'LEAVE'; readonly dst: undefined } | PeerFrame;

const HEARTBEAT: SignalFrame = { type: 'HEARTBEAT' };

/** Undefined when the frame is malformed. Never throws. */
export function readSignalFrame(data: RawData, isBinary: boolean): SignalFrame | undefined {
  if (isBinary) return undefined;
  // A text frame arrives as one Buffer whose UTF-8 was checked.
  const text = (data as Buffer).toString('utf8');
  if (text === HEARTBEAT_TEXT) return HEARTBEAT;
  const message = readAsWritten(text) ?? parseObject(text);
  if (message === undefined) return undefined;
  const { type, dst, payload, payloadText } = message;
  switch (type) {
    case 'HEARTBEAT':
      return HEARTBEAT;
    case 'LEAVE':
      if (dst === undefined || dst === null || dst === '') return { type, dst: undefined };
      return isPeerId(dst) && isShallow(payload, PAYLOAD_DEPTH_MAX) ? { type, dst, payload, payloadText } : undefined;
    case 'OFFER':
      return isPeerId(dst) && isSignalPayload(payload) && isOfferPayload(payload) ? { type, dst, payload, payloadText } : undefined;
    case 'ANSWER':
    case 'CANDIDATE':
      return isPeerId(dst) && isSignalPayload(payload) ? { type, dst, payload, payloadText } : undefined;
    default:
      return undefined;
  }
}

interface Message {
  readonly type?: unknown;
  readonly dst?: unknown;
  readonly payload?: unknown;
  readonly payloadText?: string | undefined;
}

/**
 * A frame written as PeerJS writes it, and undefined for any other. What stands between the marks is parsed by itself: if that
 * is one JSON value, it is the payload and there is nothing else, no second `payload` or `src` that others might read instead.
 */
function readAsWritten(text: string): Message | undefined {
  const typeEnd = text.indexOf('"', TYPE_MARK.length);
  const dstAt = text.lastIndexOf(DST_MARK);
  if (!text.startsWith(TYPE_MARK) || !text.startsWith(PAYLOAD_MARK, typeEnd) || !text.endsWith('"}')) return undefined;
  const payloadAt = typeEnd + PAYLOAD_MARK.length;
  if (dstAt < payloadAt) return undefined;
  const payloadText = text.slice(payloadAt, dstAt);
  try {
    const payload: unknown = JSON.parse(payloadText);
    // Parsed, for a part of the text that somebody keeps would keep all of it.
    const dst: unknown = JSON.parse(text.slice(dstAt + DST_MARK.length, -1));
    return { type: text.slice(TYPE_MARK.length, typeEnd), dst, payload, payloadText };
  } catch {
    return undefined;
  }
}

/** Any other frame. */
function parseObject(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (!isObject(value)) return undefined;
    const { type, dst, payload } = value;
    return { type, dst, payload };
  } catch {
    return undefined;
  }
}

function isSignalPayload(payload: unknown): payload is Record<string, unknown> {
  if (!isObject(payload)) return false;
  const connectionId = payload['connectionId'];
  if (typeof connectionId !== 'string' || connectionId === '' || connectionId.length > CONNECTION_ID_LENGTH_MAX) return false;
  return isShallow(payload, PAYLOAD_DEPTH_MAX);
}

/** A call names no serializer. */
function isOfferPayload(payload: Record<string, unknown>): boolean {
  // Of the three PeerJS ignores 'relay', which asks a Volley page to the broker's relay.
  return (
    payload['type'] === 'media' ||
    payload['type'] === 'relay' ||
    (payload['type'] === 'data' && SERIALIZATIONS.has(payload['serialization']))
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isShallow(value: unknown, depthMax: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (depthMax === 0) return false;
  for (const member of Object.values(value)) {
    if (!isShallow(member, depthMax - 1)) return false;
  }
  return true;
}
