/**
 * Hides corrections. When a replay moves something that was already drawn, the difference becomes a visual error that is
 * added to what is drawn and decays: the simulation is right at once, the eye is led there.
 *
 * The error of an orientation is a turn, which is applied after the orientation's own: what an orientation's integers mean
 * changes with its largest component, a turn means the same while the thing turns on. It is kept as the vector part of its
 * quaternion, in the place of the three stored components and in their steps; that of no turn is zero, so it decays like all else.
 */
import type { EntityId } from '../core/ids.ts';
import { multiplyQuaternions, packQuaternion, quaternionOf } from '../wire/quaternion.ts';
import type { BlendPlan } from '../world/blend.ts';

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
  readonly #turn = new Float64Array(4);
  readonly #orientation = new Float64Array(4);
  readonly #product = new Float64Array(4);
  #atMs = 0;

  /** Adds `drawn - corrected` for the parts of an entity that blend. */
  absorb(id: EntityId, drawn: Float64Array, corrected: Float64Array, plan: BlendPlan): void {
    const { smooth, kind, rotations } = plan;
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
      error ??= this.#newError(id, drawn.length);
      if (error === undefined) return;
      error[i] = error[i]! + difference;
    }
    for (const rotation of rotations) {
      if (isSameRotation(drawn, corrected, rotation.at)) continue;
      error ??= this.#newError(id, drawn.length);
      if (error === undefined) return;
      this.#absorbTurn(error, drawn, corrected, rotation);
    }
  }

  /** Adds what is left of an entity's error to its row. */
  apply(id: EntityId, row: Float64Array, { smooth, rotations }: BlendPlan): void {
    const error = this.#errors.get(id);
    if (error === undefined) return;
    for (let i = 0; i < row.length; i++) if (smooth[i] === true) row[i] = row[i]! + error[i]!;
    for (const { at, step } of rotations) {
      if (error[at + 1] === 0 && error[at + 2] === 0 && error[at + 3] === 0) continue;
      turnOf(error, at, step, this.#turn);
      quaternionOf(row, at, step, this.#orientation);
      multiplyQuaternions(this.#turn, this.#orientation, this.#product);
      packQuaternion(this.#product, step, row, at, false);
    }
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

  #newError(id: EntityId, partCount: number): Float64Array | undefined {
    if (this.#errors.size >= ENTITIES_MAX) return undefined;
    const error = new Float64Array(partCount);
    this.#errors.set(id, error);
    return error;
  }

  /** The turn that leads from the corrected orientation to where the drawn one is seen: the error so far on top of what is new. */
  #absorbTurn(error: Float64Array, drawn: Float64Array, corrected: Float64Array, { at, step }: BlendPlan['rotations'][number]): void {
    quaternionOf(drawn, at, step, this.#orientation);
    turnOf(error, at, step, this.#turn);
    multiplyQuaternions(this.#turn, this.#orientation, this.#product);
    quaternionOf(corrected, at, step, this.#orientation);
    for (let i = 0; i < 3; i++) this.#orientation[i] = -this.#orientation[i]!;
    multiplyQuaternions(this.#product, this.#orientation, this.#turn);
    // q and -q are the same turn; the one with w above 0 is the short way.
    const sign = this.#turn[3]! < 0 ? -1 : 1;
    for (let i = 0; i < 3; i++) error[at + 1 + i] = (this.#turn[i]! * sign) / step;
  }
}

function isSameRotation(a: Float64Array, b: Float64Array, at: number): boolean {
  return a[at] === b[at] && a[at + 1] === b[at + 1] && a[at + 2] === b[at + 2] && a[at + 3] === b[at + 3];
}

/** The error at `error[at]…` as a quaternion. */
function turnOf(error: Float64Array, at: number, step: number, out: Float64Array): void {
  let squares = 0;
  for (let i = 0; i < 3; i++) {
    out[i] = error[at + 1 + i]! * step;
    squares += out[i]! * out[i]!;
  }
  out[3] = Math.sqrt(Math.max(0, 1 - squares));
}
