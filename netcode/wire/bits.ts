/**
 * Writing and reading bits. The reader is total: past the end it yields zeros and sets `isOverrun`, so a decoder can
 * read a hostile packet to its end and be asked once whether it made sense.
 */

/** Writes into a buffer of fixed size. Beyond it `isOverrun` is set and nothing more is stored. */
export class BitWriter {
  readonly #bytes: Uint8Array;
  #bitCount = 0;

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  get bitCount(): number {
    return this.#bitCount;
  }

  get isOverrun(): boolean {
    return this.#bitCount > this.#bytes.length * 8;
  }

  reset(): void {
    this.#bytes.fill(0, 0, Math.min(this.#bytes.length, (this.#bitCount + 7) >>> 3));
    this.#bitCount = 0;
  }

  /** Goes back to an earlier `bitCount`, forgetting what was written since. */
  rewind(bitCount: number): void {
    const keptBytes = bitCount >>> 3;
    this.#bytes.fill(0, keptBytes + 1, Math.min(this.#bytes.length, (this.#bitCount + 7) >>> 3));
    if (keptBytes < this.#bytes.length) this.#bytes[keptBytes]! &= (1 << (bitCount & 7)) - 1;
    this.#bitCount = bitCount;
  }

  /** The low `count` bits of a value, count 0 to 32, lowest bit first. */
  bits(value: number, count: number): void {
    let rest = value >>> 0;
    let left = count;
    while (left > 0) {
      const index = this.#bitCount >>> 3;
      const offset = this.#bitCount & 7;
      const taken = Math.min(8 - offset, left);
      if (index < this.#bytes.length) this.#bytes[index]! |= (rest & ((1 << taken) - 1)) << offset;
      rest >>>= taken;
      left -= taken;
      this.#bitCount += taken;
    }
  }

  bool(value: boolean): void {
    this.bits(value ? 1 : 0, 1);
  }

  /** An unsigned number below 2^32 - 1 in Exp-Golomb code of order k: small numbers in few bits. */
  uint(value: number, k: number): void {
    const shifted = Math.floor(value / 2 ** k) + 1;
    const length = 31 - Math.clz32(shifted);
    this.bits(0, length);
    this.bits(1, 1);
    this.bits(shifted, length);
    this.bits(value, k);
  }

  /** A signed number: 0, -1, 1, -2, ... in Exp-Golomb code of order k. */
  sint(value: number, k: number): void {
    this.uint(value < 0 ? -2 * value - 1 : 2 * value, k);
  }

  /** The bytes so far: a view that the next `reset` invalidates. */
  finish(): Uint8Array {
    return this.#bytes.subarray(0, Math.min(this.#bytes.length, (this.#bitCount + 7) >>> 3));
  }
}

export class BitReader {
  readonly #bytes: Uint8Array;
  #bitCount = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isOverrun(): boolean {
    return this.#bitCount > this.#bytes.length * 8;
  }

  /** True when all that is left is the zero padding of the last byte. */
  get isAtEnd(): boolean {
    return !this.isOverrun && this.#bytes.length * 8 - this.#bitCount < 8;
  }

  bits(count: number): number {
    let value = 0;
    let done = 0;
    while (done < count) {
      const index = this.#bitCount >>> 3;
      const offset = this.#bitCount & 7;
      const taken = Math.min(8 - offset, count - done);
      const byte = index < this.#bytes.length ? this.#bytes[index]! : 0;
      value += ((byte >>> offset) & ((1 << taken) - 1)) * 2 ** done;
      done += taken;
      this.#bitCount += taken;
    }
    return value;
  }

  bool(): boolean {
    return this.bits(1) === 1;
  }

  uint(k: number): number {
    let length = 0;
    while (!this.bool()) {
      length++;
      if (length > 31) {
        this.#bitCount = this.#bytes.length * 8 + 1;
        return 0;
      }
    }
    const shifted = 2 ** length + this.bits(length);
    return (shifted - 1) * 2 ** k + this.bits(k);
  }

  sint(k: number): number {
    const value = this.uint(k);
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
  }
}
