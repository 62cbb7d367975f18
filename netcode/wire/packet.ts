/**
 * What the kinds of state packets have in common: type and match. PROTOCOL.md draws every bit.
 */
import type { BitSink, BitSource } from './range-coder.ts';

/** Raise it with every change of the wire format; peers of different versions refuse each other in the hello. */
export const PROTOCOL_VERSION = 6;

export const INPUT_PACKET = 1;
export const SNAPSHOT_PACKET = 2;
export const HEARTBEAT_PACKET = 3;
const TYPE_BITS = 2;
/** Low bits of the match number: packets of the match before are told apart and dropped. */
const MATCH_BITS = 6;

export function writePreamble(writer: BitSink, type: number, match: number): void {
  writer.bits(type, TYPE_BITS);
  writer.bits(match, MATCH_BITS);
}

/** The match is its low bits only: see `sameMatch`. */
export function readPreamble(reader: BitSource): { readonly type: number; readonly match: number } {
  return { type: reader.bits(TYPE_BITS), match: reader.bits(MATCH_BITS) };
}

/** Whether the bits of a packet are those of this match. */
export const sameMatch = (matchBits: number, match: number): boolean => matchBits === match % 2 ** MATCH_BITS;

/** Bits that hold the numbers 0 to `max`. */
export const bitsFor = (max: number): number => (max === 0 ? 0 : 32 - Math.clz32(max));
