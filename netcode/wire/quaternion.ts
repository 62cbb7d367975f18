/**
 * Orientations in space: unit quaternions, stored as their smallest three components (Glenn Fiedler, "Snapshot
 * Compression", gafferongames.com). A unit quaternion's largest component follows from the others, and q and -q are the
 * same orientation, so it can be taken as positive; the others are at most sqrt(1/2), whatever the orientation.
 *
 *     stored parts   [largest, a, b, c]
 *     largest        which of x, y, z, w is left out: 0 to 3
 *     a, b, c        the other components in the order x, y, z, w, in steps of sqrt(1/2) / 2^(bits - 1)
 *
 * All arithmetic is + - * / sqrt and comparisons, exactly rounded: every engine gives the same bits. All functions are
 * total (any numbers give a unit quaternion) and, except for the field's `write`, never throw; none allocates.
 */
import { type FieldOptions, mannersOf, partOf } from './field-options.ts';
import type { Extrapolation, Field, Row, Smoothing } from './schema.ts';

/** An orientation: a unit quaternion. Assign a whole one: a component on its own would be none. */
export interface Quat {
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly w: number;
}
export type QuatInit = Quat | readonly [x: number, y: number, z: number, w: number];

/** Parts of a stored quaternion. */
export const QUATERNION_PARTS = 4;
const W = 3;
/**
 * A turn by `angle` changes some stored component by at least `angle / 4 / sqrt(3)`: it shows least with all four near 1/2,
 * when it changes three alike and the largest, which is not stored, three times as much.
 */
const COMPONENT_PER_RADIAN = 1 / (4 * Math.sqrt(3));
/** Beyond any stored integer. */
const STEPS_MAX = 2 ** 32;

const stored = (value: number | undefined): number => (value !== undefined && value > -STEPS_MAX && value < STEPS_MAX ? value : 0);

/**
 * Unpacks the four stored parts at `row[at]…` to x, y, z, w in `out`, a unit quaternion. `step` is the field's: what one
 * step of a component is worth. Components too large to be of a unit quaternion are scaled down.
 */
export function quaternionOf(row: ArrayLike<number>, at: number, step: number, out: Float64Array): void {
  const largest = row[at]! & 3;
  let a = stored(row[at + 1]) * step;
  let b = stored(row[at + 2]) * step;
  let c = stored(row[at + 3]) * step;
  const squares = a * a + b * b + c * c;
  let rest = 0;
  if (squares < 1) rest = Math.sqrt(1 - squares);
  else {
    const length = Math.sqrt(squares);
    a /= length;
    b /= length;
    c /= length;
  }
  out[0] = largest === 0 ? rest : a;
  out[1] = largest === 1 ? rest : largest === 0 ? a : b;
  out[2] = largest === 2 ? rest : largest === W ? c : b;
  out[3] = largest === W ? rest : c;
}

/** Makes x, y, z, w a unit quaternion. False, and nothing changed, if they have no direction: all zero, or not finite. */
export function normaliseQuaternion(q: Float64Array): boolean {
  let size = 0;
  for (let i = 0; i < 4; i++) {
    const component = Math.abs(q[i]!);
    // Not Math.max: whatever is no number must be noticed.
    if (!(component < Infinity)) return false;
    if (component > size) size = component;
  }
  if (size === 0) return false;
  // First to about 1, so that the squares of very small or large ones neither vanish nor overflow.
  let squares = 0;
  for (let i = 0; i < 4; i++) {
    q[i] = q[i]! / size;
    squares += q[i]! * q[i]!;
  }
  const length = Math.sqrt(squares);
  for (let i = 0; i < 4; i++) q[i] = q[i]! / length;
  return true;
}

const unit = new Float64Array(4);

/**
 * Packs x, y, z, w into four parts at `out[at]…`: rounded to whole steps for storing, or not, for drawing. What is not of
 * length 1 is made so; what has no direction is taken for the identity.
 *
 * Rounded parts are canonical: unpacked and packed again they are the same. Where several components are about as large,
 * rounding the others can change which is the largest, so it is chosen by rounded size, the first of equals; and as that
 * may change once, it is done twice. (In steps, the square of the largest is a whole number: it never lies near a half.)
 */
export function packQuaternion(q: Float64Array, step: number, out: Int32Array | Float64Array, at: number, isRounded: boolean): void {
  for (let i = 0; i < 4; i++) unit[i] = q[i]!;
  if (!normaliseQuaternion(unit)) {
    unit.fill(0);
    unit[W] = 1;
  }
  packUnit(step, out, at, isRounded);
  if (!isRounded) return;
  quaternionOf(out, at, step, unit);
  packUnit(step, out, at, true);
}

function packUnit(step: number, out: Int32Array | Float64Array, at: number, isRounded: boolean): void {
  let largest = 0;
  let size = -1;
  for (let i = 0; i < 4; i++) {
    const exact = Math.abs(unit[i]!) / step;
    const candidate = isRounded ? Math.floor(exact + 0.5) : exact;
    if (candidate <= size) continue;
    largest = i;
    size = candidate;
  }
  const divisor = unit[largest]! < 0 ? -step : step;
  // sqrt(1/2) in steps, which is exact: `step` is that divided by a power of two.
  const limit = Math.SQRT1_2 / step;
  out[at] = largest;
  let to = at;
  for (let i = 0; i < 4; i++) {
    if (i === largest) continue;
    const steps = unit[i]! / divisor;
    out[++to] = isRounded ? Math.min(limit - 1, Math.max(-limit, Math.floor(steps + 0.5))) : steps;
  }
}

