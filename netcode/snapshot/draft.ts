/**
 * What a client lacks: for each entity of its copy at the baseline whether it changed or is gone, and which are new to it.
 * Looks at ticks alone; values are read when they are written.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import type { Table } from '../world/world-state.ts';
import { raiseCounters } from './birth-coder.ts';
import { type Choice, DatedIds, NEVER, type SentSnapshot } from './baselines.ts';
import type { Captures } from './capture.ts';
import { CopyCursor } from './copy-cursor.ts';
import { CHANGE, GONE, KEEP, LEFT_OUT } from './fate.ts';
import type { Interest } from './interest.ts';
import { mergeDated } from './merge.ts';
import type { Parents } from './parents.ts';
import { whenMoved } from './when-moved.ts';

/** Entities that a baseline may hold, as a multiple of what may live: some are gone, and there was no room to say so. */
const KNOWN_FACTOR = 2;
/** Above every id. */
export const ID_END = 2 ** 30;

/** One kind's part of a draft. */
export class KindDraft {
  /** The baseline, and the copies before it. */
  readonly first = new CopyCursor();
  readonly second = new CopyCursor();
  readonly third = new CopyCursor();
  readonly fourth = new CopyCursor();
  /** Of the baseline's entities those that moved lately, or of which there is something to say; the first `entryCount`. */
  entryCount = 0;
  /** For each entry: its index in the baseline, */
  indexes = new Int32Array(0);
  /** KEEP, CHANGE or GONE, with LEFT_OUT if it has to wait, */
  actions = new Uint8Array(0);
  /** its row now (of no meaning for GONE), */
  rows = new Int32Array(0);
  /** and when it moved last: 3 since the second copy, 2 since the third, 1 since the fourth, or 0. */
  movedWhen = new Uint8Array(0);
  movedCount = 0;
  /** Rows of what the baseline does not have, and whether it has to wait. */
  newRows = new Int32Array(0);
  isNewLeftOut = new Uint8Array(0);
  newCount = 0;
  /** The present values, as the host has them. */
  table!: Table;

  begin(table: Table, count: number): void {
    this.table = table;
    this.entryCount = this.newCount = this.movedCount = 0;
    const known = this.first.count;
    if (known > this.indexes.length) {
      const size = known * 2;
      this.indexes = new Int32Array(size);
      this.actions = new Uint8Array(size);
      this.rows = new Int32Array(size);
      this.movedWhen = new Uint8Array(size);
    }
    if (count > this.newRows.length) {
      this.newRows = new Int32Array(count * 2);
      this.isNewLeftOut = new Uint8Array(count * 2);
    }
  }

  addEntry(index: number, action: number, row: number, moved: number): void {
    const n = this.entryCount++;
    this.indexes[n] = index;
    this.actions[n] = action;
    this.rows[n] = row;
    this.movedWhen[n] = moved;
    if (moved > 0) this.movedCount++;
  }

  addNew(row: number): void {
    this.isNewLeftOut[this.newCount] = 0;
    this.newRows[this.newCount++] = row;
  }
}

export class Draft {
  readonly kinds: readonly KindDraft[];
  player = 0 as PlayerId;
  tick = NEVER;
  /** Entities that changed, are gone or are new. */
  itemCount = 0;
  leftOutCount = 0;
  readonly captures: Captures;
  readonly #bases: readonly DatedIds[];
  readonly #spares: readonly DatedIds[];
  readonly #donated = new DatedIds();
  /** Entities that a baseline may hold. */
  readonly #knownMax: number;

  constructor(game: AnyGame, captures: Captures) {
    this.captures = captures;
    this.#knownMax = KNOWN_FACTOR * game.entitiesMax;
    this.kinds = game.kinds.map(() => new KindDraft());
    this.#bases = game.kinds.map(() => new DatedIds());
    this.#spares = game.kinds.map(() => new DatedIds());
  }

  /** The present values of a row as the client may know them. */
  tableOf(kind: number, row: number): Table {
    const { table } = this.kinds[kind]!;
    return this.captures.hasSecrets ? this.captures.tableFor(this.player, table.data[row * table.stride]!, kind, this.tick) : table;
  }

