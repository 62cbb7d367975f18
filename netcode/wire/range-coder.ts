/**
 * An adaptive binary range coder: every decision costs as many bits as it is surprising, given what its context has seen.
 * `low` and `range` as in LZMA's coder, but 29 bits wide: with the carry 30, so that every value stays a small integer also
 * where those have 31 bits. Carries are added to the bytes already written, so no byte is spent at the beginning. What the
 * bit decides is chosen by masks: it is hard to foretell, so a branch on it costs more. Encoder and decoder are mirrors;
 * neither allocates after its construction.
 *
 * The decoder is total: past the end it reads zeros, and `isOverrun` says so.
 */

/** Bits of `range` and of the window `low`. */
const WINDOW_BITS = 29;
const WINDOW_MASK = 2 ** WINDOW_BITS - 1;
/** Below this range a byte is shifted out. */
const RANGE_MIN = 2 ** (WINDOW_BITS - 8);
const TOP_SHIFT = WINDOW_BITS - 8;
const REST_MASK = RANGE_MIN - 1;
/** The window's bits beyond whole bytes: bytes of the stream lie this far from the window's end. */
const SPARE_BITS = 3;
/** Bits of a probability. */
const PROBABILITY_BITS = 15;
export const PROBABILITY_ONE = 1 << PROBABILITY_BITS;
/** How fast a context learns within a packet: each bit moves it by 1/32 of the way. */
const LEARNING_SHIFT = 5;
/**
 * Where a context moves to after a 1 and after a 0. Shifts round down, so it stops 31 short of the first and at the second:
 * a probability is never closer than 32 to certainty, and a surprise costs 10 bits at most.
 */
const TOWARDS_ONE = PROBABILITY_ONE - 32 + (1 << LEARNING_SHIFT) - 1;
const TOWARDS_ZERO = 32;
/** Equiprobable bits coded in one step at most: what rounding loses is less than a hundredth of a bit. */
const RAW_BITS_MAX = 12;
/** Bytes that the decoder looks ahead. */
const LOOKAHEAD_BYTES = 4;
/** The encoder leaves out at most this many zeros at its end, so the decoder knows a cut packet from a short one. */
const MISSING_ZEROS_MAX = 64;

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

/** Writes into a buffer of fixed size; beyond it `isOverrun` is set and nothing more is stored. */
export class RangeEncoder implements BitSink {
  /** The bytes: those up to what `finish` returned are the packet. The next `reset` invalidates them. */
  readonly buffer: Uint8Array;
  /** Bytes so far; the end may add one. */
  length = 0;
  private low = 0;
  private range = WINDOW_MASK;

  constructor(bytesMax: number) {
    this.buffer = new Uint8Array(bytesMax);
  }

  get isOverrun(): boolean {
    return this.length > this.buffer.length;
  }

  reset(): void {
    this.length = 0;
    this.low = 0;
    this.range = WINDOW_MASK;
  }

  /** A bit (0 or 1) in a context, which learns from it. A 1 takes the lower part of the range. */
  encode(bit: number, contexts: Contexts, index: number): void {
    const p = contexts[index]!;
    const range = this.range;
    const bound = Math.imul(range >>> PROBABILITY_BITS, p);
    const zero = bit - 1;
    contexts[index] = p + ((TOWARDS_ONE - p - (zero & (TOWARDS_ONE - TOWARDS_ZERO))) >> LEARNING_SHIFT);
    this.low += bound & zero;
    const next = bound + ((range - bound - bound) & zero);
    this.range = next;
    if (next < RANGE_MIN) this.shift();
  }

  /** The low `count` bits of a number, count 0 to 32, unmodelled. */
  bits(value: number, count: number): void {
    let left = count;
    while (left > 0) {
      const n = left < RAW_BITS_MAX ? left : RAW_BITS_MAX;
      left -= n;
      const part = this.range >>> n;
      this.low += Math.imul(part, (value >>> left) & ((1 << n) - 1));
      this.range = part;
      if (part < RANGE_MIN) this.shift();
    }
  }

  bool(value: boolean): void {
    this.bits(value ? 1 : 0, 1);
  }

  /**
   * Ends with the shortest number that lies within the range, which takes one byte at most, less the zeros at its end.
   * Returns how many bytes of `buffer` there are; asking again gives the same. Nothing may be encoded after it.
   */
  finish(): number {
    this.settle();
    let end = this.length;
    if (this.low > 0) {
      // The range is never less than a byte's worth, so it holds a multiple of one; best the carry, which takes no byte.
      if (this.low + this.range > WINDOW_MASK + 1) {
        this.low = 0;
        this.carry();
      } else if (end < this.buffer.length) this.buffer[end++] = (this.low + REST_MASK) >>> TOP_SHIFT;
      else this.length = this.buffer.length + 1;
    }
    end = Math.min(end, this.buffer.length);
    const shortest = Math.max(0, end - MISSING_ZEROS_MAX);
    while (end > shortest && this.buffer[end - 1] === 0) end--;
    return end;
  }

