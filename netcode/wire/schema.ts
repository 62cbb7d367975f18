/**
 * The field types of which a game's state, inputs and events are made.
 *
 * A field is one or more integer components ("parts"). State is *stored* as these integers, so it is quantised
 * at every write, on the host and on every client alike: what a client decodes is what the host simulates,
 * bit for bit, and a snapshot is never a misprediction of its own rounding.
 *
 * `read` and `write` translate between the stored integers and the value a game sees.
 */
import type { EntityId } from '../core/ids.ts';

/** One stored integer: `min <= value <= max`, both within int32. `isCyclic` values wrap (angles). */
export interface Part {
  readonly min: number;
  readonly max: number;
  readonly isCyclic: boolean;
}

/** How a field is drawn between two snapshots: `linear` blends, `none` holds the older value. */
export type Smoothing = 'linear' | 'none';

/** Integers of one entity, input or event, starting at `at`. */
export type Row = Int32Array;

export interface Field<Value, Init = Value> {
  readonly parts: readonly Part[];
  readonly smoothing: Smoothing;
  /** The stored integers of a value never set. */
  readonly initial: readonly number[];
  /** The value at `row[at]…`; between two stored values when the row holds blends. */
  read(row: ArrayLike<number>, at: number): Value;
  /** Stores a value: rounded to the step, clamped to the range. Throws TypeError on a value of the wrong type. */
  write(row: Row, at: number, value: Init): void;
  /** For values that are objects (vectors): a view whose properties read and write the row the cursor points at. */
  live?(cursor: Cursor, at: number): Value;
  /** What one stored step is worth; 1 for counts and names. */
  readonly step?: number;
  /** The field of the same entity that says how fast this one changes, per second. */
  readonly velocity?: string;
  /** For input fields only: true if a press between two ticks must reach exactly one tick. */
  readonly isEdge?: boolean;
}

/** Where a live value lies: the row begins at `base` of `rows.data`, which may be replaced by a larger array. */
export interface Cursor {
  readonly rows: { readonly data: Row };
  readonly base: number;
}

// oxlint-disable-next-line typescript/no-explicit-any -- the one place where a field of any value is meant
export type AnyField = Field<any, any>;
export type FieldMap = Readonly<Record<string, AnyField>>;

/** What a game reads from a field. */
export type ValueOf<F> = F extends Field<infer Value, infer _Init> ? Value : never;
/** What a game may give to set a field. */
export type InitOf<F> = F extends Field<infer _Value, infer Init> ? Init : never;
/** The object a game reads: one property a field. */
export type ValuesOf<M extends FieldMap> = { readonly [K in keyof M]: ValueOf<M[K]> };
/** The object a game gives: any subset of the fields. */
export type InitsOf<M extends FieldMap> = { readonly [K in keyof M]?: InitOf<M[K]> };

/** A point or direction. Assigning to `x` or `y` of an entity's vector writes the state. */
export interface Vec2 {
  x: number;
  y: number;
}
export type Vec2Init = Readonly<Vec2> | readonly [number, number];

interface RangeOptions {
  readonly min: number;
  readonly max: number;
  /** Precision: stored values are `min + n * step`. */
  readonly step: number;
  readonly smooth?: Smoothing;
  /**
   * Names the field of the same entity that holds this one's change per second. Snapshots then send only what
   * `value += velocity * dt` does not explain: nothing at all for what flies straight.
   */
  readonly velocity?: string;
}

const INT32_MAX = 2_147_483_647;

function partOf(min: number, max: number, isCyclic = false): Part {
  if (!Number.isInteger(min) || !Number.isInteger(max) || min > max || min < -INT32_MAX || max > INT32_MAX) {
    throw new RangeError(`field range ${min}..${max} is not a range of 32-bit integers`);
  }
  return { min, max, isCyclic };
}

