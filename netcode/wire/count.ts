/**
 * Unsigned numbers of which small ones are likely, in Exp-Golomb code of order k: with v = floor(n / 2^k) + 1 of L + 1 binary
 * digits, L ones, a zero (but not behind the most there can be), the low L bits of v, the low k bits of n. (Teuhola 1978)
 */
import type { BitSink, BitSource } from './range-coder.ts';

/** Binary digits at most: numbers below 2^31. */
const DIGITS_MAX = 30;

export function writeCount(sink: BitSink, value: number, k: number): void {
  const shifted = (value >>> k) + 1;
  const length = 31 - Math.clz32(shifted);
  for (let i = 0; i < length; i++) sink.bits(1, 1);
  if (length < DIGITS_MAX - k) sink.bits(0, 1);
  if (length > 0) sink.bits(shifted & ((1 << length) - 1), length);
  if (k > 0) sink.bits(value & ((1 << k) - 1), k);
}

/** Any bits give a number from 0 to 2^31 - 1. */
export function readCount(source: BitSource, k: number): number {
  let length = 0;
  while (length < DIGITS_MAX - k && source.bits(1) === 1) length++;
  const high = (1 << length) + (length > 0 ? source.bits(length) : 0) - 1;
  return (high << k) + (k > 0 ? source.bits(k) : 0);
}
