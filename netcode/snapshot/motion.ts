/**
 * What both sides expect of an entity's moving parts, from its values in up to four copies that the client has: the
 * baseline and about one, three and six snapshots before it. Only + - * / and floor, so both expect the same, bit for bit.
 *
 * A part goes on at the velocity of its last steps, or of a longer stretch where the two agree (the longer one carries less
 * rounding). Acceleration counts as far as both halves of the past agree on it: a falling body falls, a struck one flies on.
 */
import { difference, moved, type Values } from './delta.ts';
import type { MovingPart } from './kind-plan.ts';

/** How far before the baseline the others are wished to be, in snapshots. */
export const WISHED_SNAPSHOTS = [1, 3, 6] as const;
/** Velocities agree if the paths differ by less than this over the shorter stretch, in steps: less than rounding explains. */
const AGREEMENT_STEPS = 0.8;
/** Accelerations below this, in steps per tick², are noise. */
const ACCELERATION_MIN = 0.15;
/** Keeps the share of acceleration that counts below one. */
const ACCELERATION_DOUBT = 0.02;

/** A copy's values of an entity, and the tick that they are of. */
export interface Known extends Values {
  readonly tick: number;
}

/** By part: what is expected of it. Written part by part, so that nothing is allocated. */
export interface Expectations {
  readonly expected: Int32Array;
  /** How fast it goes, in steps per tick. */
  readonly velocities: Float64Array;
  /** How far acceleration bends its path, and how far the halves of the past differ on that, in steps. */
  readonly bends: Float64Array;
  readonly doubts: Float64Array;
}

const NOTHING: Known = { row: new Int32Array(0), at: 0, tick: 0 };

export class Motion {
  /** Ticks from the baseline to what is to be predicted. */
  ticks = 1;
  /** The baseline's values and those of the copies before it. */
  first = NOTHING;
  second = NOTHING;
  third = NOTHING;
  fourth = NOTHING;
  /** Ticks from the baseline back to each copy, at least 1, and the inverses of these three. */
  toSecond = 0;
  toThird = 0;
  toFourth = 0;
  readonly rates = new Float64Array(3);
  /** Inverses of what velocities and their changes are divided by; they hold until copies of other ticks come. */
  #perMiddle = 1;
  #perOldest = 1;
  #perChange = 1;
  #perNewerChange = 1;
  #perOlderChange = 1;

  /** Begins with an entity; `look` comes before anything that asks for the copies before the baseline. */
  open(tick: number, first: Known): void {
    this.first = first;
    this.ticks = tick - first.tick;
  }

  /** Takes the entity's values in the older copies. Copies that do not hold it are given as the one before. */
  look(second: Known, third: Known, fourth: Known): void {
    this.second = second;
    this.third = third;
    this.fourth = fourth;
    const { tick } = this.first;
    // In copies that lack something an older one may hold a newer value: time runs backwards all the same.
    const toSecond = Math.max(1, tick - second.tick);
    const toThird = Math.max(toSecond, tick - third.tick);
    const toFourth = Math.max(toThird, tick - fourth.tick);
    if (toSecond !== this.toSecond || toThird !== this.toThird || toFourth !== this.toFourth) this.#space(toSecond, toThird, toFourth);
  }

  #space(toSecond: number, toThird: number, toFourth: number): void {
    this.toSecond = toSecond;
    this.toThird = toThird;
    this.toFourth = toFourth;
    this.rates[0] = 1 / toSecond;
    this.rates[1] = 1 / toThird;
    this.rates[2] = 1 / toFourth;
    const middle = Math.max(1, toThird - toSecond);
    const oldest = Math.max(1, toFourth - toThird);
    this.#perMiddle = 1 / middle;
    this.#perOldest = 1 / oldest;
    // Velocities lie in the middle of their stretches.
    this.#perChange = 1 / (toThird + (oldest - toSecond) / 2);
    this.#perNewerChange = 2 / (toSecond + middle);
    this.#perOlderChange = 2 / (middle + oldest);
  }

  /** Predicts a part without a declared velocity. */
  predict({ at, part, isVelocity }: MovingPart, out: Expectations): void {
    const now = this.first.row[this.first.at + at]!;
    const was1 = this.second.row[this.second.at + at]!;
    const was2 = this.third.row[this.third.at + at]!;
    const was3 = this.fourth.row[this.fourth.at + at]!;
    if (now === was1 && (isVelocity || (now === was2 && now === was3))) {
      out.expected[at] = now;
      out.velocities[at] = out.bends[at] = out.doubts[at] = 0;
      return;
    }
    const step1 = difference(part, was1, now);
    const step2 = difference(part, was2, was1);
    const step3 = difference(part, was3, was2);
    const d = this.ticks;
    const { toSecond } = this;
    const newest = step1 * this.rates[0]!;
    const middle = step2 * this.#perMiddle;
    const oldest = step3 * this.#perOldest;
    const acceleration = (newest - oldest) * this.#perChange;
    const doubt = Math.abs((newest - middle) * this.#perNewerChange - (middle - oldest) * this.#perOlderChange);
    const size = Math.abs(acceleration);
    const share = size > ACCELERATION_MIN && doubt < size ? 1 - doubt / (size + ACCELERATION_DOUBT) : 0;
    let velocity = newest;
    if (share === 0) {
      const long = (step1 + step2) * this.rates[1]!;
      if (Math.abs(long - newest) * toSecond < AGREEMENT_STEPS) {
        velocity = long;
        const longest = (step1 + step2 + step3) * this.rates[2]!;
        if (Math.abs(longest - long) * this.toThird < AGREEMENT_STEPS) velocity = longest;
      }
    }
    const reach = (d * (d + toSecond)) / 2;
    out.velocities[at] = velocity;
    out.expected[at] = moved(part, now, Math.floor(velocity * d + share * acceleration * reach + 0.5));
    out.bends[at] = share * size * reach;
    out.doubts[at] = doubt * reach;
  }
}
