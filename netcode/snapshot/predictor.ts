/**
 * What both sides expect an entity to be at a tick, from what the receiver is known to have of it at up to three earlier
 * ticks. Only what differs from the expectation is sent. All arithmetic is on integers and exactly rounded floating point
 * (+ - * / floor), so both sides expect the same, bit for bit.
 *
 * A field with a velocity is moved by it, rounded after every tick as the rules' own `pos += vel * dt` is; other smooth
 * fields go on as they went between the two newest known ticks; the rest stays.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import type { Part, Row } from '../wire/schema.ts';
import { difference, moved } from './delta.ts';

/** Ticks over which a velocity is followed step by step; older baselines are rare and cost what they cost. */
const VELOCITY_TICKS_MAX = 16;
/** How well the expectation has worked, or how far it moves, in classes: 0, 1, 2-3, 4-7, 8-15, 16 and more. */
const CLASSES = 6;
/** Scales with a known error (the expectation was tried on the newest known tick) and without. */
export const SCALES = 2 * CLASSES;

/** How one part is expected to go on. */
interface PartPlan {
  readonly part: Part;
  readonly isSmooth: boolean;
  /** The part that holds the velocity, or -1. */
  readonly velocityPart: number;
  readonly step: number;
  readonly velocityStep: number;
}

/** A known state of an entity: `row[at]…` at `tick`. */
export interface Known {
  readonly row: Row;
  readonly at: number;
  readonly tick: number;
}

export class Predictor {
  /** The expected values of the last `predict`. */
  readonly expected: Int32Array;
  /** For each part how far off the truth is likely to be: 0 to SCALES - 1. */
  readonly scales: Uint8Array;
  /** The worst of the known errors, in classes. */
  surprise = 0;
  readonly #plans: readonly PartPlan[];
  readonly #dt: number;

  constructor(game: AnyGame, kind: Kind) {
    this.#dt = 1 / game.tickRate;
    this.#plans = planOf(kind);
    this.expected = new Int32Array(kind.layout.parts.length);
    this.scales = new Uint8Array(kind.layout.parts.length);
  }

  /** Fills `expected` and `scales` for `tick` from the newest known state and, if there are any, two older ones. */
  predict(tick: number, first: Known, second: Known | undefined, third: Known | undefined): void {
    this.surprise = 0;
    for (let i = 0; i < this.#plans.length; i++) {
      const expected = this.#extrapolate(i, first, second, tick);
      const distance = classOf(difference(this.#plans[i]!.part, first.row[first.at + i]!, expected));
      let scale = CLASSES + distance;
      // Would the same expectation have been right about what we know already?
      const isTestable = second !== undefined && (third !== undefined || this.#plans[i]!.velocityPart >= 0 || !this.#plans[i]!.isSmooth);
      if (isTestable) {
        const tested = this.#extrapolate(i, second, third, first.tick);
        scale = classOf(difference(this.#plans[i]!.part, tested, first.row[first.at + i]!));
        this.surprise = Math.max(this.surprise, scale);
      }
      this.expected[i] = expected;
      this.scales[i] = scale;
    }
  }

  #extrapolate(i: number, from: Known, before: Known | undefined, tick: number): number {
    const { part, isSmooth, velocityPart, step, velocityStep } = this.#plans[i]!;
    const value = from.row[from.at + i]!;
    if (!isSmooth) return value;
    const ticks = tick - from.tick;
    if (velocityPart >= 0) {
      const perTick = from.row[from.at + velocityPart]! * velocityStep * this.#dt;
      let position = value;
      for (let n = Math.min(ticks, VELOCITY_TICKS_MAX); n > 0; n--)
        position = moved(part, 0, Math.floor((position * step + perTick) / step + 0.5));
      return position;
    }
    if (before === undefined || before.tick >= from.tick) return value;
    const change = difference(part, before.row[before.at + i]!, value);
    return change === 0 ? value : moved(part, value, Math.floor((change * ticks) / (from.tick - before.tick) + 0.5));
  }
}

function classOf(value: number): number {
  return Math.min(CLASSES - 1, 32 - Math.clz32(Math.abs(value)));
}

function planOf(kind: Kind): PartPlan[] {
  const hold = { isSmooth: false, velocityPart: -1, step: 1, velocityStep: 1 };
  const plans: PartPlan[] = kind.layout.parts.map((part) => ({ part, ...hold }));
  for (const { field, at } of kind.layout.entries) {
    const velocity = kind.layout.entries.find(({ name }) => name === field.velocity);
    field.parts.forEach((part, i) => {
      plans[at + i] = {
        part,
        isSmooth: field.smoothing === 'linear',
        velocityPart: velocity === undefined ? -1 : velocity.at + i,
        step: field.step ?? 1,
        velocityStep: velocity?.field.step ?? 1,
      };
    });
  }
  return plans;
}
