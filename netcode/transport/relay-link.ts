/**
 * A carrier through the broker's relay: one WebSocket, on which both channels are frames (`wire/relay.ts`). TCP below delivers everything in
 * order, so nothing may be put in that would only wait there: a window (`wire/relay-window.ts`) knows by the broker's credit what is on
 * its way, and what it has no room for is counted as waiting.
 *
 *     connecting -> hello sent -> 'paired': open -> closed
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import {
  isRelayData,
  readRelayAnswer,
  readRelayCredit,
  RELAY_CONTROL,
  RELAY_CREDIT,
  RELAY_CREDIT_BYTES,
  RELAY_STATE,
  type RelayHello,
  type RelayRefusal,
  writeRelayCredit,
} from '../wire/relay.ts';
import { RelayWindow } from '../wire/relay-window.ts';
import { checkControlSize, checkStateSize, LinkInbox } from './inbox.ts';
import { CARRIER_CONTROL_BYTES_MAX, type Link, type LinkCounters, type LinkEnd, type Received } from './transport.ts';

/** Frames that are none before the link is cut off: the broker sends no such. */
const MALFORMED_MAX = 8;

/** Why it did not open: what the broker answered, or 'lost' if the socket broke. */
export type RelayFailure = RelayRefusal | 'lost';

export interface RelayLinkParts {
  readonly url: string;
  readonly hello: RelayHello;
  readonly remoteId: PeerId;
  readonly clock: Clock;
  /** Called once, when the other side is there. */
  readonly onOpen: () => void;
  /** Called once if it will not open; never after `onOpen`. */
  readonly onFailed: (why: RelayFailure) => void;
  /** The socket is gone. Called once. */
  readonly onGone: () => void;
}

export class RelayLink implements Link {
  readonly remoteId: PeerId;
  readonly path = 'relay';
  readonly isStream = true;
  readonly #parts: RelayLinkParts;
  readonly #socket: WebSocket;
  readonly #window = new RelayWindow();
  readonly #inbox = new LinkInbox({ isCarrier: true });
  readonly #credit = new Uint8Array(RELAY_CREDIT_BYTES);
  /** State packets given to the window, and the sizes of those that wait there, oldest first. */
  #offered = 0;
  readonly #waiting: number[] = [];
  #received = 0;
  #malformed = 0;
  #isOpen = false;
  #end: LinkEnd | undefined;
  #failure: RelayFailure = 'lost';

  constructor(parts: RelayLinkParts) {
    this.#parts = parts;
    this.remoteId = parts.remoteId;
    this.#socket = new WebSocket(parts.url);
    this.#socket.binaryType = 'arraybuffer';
    this.#socket.addEventListener('open', () => this.#onConnected());
    this.#socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => this.#onMessage(data));
    this.#socket.addEventListener('close', () => this.#onClose());
  }

  get end(): LinkEnd | undefined {
    if (this.#end === undefined && this.#window.isStuck(this.#parts.clock.nowMs())) this.#finish('lost');
    return this.#end;
  }

  get counters(): Readonly<LinkCounters> {
    return this.#inbox.counters;
  }

  stateBufferedBytes(lane = 0): number {
    if (lane !== 0) return Infinity;
    if (this.#end !== undefined) return 0;
    return this.#window.waitingControlBytes + this.#waiting.reduce((sum, bytes) => sum + bytes, 0);
  }

  /** One lane is all there is. */
  openLanes(): void {}

  sendControl(bytes: Uint8Array): boolean {
    checkControlSize(bytes, CARRIER_CONTROL_BYTES_MAX);
    if (this.#end !== undefined) return false;
    if (!this.#window.offerControl(frameOf(RELAY_CONTROL, bytes))) {
      this.#finish('overflow');
      return false;
    }
    this.#inbox.countControlOut(bytes.byteLength);
    this.#flush();
    return true;
  }

  sendState(bytes: Uint8Array, lane = 0): boolean {
    checkStateSize(bytes);
    if (this.#end !== undefined || lane !== 0) {
      this.#inbox.counters.stateSendRefused += 1;
      return false;
    }
    this.#window.offerState(frameOf(RELAY_STATE, bytes));
    this.#offered += 1;
    this.#waiting.push(bytes.byteLength);
    this.#inbox.countStateOut(bytes.byteLength);
    this.#flush();
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

  #onConnected(): void {
    if (this.#end === undefined) this.#socket.send(JSON.stringify(this.#parts.hello));
    else this.#socket.close();
  }

  #onMessage(data: unknown): void {
    const isText = typeof data === 'string';
    if (isText !== !this.#isOpen) this.#countMalformed();
    else if (isText) this.#onAnswer(data);
    else if (data instanceof ArrayBuffer) this.#onFrame(new Uint8Array(data));
  }

  #onAnswer(text: string): void {
    const answer = readRelayAnswer(text);
    if (answer?.type === 'paired' && this.#end === undefined) {
      this.#isOpen = true;
      this.#parts.onOpen();
      return;
    }
    if (answer?.type === 'refused') this.#failure = answer.reason;
    this.#socket.close();
  }

  #onFrame(frame: Uint8Array): void {
    if (frame[0] === RELAY_CREDIT) {
      const received = readRelayCredit(frame);
      if (received === undefined || !this.#window.acknowledge(received, this.#parts.clock.nowMs())) this.#countMalformed();
      else this.#flush();
      return;
    }
    if (!isRelayData(frame)) {
      this.#countMalformed();
      return;
    }
    this.#giveCredit();
    if (this.#end !== undefined) return;
    const atMs = this.#parts.clock.nowMs();
    const bytes = frame.subarray(1);
    if (frame[0] === RELAY_STATE) this.#inbox.pushState(bytes, atMs);
    else if (!this.#inbox.pushControl(bytes, atMs)) this.#finish('overflow');
  }

  #giveCredit(): void {
    this.#received = (this.#received + 1) >>> 0;
    writeRelayCredit(this.#credit, this.#received);
    this.#send(this.#credit);
  }

  /** Sends what the window lets go. */
  #flush(): void {
    const nowMs = this.#parts.clock.nowMs();
    for (let frame = this.#window.next(nowMs); frame !== undefined; frame = this.#window.next(nowMs)) this.#send(frame);
    const { sentState, supersededState } = this.#window.counters;
    while (this.#waiting.length > this.#offered - sentState - supersededState) this.#waiting.shift();
  }

  #send(frame: Uint8Array): void {
    // The socket copies before it returns. Our buffers are never shared with another thread, which is all the type asks.
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(frame as Uint8Array<ArrayBuffer>);
  }

  #countMalformed(): void {
    this.#inbox.counters.malformedDropped += 1;
    this.#malformed += 1;
    if (this.#malformed > MALFORMED_MAX) this.#finish('lost');
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    // What was sent before the end goes out, however much is on its way: nothing comes behind it.
    if (end === 'closed-here') for (const frame of this.#window.takeControl()) this.#send(frame);
    // Browsers log an error for a socket that is closed before it is open; this one is closed then.
    if (this.#socket.readyState !== WebSocket.CONNECTING) this.#socket.close();
  }

  #onClose(): void {
    this.#end ??= 'lost';
    if (!this.#isOpen) this.#parts.onFailed(this.#failure);
    this.#parts.onGone();
  }
}

function frameOf(kind: number, bytes: Uint8Array): Uint8Array {
  const frame = new Uint8Array(bytes.byteLength + 1);
  frame[0] = kind;
  frame.set(bytes, 1);
  return frame;
}
