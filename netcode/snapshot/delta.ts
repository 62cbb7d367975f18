/**
 * One entity on the wire: its id relative to the one before, its baseline, and what changed since. Each pair of
 * functions mirrors the other, driven by the same list of parts.
 */
import type { EntityId } from '../core/ids.ts';
import type { BitReader, BitWriter } from '../wire/bits.ts';
import { readPart, writePart } from '../wire/input-packet.ts';
import { bitsFor } from '../wire/packet.ts';
import type { Part, Row } from '../wire/schema.ts';
import { COUNTER_BITS, entityIdOf, spawnerOf } from '../world/world-state.ts';
import type { PlayerId } from '../core/ids.ts';

const SPAWNER_BITS = 5;
const counterOf = (id: EntityId): number => id & ((1 << COUNTER_BITS) - 1);

/** `previous` is the id written before, 0 at first; ids ascend. */
export function writeId(writer: BitWriter, id: EntityId, previous: EntityId): void {
  const isSameSpawner = spawnerOf(id) === spawnerOf(previous);
  writer.bool(isSameSpawner);
  if (isSameSpawner) {
    writer.uint(id - previous - 1, 1);
  } else {
    writer.bits(spawnerOf(id), SPAWNER_BITS);
    writer.bits(counterOf(id), COUNTER_BITS);
  }
}

/** Undefined if it is no id above `previous`. */
export function readId(reader: BitReader, previous: EntityId): EntityId | undefined {
  let id: number;
  if (reader.bool()) {
    id = previous + 1 + reader.uint(1);
    if (spawnerOf(id as EntityId) !== spawnerOf(previous)) return undefined;
  } else {
    const spawner = reader.bits(SPAWNER_BITS) as PlayerId;
    id = entityIdOf(spawner, reader.bits(COUNTER_BITS));
  }
  return id > previous && counterOf(id as EntityId) !== 0 ? (id as EntityId) : undefined;
}

/** Order of the Exp-Golomb code of a part's difference: wide parts (positions) move in wide steps. */
const golombOrder = (part: Part): number => bitsFor(part.max - part.min) >>> 2;

/** The difference that leads from one value to another, the short way round for cyclic parts. */
function difference(part: Part, from: number, to: number): number {
  const span = part.max - part.min + 1;
  const plain = to - from;
  if (!part.isCyclic) return plain;
  if (plain > span / 2) return plain - span;
  return plain < -span / 2 ? plain + span : plain;
}

function moved(part: Part, from: number, by: number): number {
  const value = from + by;
  if (!part.isCyclic) return Math.min(part.max, Math.max(part.min, value));
  const span = part.max - part.min + 1;
  return ((((value - part.min) % span) + span) % span) + part.min;
}

/** Writes the values of `row` at `at` against those of `base` at `baseAt`. */
export function writeDelta(writer: BitWriter, parts: readonly Part[], target: Values, base: Values): void {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const from = base.row[base.at + i]!;
    const to = target.row[target.at + i]!;
    writer.bool(from !== to);
    if (from !== to) writer.sint(difference(part, from, to), golombOrder(part));
  }
}

export function readDelta(reader: BitReader, parts: readonly Part[], target: Values, base: Values): void {
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const from = base.row[base.at + i]!;
    target.row[target.at + i] = reader.bool() ? moved(part, from, reader.sint(golombOrder(part))) : from;
  }
}

export function writeFull(writer: BitWriter, parts: readonly Part[], target: Values): void {
  for (let i = 0; i < parts.length; i++) writePart(writer, parts[i]!, target.row[target.at + i]!);
}

export function readFull(reader: BitReader, parts: readonly Part[], target: Values): void {
  for (let i = 0; i < parts.length; i++) target.row[target.at + i] = readPart(reader, parts[i]!);
}

/** One entity's values: `row[at]…`. */
export interface Values {
  readonly row: Row;
  readonly at: number;
}
