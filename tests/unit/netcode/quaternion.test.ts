/** SPEC.md, SCH rules for orientations: smallest three, canonical, total, and blended the short way round. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Change, Correction } from '../../../netcode/client/correction.ts';
import { blend, blendPlanOf } from '../../../netcode/world/blend.ts';
import type { EntityId } from '../../../netcode/core/ids.ts';
import { arrayOf, defineGame, quat, type Quat, u8 } from '../../../netcode/index.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';
import { multiplyQuaternions, packQuaternion, quaternionOf } from '../../../netcode/wire/quaternion.ts';
import { accessorClass, layoutOf } from '../../../netcode/wire/schema.ts';
import { quaternionArbitrary } from '../../harness/schema-arbitrary.ts';

const stepOf = (bits: number): number => Math.SQRT1_2 / 2 ** (bits - 1);
const list = ({ x, y, z, w }: Quat): number[] => [x, y, z, w];
const lengthOf = (q: readonly number[]): number => Math.hypot(...q);

/** Of length 1; by way of a size about 1, for the smallest numbers there are have no length worth dividing by. */
function unitOf(q: readonly number[]): number[] {
  const size = Math.max(...q.map(Math.abs));
  const length = lengthOf(q.map((value) => value / size));
  return q.map((value) => value / size / length);
}

/** Radians between two orientations, from the distance of their quaternions: exact for small ones, unlike acos. */
function angleBetween(p: readonly number[], q: readonly number[]): number {
  const [a, b] = [unitOf(p), unitOf(q)];
  const distance = (sign: number): number => Math.hypot(...a.map((value, i) => value - sign * b[i]!));
  return 4 * Math.asin(Math.min(1, Math.min(distance(1), distance(-1)) / 2));
}

/** A turn about an axis. */
function turn(axis: number, radians: number): number[] {
  const q = [0, 0, 0, Math.cos(radians / 2)];
  q[axis] = Math.sin(radians / 2);
  return q;
}

function product(first: readonly number[], second: readonly number[]): number[] {
  const out = new Float64Array(4);
  multiplyQuaternions(Float64Array.from(first), Float64Array.from(second), out);
  return [...out];
}

function rowOf(bits: number, q: readonly number[]): Int32Array {
  const row = new Int32Array(4);
  quat({ bits }).write(row, 0, q as [number, number, number, number]);
  return row;
}

// 2 sqrt(3) steps for the three components, all off by half a step where it matters most, and sqrt(2) for the second rounding
// where another one turns out to be the largest.
test.each([8, 9, 10, 11, 12])('[SCH8] an orientation of %i bits is off by less than five steps', (bits) => {
  const field = quat({ bits });
  fc.assert(
    fc.property(quaternionArbitrary, (q) => {
      const row = new Int32Array(4);
      field.write(row, 0, q);
      const read = list(field.read(row, 0));
      expect(angleBetween(read, q)).toBeLessThan(5 * stepOf(bits));
      expect(Math.abs(lengthOf(read) - 1)).toBeLessThan(1e-12);
      row.forEach((value, i) => expect(value >= field.parts[i]!.min && value <= field.parts[i]!.max).toBe(true));
    }),
    { numRuns: 5000 },
  );
});

test.each([2, 3, 4, 5])('[SCH8] every row of %i bits can be read, and what is written from it is canonical', (bits) => {
  const field = quat({ bits });
  const half = 2 ** (bits - 1);
  const [row, once, twice] = [new Int32Array(4), new Int32Array(4), new Int32Array(4)];
  let canonical = 0;
  for (let largest = 0; largest < 4; largest++) {
    for (let n = 0; n < 8 * half ** 3; n++) {
      row.set([
        largest,
        (n % (2 * half)) - half,
        (Math.floor(n / (2 * half)) % (2 * half)) - half,
        Math.floor(n / (4 * half * half)) - half,
      ]);
      const q = field.read(row, 0);
      if (Math.abs(lengthOf(list(q)) - 1) > 1e-12) throw new Error(`${row.join()} reads as ${list(q).join()}`);
      field.write(once, 0, q);
      field.write(twice, 0, field.read(once, 0));
      if (once.join() !== twice.join()) throw new Error(`${row.join()} is written as ${once.join()}, that as ${twice.join()}`);
      if (row.join() === once.join()) canonical++;
    }
  }
  expect(canonical).toBeGreaterThan(half ** 3);
});

test('[SCH8] q and -q are stored alike, and any length is', () => {
  fc.assert(
    fc.property(quaternionArbitrary, fc.constantFrom(1e-3, 3, -1, -1e6), (q, factor) => {
      // Away from a border between two steps, where the last bit of a division decides.
      const [a, b] = [
        rowOf(
          10,
          q.map((value) => value * factor),
        ),
        rowOf(10, q),
      ];
      expect(angleBetween(list(quat().read(a, 0)), list(quat().read(b, 0)))).toBeLessThan(5 * stepOf(10));
      if (factor === -1 && new Set(q.map(Math.abs)).size === 4) expect([...a]).toEqual([...b]);
    }),
  );
});

