/**
 * Hides corrections. When news move something that was already drawn, the difference becomes a visual error that is added
 * to what is drawn and goes to nothing: the simulation is right at once, the eye is led there.
 *
 * An error has a place and a velocity, and goes as a critically damped spring does: what is drawn goes on from where it
 * was, as fast as it was, and bends towards the truth. Nothing leaps, not even the velocity, and nothing swings to and fro.
 *
 * The error of an orientation is a turn, which is applied after the orientation's own: what an orientation's integers mean
 * changes with its largest component, a turn means the same while the thing turns on. It is kept as the vector part of its
 * quaternion, in the place of the three stored components and in their steps; that of no turn is zero, so it goes like all
 * else, but from rest: a turn's own velocity is not taken over.
 */
import type { EntityId } from '../core/ids.ts';
import { multiplyQuaternions, packQuaternion, quaternionOf } from '../wire/quaternion.ts';
import { type BlendPlan, shortWay } from '../world/blend.ts';

/**
 * Time in which an error that begins at rest halves. At 60 frames a second an error of one pixel then bends the drawn way by
 * 0.044 px in a frame at most (0.058 with 80 ms, 0.034 with 120; decaying by halves it leaps by 0.11): so nobody sees errors of up
 * to 20 px begin to go, and 0.3 s later a twenty-fifth is left.
 */
const HALVING_MS = 100;
/**
 * The same for what others steer and this client predicts (policy `all`): that is wrong by more, after each of their presses, and
 * nobody's hand tells that it is late. Simulated at 150 ms, 206 visible jumps a minute become 15, for 15 px of error instead of 12.
 */
const HALVING_SLOWLY_MS = 200;
/** A critically damped spring from rest is half way after 1.678 of its time constants: (1 + t) / e^t = 1/2. */
const HALF_WAY = 1.678347;
/**
 * Errors above this part of a field's range are no correction but another place: the field is shown as it is at once. The
 * others are eased all the same: whatever bounced has quite another velocity, and still is where it is.
 */
const LARGEST_PART_OF_RANGE = 1 / 8;
/** Errors below this (in stored steps) are gone. */
const NEGLIGIBLE_STEPS = 0.25;
/** Entities with an error at once; beyond that they jump. */
const ENTITIES_MAX = 1024;

/** What was drawn and what will be, without the error, at one moment, and the same a little earlier. */
export interface Change {
  readonly drawn: Float64Array;
  readonly corrected: Float64Array;
  readonly drawnEarlier: Float64Array;
  readonly correctedEarlier: Float64Array;
  /** How much earlier. 0: velocities are not known, and stay. */
  earlierMs: number;
}

interface VisualError {
  readonly plan: BlendPlan;
  readonly place: Float64Array;
  /** Per ms. */
  readonly velocity: Float64Array;
  /** How fast it goes: one by the spring's time constant, per ms. */
  readonly rate: number;
  /** The last leap that what is drawn has taken. */
  leapTick: number;
  isDrawn: boolean;
}

export class Correction {
  readonly #errors = new Map<EntityId, VisualError>();
  readonly #turn = new Float64Array(4);
  readonly #orientation = new Float64Array(4);
  readonly #product = new Float64Array(4);
  #atMs = 0;

  /** Adds the difference between what is drawn and what is right, for the parts of an entity that blend. */
  absorb(id: EntityId, change: Change, plan: BlendPlan, isSlow = false): void {
    const { drawn, corrected } = change;
    const { teleportAt } = plan;
    // What has leapt, or has not, is shown where it is.
    if (teleportAt >= 0 && drawn[teleportAt] !== corrected[teleportAt]) {
      this.#errors.delete(id);
      return;
    }
    let error = this.#errorOf(id, plan);
    for (const { at, count } of plan.fields) {
      for (let i = at; i < at + count; i++) {
        const difference = shortWay(plan.kind.layout.parts[i]!, drawn[i]! - corrected[i]!);
        const faster = velocityDifference(change, i, plan);
        if (difference === 0 && faster === 0) continue;
        error ??= this.#newError(id, plan, corrected, isSlow);
        if (error === undefined) return;
        if (push(error, i, difference, faster)) continue;
        error.place.fill(0, at, at + count);
        error.velocity.fill(0, at, at + count);
        break;
      }
    }
    for (const rotation of plan.rotations) {
      if (isSameRotation(drawn, corrected, rotation.at)) continue;
      error ??= this.#newError(id, plan, corrected, isSlow);
      if (error === undefined) return;
      this.#absorbTurn(error.place, drawn, corrected, rotation);
    }
  }

