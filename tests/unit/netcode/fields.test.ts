/** SPEC.md, SCH rules for single types of field: options, vectors in space, lists, texts, values of any make. */
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  angle,
  any,
  arrayOf,
  bool,
  defineGame,
  type Entity,
  enumOf,
  event,
  type FixedArray,
  float,
  int,
  quat,
  ref,
  text,
  u16,
  u8,
  vec2,
  vec3,
  type Vec3,
} from '../../../netcode/index.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { unpackValue } from '../../../netcode/wire/control.ts';
import { accessorClass, type AnyField, type FieldMap, layoutOf, writeFields } from '../../../netcode/wire/schema.ts';

/** Of any type, so that wrong ones can be tried. */
function roundTrip(field: AnyField, value: unknown): unknown {
  const row = new Int32Array(field.parts.length);
  field.write(row, 0, value);
  return field.read(row, 0);
}

/** An entity over one row of its own. */
function entityOf<M extends FieldMap>(fields: M): { entity: Entity<M>; rows: { data: Int32Array } } {
  const layout = layoutOf(fields);
  const rows = { data: layout.initial.slice() };
  return { entity: new (accessorClass(layout))({ rows, base: 0 }) as unknown as Entity<M>, rows };
}

const RANGE = { min: -10, max: 10, step: 0.5 };

describe('options', () => {
  test('[SCH9] every type of field says who receives it', () => {
    const to = 'owner';
    const given = [
      bool({ to }),
      u8({ to }),
      u16({ to }),
      int({ min: 0, max: 1, to }),
      float({ ...RANGE, to }),
      vec2({ ...RANGE, to }),
      vec3({ ...RANGE, to }),
      angle({ to }),
      quat({ to }),
      enumOf(['a'], { to }),
      ref({ to }),
      event({ to }),
      text({ bytesMax: 3, to }),
      any({ bytesMax: 3, to }),
      arrayOf(u8({ to }), 2),
    ];
    expect(given.map(({ receivers }) => receivers)).toEqual(given.map(() => 'owner'));
    expect([u8(), bool(), ref(), event(), quat(), text({ bytesMax: 1 })].map(({ receivers }) => receivers)).not.toContain('owner');
  });

  test('[SCH9] a tolerance is counted in whole steps', () => {
    expect(float({ ...RANGE, step: 0.1, tolerance: 0.3 }).toleranceSteps).toBe(3);
    expect(float({ ...RANGE, tolerance: 0.9 }).toleranceSteps).toBe(1);
    expect(vec3({ ...RANGE, tolerance: 1 }).toleranceSteps).toBe(2);
    expect(int({ min: 0, max: 9, tolerance: 4 }).toleranceSteps).toBe(4);
    expect(angle({ bits: 8, tolerance: Math.PI / 64 }).toleranceSteps).toBe(2);
    expect(arrayOf(u8({ tolerance: 7 }), 3).toleranceSteps).toBe(7);
    expect([u8(), float(RANGE), quat(), text({ bytesMax: 9 })].map(({ toleranceSteps }) => toleranceSteps)).toEqual([0, 0, 0, 0]);
  });

  test('[SCH9] what is drawn smoothly is expected to go on, unless told otherwise', () => {
    expect(float(RANGE)).toMatchObject({ smoothing: 'linear', predictor: 'linear' });
    expect(float({ ...RANGE, smooth: 'none' })).toMatchObject({ smoothing: 'none', predictor: 'hold' });
    expect(quat({ predictor: 'hold' })).toMatchObject({ smoothing: 'linear', predictor: 'hold', isRotation: true });
    expect(u8({ predictor: 'linear' })).toMatchObject({ smoothing: 'none', predictor: 'linear', isRotation: false });
    expect(arrayOf(quat(), 2)).toMatchObject({ smoothing: 'linear', predictor: 'linear', isRotation: true });
    expect(text({ bytesMax: 9 })).toMatchObject({ smoothing: 'none', predictor: 'hold' });
  });

  test('[SCH6] options that make no sense are refused by name', () => {
    expect(() => u8({ tolerance: -1 })).toThrow('field tolerance -1 must be a number from 0 up');
    expect(() => float({ ...RANGE, tolerance: Number.NaN })).toThrow('NaN');
    expect(() => u8({ to: 'onwer' as 'owner' })).toThrow("to 'onwer' must be 'all' or 'owner'");
    expect(() => u8({ predictor: 'spline' as 'linear' })).toThrow("predictor 'spline' must be 'hold' or 'linear'");
    expect(() => u8({ smooth: 'cubic' as 'linear' })).toThrow("smooth 'cubic' must be 'linear' or 'hermite' or 'none'");
    expect(() => layoutOf({ pos: vec3({ ...RANGE, velocity: 'vel' }), vel: vec2(RANGE) })).toThrow("'vel'");
    expect(() => layoutOf({ pos: arrayOf(vec2({ ...RANGE, velocity: 'vel' }), 2), vel: quat() })).toThrow('no field of numbers');
    expect(() => layoutOf({ pos: vec3({ ...RANGE, velocity: 'vel' }), vel: vec3(RANGE) })).not.toThrow();
  });
});

