/** The range coder: what goes in comes out, surprises cost what they should, and any bytes can be read. */
import { expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { PROBABILITY_ONE, RangeDecoder, RangeEncoder } from '../../../netcode/wire/range-coder.ts';

const flat = (count: number) => new Uint16Array(count).fill(PROBABILITY_ONE / 2);

test('[RC1] bits of any bias, in contexts and raw, come back as they went in', () => {
  for (let seed = 0; seed < 400; seed++) {
    const rng = new Sfc32(seed);
    const count = rng.below(seed < 200 ? 12 : 3000);
    const items = Array.from({ length: count }, () => {
      const context = rng.below(5);
      return {
        context,
        bit: rng.below(100) < [1, 10, 50, 90, 99][context]! ? 1 : 0,
        raw: rng.u32() >>> rng.below(31),
        rawBits: rng.below(10) === 0 ? 32 : 0,
      };
    });
    const encoder = new RangeEncoder(20_000);
    const contexts = flat(5);
    for (const { context, bit, raw, rawBits } of items) {
      encoder.encode(bit, contexts, context);
      encoder.bits(raw, rawBits);
    }
    const bytes = encoder.finish().slice();
    const decoder = new RangeDecoder(bytes);
    const mirrored = flat(5);
    for (const { context, bit, raw, rawBits } of items) {
      expect(decoder.decode(mirrored, context)).toBe(bit);
      if (rawBits > 0) expect(decoder.bits(rawBits)).toBe(raw);
    }
    expect(decoder.isAtEnd).toBe(true);
    expect(mirrored).toEqual(contexts);
  }
});

test('[RC2] a context that is nearly always the same costs next to nothing', () => {
  const encoder = new RangeEncoder(4000);
  const contexts = flat(1);
  const rng = new Sfc32(1);
  let surprises = 0;
  for (let i = 0; i < 10_000; i++) {
    const bit = rng.below(100) === 0 ? 1 : 0;
    surprises += bit;
    encoder.encode(bit, contexts, 0);
  }
  // The entropy of 1 in 100 is 0.081 bits; a context that learns in 16 steps comes within a half of it.
  expect(encoder.finish().length * 8).toBeLessThan(10_000 * 0.125);
  expect(surprises).toBeGreaterThan(50);
});

test('[RC3] any bytes decode without end or error, and say when they were too short', () => {
  const rng = new Sfc32(2);
  for (let n = 0; n < 2000; n++) {
    const decoder = new RangeDecoder(Uint8Array.from({ length: rng.below(40) }, () => rng.below(256)));
    const contexts = flat(8);
    for (let i = 0; i < 2000; i++) decoder.decode(contexts, i & 7);
    decoder.bits(2000);
    expect(decoder.isOverrun).toBe(true);
  }
});

test('[RC4] writing past the end stores nothing and says so', () => {
  const encoder = new RangeEncoder(4);
  for (let i = 0; i < 10; i++) encoder.bits(0x1234_5678, 32);
  expect(encoder.isOverrun).toBe(true);
  expect(encoder.finish().length).toBeLessThanOrEqual(4);
});
