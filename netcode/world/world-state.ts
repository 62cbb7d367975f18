/**
 * The state of a world at one tick as plain integers: one table a kind, rows sorted by entity id.
 * Sorting makes the state canonical: two peers that agree on the entities agree on every byte, on the order
 * in which a step visits them and on the hash, whatever their histories were. Copying is a memory copy.
 */
import type { EntityId, PlayerId, Tick } from '../core/ids.ts';
import { PLAYERS_MAX } from '../core/ids.ts';
import type { Kind } from '../define-game.ts';

/** Rows a table has room for at first; it doubles when full. */
const ROWS_AT_FIRST = 16;
/** Bits of an entity id that count a spawner's entities; the spawner's seat is above them. */
export const COUNTER_BITS = 16;
const COUNTER_MASK = (1 << COUNTER_BITS) - 1;

export const spawnerOf = (id: EntityId): PlayerId => (id >>> COUNTER_BITS) as PlayerId;
export const entityIdOf = (spawner: PlayerId, counter: number): EntityId =>
  ((spawner << COUNTER_BITS) | (counter & COUNTER_MASK)) as EntityId;

/** The first place in the first `count` ascending ids that is not below `id`. */
export function lowerBound(ids: Int32Array, count: number, id: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The same, looked for from a place at or before it, in growing strides and then by halves: near if it is near, and never far. */
export function lowerBoundFrom(ids: Int32Array, count: number, from: number, id: number): number {
  let low = from;
  if (low >= count || ids[low]! >= id) return low;
  let stride = 1;
  while (low + stride < count && ids[low + stride]! < id) {
    low += stride;
    stride *= 2;
  }
  let high = Math.min(count, low + stride);
  while (low + 1 < high) {
    const middle = (low + high) >>> 1;
    if (ids[middle]! < id) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * All entities of one kind. Row r is `data[r * stride … r * stride + stride - 1]`, its id `ids[r]`. `ticks[r]` is for those
 * who keep states for snapshots: in what the host captured, the tick since which the row has been as it is; in a client's
 * copy, the tick whose value it is. `born[r]` is the tick at whose end a simulation made the entity. Neither is part of the
 * state: they are copied with it, and no rule sees them.
 */
export class Table {
  readonly kind: Kind;
  readonly stride: number;
  ids: Int32Array;
  data: Int32Array;
  ticks: Int32Array;
  born: Int32Array;
  count = 0;

  constructor(kind: Kind) {
    this.kind = kind;
    this.stride = kind.layout.parts.length;
    this.ids = new Int32Array(ROWS_AT_FIRST);
    this.data = new Int32Array(ROWS_AT_FIRST * this.stride);
    this.ticks = new Int32Array(ROWS_AT_FIRST);
    this.born = new Int32Array(ROWS_AT_FIRST);
  }

  /** The row of an id, or -1. */
  rowOf(id: EntityId): number {
    const row = lowerBound(this.ids, this.count, id);
    return row < this.count && this.ids[row] === id ? row : -1;
  }

  /** The row of an id that is there, looked for from a row at or before it: near if it is near. */
  rowFrom(row: number, id: number): number {
    return lowerBoundFrom(this.ids, this.count, row, id);
  }

  /** Makes a row for an id that has none, filled with the kind's initial values; rows behind it move up. */
  insert(id: EntityId): number {
    this.reserve(this.count + 1);
    const { ids, data, ticks, born, stride, count } = this;
    const row = lowerBound(this.ids, this.count, id);
    ids.copyWithin(row + 1, row, count);
    ticks.copyWithin(row + 1, row, count);
    born.copyWithin(row + 1, row, count);
    data.copyWithin((row + 1) * stride, row * stride, count * stride);
    ids[row] = id;
    data.set(this.kind.layout.initial, row * stride);
    this.count++;
    return row;
  }

  remove(row: number): void {
    const { ids, data, ticks, born, stride, count } = this;
    ids.copyWithin(row, row + 1, count);
    ticks.copyWithin(row, row + 1, count);
    born.copyWithin(row, row + 1, count);
    data.copyWithin(row * stride, (row + 1) * stride, count * stride);
    this.count--;
  }

  copyFrom(other: Table): void {
    // Whole arrays, though the last rows may be unused: a view of the used part would be an allocation.
    this.reserve(other.ids.length);
    this.count = other.count;
    this.ids.set(other.ids);
    this.ticks.set(other.ticks);
    this.born.set(other.born);
    this.data.set(other.data);
  }

  /** Makes room for this many rows. */
  reserve(rows: number): void {
    if (rows <= this.ids.length) return;
    const size = Math.max(rows, this.ids.length * 2);
    const { ids, data, ticks, born } = this;
    this.ids = new Int32Array(size);
    this.data = new Int32Array(size * this.stride);
    this.ticks = new Int32Array(size);
    this.born = new Int32Array(size);
    this.ids.set(ids);
    this.data.set(data);
    this.ticks.set(ticks);
    this.born.set(born);
  }
}

export class WorldState {
  tick = 0 as Tick;
  /** False for a client's copy that lacks what found no room in its packet. Not copied by `copyFrom`. */
  isComplete = true;
  readonly tables: readonly Table[];
  /** By spawner's seat: the counter that its next entity gets. Part of the state, so that a replay makes the same ids. */
  readonly nextCounter = new Int32Array(PLAYERS_MAX + 1).fill(1);

  constructor(kinds: readonly Kind[]) {
    this.tables = kinds.map((kind) => new Table(kind));
  }

  get entityCount(): number {
    let count = 0;
    for (const table of this.tables) count += table.count;
    return count;
  }

  copyFrom(other: WorldState): void {
    this.tick = other.tick;
    this.nextCounter.set(other.nextCounter);
    for (let k = 0; k < this.tables.length; k++) this.tables[k]!.copyFrom(other.tables[k]!);
  }

  clear(): void {
    this.tick = 0 as Tick;
    this.nextCounter.fill(1);
    for (const table of this.tables) table.count = 0;
  }

  /** The table that holds an id, or undefined. */
  tableOf(id: EntityId): Table | undefined {
    for (let k = 0; k < this.tables.length; k++) if (this.tables[k]!.rowOf(id) >= 0) return this.tables[k];
    return undefined;
  }

  /** 32 bits over every entity (FNV-1a over words with a final mix). Equal states have equal hashes on every machine. */
  hash(): number {
    let h = 0x811c9dc5;
    for (const table of this.tables) {
      h = Math.imul(h ^ table.count, 0x01000193);
      for (let i = 0; i < table.count; i++) h = Math.imul(h ^ table.ids[i]!, 0x01000193);
      const end = table.count * table.stride;
      for (let i = 0; i < end; i++) {
        h = Math.imul(h ^ table.data[i]!, 0x01000193);
        h ^= h >>> 15;
      }
    }
    return h >>> 0;
  }
}

/** The last states by tick, in a ring: `at(tick)` is undefined once `length` ticks have passed. */
export class StateHistory {
  readonly #states: WorldState[];
  readonly #filled: Int32Array;

  constructor(kinds: readonly Kind[], length: number) {
    this.#states = Array.from({ length }, () => new WorldState(kinds));
    this.#filled = new Int32Array(length).fill(-1);
  }

  get length(): number {
    return this.#states.length;
  }

  at(tick: Tick): WorldState | undefined {
    const slot = tick % this.#states.length;
    return tick >= 0 && this.#filled[slot] === tick ? this.#states[slot] : undefined;
  }

  /** The slot for a tick, to be filled by the caller; whatever was there is forgotten. */
  claim(tick: Tick): WorldState {
    const slot = tick % this.#states.length;
    this.#filled[slot] = tick;
    const state = this.#states[slot]!;
    state.tick = tick;
    return state;
  }

  /** Takes a claim back, when what was to fill it turned out to be malformed. */
  forget(tick: Tick): void {
    const slot = tick % this.#states.length;
    if (this.#filled[slot] === tick) this.#filled[slot] = -1;
  }

  clear(): void {
    this.#filled.fill(-1);
  }
}
