/**
 * Any schema, and values for it: field maps of every type there is, arrays of arrays included, for properties that must
 * hold whatever a game looks like. A failing case prints its schema in the words of the schema's functions.
 */
import fc from 'fast-check';
import { any, angle, arrayOf, bool, enumOf, float, int, quat, ref, text, u16, u8, vec2, vec3 } from '../../netcode/index.ts';
import type { AnyField, FieldMap, Receivers } from '../../netcode/wire/schema.ts';

export interface SchemaOptions {
  /** Who fields may be for. Default: everybody. */
  readonly receivers?: readonly Receivers[];
  /** Tolerances in steps that numbers may have. Default: none but 0. */
  readonly tolerances?: readonly number[];
  /** Default 6. */
  readonly fieldsMax?: number;
  /** Elements of an array; of an array of arrays, that squared. Default 4. */
  readonly lengthMax?: number;
  /** Bytes of a text or of a value of any make. Default 24. */
  readonly bytesMax?: number;
}

/** A field map and what may be assigned to it: some of the fields, each within, at the border of, or beyond its range. */
export interface SchemaCase {
  readonly fields: FieldMap;
  readonly inits: fc.Arbitrary<Record<string, unknown>>;
}

interface FieldCase {
  /** The call that makes it. */
  readonly code: string;
  readonly field: AnyField;
  readonly init: fc.Arbitrary<unknown>;
  /** A field that can hold this one's change per second; for what may have one. */
  readonly withVelocity?: (velocity: string) => FieldCase;
}

type Options = Readonly<Record<string, unknown>>;
const print = (value: unknown): string => JSON.stringify(value);

/** Plain data that fits into a few bytes, so that most of it can be stored. */
const plainData = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false, 'text', '\u{1f6f8}', '', 0, 1.5, -70_000, 2 ** 40, Number.NaN),
    fc.integer(),
    fc.double(),
    fc.uint8Array({ maxLength: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'bee', '\u00e9', 'toString'), tie('value'), { maxKeys: 3 }),
  ),
})).value;

/** Any text, half surrogates and marks of byte order included. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 40 }).map((units) => String.fromCharCode(...units)),
  fc.string().map((rest) => `\ufeff${rest}`),
);

/** Numbers around a range, far beyond it now and then. */
const around = (min: number, max: number): fc.Arbitrary<number> =>
  fc.oneof(
    { arbitrary: fc.double({ min, max, noNaN: true }), weight: 8 },
    fc.constantFrom(min, max, 0, -0, Infinity, -Infinity, 2 * max - min, 2 * min - max),
  );

const component = fc.oneof(fc.double({ min: -1, max: 1, noNaN: true }), fc.constantFrom(0, 1, -1, 0.5, -0.5, Math.SQRT1_2, 1e-200, 1e200));
/** Quaternions of any length but 0. */
export const quaternionArbitrary: fc.Arbitrary<readonly [number, number, number, number]> = fc
  .tuple(component, component, component, component)
  .filter((q) => q.some((value) => value !== 0));

/** Either way of giving a vector. */
function vectorInit(names: readonly string[], of: fc.Arbitrary<number>): fc.Arbitrary<unknown> {
  const tuple = fc.tuple(...names.map(() => of));
  return fc.oneof(
    tuple,
    tuple.map((values) => Object.fromEntries(names.map((name, i) => [name, values[i]]))),
  );
}

/** Ranges whose ends are multiples of the step, as they should be. */
const rangeArbitrary = fc
  .record({
    step: fc.constantFrom(1, 0.1, 1 / 3, 1 / 512, 0.05, 10, 1e-6),
    from: fc.integer({ min: -(2 ** 24), max: 2 ** 24 }),
    span: fc.oneof(fc.nat(5), fc.nat(2 ** 24)),
  })
  .map(({ step, from, span }) => ({ min: from * step, max: (from + span) * step, step }));

