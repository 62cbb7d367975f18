/**
 * How early a client's inputs reach the host, told in every snapshot: 8 bits, quarter ticks around 128; 0 when no new
 * input came since the last snapshot.
 */
import type { BitSink, BitSource } from './range-coder.ts';

const BITS = 8;
const UNITS_PER_TICK = 4;
const ZERO = 128;
const NONE = 0;

/** `ticks` is how long before its use the input came; negative if too late. */
export function writeEarliness(writer: BitSink, ticks: number | undefined): void {
  writer.bits(ticks === undefined ? NONE : Math.min(255, Math.max(1, Math.round(ticks * UNITS_PER_TICK) + ZERO)), BITS);
}

export function readEarliness(reader: BitSource): number | undefined {
  const value = reader.bits(BITS);
  return value === NONE ? undefined : (value - ZERO) / UNITS_PER_TICK;
}