/** Round half up, as `Math.round` does, but never `-0`. */
function clampRound(value: number, min: number, max: number): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw new TypeError(`field value ${String(value)} is not a number`);
  return value <= min ? min : value >= max ? max : Math.floor(value + 0.5);
}

function scalar(min: number, max: number, smoothing: Smoothing): Field<number> {
  const part = partOf(min, max);
  return {
    parts: [part],
    smoothing,
    initial: [Math.min(Math.max(0, min), max)],
    read: (row, at) => row[at]!,
    write: (row, at, value) => {
      row[at] = clampRound(value, min, max);
    },
  };
}

/** An integer from `min` to `max`. */
export function int(options: { readonly min: number; readonly max: number; readonly smooth?: Smoothing }): Field<number> {
  return scalar(options.min, options.max, options.smooth ?? 'none');
}
/** 0 to 255. */
export const u8 = (): Field<number> => scalar(0, 255, 'none');
/** 0 to 65,535. */
export const u16 = (): Field<number> => scalar(0, 65_535, 'none');

/** True or false. As an input: held down or not. */
export function bool(): Field<boolean> {
  return {
    parts: [partOf(0, 1)],
    smoothing: 'none',
    initial: [0],
    read: (row, at) => row[at]! >= 1,
    write: (row, at, value) => {
      row[at] = value ? 1 : 0;
    },
  };
}

/** An input that happens (a press), rather than lasts: set between two ticks, it is true in exactly one tick. */
export function event(): Field<boolean> {
  return { ...bool(), isEdge: true };
}

function stepsOf({ min, max, step }: RangeOptions): { low: number; high: number } {
  if (!(step > 0)) throw new RangeError(`field step ${step} must be above 0`);
  return { low: Math.round(min / step), high: Math.round(max / step) };
}

/** A real number from `min` to `max` in steps of `step`, both of which should be multiples of it. */
export function float(options: RangeOptions): Field<number> {
  const { low, high } = stepsOf(options);
  const { step } = options;
  const part = partOf(low, high);
  return {
    parts: [part],
    smoothing: options.smooth ?? 'linear',
    initial: [Math.min(Math.max(0, low), high)],
    step,
    ...(options.velocity !== undefined && { velocity: options.velocity }),
    read: (row, at) => row[at]! * step,
    write: (row, at, value) => {
      row[at] = clampRound(value / step, low, high);
    },
  };
}

/** Two real numbers of one range: a position or a velocity in the plane. */
export function vec2(options: RangeOptions): Field<Vec2, Vec2Init> {
  const { low, high } = stepsOf(options);
  const { step } = options;
  const part = partOf(low, high);
  const zero = Math.min(Math.max(0, low), high);
  return {
    parts: [part, part],
    smoothing: options.smooth ?? 'linear',
    initial: [zero, zero],
    step,
    ...(options.velocity !== undefined && { velocity: options.velocity }),
    read: (row, at) => ({ x: row[at]! * step, y: row[at + 1]! * step }),
    write: (row, at, value) => {
      const [x, y] = 'x' in value ? [value.x, value.y] : value;
      row[at] = clampRound(x / step, low, high);
      row[at + 1] = clampRound(y / step, low, high);
    },
    live: (cursor, at) => ({
      get x() {
        return cursor.rows.data[cursor.base + at]! * step;
      },
      set x(value) {
        cursor.rows.data[cursor.base + at] = clampRound(value / step, low, high);
      },
      get y() {
        return cursor.rows.data[cursor.base + at + 1]! * step;
      },
      set y(value) {
        cursor.rows.data[cursor.base + at + 1] = clampRound(value / step, low, high);
      },
    }),
  };
}

const TURN = 2 * Math.PI;