describe('vec3', () => {
  test('[SCH1] takes an object or a tuple, rounded and clamped', () => {
    expect(roundTrip(vec3(RANGE), [1, 2.3, -99])).toEqual({ x: 1, y: 2.5, z: -10 });
    expect(roundTrip(vec3(RANGE), { x: 1, y: 2, z: 3 })).toEqual({ x: 1, y: 2, z: 3 });
  });

  test('[SCH4] writes all of a vector or nothing', () => {
    const row = Int32Array.of(1, 2, 3);
    expect(() => vec3(RANGE).write(row, 0, { x: 9, y: 9, z: Number.NaN })).toThrow(TypeError);
    expect(() => vec3(RANGE).write(row, 0, [9, 9] as unknown as [number, number, number])).toThrow(TypeError);
    expect([...row]).toEqual([1, 2, 3]);
  });

  test('[SCH5] is live, component by component', () => {
    const { entity, rows } = entityOf({ hp: u8(), pos: vec3(RANGE) });
    entity.pos.x += 1;
    entity.pos.y = 2;
    entity.pos.z = 99;
    expect([...rows.data]).toEqual([0, 2, 4, 20]);
    expect({ ...entity.pos }).toEqual({ x: 1, y: 2, z: 10 });
  });
});

describe('arrayOf', () => {
  test('[SCH5] is indexed, iterated and assigned live', () => {
    const { entity, rows } = entityOf({ slots: arrayOf(u8(), 3), trail: arrayOf(vec3(RANGE), 2), grid: arrayOf(arrayOf(u8(), 2), 2) });
    const { slots, trail, grid } = entity;
    slots[2] = 5;
    trail[1]!.y += 2;
    trail[0] = { x: 1, y: 0, z: 0 };
    grid[1]![0] = 9;
    grid[0] = [3, 4];
    expect([...rows.data]).toEqual([0, 0, 5, 2, 0, 0, 0, 4, 0, 3, 4, 9, 0]);
    expect([slots.length, [...slots], slots[3]]).toEqual([3, [0, 0, 5], undefined]);
    expect(Array.from(trail, ({ y }) => y)).toEqual([0, 2]);
    rows.data = new Int32Array(13).fill(1);
    expect([...slots]).toEqual([1, 1, 1]);
  });

  test('[SCH1] a shorter list leaves the rest as if never set, a longer one is refused', () => {
    const field = arrayOf(int({ min: 3, max: 9 }), 3);
    expect(roundTrip(field, [7])).toEqual([7, 3, 3]);
    expect(roundTrip(field, [])).toEqual([3, 3, 3]);
    expect(() => roundTrip(field, [1, 2, 3, 4])).toThrow("a list of 4 elements is longer than the field's 3");
    for (const wrong of ['abc', 5, null, undefined, {}]) expect(() => roundTrip(field, wrong)).toThrow('is not a list');
    expect(() => roundTrip(field, [1, 'two'])).toThrow(TypeError);
  });

  test('[SCH4] an index beyond the end throws', () => {
    const { entity } = entityOf({ slots: arrayOf(u8(), 2) });
    expect(() => (entity.slots[2] = 1)).toThrow(TypeError);
    expect(() => (entity.slots[-1] = 1)).toThrow(TypeError);
    expect(() => ((entity.slots as { length: number }).length = 0)).toThrow(TypeError);
  });

  test('[SCH6] lengths and elements that make no sense are refused', () => {
    for (const length of [0, 65, 1.5, Number.NaN]) expect(() => arrayOf(u8(), length)).toThrow(`array of ${length} elements`);
    expect(() => arrayOf(event(), 2)).toThrow('an array cannot be of events');
    expect(() => arrayOf(arrayOf(any({ bytesMax: 1024 }), 64), 64)).toThrow('32768 are possible');
    expect(arrayOf(any({ bytesMax: 1024 }), 64).parts).toHaveLength(64 * 343);
  });

  test('is of the types that its element is', () => {
    const game = defineGame({
      id: 'types',
      version: 1,
      input: { aims: arrayOf(angle(), 2) },
      entities: { ship: { slots: arrayOf(u8(), 4), trail: arrayOf(vec3(RANGE), 8), name: text({ bytesMax: 8 }), facing: quat() } },
      step(world, inputs) {
        for (const ship of world.all('ship')) {
          expectTypeOf(ship.slots).toEqualTypeOf<FixedArray<number>>();
          expectTypeOf(ship.trail).toEqualTypeOf<FixedArray<Vec3>>();
          expectTypeOf(inputs.of(ship.owner).aims).toEqualTypeOf<FixedArray<number>>();
          ship.slots = [1, 2];
          world.spawn('ship', { slots: ship.slots, trail: [[1, 2, 3], ship.trail[0]!], facing: [0, 0, 0, 1], name: 'x' });
        }
      },
    });
    expect(game.input.parts).toHaveLength(2);
  });
});

