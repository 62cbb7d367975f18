/** What the ends of a link say on their carriers, as bytes; PROTOCOL.md draws them. */
import { describe, expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { PathControl } from '../../../netcode/transport/path-control.ts';
import {
  dataFrame,
  type PathFrame,
  type PathSign,
  readPathFrame,
  stampData,
  writeAck,
  writeHello,
  writeSign,
} from '../../../netcode/transport/path-frames.ts';

const LINK_ID = '00112233445566778899aabbccddeeff';
const SIGNS: readonly PathSign[] = ['use', 'ask', 'here', 'retire', 'end'];

describe('a frame', () => {
  test('comes back as it went in', () => {
    expect(readPathFrame(writeHello(LINK_ID, 0xfedcba98))).toEqual({ kind: 'hello', linkId: LINK_ID, received: 0xfedcba98 });
    expect(readPathFrame(writeAck(70_000))).toEqual({ kind: 'ack', received: 70_000 });
    expect(readPathFrame(stampData(dataFrame(Uint8Array.of(9, 8)), 0xffffffff, 7))).toEqual({
      kind: 'data',
      number: 0xffffffff,
      received: 7,
      message: Uint8Array.of(9, 8),
    });
    for (const kind of SIGNS) expect(readPathFrame(writeSign(kind))).toEqual({ kind });
  });

  test('has these bytes', () => {
    expect([...writeHello(LINK_ID, 258)].map((byte) => byte.toString(16).padStart(2, '0')).join('')).toBe(`0001${LINK_ID}02010000`);
    expect([...stampData(dataFrame(Uint8Array.of(9)), 1, 2)]).toEqual([1, 1, 0, 0, 0, 2, 0, 0, 0, 9]);
    expect([...writeAck(3)]).toEqual([2, 3, 0, 0, 0]);
    expect(SIGNS.map((sign) => [...writeSign(sign)])).toEqual([[3], [4], [5], [6], [7]]);
  });

  test('of another length, kind or version is none', () => {
    const hello = writeHello(LINK_ID, 0);
    const wrong = [
      [],
      [8],
      [255],
      [3, 0],
      [2, 0, 0, 0],
      [2, 0, 0, 0, 0, 0],
      [...stampData(dataFrame(new Uint8Array(0)), 1, 0)],
      [...hello, 0],
      [...hello.subarray(0, 21)],
      [0, 2, ...hello.subarray(2)],
    ];
    for (const bytes of wrong) expect(readPathFrame(Uint8Array.from(bytes)), String(bytes)).toBeUndefined();
  });

  test('of any bytes is read or refused, and never thrown at', () => {
    const rng = new Sfc32(20_267);
    const kinds = new Set<PathFrame['kind'] | undefined>();
    for (let i = 0; i < 100_000; i++) {
      const bytes = new Uint8Array(rng.u32() % 26).map(() => rng.u32() & 0xff);
      if (bytes.length > 0) bytes[0] = rng.u32() % 9;
      if (bytes.length > 1 && rng.float() < 0.5) bytes[1] = 1;
      kinds.add(readPathFrame(bytes)?.kind);
    }
    expect(kinds.size).toBe(9);
  });
});

describe('control', () => {
  test('is numbered from 1 and kept until it is acknowledged', () => {
    const control = new PathControl();
    const frames = [5, 6, 7].map((byte) => [...control.push(Uint8Array.of(byte))!]);
    expect(frames.map((frame) => frame[1])).toEqual([1, 2, 3]);
    expect([...control.again(0)].map((frame) => frame.at(-1))).toEqual([5, 6, 7]);
    expect(control.acknowledge(2)).toBe(true);
    expect(control.acknowledge(1)).toBe(true);
    expect([...control.again(0)].map((frame) => frame.at(-1))).toEqual([7]);
  });

  test('goes out again behind what a carrier has sent already, and no sooner', () => {
    const control = new PathControl();
    for (const byte of [5, 6, 7]) control.push(Uint8Array.of(byte));
    expect(control.lastNumber).toBe(3);
    expect([0, 1, 2, 3].map((after) => [...control.again(after)].map((frame) => frame.at(-1)))).toEqual([[5, 6, 7], [6, 7], [7], []]);
    control.acknowledge(2);
    expect([...control.again(1)].map((frame) => frame.at(-1))).toEqual([7]);
  });

  test('knows an acknowledgement of what was never sent', () => {
    const control = new PathControl();
    control.push(Uint8Array.of(1));
    expect([control.acknowledge(2), [...control.again(0)].length]).toEqual([false, 1]);
  });

  test('takes each number once and in order, and tells what it has in all it sends', () => {
    const control = new PathControl();
    expect([2, 1, 1, 2, 4, 3].map((number) => control.take(number))).toEqual(['wrong', 'next', 'again', 'next', 'wrong', 'next']);
    expect(control.push(Uint8Array.of(1))![5]).toBe(3);
    control.take(4);
    expect([...control.again(0)][0]![5]).toBe(4);
  });

  test('is bounded however small its messages are, and takes more once some are acknowledged', () => {
    const control = new PathControl();
    let sent = 0;
    while (control.push(Uint8Array.of(1)) !== undefined) sent++;
    expect(sent).toBe(8_128);
    control.acknowledge(1);
    expect([control.push(Uint8Array.of(1)), control.push(Uint8Array.of(1))].map((frame) => frame !== undefined)).toEqual([true, false]);
  });
});
