/**
 * What the host says in every snapshot about the inputs that came since the last one: how early the worst of them was, and
 * which tick's it was, since only the client knows what lead that one was sampled with. One bit if none came.
 */
import type { Tick } from '../core/ids.ts';
import type { BitSink, BitSource } from './range-coder.ts';

const TICK_BITS = 8;
const EARLINESS_BITS = 8;
const UNITS_PER_TICK = 4;
const ZERO = 128;
const EARLINESS_MAX = 2 ** EARLINESS_BITS - 1;

export interface InputReport {
  readonly tick: Tick;
  /** How many ticks before its use the input came; negative if too late. On the wire quarters, from -32 to 31.75. */
  readonly earliness: number;
}

export function writeInputReport(writer: BitSink, report: InputReport | undefined): void {
  writer.bool(report !== undefined);
  if (report === undefined) return;
  writer.bits(report.tick % 2 ** TICK_BITS, TICK_BITS);
  writer.bits(Math.min(EARLINESS_MAX, Math.max(0, Math.round(report.earliness * UNITS_PER_TICK) + ZERO)), EARLINESS_BITS);
}

/** `near` is a tick less than 128 from the report's: the newest input sent. */
export function readInputReport(reader: BitSource, near: Tick): InputReport | undefined {
  if (!reader.bool()) return undefined;
  const difference = (reader.bits(TICK_BITS) - near) & (2 ** TICK_BITS - 1);
  const tick = (near + (difference < 2 ** (TICK_BITS - 1) ? difference : difference - 2 ** TICK_BITS)) as Tick;
  return { tick, earliness: (reader.bits(EARLINESS_BITS) - ZERO) / UNITS_PER_TICK };
}