/** A direction in radians, stored in `2^bits` steps of a turn; read back in [-pi, pi). */
export function angle(options: { readonly bits?: number; readonly smooth?: Smoothing } = {}): Field<number> {
  const bits = options.bits ?? 12;
  if (!Number.isInteger(bits) || bits < 1 || bits > 24) throw new RangeError(`angle of ${bits} bits: 1 to 24 are possible`);
  const count = 2 ** bits;
  const half = count / 2;
  return {
    parts: [partOf(-half, half - 1, true)],
    smoothing: options.smooth ?? 'linear',
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
export function enumOf<const Names extends readonly [string, ...string[]]>(names: Names): Field<Names[number]> {
  return {
    parts: [partOf(0, names.length - 1)],
    smoothing: 'none',
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
export function ref(): Field<EntityId> {
  return {
    parts: [partOf(0, INT32_MAX)],
    smoothing: 'none',
    initial: [0],
    read: (row, at) => row[at] as EntityId,
    write: (row, at, value) => {
      row[at] = clampRound(value, 0, INT32_MAX);
    },
  };
}

/** Where each field of a map lies in a row of integers. */
export interface Layout<M extends FieldMap = FieldMap> {
  readonly fields: M;
  readonly entries: readonly { readonly name: string; readonly field: AnyField; readonly at: number }[];
  readonly parts: readonly Part[];
  readonly initial: Row;
}

/** Lays the fields of a map one behind the other, the first at `start` (integers before it are the caller's own). */
export function layoutOf<M extends FieldMap>(fields: M, own: readonly Part[] = []): Layout<M> {
  const entries: { name: string; field: AnyField; at: number }[] = [];
  const parts: Part[] = [...own];
  const initial: number[] = own.map(() => 0);
  for (const [name, field] of Object.entries(fields)) {
    entries.push({ name, field, at: parts.length });
    parts.push(...field.parts);
    initial.push(...field.initial);
  }
  for (const { name, field } of entries) {
    if (field.velocity === undefined) continue;
    if (entries.find((other) => other.name === field.velocity)?.field.parts.length !== field.parts.length) {
      throw new TypeError(`'${name}' names '${field.velocity}' as its velocity, which is no field of the same size`);
    }
  }
  return { fields, entries, parts, initial: Int32Array.from(initial) };
}

/** Writes the given fields into a row; throws TypeError on a name the layout does not have. */
export function writeFields(layout: Layout, row: Row, base: number, values: Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(values)) {
    const entry = layout.entries.find((candidate) => candidate.name === name);
    if (entry === undefined) throw new TypeError(`there is no field '${name}'`);
    const value = values[name];
    if (value !== undefined) entry.field.write(row, base + entry.at, value);
  }
}

/** A plain object of all fields of a row. */
export function readFields<M extends FieldMap>(layout: Layout<M>, row: Row, base: number): ValuesOf<M> {
  const values: Record<string, unknown> = {};
  for (const { name, field, at } of layout.entries) values[name] = field.read(row, base + at);
  return values as ValuesOf<M>;
}

/** An object whose properties read (and write) the fields of one row, wherever the row's array moves. */
export type Accessor = { readonly cursor: Cursor };

/** Makes a class of accessors for a layout: built once, so that a step allocates nothing and needs no generated code. */
export function accessorClass(layout: Layout): new (cursor: Cursor) => Accessor {
  class FieldAccessor {
    readonly cursor: Cursor;
    readonly live: unknown[];
    constructor(cursor: Cursor) {
      this.cursor = cursor;
      this.live = layout.entries.map(({ field, at }) => field.live?.(cursor, at));
    }
  }
  layout.entries.forEach(({ name, field, at }, index) => {
    const set = function (this: FieldAccessor, value: unknown): void {
      field.write(this.cursor.rows.data, this.cursor.base + at, value);
    };
    const get =
      field.live === undefined
        ? function (this: FieldAccessor): unknown {
            return field.read(this.cursor.rows.data, this.cursor.base + at);
          }
        : function (this: FieldAccessor): unknown {
            return this.live[index];
          };
    Object.defineProperty(FieldAccessor.prototype, name, { get, set, enumerable: true });
  });
  return FieldAccessor;
}
