/** The range coder: what goes in comes out, surprises cost what they should, and any bytes can be read. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { PROBABILITY_ONE, RangeDecoder, RangeEncoder } from '../../../netcode/wire/range-coder.ts';

const flat = (count: number) => new Uint16Array(count).fill(PROBABILITY_ONE / 2);

/** Contexts whose bits are 1 this often in 1000: from never to always. */
const BIASES = [0, 1, 10, 100, 500, 900, 990, 999, 1000];

type Item = { readonly context: number; readonly bit: number } | { readonly raw: number; readonly count: number };

function itemsOf(rng: Sfc32, count: number, rawPct: number): Item[] {
  return Array.from({ length: count }, () => {
    if (rng.below(100) < rawPct) return { raw: rng.u32(), count: rng.below(33) };
    const context = rng.below(BIASES.length);
    return { context, bit: rng.below(1000) < BIASES[context]! ? 1 : 0 };
  });
}

function write(encoder: RangeEncoder, items: readonly Item[]): { bytes: Uint8Array; contexts: Uint16Array } {
  const contexts = flat(BIASES.length);
  encoder.reset();
  for (const item of items) {
    if ('raw' in item) encoder.bits(item.raw, item.count);
    else encoder.encode(item.bit, contexts, item.context);
  }
  return { bytes: encoder.buffer.slice(0, encoder.finish()), contexts };
}

/** The value that `count` raw bits of a number are. */
const lowBits = (raw: number, count: number): number => (raw >>> 0) % 2 ** count;

/** How many items come back wrong. */
function mistakes(decoder: RangeDecoder, items: readonly Item[], contexts: Uint16Array): number {
  const mirrored = flat(BIASES.length);
  let wrong = 0;
  for (const item of items) {
    if ('raw' in item) wrong += decoder.bits(item.count) === lowBits(item.raw, item.count) ? 0 : 1;
    else wrong += decoder.decode(mirrored, item.context) === item.bit ? 0 : 1;
  }
  for (let i = 0; i < contexts.length; i++) wrong += mirrored[i] === contexts[i] ? 0 : 1;
  return wrong;
}

describe('round trips', () => {
  test('[RC1] bits of any bias, in contexts and raw, come back as they went in', () => {
    const encoder = new RangeEncoder(40_000);
    for (let seed = 0; seed < 600; seed++) {
      const rng = new Sfc32(seed);
      const items = itemsOf(rng, rng.below(seed < 400 ? 12 : 3000), [0, 10, 50, 100][seed % 4]!);
      const { bytes, contexts } = write(encoder, items);
      const decoder = new RangeDecoder(bytes);
      expect([seed, mistakes(decoder, items, contexts)]).toEqual([seed, 0]);
      expect([seed, decoder.isAtEnd, decoder.isOverrun]).toEqual([seed, true, false]);
    }
  });

  test('[RC1] any raw number of 0 to 32 bits comes back, bits above its count ignored', () => {
    const anyRaw = fc.array(
      fc.tuple(fc.oneof(fc.integer(), fc.nat(), fc.constantFrom(-1, 0, 2 ** 31 - 1, -(2 ** 31))), fc.integer({ min: 0, max: 32 })),
    );
    const encoder = new RangeEncoder(4000);
    fc.assert(
      fc.property(anyRaw, (numbers) => {
        const items = numbers.map(([raw, count]) => ({ raw, count }));
        const { bytes, contexts } = write(encoder, items);
        expect(mistakes(new RangeDecoder(bytes), items, contexts)).toBe(0);
        // No more than the bits themselves, but for what rounding loses, and the last byte.
        expect(bytes.length).toBeLessThanOrEqual((items.reduce((sum, { count }) => sum + count, 0) / 8) * 1.01 + 1);
      }),
      { numRuns: 500 },
    );
  });

  test('[RC1] long runs of one bit, which make carries and bytes of 255', () => {
    const encoder = new RangeEncoder(4000);
    for (const bit of [0, 1]) {
      for (let run = 0; run < 400; run++) {
        const rng = new Sfc32(run);
        // All ones, or all zeros, raw; a surprise now and then in a context that is sure of itself.
        const items: Item[] = Array.from({ length: run }, () =>
          rng.below(3) === 0
            ? { context: 4, bit: rng.below(50) === 0 ? 1 - bit : bit }
            : { raw: bit === 1 ? -1 : 0, count: 1 + rng.below(32) },
        );
        const { bytes, contexts } = write(encoder, items);
        const decoder = new RangeDecoder(bytes);
        expect([bit, run, mistakes(decoder, items, contexts), decoder.isAtEnd]).toEqual([bit, run, 0, true]);
      }
    }
  });

  test('[RC1] a decoder reads a part of an array, whatever stands around it, and can be opened anew', () => {
    const encoder = new RangeEncoder(2000);
    const decoder = new RangeDecoder();
    for (let seed = 0; seed < 200; seed++) {
      const rng = new Sfc32(seed);
      const items = itemsOf(rng, rng.below(200), 30);
      const { bytes, contexts } = write(encoder, items);
      const start = rng.below(9);
      const around = Uint8Array.from({ length: start + bytes.length + 20 }, () => 1 + rng.below(255));
      around.set(bytes, start);
      decoder.open(around, start, bytes.length);
      expect([seed, mistakes(decoder, items, contexts), decoder.isAtEnd]).toEqual([seed, 0, true]);
    }
  });
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
  expect(encoder.finish() * 8).toBeLessThan(10_000 * 0.125);
  expect(surprises).toBeGreaterThan(50);
});

