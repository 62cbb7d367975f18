/**
 * What both sides expect of one entity, from its values in the client's copies. Worked out step by step, as far as anybody
 * asks: most of what flies on as it did needs little, and what is to be kept needs next to nothing.
 */
import type { Kind } from '../define-game.ts';
import type { Row } from '../wire/schema.ts';
import { CopyCursor } from './copy-cursor.ts';
import { moved } from './delta.ts';
import type { KindPlan } from './kind-plan.ts';
import { type Expectations, type Known, Motion } from './motion.ts';
import { Rotation } from './rotation.ts';

/** The copies before the baseline. */
export interface OlderCopies {
  readonly second: CopyCursor;
  readonly third: CopyCursor;
  readonly fourth: CopyCursor;
}

const NO_COPIES: OlderCopies = { second: new CopyCursor(), third: new CopyCursor(), fourth: new CopyCursor() };

export class Expectation implements Expectations {
  readonly motion = new Motion();
  readonly rotations: readonly Rotation[];
  readonly expected: Int32Array;
  readonly velocities: Float64Array;
  readonly bends: Float64Array;
  readonly doubts: Float64Array;
  /** Steps that the entity is expected to go. */
  pathLength = 0;
  /** Whether a tick that it holds was over at the baseline (1), or is by now (2). */
  due = 0;
  /** Whether all velocities were the same in the two newest copies; false if none is declared. */
  isSteady = false;
  readonly plan: KindPlan;
  #tick = 0;
  #id = 0;
  #older: OlderCopies = NO_COPIES;
  /** Whether `#look` and `predict` were called for the entity at hand, and whether it flies on as it did. */
  #hasLooked = false;
  #isPredicted = false;
  #fliesOn = false;

  constructor(kind: Kind, plan: KindPlan) {
    const { length } = kind.layout.parts;
    this.plan = plan;
    this.rotations = plan.rotations.map(({ at, step }) => new Rotation(at, step));
    this.expected = new Int32Array(length);
    this.velocities = new Float64Array(length);
    this.bends = new Float64Array(length);
    this.doubts = new Float64Array(length);
  }

  /** Begins with an entity: its values in the baseline, and where to find it in the older copies. Ids ascend from call to call. */
  open(tick: number, id: number, first: Known, older: OlderCopies): void {
    this.#tick = tick;
    this.#id = id;
    this.#older = older;
    this.motion.open(tick, first);
    this.#hasLooked = this.#isPredicted = this.#fliesOn = false;
    this.#expectDriven();
  }

  /** What the flags before an entity's parts go by: comes before `isMet` and `take`. */
  prepare(): void {
    this.#expectHeld();
    this.isSteady = this.#hasSteadyVelocities();
    this.#fliesOn = this.plan.isBallistic && this.isSteady;
  }

  /** Looks the entity up in the older copies. */
  #look(): void {
    if (this.#hasLooked) return;
    this.#hasLooked = true;
    const { second, third, fourth } = this.#older;
    const id = this.#id;
    const before = second.find(id) ? second : this.motion.first;
    const older = third.find(id) ? third : before;
    this.motion.look(before, older, fourth.find(id) ? fourth : older);
  }

  take(row: Row, at: number): void {
    const { expected } = this;
    this.#expectFree();
    this.#expectRotations();
    for (let i = 0; i < expected.length; i++) row[at + i] = expected[i]!;
  }