test('[SCH8] reading and packing are total', () => {
  const anything = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Number.NaN, Infinity, -Infinity, 2 ** 31, 5e-324, 1e308));
  const out = new Float64Array(4);
  fc.assert(
    fc.property(fc.array(anything, { minLength: 4, maxLength: 4 }), (row) => {
      quaternionOf(row, 0, stepOf(10), out);
      expect(Math.abs(lengthOf([...out]) - 1)).toBeLessThan(1e-9);
      for (const isRounded of [true, false]) {
        packQuaternion(Float64Array.from(row), stepOf(10), out, 0, isRounded);
        expect(out.every(Number.isFinite)).toBe(true);
      }
    }),
    { numRuns: 2000 },
  );
  quaternionOf([], 0, stepOf(10), out);
  expect([...out]).toEqual([1, 0, 0, 0]);
});

test('[SCH4] a quaternion that has no direction is refused', () => {
  expect(() => rowOf(10, [0, 0, 0, 0])).toThrow('quaternion (0, 0, 0, 0) has no direction');
  expect(() => rowOf(10, [0, Number.NaN, 0, 1])).toThrow(TypeError);
  expect(() => rowOf(10, [0, Infinity, 0, 1])).toThrow(TypeError);
  expect(() => rowOf(10, [0, 0, 1])).toThrow(TypeError);
  expect(() => quat({ bits: 1 })).toThrow('quaternion of 1 bits: 2 to 20 are possible');
});

test('[SCH5] an orientation is the identity at first, is read live and assigned as a whole', () => {
  const layout = layoutOf({ hp: u8(), facing: quat() });
  const rows = { data: layout.initial.slice() };
  const entity = new (accessorClass(layout))({ rows, base: 0 }) as unknown as { facing: Quat };
  const { facing } = entity;
  expect({ ...facing }).toEqual({ x: 0, y: 0, z: 0, w: 1 });
  entity.facing = { x: 0, y: 2, z: 0, w: 0 };
  expect({ ...facing }).toEqual({ x: 0, y: 1, z: 0, w: 0 });
  // @ts-expect-error -- a component on its own cannot be assigned: neither by type nor when it runs
  expect(() => (facing.x = 1)).toThrow(TypeError);
});

test('[SCH8] the stored parts are these, for they go over the wire', () => {
  expect([...rowOf(10, [0, 0, 0, 1])]).toEqual([3, 0, 0, 0]);
  expect([...rowOf(10, [0.1, -0.9, 0.2, 0.3])]).toEqual([1, -74, -149, -223]);
  // The positive end is a step nearer than the negative one; of components that round to the same size, the first is left out.
  expect([...rowOf(10, [1, 1, 0, 0])]).toEqual([0, 511, 0, 0]);
  expect([...rowOf(10, [-1, 1, 0, 0])]).toEqual([0, -512, 0, 0]);
  expect([...rowOf(10, [0.5, 0.5, 0.5, 0.5])]).toEqual([0, 362, 362, 362]);
  expect([...rowOf(10, [0.6, 0.6001, 0.3, 0.3])]).toEqual([0, 458, 229, 229]);
});

test('[SCH9] what an orientation withholds is never more than its tolerance, and its tolerance is not idle', () => {
  const bits = 12;
  const steps = 20;
  // As wide as these steps allow: not rounded down.
  const tolerance = steps * 4 * Math.sqrt(3) * stepOf(bits);
  const field = quat({ bits, tolerance });
  expect(field.toleranceSteps).toBe(steps);
  const change = fc.constantFrom(-steps, steps, 0, 1);
  // Where it shows least: all four components near 1/2.
  const likely = fc.oneof(
    quaternionArbitrary,
    fc.tuple(...[0, 1, 2, 3].map(() => fc.tuple(fc.double({ min: 0.48, max: 0.52, noNaN: true }), fc.constantFrom(-1, 1)))),
  );
  let largest = 0;
  fc.assert(
    fc.property(likely, change, change, change, (given, a, b, c) => {
      const before = rowOf(
        bits,
        (given as readonly (number | [number, number])[]).map((value) => (typeof value === 'number' ? value : value[0] * value[1])),
      );
      const after = Int32Array.of(before[0]!, before[1]! + a, before[2]! + b, before[3]! + c);
      // Only what can be stored.
      if (rowOf(bits, list(field.read(after, 0))).join() !== after.join()) return;
      const angle = angleBetween(list(field.read(before, 0)), list(field.read(after, 0)));
      largest = Math.max(largest, angle);
      expect(angle).toBeLessThanOrEqual(tolerance);
    }),
    { numRuns: 5000 },
  );
  expect(largest).toBeGreaterThan(0.8 * tolerance);
});

const game = defineGame({
  id: 'spin',
  version: 1,
  input: {},
  entities: { thing: { hp: u8(), facing: quat({ bits: 16 }), limbs: arrayOf(quat({ bits: 16 }), 2), still: quat({ smooth: 'none' }) } },
  step: () => undefined,
});
const { layout } = game.kinds[0]!;
const plan = blendPlanOf(game.kinds[0]!, game.tickRate);
const [, FACING, LIMBS, STILL] = layout.entries;

