/**
 * The types of field that are numbers, or names for numbers: truths, counts, real numbers, vectors, angles, names, ids.
 * JSDoc gives ranges and units; what makes no sense is refused by name when the field is made.
 */
import type { EntityId } from '../core/ids.ts';
import { clamp, clampRound, type FieldOptions, INT32_MAX, mannersOf, type NumberOptions, partOf, plainMannersOf } from './field-options.ts';
import type { Field } from './schema.ts';

/** A point or direction. Assigning to `x` or `y` of an entity's vector writes the state. */
export interface Vec2 {
  x: number;
  y: number;
}
export type Vec2Init = Readonly<Vec2> | readonly [number, number];

/** A point or direction in space. Assigning to `x`, `y` or `z` of an entity's vector writes the state. */
export interface Vec3 {
  x: number;
  y: number;
  z: number;
}
export type Vec3Init = Readonly<Vec3> | readonly [number, number, number];

interface RangeOptions extends NumberOptions {
  readonly min: number;
  readonly max: number;
  /** Precision: stored values are `min + n * step`. */
  readonly step: number;
  /**
   * Names the field of the same entity that holds this one's change per second. Snapshots then send only what
   * `value += velocity * dt` does not explain: nothing at all for what flies straight.
   */
  readonly velocity?: string;
}

function integer(min: number, max: number, options: NumberOptions): Field<number> {
  return {
    ...mannersOf(options, { smooth: 'none', step: 1 }),
    parts: [partOf(min, max)],
    initial: [clamp(0, min, max)],
    read: (row, at) => row[at]!,
    write: (row, at, value) => {
      row[at] = clampRound(value, min, max);
    },
  };
}

/** An integer from `min` to `max`. */
export function int(options: NumberOptions & { readonly min: number; readonly max: number }): Field<number> {
  return integer(options.min, options.max, options);
}
/** 0 to 255. */
export const u8 = (options: NumberOptions = {}): Field<number> => integer(0, 255, options);
/** 0 to 65,535. */
export const u16 = (options: NumberOptions = {}): Field<number> => integer(0, 65_535, options);

/**
 * The tick at which something ends or begins: better than a count that goes down, which changes in every tick. `max` is the
 * last tick that it can hold. Default: as many as there can be.
 */
export function moment({ max = INT32_MAX, ...options }: FieldOptions & { readonly max?: number } = {}): Field<number> {
  const field = integer(0, max, options);
  return { ...field, parts: field.parts.map((part) => ({ ...part, isTick: true })) };
}

/**
 * The tick of an entity's last leap (a teleport, a new life elsewhere), one field a kind at most: set it to `ctx.tick` in the step that
 * moves the entity. It is then drawn where it was until that tick and where it is from then on, never on the way, and no
 * correction of it is eased.
 *
 * @example
 * ship: { pos: vec2({ min: 0, max: 1600, step: 1 / 32 }), warpedAt: teleport() }
 * ship.pos = gate.pos; ship.warpedAt = ctx.tick
 */
export function teleport(options: FieldOptions = {}): Field<number> {
  return { ...moment(options), isTeleport: true };
}

/** True or false. As an input: held down or not. */
export function bool(options: FieldOptions = {}): Field<boolean> {
  return {
    ...plainMannersOf(options),
    parts: [partOf(0, 1)],
    initial: [0],
    read: (row, at) => row[at]! >= 1,
    write: (row, at, value) => {
      row[at] = value ? 1 : 0;
    },
  };
}

/** An input that happens (a press), rather than lasts: set between two ticks, it is true in exactly one tick. */
export function event(options: FieldOptions = {}): Field<boolean> {
  return { ...bool(options), isEdge: true };
}

/** What real numbers and vectors of `count` of them share. */
function rangeOf(options: RangeOptions, count: number) {
  const { min, max, step } = options;
  if (!(step > 0)) throw new RangeError(`field step ${step} must be above 0`);
  const low = Math.round(min / step);
  const high = Math.round(max / step);
  const part = partOf(low, high);
  const common = {
    ...mannersOf(options, { smooth: 'linear', step }),
    parts: Array.from({ length: count }, () => part),
    initial: Array.from({ length: count }, () => clamp(0, low, high)),
    step,
    ...(options.velocity !== undefined && { velocity: options.velocity }),
  };
  return { common, step, quantise: (value: number): number => clampRound(value / step, low, high) };
}

