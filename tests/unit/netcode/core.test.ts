/** SPEC.md, MATH, RNG, SEQ and BIT rules: the small parts everything stands on. */
import { describe, expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { isNewer, nearest16, SequenceBuffer } from '../../../netcode/core/sequence.ts';
import { atan2, cos, sin } from '../../../netcode/core/trig.ts';
import { Emitter } from '../../../netcode/core/emitter.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';

test('[MATH1] sine, cosine and arctangent are right to a billionth and the same everywhere', () => {
  for (let x = -50; x < 50; x += 0.013) {
    expect(Math.abs(sin(x) - Math.sin(x))).toBeLessThan(2e-9);
    expect(Math.abs(cos(x) - Math.cos(x))).toBeLessThan(2e-9);
    expect(Math.abs(atan2(Math.sin(x), Math.cos(x)) - Math.atan2(Math.sin(x), Math.cos(x)))).toBeLessThan(2e-9);
  }
  expect([atan2(0, 0), atan2(0, -1), atan2(1, 0)]).toEqual([0, Math.PI, Math.PI / 2]);
});

test('[RNG1] the generator gives the same numbers for the same seed, spread evenly', () => {
  const [a, b] = [new Sfc32(42), new Sfc32(42)];
  const first = Array.from({ length: 8 }, () => a.u32());
  expect(Array.from({ length: 8 }, () => b.u32())).toEqual(first);
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 100_000; i++) counts[a.below(10)]!++;
  for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(400);
});

describe('sequences', () => {
  test('[SEQ1] go round', () => {
    expect([isNewer(1, 0), isNewer(0, 65_535), isNewer(65_535, 0), isNewer(5, 5)]).toEqual([true, true, false, false]);
    expect([nearest16(2, 65_534), nearest16(65_535, 65_537), nearest16(10, 12)]).toEqual([65_538, 65_535, 10]);
  });

  test('[SEQ2] a buffer forgets what was overwritten', () => {
    const buffer = new SequenceBuffer<string>(4);
    buffer.set(1, 'a');
    buffer.set(5, 'b');
    expect([buffer.get(1), buffer.get(5)]).toEqual([undefined, 'b']);
    buffer.delete(5);
    expect(buffer.get(5)).toBeUndefined();
    expect(() => new SequenceBuffer(3)).toThrow(/3 must divide/);
  });
});

describe('bits', () => {
  test('[BIT1] what is written is read', () => {
    const writer = new BitWriter(4096);
    const rng = new Sfc32(1);
    const values = Array.from({ length: 1000 }, () => ({ value: rng.u32(), count: rng.below(33) }));
    for (let round = 0; round < 2; round++) {
      writer.reset();
      for (const { value, count } of values) writer.bits(value, count);
      writer.bool(true);
    }
    const reader = new BitReader(writer.finish());
    for (const { value, count } of values) expect(reader.bits(count)).toBe(value % 2 ** count);
    expect([reader.bool(), reader.isAtEnd, reader.isOverrun]).toEqual([true, true, false]);
  });

  test('[BIT2] reading past the end gives zeros and says so; writing past it stores nothing and says so', () => {
    const reader = new BitReader(Uint8Array.of(1));
    expect([reader.bits(8), reader.bits(32), reader.bool()]).toEqual([1, 0, false]);
    expect(reader.isOverrun).toBe(true);
    const writer = new BitWriter(1);
    writer.bits(0xffff, 16);
    expect([writer.isOverrun, [...writer.finish()]]).toEqual([true, [255]]);
  });
});

test('[EMIT1] one listener that throws does not keep the others from hearing', () => {
  const emitter = new Emitter<{ ping: number }>();
  const heard: number[] = [];
  const silenced = console.error;
  console.error = () => undefined;
  emitter.on('ping', () => {
    throw new Error('mine');
  });
  const off = emitter.on('ping', (value) => heard.push(value));
  emitter.emit('ping', 1);
  off();
  emitter.emit('ping', 2);
  console.error = silenced;
  expect(heard).toEqual([1]);
});
