/**
 * What the broker may tell PeerJS. Peers are strangers and the broker only relays, while PeerJS trusts every frame: an OFFER naming
 * the serialization 'constructor' yields a connection that is none, a missing payload throws inside its event handler, candidates for
 * unknown connections are kept for ever. So each frame is read here first, and PeerJS gets a fresh object with the known fields only.
 */
import { isRelayPair } from '../wire/relay.ts';

/** The label of the control channel, and of the PeerJS connection it belongs to. */
export const CONTROL_LABEL = 'control';

/** An offer for data channels is about 1 KB; this leaves room for candidates within it. The broker caps frames at the same size. */
const SDP_LENGTH_MAX = 65_536;
/** One candidate line; the longest real ones, with mDNS names and TCP types, stay below 300 characters. */
const CANDIDATE_LENGTH_MAX = 1_024;
/** PeerJS makes 'dc_' and about 11 random characters. */
const CONNECTION_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;
/** The broker's own rule for ids. */
const PEER_ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

interface Description<T extends 'offer' | 'answer'> {
  readonly type: T;
  readonly sdp: string;
}

export interface Candidate {
  readonly candidate: string;
  readonly sdpMid: string | null;
  readonly sdpMLineIndex: number | null;
  readonly usernameFragment: string | null;
}

export type Signal =
  | { readonly type: 'OPEN' }
  | { readonly type: 'ERROR' | 'ID-TAKEN' | 'INVALID-KEY'; readonly payload: { readonly msg: string } }
  /** The peer left the broker, or an offer to it expired there. */
  | { readonly type: 'LEAVE' | 'EXPIRE'; readonly src: string }
  | {
      readonly type: 'OFFER';
      readonly src: string;
      readonly payload: {
        readonly type: 'data';
        readonly serialization: 'raw';
        readonly reliable: true;
        readonly label: string;
        readonly connectionId: string;
        readonly sdp: Description<'offer'>;
      };
    }
  | {
      readonly type: 'ANSWER';
      readonly src: string;
      readonly payload: {
        readonly type: 'data';
        readonly connectionId: string;
        readonly sdp: Description<'answer'>;
      };
    }
  | {
      readonly type: 'CANDIDATE';
      readonly src: string;
      readonly payload: {
        readonly type: 'data';
        readonly connectionId: string;
        readonly candidate: Candidate;
      };
    }
  | MediaSignal
  /** The peer waits at the broker's relay under this name. On the wire an OFFER: brokers know no other frame that begins something. */
  | { readonly type: 'RELAY'; readonly src: string; readonly pair: string };

/** Of a voice call. */
export type MediaSignal =
  | { readonly type: 'OFFER'; readonly src: string; readonly payload: MediaPayload & { readonly sdp: Description<'offer'> } }
  | { readonly type: 'ANSWER'; readonly src: string; readonly payload: MediaPayload & { readonly sdp: Description<'answer'> } }
  | { readonly type: 'CANDIDATE'; readonly src: string; readonly payload: MediaPayload & { readonly candidate: Candidate } };

interface MediaPayload {
  readonly type: 'media';
  readonly connectionId: string;
}

/** The payload of the OFFER that asks a peer to the relay. */
export function relayOffer(pair: string): { readonly type: 'relay'; readonly connectionId: string } {
  return { type: 'relay', connectionId: pair };
}

/** Undefined when the frame is none that Volley's peers and broker send. Never throws. */
export function readSignal(frame: unknown): Signal | undefined {
  if (!isObject(frame)) return undefined;
  const { type, src } = frame;
  const payload = isObject(frame['payload']) ? frame['payload'] : {};
  switch (type) {
    case 'OPEN':
      return { type };
    case 'ERROR':
    case 'ID-TAKEN':
    case 'INVALID-KEY':
      return { type, payload: { msg: typeof payload['msg'] === 'string' ? payload['msg'].slice(0, 200) : '' } };
    case 'LEAVE':
    case 'EXPIRE':
      return isPeerId(src) ? { type, src } : undefined;
    case 'OFFER':
    case 'ANSWER':
    case 'CANDIDATE':
      return isPeerId(src) ? readConnectionSignal(type, src, payload) : undefined;
    default:
      return undefined;
  }
}

