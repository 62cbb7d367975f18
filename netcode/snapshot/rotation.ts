/**
 * How a rotation is expected to go on: the turn between two copies, carried on. Turns are added in quaternion space, where
 * they are exact; extrapolating stored components would be wrong by more the faster a thing spins.
 *
 * A turn is handled as its modified Rodrigues parameters, v / (1 + w) = axis * tan(angle / 4), with short series for arc
 * tangent and tangent: + - * / sqrt alone, so both sides agree bit for bit. (Schaub and Junkins 1996)
 */
import type { Known, Motion } from './motion.ts';

/** Turns agree if they differ by less than this over the shorter stretch, in stored steps. */
const AGREEMENT_STEPS = 1.5;
/** The square of tan(angle / 4) beyond which the series are no good: a third of a turn. */
const TANGENT_SQUARED_MAX = 0.5;
/** Terms of the series. */
const THIRD = 1 / 3;
const FIFTH = 1 / 5;
const SEVENTH = 1 / 7;
const TWO_15TH = 2 / 15;
const SEVENTEEN_315TH = 17 / 315;
/** A stored step of a component turns a thing by about this many times its value. */
const RADIANS_PER_STEP = 2;

export class Rotation {
  /** How far the turns over a short and a longer stretch differ, in steps until the predicted moment. */
  shake = 0;
  /** The components that are expected to be largest and second largest, and by how many steps they differ. */
  largest = 0;
  runnerUp = 0;
  margin = 0;
  /** The three stored components, in steps: where they are expected, and how far that is from where they were. */
  readonly expected = new Float64Array(3);
  readonly path = new Float64Array(3);
  readonly #step: number;
  readonly #at: number;
  /** The rotation in each copy, the turns per tick from the first to the others, and the expected rotation. */
  readonly #first = new Float64Array(4);
  readonly #second = new Float64Array(4);
  readonly #third = new Float64Array(4);
  readonly #fourth = new Float64Array(4);
  readonly #short = new Float64Array(3);
  readonly #long = new Float64Array(3);
  readonly #longest = new Float64Array(3);
  readonly #next = new Float64Array(4);
  /** How far the turns are apart. */
  readonly #gaps = new Float64Array(2);

  /** `at` is the first of the four stored parts, `step` what a step of a component is worth. */
  constructor(at: number, step: number) {
    this.#at = at;
    this.#step = step;
  }

