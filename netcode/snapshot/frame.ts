/**
 * The plain bits of a snapshot packet before its entities: which tick, coded against what, and the events. Writing and
 * reading are mirrors; PROTOCOL.md draws them.
 */
import type { AnyGame } from '../define-game.ts';
import { NO_ENTITY, NOBODY, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { nearest16 } from '../core/sequence.ts';
import { readCount, writeCount } from '../wire/count.ts';
import { BYTES_PART_MAX, BYTES_PER_PART } from '../wire/bytes-fields.ts';
import { bitsFor } from '../wire/packet.ts';
import type { BitSink, BitSource } from '../wire/range-coder.ts';
import type { Part, Row } from '../wire/schema.ts';
import type { SimEvent } from '../world/simulation.ts';
import { BASELINE_AGE_BITS, DONORS_MAX } from './baselines.ts';
import { WISHED_SNAPSHOTS } from './motion.ts';

/** Events in one packet at most; the rest follow in the next. */
export const EVENTS_PER_PACKET_MAX = 32;
const COUNTER_BITS = 16;
/** Orders of the Exp-Golomb codes of distances between ticks. */
const AGE_ORDER = 2;
const EVENT_AGE_ORDER = 2;
/** Bits that the age of an event takes, at most, while it is one that anybody waits for. */
const EVENT_AGE_BITS = 13;

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
    if (frame.firstTick < 0) return false;
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
  return tick >= 0 && (age > 0 || !isSameCounter) && (isSameCounter || frame.counter > 0);
}

export interface EventsToSend {
  readonly game: AnyGame;
  /** Those that the client has not acknowledged, oldest first. */
  readonly events: readonly SimEvent[];
  /** The number of the first of them: the client's events are counted from 0. */
  readonly firstNumber: number;
  readonly tick: Tick;
  /** Bytes that they may take, and that a single one may. */
  readonly bytesMax: number;
  readonly singleBytesMax: number;
}

/** Writes as many of the oldest events as there is room for; returns how many. */
export function writeEvents(writer: BitSink, { game, events, firstNumber, tick, bytesMax, singleBytesMax }: EventsToSend): number {
  let count = 0;
  let bits = 0;
  while (count < events.length && count < EVENTS_PER_PACKET_MAX) {
    bits += eventBits(game, events[count]!);
    if (bits > 8 * (count === 0 ? singleBytesMax : bytesMax)) break;
    count++;
  }
  writeCount(writer, count, 0);
  if (count === 0) return 0;
  writer.bits(firstNumber & 0xffff, 16);
  for (let n = 0; n < count; n++) {
    const { type, by, tick: eventTick, row } = events[n]!;
    writer.bits(type, bitsFor(game.eventTypes.length - 1));
    writer.bits(by, bitsFor(PLAYERS_MAX));
    writeCount(writer, tick - eventTick, EVENT_AGE_ORDER);
    const { parts } = game.eventTypes[type]!.layout;
    for (let i = 0; i < parts.length; i++) if (isUsed(parts, row, i)) writer.bits(row[i]! - parts[i]!.min, widthOf(parts[i]!));
  }
  return count;
}

const widthOf = ({ min, max }: Part): number => bitsFor(max - min);

/** About how many bits an event takes. */
function eventBits(game: AnyGame, { type, row }: SimEvent): number {
  const { parts } = game.eventTypes[type]!.layout;
  let bits = bitsFor(game.eventTypes.length - 1) + bitsFor(PLAYERS_MAX) + EVENT_AGE_BITS;
  for (let i = 0; i < parts.length; i++) if (isUsed(parts, row, i)) bits += widthOf(parts[i]!);
  return bits;
}

/** Whether a part is on the wire: of a text or value only the parts that hold bytes are. */
function isUsed(parts: readonly Part[], row: Row, i: number): boolean {
  if (parts[i]!.isBlob !== true || parts[i]!.max !== BYTES_PART_MAX) return true;
  let length = i;
  while (parts[length]!.max === BYTES_PART_MAX) length--;
  return i - length <= Math.ceil(row[length]! / BYTES_PER_PART);
}

export interface EventsRead {
  events: readonly SimEvent[];
  /** The number of the first, its low 16 bits. */
  firstNumber: number;
}

const NO_EVENTS: readonly SimEvent[] = [];

/** Reads the events of a packet. False if no host writes such bits. */
export function readEvents(reader: BitSource & { readonly isOverrun: boolean }, game: AnyGame, frame: Frame, into: EventsRead): boolean {
  const count = readCount(reader, 0);
  into.events = NO_EVENTS;
  if (count === 0) return true;
  if (count > EVENTS_PER_PACKET_MAX) return false;
  into.firstNumber = reader.bits(16);
  const events: SimEvent[] = [];
  for (let n = 0; n < count; n++) {
    const type = reader.bits(bitsFor(game.eventTypes.length - 1));
    const by = reader.bits(bitsFor(PLAYERS_MAX)) as PlayerId;
    const tick = (frame.tick - readCount(reader, EVENT_AGE_ORDER)) as Tick;
    const layout = game.eventTypes[type]?.layout;
    if (layout === undefined || reader.isOverrun) return false;
    const { parts } = layout;
    const row = new Int32Array(parts.length);
    for (let i = 0; i < parts.length; i++) {
      const { min, max } = parts[i]!;
      if (isUsed(parts, row, i)) row[i] = Math.min(max, min + reader.bits(widthOf(parts[i]!)));
    }
    events.push({ tick, type, by, row, about: NO_ENTITY, to: NOBODY });
  }
  into.events = events;
  return true;
}
