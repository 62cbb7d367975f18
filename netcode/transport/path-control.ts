/**
 * The control messages of one end of a `PathLink`, whole and in order whatever becomes of its carriers: those sent are kept until the other
 * side has them, and go out again over the next carrier; those received are numbered without gaps, so what comes twice is known.
 */
import { DATA_HEADER_BYTES, dataFrame, stampData } from './path-frames.ts';
import { CONTROL_BUFFERED_BYTES_MAX } from './transport.ts';

/** What keeping a message costs beside its bytes. So the smallest are no more than what a relay's window takes at once (8,192). */
const KEPT_OVERHEAD_BYTES = 128;

interface Kept {
  readonly number: number;
  readonly frame: Uint8Array;
}

export class PathControl {
  readonly #kept: Kept[] = [];
  #keptBytes = 0;
  #lastNumber = 0;
  #received = 0;

  /** The number of the last message that arrived. */
  get received(): number {
    return this.#received;
  }

  /** The frame that carries the message; it stays the same array, and is kept. Undefined: the other side leaves too much unread. */
  push(message: Uint8Array): Uint8Array | undefined {
    const costBytes = message.byteLength + KEPT_OVERHEAD_BYTES;
    if (this.#keptBytes + costBytes > CONTROL_BUFFERED_BYTES_MAX) return undefined;
    this.#lastNumber += 1;
    this.#keptBytes += costBytes;
    const kept = { number: this.#lastNumber, frame: dataFrame(message) };
    this.#kept.push(kept);
    return stampData(kept.frame, kept.number, this.#received);
  }

  /** The number of the last message sent. */
  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** All behind this number that the other side may lack, in order, each with what has arrived by now. */
  *again(after: number): Iterable<Uint8Array> {
    for (const { number, frame } of this.#kept) if (number > after) yield stampData(frame, number, this.#received);
  }

  /** The other side has all messages up to this number. False when there are not so many: it lies. */
  acknowledge(number: number): boolean {
    if (number > this.#lastNumber) return false;
    while (this.#kept.length > 0 && this.#kept[0]!.number <= number) {
      this.#keptBytes -= this.#kept.shift()!.frame.byteLength + KEPT_OVERHEAD_BYTES - DATA_HEADER_BYTES;
    }
    return true;
  }

  /** What a message with this number is: the next one, which counts as received; one that was here already; or no number of now. */
  take(number: number): 'next' | 'again' | 'wrong' {
    if (number > this.#received + 1) return 'wrong';
    if (number <= this.#received) return 'again';
    this.#received = number;
    return 'next';
  }
}
