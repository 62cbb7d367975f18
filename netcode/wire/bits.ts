/**
 * Writing and reading bits. The reader is total: past the end it yields zeros and sets `isOverrun`, so a decoder can
 * read a hostile packet to its end and be asked once whether it made sense.
 */

/** Writes into a buffer of fixed size. Beyond it `isOverrun` is set and nothing more is stored. */
export class BitWriter {
  readonly #bytes: Uint8Array;
  /** Views of the first bytes, by length: a packet a tick for each client would else be garbage a tick for each client. */
  readonly #views: (Uint8Array | undefined)[] = [];
  #bitCount = 0;

  constructor(bytesMax: number) {
    this.#bytes = new Uint8Array(bytesMax);
  }

  get isOverrun(): boolean {
    return this.#bitCount > this.#bytes.length * 8;
  }

  reset(): void {
    this.#bytes.fill(0, 0, Math.min(this.#bytes.length, (this.#bitCount + 7) >>> 3));
    this.#bitCount = 0;
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

  /** Bytes so far, the last one perhaps in part. */
  get byteLength(): number {
    return (this.#bitCount + 7) >>> 3;
  }

  /** Fills the last byte with zeros. */
  align(): void {
    this.#bitCount = this.byteLength * 8;
  }

  /** Whole bytes, after `align`. */
  append(bytes: Uint8Array, length: number): void {
    const at = this.#bitCount >>> 3;
    const fitting = Math.min(length, this.#bytes.length - at);
    for (let i = 0; i < fitting; i++) this.#bytes[at + i] = bytes[i]!;
    this.#bitCount += length * 8;
  }

  /** The bytes so far: a view that the next `reset` invalidates. */
  finish(): Uint8Array {
    const length = Math.min(this.#bytes.length, this.byteLength);
    return (this.#views[length] ??= this.#bytes.subarray(0, length));
  }
}

export class BitReader {
  #bytes: Uint8Array;
  #bitCount = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Begins anew with other bytes. */
  open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#bitCount = 0;
  }

  /** Bytes read, the last one perhaps in part. */
  get byteLength(): number {
    return (this.#bitCount + 7) >>> 3;
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
}
