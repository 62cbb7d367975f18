/**
 * What every link does alike, whatever carries its bytes: bounded inboxes, counters and size checks.
 *
 * Callbacks and simulated deliveries only push here; the tick shifts out at its own pace. A full state inbox loses its
 * oldest packet, since only the newest state matters. A full control inbox ends the link, since control may lose nothing.
 */
import {
  CARRIER_CONTROL_BYTES_MAX,
  CONTROL_INBOX_MESSAGES_MAX,
  CONTROL_MESSAGE_BYTES_MAX,
  type LinkCounters,
  type Received,
  STATE_INBOX_PACKETS_MAX,
  STATE_PACKET_BYTES_MAX,
} from './transport.ts';

/** A first-in, first-out queue of bounded length on a ring that never grows beyond its capacity. */
export class BoundedQueue<T> {
  readonly #capacity: number;
  readonly #slots: (T | undefined)[] = [];
  #head = 0;
  #size = 0;

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1) throw new RangeError(`a queue of ${capacity} slots cannot be (at least 1)`);
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#size;
  }

  /** Returns false, and keeps the item out, when the queue is full. */
  push(item: T): boolean {
    if (this.#size === this.#capacity) return false;
    this.#slots[(this.#head + this.#size) % this.#capacity] = item;
    this.#size += 1;
    return true;
  }

  shift(): T | undefined {
    if (this.#size === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#capacity;
    this.#size -= 1;
    return item;
  }
}

/** The receiving half of a link, and the counters of both halves. */
export class LinkInbox {
  readonly counters: LinkCounters = {
    statePacketsOut: 0,
    statePacketsIn: 0,
    stateBytesOut: 0,
    stateBytesIn: 0,
    controlMessagesOut: 0,
    controlMessagesIn: 0,
    controlBytesOut: 0,
    controlBytesIn: 0,
    stateInboxDropped: 0,
    malformedDropped: 0,
    stateSendRefused: 0,
  };
  readonly #state = new BoundedQueue<Received>(STATE_INBOX_PACKETS_MAX);
  readonly #control: BoundedQueue<Received>;
  readonly #controlBytesMax: number;

  /** A carrier's has room for what its link puts before and between the messages, so that the link is full first, and can say so. */
  constructor({ isCarrier = false }: { readonly isCarrier?: boolean } = {}) {
    this.#control = new BoundedQueue<Received>(isCarrier ? 2 * CONTROL_INBOX_MESSAGES_MAX : CONTROL_INBOX_MESSAGES_MAX);
    this.#controlBytesMax = isCarrier ? CARRIER_CONTROL_BYTES_MAX : CONTROL_MESSAGE_BYTES_MAX;
  }

  /** Takes a state packet that arrived. One of the wrong size is counted and dropped. */
  pushState(bytes: Uint8Array, atMs: number): void {
    if (bytes.byteLength === 0 || bytes.byteLength > STATE_PACKET_BYTES_MAX) {
      this.counters.malformedDropped += 1;
      return;
    }
    this.counters.statePacketsIn += 1;
    this.counters.stateBytesIn += bytes.byteLength;
    const packet = { bytes, atMs };
    if (this.#state.push(packet)) return;
    this.#state.shift();
    this.#state.push(packet);
    this.counters.stateInboxDropped += 1;
  }

  /** Takes a control message that arrived. Returns false when the inbox is full: the link must end with `overflow`. */
  pushControl(bytes: Uint8Array, atMs: number): boolean {
    if (bytes.byteLength === 0 || bytes.byteLength > this.#controlBytesMax) {
      this.counters.malformedDropped += 1;
      return true;
    }
    if (!this.#control.push({ bytes, atMs })) return false;
    this.counters.controlMessagesIn += 1;
    this.counters.controlBytesIn += bytes.byteLength;
    return true;
  }

  shiftState(): Received | undefined {
    return this.#state.shift();
  }

  shiftControl(): Received | undefined {
    return this.#control.shift();
  }

  countStateOut(sizeBytes: number): void {
    this.counters.statePacketsOut += 1;
    this.counters.stateBytesOut += sizeBytes;
  }

  countControlOut(sizeBytes: number): void {
    this.counters.controlMessagesOut += 1;
    this.counters.controlBytesOut += sizeBytes;
  }
}

/** Throws RangeError for a state packet no link may send: empty, or above `STATE_PACKET_BYTES_MAX`. */
export function checkStateSize(bytes: Uint8Array): void {
  if (bytes.byteLength > STATE_PACKET_BYTES_MAX)
    throw new RangeError(`state packet ${bytes.byteLength} B exceeds ${STATE_PACKET_BYTES_MAX} B`);
  if (bytes.byteLength === 0) throw new RangeError('state packet 0 B is below 1 B');
}

/** Throws RangeError for a control message no link may send: empty, or above `bytesMax`. */
export function checkControlSize(bytes: Uint8Array, bytesMax = CONTROL_MESSAGE_BYTES_MAX): void {
  if (bytes.byteLength > bytesMax) throw new RangeError(`control message ${bytes.byteLength} B exceeds ${bytesMax} B`);
  if (bytes.byteLength === 0) throw new RangeError('control message 0 B is below 1 B');
}
