/**
 * One direct carrier of a link: the control channel that PeerJS opened and the state channel beside it, on one RTCPeerConnection, and up to three more state
 * lanes on connections of their own (`state-lanes.ts`). The first connection alone decides about the link's end.
 *
 * The netcode's messages are binary; the few of the link itself are text, so neither can be taken for the other:
 *
 *     control  'volley 2'            first message each way; the dialling side begins
 *     control  'lanes …', 'lane …'   how further lanes are opened: `state-lane-signals.ts`
 *     control  'bye'                 I close; what follows on the wire is only the end of the connection
 *     state    'bye'                 the same on every open lane, when my page dies and may not live to repeat a 'bye' that was lost
 *
 * The dialling side is open with its channels, and need not wait for the answer to its greeting: what it says next comes behind it. The
 * other is open when it was greeted. Both channels are streams of one SCTP association, so where one opens the other does.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { checkControlSize, checkStateSize, LinkInbox } from './inbox.ts';
import { watchSelectedPath } from './selected-path.ts';
import { StateLanes } from './state-lanes.ts';
import {
  CARRIER_CONTROL_BYTES_MAX,
  CONTROL_BUFFERED_BYTES_MAX,
  type Link,
  type LinkCounters,
  type LinkEnd,
  type Received,
  STATE_LANES_MAX,
} from './transport.ts';

const GREETING = 'volley 2';
const BYE = 'bye';

/** State bytes the browser may hold back. Half a second of full packets is stale already; whoever paces looks at it much earlier. */
const STATE_BUFFERED_BYTES_MAX = 32_768;
/** How long a closed link waits for its last control messages to arrive before the connection is torn down. */
const CLOSE_LINGER_MS = 1_000;
/** Channels a peer may open beside ours before the link is cut off; ours never open any. */
const EXTRA_CHANNELS_MAX = 8;
/** A connection that closes without a word after this much silence did not close: its path died. A playing peer is never silent for a second. */
const SILENCE_MEANS_LOST_MS = 5_000;
/** SCTP's cause code for an abort that the other side's application asked for (RFC 9260, 3.3.10.12): it closed. */
const SCTP_USER_INITIATED_ABORT = 12;

export interface PeerLinkParts {
  readonly remoteId: PeerId;
  readonly clock: Clock;
  readonly peerConnection: RTCPeerConnection;
  readonly stateChannel: RTCDataChannel;
  /** Whether this side dialled. */
  readonly isDialler: boolean;
  /** Makes the connection of a further lane. May throw. */
  readonly createConnection: () => RTCPeerConnection;
  /** The link became open. Called at most once, and not after `onEnd`. */
  readonly onOpen: () => void;
  /** The link ended, open or not. Called once. */
  readonly onEnd: () => void;
  /** Tears the connection down. Called once, after `onEnd`. */
  readonly release: () => void;
}

