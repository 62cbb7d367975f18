/**
 * The client's half of a snapshot: the mirror of `write-snapshot.ts`. Total: any bytes give a valid state or undefined,
 * with work and memory bounded by the packet's size and the game's `entitiesMax`.
 */
import type { AnyGame } from '../define-game.ts';
import { type EntityId, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { nearest16 } from '../core/sequence.ts';
import { type BitCoder, codeCount, DecodingCoder } from '../wire/bit-coder.ts';
import { bitsFor } from '../wire/packet.ts';
import type { RangeDecoder } from '../wire/range-coder.ts';
import type { SimEvent } from '../world/simulation.ts';
import type { StateHistory, Table, WorldState } from '../world/world-state.ts';
import { BASELINE_AGE_BITS, HISTORY_TICKS } from './baselines.ts';
import { codeChange, codeId, codeNew, type Values } from './entity-coding.ts';
import { Seeker } from './seeker.ts';
import { INCLUDED, REMOVED, type SnapshotModel } from './snapshot-model.ts';
import { differ, EVENTS_PER_PACKET_MAX, spawnTables } from './write-snapshot.ts';

export interface SnapshotTarget {
  readonly game: AnyGame;
  readonly model: SnapshotModel;
  /** The client's copies by tick; the new one is added. */
  readonly frames: StateHistory;
  /** The newest tick received, or the tick at which the match was entered. */
  readonly newestTick: Tick;
  readonly player: PlayerId;
}

export interface ReceivedSnapshot {
  readonly state: WorldState;
  /** The copy that it was coded against. */
  readonly baseline: WorldState | undefined;
  readonly events: readonly SimEvent[];
  /** With these events the client has all up to this tick. */
  readonly eventsThroughTick: Tick;
}

/** `malformed`: bits that no host writes. `stale`: so late that the client has forgotten what it refers to, or has it already. */
type Outcome = 'ok' | 'malformed' | 'stale';

interface Frame {
  readonly tick: Tick;
  readonly first: WorldState | undefined;
  readonly second: WorldState | undefined;
  readonly third: WorldState | undefined;
  readonly isComplete: boolean;
  readonly counter: number;
}

/** A snapshot under way. */
interface Reading {
  readonly coder: BitCoder;
  readonly decoder: RangeDecoder;
  readonly target: SnapshotTarget;
  readonly frame: Frame;
  readonly state: WorldState;
}

/** Reads a snapshot into `frames`. The caller has read the packet's header from the decoder. */
export function readSnapshot(decoder: RangeDecoder, target: SnapshotTarget): ReceivedSnapshot | 'malformed' | 'stale' {
  target.model.reset();
  const coder = new DecodingCoder(decoder, target.model.contexts);
  const frame = readFrame(coder, target);
  if (typeof frame === 'string') return frame;
  const received = readEvents(coder, decoder, target.game, frame.tick);
  if (received === undefined) return 'malformed';
  const state = target.frames.claim(frame.tick);
  if (frame.first === undefined) state.clear();
  else state.copyFrom(frame.first);
  state.tick = frame.tick;
  state.isComplete = frame.isComplete;
  state.nextCounter[target.player] = Math.max(1, frame.counter);
  const outcome = readBody({ coder, decoder, target, frame, state });
  if (outcome === 'ok' && decoder.isAtEnd) return { state, baseline: frame.first, ...received };
  target.frames.forget(frame.tick);
  return outcome === 'stale' ? 'stale' : 'malformed';
}

function readFrame(coder: BitCoder, { frames, newestTick, player }: SnapshotTarget): Frame | 'malformed' | 'stale' {
  const tick = nearest16(coder.raw(0, 16), newestTick) as Tick;
  if (tick < 0) return 'malformed';
  if (tick <= newestTick - HISTORY_TICKS || frames.at(tick) !== undefined) return 'stale';
  const age = coder.raw(0, BASELINE_AGE_BITS);
  const olderAge = age === 0 ? 0 : codeCount(coder, 0, 2);
  const oldestAge = olderAge === 0 ? 0 : codeCount(coder, 0, 2);
  const first = age === 0 ? undefined : frames.at((tick - age) as Tick);
  const second = olderAge === 0 ? undefined : frames.at((tick - age - olderAge) as Tick);
  const third = oldestAge === 0 ? undefined : frames.at((tick - age - olderAge - oldestAge) as Tick);
  if ((age !== 0 && first === undefined) || (olderAge !== 0 && second === undefined) || (oldestAge !== 0 && third === undefined))
    return 'stale';
  const isComplete = coder.raw(0, 1) === 1;
  const isSameCounter = coder.raw(0, 1) === 1;
  if (isSameCounter && first === undefined) return 'malformed';
  return { tick, first, second, third, isComplete, counter: isSameCounter ? first!.nextCounter[player]! : coder.raw(0, 16) };
}

function readBody(reading: Reading): Outcome {
  const known = readKnown(reading);
  return known === 'ok' ? readNew(reading) : known;
}

/** Walks through the older copies; one packet is read at a time. */
const BEFORE = new Seeker();
const OLDEST = new Seeker();

function readKnown({ coder, decoder, target, frame, state }: Reading): Outcome {
  const { first, second, third, tick } = frame;
  if (first === undefined) return 'ok';
  for (const model of target.model.kinds) {
    const k = model.kind.index;
    const known = first.tables[k]!;
    const table = state.tables[k]!;
    BEFORE.open(second, k);
    OLDEST.open(third, k);
    let wasIncluded = 0;
    let wasExpected = true;
    for (let row = 0; row < known.count; row++) {
      const id = known.ids[row] as EntityId;
      const newest = { row: known.data, at: row * known.stride, tick: first.tick };
      const before = BEFORE.seek(id) ? BEFORE : undefined;
      const isMoving = before === undefined || differ(newest.row, newest.at, before, known.stride);
      const included = coder.bit(0, model.entityBase + INCLUDED + (isMoving ? 2 : 0) + wasIncluded);
      wasIncluded = included;
      if (included === 0) continue;
      if (decoder.isOverrun) return 'malformed';
      if (coder.bit(0, model.entityBase + REMOVED) === 1) {
        const gone = table.rowOf(id);
        if (gone >= 0) table.remove(gone);
        continue;
      }
      model.predictor.predict(tick, newest, before, OLDEST.seek(id) ? OLDEST : undefined);
      const values = place(state, table, id, target.game.entitiesMax);
      if (values === undefined) return 'malformed';
      wasExpected = codeChange(coder, model, values, wasExpected);
    }
  }
  return decoder.isOverrun ? 'malformed' : 'ok';
}

function readNew({ coder, decoder, target, frame, state }: Reading): Outcome {
  for (const model of target.model.kinds) {
    const table = state.tables[model.kind.index]!;
    const count = codeCount(coder, 0, 0);
    if (count > target.game.entitiesMax) return 'malformed';
    const hints = spawnTables(model, frame.first?.isComplete === true ? frame.first : undefined, frame.isComplete ? state : undefined);
    let previousId = 0 as EntityId;
    let previous: Values | undefined;
    for (let i = 0; i < count; i++) {
      const id = codeId(coder, previousId, previousId);
      if (id === undefined || decoder.isOverrun) return 'malformed';
      const values = place(state, table, id, target.game.entitiesMax);
      if (values === undefined) return 'malformed';
      codeNew(coder, model, id, values, { ...hints, previous });
      previousId = id;
      // Rows move when others are inserted; what the next one is compared with is kept apart.
      previous = { row: values.row.slice(values.at, values.at + table.stride), at: 0 };
    }
  }
  return decoder.isOverrun ? 'malformed' : 'ok';
}

/** The row of an entity in the new state, made if there is none. Undefined if the id is another kind's, or there are too many. */
function place(state: WorldState, table: Table, id: EntityId, entitiesMax: number): Values | undefined {
  let row = table.rowOf(id);
  if (row < 0) {
    if (state.tableOf(id) !== undefined || state.entityCount >= entitiesMax) return undefined;
    row = table.insert(id);
  }
  return { row: table.data, at: row * table.stride };
}

function readEvents(
  coder: BitCoder,
  decoder: RangeDecoder,
  game: AnyGame,
  tick: Tick,
): Pick<ReceivedSnapshot, 'events' | 'eventsThroughTick'> | undefined {
  const eventsThroughTick = (tick - codeCount(coder, 0, 0)) as Tick;
  const count = codeCount(coder, 0, 0);
  if (count > EVENTS_PER_PACKET_MAX) return undefined;
  const events: SimEvent[] = [];
  for (let i = 0; i < count; i++) {
    const type = coder.raw(0, bitsFor(game.eventTypes.length - 1));
    const by = coder.raw(0, bitsFor(PLAYERS_MAX)) as PlayerId;
    const eventTick = (tick - codeCount(coder, 0, 2)) as Tick;
    const layout = game.eventTypes[type]?.layout;
    if (layout === undefined || decoder.isOverrun) return undefined;
    const row = Int32Array.from(layout.parts, (part) => Math.min(part.max, part.min + coder.raw(0, bitsFor(part.max - part.min))));
    events.push({ tick: eventTick, type, by, row });
  }
  return { events, eventsThroughTick };
}
