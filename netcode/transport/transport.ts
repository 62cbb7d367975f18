/**
 * The one interface between the netcode and a network. A `Link` joins two peers with two channels:
 *
 * - control: reliable and ordered, for the session protocol (hello, lobby, start, leave);
 * - state: unordered and never retransmitted, for inputs and snapshots.
 *
 * Everything is polled. A transport's callbacks only put what arrived in a bounded inbox; the tick
 * takes it out at its own pace. So the same netcode runs over WebRTC and in virtual time.
 */
import type { PeerId } from '../core/ids.ts';
import type { JoinTrace } from './join-trace.ts';
import { RELAY_CONTROL_BYTES_MAX } from '../wire/relay.ts';

/**
 * Largest state packet: what fits one of SCTP's packets (1,176 B of chunks in browsers) beside an acknowledgement with some gaps, since a
 * fragmented message dies with any fragment.
 */
export const STATE_PACKET_BYTES_MAX = 1_100;
/** State channels of one link at most, the first included. */
export const STATE_LANES_MAX = 4;
/** Largest control message. A lobby of 31 players is under 4 KiB; Chromium's hard limit is 256 KiB. */
export const CONTROL_MESSAGE_BYTES_MAX = 16_384;
/**
 * What a carrier takes: a link that goes on over another path when one breaks (`path-link.ts`) puts a header before each control message,
 * and sends it over links of this kind.
 */
export const CARRIER_CONTROL_BYTES_MAX = RELAY_CONTROL_BYTES_MAX;
/** State packets waiting to be drained; the oldest is dropped beyond that. One second at 60 Hz, with room. */
export const STATE_INBOX_PACKETS_MAX = 128;
/** Control messages waiting to be drained; a peer that fills it is cut off (`overflow`). */
export const CONTROL_INBOX_MESSAGES_MAX = 256;
/** Control bytes the sender may have queued; beyond that the peer does not read and is cut off (`overflow`). */
export const CONTROL_BUFFERED_BYTES_MAX = 1_048_576;

export interface Received {
  readonly bytes: Uint8Array;
  /** When it arrived, on the local clock. */
  readonly atMs: number;
}

/**
 * Why a link ended. `closed-here`: our `close()`. `closed-there`: the other side's `close()` or its page left.
 * `lost`: the path died without a word. `overflow`: a bounded queue was filled.
 */
export type LinkEnd = 'closed-here' | 'closed-there' | 'lost' | 'overflow';

/** How a link's bytes travel: between the two machines, through a TURN server, or through the broker's relay. */
export type LinkPath = 'direct' | 'turn' | 'relay';

/** Every counter only grows. Bytes are payload bytes. */
export interface LinkCounters {
  statePacketsOut: number;
  statePacketsIn: number;
  stateBytesOut: number;
  stateBytesIn: number;
  controlMessagesOut: number;
  controlMessagesIn: number;
  controlBytesOut: number;
  controlBytesIn: number;
  /** State packets that left the inbox undrained because it was full. */
  stateInboxDropped: number;
  /** Messages of the wrong type or above the size limit, dropped on arrival. */
  malformedDropped: number;
  /** State packets not handed to the channel because it was closed or would not take them. */
  stateSendRefused: number;
}

