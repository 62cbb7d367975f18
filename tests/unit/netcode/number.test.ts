/** Numbers in contexts and Exp-Golomb counts: what goes in comes out, up to the ends of their ranges, and any bits are a number. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import { readCount, writeCount } from '../../../netcode/wire/count.ts';
import { NUMBER_CONTEXTS, type NumberContexts, readNumber, writeNumber } from '../../../netcode/wire/number.ts';
import { PROBABILITY_ONE, RangeDecoder, RangeEncoder } from '../../../netcode/wire/range-coder.ts';

/** The greatest difference of two int32 that a field can hold. */
const DIFFERENCE_MAX = 2 ** 32 - 2;
/** A number's contexts with one before and one behind them that nothing may touch, then two signs. */
const BASE = 1;
const SIGNS = BASE + NUMBER_CONTEXTS + 1;
const UNTOUCHED = 12_345;

function freshContexts(): Uint16Array {
  const contexts = new Uint16Array(SIGNS + 2).fill(PROBABILITY_ONE / 2);
  contexts[0] = contexts[BASE + NUMBER_CONTEXTS] = UNTOUCHED;
  return contexts;
}

/** Each bit length, both signs, and what lies beside it. */
const extremes = Array.from({ length: 33 }, (_, n) => [2 ** n - 1, 2 ** n, 2 ** n + 1]).flat();
const anyNumber = fc
  .oneof(fc.integer(), fc.integer({ min: -40, max: 40 }), fc.integer({ min: 0, max: DIFFERENCE_MAX }), fc.constantFrom(...extremes))
  .chain((size) => fc.constantFrom(size, -size))
  .filter((value) => Math.abs(value) <= DIFFERENCE_MAX)
  .map((value) => (value === 0 ? 0 : value));
const anyWhere: fc.Arbitrary<NumberContexts> = fc.record({
  base: fc.constant(BASE),
  // All that `usualDigitsOf` gives, and more.
  usualDigits: fc.nat(15),
  sign: fc.constantFrom(SIGNS, SIGNS + 1),
  flip: fc.constantFrom(0, 1),
});

test('[NUM1] any number comes back, in any contexts, and only its own contexts learn', () => {
  const encoder = new RangeEncoder(2000);
  fc.assert(
    fc.property(fc.array(fc.tuple(anyNumber, anyWhere), { maxLength: 60 }), (items) => {
      const [contexts, mirrored] = [freshContexts(), freshContexts()];
      encoder.reset();
      for (const [value, where] of items) writeNumber(encoder, contexts, where, value);
      const decoder = new RangeDecoder(encoder.buffer.slice(0, encoder.finish()));
      expect(items.map(([, where]) => readNumber(decoder, mirrored, where))).toEqual(items.map(([value]) => value));
      expect(decoder.isAtEnd).toBe(true);
      expect(mirrored).toEqual(contexts);
      expect([contexts[0], contexts[BASE + NUMBER_CONTEXTS]]).toEqual([UNTOUCHED, UNTOUCHED]);
    }),
    { numRuns: 2000 },
  );
});

