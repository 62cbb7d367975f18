/**
 * Inputs on the wire: every tick that the host has not acknowledged, oldest first, each one bit if it equals the one
 * before. Writing and reading mirror each other.
 */
import type { Tick } from '../core/ids.ts';
import { nearest16 } from '../core/sequence.ts';
import type { BitReader, BitWriter } from './bits.ts';
import { bitsFor } from './packet.ts';
import type { Layout, Part } from './schema.ts';

/** Ticks of input in one packet at most: half a second at 60 Hz. What is older is too late to matter. */
export const INPUTS_PER_PACKET_MAX = 32;
const COUNT_BITS = 5;
/** The view delay is told in sixteenths of a tick: a millisecond at 60 Hz. */
const VIEW_DELAY_UNITS = 16;
const VIEW_DELAY_BITS = 12;

export interface InputsToWrite {
  readonly newest: Tick;
  readonly count: number;
  /** How far behind the predicted present this player's screen drew the others when `newest` was sampled, in ticks. */
  readonly viewDelayTicks: number;
  /** Each tick's input. */
  rowOf(tick: Tick): Int32Array;
}

export interface ReadInputs {
  readonly newest: Tick;
  readonly viewDelayTicks: number;
  /** One row a tick, the last for `newest`. */
  readonly rows: readonly Int32Array[];
}

/** The view delay as it is told, in ticks: both sides reckon with this very number. */
export function toldViewDelay(ticks: number): number {
  return Math.min(2 ** VIEW_DELAY_BITS - 1, Math.max(0, Math.round(ticks * VIEW_DELAY_UNITS))) / VIEW_DELAY_UNITS;
}

function writePart(writer: BitWriter, part: Part, value: number): void {
  writer.bits(value - part.min, bitsFor(part.max - part.min));
}

/** A value outside the part's range is clamped: hostile bits give a valid value. */
function readPart(reader: BitReader, part: Part): number {
  return Math.min(part.max, part.min + reader.bits(bitsFor(part.max - part.min)));
}

/** Writes the inputs of `newest - count + 1 … newest`. */
export function writeInputs(writer: BitWriter, layout: Layout, { newest, count, viewDelayTicks, rowOf }: InputsToWrite): void {
  writer.bits(newest, 16);
  writer.bits(toldViewDelay(viewDelayTicks) * VIEW_DELAY_UNITS, VIEW_DELAY_BITS);
  writer.bits(count - 1, COUNT_BITS);
  let previous = layout.initial;
  for (let tick = newest - count + 1; tick <= newest; tick++) {
    const row = rowOf(tick as Tick);
    const isSame = previous.every((value, i) => value === row[i]);
    writer.bool(isSame);
    if (!isSame) layout.parts.forEach((part, i) => writePart(writer, part, row[i]!));
    previous = row;
  }
}

/** Reads what `writeInputs` wrote. `near` is a tick not far from `newest`. */
export function readInputs(reader: BitReader, layout: Layout, near: Tick): ReadInputs {
  const newest = nearest16(reader.bits(16), near) as Tick;
  const viewDelayTicks = reader.bits(VIEW_DELAY_BITS) / VIEW_DELAY_UNITS;
  const count = reader.bits(COUNT_BITS) + 1;
  const rows: Int32Array[] = [];
  let previous = layout.initial;
  for (let i = 0; i < count && !reader.isOverrun; i++) {
    if (!reader.bool()) previous = Int32Array.from(layout.parts, (part) => readPart(reader, part));
    rows.push(previous);
  }
  return { newest, viewDelayTicks, rows };
}
