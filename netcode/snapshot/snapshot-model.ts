/**
 * The statistics of a game's snapshots: which contexts there are, and what they expect before a packet has taught them
 * anything. Every packet starts from the same priors, so packets stay independent: any of them can be lost.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import { EncodingCoder, NUMBER_CONTEXTS } from '../wire/bit-coder.ts';
import type { Contexts, RangeEncoder } from '../wire/range-coder.ts';
import type { Part } from '../wire/schema.ts';
import { DEFAULT_PRIORS } from './default-priors.ts';
import { Predictor } from './predictor.ts';
import { CHANGE_CONTEXTS, ENTITY_CONTEXTS, PRIORS_COUNT, readPriors } from './priors.ts';

/** Is a known entity in the packet? By whether it moved lately (2) and whether the one before was (2). */
export const INCLUDED = 0;
/** Is it there because it is gone? */
export const REMOVED = 4;
/** Is everything as expected? By the worst known error (6) and whether the one before was (2). */
export const AS_EXPECTED = 5;

/** Where a value of a new entity is expected: in another entity of the same owner, or nowhere. */
export interface SpawnPlan {
  /** The kind whose first entity of the same owner tells, or -1. */
  readonly kind: number;
  /** For each part the other kind's part, or -1. */
  readonly parts: Int32Array;
}

export interface KindModel {
  readonly kind: Kind;
  readonly entityBase: number;
  readonly predictor: Predictor;
  readonly spawn: SpawnPlan;
  /** First context of a part's change and of a new part's value. */
  changeBase(part: number, scale: number): number;
  newBase(part: number): number;
}

export class SnapshotModel {
  readonly kinds: readonly KindModel[];
  /** The contexts of the packet at hand. */
  readonly contexts: Contexts;
  /** For training: how often each prior was met with a 0 and a 1. */
  readonly tally: Float64Array | undefined;
  readonly #priors: Contexts;
  /** The prior of each context. */
  readonly #priorOf: Uint16Array;

  constructor(game: AnyGame, options: { readonly isTraining?: boolean } = {}) {
    const priorOf: number[] = [];
    const take = (count: number, firstPrior: number): number => {
      const base = priorOf.length;
      for (let i = 0; i < count; i++) priorOf.push(firstPrior + i);
      return base;
    };
    this.kinds = game.kinds.map((kind) => {
      const entityBase = take(ENTITY_CONTEXTS, 0);
      const changes = kind.layout.parts.map(() => take(CHANGE_CONTEXTS, ENTITY_CONTEXTS));
      const news = kind.layout.parts.map(() => take(NUMBER_CONTEXTS, ENTITY_CONTEXTS + CHANGE_CONTEXTS));
      return {
        kind,
        entityBase,
        predictor: new Predictor(game, kind),
        spawn: spawnPlanOf(game, kind),
        changeBase: (part, scale) => changes[part]! + scale * NUMBER_CONTEXTS,
        newBase: (part) => news[part]!,
      };
    });
    const priors = readPriors(DEFAULT_PRIORS);
    this.#priorOf = Uint16Array.from(priorOf);
    this.#priors = Uint16Array.from(priorOf, (index) => priors[index]!);
    this.contexts = this.#priors.slice();
    if (options.isTraining === true) this.tally = new Float64Array(2 * PRIORS_COUNT);
  }

  /** The coder of a packet that is to be sent. */
  encodingCoder(encoder: RangeEncoder): EncodingCoder {
    const { tally } = this;
    if (tally === undefined) return new EncodingCoder(encoder, this.contexts);
    return new EncodingCoder(encoder, this.contexts, (bit, context) => tally[2 * this.#priorOf[context]! + bit]!++);
  }

  /** Forgets what the last packet taught. */
  reset(): void {
    this.contexts.set(this.#priors);
  }
}

/** Finds the kind that knows most of what a new entity of this kind will be: a bullet begins where its owner's ship is. */
function spawnPlanOf(game: AnyGame, kind: Kind): SpawnPlan {
  let best: SpawnPlan = { kind: -1, parts: new Int32Array(kind.layout.parts.length).fill(-1) };
  let bestCount = 0;
  for (const other of game.kinds) {
    if (other === kind) continue;
    const parts = new Int32Array(kind.layout.parts.length).fill(-1);
    let count = 0;
    for (const { name, field, at } of kind.layout.entries) {
      const match = other.layout.entries.find(
        (entry) => entry.name === name && isAlike(entry.field.parts, field.parts) && entry.field.step === field.step,
      );
      if (match === undefined || field.smoothing === 'none') continue;
      field.parts.forEach((_, i) => (parts[at + i] = match.at + i));
      count += field.parts.length;
    }
    if (count > bestCount) {
      best = { kind: other.index, parts };
      bestCount = count;
    }
  }
  return best;
}

const isAlike = (a: readonly Part[], b: readonly Part[]): boolean =>
  a.length === b.length && a.every((part, i) => part.min === b[i]!.min && part.max === b[i]!.max && part.isCyclic === b[i]!.isCyclic);
