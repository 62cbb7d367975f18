/**
 * The statistics of a game's snapshots: which contexts there are, and what they expect before a packet has taught them
 * anything. Every packet starts from the same priors, so packets stay independent: any of them can be lost.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import { MAGNITUDES, NUMBER_CONTEXTS } from '../wire/bit-coder.ts';
import { type Contexts, PROBABILITY_ONE } from '../wire/range-coder.ts';
import type { Part } from '../wire/schema.ts';
import { Predictor, SCALES } from './predictor.ts';

/** Is a known entity in the packet? By whether it moved lately (2) and whether the one before was (2). */
export const INCLUDED = 0;
/** Is it there because it is gone? */
export const REMOVED = 4;
/** Is everything as expected? By the worst known error (6) and whether the one before was (2). */
export const AS_EXPECTED = 5;
const ENTITY_CONTEXTS = AS_EXPECTED + 12;
/** Is a part as expected? By scale and whether the part before it was. Then the numbers' own contexts, by scale. */
const PART_CONTEXTS = SCALES * NUMBER_CONTEXTS;

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
  readonly #priors: Contexts;

  constructor(game: AnyGame) {
    let next = 0;
    const take = (count: number): number => {
      const base = next;
      next += count;
      return base;
    };
    this.kinds = game.kinds.map((kind) => {
      const entityBase = take(ENTITY_CONTEXTS);
      const changes = kind.layout.parts.map(() => take(PART_CONTEXTS));
      const news = kind.layout.parts.map(() => take(NUMBER_CONTEXTS));
      return {
        kind,
        entityBase,
        predictor: new Predictor(game, kind),
        spawn: spawnPlanOf(game, kind),
        changeBase: (part, scale) => changes[part]! + scale * NUMBER_CONTEXTS,
        newBase: (part) => news[part]!,
      };
    });
    this.#priors = new Uint16Array(next);
    for (const model of this.kinds) setPriors(this.#priors, model);
    this.contexts = this.#priors.slice();
  }

  /** Forgets what the last packet taught. */
  reset(): void {
    this.contexts.set(this.#priors);
  }
}

const probability = (p: number): number => Math.round(p * PROBABILITY_ONE);

/** What is true of most games: moving things keep moving, expectations that held keep holding, changes are small. */
function setPriors(priors: Contexts, { kind, entityBase, changeBase, newBase }: KindModel): void {
  priors.fill(probability(0.04), entityBase + INCLUDED, entityBase + INCLUDED + 2);
  priors.fill(probability(0.9), entityBase + INCLUDED + 2, entityBase + INCLUDED + 4);
  priors[entityBase + REMOVED] = probability(0.03);
  for (let surprise = 0; surprise < 6; surprise++) {
    priors.fill(
      probability(surprise === 0 ? 0.9 : 0.15),
      entityBase + AS_EXPECTED + surprise * 2,
      entityBase + AS_EXPECTED + surprise * 2 + 2,
    );
  }
  kind.layout.parts.forEach((_, part) => {
    for (let scale = 0; scale < SCALES; scale++) {
      const size = scale % (SCALES / 2);
      setNumberPriors(priors, changeBase(part, scale), {
        zero: [0.9, 0.45, 0.3, 0.2, 0.12, 0.08][size]!,
        digits: Math.max(0.5, size - 0.5),
      });
    }
    setNumberPriors(priors, newBase(part), { zero: 0.3, digits: 6 });
  });
}

/** `digits` is how many binary digits a value that is not zero has beyond its first, on average. */
function setNumberPriors(priors: Contexts, base: number, { zero, digits }: { readonly zero: number; readonly digits: number }): void {
  priors.fill(probability(0.5), base, base + NUMBER_CONTEXTS);
  priors[base] = probability(zero);
  for (let n = 0; n < MAGNITUDES; n++) priors[base + 2 + n] = probability(n < digits ? 0.7 : 0.3);
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