function stateOf(facing: readonly number[], limb = facing): WorldState {
  const state = new WorldState(game.kinds);
  const [table] = state.tables;
  table!.insert(1 as EntityId);
  table!.data.set(layout.initial);
  FACING!.field.write(table!.data, FACING!.at, facing);
  LIMBS!.field.write(table!.data, LIMBS!.at, [[0, 0, 0, 1], limb]);
  STILL!.field.write(table!.data, STILL!.at, facing);
  return state;
}

function blended(from: readonly number[], to: readonly number[], alpha: number): Float64Array {
  const out = new Float64Array(layout.parts.length);
  blend(out, plan, {
    older: stateOf(from).tables[0]!,
    olderRow: 0,
    newer: stateOf(to).tables[0]!,
    newerRow: 0,
    alpha,
    olderTick: 0,
    spanTicks: 1,
  });
  return out;
}

/** A change of place alone. */
const changed = (drawn: Float64Array, corrected: Float64Array): Change => ({
  drawn,
  corrected,
  drawnEarlier: drawn,
  correctedEarlier: corrected,
  earlierMs: 0,
});

const facingIn = (row: Float64Array): number[] => list(FACING!.field.read(row, FACING!.at) as Quat);
const limbIn = (row: Float64Array): number[] => list((LIMBS!.field.read(row, LIMBS!.at) as Quat[])[1]!);

test('[VIEW1] an orientation blends the short way round, whichever component is the largest', () => {
  fc.assert(
    fc.property(quaternionArbitrary, fc.constantFrom(0, 1, 2), fc.double({ min: -1.5, max: 1.5, noNaN: true }), (any, axis, angle) => {
      // The smallest numbers there are have no digits left to turn.
      const q = unitOf(any);
      const to = product(turn(axis, angle), q);
      for (const [sign, alpha] of [
        [1, 0.5],
        [-1, 0.5],
        [1, 1.2],
        [-1, 0.25],
      ] as const) {
        const row = blended(
          q,
          to.map((value) => value * sign),
          alpha,
        );
        const expected = product(turn(axis, angle * alpha), q);
        // Not quite even between; exact in the middle, but for the rounding of the ends.
        expect(angleBetween(facingIn(row), expected)).toBeLessThan(alpha === 0.5 ? 0.0005 : 0.05);
        expect(limbIn(row)).toEqual(facingIn(row));
      }
    }),
    { numRuns: 2000 },
  );
});

test('[SNAP1] an orientation that stands is drawn exactly as stored, and one not smoothed is held', () => {
  const q = [0.1, -0.5, 0.3, 0.4];
  const { data } = stateOf(q).tables[0]!;
  expect([...blended(q, q, 0.3)]).toEqual([...data.subarray(0, layout.parts.length)]);
  const moving = blended(q, [0, 0, 0, 1], 0.5);
  expect([...moving.subarray(STILL!.at)]).toEqual([...data.subarray(STILL!.at, layout.parts.length)]);
});

test('[PRED3] a correction of an orientation is not seen to jump, and eases away while the thing turns on', () => {
  fc.assert(
    fc.property(quaternionArbitrary, quaternionArbitrary, fc.constantFrom(0, 1, 2), (drawn, corrected, axis) => {
      const correction = new Correction();
      const [from, to] = [blended(drawn, drawn, 1), blended(corrected, corrected, 1)];
      correction.decay(1000);
      correction.absorb(1 as EntityId, changed(from, to), plan);
      const shown = to.slice();
      correction.apply(1 as EntityId, shown, plan);
      expect(angleBetween(facingIn(shown), facingIn(from))).toBeLessThan(1e-6);
      expect(limbIn(shown)).toEqual(facingIn(shown));
      // A second correction on top, from where it was predicted last: still no jump.
      const next = product(turn(axis, 0.7), corrected);
      const third = blended(next, next, 1);
      correction.absorb(1 as EntityId, changed(to, third), plan);
      const again = third.slice();
      correction.apply(1 as EntityId, again, plan);
      expect(angleBetween(facingIn(again), facingIn(shown))).toBeLessThan(1e-6);
      // The thing turns on, its largest component changes: what is drawn stays as far from it, and no farther.
      let error = angleBetween(facingIn(again), facingIn(third));
      for (let n = 1; n < 20; n++) {
        const orientation = product(turn(axis, n * 0.4), next);
        const row = blended(orientation, orientation, 1);
        correction.decay(1000 + n * 50);
        const exact = facingIn(row);
        correction.apply(1 as EntityId, row, plan);
        const left = angleBetween(facingIn(row), exact);
        expect(left).toBeLessThanOrEqual(error + 1e-6);
        error = left;
      }
      // 950 ms are twelve half-lives.
      expect(error).toBeLessThan(0.001);
    }),
    { numRuns: 500 },
  );
});