/** The quaternion that turns by `second` first, then by `first`: `out = first * second`. `out` may be neither. */
export function multiplyQuaternions(first: Float64Array, second: Float64Array, out: Float64Array): void {
  const [ax, ay, az, aw] = [first[0]!, first[1]!, first[2]!, first[W]!];
  const [bx, by, bz, bw] = [second[0]!, second[1]!, second[2]!, second[W]!];
  out[0] = aw * bx + ax * bw + ay * bz - az * by;
  out[1] = aw * by - ax * bz + ay * bw + az * bx;
  out[2] = aw * bz + ax * by - ay * bx + az * bw;
  out[W] = aw * bw - ax * bx - ay * by - az * bz;
}

const from = new Float64Array(4);
const to = new Float64Array(4);

/**
 * Between two stored orientations, or beyond the newer one (`alpha` above 1): straight from one to the other, the short
 * way round, and back to length 1. For the small turns between two snapshots that is as good as turning evenly.
 */
function blendQuaternions(
  out: Float64Array,
  at: number,
  older: Row,
  olderAt: number,
  newer: Row,
  newerAt: number,
  alpha: number,
  step: number,
): void {
  let isSame = true;
  for (let i = 0; i < QUATERNION_PARTS; i++) isSame &&= older[olderAt + i] === newer[newerAt + i];
  if (isSame || alpha <= 0 || alpha === 1) {
    // What stands is drawn exactly where it is.
    for (let i = 0; i < QUATERNION_PARTS; i++) out[at + i] = alpha <= 0 ? older[olderAt + i]! : newer[newerAt + i]!;
    return;
  }
  quaternionOf(older, olderAt, step, from);
  quaternionOf(newer, newerAt, step, to);
  const dot = from[0]! * to[0]! + from[1]! * to[1]! + from[2]! * to[2]! + from[W]! * to[W]!;
  const weight = dot < 0 ? -alpha : alpha;
  for (let i = 0; i < 4; i++) from[i] = from[i]! * (1 - alpha) + to[i]! * weight;
  packQuaternion(from, step, out, at, false);
}

interface QuatOptions extends FieldOptions {
  /** Bits of each of the three components that are stored, 2 to 20. Default 10: off by 0.1 degrees on average, by 0.4 at most. */
  readonly bits?: number;
  readonly smooth?: Smoothing;
  readonly predictor?: Extrapolation;
  /**
   * In radians: a turn by no more than this since the value was last captured is not worth sending. Components are
   * compared, with a margin that makes sure that what is held back is never more; some turns are sent from a third of it on.
   */
  readonly tolerance?: number;
}

/**
 * An orientation in space. What is written is made a unit quaternion; what is read is one, and q and -q read alike.
 * Throws TypeError if a quaternion that has no direction is written: all zero, or not finite.
 */
export function quat(options: QuatOptions = {}): Field<Quat, QuatInit> {
  const { bits = 10 } = options;
  if (!Number.isInteger(bits) || bits < 2 || bits > 20) throw new RangeError(`quaternion of ${bits} bits: 2 to 20 are possible`);
  const half = 2 ** (bits - 1);
  const step = Math.SQRT1_2 / half;
  const component = partOf(-half, half - 1);
  const q = new Float64Array(4);
  const read = (row: ArrayLike<number>, at: number): Quat => {
    quaternionOf(row, at, step, q);
    return { x: q[0]!, y: q[1]!, z: q[2]!, w: q[W]! };
  };
  return {
    ...mannersOf(options, { smooth: 'linear', step: step / COMPONENT_PER_RADIAN }),
    isRotation: true,
    parts: [partOf(0, W), component, component, component],
    initial: [W, 0, 0, 0],
    step,
    read,
    write: (row, at, value) => {
      const isObject = 'x' in value;
      // All four are read before any is written: the value may be a live view of this very row.
      const x = isObject ? value.x : value[0];
      const y = isObject ? value.y : value[1];
      const z = isObject ? value.z : value[2];
      const w = isObject ? value.w : value[3];
      q[0] = x;
      q[1] = y;
      q[2] = z;
      q[W] = w;
      if (!normaliseQuaternion(q)) throw new TypeError(`quaternion (${x}, ${y}, ${z}, ${w}) has no direction`);
      packQuaternion(q, step, row, at, true);
    },
    live: (cursor, at) => ({
      get x() {
        quaternionOf(cursor.rows.data, cursor.base + at, step, q);
        return q[0]!;
      },
      get y() {
        quaternionOf(cursor.rows.data, cursor.base + at, step, q);
        return q[1]!;
      },
      get z() {
        quaternionOf(cursor.rows.data, cursor.base + at, step, q);
        return q[2]!;
      },
      get w() {
        quaternionOf(cursor.rows.data, cursor.base + at, step, q);
        return q[W]!;
      },
    }),
    blend: (out, at, older, olderAt, newer, newerAt, alpha) => blendQuaternions(out, at, older, olderAt, newer, newerAt, alpha, step),
  };
}
