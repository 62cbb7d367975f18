/**
 * The receiving half of one SCTP association in virtual time: notes which chunks came, decides when to acknowledge them, puts
 * messages together and control messages in order.
 */
import type { SctpChunk, SctpMessage, SctpSack } from './sctp-sender.ts';

/** An ack waits this long for a second packet, or for a packet of our own to ride on. */
const ACK_DELAY_MS = 200;
/** Gaps that fit an ack in Chromium; what lies behind them is told later. */
const GAPS_PER_ACK_MAX = 20;
const NO_GAPS: readonly number[] = [];

export class SctpReceiver {
  readonly #deliver: (message: SctpMessage, atMs: number) => void;
  /** All numbers up to this one came or need not come. */
  #cumulative = 0;
  /** First and last numbers of what came beyond, in order. */
  readonly #came: number[] = [];
  /** `fresh`: came with the packet that is being read. */
  #ack: 'none' | 'fresh' | 'delayed' | 'due' = 'none';
  #ackDueMs = Infinity;
  #hasSeenPacket = false;
  #ordered = 0;
  /** Reliable messages that came whole, but before their elders. */
  readonly #early: SctpMessage[] = [];

  constructor(deliver: (message: SctpMessage, atMs: number) => void) {
    this.#deliver = deliver;
  }

  /** When an ack that is delayed has to go; Infinity: none is. */
  get ackDueMs(): number {
    return this.#ackDueMs;
  }

  get isAckDue(): boolean {
    return this.#ack === 'due';
  }

  /** A chunk has come. `isUrgent`: its sender asks for an ack at once. */
  take(chunk: SctpChunk, isUrgent: boolean, nowMs: number): void {
    const isNew = this.#note(chunk.tsn);
    if (!isNew || this.#came.length > 0 || isUrgent || !this.#hasSeenPacket) this.#callForAck();
    this.#hasSeenPacket = true;
    this.#noteArrival();
    if (isNew) this.#assemble(chunk, nowMs);
  }

  /** The sender waits for nothing up to this number, and neither shall we. */
  forward(tsn: number): void {
    if (tsn <= this.#cumulative) {
      this.#callForAck();
      return;
    }
    this.#cumulative = tsn;
    const came = this.#came;
    while (came.length > 0 && came[1]! <= tsn) came.splice(0, 2);
    if (came.length > 0 && came[0]! <= tsn + 1) {
      this.#cumulative = came[1]!;
      came.splice(0, 2);
    }
    this.#noteArrival();
  }

  /** All of a packet has been taken. */
  endPacket(nowMs: number): void {
    if (this.#ack !== 'fresh') return;
    this.#ack = 'delayed';
    this.#ackDueMs = nowMs + ACK_DELAY_MS;
  }

  endAckDelay(): void {
    this.#callForAck();
  }

  /** The ack that is due, or with `alsoDelayed` one that could wait; undefined: nothing new came. */
  takeAck(alsoDelayed: boolean): SctpSack | undefined {
    if (this.#ack === 'none' || (this.#ack !== 'due' && !alsoDelayed)) return undefined;
    this.#ack = 'none';
    this.#ackDueMs = Infinity;
    const gaps = this.#came.length === 0 ? NO_GAPS : this.#came.slice(0, GAPS_PER_ACK_MAX * 2);
    return { cumulative: this.#cumulative, gaps };
  }

  #callForAck(): void {
    this.#ack = 'due';
    this.#ackDueMs = Infinity;
  }

  #noteArrival(): void {
    if (this.#ack === 'none') this.#ack = 'fresh';
    else if (this.#ack === 'delayed') this.#callForAck();
  }

  /** False: it had come before. */
  #note(tsn: number): boolean {
    if (tsn <= this.#cumulative) return false;
    const came = this.#came;
    if (tsn === this.#cumulative + 1) {
      this.#cumulative = tsn;
      if (came[0] === tsn + 1) {
        this.#cumulative = came[1]!;
        came.splice(0, 2);
      }
      return true;
    }
    // The first block that ends at or behind the number before this one.
    let at = 0;
    while (at < came.length && came[at + 1]! < tsn - 1) at += 2;
    if (at < came.length && came[at]! <= tsn && tsn <= came[at + 1]!) return false;
    if (came[at + 1] === tsn - 1) {
      came[at + 1] = tsn;
      if (came[at + 2] === tsn + 1) came.splice(at + 1, 2);
    } else if (came[at] === tsn + 1) {
      came[at] = tsn;
    } else {
      came.splice(at, 0, tsn, tsn);
    }
    return true;
  }

  #assemble({ message, payloadBytes }: SctpChunk, nowMs: number): void {
    message.arrivedBytes += payloadBytes;
    if (message.arrivedBytes < message.sizeBytes) return;
    if (!message.isReliable) {
      this.#deliver(message, nowMs);
      return;
    }
    this.#early.push(message);
    for (let next = this.#takeNext(); next !== undefined; next = this.#takeNext()) {
      this.#ordered += 1;
      this.#deliver(next, nowMs);
    }
  }

  #takeNext(): SctpMessage | undefined {
    const at = this.#early.findIndex(({ order }) => order === this.#ordered + 1);
    return at < 0 ? undefined : this.#early.splice(at, 1)[0];
  }
}