describe('text', () => {
  test('[SCH3] keeps what fits, whatever it is made of', () => {
    for (const value of ['', 'Ada', 'na\u00efve', '\u{1f6f8}\u{1f6f8}', '\ufeffmarked', 'a\u0000b'])
      expect(roundTrip(text({ bytesMax: 16 }), value)).toBe(value);
    expect(text({ bytesMax: 16 }).parts).toHaveLength(1 + 6);
    expect(roundTrip(text({ bytesMax: 255 }), 'x'.repeat(255))).toBe('x'.repeat(255));
  });

  test('[SCH1] is cut at a whole code point', () => {
    const cut = (bytesMax: number, value: string): unknown => roundTrip(text({ bytesMax }), value);
    expect(cut(3, 'abcdef')).toBe('abc');
    expect([1, 2, 3, 4, 5].map((bytesMax) => cut(bytesMax, '\u{1f6f8}z'))).toEqual(['', '', '', '\u{1f6f8}', '\u{1f6f8}z']);
    expect([1, 2, 3].map((bytesMax) => cut(bytesMax, 'a\u00e9'))).toEqual(['a', 'a', 'a\u00e9']);
    expect(cut(4, 'ab\u{1f6f8}')).toBe('ab');
    expect(cut(3, '\ud800x')).toBe('\ufffd');
    expect(cut(8, 'x'.repeat(1_000_000))).toBe('xxxxxxxx');
  });

  test('[SCH7] any integers are some text', () => {
    const field = text({ bytesMax: 4 });
    expect(field.read([4, 0xff_61_ff, 0x62_00_00], 0)).toBe('\ufffda\ufffdb');
    expect(field.read([99, 0x61_62_63, 0x64_65_66], 0)).toBe('abcd');
    expect(field.read([-5, 0x61_62_63, 0], 0)).toBe('');
    expect(typeof field.read([Number.NaN, Number.NaN], 0)).toBe('string');
  });

  test('[SCH7] is not decoded anew, and never mistaken for another', () => {
    const field = text({ bytesMax: 12 });
    const row = new Int32Array(field.parts.length);
    // More texts than are remembered, each read twice, in two orders.
    for (const step of [1, 7]) {
      for (let n = 0; n < 3000; n++) {
        const value = `text ${(n * step) % 3001}`;
        field.write(row, 0, value);
        expect(field.read(row, 0)).toBe(value);
        expect(field.read(row, 0)).toBe(value);
      }
    }
  });

  test('[SCH4] what is no string is refused', () => {
    for (const wrong of [5, null, undefined, ['a']]) expect(() => roundTrip(text({ bytesMax: 9 }), wrong)).toThrow('is not a string');
    for (const bytesMax of [0, 256, 1.5]) expect(() => text({ bytesMax })).toThrow(`text of ${bytesMax} bytes: 1 to 255 are possible`);
  });
});

