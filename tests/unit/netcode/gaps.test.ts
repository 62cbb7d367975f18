/** Which few of many: what was hit is hit again, at the cost that it is worth, and any bits end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { GapReader, GapWriter } from '../../../netcode/snapshot/gaps.ts';
import { RangeDecoder, RangeEncoder } from '../../../netcode/wire/range-coder.ts';

const encoder = new RangeEncoder(20_000);
const writer = new GapWriter();
const reader = new GapReader();

function write(hits: readonly boolean[]): Uint8Array {
  encoder.reset();
  writer.begin(encoder, hits.length, hits.filter((isHit) => isHit).length);
  for (let place = 0; place < hits.length; place++) if (hits[place]) writer.write(encoder, place);
  return encoder.buffer.slice(0, encoder.finish());
}

/** What is read for each of the places, up to where it makes no sense. */
function read(decoder: RangeDecoder, places: number): (boolean | undefined)[] {
  if (!reader.begin(decoder, places)) return [];
  const hits: (boolean | undefined)[] = [];
  for (let i = 0; i < places && (i === 0 || hits.at(-1) !== undefined); i++) hits.push(reader.take(decoder));
  return hits;
}

const anyHits = fc
  .tuple(fc.integer({ min: 1, max: 600 }), fc.constantFrom(0, 1, 5, 30, 50, 95, 100), fc.nat())
  .map(([places, pct, seed]) => {
    const rng = new Sfc32(seed);
    return Array.from({ length: places }, () => rng.below(100) < pct);
  });

test('[GAP1] any choice of any places comes back', () => {
  fc.assert(
    fc.property(fc.oneof(anyHits, fc.array(fc.boolean(), { minLength: 1, maxLength: 20 })), (hits) => {
      const decoder = new RangeDecoder(write(hits));
      expect(read(decoder, hits.length)).toEqual(hits);
      expect(decoder.isAtEnd).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('[GAP1] the first, the last, none, all, and one of the most entities that there may be', () => {
  for (const places of [1, 2, 3, 1000, 8192, 16_384]) {
    for (const isHit of [(i: number) => i === 0, (i: number) => i === places - 1, () => false, () => true, (i: number) => i % 97 === 96]) {
      const hits = Array.from({ length: places }, (_, i) => isHit(i));
      const decoder = new RangeDecoder(write(hits));
      const back = read(decoder, places);
      expect(back.length === places && back.every((hit, i) => hit === hits[i]) && decoder.isAtEnd).toBe(true);
    }
  }
});

test('[GAP2] costs what the places are worth, within a tenth and the count', () => {
  const rng = new Sfc32(4);
  for (const pct of [2, 10, 30]) {
    let bits = 0;
    let worth = 0;
    for (let n = 0; n < 60; n++) {
      const hits = Array.from({ length: 1000 }, () => rng.below(100) < pct);
      const count = hits.filter((hit) => hit).length;
      bits += write(hits).length * 8 - 2 * Math.floor(Math.log2(count + 1)) - 1;
      // log2 of the ways to choose.
      for (let i = 0; i < count; i++) worth += Math.log2((1000 - i) / (count - i));
    }
    expect(bits / worth).toBeLessThan(1.1);
  }
});

test('[GAP3] any bits end, and hit no more places than there are', () => {
  const rng = new Sfc32(5);
  let refused = 0;
  for (let n = 0; n < 20_000; n++) {
    const fill = [0, 255, -1, -1][n % 4]!;
    const decoder = new RangeDecoder(Uint8Array.from({ length: rng.below(30) }, () => (fill < 0 ? rng.below(256) : fill)));
    const places = 1 + rng.below(n % 2 === 0 ? 8192 : 40);
    const hits = read(decoder, places);
    if (hits.length < places || hits.includes(undefined)) refused++;
  }
  expect(refused).toBeGreaterThan(1000);
  expect(refused).toBeLessThan(19_000);
});
