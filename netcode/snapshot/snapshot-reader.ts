/**
 * The client's half of a snapshot: the mirror of `snapshot-writer.ts`. Total: any bytes give a valid state or none, with work
 * and memory bounded by the packet's size and the game's `entitiesMax`. Nothing is allocated once its tables have grown.
 */
import type { AnyGame } from '../define-game.ts';
import type { EntityId, PlayerId, Tick } from '../core/ids.ts';
import type { BitReader } from '../wire/bits.ts';
import { readCount } from '../wire/count.ts';
import { RangeDecoder } from '../wire/range-coder.ts';
import type { SimEvent } from '../world/simulation.ts';
import { StateHistory, type Table, WorldState } from '../world/world-state.ts';
import { HISTORY_TICKS, NEVER, oldestValueTick } from './baselines.ts';
import { raiseCounters } from './birth-coder.ts';
import { CopyCursor } from './copy-cursor.ts';
import { CHANGE, GONE, KEEP } from './fate.ts';
import { type EventsRead, type Frame, type FrameRules, makeFrame, readEvents, readFrame } from './frame.ts';
import { GapReader } from './gaps.ts';
import { mergeStates } from './merge.ts';
import { WISHED_SNAPSHOTS } from './motion.ts';
import type { KindModel, SnapshotModel } from './snapshot-model.ts';
import { ValueReader } from './value-coder.ts';
import { whenMoved } from './when-moved.ts';

/** How a packet was read. `malformed`: bits that no host writes. `stale`: so late that it refers to what is forgotten, or is there already. */
export type Outcome = 'ok' | 'malformed' | 'stale';

/** Entities that a copy may hold, as a multiple of what may live: what is gone may stay until the host has room to say so. */
const GHOSTS_FACTOR = 4;

export class SnapshotReader {
  /** What the last packet that was read well held, and what it was made from. */
  state: WorldState;
  base: WorldState | undefined;
  events: readonly SimEvent[] = [];
  /** The number of the first of them, its low 16 bits. */
  firstEvent = 0;
  /** The newest tick received, or the tick at which the match was entered. */
  newestTick: Tick;
  /** The client's copies by tick. */
  readonly frames: StateHistory;
  readonly #game: AnyGame;
  readonly #model: SnapshotModel;
  readonly #player: PlayerId;
  readonly #decoder = new RangeDecoder();
  readonly #values = new ValueReader(this.#decoder);
  readonly #gaps = new GapReader();
  readonly #frame: Frame = makeFrame();
  readonly #read: EventsRead = { events: [], firstNumber: 0 };
  readonly #rules: FrameRules;
  /** Where an incomplete baseline and its donors come together. */
  readonly #merged: readonly [WorldState, WorldState];
  /** The baseline and the copies before it. */
  readonly #cursors = { first: new CopyCursor(), second: new CopyCursor(), third: new CopyCursor(), fourth: new CopyCursor() };
  readonly #older: (WorldState | undefined)[] = WISHED_SNAPSHOTS.map(() => undefined);
  /** Of the kind at hand, for each entity of the baseline: when it moved last, and what becomes of it. */
  #movedWhen = new Uint8Array(0);
  #fates = new Uint8Array(0);
  #hasCounters = false;
  /** New entities whose ids entities of other kinds had. */
  readonly #displaced: { readonly kind: number; readonly id: EntityId }[] = [];
  /** Whether entities that live may be unknown for a while. */
  readonly #comesAndGoes: boolean;

