/** Counts what a codec meets, to train priors: an encoder that looks on. */
import type { Contexts } from '../wire/range-coder.ts';
import { RangeEncoder } from '../wire/range-coder.ts';
import { PRIORS_COUNT } from './contexts.ts';
import type { SnapshotModel } from './snapshot-model.ts';

/** Bits of one body that there is room for at first; it doubles when full. */
const MET_AT_FIRST = 4096;

export class TallyingEncoder extends RangeEncoder {
  /** How often each context was met with a 0 and a 1, in the bodies committed: two numbers a context, kind after kind. */
  readonly counts: Float64Array;
  readonly #model: SnapshotModel;
  /** Where the counts of a kind begin. */
  readonly #startOf = new Map<Contexts, number>();
  /** The counts that the body at hand adds to. */
  #met = new Int32Array(MET_AT_FIRST);
  #metCount = 0;

  constructor(bytesMax: number, model: SnapshotModel) {
    super(bytesMax);
    this.#model = model;
    this.counts = new Float64Array(2 * model.contextCount);
    let start = 0;
    for (const { contexts } of model.kinds) {
      this.#startOf.set(contexts, start);
      start += 2 * contexts.length;
    }
  }

  /** Begins another body. What was not committed is forgotten: attempts that did not fit count for nothing. */
  override reset(): void {
    super.reset();
    this.#metCount = 0;
  }

  override encode(bit: number, contexts: Contexts, index: number): void {
    if (this.#metCount === this.#met.length) {
      const larger = new Int32Array(2 * this.#met.length);
      larger.set(this.#met);
      this.#met = larger;
    }
    this.#met[this.#metCount++] = this.#startOf.get(contexts)! + 2 * index + bit;
    super.encode(bit, contexts, index);
  }

  /** Counts the body at hand, once. */
  commit(): void {
    for (let i = 0; i < this.#metCount; i++) this.counts[this.#met[i]!]!++;
    this.#metCount = 0;
  }

  /** The counts by the pool's priors. */
  pooled(): Float64Array {
    const tally = new Float64Array(2 * PRIORS_COUNT);
    let at = 0;
    for (const { priorOf } of this.#model.kinds) {
      for (const prior of priorOf) {
        for (const bit of [0, 1]) tally[2 * prior + bit]! += this.counts[at++]!;
      }
    }
    return tally;
  }
}