  /**
   * Opens the copies that were chosen. Fewer donors are used if what they hold together is more than a client takes; `choice` is
   * changed then.
   */
  open(player: PlayerId, choice: Choice): void {
    this.player = player;
    this.tick = this.captures.newest.tick;
    for (;;) {
      let known = 0;
      for (let k = 0; k < this.kinds.length; k++) {
        const draft = this.kinds[k]!;
        this.#openFirst(draft, k, choice);
        known += draft.first.count;
      }
      if (choice.donorCount === 0 || known <= this.#knownMax) break;
      choice.donorCount = choice.donorCount >> 1;
    }
    for (let k = 0; k < this.kinds.length; k++) {
      const { second, third, fourth } = this.kinds[k]!;
      this.#openOlder(second, k, choice.older[0]);
      this.#openOlder(third, k, choice.older[1]);
      this.#openOlder(fourth, k, choice.older[2]);
    }
  }

  #openOlder(cursor: CopyCursor, k: number, sent: SentSnapshot | undefined): void {
    if (sent === undefined) cursor.close();
    else cursor.openSent(sent, this.captures, this.player, k);
  }

  #openFirst(draft: KindDraft, k: number, { first, donors, donorCount }: Choice): void {
    const { captures, player } = this;
    if (first === undefined) draft.first.close();
    else if (donorCount === 0) draft.first.openSent(first, captures, player, k);
    else {
      let base = first.views[k]!;
      for (let i = 0; i < donorCount; i++) {
        const out = i % 2 === 0 ? this.#bases[k]! : this.#spares[k]!;
        mergeDated(out, base, this.#listOf(donors[i]!, k));
        base = out;
      }
      draft.first.openDated(base, captures, player, k);
    }
  }

