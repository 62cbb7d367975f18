/**
 * The client's half of a snapshot: the mirror of `write-snapshot.ts`. Total: any bytes give a valid state or undefined,
 * with work and memory bounded by the packet's size and the game's `entitiesMax`.
 */
import type { AnyGame } from '../define-game.ts';
import { type EntityId, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { nearest16 } from '../core/sequence.ts';
import type { BitReader } from '../wire/bits.ts';
import { readPart } from '../wire/input-packet.ts';
import { bitsFor } from '../wire/packet.ts';
import type { SimEvent } from '../world/simulation.ts';
import type { StateHistory, Table, WorldState } from '../world/world-state.ts';
import { BASELINE_AGE_BITS, HISTORY_TICKS } from './baselines.ts';
import { readDelta, readFull, readId } from './delta.ts';
import { EVENTS_PER_PACKET_MAX } from './write-snapshot.ts';

export interface SnapshotTarget {
  readonly game: AnyGame;
  /** The client's copies by tick; the new one is added. */
  readonly frames: StateHistory;
  /** The newest tick received, or the tick at which the match was entered. */
  readonly newestTick: Tick;
  readonly player: PlayerId;
}

export interface ReceivedSnapshot {
  readonly state: WorldState;
  readonly events: readonly SimEvent[];
  /** With these events the client has all up to this tick. */
  readonly eventsThroughTick: Tick;
}

/**
 * Reads a snapshot into `frames`. Undefined if it is malformed, or refers to what this client no longer holds
 * (`isStale`: a packet so late that it is of no use).
 */
export function readSnapshot(reader: BitReader, target: SnapshotTarget): ReceivedSnapshot | 'malformed' | 'stale' {
  const { frames, newestTick, player } = target;
  const tick = nearest16(reader.bits(16), newestTick) as Tick;
  if (tick < 0 || reader.isOverrun) return 'malformed';
  if (tick <= newestTick - HISTORY_TICKS || frames.at(tick) !== undefined) return 'stale';
  const defaultAge = reader.bits(BASELINE_AGE_BITS);
  const defaultBaseline = defaultAge === 0 ? undefined : frames.at((tick - defaultAge) as Tick);
  if (defaultAge !== 0 && defaultBaseline === undefined) return 'stale';
  const isSameCounter = reader.bool();
  if (isSameCounter && defaultBaseline === undefined) return 'malformed';
  const counter = isSameCounter ? defaultBaseline!.nextCounter[player]! : reader.bits(16);
  const received = readEvents(reader, target.game, tick);
  if (received === undefined) return 'malformed';
  const predecessor = newestBefore(frames, tick, newestTick);
  const state = frames.claim(tick);
  if (predecessor === undefined) state.clear();
  else state.copyFrom(predecessor);
  state.tick = tick;
  state.nextCounter[player] = Math.max(1, counter);
  const outcome = readRemoved(reader, state, target.game.entitiesMax) && readEntities(reader, target, state, defaultBaseline);
  if (outcome !== true || !reader.isAtEnd) {
    frames.forget(tick);
    return outcome === 'stale' ? 'stale' : 'malformed';
  }
  return { state, ...received };
}

function newestBefore(frames: StateHistory, tick: Tick, newestTick: Tick): WorldState | undefined {
  if (newestTick < tick) return frames.at(newestTick);
  for (let age = 1; age < HISTORY_TICKS; age++) {
    const state = frames.at((tick - age) as Tick);
    if (state !== undefined) return state;
  }
  return undefined;
}

function readRemoved(reader: BitReader, state: WorldState, entitiesMax: number): boolean {
  const count = reader.uint(0);
  if (count > entitiesMax) return false;
  let previous = 0 as EntityId;
  for (let i = 0; i < count; i++) {
    const id = readId(reader, previous);
    if (id === undefined || reader.isOverrun) return false;
    const table = state.tableOf(id);
    if (table !== undefined) table.remove(table.rowOf(id));
    previous = id;
  }
  return true;
}

function readEntities(
  reader: BitReader,
  target: SnapshotTarget,
  state: WorldState,
  defaultBaseline: WorldState | undefined,
): boolean | 'stale' {
  for (const table of state.tables) {
    const count = reader.uint(2);
    if (count > target.game.entitiesMax) return false;
    let previous = 0 as EntityId;
    for (let i = 0; i < count; i++) {
      const id = readId(reader, previous);
      if (id === undefined || reader.isOverrun) return false;
      const outcome = readEntity(reader, target, { state, table, id, defaultBaseline });
      if (outcome !== true) return outcome;
      previous = id;
    }
  }
  return true;
}

interface EntityPlace {
  readonly state: WorldState;
  readonly table: Table;
  readonly id: EntityId;
  readonly defaultBaseline: WorldState | undefined;
}

function readEntity(
  reader: BitReader,
  { frames, game }: SnapshotTarget,
  { state, table, id, defaultBaseline }: EntityPlace,
): boolean | 'stale' {
  const hasBaseline = reader.bool();
  let base: Table | undefined;
  if (hasBaseline) {
    const baseline = reader.bool() ? defaultBaseline : frames.at((state.tick - reader.bits(BASELINE_AGE_BITS)) as Tick);
    if (baseline === undefined || baseline === state) return 'stale';
    base = baseline.tables[table.kind.index]!;
    if (base.rowOf(id) < 0) return 'stale';
  }
  let row = table.rowOf(id);
  if (row < 0) {
    if (state.tableOf(id) !== undefined || state.entityCount >= game.entitiesMax) return false;
    row = table.insert(id);
  }
  const { parts } = table.kind.layout;
  const values = { row: table.data, at: row * table.stride };
  if (base === undefined) readFull(reader, parts, values);
  else readDelta(reader, parts, values, { row: base.data, at: base.rowOf(id) * base.stride });
  return !reader.isOverrun;
}

function readEvents(reader: BitReader, game: AnyGame, tick: Tick): { events: SimEvent[]; eventsThroughTick: Tick } | undefined {
  const eventsThroughTick = (tick - reader.uint(0)) as Tick;
  const count = reader.uint(0);
  if (count > EVENTS_PER_PACKET_MAX) return undefined;
  const events: SimEvent[] = [];
  for (let i = 0; i < count; i++) {
    const type = reader.bits(bitsFor(game.eventTypes.length - 1));
    const by = reader.bits(bitsFor(PLAYERS_MAX)) as PlayerId;
    const eventTick = (tick - reader.uint(2)) as Tick;
    const layout = game.eventTypes[type]?.layout;
    if (layout === undefined || reader.isOverrun) return undefined;
    events.push({ tick: eventTick, type, by, row: Int32Array.from(layout.parts, (part) => readPart(reader, part)) });
  }
  return { events, eventsThroughTick };
}