  /** Predicts what moves by itself; most of what flies on needs no look at the older copies for that. */
  #expectFree(): void {
    if (!this.#fliesOn) {
      this.predict();
      return;
    }
    const { first } = this.motion;
    const { expected } = this;
    const { free } = this.plan;
    for (let g = 0; g < free.length; g++) {
      const group = free[g]!;
      for (let n = 0; n < group.length; n++) expected[group[n]!.at] = first.row[first.at + group[n]!.at]!;
    }
  }

  /** Whether everything is where it is expected if nothing happened. What is cheap to ask is asked first. */
  isMet(row: Row, at: number): boolean {
    const { expected } = this;
    const { held, free, driven, rotations, blobs } = this.plan;
    for (let n = 0; n < held.length; n++) if (row[at + held[n]!] !== expected[held[n]!]) return false;
    for (let g = 0; g < driven.length; g++) {
      const group = driven[g]!;
      for (let n = 0; n < group.length; n++) if (row[at + group[n]!.at] !== expected[group[n]!.at]) return false;
    }
    this.#expectFree();
    for (let g = 0; g < free.length; g++) {
      const group = free[g]!;
      for (let n = 0; n < group.length; n++) if (row[at + group[n]!.at] !== expected[group[n]!.at]) return false;
    }
    if (rotations.length + blobs.length === 0) return true;
    this.#expectRotations();
    for (let i = 0; i < expected.length; i++) if (row[at + i] !== expected[i]) return false;
    return true;
  }

  #expectHeld(): void {
    const { first } = this.motion;
    const { expected } = this;
    const { held, ticks, blobs } = this.plan;
    for (let n = 0; n < held.length; n++) expected[held[n]!] = first.row[first.at + held[n]!]!;
    this.due = 0;
    for (let n = 0; n < ticks.length; n++) {
      const value = first.row[first.at + ticks[n]!]!;
      this.due = Math.max(this.due, value <= first.tick ? 1 : value <= this.#tick ? 2 : 0);
    }
    for (let n = 0; n < blobs.length; n++) {
      const { at, count } = blobs[n]!;
      for (let i = at; i < at + count; i++) expected[i] = first.row[first.at + i]!;
    }
  }

  /** Moves what is driven by the velocities that the client knows. */
  #expectDriven(): void {
    const { first, ticks } = this.motion;
    const { expected } = this;
    const { driven } = this.plan;
    for (let g = 0; g < driven.length; g++) {
      const group = driven[g]!;
      let squares = 0;
      for (let n = 0; n < group.length; n++) {
        const { at, part, velocity, perTick } = group[n]!;
        const path = first.row[first.at + velocity]! * perTick;
        expected[at] = moved(part, first.row[first.at + at]!, Math.floor(path + 0.5) * ticks);
        squares += path * path;
      }
      if (g === 0) this.pathLength = Math.sqrt(squares) * ticks;
    }
  }

  /** Predicts what moves by itself. */
  predict(): void {
    if (this.#isPredicted) return;
    this.#isPredicted = true;
    this.#look();
    const motion = this.motion;
    const { velocities } = this;
    const { free, driven } = this.plan;
    for (let g = 0; g < free.length; g++) {
      const group = free[g]!;
      let squares = 0;
      for (let n = 0; n < group.length; n++) {
        const moving = group[n]!;
        motion.predict(moving, this);
        squares += velocities[moving.at]! * velocities[moving.at]!;
      }
      if (g === 0 && driven.length === 0) this.pathLength = Math.sqrt(squares) * motion.ticks;
    }
    for (let n = 0; n < this.rotations.length; n++) this.rotations[n]!.predict(motion);
  }

  /** Writes what the rotations are expected to be, where nothing is known yet of which component is the largest. */
  #expectRotations(): void {
    const { expected } = this;
    for (let n = 0; n < this.rotations.length; n++) {
      const rotation = this.rotations[n]!;
      const { at, limit } = this.plan.rotations[n]!;
      rotation.express(rotation.largest);
      expected[at] = rotation.largest;
      for (let i = 0; i < 3; i++) expected[at + 1 + i] = componentOf(rotation.expected[i]!, limit);
    }
  }

  /** Whether all velocities were the same in the two newest copies. */
  #hasSteadyVelocities(): boolean {
    const { driven } = this.plan;
    if (driven.length === 0) return false;
    const { first } = this.motion;
    const second = this.#older.second.find(this.#id) ? this.#older.second : first;
    for (let g = 0; g < driven.length; g++) {
      const group = driven[g]!;
      for (let n = 0; n < group.length; n++) {
        const { velocity } = group[n]!;
        if (first.row[first.at + velocity] !== second.row[second.at + velocity]) return false;
      }
    }
    return true;
  }

  /** Whether anything is expected to have come to the end of its range. */
  isAtEdge(): boolean {
    const { expected } = this;
    const { driven } = this.plan;
    for (let g = 0; g < driven.length; g++) {
      const group = driven[g]!;
      for (let n = 0; n < group.length; n++) {
        const { at, part } = group[n]!;
        if (!part.isCyclic && (expected[at]! <= part.min || expected[at]! >= part.max)) return true;
      }
    }
    return false;
  }
}

/** A component of a rotation as it is stored. */
export const componentOf = (steps: number, limit: number): number => Math.min(limit - 1, Math.max(-limit, Math.floor(steps + 0.5)));