test('[RC2] a surprise costs 10 bits at most, however sure the context was', () => {
  for (const bit of [0, 1]) {
    const encoder = new RangeEncoder(4000);
    const contexts = flat(1);
    for (let i = 0; i < 2000; i++) encoder.encode(bit, contexts, 0);
    // Certainty would make a range of nothing.
    expect(contexts[0]).toBeGreaterThanOrEqual(32);
    expect(contexts[0]).toBeLessThanOrEqual(PROBABILITY_ONE - 32);
    const before = encoder.length;
    for (let i = 0; i < 100; i++) {
      const sure = contexts.slice();
      encoder.encode(1 - bit, sure, 0);
    }
    expect((encoder.length - before) * 8).toBeLessThanOrEqual(100 * 10.1 + 16);
  }
});

describe('any bytes', () => {
  test('[RC3] decode without end or error, and say when they were too short', () => {
    const rng = new Sfc32(2);
    for (let n = 0; n < 2000; n++) {
      const decoder = new RangeDecoder(Uint8Array.from({ length: rng.below(40) }, () => rng.below(256)));
      const contexts = flat(8);
      for (let i = 0; i < 2000; i++) decoder.decode(contexts, i & 7);
      decoder.bits(2000);
      expect(decoder.isOverrun).toBe(true);
      expect(decoder.isAtEnd).toBe(false);
    }
  });

  test('[RC3] give bits that are 0 or 1, raw numbers within their bits, and contexts that are never certain', () => {
    const rng = new Sfc32(3);
    let wrong = 0;
    for (let n = 0; n < 3000; n++) {
      const fill = [0, 255, -1, -1][n % 4]!;
      const decoder = new RangeDecoder(Uint8Array.from({ length: rng.below(60) }, () => (fill < 0 ? rng.below(256) : fill)));
      const contexts = flat(3);
      for (let i = 0; i < 300; i++) {
        const count = rng.below(33);
        const raw = decoder.bits(count);
        const bit = decoder.decode(contexts, i % 3);
        const p = contexts[i % 3]!;
        if (!Number.isInteger(raw) || raw < 0 || raw >= 2 ** count || (bit !== 0 && bit !== 1) || p < 32 || p > PROBABILITY_ONE - 32)
          wrong++;
      }
    }
    expect(wrong).toBe(0);
  });

  test('[RC3] a packet cut off, or with bytes added, is noticed', () => {
    const encoder = new RangeEncoder(2000);
    for (let seed = 0; seed < 300; seed++) {
      const items = itemsOf(new Sfc32(seed), 300, 50);
      const { bytes, contexts } = write(encoder, items);
      // 64 zeros are taken for granted at the end, and a few bytes are looked ahead: more than that is missing here.
      const cut = new RangeDecoder(bytes.slice(0, bytes.length - 72));
      mistakes(cut, items, contexts);
      expect([cut.isOverrun, cut.isAtEnd]).toEqual([true, false]);
      const longer = new RangeDecoder(Uint8Array.from([...bytes, 1, 2, 3, 4, 5]));
      expect(mistakes(longer, items, contexts)).toBe(0);
      expect([longer.isOverrun, longer.isAtEnd]).toEqual([false, false]);
    }
  });
});