export interface Link {
  readonly remoteId: PeerId;
  /** Undefined while the link is open. Never changes once set. */
  readonly end: LinkEnd | undefined;
  readonly counters: Readonly<LinkCounters>;
  /** How its bytes travel now; it may change while the link is open. Undefined: 'direct'. */
  readonly path?: LinkPath | undefined;
  /** How often it went over to another carrier. What was learnt of the path before that holds no longer. Undefined: 0, for ever. */
  readonly pathChanges?: number | undefined;
  /** Whether state goes over a stream, as through the relay: reliable, in order, one lane, with a window of its own. Undefined: false. */
  readonly isStream?: boolean | undefined;
  /** Whether the path reports that nothing comes back, though it has not given up. Undefined: false. */
  readonly isTroubled?: boolean | undefined;
  /** The state channel as the browser reports it; undefined where there is no real one. */
  readonly stateChannel?: { readonly ordered: boolean; readonly maxRetransmits: number | null } | undefined;
  /**
   * State bytes handed to a lane (default: the first) that have not left this machine; Infinity if the lane is not open. What is
   * handed to the control channel shares the first lane's association, and counts there.
   */
  stateBufferedBytes(lane?: number): number;
  /**
   * Whether what waits for SCTP's window does not show in `stateBufferedBytes`: libdatachannel, in Node, takes it into a buffer of its own.
   * Undefined: false.
   */
  readonly hidesQueue?: boolean;
  /**
   * Sends reliably and in order. The bytes are copied or handed over before it returns.
   * Returns false when the link has ended. Throws RangeError above `CONTROL_MESSAGE_BYTES_MAX`.
   */
  sendControl(bytes: Uint8Array): boolean;
  /**
   * Sends once, perhaps never to arrive. The bytes are copied or handed over before it returns.
   * Returns false when the link has ended, the lane is not open or its channel refused. Throws RangeError above
   * `STATE_PACKET_BYTES_MAX`.
   */
  sendState(bytes: Uint8Array, lane?: number): boolean;
  /**
   * Asks for `count` lanes (at most STATE_LANES_MAX), which open in the background where the transport has more than one to give:
   * state channels on associations of their own, so that what stalls one leaves the others alone. Cheap; may be asked again and again.
   * Lanes that break are opened anew while they are asked for. Both sides have the same lanes.
   */
  openLanes(count: number): void;
  /**
   * Says that what is sent seems not to arrive, whatever comes back: a link that has other paths finds out, and goes on over one of them if
   * it is so. Cheap; may be said again and again. Missing where there is one path only.
   */
  doubt?(): void;
  /** The next control message, in order, or undefined. Messages that arrived before the end can still be read after it. */
  receiveControl(): Received | undefined;
  /** The next state packet in order of arrival, or undefined. */
  receiveState(): Received | undefined;
  /** Ends the link at once on this side; control messages sent before are still delivered where the network allows. */
  close(): void;
}

/** Why a dial failed. */
export type DialFailure =
  /** The broker does not know the peer, or says it is gone. */
  | 'peer-unknown'
  /** The peer was found, but no path opened in time (ICE, DTLS or channels). */
  | 'unreachable'
  /** The broker could not be reached or refused us. */
  | 'broker-unreachable'
  /** `close()` or the abort signal. */
  | 'cancelled';

export class DialError extends Error {
  readonly failure: DialFailure;
  constructor(failure: DialFailure, message: string) {
    super(message);
    this.name = 'DialError';
    this.failure = failure;
  }
}

/** Lets a guest through the broker's relay. It is looked at whenever a path is dialled: what a lobby allows may change. */
export interface RelayTicket {
  /** The lobby's code; undefined while the lobby allows no relay. */
  readonly code: string | undefined;
}

/** Lets the host through, too: proves whose lobby it is. */
export interface RelayPass {
  readonly code: string;
  readonly ownerToken: string;
}

export interface DialOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
  /** Where no other path opens, the broker's relay may be used. Undefined: never. */
  readonly relay?: RelayTicket | undefined;
  /** Notes what becomes of the dial. */
  readonly trace?: JoinTrace | undefined;
}

export interface Transport {
  /** This peer's address: what others pass to `connect`. */
  readonly localId: PeerId;
  /** Whether new peers can find us now. Open links do not depend on it. */
  readonly isReachable: boolean;
  /** From now on others may dial us; before, nobody's dial is answered. Missing where everybody may from the beginning. */
  listen?(): void;
  /** The next incoming link, fully open, or undefined. */
  accept(): Link | undefined;
  /** Opens a link; resolves when what is sent over it will arrive, state as far as the network allows. Rejects with DialError. */
  connect(remoteId: PeerId, options: DialOptions): Promise<Link>;
  /** From now on guests may come through the broker's relay; undefined: no longer. Missing where there is none. */
  allowRelay?(pass: RelayPass | undefined): void;
  /** Ends every link and stops being reachable. */
  close(): void;
}
