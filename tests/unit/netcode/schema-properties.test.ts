/** SPEC.md, SCH rules, for any schema that there may be. fast-check prints seed, path and schema of a failing case. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Tick } from '../../../netcode/core/ids.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import { readInputs, writeInputs } from '../../../netcode/wire/input-packet.ts';
import { accessorClass, type Layout, layoutOf, type Part, readFields, writeFields } from '../../../netcode/wire/schema.ts';
import { schemaArbitrary, schemaWithInits } from '../../harness/schema-arbitrary.ts';

const OWN: Part = { min: 0, max: 31, isCyclic: false };
const RUNS = { numRuns: 500 };

/** A row in the middle of others, so that what is written beside it shows. */
const BASE = 3;
function rowOf(layout: Layout): Int32Array {
  const row = new Int32Array(layout.initial.length + 2 * BASE).fill(-77);
  row.set(layout.initial, BASE);
  return row;
}

test('[SCH2] any schema: what is written lies in range, and writing what was read changes nothing', () => {
  fc.assert(
    fc.property(schemaWithInits(2, { receivers: ['all', 'owner'], tolerances: [0, 1, 5] }), ([{ fields }, [inits, others]]) => {
      const layout = layoutOf(fields, [OWN]);
      const row = rowOf(layout);
      writeFields(layout, row, BASE, inits!);
      layout.parts.forEach(({ min, max }, i) => {
        expect(row[BASE + i]).toBeGreaterThanOrEqual(min);
        expect(row[BASE + i]).toBeLessThanOrEqual(max);
      });
      const again = rowOf(layout);
      // Over other values, of which nothing may be left.
      writeFields(layout, again, BASE, others!);
      for (const { name, field, at } of layout.entries) field.write(again, BASE + at, readFields(layout, row, BASE)[name]);
      expect([...again]).toEqual([...row]);
      expect([...row.subarray(0, BASE), ...row.subarray(-BASE)]).toEqual(Array.from({ length: 2 * BASE }, () => -77));
    }),
    RUNS,
  );
});

test('[SCH5] any schema: an accessor reads and writes what the fields do, its own values included', () => {
  fc.assert(
    fc.property(schemaWithInits(1), ([{ fields }, [inits]]) => {
      const layout = layoutOf(fields, [OWN]);
      const row = rowOf(layout);
      const rows = { data: rowOf(layout) };
      writeFields(layout, row, BASE, inits!);
      const accessor = new (accessorClass(layout))({ rows, base: BASE }) as unknown as Record<string, unknown>;
      Object.assign(accessor, inits);
      expect([...rows.data]).toEqual([...row]);
      const values = readFields(layout, row, BASE);
      for (const name of Object.keys(fields)) {
        expect(plain(accessor[name])).toEqual(values[name]);
        // From the live view of the very same row.
        const live = accessor[name];
        accessor[name] = live;
      }
      expect([...rows.data]).toEqual([...row]);
      rows.data = rowOf(layout);
      for (const name of Object.keys(fields)) accessor[name] = values[name];
      expect([...rows.data]).toEqual([...row]);
    }),
    RUNS,
  );
});

/** A live view as plain data. */
function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  if (Symbol.iterator in value) return Array.from(value as Iterable<unknown>, plain);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

test('[SCH7] any schema: any integers in range can be read, and as blends', () => {
  const withRows = schemaArbitrary().chain(({ fields }) => {
    const { parts } = layoutOf(fields);
    return fc.tuple(fc.constant(fields), fc.tuple(...parts.map(({ min, max }) => fc.integer({ min, max }))));
  });
  fc.assert(
    fc.property(withRows, ([fields, integers]) => {
      const layout = layoutOf(fields);
      const row = Int32Array.from(integers);
      const values = readFields(layout, row, 0);
      for (const { name, field, at } of layout.entries) expect(field.read(Float64Array.from(row), at)).toEqual(values[name]);
      const again = layout.initial.slice();
      for (const { name, field, at } of layout.entries)
        if (!field.parts.some(({ isBlob }) => isBlob === true)) field.write(again, at, values[name]);
      layout.parts.forEach(({ min, max }, i) => expect(again[i]! >= min && again[i]! <= max).toBe(true));
    }),
    RUNS,
  );
});

test('[SCH10] any schema can be an input: packets bring the rows that were sent', () => {
  fc.assert(
    fc.property(schemaWithInits(3, { fieldsMax: 3 }), ([{ fields }, sets]) => {
      const layout = layoutOf(fields);
      const rows = sets.map((inits) => {
        const row = layout.initial.slice();
        writeFields(layout, row, 0, inits);
        return row;
      });
      const writer = new BitWriter(60_000);
      writeInputs(writer, layout, { newest: 2 as Tick, count: rows.length, viewDelayTicks: 0, rowOf: (tick) => rows[tick]! });
      const read = readInputs(new BitReader(writer.finish()), layout, 0 as Tick);
      expect(read.rows.map((row) => [...row])).toEqual(rows.map((row) => [...row]));
    }),
    RUNS,
  );
});
