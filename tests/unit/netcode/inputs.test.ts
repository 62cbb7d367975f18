/** SPEC.md, INP and VIEW rules: inputs on their way to the host, what is reported of them, and what is believed of them. */
import { describe, expect, test } from 'vitest';
import { InputHistory } from '../../../netcode/client/input-history.ts';
import type { Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { INPUT_LEAD_TICKS_MAX, InputBuffer } from '../../../netcode/host/input-buffer.ts';
import { ViewClaim } from '../../../netcode/host/view-claim.ts';
import { bool, event, int } from '../../../netcode/index.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import { readInputs, toldViewDelay, writeInputs } from '../../../netcode/wire/input-packet.ts';
import { readInputReport, writeInputReport } from '../../../netcode/wire/input-report.ts';
import { layoutOf } from '../../../netcode/wire/schema.ts';

const LAYOUT = layoutOf({ turn: int({ min: -1, max: 1 }), thrust: bool(), fire: event() });
const row = (turn: number, thrust: number, fire: number): Int32Array => Int32Array.of(turn, thrust, fire);
const at = (tick: number): Tick => tick as Tick;

describe('the buffer of inputs', () => {
  function filled(): InputBuffer {
    const buffer = new InputBuffer(LAYOUT, { usedTick: at(10), tickRate: 60 });
    buffer.store(at(11), row(1, 1, 1), 6);
    return buffer;
  }

  test('[INP2] what is not there in time is the last one: held stays held, pressed is not pressed again', () => {
    const buffer = filled();
    expect([...buffer.take(at(11))]).toEqual([1, 1, 1]);
    expect([...buffer.take(at(12))]).toEqual([1, 1, 0]);
    expect([...buffer.take(at(13))]).toEqual([1, 1, 0]);
    expect(buffer.lateInputs).toBe(2);
    // What comes too late changes nothing but for its press, which counts once, for the next tick.
    for (let n = 0; n < 5; n++) buffer.store(at(12), row(-1, 0, 1), 6);
    expect([...buffer.take(at(14))]).toEqual([1, 1, 1]);
    buffer.store(at(12), row(-1, 0, 1), 6);
    expect([...buffer.take(at(15))]).toEqual([1, 1, 0]);
    buffer.store(at(16), row(0, 0, 0), 6);
    expect([...buffer.take(at(16))]).toEqual([0, 0, 0]);
    expect(buffer.lateInputs).toBe(4);
  });

  test('[INP3] what comes early is kept for its tick, 90 ticks ahead and no further', () => {
    const buffer = filled();
    for (let tick = 10 + INPUT_LEAD_TICKS_MAX + 1; tick > 11; tick--) buffer.store(at(tick), row((tick % 3) - 1, tick % 2, 0), 6);
    expect(buffer.refusedInputs).toBe(1);
    buffer.take(at(11));
    for (let tick = 12; tick <= 10 + INPUT_LEAD_TICKS_MAX; tick++)
      expect([...buffer.take(at(tick))]).toEqual([(tick % 3) - 1, tick % 2, 0]);
    expect(buffer.lateInputs).toBe(0);
    expect([...buffer.take(at(10 + INPUT_LEAD_TICKS_MAX + 1))]).toEqual([0, 0, 0]);
    expect(buffer.lateInputs).toBe(1);
  });

  test('[INP4] what came first counts, before its tick and after it; another is counted', () => {
    const buffer = filled();
    buffer.store(at(11), row(-1, 0, 0), 90);
    expect(buffer.changedInputs).toBe(1);
    expect([...buffer.take(at(11))]).toEqual([1, 1, 1]);
    expect(buffer.viewDelayTicks).toBe(6);
    buffer.store(at(11), row(-1, 0, 1), 90);
    buffer.store(at(11), row(1, 1, 1), 90);
    expect(buffer.changedInputs).toBe(2);
    expect([...buffer.take(at(12))]).toEqual([1, 1, 0]);
    for (const before of [-5, -128]) buffer.store(at(before), row(1, 1, 1), 6);
    expect([...buffer.take(at(13))]).toEqual([1, 1, 0]);
  });

  test('[INP4] no order and no number of packets makes a player act more often than once a tick', () => {
    const rng = new Sfc32(12);
    const buffer = new InputBuffer(LAYOUT, { usedTick: at(0), tickRate: 60 });
    let presses = 0;
    for (let tick = 1; tick <= 2000; tick++) {
      for (let n = 0; n < 100; n++) buffer.store(at(tick - 60 + rng.below(200)), row(rng.below(3) - 1, rng.below(2), 1), rng.below(256));
      presses += buffer.take(at(tick))[2]!;
    }
    expect(presses).toBeLessThanOrEqual(2000);
    expect(buffer.refusedInputs).toBeGreaterThan(10_000);
    expect(buffer.changedInputs).toBeGreaterThan(10_000);
  });

  test('[VIEW2] the delay is that of the tick taken; where its input is missing, the last one', () => {
    const buffer = filled();
    buffer.store(at(12), row(0, 0, 0), 6.125);
    buffer.store(at(14), row(0, 0, 0), 6.25);
    const delays = [11, 12, 13, 14, 15].map((tick) => {
      buffer.take(at(tick));
      return buffer.viewDelayTicks;
    });
    expect(delays).toEqual([6, 6.125, 6.125, 6.25, 6.25]);
  });
});

describe('the view claim', () => {
  test('[VIEW3] is followed exactly while it moves as honest clocks move', () => {
    const claim = new ViewClaim(60);
    let delay = 9;
    for (let tick = 100; tick < 1000; tick++) {
      delay += Math.floor(tick / 100) % 2 === 0 ? 0.1 : -0.1;
      expect(claim.honour(at(tick), toldViewDelay(delay))).toBe(toldViewDelay(delay));
    }
    // Ticks without a claim leave room for what the clocks did meanwhile.
    expect(claim.honour(at(1020), toldViewDelay(delay + 2))).toBe(toldViewDelay(delay + 2));
    expect(claim.refusedClaims).toBe(0);
  });

  test('[VIEW3] one leap in 5 s is believed; any other is crept up to by a quarter of a tick a tick', () => {
    const claim = new ViewClaim(60);
    expect(claim.honour(at(10), 8)).toBe(8);
    expect(claim.honour(at(11), 14)).toBe(14);
    expect(claim.honour(at(12), 8)).toBe(13.75);
    expect(claim.honour(at(13), 8)).toBe(13.5);
    for (let tick = 14; tick < 100; tick++) claim.honour(at(tick), 8);
    expect(claim.honouredTicks).toBe(8);
    expect(claim.refusedClaims).toBe(23);
    for (let tick = 100; tick < 311; tick++) claim.honour(at(tick), 8);
    expect(claim.honour(at(311), 14)).toBe(14);
    expect(claim.honour(at(312), 0)).toBe(13.75);
  });

  test('[VIEW3] whoever says now this and now that gets neither', () => {
    const claim = new ViewClaim(60);
    for (let tick = 0; tick < 100; tick++) claim.honour(at(tick), 10);
    claim.honour(at(100), 4);
    const honoured: number[] = [];
    for (let tick = 101; tick < 400; tick++) honoured.push(claim.honour(at(tick), tick % 2 === 0 ? 4 : 16));
    expect(Math.max(...honoured) - Math.min(...honoured)).toBeLessThanOrEqual(0.25);
  });
});

describe('the history of inputs', () => {
  test('[INP5] keeps with each tick how the clocks stood, in the very numbers that the host is told', () => {
    const history = new InputHistory(LAYOUT);
    expect([history.leadAt(at(5)), history.viewDelayAt(at(5))]).toEqual([undefined, 0]);
    history.sample(at(5), { leadTicks: 7.3, viewDelayTicks: 9.7001 });
    history.sample(at(6), { leadTicks: undefined, viewDelayTicks: -3 });
    history.sample(at(7), { leadTicks: 7.4, viewDelayTicks: 1e6 });
    expect([5, 6, 7].map((tick) => history.leadAt(at(tick)))).toEqual([7.3, undefined, 7.4]);
    expect([5, 6, 7].map((tick) => history.viewDelayAt(at(tick)))).toEqual([9.6875, 0, 4095 / 16]);
    history.shiftLeads(0.5);
    expect(history.leadAt(at(5))).toBeCloseTo(6.8, 12);
    expect(history.leadAt(at(6))).toBeUndefined();
    history.sample(at(5 + 128), { leadTicks: 1, viewDelayTicks: 1 });
    expect([history.leadAt(at(5)), history.viewDelayAt(at(5))]).toEqual([undefined, 0]);
  });
});

describe('on the wire', () => {
  test('[INP6] a report comes back to a quarter of a tick, with its full tick; none is one bit', () => {
    const rng = new Sfc32(4);
    for (let n = 0; n < 2000; n++) {
      const sent = rng.below(100_000) + 200;
      const report = { tick: at(sent - rng.below(128)), earliness: rng.between(-31.9, 31.8) };
      const writer = new BitWriter(8);
      writeInputReport(writer, report);
      const read = readInputReport(new BitReader(writer.finish()), at(sent))!;
      expect(read.tick).toBe(report.tick);
      expect(Math.abs(read.earliness - report.earliness)).toBeLessThanOrEqual(0.125);
    }
    const writer = new BitWriter(8);
    writeInputReport(writer, undefined);
    expect(readInputReport(new BitReader(writer.finish()), at(7))).toBeUndefined();
    writer.reset();
    for (const earliness of [1e9, -1e9]) writeInputReport(writer, { tick: at(3), earliness });
    const reader = new BitReader(writer.finish());
    expect([readInputReport(reader, at(3))!.earliness, readInputReport(reader, at(3))!.earliness]).toEqual([31.75, -32]);
  });

  test('[INP6] any bits are a report or none', () => {
    const rng = new Sfc32(9);
    for (let n = 0; n < 5000; n++) {
      const bytes = Uint8Array.from({ length: rng.below(4) }, () => rng.below(256));
      const near = at(rng.below(1000));
      const report = readInputReport(new BitReader(bytes), near);
      if (report === undefined) continue;
      expect(Math.abs(report.tick - near)).toBeLessThanOrEqual(128);
      expect(Math.abs(report.earliness)).toBeLessThanOrEqual(32);
    }
  });

  test('[INP7] inputs come back, with the view delay of the newest', () => {
    const writer = new BitWriter(64);
    const rows = [row(1, 0, 0), row(1, 0, 0), row(-1, 1, 1)];
    writeInputs(writer, LAYOUT, { newest: at(70_002), count: 3, viewDelayTicks: 11.4375, rowOf: (tick) => rows[tick - 70_000]! });
    const reader = new BitReader(writer.finish());
    const read = readInputs(reader, LAYOUT, at(70_050));
    expect(read).toEqual({ newest: 70_002, viewDelayTicks: 11.4375, rows });
    expect(reader.isAtEnd).toBe(true);
    for (const ticks of [-1, 0, 1 / 16, 255.9375, 1e9, 7.77]) {
      writer.reset();
      writeInputs(writer, LAYOUT, { newest: at(1), count: 1, viewDelayTicks: ticks, rowOf: () => rows[0]! });
      expect(readInputs(new BitReader(writer.finish()), LAYOUT, at(1)).viewDelayTicks).toBe(toldViewDelay(ticks));
    }
  });
});