  predict(motion: Motion): void {
    const first = this.#first;
    const second = this.#second;
    const third = this.#third;
    const fourth = this.#fourth;
    const gaps = this.#gaps;
    const unit = RADIANS_PER_STEP * this.#step;
    this.#unpack(motion.first, first);
    this.#unpack(motion.second, second);
    this.#unpack(motion.third, third);
    turnPerTick(first, second, motion.rates, 0, this.#short);
    turnPerTick(first, third, motion.rates, 1, this.#long);
    measure(this.#long, this.#short, gaps, 0);
    const disagreement = gaps[0]!;
    this.shake = (disagreement / unit) * motion.ticks;
    let turn = this.#short;
    if (disagreement * motion.toSecond < AGREEMENT_STEPS * unit) {
      turn = this.#long;
      this.#unpack(motion.fourth, fourth);
      turnPerTick(first, fourth, motion.rates, 2, this.#longest);
      measure(this.#longest, this.#long, gaps, 1);
      if (gaps[1]! * motion.toThird < AGREEMENT_STEPS * unit) turn = this.#longest;
    }
    turned(first, turn, motion.ticks, this.#next);
    this.#rank();
  }

  /** The four components that are stored as three. What no rotation is stored as gives something as well. */
  #unpack({ row, at }: Known, out: Float64Array): void {
    const step = this.#step;
    const from = at + this.#at;
    const largest = row[from]!;
    const a = row[from + 1]! * step;
    const b = row[from + 2]! * step;
    const c = row[from + 3]! * step;
    const squares = a * a + b * b + c * c;
    const rest = squares < 1 ? Math.sqrt(1 - squares) : 0;
    out[0] = largest === 0 ? rest : a;
    out[1] = largest === 1 ? rest : largest === 0 ? a : b;
    out[2] = largest === 2 ? rest : largest === 3 ? c : b;
    out[3] = largest === 3 ? rest : c;
  }

  #rank(): void {
    const q = this.#next;
    let largest = 0;
    let runnerUp = 1;
    let most = Math.abs(q[0]!);
    let next = Math.abs(q[1]!);
    if (next > most) {
      largest = 1;
      runnerUp = 0;
      const size = most;
      most = next;
      next = size;
    }
    for (let i = 2; i < 4; i++) {
      const size = Math.abs(q[i]!);
      if (size > most) {
        runnerUp = largest;
        next = most;
        largest = i;
        most = size;
      } else if (size > next) {
        runnerUp = i;
        next = size;
      }
    }
    this.largest = largest;
    this.runnerUp = runnerUp;
    this.margin = (most - next) / this.#step;
  }

  /** Fills `expected` and `path` for the form that leaves out a given component. */
  express(largest: number): void {
    const q = this.#next;
    const before = this.#first;
    const scale = (q[largest]! < 0 ? -1 : 1) / this.#step;
    // The opposite quaternion is the same rotation: the path is measured from the nearer one.
    const dot = q[0]! * before[0]! + q[1]! * before[1]! + q[2]! * before[2]! + q[3]! * before[3]!;
    const scaleBefore = dot < 0 ? -scale : scale;
    let k = 0;
    for (let i = 0; i < 4; i++) {
      if (i === largest) continue;
      this.expected[k] = q[i]! * scale;
      this.path[k] = this.expected[k]! - before[i]! * scaleBefore;
      k++;
    }
  }
}

/** The rotation vector, in radians per tick, that led from `from` to `to`; `rates[n]` is one over the ticks it took. */
function turnPerTick(to: Float64Array, from: Float64Array, rates: Float64Array, n: number, out: Float64Array): void {
  const ax = to[0]!;
  const ay = to[1]!;
  const az = to[2]!;
  const aw = to[3]!;
  const bx = from[0]!;
  const by = from[1]!;
  const bz = from[2]!;
  const bw = from[3]!;
  let w = aw * bw + ax * bx + ay * by + az * bz;
  let x = -aw * bx + ax * bw - ay * bz + az * by;
  let y = -aw * by + ax * bz + ay * bw - az * bx;
  let z = -aw * bz - ax * by + ay * bx + az * bw;
  if (w < 0) {
    w = -w;
    x = -x;
    y = -y;
    z = -z;
  }
  const k = 1 / (1 + w);
  const t = (x * x + y * y + z * z) * k * k;
  const f = 4 * k * (1 - t * (THIRD - t * (FIFTH - t * SEVENTH))) * rates[n]!;
  out[0] = x * f;
  out[1] = y * f;
  out[2] = z * f;
}

/** `q` turned by `turn` for some ticks. */
function turned(q: Float64Array, turn: Float64Array, ticks: number, out: Float64Array): void {
  let x = (turn[0]! * ticks) / 4;
  let y = (turn[1]! * ticks) / 4;
  let z = (turn[2]! * ticks) / 4;
  let t = x * x + y * y + z * z;
  if (t > TANGENT_SQUARED_MAX) {
    const s = Math.sqrt(TANGENT_SQUARED_MAX / t);
    x *= s;
    y *= s;
    z *= s;
    t = TANGENT_SQUARED_MAX;
  }
  const f = 1 + t * (THIRD + t * (TWO_15TH + t * SEVENTEEN_315TH));
  const s = t * f * f;
  const k = 1 / (1 + s);
  const rw = (1 - s) * k;
  const rx = 2 * x * f * k;
  const ry = 2 * y * f * k;
  const rz = 2 * z * f * k;
  const qx = q[0]!;
  const qy = q[1]!;
  const qz = q[2]!;
  const qw = q[3]!;
  out[3] = rw * qw - rx * qx - ry * qy - rz * qz;
  out[0] = rw * qx + rx * qw + ry * qz - rz * qy;
  out[1] = rw * qy - rx * qz + ry * qw + rz * qx;
  out[2] = rw * qz + rx * qy - ry * qx + rz * qw;
}

/** Notes in `out[n]` how far two turns are apart. */
function measure(a: Float64Array, b: Float64Array, out: Float64Array, n: number): void {
  const x = a[0]! - b[0]!;
  const y = a[1]! - b[1]!;
  const z = a[2]! - b[2]!;
  out[n] = Math.sqrt(x * x + y * y + z * z);
}
