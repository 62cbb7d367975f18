/** Counts what a codec meets, to train priors: an encoder that looks on. */
import type { Contexts } from '../wire/range-coder.ts';
import { RangeEncoder } from '../wire/range-coder.ts';
import { PRIORS_COUNT } from './contexts.ts';
import type { KindModel, SnapshotModel } from './snapshot-model.ts';

export class TallyingEncoder extends RangeEncoder {
  /** How often each prior was met with a 0 and a 1. */
  readonly tally = new Float64Array(2 * PRIORS_COUNT);
  readonly #kindOf: ReadonlyMap<Contexts, KindModel>;

  constructor(bytesMax: number, model: SnapshotModel) {
    super(bytesMax);
    this.#kindOf = new Map(model.kinds.map((kind) => [kind.contexts, kind]));
  }

  override encode(bit: number, contexts: Contexts, index: number): void {
    const slot = 2 * this.#kindOf.get(contexts)!.priorOf[index]! + bit;
    this.tally[slot] = this.tally[slot]! + 1;
    super.encode(bit, contexts, index);
  }
}
