/**
 * Hides corrections. When a replay moves something that was already drawn, the difference becomes a visual error that is
 * added to what is drawn and decays: the simulation is right at once, the eye is led there.
 */
import type { EntityId } from '../core/ids.ts';
import type { Kind } from '../define-game.ts';

/** Time in which a visual error halves. Short enough to trust what one sees, long enough not to see it jump. */
const HALF_LIFE_MS = 80;
/** Errors above this part of a field's range are no correction but another place: they are shown at once. */
const LARGEST_PART_OF_RANGE = 1 / 8;
/** Errors below this (in stored steps) are gone. */
const NEGLIGIBLE_STEPS = 0.25;
/** Entities with an error at once; beyond that they jump. */
const ENTITIES_MAX = 1024;

export class Correction {
  readonly #errors = new Map<EntityId, Float64Array>();
  #atMs = 0;

  /** Adds `drawn - corrected` for the smooth parts of an entity. */
  absorb(
    id: EntityId,
    drawn: Float64Array,
    corrected: Float64Array,
    { smooth, kind }: { readonly smooth: readonly boolean[]; readonly kind: Kind },
  ): void {
    let error = this.#errors.get(id);
    for (let i = 0; i < drawn.length; i++) {
      if (smooth[i] !== true) continue;
      let difference = drawn[i]! - corrected[i]!;
      const part = kind.layout.parts[i]!;
      const span = part.max - part.min + 1;
      if (part.isCyclic && Math.abs(difference) > span / 2) difference -= Math.sign(difference) * span;
      if (difference === 0) continue;
      if (!part.isCyclic && Math.abs(difference) > span * LARGEST_PART_OF_RANGE) {
        this.#errors.delete(id);
        return;
      }
      if (error === undefined) {
        if (this.#errors.size >= ENTITIES_MAX) return;
        error = new Float64Array(drawn.length);
        this.#errors.set(id, error);
      }
      error[i] = error[i]! + difference;
    }
  }

  /** Adds what is left of an entity's error to its row. */
  apply(id: EntityId, row: Float64Array): void {
    const error = this.#errors.get(id);
    if (error !== undefined) for (let i = 0; i < row.length; i++) row[i] = row[i]! + error[i]!;
  }

  decay(nowMs: number): void {
    const factor = 2 ** (-Math.max(0, nowMs - this.#atMs) / HALF_LIFE_MS);
    this.#atMs = nowMs;
    for (const [id, error] of this.#errors) {
      let largest = 0;
      for (let i = 0; i < error.length; i++) {
        error[i] = error[i]! * factor;
        largest = Math.max(largest, Math.abs(error[i]!));
      }
      if (largest < NEGLIGIBLE_STEPS) this.#errors.delete(id);
    }
  }
}
