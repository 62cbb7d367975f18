/**
 * One link over one RTCPeerConnection: the control channel that PeerJS opened and the state channel beside it.
 *
 * The netcode's messages are binary; the few of the link itself are text, so neither can be taken for the other:
 *
 *     control  'volley 1'  first message each way
 *     state    'volley 1'  again and again until the other side has seen one
 *     control  'seen'      the other side's state channel reaches me
 *     control  'bye'       I close; what follows on the wire is only the end of the connection
 *
 * A side is open when it was greeted on both channels and told 'seen'. So `connect` resolves when both channels carry data both ways.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { checkControlSize, checkStateSize, LinkInbox } from './inbox.ts';
import { CONTROL_BUFFERED_BYTES_MAX, type Link, type LinkCounters, type LinkEnd, type Received } from './transport.ts';

const GREETING = 'volley 1';
const SEEN = 'seen';
const BYE = 'bye';

/** The state channel may lose a greeting; this often it is said again. */
const GREETING_INTERVAL_MS = 100;
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
  readonly #inbox = new LinkInbox();
  #control: RTCDataChannel | undefined;
  #end: LinkEnd | undefined;
  #isOpen = false;
  #isReleased = false;
  #isGreeted = false;
  #seesRemoteState = false;
  #isStateSeen = false;
  /** What the channels reported before they closed. */
  #verdict: 'closed-there' | 'lost' | undefined;
  #heardAtMs: number;
  #extraChannels = 0;
  #greetingTimer: ReturnType<typeof setInterval> | undefined;
  #lingerTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(parts: PeerLinkParts) {
    this.#parts = parts;
    this.remoteId = parts.remoteId;
    this.#state = parts.stateChannel;
    this.#heardAtMs = parts.clock.nowMs();
    this.#attach(
      this.#state,
      (data) => this.#onStateMessage(data),
      () => {
        this.#greetOnState();
        this.#greetingTimer = setInterval(() => this.#greetOnState(), GREETING_INTERVAL_MS);
      },
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

  get stateBufferedBytes(): number {
    return this.#end === undefined ? this.#state.bufferedAmount : 0;
  }

  /** The state channel as the browser reports it. */
  get stateChannel(): { readonly ordered: boolean; readonly maxRetransmits: number | null } {
    return { ordered: this.#state.ordered, maxRetransmits: this.#state.maxRetransmits };
  }

  sendControl(bytes: Uint8Array): boolean {
    checkControlSize(bytes);
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

  sendState(bytes: Uint8Array): boolean {
    checkStateSize(bytes);
    if (
      this.#end !== undefined ||
      this.#state.bufferedAmount + bytes.byteLength > STATE_BUFFERED_BYTES_MAX ||
      !trySend(this.#state, bytes)
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
      () => {
        trySend(control, GREETING);
        if (this.#seesRemoteState) trySend(control, SEEN);
      },
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

  #onStateMessage(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      this.#inbox.pushState(new Uint8Array(data), this.#parts.clock.nowMs());
    } else if (data !== GREETING) {
      this.#inbox.counters.malformedDropped += 1;
    } else if (!this.#seesRemoteState) {
      this.#seesRemoteState = true;
      if (this.#control?.readyState === 'open') trySend(this.#control, SEEN);
      this.#checkOpen();
    }
  }

  #onControlMessage(data: unknown): void {
    if (data instanceof ArrayBuffer && this.#isOpen) {
      if (!this.#inbox.pushControl(new Uint8Array(data), this.#parts.clock.nowMs())) this.#finish('overflow');
    } else if (data === GREETING && !this.#isGreeted) {
      this.#isGreeted = true;
      this.#checkOpen();
    } else if (data === SEEN && !this.#isStateSeen) {
      this.#isStateSeen = true;
      clearInterval(this.#greetingTimer);
      this.#checkOpen();
    } else if (data === BYE) {
      this.#finish('closed-there');
    } else {
      this.#inbox.counters.malformedDropped += 1;
    }
  }

  #greetOnState(): void {
    trySend(this.#state, GREETING);
  }

  #checkOpen(): void {
    if (this.#isOpen || !this.#isGreeted || !this.#seesRemoteState || !this.#isStateSeen) return;
    this.#isOpen = true;
    this.#parts.onOpen();
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    clearInterval(this.#greetingTimer);
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