  /** Adds what is left of an entity's error to its row. */
  apply(id: EntityId, row: Float64Array, plan: BlendPlan): void {
    if (this.#errors.size === 0) return;
    const error = this.#errorOf(id, plan);
    if (error === undefined) return;
    if (plan.teleportAt >= 0 && row[plan.teleportAt] !== error.leapTick) {
      this.#errors.delete(id);
      return;
    }
    error.isDrawn = true;
    const { place } = error;
    for (let i = 0; i < row.length; i++) if (plan.smooth[i] === true) row[i] = row[i]! + place[i]!;
    for (const { at, step } of plan.rotations) {
      if (place[at + 1] === 0 && place[at + 2] === 0 && place[at + 3] === 0) continue;
      turnOf(place, at, step, this.#turn);
      quaternionOf(row, at, step, this.#orientation);
      multiplyQuaternions(this.#turn, this.#orientation, this.#product);
      packQuaternion(this.#product, step, row, at, false);
    }
  }

  /** Lets errors go on to a moment. The step is exact, whatever its length. */
  decay(nowMs: number): void {
    const ms = Math.max(0, nowMs - this.#atMs);
    this.#atMs = Math.max(this.#atMs, nowMs);
    if (ms === 0) return;
    for (const [id, { place, velocity, rate }] of this.#errors) {
      const factor = 2 ** (-ms * rate * Math.LOG2E);
      let largest = 0;
      for (let i = 0; i < place.length; i++) {
        const pull = velocity[i]! + rate * place[i]!;
        place[i] = (place[i]! + pull * ms) * factor;
        velocity[i] = (velocity[i]! - rate * pull * ms) * factor;
        largest = Math.max(largest, Math.abs(place[i]!) + Math.abs(velocity[i]!) * peakOf(rate));
      }
      if (largest < NEGLIGIBLE_STEPS) this.#errors.delete(id);
    }
  }

  /** The thing was another one, or is another one now. */
  forget(id: EntityId): void {
    this.#errors.delete(id);
  }

  /** After a drawing: forgets the errors of what was not in it. Should the id come back, it is another thing's. */
  forgetUndrawn(): void {
    for (const [id, error] of this.#errors) {
      if (!error.isDrawn) this.#errors.delete(id);
      error.isDrawn = false;
    }
  }

  /** The error of an entity, unless it was that of a thing of another kind. */
  #errorOf(id: EntityId, plan: BlendPlan): VisualError | undefined {
    const error = this.#errors.get(id);
    if (error === undefined || error.plan === plan) return error;
    this.#errors.delete(id);
    return undefined;
  }

  #newError(id: EntityId, plan: BlendPlan, row: Float64Array, isSlow: boolean): VisualError | undefined {
    if (this.#errors.size >= ENTITIES_MAX) return undefined;
    const error = {
      plan,
      place: new Float64Array(row.length),
      velocity: new Float64Array(row.length),
      rate: HALF_WAY / (isSlow ? HALVING_SLOWLY_MS : HALVING_MS),
      leapTick: plan.teleportAt < 0 ? 0 : row[plan.teleportAt]!,
      isDrawn: false,
    };
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

/** A spring at zero goes so far at most for each unit of its velocity. */
const peakOf = (rate: number): number => 1 / (rate * Math.E);

/** By how much faster a part was drawn than it will be, in steps per ms. */
function velocityDifference({ drawn, corrected, drawnEarlier, correctedEarlier, earlierMs }: Change, i: number, plan: BlendPlan): number {
  if (earlierMs === 0) return 0;
  const part = plan.kind.layout.parts[i]!;
  return (shortWay(part, drawn[i]! - drawnEarlier[i]!) - shortWay(part, corrected[i]! - correctedEarlier[i]!)) / earlierMs;
}

/** Adds to one part's error. False if it is no correction any more. A velocity is kept so low that the error never becomes one. */
function push({ plan, place, velocity, rate }: VisualError, i: number, difference: number, faster: number): boolean {
  const part = plan.kind.layout.parts[i]!;
  const largest = part.isCyclic ? (part.max - part.min + 1) / 2 : (part.max - part.min + 1) * LARGEST_PART_OF_RANGE;
  const sum = place[i]! + difference;
  place[i] = part.isCyclic ? shortWay(part, sum) : sum;
  const room = largest - Math.abs(place[i]);
  if (room < 0) return false;
  const fastest = room / peakOf(rate);
  velocity[i] = Math.min(fastest, Math.max(-fastest, velocity[i]! + faster));
  return true;
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