export class PeerLink implements Link {
  readonly remoteId: PeerId;
  readonly #parts: PeerLinkParts;
  readonly #state: RTCDataChannel;
  readonly #lanes: StateLanes;
  readonly #inbox = new LinkInbox({ isCarrier: true });
  #control: RTCDataChannel | undefined;
  #end: LinkEnd | undefined;
  #isOpen = false;
  #isReleased = false;
  #isGreeted = false;
  #hasGreeted = false;
  #hidesQueue = false;
  /** What the channels reported before they closed. */
  #verdict: 'closed-there' | 'lost' | undefined;
  #heardAtMs: number;
  #extraChannels = 0;
  #path: 'direct' | 'turn' = 'direct';
  #stopWatchingPath = (): void => undefined;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: PeerLinkParts) {
    this.#parts = parts;
    this.remoteId = parts.remoteId;
    this.#state = parts.stateChannel;
    this.#heardAtMs = parts.clock.nowMs();
    this.#lanes = new StateLanes({
      isDialler: parts.isDialler,
      clock: parts.clock,
      createConnection: parts.createConnection,
      say: (text) => this.#sayOnControl(text),
      onMessage: (data) => {
        this.#heardAtMs = parts.clock.nowMs();
        this.#onLaneMessage(data);
      },
      onChannel: (channel) => this.refuseChannel(channel),
      onMalformed: () => (this.#inbox.counters.malformedDropped += 1),
    });
    this.#attach(
      this.#state,
      (data) => this.#onLaneMessage(data),
      () => this.#checkOpen(),
    );
    parts.peerConnection.addEventListener('connectionstatechange', () => {
      if (parts.peerConnection.connectionState === 'failed') this.fail();
    });
  }

  get end(): LinkEnd | undefined {
    return this.#end;
  }

  get counters(): Readonly<LinkCounters> {
    return this.#inbox.counters;
  }

  /** Whether a TURN server stands in between, as soon as the browser has told. */
  get path(): 'direct' | 'turn' {
    return this.#path;
  }

  /** The browser's checks of the path get no answer: five seconds after it broke, and ten before it is given up. */
  get isTroubled(): boolean {
    return this.#parts.peerConnection.connectionState === 'disconnected';
  }

  stateBufferedBytes(lane = 0): number {
    if (lane !== 0) return this.#lanes.openChannel(lane)?.bufferedAmount ?? Infinity;
    return this.#end === undefined ? this.#state.bufferedAmount + (this.#control?.bufferedAmount ?? 0) : 0;
  }

  openLanes(count: number): void {
    if (this.#isOpen) this.#lanes.want(count);
  }

  /** The state channel as the browser reports it. */
  get stateChannel(): { readonly ordered: boolean; readonly maxRetransmits: number | null } {
    return { ordered: this.#state.ordered, maxRetransmits: this.#state.maxRetransmits };
  }

  get hidesQueue(): boolean {
    return this.#hidesQueue;
  }

  sendControl(bytes: Uint8Array): boolean {
    checkControlSize(bytes, CARRIER_CONTROL_BYTES_MAX);
    const control = this.#control;
    if (this.#end !== undefined || control === undefined) return false;
    if (control.bufferedAmount + bytes.byteLength > CONTROL_BUFFERED_BYTES_MAX) {
      this.#finish('overflow');
      return false;
    }
    if (!trySend(control, bytes)) return false;
    this.#inbox.countControlOut(bytes.byteLength);
    return true;
  }

  sendState(bytes: Uint8Array, lane = 0): boolean {
    checkStateSize(bytes);
    const channel = lane === 0 ? this.#state : this.#lanes.openChannel(lane);
    if (
      this.#end !== undefined ||
      channel === undefined ||
      channel.bufferedAmount + bytes.byteLength > STATE_BUFFERED_BYTES_MAX ||
      !trySend(channel, bytes)
    ) {
      this.#inbox.counters.stateSendRefused += 1;
      return false;
    }
    this.#inbox.countStateOut(bytes.byteLength);
    return true;
  }

  receiveControl(): Received | undefined {
    return this.#inbox.shiftControl();
  }

  receiveState(): Received | undefined {
    return this.#inbox.shiftState();
  }

  close(): void {
    this.#finish('closed-here');
  }

  /** As `close`, without waiting for anything to arrive: the page is going away. */
  closeNow(): void {
    for (let lane = 0; lane < STATE_LANES_MAX; lane++) {
      const channel = lane === 0 ? this.#state : this.#lanes.openChannel(lane);
      if (channel !== undefined) trySend(channel, BYE);
    }
    this.#finish('closed-here');
    this.#release();
  }

  /** The path died. */
  fail(): void {
    this.#finish('lost');
  }

  /** The connection was torn down under us. */
  onConnectionClosed(): void {
    const isSilent = this.#parts.clock.nowMs() - this.#heardAtMs > SILENCE_MEANS_LOST_MS;
    this.#finish(this.#verdict ?? (isSilent ? 'lost' : 'closed-there'));
    this.#release();
  }

  /** Takes the reliable, ordered channel once it exists. */
  attachControl(control: RTCDataChannel): void {
    this.#control = control;
    this.#attach(
      control,
      (data) => this.#onControlMessage(data),
      () => this.#greet(),
    );
  }

  /** Refuses a channel beside the two; a peer that goes on opening them is cut off. */
  refuseChannel(channel: RTCDataChannel): void {
    channel.close();
    this.#inbox.counters.malformedDropped += 1;
    this.#extraChannels += 1;
    if (this.#extraChannels > EXTRA_CHANNELS_MAX) this.#finish('overflow');
  }

  #attach(channel: RTCDataChannel, onMessage: (data: unknown) => void, onOpen: () => void): void {
    channel.binaryType = 'arraybuffer';
    channel.addEventListener('message', (event) => {
      this.#heardAtMs = this.#parts.clock.nowMs();
      if (this.#end === undefined) onMessage(event.data);
      // Both sides closed at once: neither has anything more to wait for.
      else if (event.data === BYE) this.#release();
    });
    channel.addEventListener('error', (event) => {
      const { error } = event;
      if (error.errorDetail === 'sctp-failure') this.#verdict = error.sctpCauseCode === SCTP_USER_INITIATED_ABORT ? 'closed-there' : 'lost';
    });
    channel.addEventListener('close', () => this.onConnectionClosed());
    const open = () => {
      if (this.#end === undefined) onOpen();
    };
    if (channel.readyState === 'open') open();
    else channel.addEventListener('open', open);
  }

  /** What may come on any lane. */
  #onLaneMessage(data: unknown): void {
    if (data instanceof ArrayBuffer) this.#inbox.pushState(new Uint8Array(data), this.#parts.clock.nowMs());
    else if (data === BYE) this.#finish('closed-there');
    else this.#inbox.counters.malformedDropped += 1;
  }

  #onControlMessage(data: unknown): void {
    if (data instanceof ArrayBuffer && this.#isGreeted) {
      if (!this.#inbox.pushControl(new Uint8Array(data), this.#parts.clock.nowMs())) this.#finish('overflow');
    } else if (data === GREETING && !this.#isGreeted) {
      this.#isGreeted = true;
      this.#greet();
    } else if (data === BYE) {
      this.#finish('closed-there');
    } else if (typeof data === 'string' && this.#isGreeted) {
      this.#lanes.hear(data);
    } else {
      this.#inbox.counters.malformedDropped += 1;
    }
  }

  /** Text of the link's own. It counts towards what the other side must read, like the netcode's. */
  #sayOnControl(text: string): void {
    const control = this.#control;
    if (this.#end !== undefined || control === undefined) return;
    if (control.bufferedAmount + text.length > CONTROL_BUFFERED_BYTES_MAX) this.#finish('overflow');
    else trySend(control, text);
  }

  /**
   * The side that was handed the channel answers only: what it sends in the very event would stay in Chromium's `bufferedAmount` until
   * something else is sent.
   */
  #greet(): void {
    const control = this.#control;
    if (control === undefined || this.#hasGreeted || !(this.#parts.isDialler || this.#isGreeted)) return;
    this.#hasGreeted = trySend(control, GREETING);
    // In browsers what was sent is still buffered when `send` returns. libdatachannel has it out of sight by then, whatever becomes of it.
    this.#hidesQueue = this.#hasGreeted && control.bufferedAmount === 0;
    this.#checkOpen();
  }

  #checkOpen(): void {
    // What the netcode says must come behind our own greeting: the other side takes nothing before it.
    if (this.#isOpen || this.#end !== undefined || !this.#hasGreeted || this.#state.readyState !== 'open') return;
    this.#isOpen = true;
    this.#stopWatchingPath = watchSelectedPath(this.#parts.peerConnection, (path) => (this.#path = path));
    this.#parts.onOpen();
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#stopWatchingPath();
    this.#lanes.close();
    this.#parts.onEnd();
    if (this.#isReleased) return;
    const control = this.#control;
    if (end === 'closed-here' && control?.readyState === 'open' && trySend(control, BYE)) {
      // The other side hangs up when 'bye', and with it all control sent before, has arrived: that event releases us.
      this.#lingerTimer = setTimeout(() => this.#release(), CLOSE_LINGER_MS);
    } else {
      this.#release();
    }
  }

  #release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    clearTimeout(this.#lingerTimer);
    this.#parts.release();
  }
}

/** A channel that closes this very moment throws; whoever sends learns of it from the link's end. */
function trySend(channel: RTCDataChannel, data: Uint8Array | string): boolean {
  if (channel.readyState !== 'open') return false;
  try {
    // The channel copies before it returns. Our buffers are never shared with another thread, which is all the type asks.
    if (typeof data === 'string') channel.send(data);
    else channel.send(data as Uint8Array<ArrayBuffer>);
    return true;
  } catch {
    return false;
  }
}
