/**
 * 16-bit sequence numbers that go round, and the ring that remembers something about each recent one.
 * After Glenn Fiedler's "Reliable Ordered Messages" (2016): the same two structures carry acks in both directions.
 */
export const SEQUENCE_COUNT = 65_536;

/** Whether sequence a was sent after b, both 16 bits. Right as long as they are less than 32,768 apart. */
export function isNewer(a: number, b: number): boolean {
  return a !== b && ((a - b) & 0xffff) < 0x8000;
}

/** The full number whose low 16 bits are `low`, nearest to `near`. May be negative when `near` is small. */
export function nearest16(low: number, near: number): number {
  const difference = (low - near) & 0xffff;
  return near + (difference < 0x8000 ? difference : difference - SEQUENCE_COUNT);
}

/** Remembers a value for each of the last `size` sequence numbers. `size` must divide 65,536. */
export class SequenceBuffer<T> {
  readonly #sequences: Int32Array;
  readonly #values: (T | undefined)[];

  constructor(size: number) {
    if (SEQUENCE_COUNT % size !== 0) throw new RangeError(`sequence buffer of ${size} must divide ${SEQUENCE_COUNT}`);
    this.#sequences = new Int32Array(size).fill(-1);
    this.#values = Array.from({ length: size });
  }

  set(sequence: number, value: T): void {
    const slot = sequence % this.#sequences.length;
    this.#sequences[slot] = sequence;
    this.#values[slot] = value;
  }

  get(sequence: number): T | undefined {
    const slot = sequence % this.#sequences.length;
    return this.#sequences[slot] === sequence ? this.#values[slot] : undefined;
  }

  delete(sequence: number): void {
    const slot = sequence % this.#sequences.length;
    if (this.#sequences[slot] !== sequence) return;
    this.#sequences[slot] = -1;
    this.#values[slot] = undefined;
  }
}