  /** Brings a carry out of the window. `low + range` never exceeds twice the window, so it is one at most. */
  private settle(): void {
    if (this.low <= WINDOW_MASK) return;
    this.low &= WINDOW_MASK;
    this.carry();
  }

  /** Adds one to the number that the bytes so far are. It cannot run out of them: the whole stays below one. */
  private carry(): void {
    const { buffer } = this;
    let at = this.length - 1;
    // What does not fit is lost anyhow.
    if (at >= buffer.length) return;
    while (at >= 0 && buffer[at] === 255) buffer[at--] = 0;
    if (at >= 0) buffer[at]!++;
  }

  private shift(): void {
    this.settle();
    do {
      this.store(this.low >>> TOP_SHIFT);
      this.low = (this.low & REST_MASK) << 8;
      this.range <<= 8;
    } while (this.range < RANGE_MIN);
  }

  private store(byte: number): void {
    if (this.length < this.buffer.length) this.buffer[this.length] = byte;
    this.length++;
  }
}

const NO_BYTES = new Uint8Array(0);

/** Reads what a `RangeEncoder` wrote. `open` it anew for every packet. */
export class RangeDecoder implements BitSource {
  private bytes = NO_BYTES;
  private at = 0;
  private end = 0;
  private range = WINDOW_MASK;
  private code = 0;
  /** The bits of the last byte read that are not in the window yet. */
  private spare = 0;

  constructor(bytes: Uint8Array = NO_BYTES, start = 0, length = bytes.length - start) {
    this.open(bytes, start, length);
  }

  /** Begins at the first of `length` bytes. */
  open(bytes: Uint8Array, start: number, length: number): void {
    this.bytes = bytes as Uint8Array<ArrayBuffer>;
    this.at = start;
    this.end = start + length;
    this.range = WINDOW_MASK;
    this.code = 0;
    this.spare = 0;
    for (let i = 0; i < LOOKAHEAD_BYTES; i++) this.code = this.nextCode();
    // The one window that no packet begins with: `code` is to be below `range`, always.
    if (this.code === WINDOW_MASK) this.code--;
  }

  /** More was read than the encoder can have meant: the packet was cut off or is none. */
  get isOverrun(): boolean {
    return this.at > this.end + MISSING_ZEROS_MAX + LOOKAHEAD_BYTES;
  }

  /** Nothing is left that was not looked at. */
  get isAtEnd(): boolean {
    return !this.isOverrun && this.at >= this.end;
  }

  decode(contexts: Contexts, index: number): number {
    const p = contexts[index]!;
    const range = this.range;
    const bound = Math.imul(range >>> PROBABILITY_BITS, p);
    const zero = ~((this.code - bound) >> 31);
    contexts[index] = p + ((TOWARDS_ONE - p - (zero & (TOWARDS_ONE - TOWARDS_ZERO))) >> LEARNING_SHIFT);
    this.code -= bound & zero;
    const next = bound + ((range - bound - bound) & zero);
    this.range = next;
    if (next < RANGE_MIN) this.shift();
    return zero + 1;
  }

  bits(count: number): number {
    let value = 0;
    let left = count;
    while (left > 0) {
      const n = left < RAW_BITS_MAX ? left : RAW_BITS_MAX;
      left -= n;
      const part = this.range >>> n;
      // No packet of ours lies in what rounding left over; any other still gets a number of n bits.
      const digits = Math.min((this.code / part) | 0, (1 << n) - 1);
      this.code -= Math.imul(part, digits);
      this.range = part;
      // Keeps the promise that the window lies within the range, also for bytes that are no packet.
      if (this.code >= part) this.code = part - 1;
      value = value * (1 << n) + digits;
      if (part < RANGE_MIN) this.shift();
    }
    return value;
  }

  bool(): boolean {
    return this.bits(1) === 1;
  }

  private shift(): void {
    do {
      this.range <<= 8;
      this.code = this.nextCode();
    } while (this.range < RANGE_MIN);
  }

  /** The window a byte further on. */
  private nextCode(): number {
    const byte = this.at < this.end ? this.bytes[this.at]! : 0;
    this.at++;
    const code = ((this.code << 8) & WINDOW_MASK) | (this.spare << (8 - SPARE_BITS)) | (byte >>> SPARE_BITS);
    this.spare = byte & ((1 << SPARE_BITS) - 1);
    return code;
  }
}