function readConnectionSignal(
  type: 'OFFER' | 'ANSWER' | 'CANDIDATE',
  src: string,
  payload: Readonly<Record<string, unknown>>,
): Signal | undefined {
  const { connectionId } = payload;
  if (payload['type'] === 'relay')
    return type === 'OFFER' && isRelayPair(connectionId) ? { type: 'RELAY', src, pair: connectionId } : undefined;
  if (typeof connectionId !== 'string' || !CONNECTION_ID_PATTERN.test(connectionId)) return undefined;
  if (payload['type'] === 'media') return readMediaSignal({ type, src, connectionId }, payload);
  if (payload['type'] !== 'data') return undefined;
  switch (type) {
    case 'OFFER': {
      const sdp = readDataDescription('offer', payload['sdp']);
      if (sdp === undefined || payload['serialization'] !== 'raw' || payload['reliable'] !== true || payload['label'] !== CONTROL_LABEL)
        return undefined;
      return { type, src, payload: { type: 'data', serialization: 'raw', reliable: true, label: CONTROL_LABEL, connectionId, sdp } };
    }
    case 'ANSWER': {
      const sdp = readDataDescription('answer', payload['sdp']);
      return sdp && { type, src, payload: { type: 'data', connectionId, sdp } };
    }
    case 'CANDIDATE': {
      const candidate = readCandidate(payload['candidate']);
      return candidate && { type, src, payload: { type: 'data', connectionId, candidate } };
    }
  }
}

function readMediaSignal(
  { type, src, connectionId }: Pick<MediaSignal, 'type' | 'src'> & Pick<MediaPayload, 'connectionId'>,
  payload: Readonly<Record<string, unknown>>,
): MediaSignal | undefined {
  switch (type) {
    case 'OFFER': {
      const sdp = readDescription('offer', payload['sdp']);
      return sdp && { type, src, payload: { type: 'media', connectionId, sdp } };
    }
    case 'ANSWER': {
      const sdp = readDescription('answer', payload['sdp']);
      return sdp && { type, src, payload: { type: 'media', connectionId, sdp } };
    }
    case 'CANDIDATE': {
      const candidate = readCandidate(payload['candidate']);
      return candidate && { type, src, payload: { type: 'media', connectionId, candidate } };
    }
  }
}

function readDescription<T extends 'offer' | 'answer'>(type: T, value: unknown): Description<T> | undefined {
  if (!isObject(value) || value['type'] !== type) return undefined;
  const { sdp } = value;
  return typeof sdp === 'string' && sdp.length <= SDP_LENGTH_MAX ? { type, sdp } : undefined;
}

function readDataDescription<T extends 'offer' | 'answer'>(type: T, value: unknown): Description<T> | undefined {
  const description = readDescription(type, value);
  return isDataSdp(description?.sdp) ? description : undefined;
}

/** Data channels and nothing else: an offer of sound or video would make the browser set up a receiver for it. */
export function isDataSdp(value: unknown): value is string {
  if (typeof value !== 'string') return false;
  const media = value.match(/^m=\S*/gm);
  return media !== null && media.length === 1 && media[0] === 'm=application';
}

/** Undefined when it is no ICE candidate of a usual size. Never throws. */
export function readCandidate(value: unknown): Candidate | undefined {
  if (!isObject(value)) return undefined;
  const { candidate, sdpMid = null, sdpMLineIndex = null, usernameFragment = null } = value;
  if (typeof candidate !== 'string' || candidate.length > CANDIDATE_LENGTH_MAX) return undefined;
  if (!isShortTextOrNull(sdpMid) || !isShortTextOrNull(usernameFragment)) return undefined;
  if (
    sdpMLineIndex !== null &&
    !(typeof sdpMLineIndex === 'number' && Number.isInteger(sdpMLineIndex) && sdpMLineIndex >= 0 && sdpMLineIndex < 16)
  ) {
    return undefined;
  }
  return { candidate, sdpMid, sdpMLineIndex, usernameFragment };
}

function isPeerId(value: unknown): value is string {
  return typeof value === 'string' && PEER_ID_PATTERN.test(value);
}

/** ICE user fragments have at most 256 characters (RFC 8839); media ids are shorter. */
function isShortTextOrNull(value: unknown): value is string | null {
  return value === null || (typeof value === 'string' && value.length <= 256);
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
