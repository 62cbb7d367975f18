/**
 * Walks through one kind of a copy in ascending order of ids, and finds the values that a copy has of an entity. On the
 * host a copy is a list of ids and ticks over what was captured; on the client it is a table. Nothing is allocated.
 */
import type { PlayerId, Tick } from '../core/ids.ts';
import type { Row } from '../wire/schema.ts';
import { lowerBoundFrom, type Table } from '../world/world-state.ts';
import type { DatedIds, SentSnapshot } from './baselines.ts';
import type { Captures } from './capture.ts';

const NOTHING = new Int32Array(0);

export class CopyCursor {
  ids: Int32Array = NOTHING;
  count = 0;
  /** Where the last id sought was found. */
  index = 0;
  /** The values of the entity last moved to: `row[at]…`, and the tick whose values they are. */
  row: Row = NOTHING;
  at = 0;
  tick = 0;
  #table: Table | undefined;
  /** The tick of each entity; if undefined, `#wholeTick` is everyone's. */
  #ticks: Int32Array | undefined;
  #wholeTick = 0;
  /** On the host, where values are found. */
  #captures: Captures | undefined;
  #player = 0 as PlayerId;
  #kind = 0;

  /** Begins with nothing. */
  close(): void {
    this.count = this.index = 0;
  }

  /** Begins with a table whose `ticks` tell whose values the rows are. */
  openTable(table: Table): void {
    this.#captures = undefined;
    this.#table = table;
    this.#ticks = table.ticks;
    this.#begin(table.ids, table.count);
  }

  /** Begins with one kind of a player's copy of a snapshot. */
  openSent(sent: SentSnapshot, captures: Captures, player: PlayerId, kind: number): void {
    if (!sent.isWhole) {
      this.openDated(sent.views[kind]!, captures, player, kind);
      return;
    }
    const table = captures.at(sent.tick)!.tables[kind]!;
    this.#captures = captures.hasSecrets ? captures : undefined;
    this.#table = table;
    this.#ticks = undefined;
    this.#wholeTick = sent.tick;
    this.#player = player;
    this.#kind = kind;
    this.#begin(table.ids, table.count);
  }

  /** Begins with a list of ids and the captured tick that each one's values are of. */
  openDated(list: DatedIds, captures: Captures, player: PlayerId, kind: number): void {
    this.#captures = captures;
    this.#table = undefined;
    this.#ticks = list.ticks;
    this.#player = player;
    this.#kind = kind;
    this.#begin(list.ids, list.count);
  }

  #begin(ids: Int32Array, count: number): void {
    this.ids = ids;
    this.count = count;
    this.index = 0;
  }

  /** The tick whose values the entity at an index has. */
  tickAt(index: number): number {
    return this.#ticks === undefined ? this.#wholeTick : this.#ticks[index]!;
  }

  /** Whether the copy has an entity; ids must ascend from call to call. */
  seek(id: number): boolean {
    const { ids, count } = this;
    this.index = lowerBoundFrom(ids, count, this.index, id);
    return this.index < count && ids[this.index] === id;
  }

  /** Finds the values of the entity at an index. */
  moveTo(index: number): void {
    this.tick = this.tickAt(index);
    let table = this.#table;
    let row = index;
    if (table === undefined) {
      table = this.#captures!.at(this.tick as Tick)!.tables[this.#kind]!;
      row = table.rowOf(this.ids[index] as never);
    }
    if (this.#captures !== undefined && this.#captures.hasSecrets)
      table = this.#captures.tableFor(this.#player, table.data[row * table.stride]!, this.#kind, this.tick as Tick);
    this.row = table.data;
    this.at = row * table.stride;
  }

  /** `seek` and `moveTo` in one. */
  find(id: number): boolean {
    if (!this.seek(id)) return false;
    this.moveTo(this.index);
    return true;
  }
}