  #listOf(sent: SentSnapshot, k: number): DatedIds {
    if (!sent.isWhole) return sent.views[k]!;
    const table = this.captures.at(sent.tick)!.tables[k]!;
    const list = this.#donated;
    list.count = 0;
    for (let row = 0; row < table.count; row++) list.add(table.ids[row]!, sent.tick);
    return list;
  }

  /** Finds out what the client lacks, after `open`. */
  gather(interest: Interest | undefined, { first, older, donorCount }: Choice): void {
    this.itemCount = 0;
    this.leftOutCount = 0;
    const oldest = older[2] ?? older[1] ?? older[0];
    const isPlain = donorCount === 0 && first?.isComplete === true && oldest?.isComplete === true;
    const isWhole = isPlain && first.isWhole && oldest.isWhole && interest === undefined && !this.captures.hasSecrets;
    for (let k = 0; k < this.kinds.length; k++) {
      const draft = this.kinds[k]!;
      const table = this.captures.newest.tables[k]!;
      draft.begin(table, interest === undefined ? table.count : interest.counts[k]!);
      if (isWhole) this.#compareWhole(draft, this.captures.at(first.tick)!.tables[k]!, first.tick, oldest.tick);
      else {
        const restingTick = isPlain ? oldest.tick : NEVER;
        if (interest === undefined) this.#compare(k, table.ids, table.count, restingTick);
        else this.#compare(k, interest.ids[k]!, interest.counts[k]!, restingTick);
      }
      this.itemCount += draft.newCount;
    }
  }

  /** Walks through what the client has and what it is to have, both as captured: ticks tell all but how lately it moved. */
  #compareWhole(draft: KindDraft, known: Table, firstTick: Tick, oldestTick: Tick): void {
    const { first, second, third, fourth, table } = draft;
    const [knownIds, since, ids, ticks] = [known.ids, known.ticks, table.ids, table.ticks];
    const knownCount = known.count;
    const { count, stride } = table;
    let row = 0;
    let items = 0;
    for (let i = 0; i < knownCount; i++) {
      const id = knownIds[i]!;
      while (row < count && ids[row]! < id) draft.addNew(row++);
      const isHere = row < count && ids[row] === id;
      const isNews = !isHere || ticks[row]! > firstTick;
      let moved = 0;
      if (since[i]! > oldestTick) {
        first.moveTo(i);
        moved = whenMoved(first, id, stride, second, third, fourth);
      }
      if (isNews || moved > 0) draft.addEntry(i, !isHere ? GONE : isNews ? CHANGE : KEEP, row, moved);
      if (isNews) items++;
      if (isHere) row++;
    }
    while (row < count) draft.addNew(row++);
    this.itemCount += items;
  }

  /**
   * The same for what the client has in parts, `ids` being what it is to have. What has been as it is since `restingTick`, and is
   * in the oldest copy, did not move.
   */
  #compare(k: number, ids: Int32Array, count: number, restingTick: Tick): void {
    const draft = this.kinds[k]!;
    const { first, second, third, fourth, table } = draft;
    const { hasSecrets } = this.captures;
    const oldest = fourth.count > 0 ? fourth : third.count > 0 ? third : second;
    const isAll = ids === table.ids;
    let items = 0;
    let at = 0;
    let row = 0;
    for (let i = 0; i < first.count; i++) {
      const id = first.ids[i]!;
      for (; at < count && ids[at]! < id; at++) draft.addNew((row = isAll ? at : table.rowFrom(row, ids[at]!)));
      const isHere = at < count && ids[at] === id;
      let isNews = !isHere;
      let isResting = false;
      if (isHere) {
        row = isAll ? at : table.rowFrom(row, id);
        const { ticks } = hasSecrets ? this.tableOf(k, row) : table;
        isNews = ticks[row]! > first.tickAt(i);
        isResting = ticks[row]! <= restingTick && oldest.seek(id);
        at++;
      }
      let moved = 0;
      if (!isResting) {
        first.moveTo(i);
        moved = whenMoved(first, id, table.stride, second, third, fourth);
      }
      if (isNews || moved > 0) draft.addEntry(i, !isHere ? GONE : isNews ? CHANGE : KEEP, row, moved);
      if (isNews) items++;
    }
    for (; at < count; at++) draft.addNew((row = isAll ? at : table.rowFrom(row, ids[at]!)));
    this.itemCount += items;
  }

  /** Fills `counters` with what each spawner's next id is expected to be, from the ids in the baseline. */
  countIds(counters: Int32Array): void {
    counters.fill(1);
    for (let k = 0; k < this.kinds.length; k++) raiseCounters(counters, this.kinds[k]!.first.ids, this.kinds[k]!.first.count);
  }

  /** Finds the entities of a kind whose present values the client has once it has read the known ones. */
  findParents(k: number, into: Parents): void {
    const { first, indexes, actions, rows, entryCount, table } = this.kinds[k]!;
    const isComplete = this.leftOutCount === 0;
    let entry = 0;
    let row = 0;
    for (let i = 0; i < first.count; i++) {
      const isEntry = entry < entryCount && indexes[entry] === i;
      const action = isEntry ? actions[entry]! : KEEP;
      if (isEntry) row = rows[entry++]!;
      if (action !== CHANGE && !(isComplete && action === KEEP)) continue;
      if (!isEntry) row = table.rowFrom(row, first.ids[i]!);
      const { data, stride } = this.tableOf(k, row);
      const parent = into.add(data[row * stride]!);
      parent.present = data;
      parent.presentAt = row * stride;
      first.moveTo(i);
      parent.past = first.row;
      parent.pastAt = first.at;
      parent.ticks = this.tick - first.tick;
    }
  }

  /**
   * Writes into `views` which entities the client will have, and the tick whose values each is of: `completeTick` for all if
   * nothing was left out, else what a client can tell itself. Returns the oldest tick of what is not as it was then.
   */
  fillViews(views: readonly DatedIds[], completeTick: Tick, clampTick: number): Tick {
    let oldest: number = this.tick;
    for (let k = 0; k < views.length; k++) {
      const view = views[k]!;
      const { first, table, indexes, actions, entryCount, newRows, isNewLeftOut, newCount } = this.kinds[k]!;
      view.count = 0;
      view.reserve(first.count + newCount);
      let news = 0;
      let entry = 0;
      for (let i = 0; i <= first.count; i++) {
        const id = i < first.count ? first.ids[i]! : ID_END;
        for (; news < newCount && table.ids[newRows[news]!]! < id; news++)
          if (isNewLeftOut[news] === 0) view.add(table.ids[newRows[news]!]!, this.tick);
        if (i === first.count) break;
        const action = entry < entryCount && indexes[entry] === i ? actions[entry++]! : KEEP;
        if (action === GONE) continue;
        const tick = completeTick >= 0 || action === CHANGE ? this.tick : Math.max(clampTick, first.tickAt(i));
        view.add(id, tick);
        // What waits is as old as it is; what did not change may count as younger.
        oldest = Math.min(oldest, (action & LEFT_OUT) !== 0 ? first.tickAt(i) : tick);
      }
    }
    if (completeTick < 0) this.#removeDisplaced(views);
    return oldest as Tick;
  }

  /** The id of what is gone may be given again to another kind; who is told of the new one forgets the other, told or not. */
  #removeDisplaced(views: readonly DatedIds[]): void {
    for (let k = 0; k < views.length; k++) {
      const { table, newRows, isNewLeftOut, newCount } = this.kinds[k]!;
      for (let n = 0; n < newCount; n++) {
        if (isNewLeftOut[n] !== 0) continue;
        for (let other = 0; other < views.length; other++) if (other !== k) views[other]!.remove(table.ids[newRows[n]!]!);
      }
    }
  }
}
