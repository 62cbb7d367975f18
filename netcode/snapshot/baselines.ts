/**
 * What the host knows of one client's copies of the world.
 *
 * A client makes its copy at tick T from its copy at the packet's baseline (a snapshot that it has acknowledged) and what
 * the packet holds; what the packet does not mention is as it was there. So the host knows every copy that the client can
 * have, exactly, whatever was lost. If all that the client lacked found room, the copy is *complete*; if not, some entities
 * in it are older than others. Then the next packets name further acknowledged snapshots, and the newest value of each
 * entity in any of them counts: what arrived once need not be sent again. (SPEC.md, SNAP rules)
 */
import type { Tick } from '../core/ids.ts';
import { lowerBound, type WorldState } from '../world/world-state.ts';
import type { Captures } from './capture.ts';
import { WISHED_SNAPSHOTS } from './motion.ts';

/** Ticks of history that host and client keep: a baseline is at most this minus one ticks old. 2.1 s at 60 Hz. */
export const HISTORY_TICKS = 128;
/** Bits that hold the age of a baseline. */
export const BASELINE_AGE_BITS = 7;
/** Acknowledged snapshots remembered: enough to find one about any distance back that a prediction wants. */
const ACKED_MAX = 32;
/** Snapshots behind an incomplete baseline whose entities count too, at most: those of a round trip of 250 ms at 60 Hz. */
export const DONORS_MAX = 15;
/**
 * In a copy that is not complete, a value not mentioned for longer counts as this old. The host may do so for what has
 * not changed; a snapshot that leaves out what has is no baseline any more.
 */
export const VALUE_AGE_MAX = 64;

/** The tick that older values count as: one that a snapshot may be of, since host and client have no other. */
export const oldestValueTick = (tick: number, interval: number): number => Math.max(0, tick - (VALUE_AGE_MAX - (VALUE_AGE_MAX % interval)));

export const NEVER = -1 as Tick;

/** Some entities of one kind, ids ascending, and a tick for each. */
export class DatedIds {
  ids = new Int32Array(0);
  ticks = new Int32Array(0);
  count = 0;

  add(id: number, tick: number): void {
    if (this.count === this.ids.length) this.reserve(Math.max(32, 2 * this.count));
    this.ids[this.count] = id;
    this.ticks[this.count++] = tick;
  }

  remove(id: number): void {
    const at = lowerBound(this.ids, this.count, id);
    if (at >= this.count || this.ids[at] !== id) return;
    this.ids.copyWithin(at, at + 1, this.count);
    this.ticks.copyWithin(at, at + 1, this.count);
    this.count--;
  }

  reserve(size: number): void {
    if (size <= this.ids.length) return;
    const { ids, ticks } = this;
    this.ids = new Int32Array(size);
    this.ticks = new Int32Array(size);
    this.ids.set(ids);
    this.ticks.set(ticks);
  }
}

/** What is remembered of a sent snapshot. */
export class SentSnapshot {
  tick = NEVER;
  /** Nothing that the client should know was left out. */
  isComplete = true;
  /** The client's copy holds every entity as it was captured at `tick`; else `views` tells which it has, and from when. */
  isWhole = true;
  readonly views: readonly DatedIds[];
  /** The oldest tick in `views`: once it is forgotten, the copy can be no baseline. */
  oldestTick = NEVER;
  /** With this packet the client has all events with numbers below this. */
  eventsEnd = 0;

  constructor(kinds: number) {
    this.views = Array.from({ length: kinds }, () => new DatedIds());
  }
}

/** The copies that a packet refers to. */
export interface Choice {
  /** The baseline: undefined if the client has nothing that can be one. */
  first: SentSnapshot | undefined;
  /** Three older ones, for the prediction; undefined where there is none. */
  readonly older: (SentSnapshot | undefined)[];
  /** Of an incomplete baseline: those whose newer values count too, newest first; the first `donorCount`. */
  readonly donors: SentSnapshot[];
  donorCount: number;
}

export class Baselines {
  /** Acknowledged snapshots, newest first. */
  readonly acked: SentSnapshot[] = [];
  /** The client has all events with numbers below this. */
  eventsAcked = 0;
  /** The tick of the last snapshot sent. */
  lastSentTick = NEVER;
  /** What the last snapshot left out, by kind, and when each was last told. */
  readonly leftOut: readonly DatedIds[];
  readonly #sent: readonly SentSnapshot[];

  /** Ticks between two snapshots. */
  readonly interval: number;

  constructor(kinds: number, interval: number) {
    this.interval = interval;
    this.leftOut = Array.from({ length: kinds }, () => new DatedIds());
    this.#sent = Array.from({ length: HISTORY_TICKS }, () => new SentSnapshot(kinds));
  }

  /** The record for a snapshot about to be sent, to be filled; the one of HISTORY_TICKS before is forgotten. */
  claim(tick: Tick): SentSnapshot {
    const sent = this.#sent[tick % HISTORY_TICKS]!;
    const at = this.acked.indexOf(sent);
    if (at >= 0) this.acked.splice(at, 1);
    sent.tick = tick;
    return sent;
  }

  /** What is remembered of the snapshot sent at a tick. */
  sentAt(tick: Tick): SentSnapshot | undefined {
    const sent = this.#sent[tick % HISTORY_TICKS];
    return sent?.tick === tick ? sent : undefined;
  }

  /** The client has the snapshot of this tick. Ticks never sent, or too long ago, are ignored. */
  acknowledge(tick: Tick): void {
    const sent = this.sentAt(tick);
    if (sent === undefined) return;
    this.eventsAcked = Math.max(this.eventsAcked, sent.eventsEnd);
    const { acked } = this;
    let at = acked.length;
    while (at > 0 && acked[at - 1]!.tick <= tick) at--;
    if (acked[at] === sent) return;
    if (acked.length === ACKED_MAX) {
      if (at === ACKED_MAX) return;
      acked.pop();
    }
    acked.push(sent);
    for (let i = acked.length - 1; i > at; i--) acked[i] = acked[i - 1]!;
    acked[at] = sent;
  }

  /** The newest usable snapshot that the client has, and those before it that are nearest to what a prediction wishes. */
  choose(tick: Tick, captures: Captures, choice: Choice): void {
    const { older, donors } = choice;
    const { interval } = this;
    choice.first = undefined;
    older.fill(undefined);
    choice.donorCount = 0;
    let found = 0;
    let isNewest = true;
    for (const sent of this.acked) {
      if (!isUsable(sent, tick, captures)) continue;
      if (choice.first === undefined) {
        choice.first = sent;
        isNewest = sent.isComplete;
        continue;
      }
      // Values older than the newest complete copy are in that copy.
      if (!isNewest && choice.donorCount < DONORS_MAX) {
        donors[choice.donorCount++] = sent;
        isNewest = sent.isComplete;
      }
      if (found < older.length && sent.tick <= choice.first.tick - WISHED_SNAPSHOTS[found]! * interval) older[found++] = sent;
    }
  }
}

function isUsable(sent: SentSnapshot, tick: Tick, captures: Captures): boolean {
  const state: WorldState | undefined = captures.at(sent.tick);
  return state !== undefined && tick - (sent.isWhole ? sent.tick : sent.oldestTick) < HISTORY_TICKS;
}
