/**
 * Parts of the snapshot codec by themselves, where a mistake that host and client share would hide from tests of both: what
 * two copies know together, and what is expected of an entity.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { defineGame, int, quat, u8 } from '../../../netcode/index.ts';
import { DatedIds } from '../../../netcode/snapshot/baselines.ts';
import { CopyCursor } from '../../../netcode/snapshot/copy-cursor.ts';
import { EntityCoder } from '../../../netcode/snapshot/entity-coder.ts';
import { CHANGE } from '../../../netcode/snapshot/fate.ts';
import { mergeDated, mergeStates } from '../../../netcode/snapshot/merge.ts';
import type { ValueCoder } from '../../../netcode/snapshot/value-coder.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';

const game = defineGame({
  id: 'p',
  version: 1,
  input: {},
  entities: { lamp: { on: u8() }, top: { x: int({ min: -9, max: 9, smooth: 'linear' }), spin: quat({ bits: 4 }) } },
  step: () => undefined,
});

describe('what two copies know together', () => {
  /** Ids and ticks. */
  const anyCopy = fc.dictionary(fc.integer({ min: 1, max: 30 }).map(String), fc.nat(9), { maxKeys: 20 });
  type Copy = Readonly<Record<string, number>>;

  const listed = (copy: Copy): DatedIds => {
    const list = new DatedIds();
    // Keys that are whole numbers come in ascending order.
    for (const [id, tick] of Object.entries(copy)) list.add(Number(id), tick);
    return list;
  };
  const state = (copy: Copy): WorldState => {
    const made = new WorldState(game.kinds);
    const table = made.tables[0]!;
    for (const [id, tick] of Object.entries(copy)) {
      const row = table.insert(Number(id) as never);
      table.ticks[row] = tick;
      // The value tells the tick that it is of, so that it shows whose row was taken.
      table.data[row * table.stride + 1] = 100 + tick;
    }
    return made;
  };
  const newest = (a: Copy, b: Copy): number[][] => {
    const ids = [...new Set([...Object.keys(a), ...Object.keys(b)].map(Number))].sort((x, y) => x - y);
    return ids.map((id) => [id, Math.max(a[id] ?? -1, b[id] ?? -1)]);
  };

  test('[SNAP8] the host: every entity that either has, as of the newer tick', () => {
    fc.assert(
      fc.property(anyCopy, anyCopy, (a, b) => {
        const out = listed({ 7: 7 });
        mergeDated(out, listed(a), listed(b));
        const merged = Array.from({ length: out.count }, (_, i) => [out.ids[i], out.ticks[i]]);
        expect(merged).toEqual(newest(a, b));
      }),
    );
  });

  test('[SNAP8] the client: the same, with the values of that tick', () => {
    fc.assert(
      fc.property(anyCopy, anyCopy, (a, b) => {
        const out = state({ 7: 7 });
        mergeStates(out, state(a), state(b));
        const { ids, ticks, data, stride, count } = out.tables[0]!;
        const merged = Array.from({ length: count }, (_, i) => [ids[i], ticks[i], data[i * stride + 1]]);
        expect(merged).toEqual(newest(a, b).map(([id, tick]) => [id, tick, 100 + tick!]));
        expect(out.isComplete).toBe(false);
      }),
    );
  });
});

test('[SNAP5] whatever the bits say, an entity stays within the ranges of its parts', () => {
  const kind = game.kinds[1]!;
  const { parts } = kind.layout;
  // The ends of the ranges more often than not: there it is that something expected may lie beyond them.
  const anyRow = fc.tuple(...parts.map(({ min, max }) => fc.oneof(fc.constantFrom(min, max), fc.integer({ min, max }))));
  const anyBit = fc.constantFrom(0, 1);
  const anyMiss = fc.oneof(fc.constantFrom(0, 1, -1, 8, -8, 2 ** 32 - 1, 1 - 2 ** 32), fc.integer());
  const copyOf = (values: readonly number[], tick: number): CopyCursor => {
    const table = new WorldState(game.kinds).tables[1]!;
    const row = table.insert(1 as never);
    table.ticks[row] = tick;
    table.data.set(values, row * table.stride);
    const cursor = new CopyCursor();
    cursor.openTable(table);
    return cursor;
  };
  fc.assert(
    fc.property(
      fc.tuple(anyRow, anyRow, anyRow, anyRow),
      fc.tuple(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 })),
      fc.array(anyBit, { minLength: 8, maxLength: 8 }),
      fc.array(anyMiss, { minLength: 8, maxLength: 8 }),
      (rows, [ahead, gap, more], bits, misses) => {
        const ticks = [50, 50 - gap, 50 - gap - more, 50 - gap - 2 * more];
        const [first, second, third, fourth] = rows.map((row, n) => copyOf(row, ticks[n]!));
        const coder = new EntityCoder(game, kind);
        let [bit, miss] = [0, 0];
        const junk: ValueCoder = {
          isEncoding: false,
          isOverrun: false,
          contexts: new Uint16Array(0),
          bit: () => bits[bit++ % 8]!,
          number: () => misses[miss++ % 8]!,
          raw: (_value, count) => misses[miss++ % 8]! & (2 ** count - 1),
        };
        coder.begin(50 + ahead);
        first!.moveTo(0);
        coder.open(1, first!, { second: second!, third: third!, fourth: fourth! });
        const row = new Int32Array(parts.length);
        if (coder.codeMoving(junk, CHANGE, row, 0, 3) !== CHANGE) return;
        const beyond = parts.flatMap(({ min, max }, i) => (row[i]! < min || row[i]! > max ? [[i, row[i]]] : []));
        expect(beyond).toEqual([]);
      },
    ),
    { numRuns: 3000 },
  );
});