  constructor(game: AnyGame, options: { readonly model: SnapshotModel; readonly player: PlayerId; readonly newestTick: Tick }) {
    this.#game = game;
    this.#comesAndGoes = game.interest !== undefined || game.spec.isVisible !== undefined;
    this.#model = options.model;
    this.#player = options.player;
    this.newestTick = options.newestTick;
    this.frames = new StateHistory(game.kinds, HISTORY_TICKS);
    this.#rules = {
      interval: game.tickRate / game.sendRate,
      isComplete: (tick) => this.frames.at(tick as Tick)?.isComplete ?? true,
    };
    this.#merged = [new WorldState(game.kinds), new WorldState(game.kinds)];
    this.state = this.#merged[0];
  }

  /**
   * Reads a snapshot into `frames`; the caller has read what comes before it in the packet. `bytes` is the whole packet, of which
   * `header` reads.
   */
  read(bytes: Uint8Array, header: BitReader): Outcome {
    const frame = this.#frame;
    if (!readFrame(header, frame, this.newestTick, this.#rules)) return 'malformed';
    if (frame.tick <= this.newestTick - HISTORY_TICKS || this.frames.at(frame.tick) !== undefined) return 'stale';
    const first = this.#base();
    if (first === undefined && frame.firstTick >= 0) return 'stale';
    if (first !== undefined && first.entityCount > GHOSTS_FACTOR * this.#game.entitiesMax) return 'malformed';
    for (let n = 0; n < this.#older.length; n++) {
      const tick = frame.olderTicks[n]! as Tick;
      this.#older[n] = tick < 0 ? undefined : this.frames.at(tick);
      if (tick >= 0 && this.#older[n] === undefined) return 'stale';
    }
    if (!readEvents(header, this.#game, frame, this.#read) || header.isOverrun) return 'malformed';
    const start = header.byteLength;
    this.#decoder.open(bytes, start, Math.max(0, bytes.length - start));
    const state = this.frames.claim(frame.tick);
    if (!this.#readBody(state, first) || !this.#decoder.isAtEnd) {
      this.frames.forget(frame.tick);
      return 'malformed';
    }
    state.nextCounter[this.#player] =
      frame.counter !== 0 ? frame.counter : this.frames.at(frame.firstTick as Tick)!.nextCounter[this.#player]!;
    this.state = state;
    this.base = first;
    this.events = this.#read.events;
    this.firstEvent = this.#read.firstNumber;
    if (frame.tick > this.newestTick) this.newestTick = frame.tick;
    return 'ok';
  }

  /** The copy that the packet is coded against; undefined if there is none, or one of those it is made of is forgotten. */
  #base(): WorldState | undefined {
    const { firstTick, donorTicks, donorCount } = this.#frame;
    let base = firstTick < 0 ? undefined : this.frames.at(firstTick as Tick);
    for (let i = 0; i < donorCount && base !== undefined; i++) {
      const donor = this.frames.at(donorTicks[i]! as Tick);
      if (donor === undefined) return undefined;
      const out = this.#merged[i % 2 === 0 ? 0 : 1];
      mergeStates(out, base, donor);
      base = out;
    }
    return base;
  }

  #readBody(state: WorldState, first: WorldState | undefined): boolean {
    const { tick } = this.#frame;
    const { kinds } = this.#model;
    const packet = this.#model.begin();
    if (first === undefined) state.clear();
    else state.copyFrom(first);
    state.tick = tick;
    state.isComplete = this.#decoder.bits(1) === 1;
    const oldest = oldestValueTick(tick, this.#rules.interval);
    const isUnbroken = state.isComplete && first?.isComplete === true;
    for (let k = 0; k < kinds.length; k++) dateRows(state.tables[k]!, state.isComplete ? tick : oldest, isUnbroken, tick);
    if (first !== undefined) for (let k = 0; k < kinds.length; k++) if (!this.#readKnown(kinds[k]!, state, first, packet)) return false;
    this.#hasCounters = false;
    this.#displaced.length = 0;
    for (let k = 0; k < kinds.length; k++) if (!this.#readNew(kinds[k]!, state, first, packet)) return false;
    this.#removeDisplaced(state);
    return !this.#decoder.isOverrun;
  }

  #removeDisplaced(state: WorldState): void {
    for (const { kind, id } of this.#displaced) {
      for (const table of state.tables) {
        const row = table.kind.index === kind ? -1 : table.rowOf(id);
        if (row >= 0) table.remove(row);
      }
    }
  }

  #readKnown(model: KindModel, state: WorldState, base: WorldState, packet: number): boolean {
    const k = model.kind.index;
    const known = base.tables[k]!;
    if (known.count === 0) return true;
    const { first, second, third, fourth } = this.#cursors;
    first.openTable(known);
    openOlder(second, this.#older[0], k);
    openOlder(third, this.#older[1], k);
    openOlder(fourth, this.#older[2], k);
    if (!this.#readMentions(known)) return false;
    const values = this.#values;
    const { entities } = model;
    const table = state.tables[k]!;
    const movedWhen = this.#movedWhen;
    const fates = this.#fates;
    let goneCount = 0;
    model.begin(packet);
    values.contexts = model.contexts;
    entities.begin(this.#frame.tick);
    second.index = third.index = fourth.index = 0;
    for (let i = 0; i < known.count; i++) {
      const moved = movedWhen[i]!;
      if (moved === 0 && fates[i] === KEEP) continue;
      if (values.isOverrun) return false;
      first.moveTo(i);
      entities.open(known.ids[i]!, first, this.#cursors);
      // Rows are where they are in the baseline: what is gone goes at the end.
      const at = i * table.stride;
      const fate =
        moved === 0 ? entities.codeResting(values, CHANGE, table.data, at) : entities.codeMoving(values, CHANGE, table.data, at, moved);
      fates[i] = fate;
      if (fate === GONE) goneCount++;
      else if (fate === CHANGE) table.ticks[i] = table.born[i] = this.#frame.tick;
    }
    if (goneCount > 0) removeGone(table, fates);
    return true;
  }

  /** Finds out which entities have something said of them: those that moved lately, and those that the packet mentions. */
  #readMentions(known: Table): boolean {
    const decoder = this.#decoder;
    if (this.#movedWhen.length < known.count) {
      this.#movedWhen = new Uint8Array(known.count * 2);
      this.#fates = new Uint8Array(known.count * 2);
    }
    const movedWhen = this.#movedWhen;
    const fates = this.#fates;
    const { first, second, third, fourth } = this.#cursors;
    const { ids, born, stride } = known;
    const oldest = this.#older[2] ?? this.#older[1] ?? this.#older[0];
    // Most of what there is rests: what has been as it is since before the oldest copy needs no closer look.
    const restingTick = oldest?.isComplete === true && !this.#comesAndGoes ? oldest.tick : NEVER;
    let resting = 0;
    for (let i = 0; i < known.count; i++) {
      let moved = 0;
      if (born[i]! > restingTick) {
        first.moveTo(i);
        moved = whenMoved(first, ids[i]!, stride, second, third, fourth);
      }
      movedWhen[i] = moved;
      fates[i] = KEEP;
      if (moved === 0) resting++;
    }
    if (resting === 0) return true;
    if (!this.#gaps.begin(decoder, resting)) return false;
    for (let i = 0; i < known.count; i++) {
      if (movedWhen[i] !== 0) continue;
      const isHit = this.#gaps.take(decoder);
      if (isHit === undefined) return false;
      if (isHit) fates[i] = CHANGE;
    }
    return true;
  }

  #readNew(model: KindModel, state: WorldState, base: WorldState | undefined, packet: number): boolean {
    const decoder = this.#decoder;
    const count = readCount(decoder, 0);
    const { entitiesMax } = this.#game;
    if (count > entitiesMax) return false;
    if (count === 0) return true;
    const { births } = model;
    const { parents, nextCounters } = this.#model;
    const values = this.#values;
    const { tick } = this.#frame;
    const table = state.tables[model.kind.index]!;
    model.begin(packet);
    values.contexts = model.contexts;
    births.begin(tick);
    if (!this.#hasCounters) {
      nextCounters.fill(1);
      if (base !== undefined) for (const { ids, count: known } of base.tables) raiseCounters(nextCounters, ids, known);
    }
    this.#hasCounters = true;
    parents.clear();
    const { kind } = births.descent;
    if (kind >= 0 && base !== undefined) this.#findParents(state.tables[kind]!, base.tables[kind]!);
    for (let n = 0; n < count; n++) {
      const id = births.codeId(values, 0, nextCounters);
      if (id === undefined || values.isOverrun) return false;
      if (state.entityCount >= GHOSTS_FACTOR * entitiesMax || table.rowOf(id) >= 0) return false;
      // The id of what is gone is given again to another kind; that it is gone may have found no room.
      if (state.tableOf(id) !== undefined) this.#displaced.push({ kind: model.kind.index, id });
      const row = table.insert(id);
      table.ticks[row] = table.born[row] = tick;
      births.code(values, table.data, row * table.stride, tick, parents);
    }
    return true;
  }

  /** Finds the entities of a kind whose present values are known by now, and were known before. */
  #findParents(table: Table, known: Table): void {
    const { first: cursor } = this.#cursors;
    const { parents } = this.#model;
    const { tick } = this.#frame;
    cursor.openTable(known);
    for (let row = 0; row < table.count; row++) {
      if (table.ticks[row] !== tick || !cursor.find(table.ids[row]!)) continue;
      const parent = parents.add(table.data[row * table.stride]!);
      parent.present = table.data;
      parent.presentAt = row * table.stride;
      parent.past = cursor.row;
      parent.pastAt = cursor.at;
      parent.ticks = tick - cursor.tick;
    }
  }
}

function openOlder(cursor: CopyCursor, copy: WorldState | undefined, kind: number): void {
  if (copy === undefined) cursor.close();
  else cursor.openTable(copy.tables[kind]!);
}

/**
 * What a packet does not mention is as it was; in a complete one that is as it is now. From one complete copy to the next it has
 * been so all the time, which `born` remembers here: the tick since which a row is known to have been the same. Values older than
 * `oldest` count as that old.
 */
function dateRows({ ticks, born, count }: Table, oldest: number, isUnbroken: boolean, tick: Tick): void {
  for (let row = 0; row < count; row++) if (ticks[row]! < oldest) ticks[row] = oldest;
  if (!isUnbroken) born.fill(tick, 0, count);
}

/** Takes out the rows of what is gone. */
function removeGone(table: Table, fates: Uint8Array): void {
  const { ids, ticks, born, data, stride, count } = table;
  let to = 0;
  for (let row = 0; row < count; row++) {
    if (fates[row] === GONE) continue;
    if (to !== row) {
      ids[to] = ids[row]!;
      ticks[to] = ticks[row]!;
      born[to] = born[row]!;
      for (let i = 0; i < stride; i++) data[to * stride + i] = data[row * stride + i]!;
    }
    to++;
  }
  table.count = to;
}
