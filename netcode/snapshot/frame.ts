/**
 * The plain bits of a snapshot packet before its entities: which tick, coded against what, and the events. Writing and
 * reading are mirrors; PROTOCOL.md draws them.
 */
import type { AnyGame } from '../define-game.ts';
import { NO_ENTITY, NOBODY, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { nearest16 } from '../core/sequence.ts';
import { readCount, writeCount } from '../wire/count.ts';
import { bitsFor } from '../wire/packet.ts';
import type { BitSink, BitSource } from '../wire/range-coder.ts';
import type { SimEvent } from '../world/simulation.ts';
import { BASELINE_AGE_BITS, DONORS_MAX } from './baselines.ts';
import { WISHED_SNAPSHOTS } from './motion.ts';

/** Events in one packet at most; the rest follow in the next. */
export const EVENTS_PER_PACKET_MAX = 24;
const COUNTER_BITS = 16;
/** Orders of the Exp-Golomb codes of distances between ticks. */
const AGE_ORDER = 2;
const EVENT_AGE_ORDER = 2;

/** What a packet refers to. Ticks are -1 where there is none. */
export interface Frame {
  tick: Tick;
  firstTick: number;
  /** Of the copies before the baseline. */
  readonly olderTicks: Int32Array;
  /** Ticks of the further copies whose newer values count; the first `donorCount`, descending. */
  readonly donorTicks: Int32Array;
  donorCount: number;
  /** What the receiver's next own entity will be numbered; 0: as in the baseline. */
  counter: number;
}

export const makeFrame = (): Frame => ({
  tick: 0 as Tick,
  firstTick: -1,
  olderTicks: new Int32Array(WISHED_SNAPSHOTS.length).fill(-1),
  donorTicks: new Int32Array(DONORS_MAX),
  donorCount: 0,
  counter: 0,
});

/** Knowledge that both sides have beforehand. */
export interface FrameRules {
  /** Ticks between two snapshots. */
  readonly interval: number;
  /** Whether a copy, by its tick, lacks nothing. */
  readonly isComplete: (tick: number) => boolean;
}

export function writeFrame(writer: BitSink, frame: Frame, { interval, isComplete }: FrameRules): void {
  const { tick, firstTick, olderTicks } = frame;
  writer.bits(tick & 0xffff, 16);
  writer.bits(firstTick < 0 ? 0 : tick - firstTick, BASELINE_AGE_BITS);
  if (firstTick >= 0) {
    let before = firstTick;
    for (let n = 0; n < olderTicks.length && before >= 0; n++) {
      const olderTick = olderTicks[n]!;
      const isAsWished = olderTick === firstTick - WISHED_SNAPSHOTS[n]! * interval;
      writer.bool(isAsWished);
      if (!isAsWished) writeCount(writer, olderTick < 0 ? 0 : before - olderTick, AGE_ORDER);
      before = olderTick;
    }
    if (!isComplete(firstTick)) {
      writeCount(writer, frame.donorCount, 1);
      for (let i = 0; i < frame.donorCount; i++)
        writeCount(writer, (i === 0 ? firstTick : frame.donorTicks[i - 1]!) - frame.donorTicks[i]! - 1, 0);
    }
  }
  writer.bool(frame.counter === 0);
  if (frame.counter !== 0) writer.bits(frame.counter, COUNTER_BITS);
}

/** Fills `frame`. False if no host writes such bits. */
export function readFrame(reader: BitSource, frame: Frame, newestTick: Tick, { interval, isComplete }: FrameRules): boolean {
  const tick = nearest16(reader.bits(16), newestTick) as Tick;
  const age = reader.bits(BASELINE_AGE_BITS);
  const { olderTicks } = frame;
  frame.tick = tick;
  frame.firstTick = age === 0 ? -1 : tick - age;
  olderTicks.fill(-1);
  frame.donorCount = 0;
  if (age > 0) {
    let before = frame.firstTick;
    for (let n = 0; n < olderTicks.length && before >= 0; n++) {
      if (reader.bool()) before = frame.firstTick - WISHED_SNAPSHOTS[n]! * interval;
      else {
        const gap = readCount(reader, AGE_ORDER);
        before = gap === 0 ? -1 : before - gap;
        if (gap > 0 && before < 0) return false;
      }
      olderTicks[n] = Math.max(-1, before);
    }
    if (!isComplete(frame.firstTick)) {
      frame.donorCount = readCount(reader, 1);
      if (frame.donorCount > DONORS_MAX) return false;
      let donor = frame.firstTick;
      for (let i = 0; i < frame.donorCount; i++) {
        donor -= readCount(reader, 0) + 1;
        frame.donorTicks[i] = donor;
      }
      if (donor < 0) return false;
    }
  }
  const isSameCounter = reader.bool();
  frame.counter = isSameCounter ? 0 : reader.bits(COUNTER_BITS);
  return tick >= 0 && frame.firstTick >= -1 && (age > 0 || !isSameCounter) && (isSameCounter || frame.counter > 0);
}

export interface EventsToSend {
  readonly game: AnyGame;
  /** Oldest first; those the client has are skipped. */
  readonly events: readonly SimEvent[];
  readonly tick: Tick;
  /** The client has all events up to this tick. */
  readonly ackedTick: Tick;
}

/** Writes the oldest events that the client lacks; returns the tick up to which it will have all. */
export function writeEvents(writer: BitSink, { game, events, tick, ackedTick }: EventsToSend): Tick {
  let from = events.length;
  while (from > 0 && events[from - 1]!.tick > ackedTick) from--;
  if (from === events.length) {
    writeCount(writer, 0, 0);
    writeCount(writer, 0, 0);
    return tick;
  }
  const missing = events.slice(from).filter((event) => event.tick <= tick);
  let count = Math.min(missing.length, EVENTS_PER_PACKET_MAX);
  // A tick's events travel together, so that "all up to tick t" stays true.
  if (count < missing.length) while (count > 0 && missing[count - 1]!.tick === missing[count]!.tick) count--;
  const through = count === missing.length ? tick : count === 0 ? ackedTick : missing[count - 1]!.tick;
  writeCount(writer, tick - through, 0);
  writeCount(writer, count, 0);
  for (const event of missing.slice(0, count)) {
    writer.bits(event.type, bitsFor(game.eventTypes.length - 1));
    writer.bits(event.by, bitsFor(PLAYERS_MAX));
    writeCount(writer, tick - event.tick, EVENT_AGE_ORDER);
    game.eventTypes[event.type]!.layout.parts.forEach((part, i) => writer.bits(event.row[i]! - part.min, bitsFor(part.max - part.min)));
  }
  return through;
}

const NO_EVENTS: readonly SimEvent[] = [];

/** The events of a packet, and the tick up to which the client then has all; undefined if no host writes such bits. */
export function readEvents(reader: BitSource & { readonly isOverrun: boolean }, game: AnyGame, frame: Frame, into: EventsRead): boolean {
  into.throughTick = (frame.tick - readCount(reader, 0)) as Tick;
  const count = readCount(reader, 0);
  into.events = NO_EVENTS;
  if (count === 0) return true;
  if (count > EVENTS_PER_PACKET_MAX) return false;
  const events: SimEvent[] = [];
  for (let i = 0; i < count; i++) {
    const type = reader.bits(bitsFor(game.eventTypes.length - 1));
    const by = reader.bits(bitsFor(PLAYERS_MAX)) as PlayerId;
    const tick = (frame.tick - readCount(reader, EVENT_AGE_ORDER)) as Tick;
    const layout = game.eventTypes[type]?.layout;
    if (layout === undefined || reader.isOverrun) return false;
    const row = Int32Array.from(layout.parts, (part) => Math.min(part.max, part.min + reader.bits(bitsFor(part.max - part.min))));
    events.push({ tick, type, by, row, about: NO_ENTITY, to: NOBODY });
  }
  into.events = events;
  return true;
}

export interface EventsRead {
  events: readonly SimEvent[];
  throughTick: Tick;
}
