/**
 * What a game's state, inputs and events are made of: fields, their layout in a row of integers, and objects that read
 * and write such rows. The types of field themselves are in fields.ts, quaternion.ts, array-field.ts and bytes-fields.ts.
 *
 * A field is one or more integer components ("parts"). State is *stored* as these integers, so it is quantised
 * at every write, on the host and on every client alike: what a client decodes is what the host simulates,
 * bit for bit, and a snapshot is never a misprediction of its own rounding.
 *
 * `read` and `write` translate between the stored integers and the value a game sees.
 */

/**
 * One stored integer: `min <= value <= max`, both within int32. `isCyclic` values wrap (angles). `isBlob`: bytes of a text
 * or of any value, of which neither the next nor the difference to the last can be told: sent as they are when they change.
 */
export interface Part {
  readonly min: number;
  readonly max: number;
  readonly isCyclic: boolean;
  readonly isBlob?: boolean;
  /** The number of a tick: told by how far it is from the present one. */
  readonly isTick?: boolean;
}

/**
 * How a field is drawn between two snapshots: `linear` blends, `hermite` does so on a curve that has the field's `velocity`
 * at both ends, `none` holds the older value.
 */
export type Smoothing = 'linear' | 'hermite' | 'none';

/** How both sides expect a field to go on, for coding: `linear` as it went lately (or by its velocity), `hold` not at all. */
export type Extrapolation = 'hold' | 'linear';

/** Who is told of a field: every client that knows the entity, or its owner's alone. */
export type Receivers = 'all' | 'owner';

/** Integers of one entity, input or event, starting at `at`. */
export type Row = Int32Array;

export interface Field<Value, Init = Value> {
  readonly parts: readonly Part[];
  readonly smoothing: Smoothing;
  readonly predictor: Extrapolation;
  readonly receivers: Receivers;
  /**
   * In stored steps, whole: a part that differs by no more than this from what was last captured is not worth sending.
   * Of a rotation it holds for the three components; another number of the largest one is always a change.
   */
  readonly toleranceSteps: number;
  /** Whether every four parts are a unit quaternion, as quaternion.ts packs it, in steps of `step`. */
  readonly isRotation: boolean;
  /** The stored integers of a value never set. */
  readonly initial: readonly number[];
  /** The value at `row[at]…`; between two stored values when the row holds blends. Total for integers within the range of their parts. */
  read(row: ArrayLike<number>, at: number): Value;
  /** Stores a value: rounded to the step, clamped to the range. Throws TypeError on a value of the wrong type. */
  write(row: Row, at: number, value: Init): void;
  /** For values that are objects (vectors): a view whose properties read and write the row the cursor points at. */
  live?(cursor: Cursor, at: number): Value;
  /** For values whose parts cannot be blended one by one: fills `out[at]…` between two rows, or beyond (`alpha` above 1). */
  blend?(out: Float64Array, at: number, older: Row, olderAt: number, newer: Row, newerAt: number, alpha: number): void;
  /** What one stored step is worth; 1 for counts and names. */
  readonly step?: number;
  /** The field of the same entity that says how fast this one changes, per second. */
  readonly velocity?: string;
  /** Whether it holds the tick of the last leap (`teleport`). */
  readonly isTeleport?: boolean;
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
  const leaps = entries.filter(({ field }) => field.isTeleport === true);
  if (leaps.length > 1) throw new TypeError(`'${leaps[0]!.name}' and '${leaps[1]!.name}' are both teleports: an entity has one`);
  for (const { name, field } of entries) {
    if (field.velocity === undefined) {
      if (field.smoothing === 'hermite') throw new TypeError(`'${name}' is smooth as 'hermite' and names no velocity`);
      continue;
    }
    const velocity = entries.find((other) => other.name === field.velocity)?.field;
    if (velocity?.parts.length !== field.parts.length || velocity.isRotation || velocity.parts.some(({ isBlob }) => isBlob === true)) {
      throw new TypeError(`'${name}' names '${field.velocity}' as its velocity, which is no field of numbers of the same size`);
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
