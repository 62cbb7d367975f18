/**
 * Hides corrections. When a replay moves something that was already drawn, the difference becomes a visual error that is
 * added to what is drawn and decays: the simulation is right at once, the eye is led there.
 */
import type { EntityId } from '../core/ids.ts';

/** Time in which a visual error halves. Short enough to trust what one sees, long enough not to see it jump. */
const HALF_LIFE_MS = 80;
/** Errors below this (in stored steps) are gone. */
const NEGLIGIBLE_STEPS = 0.25;
/** Parts of a row; wider rows are not eased beyond this many. */
const ENTITIES_MAX = 1024;

export class Correction {
  readonly #errors = new Map<EntityId, Float64Array>();
  #atMs = 0;

  /** Adds `drawn - corrected` for the smooth parts of an entity. */
  absorb(id: EntityId, drawn: Float64Array, corrected: Float64Array, options: { readonly smooth: readonly boolean[]; readonly spans: readonly number[] }): void {
    let error = this.#errors.get(id);
    for (let i = 0; i < drawn.length; i++) {
      if (options.smooth[i] !== true) continue;
      let difference = drawn[i]! - corrected[i]!;
      const span = options.spans[i]!;
      if (span > 0 && Math.abs(difference) > span / 2) difference -= Math.sign(difference) * span;
      if (difference === 0) continue;
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
