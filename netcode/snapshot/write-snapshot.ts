/**
 * The host's half of a snapshot: select what the client lacks, write it within the budget, remember what was sent.
 * Its mirror is `read-snapshot.ts`; PROTOCOL.md draws the bits.
 */
import type { AnyGame } from '../define-game.ts';
import type { EntityId, PlayerId, Tick } from '../core/ids.ts';
import type { BitWriter } from '../wire/bits.ts';
import { writePart } from '../wire/input-packet.ts';
import { bitsFor } from '../wire/packet.ts';
import { PLAYERS_MAX } from '../core/ids.ts';
import type { SimEvent } from '../world/simulation.ts';
import type { StateHistory, Table, WorldState } from '../world/world-state.ts';
import { BASELINE_AGE_BITS, type Baselines, type EntityTrack, HISTORY_TICKS, type SentSnapshot } from './baselines.ts';
import { writeDelta, writeFull, writeId } from './delta.ts';

/** Events in one packet at most; the rest follow in the next. */
export const EVENTS_PER_PACKET_MAX = 24;
/** Removals in one packet at most, 350 bytes of them; the rest wait until these are acknowledged. */
export const REMOVALS_PER_PACKET_MAX = 128;
/** Bits of one removal at most. */
const REMOVAL_BITS = 22;
/** Bits kept free for the counts that close the packet. */
const TRAILER_BITS = 64;

export interface SnapshotSource {
  readonly game: AnyGame;
  /** The state to send; `history` holds it and the ticks before it. */
  readonly state: WorldState;
  readonly history: StateHistory;
  /** Oldest first; those the client has are skipped. */
  readonly events: readonly SimEvent[];
  readonly player: PlayerId;
  readonly bytesMax: number;
}

interface Candidate {
  readonly table: Table;
  readonly row: number;
  readonly track: EntityTrack;
  /** The tick to code against, or -1 for none. */
  readonly baselineTick: Tick;
}

/** Writes the snapshot of `source.state` for the client whose copy `baselines` describes. */
export function writeSnapshot(writer: BitWriter, source: SnapshotSource, baselines: Baselines): SentSnapshot {
  const { state, player } = source;
  const { tick } = state;
  const defaultBaseline = usableBaseline(source, baselines.newestAckedTick);
  writer.bits(tick, 16);
  writer.bits(defaultBaseline < 0 ? 0 : tick - defaultBaseline, BASELINE_AGE_BITS);
  const counter = state.nextCounter[player]!;
  const isSameCounter = defaultBaseline >= 0 && source.history.at(defaultBaseline)!.nextCounter[player] === counter;
  writer.bool(isSameCounter);
  if (!isSameCounter) writer.bits(counter, 16);
  const eventsThroughTick = writeEvents(writer, source, baselines);
  const { candidates, removed, waiting } = collect(source, baselines);
  const { chosen, skipped } = choose(writer, source, candidates, removed.length);
  writeRemoved(writer, removed);
  writeEntities(writer, source, chosen, defaultBaseline);
  for (const { track } of chosen) {
    track.touchedTick = tick;
    track.includedTick = tick;
  }
  const left = [...skipped.map(({ track }) => track), ...waiting];
  for (const track of left) track.touchedTick = tick;
  return { tick, skipped: left.map(({ id }) => id), eventsThroughTick };
}

/** A tick that both sides still hold, or -1. */
function usableBaseline({ history, state }: SnapshotSource, tick: Tick): Tick {
  return tick >= 0 && state.tick - tick < HISTORY_TICKS && history.at(tick) !== undefined ? tick : (-1 as Tick);
}

interface Collected {
  /** What is dirty, in the order of kinds and ids. */
  readonly candidates: Candidate[];
  /** What the client must forget, in the order of ids. */
  readonly removed: EntityTrack[];
  /** Removals that find no room in this packet. */
  readonly waiting: EntityTrack[];
}

function collect(source: SnapshotSource, baselines: Baselines): Collected {
  const { tick } = source.state;
  const candidates: Candidate[] = [];
  for (const table of source.state.tables) {
    for (let row = 0; row < table.count; row++) {
      const track = baselines.see(table.ids[row] as EntityId, table.kind.index, tick);
      const baselineTick = usableBaseline(source, track.freshTick);
      if (baselineTick >= 0 && baselines.isSettled(track) && isEqual(table, row, baselineRow(source, table, track.id, baselineTick)))
        continue;
      candidates.push({ table, row, track, baselineTick });
    }
  }
  const gone = [...baselines.tracks.values()].filter((track) => track.seenTick !== tick);
  const removed = gone.slice(0, REMOVALS_PER_PACKET_MAX).sort((a, b) => a.id - b.id);
  for (const track of removed) if (track.removedTick < 0) track.removedTick = tick;
  return { candidates, removed, waiting: gone.slice(REMOVALS_PER_PACKET_MAX) };
}

interface BaselineRow {
  readonly table: Table;
  readonly row: number;
}