/** A real number from `min` to `max` in steps of `step`, both of which should be multiples of it. */
export function float(options: RangeOptions): Field<number> {
  const { common, step, quantise } = rangeOf(options, 1);
  return {
    ...common,
    read: (row, at) => row[at]! * step,
    write: (row, at, value) => {
      row[at] = quantise(value);
    },
  };
}

/** Two real numbers of one range: a position or a velocity in the plane. */
export function vec2(options: RangeOptions): Field<Vec2, Vec2Init> {
  const { common, step, quantise } = rangeOf(options, 2);
  return {
    ...common,
    read: (row, at) => ({ x: row[at]! * step, y: row[at + 1]! * step }),
    write: (row, at, value) => {
      const isObject = 'x' in value;
      const x = quantise(isObject ? value.x : value[0]);
      const y = quantise(isObject ? value.y : value[1]);
      row[at] = x;
      row[at + 1] = y;
    },
    live: (cursor, at) => ({
      get x() {
        return cursor.rows.data[cursor.base + at]! * step;
      },
      set x(value) {
        cursor.rows.data[cursor.base + at] = quantise(value);
      },
      get y() {
        return cursor.rows.data[cursor.base + at + 1]! * step;
      },
      set y(value) {
        cursor.rows.data[cursor.base + at + 1] = quantise(value);
      },
    }),
  };
}

/** Three real numbers of one range: a position or a velocity in space. */
export function vec3(options: RangeOptions): Field<Vec3, Vec3Init> {
  const { common, step, quantise } = rangeOf(options, 3);
  return {
    ...common,
    read: (row, at) => ({ x: row[at]! * step, y: row[at + 1]! * step, z: row[at + 2]! * step }),
    write: (row, at, value) => {
      const isObject = 'x' in value;
      const x = quantise(isObject ? value.x : value[0]);
      const y = quantise(isObject ? value.y : value[1]);
      const z = quantise(isObject ? value.z : value[2]);
      row[at] = x;
      row[at + 1] = y;
      row[at + 2] = z;
    },
    live: (cursor, at) => ({
      get x() {
        return cursor.rows.data[cursor.base + at]! * step;
      },
      set x(value) {
        cursor.rows.data[cursor.base + at] = quantise(value);
      },
      get y() {
        return cursor.rows.data[cursor.base + at + 1]! * step;
      },
      set y(value) {
        cursor.rows.data[cursor.base + at + 1] = quantise(value);
      },
      get z() {
        return cursor.rows.data[cursor.base + at + 2]! * step;
      },
      set z(value) {
        cursor.rows.data[cursor.base + at + 2] = quantise(value);
      },
    }),
  };
}

const TURN = 2 * Math.PI;

/** A direction in radians, stored in `2^bits` steps of a turn (1 to 24 bits, default 12); read back in [-pi, pi). */
export function angle(options: NumberOptions & { readonly bits?: number } = {}): Field<number> {
  const bits = options.bits ?? 12;
  if (!Number.isInteger(bits) || bits < 1 || bits > 24) throw new RangeError(`angle of ${bits} bits: 1 to 24 are possible`);
  const count = 2 ** bits;
  const half = count / 2;
  return {
    ...mannersOf(options, { smooth: 'linear', step: TURN / count }),
    parts: [partOf(-half, half - 1, { isCyclic: true })],
    initial: [0],
    read: (row, at) => (row[at]! * TURN) / count,
    write: (row, at, value) => {
      if (!Number.isFinite(value)) throw new TypeError(`angle ${String(value)} is not a finite number`);
      const steps = Math.floor((value * count) / TURN + 0.5);
      row[at] = ((((steps + half) % count) + count) % count) - half;
    },
  };
}

/** One of a fixed list of names. */
export function enumOf<const Names extends readonly [string, ...string[]]>(names: Names, options: FieldOptions = {}): Field<Names[number]> {
  return {
    ...plainMannersOf(options),
    parts: [partOf(0, names.length - 1)],
    initial: [0],
    read: (row, at) => names[row[at]!] as Names[number],
    write: (row, at, value) => {
      const index = names.indexOf(value);
      if (index < 0) throw new TypeError(`'${value}' is none of ${names.join(', ')}`);
      row[at] = index;
    },
  };
}

/** Another entity, or `NO_ENTITY`. The entity may be gone by the time it is read: `world.get` tells. */
export function ref(options: FieldOptions = {}): Field<EntityId> {
  return {
    ...plainMannersOf(options),
    parts: [partOf(0, INT32_MAX)],
    initial: [0],
    read: (row, at) => row[at] as EntityId,
    write: (row, at, value) => {
      row[at] = clampRound(value, 0, INT32_MAX);
    },
  };
}