describe('any', () => {
  const field = any({ bytesMax: 64 });

  test('[SCH3] keeps plain data', () => {
    const values = [
      null,
      true,
      0,
      -1.5,
      2 ** 40,
      'text',
      [1, [2, [3]]],
      { a: { b: [1] }, '\u00e9': null },
      Uint8Array.of(1, 2, 255),
      7n,
      undefined,
    ];
    for (const value of values) expect(roundTrip(field, value)).toEqual(value);
    expect(field.read(new Int32Array(field.parts.length), 0)).toBeUndefined();
    const { entity } = entityOf({ quest: any<{ done: number[] }>({ bytesMax: 99 }) });
    entity.quest = { done: [1] };
    entity.quest = { done: [...entity.quest.done, 2] };
    expect(entity.quest).toEqual({ done: [1, 2] });
    entity.quest = undefined;
    expect(entity.quest).toBeUndefined();
  });

  test('[SCH4] what is too large or cannot be packed is refused, and nothing written', () => {
    const row = new Int32Array(field.parts.length).fill(1);
    expect(() => field.write(row, 0, 'x'.repeat(99))).toThrow('field value of 101 bytes exceeds 64');
    const circle: unknown[] = [];
    circle.push(circle);
    for (const [wrong, name] of [
      [() => 1, 'a function'],
      [{ a: [Symbol('s')] }, 'a symbol'],
      [new Map(), 'a Map'],
      [[new Date(0)], 'a Date'],
      [circle, 'in a circle'],
      [JSON.parse('{"__proto__":1}'), '__proto__'],
    ] as const)
      expect(() => field.write(row, 0, wrong)).toThrow(name);
    expect(new Set(row)).toEqual(new Set([1]));
    for (const bytesMax of [0, 1025]) expect(() => any({ bytesMax })).toThrow(`any of ${bytesMax} bytes: 1 to 1024 are possible`);
  });

  test('what is read is frozen, since it is shared', () => {
    const value = roundTrip(field, { list: [1] }) as { list: number[] };
    expect(() => value.list.push(2)).toThrow(TypeError);
    expect(roundTrip(field, { list: [1] })).toBe(value);
  });

  test('[FUZZ5] 50,000 mutations of packed values are some value or none, and finite', () => {
    const rng = new Sfc32(11);
    const layout = layoutOf({ value: any({ bytesMax: 60 }) });
    const seeds = [[1, [2, { a: 'text' }]], { a: 1.5, b: Uint8Array.of(1, 2), c: null }, 'a longer text, with more than thirty-two units'];
    let malformed = 0;
    for (let n = 0; n < 50_000; n++) {
      const row = layout.initial.slice();
      writeFields(layout, row, 0, { value: seeds[rng.below(seeds.length)] });
      for (let changes = rng.below(4) + 1; changes > 0; changes--) row[rng.below(12)] = rng.below(1 << 24);
      const value: unknown = layout.entries[0]!.field.read(row, 0);
      if (value === undefined) malformed++;
      else JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item));
    }
    expect(malformed).toBeGreaterThan(1000);
    // An array of 33 million elements that are not there; a circle; an extension that is no plain data.
    for (const bytes of [
      [0xdd, 1, 0xff, 0xff, 0xff],
      [0xd6, 0x69, 0, 0, 0, 1, 0x91, 0xd6, 0x70, 0, 0, 0, 1],
      [0xd6, 0xff, 0, 0, 0, 0],
      [1, 1],
      [],
    ])
      expect(unpackValue(Uint8Array.from(bytes))).toBeUndefined();
  });
});
