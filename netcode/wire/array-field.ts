/**
 * Arrays of fixed length: one field's parts, repeated. An entity's array is a live view of its state, element by element.
 */
import type { Cursor, Field, Part, Row } from './schema.ts';

/** A list whose length does not change. Assigning an element of an entity's list writes the state; there is no `push`. */
export interface FixedArray<Value> extends Iterable<Value> {
  readonly length: number;
  [index: number]: Value;
}

const LENGTH_MAX = 64;
/** Integers of one array: enough for the longest array of the largest texts, not for arrays of arrays of them. */
const PARTS_MAX = 32_768;

type LiveArrayClass<Value> = new (cursor: Cursor, at: number) => FixedArray<Value>;

/** Makes the class of an array's live views: built once, with a property for each element, so that indexing is a plain access. */
function liveArrayClass<Value, Init>(element: Field<Value, Init>, length: number): LiveArrayClass<Value> {
  const stride = element.parts.length;
  class LiveArray {
    readonly #cursor: Cursor;
    readonly #at: number;
    readonly #live: readonly Value[] | undefined;

    constructor(cursor: Cursor, at: number) {
      this.#cursor = cursor;
      this.#at = at;
      if (element.live !== undefined) this.#live = Array.from({ length }, (_, i) => element.live!(cursor, at + i * stride));
      // An index beyond the end throws, where a plain object would quietly get a new property.
      Object.preventExtensions(this);
    }

    get length(): number {
      return length;
    }

    [Symbol.iterator](): IterableIterator<Value> {
      return Array.prototype.values.call(this) as IterableIterator<Value>;
    }

    static {
      for (let i = 0; i < length; i++) {
        const get = function (this: LiveArray): Value {
          return this.#live === undefined
            ? element.read(this.#cursor.rows.data, this.#cursor.base + this.#at + i * stride)
            : this.#live[i]!;
        };
        const set = function (this: LiveArray, value: Init): void {
          element.write(this.#cursor.rows.data, this.#cursor.base + this.#at + i * stride, value);
        };
        Object.defineProperty(this.prototype, i, { get, set, enumerable: true });
      }
    }
  }
  return LiveArray as unknown as LiveArrayClass<Value>;
}

/**
 * A list of `length` (1 to 64) elements of one type, which may be any but `event`, arrays included. How it is drawn, coded
 * and sent is the element's affair. A shorter list may be given: the rest is as if never set. A longer one: RangeError.
 *
 * @example
 * entities: { ship: { slots: arrayOf(u8(), 4), trail: arrayOf(vec2({ min: 0, max: 100, step: 0.1 }), 8) } }
 * ship.slots[2] = 5
 * ship.trail[0].x += 1
 */
export function arrayOf<Value, Init>(element: Field<Value, Init>, length: number): Field<FixedArray<Value>, ArrayLike<Init>> {
  if (!Number.isInteger(length) || length < 1 || length > LENGTH_MAX)
    throw new RangeError(`array of ${length} elements: 1 to ${LENGTH_MAX} are possible`);
  if (element.isEdge === true) throw new TypeError('an array cannot be of events: give each press a field of its own');
  const stride = element.parts.length;
  if (stride * length > PARTS_MAX) throw new RangeError(`array of ${stride * length} integers: ${PARTS_MAX} are possible`);
  const repeat = <T>(items: readonly T[]): T[] => Array.from({ length: stride * length }, (_, i) => items[i % stride]!);
  const LiveArray = liveArrayClass(element, length);
  const { smoothing, predictor, receivers, toleranceSteps, isRotation, step, velocity, blend } = element;
  return {
    smoothing,
    predictor,
    receivers,
    toleranceSteps,
    isRotation,
    ...(step !== undefined && { step }),
    ...(velocity !== undefined && { velocity }),
    parts: repeat<Part>(element.parts),
    initial: repeat(element.initial),
    read: (row, at) => {
      const values: Value[] = [];
      for (let i = 0; i < length; i++) values.push(element.read(row, at + i * stride));
      return values;
    },
    write: (row, at, values) => {
      if (typeof values !== 'object' || !Number.isInteger(values?.length))
        throw new TypeError(`field value of type ${typeof values} is not a list`);
      if (values.length > length) throw new RangeError(`a list of ${values.length} elements is longer than the field's ${length}`);
      for (let i = 0; i < length; i++) {
        if (i < values.length) element.write(row, at + i * stride, values[i]!);
        else for (let p = 0; p < stride; p++) row[at + i * stride + p] = element.initial[p]!;
      }
    },
    live: (cursor, at) => new LiveArray(cursor, at),
    ...(blend !== undefined && {
      blend: (out: Float64Array, at: number, older: Row, olderAt: number, newer: Row, newerAt: number, alpha: number) => {
        for (let i = 0; i < length * stride; i += stride) blend(out, at + i, older, olderAt + i, newer, newerAt + i, alpha);
      },
    }),
  };
}