function baselineRow({ history }: SnapshotSource, { kind }: Table, id: EntityId, tick: Tick): BaselineRow {
  const table = history.at(tick)!.tables[kind.index]!;
  return { table, row: table.rowOf(id) };
}

function isEqual(table: Table, row: number, base: BaselineRow): boolean {
  if (base.row < 0) return false;
  const { stride } = table;
  for (let i = 0; i < stride; i++) {
    if (table.data[row * stride + i] !== base.table.data[base.row * stride + i]) return false;
  }
  return true;
}

/**
 * All candidates if they fit; otherwise the client's own entities first, then those that waited longest, while there is
 * room. Whatever waits grows older than what was just sent, so nothing starves.
 */
function choose(
  writer: BitWriter,
  source: SnapshotSource,
  candidates: Candidate[],
  removedCount: number,
): { chosen: Candidate[]; skipped: Candidate[] } {
  const roomBits = source.bytesMax * 8 - writer.bitCount - TRAILER_BITS - removedCount * REMOVAL_BITS - source.game.kinds.length * 8;
  const costs = new Map<Candidate, number>();
  let totalBits = 0;
  const start = writer.bitCount;
  for (const candidate of candidates) {
    writeEntity(writer, source, candidate, 0 as EntityId, -1 as Tick);
    costs.set(candidate, writer.bitCount - start);
    totalBits += writer.bitCount - start;
    writer.rewind(start);
  }
  if (totalBits <= roomBits) return { chosen: candidates, skipped: [] };
  const isMine = ({ table, row }: Candidate): number => (table.data[row * table.stride] === source.player ? 1 : 0);
  const ranked = [...candidates].sort(
    (a, b) => isMine(b) - isMine(a) || a.track.includedTick - b.track.includedTick || a.track.id - b.track.id,
  );
  const taken = new Set<Candidate>();
  let usedBits = 0;
  for (const candidate of ranked) {
    const cost = costs.get(candidate)!;
    if (usedBits + cost > roomBits) continue;
    usedBits += cost;
    taken.add(candidate);
  }
  return { chosen: candidates.filter((c) => taken.has(c)), skipped: candidates.filter((c) => !taken.has(c)) };
}

function writeRemoved(writer: BitWriter, removed: readonly EntityTrack[]): void {
  writer.uint(removed.length, 0);
  let previous = 0 as EntityId;
  for (const { id } of removed) {
    writeId(writer, id, previous);
    previous = id;
  }
}

function writeEntities(writer: BitWriter, source: SnapshotSource, chosen: Candidate[], defaultBaseline: Tick): void {
  let next = 0;
  for (const table of source.state.tables) {
    let end = next;
    while (end < chosen.length && chosen[end]!.table === table) end++;
    writer.uint(end - next, 2);
    let previous = 0 as EntityId;
    for (; next < end; next++) {
      writeEntity(writer, source, chosen[next]!, previous, defaultBaseline);
      previous = chosen[next]!.track.id;
    }
  }
}

function writeEntity(writer: BitWriter, source: SnapshotSource, candidate: Candidate, previous: EntityId, defaultBaseline: Tick): void {
  const { table, row, track, baselineTick } = candidate;
  const { parts } = table.kind.layout;
  const target = { row: table.data, at: row * table.stride };
  writeId(writer, track.id, previous);
  writer.bool(baselineTick >= 0);
  if (baselineTick < 0) {
    writeFull(writer, parts, target);
    return;
  }
  writer.bool(baselineTick === defaultBaseline);
  if (baselineTick !== defaultBaseline) writer.bits(source.state.tick - baselineTick, BASELINE_AGE_BITS);
  const base = baselineRow(source, table, track.id, baselineTick);
  writeDelta(writer, parts, target, { row: base.table.data, at: base.row * table.stride });
}

/** Writes the oldest events that the client lacks; returns the tick up to which it will have all. */
function writeEvents(writer: BitWriter, source: SnapshotSource, baselines: Baselines): Tick {
  const { tick } = source.state;
  const missing = source.events.filter((event) => event.tick > baselines.eventsAckedTick && event.tick <= tick);
  let count = Math.min(missing.length, EVENTS_PER_PACKET_MAX);
  // A tick's events travel together, so that "all up to tick t" stays true.
  if (count < missing.length) while (count > 0 && missing[count - 1]!.tick === missing[count]!.tick) count--;
  const through = count === missing.length ? tick : count === 0 ? baselines.eventsAckedTick : missing[count - 1]!.tick;
  writer.uint(tick - through, 0);
  writer.uint(count, 0);
  for (const event of missing.slice(0, count)) {
    writer.bits(event.type, bitsFor(source.game.eventTypes.length - 1));
    writer.bits(event.by, bitsFor(PLAYERS_MAX));
    writer.uint(tick - event.tick, 2);
    source.game.eventTypes[event.type]!.layout.parts.forEach((part, i) => writePart(writer, part, event.row[i]!));
  }
  return through;
}