describe('the end', () => {
  test('[RC4] finishing twice gives the same', () => {
    const encoder = new RangeEncoder(2000);
    for (let seed = 0; seed < 300; seed++) {
      const { bytes } = write(encoder, itemsOf(new Sfc32(seed), seed, 40));
      for (let again = 0; again < 3; again++) expect(encoder.buffer.slice(0, encoder.finish())).toEqual(bytes);
    }
  });

  test('[RC4] a buffer that is too small says so, also after finish, and stores nothing past its end', () => {
    const whole = new RangeEncoder(4000);
    for (let seed = 0; seed < 300; seed++) {
      const rng = new Sfc32(seed);
      const items = itemsOf(rng, 100, 60);
      const { bytes } = write(whole, items);
      expect(whole.isOverrun).toBe(false);
      for (const size of [0, 1, 4, rng.below(bytes.length), bytes.length - 1, bytes.length, bytes.length + 1, bytes.length + 2]) {
        const small = new RangeEncoder(size);
        const cut = write(small, items).bytes;
        expect(cut.length).toBeLessThanOrEqual(size);
        // The zeros that are left out at the end need room while they are being written.
        if (!small.isOverrun) expect(cut).toEqual(bytes);
        if (size < bytes.length) expect([seed, size, small.isOverrun]).toEqual([seed, size, true]);
        if (size >= bytes.length + 1 && bytes.at(-1) !== 0 && whole.length <= bytes.length) expect(small.isOverrun).toBe(false);
      }
    }
  });

  test('[RC4] a buffer that ran over is as good as new after a reset', () => {
    const encoder = new RangeEncoder(40);
    const items = itemsOf(new Sfc32(5), 8, 100);
    const { bytes } = write(new RangeEncoder(4000), items);
    encoder.bits(-1, 32);
    for (let i = 0; i < 100; i++) encoder.bits(0x1234_5678, 32);
    expect(encoder.isOverrun).toBe(true);
    encoder.finish();
    expect(write(encoder, items).bytes).toEqual(bytes);
    expect(encoder.isOverrun).toBe(false);
  });

  test('[RC5] zeros at the end are left out, 64 of them at most: what is longer is read as it is, not as cut off', () => {
    const encoder = new RangeEncoder(4000);
    for (let zeros = 0; zeros < 200; zeros++) {
      // Raw zeros move nothing, so each eight of them are a byte of zeros.
      const items: Item[] = [{ raw: 0xabcd, count: 16 }, ...Array.from({ length: zeros }, () => ({ raw: 0, count: 8 }))];
      const { bytes, contexts } = write(encoder, items);
      expect(encoder.length).toBeGreaterThanOrEqual(zeros);
      expect(bytes.length).toBeGreaterThanOrEqual(encoder.length - 64);
      // Two bytes of news take five: a range of not quite a power of two moves them to between the bytes.
      expect(bytes.length).toBeLessThanOrEqual(Math.max(5, encoder.length + 1 - 64));
      const decoder = new RangeDecoder(bytes);
      expect([zeros, mistakes(decoder, items, contexts), decoder.isAtEnd, decoder.isOverrun]).toEqual([zeros, 0, true, false]);
    }
  });

  test('[RC5] nothing at all takes no bytes', () => {
    const { bytes } = write(new RangeEncoder(10), []);
    expect(bytes).toHaveLength(0);
    const decoder = new RangeDecoder(bytes);
    expect([decoder.isAtEnd, decoder.isOverrun]).toEqual([true, false]);
  });
});
