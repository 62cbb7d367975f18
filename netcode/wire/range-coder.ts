/**
 * An adaptive binary range coder: every decision costs as many bits as it is surprising, given what its context has seen.
 * Carry-less as in Mahoney's PAQ, with 30-bit bounds and 15-bit probabilities, so that all arithmetic stays within small
 * integers (about 14 ns a decision; beyond 31 bits engines fall back to floating point). Encoder and decoder are mirrors.
 *
 * The decoder is total: past the end it reads zeros, and `isOverrun` says so.
 */

const BOUND_MAX = 0x3fff_ffff;
const TOP_SHIFT = 22;
const TOP_BYTE = 0x3fc0_0000;
/** Bits of a probability. */
const PROBABILITY_BITS = 15;
export const PROBABILITY_ONE = 1 << PROBABILITY_BITS;
/** A probability never comes closer to certainty than this: a surprise costs 10 bits at most. */
const PROBABILITY_MIN = 32;
const PROBABILITY_MAX = PROBABILITY_ONE - PROBABILITY_MIN;
/** How fast a context learns within a packet: each bit moves it by 1/16 of the way. */
const LEARNING_SHIFT = 4;
/** Bytes that the decoder looks ahead. */
const LOOKAHEAD_BYTES = 4;

/** Where raw and modelled bits go: `RangeEncoder`, and (raw ones only) `BitWriter`. */
export interface BitSink {
  bits(value: number, count: number): void;
  bool(value: boolean): void;
}

export interface BitSource {
  bits(count: number): number;
  bool(): boolean;
}

/** The probability, in 2^-15, that the next bit of each context is 1. One encoder's and its decoder's must begin alike. */
export type Contexts = Uint16Array;

function adapt(contexts: Contexts, index: number, bit: number): void {
  const p = contexts[index]!;
  contexts[index] =
    bit === 1
      ? Math.min(PROBABILITY_MAX, p + ((PROBABILITY_ONE - p) >> LEARNING_SHIFT))
      : Math.max(PROBABILITY_MIN, p - (p >> LEARNING_SHIFT));
}

/** Writes into a buffer of fixed size; beyond it `isOverrun` is set and nothing more is stored. */
export class RangeEncoder implements BitSink {
  readonly #bytes: Uint8Array;
  #length = 0;
  #low = 0;
  #high = BOUND_MAX;

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  /** Bytes so far; the end may add up to four. */
  get length(): number {
    return this.#length;
  }

  get isOverrun(): boolean {
    return this.#length > this.#bytes.length;
  }

  reset(): void {
    this.#length = 0;
    this.#low = 0;
    this.#high = BOUND_MAX;
  }

  /** A bit (0 or 1) in a context, which learns from it. */
  encode(bit: number, contexts: Contexts, index: number): void {
    this.#split(bit, contexts[index]!);
    adapt(contexts, index, bit);
  }

  bits(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.#split((value >>> i) & 1, PROBABILITY_ONE >> 1);
  }

  bool(value: boolean): void {
    this.#split(value ? 1 : 0, PROBABILITY_ONE >> 1);
  }

  /**
   * The bytes: a view that the next `reset` invalidates. Ends with the shortest number that lies within the bounds, less
   * the zeros at its end. Nothing may be encoded after it.
   */
  finish(): Uint8Array {
    let length = this.#length;
    for (let count = 0; count <= LOOKAHEAD_BYTES; count++) {
      const rest = count >= LOOKAHEAD_BYTES ? 0 : BOUND_MAX >>> (count * 8);
      const value = Math.min(BOUND_MAX + 1, this.#low + rest) & ~rest;
      if (value < this.#low || value > this.#high) continue;
      for (let i = 0; i < count; i++) this.#bytes[length++] = i < 3 ? value >>> (TOP_SHIFT - 8 * i) : value << 2;
      break;
    }
    length = Math.min(length, this.#bytes.length);
    while (length > 0 && this.#bytes[length - 1] === 0) length--;
    return this.#bytes.subarray(0, length);
  }

  #split(bit: number, probability: number): void {
    const range = this.#high - this.#low;
    const middle =
      this.#low + (range >>> PROBABILITY_BITS) * probability + (((range & (PROBABILITY_ONE - 1)) * probability) >>> PROBABILITY_BITS);
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (((this.#low ^ this.#high) & TOP_BYTE) === 0) {
      this.#store(this.#high >>> TOP_SHIFT);
      this.#low = (this.#low << 8) & BOUND_MAX;
      this.#high = ((this.#high << 8) & BOUND_MAX) | 255;
    }
  }

  #store(byte: number): void {
    if (this.#length < this.#bytes.length) this.#bytes[this.#length] = byte;
    this.#length++;
  }
}

export class RangeDecoder implements BitSource {
  readonly #bytes: Uint8Array;
  #at = 0;
  #low = 0;
  #high = BOUND_MAX;
  #code = 0;
  /** The two bits by which 30-bit bounds and bytes are apart. */
  #spare = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    for (let i = 0; i < 3; i++) this.#code = (this.#code << 8) | this.#next();
    const last = this.#next();
    this.#code = (this.#code << 6) | (last >>> 2);
    this.#spare = last & 3;
  }

  /** More was read than the encoder can have meant: the packet was cut off or is none. */
  get isOverrun(): boolean {
    return this.#at > this.#bytes.length + MISSING_ZEROS_MAX;
  }

  /** Nothing is left that was not looked at. */
  get isAtEnd(): boolean {
    return !this.isOverrun && this.#at >= this.#bytes.length;
  }

  decode(contexts: Contexts, index: number): number {
    const bit = this.#split(contexts[index]!);
    adapt(contexts, index, bit);
    return bit;
  }

  bits(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++) value = value * 2 + this.#split(PROBABILITY_ONE >> 1);
    return value;
  }

  bool(): boolean {
    return this.#split(PROBABILITY_ONE >> 1) === 1;
  }

  #split(probability: number): number {
    const range = this.#high - this.#low;
    const middle =
      this.#low + (range >>> PROBABILITY_BITS) * probability + (((range & (PROBABILITY_ONE - 1)) * probability) >>> PROBABILITY_BITS);
    const bit = this.#code <= middle ? 1 : 0;
    if (bit === 1) this.#high = middle;
    else this.#low = middle + 1;
    while (((this.#low ^ this.#high) & TOP_BYTE) === 0) {
      this.#low = (this.#low << 8) & BOUND_MAX;
      this.#high = ((this.#high << 8) & BOUND_MAX) | 255;
      const byte = this.#next();
      this.#code = ((this.#code << 8) & BOUND_MAX) | (this.#spare << 6) | (byte >>> 2);
      this.#spare = byte & 3;
    }
    return bit;
  }

  #next(): number {
    return this.#at < this.#bytes.length ? this.#bytes[this.#at++]! : (this.#at++, 0);
  }
}

/** The encoder leaves out the zeros at its end: a run of them may be this long in a real packet. */
const MISSING_ZEROS_MAX = 64;