function fieldArbitrary(options: SchemaOptions): fc.Arbitrary<FieldCase> {
  const { receivers = ['all'], tolerances = [0], lengthMax = 4, bytesMax = 24 } = options;
  const to = fc.constantFrom(...receivers).map((to): Options => (to === 'all' ? {} : { to }));
  const predictor = fc.constantFrom<Options>({}, {}, { predictor: 'hold' }, { predictor: 'linear' });
  const smooth = fc.constantFrom<Options>({}, {}, { smooth: 'none' }, { smooth: 'linear' });
  /** `unit`: what a step is worth. */
  const manners = (unit: number): fc.Arbitrary<Options> =>
    fc
      .tuple(to, predictor, smooth, fc.constantFrom(...tolerances))
      .map(([to, predictor, smooth, steps]) => ({ ...to, ...predictor, ...smooth, ...(steps > 0 && { tolerance: steps * unit }) }));

  const ranged = (
    name: string,
    make: (options: Parameters<typeof float>[0]) => AnyField,
    initOf: (of: fc.Arbitrary<number>) => fc.Arbitrary<unknown>,
  ): fc.Arbitrary<FieldCase> =>
    rangeArbitrary.chain((range) =>
      manners(range.step).map((manner) => {
        const caseOf = (given: Parameters<typeof float>[0]): FieldCase => ({
          code: `${name}(${print(given)})`,
          field: make(given),
          init: initOf(around(range.min, range.max)),
        });
        const all = { ...range, ...manner };
        return { ...caseOf(all), withVelocity: (velocity: string) => caseOf({ ...all, velocity }) };
      }),
    );

  const simple = (name: string, make: (options: Options) => AnyField, given: fc.Arbitrary<Options>, init: fc.Arbitrary<unknown>) =>
    given.map((given): FieldCase => ({ code: `${name}(${print(given)})`, field: make(given), init }));
  const bits = (min: number, max: number, unit: (bits: number) => number): fc.Arbitrary<Options & { readonly bits: number }> =>
    fc.integer({ min, max }).chain((bits) => manners(unit(bits)).map((manner) => ({ ...manner, bits })));
  const bytes = fc.tuple(fc.integer({ min: 1, max: bytesMax }), to).map(([bytesMax, to]) => ({ ...to, bytesMax }));

  const leaves: fc.Arbitrary<FieldCase>[] = [
    simple('bool', bool, to, fc.boolean()),
    simple('u8', u8, manners(1), around(0, 255)),
    simple('u16', u16, manners(1), around(0, 65_535)),
    simple('ref', ref, to, fc.nat(2 ** 21)),
    simple('enumOf', (given) => enumOf(['one', 'two', 'three'], given), to, fc.constantFrom('one', 'two', 'three')),
    fc
      .tuple(fc.integer(), fc.integer(), manners(1))
      .filter(([a, b]) => Math.min(a, b) > -(2 ** 31))
      .map(([a, b, manner]): FieldCase => {
        const given = { ...manner, min: Math.min(a, b), max: Math.max(a, b) };
        return { code: `int(${print(given)})`, field: int(given), init: around(given.min, given.max) };
      }),
    ranged('float', float, (of) => of),
    ranged('vec2', vec2, (of) => vectorInit(['x', 'y'], of)),
    ranged('vec3', vec3, (of) => vectorInit(['x', 'y', 'z'], of)),
    bits(1, 24, (bits) => (2 * Math.PI) / 2 ** bits).map((given): FieldCase => ({
      code: `angle(${print(given)})`,
      field: angle(given),
      init: fc.double({ min: -20, max: 20, noNaN: true }),
    })),
    bits(2, 20, (bits) => (4 * Math.sqrt(3) * Math.SQRT1_2) / 2 ** (bits - 1)).map((given): FieldCase => ({
      code: `quat(${print(given)})`,
      field: quat(given),
      init: fc.oneof(
        quaternionArbitrary,
        quaternionArbitrary.map(([x, y, z, w]) => ({ x, y, z, w })),
      ),
    })),
    bytes.map((given): FieldCase => ({ code: `text(${print(given)})`, field: text(given), init: anyText })),
    bytes.map((given): FieldCase => {
      const field: AnyField = any(given);
      const row = new Int32Array(field.parts.length);
      // What is too large is refused, which is another test's affair.
      const fits = (value: unknown): boolean => {
        try {
          field.write(row, 0, value);
          return true;
        } catch {
          return false;
        }
      };
      return { code: `any(${print(given)})`, field, init: plainData.map((value) => (fits(value) ? value : 7)) };
    }),
  ];

  return fc.letrec<{ field: FieldCase; array: FieldCase }>((tie) => ({
    field: fc.oneof({ maxDepth: 2, withCrossShrink: true }, ...leaves, { arbitrary: tie('array'), weight: 3 }),
    array: fc.tuple(tie('field'), fc.integer({ min: 1, max: lengthMax })).map(([{ code, field, init }, length]): FieldCase => ({
      code: `arrayOf(${code}, ${length})`,
      field: arrayOf(field, length) as AnyField,
      init: fc.array(init, { maxLength: length }),
    })),
  })).field;
}

/** Field maps of up to `fieldsMax` fields; some of what may have a velocity comes with a field that holds it. */
export function schemaArbitrary(options: SchemaOptions = {}): fc.Arbitrary<SchemaCase> {
  const { fieldsMax = 6 } = options;
  return fc.array(fc.tuple(fieldArbitrary(options), fc.boolean()), { minLength: 1, maxLength: fieldsMax }).map((cases) => {
    const named: [string, FieldCase][] = [];
    cases.forEach(([field, isMoving], i) => {
      if (isMoving && field.withVelocity !== undefined)
        named.push([`f${i}`, field.withVelocity(`f${i}PerSecond`)], [`f${i}PerSecond`, field]);
      else named.push([`f${i}`, field]);
    });
    return {
      fields: Object.fromEntries(named.map(([name, { field }]) => [name, field])),
      inits: fc.record(Object.fromEntries(named.map(([name, { init }]) => [name, init])), { requiredKeys: [] }),
      [fc.toStringMethod]: () => `{ ${named.map(([name, { code }]) => `${name}: ${code}`).join(', ')} }`,
    };
  });
}

/** A schema with `count` sets of values for it. */
export function schemaWithInits(
  count: number,
  options: SchemaOptions = {},
): fc.Arbitrary<readonly [SchemaCase, readonly Readonly<Record<string, unknown>>[]]> {
  return schemaArbitrary(options).chain((schema) =>
    fc.tuple(fc.constant(schema), fc.array(schema.inits, { minLength: count, maxLength: count })),
  );
}