test('[NUM1] every extreme comes back, from every usual count of digits', () => {
  const encoder = new RangeEncoder(200);
  const wrong: number[][] = [];
  for (const size of [...extremes, DIFFERENCE_MAX]) {
    if (size > DIFFERENCE_MAX) continue;
    for (const value of [size, size === 0 ? 0 : -size]) {
      for (let usualDigits = 0; usualDigits < 16; usualDigits++) {
        const where = { base: BASE, usualDigits, sign: SIGNS, flip: usualDigits & 1 };
        encoder.reset();
        writeNumber(encoder, freshContexts(), where, value);
        const decoder = new RangeDecoder(encoder.buffer.slice(0, encoder.finish()));
        const read = readNumber(decoder, freshContexts(), where);
        if (read !== value || !decoder.isAtEnd) wrong.push([value, usualDigits, read]);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('[NUM2] any bits are a whole number of 32 binary digits at most', () => {
  const rng = new Sfc32(8);
  let wrong = 0;
  for (let n = 0; n < 2000; n++) {
    const fill = [0, 255, -1, -1][n % 4]!;
    const decoder = new RangeDecoder(Uint8Array.from({ length: rng.below(30) }, () => (fill < 0 ? rng.below(256) : fill)));
    const contexts = freshContexts();
    for (let i = 0; i < 60; i++) {
      // Contexts as packets leave them, sure of themselves now and then.
      if (rng.below(8) === 0) contexts[BASE + rng.below(NUMBER_CONTEXTS)] = rng.below(2) === 0 ? 32 : PROBABILITY_ONE - 32;
      const value = readNumber(decoder, contexts, { base: BASE, usualDigits: rng.below(16), sign: SIGNS, flip: rng.below(2) });
      if (!Number.isInteger(value) || Math.abs(value) >= 2 ** 32) wrong++;
    }
  }
  expect(wrong).toBe(0);
});

/** Orders that the formats use, and one more. */
const anyOrder = fc.nat(3);
const anyCount = fc.oneof(fc.nat(20), fc.nat(2 ** 30 - 9), fc.constantFrom(...extremes.filter((n) => n < 2 ** 30 - 8)));

test('[CNT1] any count comes back, in plain bits and range-coded, and is as long as the code says', () => {
  const encoder = new RangeEncoder(2000);
  const writer = new BitWriter(2000);
  fc.assert(
    fc.property(fc.array(fc.tuple(anyCount, anyOrder), { maxLength: 40 }), (counts) => {
      encoder.reset();
      writer.reset();
      let bits = 0;
      for (const [value, k] of counts) {
        writeCount(encoder, value, k);
        writeCount(writer, value, k);
        bits += 2 * Math.floor(Math.log2(Math.floor(value / 2 ** k) + 1)) + 1 + k;
      }
      expect(writer.byteLength).toBe(Math.ceil(bits / 8));
      const values = counts.map(([value]) => value);
      const decoder = new RangeDecoder(encoder.buffer.slice(0, encoder.finish()));
      expect(counts.map(([, k]) => readCount(decoder, k))).toEqual(values);
      expect(decoder.isAtEnd).toBe(true);
      const reader = new BitReader(writer.finish());
      expect(counts.map(([, k]) => readCount(reader, k))).toEqual(values);
      expect(reader.isAtEnd).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test('[CNT1] what follows one of the greatest counts comes back as well', () => {
  const wrong: number[][] = [];
  for (let k = 0; k < 4; k++) {
    // All of those with as many digits as there may be.
    for (const value of [2 ** 30 - 2 ** k, 2 ** 30, 2 ** 31 - 2 ** k - 1]) {
      const writer = new BitWriter(40);
      writeCount(writer, value, k);
      writeCount(writer, 77, 0);
      const reader = new BitReader(writer.finish());
      const read = [readCount(reader, k), readCount(reader, 0)];
      if (read[0] !== value || read[1] !== 77) wrong.push([k, value, ...read]);
    }
  }
  expect(wrong).toEqual([]);
});

test('[CNT2] any bits are a count from 0 to 2^31 - 1', () => {
  const rng = new Sfc32(9);
  let wrong = 0;
  for (let n = 0; n < 3000; n++) {
    const fill = [0, 255, -1, -1][n % 4]!;
    const bytes = Uint8Array.from({ length: rng.below(30) }, () => (fill < 0 ? rng.below(256) : fill));
    for (const source of [new RangeDecoder(bytes), new BitReader(bytes)]) {
      for (let i = 0; i < 20; i++) {
        const value = readCount(source, rng.below(4));
        if (!Number.isInteger(value) || value < 0 || value >= 2 ** 31) wrong++;
      }
    }
  }
  expect(wrong).toBe(0);
});
