/** SPEC.md, SCH rules: fields are quantised at every write, and what makes no sense is refused by name. */
import { expect, test } from 'vitest';
import { angle, bool, defineGame, enumOf, float, int, ref, u8, vec2 } from '../../../netcode/index.ts';
import { accessorClass, type AnyField, layoutOf } from '../../../netcode/wire/schema.ts';

function roundTrip(field: AnyField, value: unknown): unknown {
  const row = new Int32Array(field.parts.length);
  field.write(row, 0, value);
  return field.read(row, 0);
}

test('[SCH1] a value is rounded to its step and clamped to its range when it is written', () => {
  const meters = float({ min: -2, max: 2, step: 0.25 });
  expect([0.1, 0.13, 1.9, 5, -5].map((value) => roundTrip(meters, value))).toEqual([0, 0.25, 2, 2, -2]);
  expect(roundTrip(int({ min: 3, max: 5 }), 9)).toBe(5);
  expect(roundTrip(u8(), 255.4)).toBe(255);
});

test('[SCH2] writing what was read changes nothing', () => {
  const heading = angle({ bits: 10 });
  for (let value = -7; value < 7; value += 0.01) {
    const once = roundTrip(heading, value) as number;
    expect(roundTrip(heading, once)).toBe(once);
    expect(once).toBeGreaterThanOrEqual(-Math.PI);
    expect(once).toBeLessThan(Math.PI);
  }
});

test('[SCH3] every type of field keeps what it was given', () => {
  expect(roundTrip(bool(), true)).toBe(true);
  expect(roundTrip(enumOf(['rock', 'paper']), 'paper')).toBe('paper');
  expect(roundTrip(ref(), 65_537)).toBe(65_537);
  expect(roundTrip(vec2({ min: 0, max: 10, step: 0.5 }), [1, 2.6])).toEqual({ x: 1, y: 2.5 });
  expect(roundTrip(vec2({ min: 0, max: 10, step: 0.5 }), { x: 3, y: 4 })).toEqual({ x: 3, y: 4 });
});

test('[SCH4] a value of the wrong type throws, naming it', () => {
  expect(() => roundTrip(float({ min: 0, max: 1, step: 0.1 }), Number.NaN)).toThrow(/NaN/);
  expect(() => roundTrip(enumOf(['a']), 'b')).toThrow("'b' is none of a");
  expect(() => roundTrip(angle(), Infinity)).toThrow(/Infinity/);
});

test("[SCH5] an entity's vector is a live view of its state", () => {
  const layout = layoutOf({ pos: vec2({ min: 0, max: 10, step: 1 }), hp: u8() });
  const rows = { data: new Int32Array(6) };
  const second = new (accessorClass(layout))({ rows, base: 3 }) as unknown as { pos: { x: number; y: number }; hp: number };
  second.pos.x += 4;
  second.pos.y = 99;
  second.hp = 7;
  expect([...rows.data]).toEqual([0, 0, 0, 4, 10, 7]);
  rows.data = Int32Array.from([0, 0, 0, 1, 2, 3]);
  expect([second.pos.x, second.pos.y, second.hp]).toEqual([1, 2, 3]);
});

test('[SCH6] a game that makes no sense is refused with what is wrong', () => {
  const spec = { id: 'g', version: 1, input: {}, entities: { a: { x: u8() } }, step: () => undefined };
  expect(() => defineGame({ ...spec, id: 'No Spaces' })).toThrow(/No Spaces/);
  expect(() => defineGame({ ...spec, sendRate: 7 })).toThrow('sendRate 7 must divide tickRate 60');
  expect(() => defineGame({ ...spec, playersMax: 99 })).toThrow('playersMax 99 must be a whole number from 1 to 31');
  expect(() => defineGame({ ...spec, entities: { a: { owner: u8() } } })).toThrow("'a.owner'");
  expect(() => float({ min: 0, max: 1, step: 0 })).toThrow(/step 0/);
  expect(() => int({ min: 0.5, max: 1 })).toThrow(/0.5/);
});
