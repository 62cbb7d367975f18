/**
 * The host's half of a snapshot: select what the client lacks, write it within the budget, remember what was sent.
 * Its mirror is `read-snapshot.ts`; PROTOCOL.md draws the format.
 */
import type { AnyGame } from '../define-game.ts';
import { type EntityId, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { type BitCoder, codeCount } from '../wire/bit-coder.ts';
import { bitsFor } from '../wire/packet.ts';
import type { RangeEncoder } from '../wire/range-coder.ts';
import type { Row } from '../wire/schema.ts';
import type { SimEvent } from '../world/simulation.ts';
import type { StateHistory, Table, WorldState } from '../world/world-state.ts';
import { BASELINE_AGE_BITS, type Baselines, HISTORY_TICKS, idsIn, type SentSnapshot, valueTickIn, type View } from './baselines.ts';
import { codeChange, codeId, codeNew, type Values } from './entity-coding.ts';
import { Seeker } from './seeker.ts';
import { INCLUDED, type KindModel, REMOVED, type SnapshotModel } from './snapshot-model.ts';

/** Events in one packet at most; the rest follow in the next. */
export const EVENTS_PER_PACKET_MAX = 24;
/** How much smaller a selection is made at each attempt to fit the budget. */
const SHRINK = 0.92;
const NEVER = -1 as Tick;

/** Walks through the copies; one packet is written at a time. */
const NEWEST = new Seeker();
const BEFORE = new Seeker();
const OLDEST = new Seeker();

export interface SnapshotSource {
  readonly game: AnyGame;
  readonly model: SnapshotModel;
  /** The state to send; `history` holds it and the ticks before it. */
  readonly state: WorldState;
  readonly history: StateHistory;
  /** Oldest first; those the client has are skipped. */
  readonly events: readonly SimEvent[];
  readonly player: PlayerId;
  readonly bytesMax: number;
}

/** The client's copies that both sides know: the baseline, and two older ones for the prediction. */
interface Baseline {
  readonly first: Copy | undefined;
  readonly second: Copy | undefined;
  readonly third: Copy | undefined;
}

interface Copy {
  readonly sent: SentSnapshot;
  /** The host's state at its tick. */
  readonly state: WorldState;
}

/** An entity that the client's copy of the baseline does not have as it is. */
interface Candidate {
  readonly table: Table;
  readonly row: number;
  readonly id: EntityId;
  /** The tick whose value the baseline has, or -1 if it has none. */
  readonly valueTick: Tick;
}

/**
 * Writes the snapshot of `source.state` for the client whose copies `baselines` describes. `writeHeader` writes what comes
 * before it in the packet: it is called again for every attempt to fit `bytesMax`.
 */
export function writeSnapshot(encoder: RangeEncoder, source: SnapshotSource, baselines: Baselines, writeHeader: () => void): SentSnapshot {
  let baseline = chooseBaseline(source, baselines);
  let candidates = collect(source, baseline);
  let chosen: readonly Candidate[] = candidates;
  let eventsThroughTick = source.state.tick;
  for (let share = 1; ;) {
    encoder.reset();
    source.model.reset();
    writeHeader();
    const coder = source.model.encodingCoder(encoder);
    const isComplete = chosen.length === candidates.length;
    writeFrame(coder, source, baseline, isComplete);
    eventsThroughTick = writeEvents(coder, source, baselines);
    writeKnown(coder, source, baseline, chosen);
    writeNew(coder, source, { baseline, chosen, isComplete });
    const bytes = encoder.finish().length;
    if (!encoder.isOverrun && bytes <= source.bytesMax) break;
    share *= Math.min(SHRINK, (SHRINK * source.bytesMax) / Math.max(bytes, encoder.length));
    if (chosen.length === 0) {
      // Even what is gone does not fit: begin again from nothing.
      if (baseline.first === undefined) break;
      baseline = { first: undefined, second: undefined, third: undefined };
      candidates = collect(source, baseline);
      share = 1;
    }
    chosen = mostUrgent(source, baselines, candidates, Math.floor(candidates.length * share));
  }
  const view = chosen.length === candidates.length ? undefined : viewOf(source, candidates, chosen);
  const sent = { tick: source.state.tick, view, eventsThroughTick };
  baselines.lastSent = sent;
  return sent;
}

/**
 * The newest snapshot that the client has acknowledged, and two older ones, each about as far back as half of what is to be
 * predicted.
 */
function chooseBaseline({ history, state }: SnapshotSource, { acked }: Baselines): Baseline {
  const copies: Copy[] = [];
  for (const sent of acked) {
    const atTick = history.at(sent.tick);
    const oldest = sent.view?.oldestTick ?? sent.tick;
    if (atTick !== undefined && state.tick - oldest < HISTORY_TICKS) copies.push({ sent, state: atTick });
  }
  const [first] = copies;
  if (first === undefined) return { first: undefined, second: undefined, third: undefined };
  const gap = Math.max(1, Math.round((state.tick - first.sent.tick) / 2));
  const older = (than: Copy): Copy | undefined => copies.find(({ sent }) => sent.tick <= than.sent.tick - gap);
  const second = older(first);
  return { first, second, third: second === undefined ? undefined : older(second) };
}

/** Everything that is not in the baseline as it is, in the order of kinds and ids. */
function collect({ state, history }: SnapshotSource, { first }: Baseline): Candidate[] {
  const candidates: Candidate[] = [];
  for (const table of state.tables) {
    NEWEST.openCopy(first, history, table.kind.index);
    for (let row = 0; row < table.count; row++) {
      const id = table.ids[row] as EntityId;
      const isKnown = NEWEST.seek(id);
      if (isKnown && !differ(table.data, row * table.stride, NEWEST, table.stride)) continue;
      candidates.push({ table, row, id, valueTick: isKnown ? (NEWEST.valueTick as Tick) : NEVER });
    }
  }
  return candidates;
}

/** The client's own entities first, then those whose last sent value is oldest; in the order of kinds and ids again. */
function mostUrgent(
  source: SnapshotSource,
  { lastSent }: Baselines,
  candidates: readonly Candidate[],
  count: number,
): readonly Candidate[] {
  const lastState = lastSent === undefined ? undefined : source.history.at(lastSent.tick);
  const urgency = candidates.map((candidate) => {
    const { table, row, id, valueTick } = candidate;
    const isMine = table.data[row * table.stride] === source.player;
    // Of two values that are on their way, the client will have the newer one.
    const sentTick = lastState === undefined ? NEVER : valueTickIn(lastSent!, lastState, table.kind.index, id);
    return { candidate, rank: isMine ? -2 : Math.max(valueTick, sentTick), id };
  });
  urgency.sort((a, b) => a.rank - b.rank || a.id - b.id);
  const taken = new Set(urgency.slice(0, count).map(({ candidate }) => candidate));
  return candidates.filter((candidate) => taken.has(candidate));
}

/** What the client will have after a packet that left some candidates out. */
function viewOf({ state }: SnapshotSource, candidates: readonly Candidate[], chosen: readonly Candidate[]): View {
  const taken = new Set(chosen);
  const left = new Map(candidates.filter((candidate) => !taken.has(candidate)).map(({ id, valueTick }) => [id, valueTick]));
  let oldestTick = state.tick;
  const ids: Int32Array[] = [];
  const ticks: Int32Array[] = [];
  for (const table of state.tables) {
    const kept = [...table.ids.subarray(0, table.count)].filter((id) => (left.get(id as EntityId) ?? state.tick) >= 0);
    ids.push(Int32Array.from(kept));
    ticks.push(Int32Array.from(kept, (id) => left.get(id as EntityId) ?? state.tick));
    for (const tick of ticks.at(-1)!) if (tick < oldestTick) oldestTick = tick as Tick;
  }
  return { ids, ticks, oldestTick };
}

function writeFrame(coder: BitCoder, { state, player }: SnapshotSource, { first, second, third }: Baseline, isComplete: boolean): void {
  coder.raw(state.tick & 0xffff, 16);
  coder.raw(first === undefined ? 0 : state.tick - first.sent.tick, BASELINE_AGE_BITS);
  if (first !== undefined) {
    codeCount(coder, second === undefined ? 0 : first.sent.tick - second.sent.tick, 2);
    if (second !== undefined) codeCount(coder, third === undefined ? 0 : second.sent.tick - third.sent.tick, 2);
  }
  coder.raw(isComplete ? 1 : 0, 1);
  const counter = state.nextCounter[player]!;
  const isSameCounter = first !== undefined && first.state.nextCounter[player] === counter;
  coder.raw(isSameCounter ? 1 : 0, 1);
  if (!isSameCounter) coder.raw(counter, 16);
}

/** What the baseline holds: for each entity whether it is in the packet, gone, and how it changed. */
function writeKnown(coder: BitCoder, source: SnapshotSource, { first, second, third }: Baseline, chosen: readonly Candidate[]): void {
  if (first === undefined) return;
  let next = 0;
  for (const model of source.model.kinds) {
    const k = model.kind.index;
    const current = source.state.tables[k]!;
    NEWEST.openCopy(first, source.history, k);
    BEFORE.openCopy(second, source.history, k);
    OLDEST.openCopy(third, source.history, k);
    let wasIncluded = 0;
    let wasExpected = true;
    for (const known of idsIn(first.sent, first.state.tables[k]!)) {
      const id = known as EntityId;
      while (next < chosen.length && chosen[next]!.table === current && chosen[next]!.id < id) next++;
      const candidate = chosen[next]?.table === current && chosen[next]!.id === id ? chosen[next] : undefined;
      const isGone = candidate === undefined && current.rowOf(id) < 0;
      NEWEST.seek(id);
      const before = BEFORE.seek(id) ? BEFORE : undefined;
      const isMoving = before === undefined || differ(NEWEST.row, NEWEST.at, before, current.stride);
      const included = candidate !== undefined || isGone ? 1 : 0;
      coder.bit(included, model.entityBase + INCLUDED + (isMoving ? 2 : 0) + wasIncluded);
      wasIncluded = included;
      if (included === 0) continue;
      coder.bit(isGone ? 1 : 0, model.entityBase + REMOVED);
      if (candidate === undefined) continue;
      model.predictor.predict(source.state.tick, NEWEST, before, OLDEST.seek(id) ? OLDEST : undefined);
      wasExpected = codeChange(coder, model, valuesOf(candidate), wasExpected);
    }
    while (next < chosen.length && chosen[next]!.table === current) next++;
  }
}

/** Whether the values at `row[at]…` are others than those of `known`. */
export function differ(row: Row, at: number, known: Values, stride: number): boolean {
  for (let i = 0; i < stride; i++) if (row[at + i] !== known.row[known.at + i]) return true;
  return false;
}

const valuesOf = ({ table, row }: Candidate): Values => ({ row: table.data, at: row * table.stride });

interface ToWrite {
  readonly baseline: Baseline;
  readonly chosen: readonly Candidate[];
  readonly isComplete: boolean;
}

/** What the baseline does not hold, in full. */
function writeNew(coder: BitCoder, source: SnapshotSource, { baseline, chosen, isComplete }: ToWrite): void {
  for (const model of source.model.kinds) {
    const news = chosen.filter(({ table, valueTick }) => table.kind.index === model.kind.index && valueTick < 0);
    codeCount(coder, news.length, 0);
    const hints = spawnTables(
      model,
      baseline.first?.sent.view === undefined ? baseline.first?.state : undefined,
      isComplete ? source.state : undefined,
    );
    let previousId = 0 as EntityId;
    let previous: Values | undefined;
    for (const candidate of news) {
      codeId(coder, candidate.id, previousId);
      codeNew(coder, model, candidate.id, valuesOf(candidate), { ...hints, previous });
      previousId = candidate.id;
      previous = valuesOf(candidate);
    }
  }
}

/** The tables in which a new entity's owner is looked for: the baseline's, if it is complete, and the present one. */
export function spawnTables({ spawn }: KindModel, first: WorldState | undefined, current: WorldState | undefined) {
  return { known: first?.tables[spawn.kind], current: current?.tables[spawn.kind] };
}

/** Writes the oldest events that the client lacks; returns the tick up to which it will have all. */
function writeEvents(coder: BitCoder, source: SnapshotSource, baselines: Baselines): Tick {
  const { tick } = source.state;
  const missing = source.events.filter((event) => event.tick > baselines.eventsAckedTick && event.tick <= tick);
  let count = Math.min(missing.length, EVENTS_PER_PACKET_MAX);
  // A tick's events travel together, so that "all up to tick t" stays true.
  if (count < missing.length) while (count > 0 && missing[count - 1]!.tick === missing[count]!.tick) count--;
  const through = count === missing.length ? tick : count === 0 ? baselines.eventsAckedTick : missing[count - 1]!.tick;
  codeCount(coder, tick - through, 0);
  codeCount(coder, count, 0);
  for (const event of missing.slice(0, count)) {
    coder.raw(event.type, bitsFor(source.game.eventTypes.length - 1));
    coder.raw(event.by, bitsFor(PLAYERS_MAX));
    codeCount(coder, tick - event.tick, 2);
    source.game.eventTypes[event.type]!.layout.parts.forEach((part, i) =>
      coder.raw(event.row[i]! - part.min, bitsFor(part.max - part.min)),
    );
  }
  return through;
}
