/** SPEC.md, TIME rules: ticks that do not drift, one timeline, two clocks that are steered by what the network does. */
import { describe, expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { ArrivalLine } from '../../../netcode/time/arrival-line.ts';
import { FixedStep } from '../../../netcode/time/fixed-step.ts';
import { InputLead } from '../../../netcode/time/input-lead.ts';
import { InterpolationDelay } from '../../../netcode/time/interpolation-delay.ts';
import { RecentHistogram } from '../../../netcode/time/recent-histogram.ts';
import { SteeredClock } from '../../../netcode/time/steered-clock.ts';
import { TimeModel } from './time-model.ts';

const TICKS_PER_MS = 0.06;
const TARGET = { delayMs: 75, jitterMs: 30, lossPct: 5, reorder: true };

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
const quantile = (values: readonly number[], part: number): number => values.toSorted((a, b) => a - b)[Math.floor(part * values.length)]!;

test('[TIME1] ticks do not drift, whatever the pulse', () => {
  const clock = new FixedStep(60, 0);
  let ticks = 0;
  for (let nowMs = 0; nowMs <= 60_000; nowMs += 7.3) while (clock.next(nowMs) !== undefined) ticks++;
  expect(Math.abs(ticks - 3600)).toBeLessThanOrEqual(1);
});

describe('a steered clock', () => {
  /** One that has run for its first second, on target. */
  function settled(): SteeredClock {
    const clock = new SteeredClock(60, 0, 0);
    for (let nowMs = 10; nowMs <= 1000; nowMs += 10) clock.advance(nowMs, nowMs * TICKS_PER_MS);
    return clock;
  }

  test('[TIME2] reaches its target without ever leaving 95 to 105 % of real speed, and rests there', () => {
    for (const distance of [5, -5, 15, 0.4]) {
      const clock = settled();
      let last = clock.tick;
      const farthest = { ms: 0 };
      for (let nowMs = 1010; nowMs <= 20_000; nowMs += 10) {
        const target = nowMs * TICKS_PER_MS + distance;
        const tick = clock.advance(nowMs, target);
        expect(tick - last).toBeGreaterThanOrEqual(0.6 * 0.95 - 1e-9);
        expect(tick - last).toBeLessThanOrEqual(0.6 * 1.05 + 1e-9);
        expect(Math.sign(distance) * (tick - target)).toBeLessThan(0.01);
        if (Math.abs(tick - target) > 0.25) farthest.ms = nowMs;
        last = tick;
      }
      expect(Math.abs(last - (20_000 * TICKS_PER_MS + distance))).toBeLessThan(0.06);
      // A tick takes a third of a second at full speed; the rest is caught up within half a second more.
      expect(farthest.ms - 1000).toBeLessThan(Math.abs(distance) * 334 + 500);
      expect(clock.snaps).toBe(0);
    }
  });

  test('[TIME2] stays as it is while its target wavers by less than an eighth of a tick', () => {
    const clock = settled();
    const start = clock.tick - 1000 * TICKS_PER_MS;
    for (let nowMs = 1010; nowMs <= 5000; nowMs += 10) clock.advance(nowMs, nowMs * TICKS_PER_MS + (nowMs % 20 === 0 ? 0.12 : -0.12));
    expect(clock.tick - 5000 * TICKS_PER_MS).toBeCloseTo(start, 9);
  });

  test('[TIME4] jumps over what is hopeless, counted; in its first second over more than 2 ticks, uncounted', () => {
    const clock = settled();
    expect(clock.advance(1010, 1010 * TICKS_PER_MS + 21)).toBe(1010 * TICKS_PER_MS + 21);
    expect([clock.snaps, clock.hasJumped]).toEqual([1, true]);
    clock.advance(1020, 1020 * TICKS_PER_MS + 21);
    expect(clock.hasJumped).toBe(false);
    const young = new SteeredClock(60, 0, 0);
    expect(young.hasJumped).toBe(true);
    expect(young.advance(500, 500 * TICKS_PER_MS - 3)).toBe(27);
    expect(young.advance(510, 510 * TICKS_PER_MS - 1)).toBeLessThan(28.3);
    expect(young.snaps).toBe(0);
  });
});

describe('the arrival line', () => {
  /** How far it is off over the last half of 90 seconds: root of the mean square, in ticks. The fastest packets take 45 ms. */
  function errorOf(seed: number, { ppm = 0, jitterMs = 30, isOrdered = false }): { error: number; driftPpm: number } {
    const line = new ArrivalLine(60);
    const rng = new Sfc32(seed);
    const rate = TICKS_PER_MS * (1 + ppm / 1e6);
    const errors: number[] = [];
    let lastMs = 0;
    for (let tick = 0; tick < 60 * 90; tick++) {
      const drawnMs = tick / rate + 45 + rng.between(0, 2 * jitterMs);
      const atMs = isOrdered ? Math.max(lastMs, drawnMs) : drawnMs;
      lastMs = atMs;
      line.add(tick, atMs);
      if (tick > 60 * 45) errors.push((line.tickAt(atMs) - (atMs - 45) * rate) ** 2);
    }
    return { error: Math.sqrt(mean(errors)), driftPpm: line.driftPpm };
  }

  test('[TIME3] follows the fastest packets and forgets them within 4 s when the route changes', () => {
    const line = new ArrivalLine(60);
    const rng = new Sfc32(3);
    for (let tick = 0; tick < 300; tick++) line.add(tick, (tick * 1000) / 60 + 50 + rng.between(0, 30));
    expect(Math.abs(line.tickAt(5000) - (5000 - 50) * TICKS_PER_MS)).toBeLessThan(0.3);
    for (let tick = 300; tick < 550; tick++) line.add(tick, (tick * 1000) / 60 + 130 + rng.between(0, 30));
    expect(Math.abs(line.tickAt(9300) - (9300 - 130) * TICKS_PER_MS)).toBeLessThan(0.3);
    // A faster route shows at once.
    line.add(550, (550 * 1000) / 60 + 20);
    expect(line.tickAt(9300)).toBeCloseTo((9300 - 20) * TICKS_PER_MS, 1);
  });

  test('[TIME5] takes on the pace of a clock that drifts by up to 1,000 ppm, and is as good as with one that does not', () => {
    for (const isOrdered of [false, true]) {
      for (let seed = 1; seed <= 5; seed++) {
        const still = errorOf(seed, { isOrdered });
        expect(Math.abs(still.driftPpm)).toBeLessThan(15);
        for (const ppm of [-1000, -500, 100, 500]) {
          const drifting = errorOf(seed, { ppm, isOrdered });
          expect(drifting.error).toBeLessThan(still.error + 0.03);
          expect(Math.abs(drifting.driftPpm - ppm)).toBeLessThan(110);
        }
      }
    }
    const clean = errorOf(1, { ppm: 500, jitterMs: 0 });
    expect(clean.driftPpm).toBeCloseTo(500, 0);
    expect(clean.error).toBeLessThan(0.001);
  });

  test('[TIME5] a route that changes is no drift', () => {
    const line = new ArrivalLine(60);
    const rng = new Sfc32(3);
    let most = 0;
    for (let tick = 0; tick < 60 * 120; tick++) {
      // Every 7 s another route: 80 ms slower, then back.
      const routeMs = Math.floor(tick / 420) % 2 === 0 ? 50 : 130;
      line.add(tick, (tick * 1000) / 60 + routeMs + rng.between(0, 10));
      most = Math.max(most, Math.abs(line.driftPpm));
    }
    expect(most).toBeLessThan(300);
  });

  test('[TIME3] tells by how much it moved beside the passing of time', () => {
    const line = new ArrivalLine(60);
    const rng = new Sfc32(8);
    let moved = 0;
    line.add(0, 50);
    const first = line.tickAt(50) - 50 * TICKS_PER_MS;
    for (let tick = 1; tick < 1200; tick++) {
      const atMs = (tick * 1000) / 60 + 50 + rng.between(-20, 20);
      moved += line.add(tick, atMs);
      expect(line.tickAt(atMs) - atMs * TICKS_PER_MS).toBeCloseTo(first + moved, 2);
    }
  });
});

describe('a recent histogram', () => {
  test('[TIME6] gives the percentiles of what came of late, as sorting would, and forgets the rest', () => {
    const rng = new Sfc32(5);
    const histogram = new RecentHistogram({ binTicks: 1 / 8, windowMass: 50 });
    expect(histogram.quantile(0.5)).toBeUndefined();
    for (let i = 0; i < 1000; i++) histogram.add(rng.between(60, 80));
    // 200 are remembered at most, 151 at least.
    const values = Array.from({ length: 175 }, () => rng.between(-10, 10));
    for (const value of values) histogram.add(value);
    expect(histogram.mass).toBeGreaterThan(150);
    expect(histogram.mass).toBeLessThanOrEqual(200);
    for (let i = 0; i < 25; i++) histogram.add(values[i]!);
    const kept = [...values, ...values.slice(0, 25)];
    for (const part of [0.1, 0.5, 0.9, 0.98])
      expect(Math.abs(histogram.quantile(part)! - quantile(kept.slice(-200), part))).toBeLessThan(0.5);
    histogram.shift(5);
    expect(Math.abs(histogram.quantile(0.5)! - 5 - quantile(kept, 0.5))).toBeLessThan(0.5);
  });

  test('[TIME6] of ramps, too; and values off its scale do no harm', () => {
    const histogram = new RecentHistogram({ binTicks: 1 / 8, windowMass: 1000 });
    for (let i = 0; i < 100; i++) histogram.addRamp(1.3, 3.3);
    expect(histogram.mass).toBeCloseTo(200, 9);
    expect(histogram.quantile(0.98)!).toBeCloseTo(1.3 + 2 * 0.98, 1);
    expect(histogram.quantile(0.5)!).toBeCloseTo(2.3, 1);
    for (const value of [1e9, -1e9]) histogram.add(value);
    histogram.addRamp(-1e9, 1e9);
    expect(Number.isFinite(histogram.quantile(0.98))).toBe(true);
    histogram.shift(1000);
    expect([histogram.mass, histogram.quantile(0.98)]).toEqual([0, undefined]);
  });
});

describe('the interpolation delay', () => {
  /** What it is after each snapshot, when these arrive so many ticks late, one every `interval`; undefined: lost. */
  function delaysOf(lateness: readonly (number | undefined)[], interval = 1): number[] {
    const delay = new InterpolationDelay({ tickRate: 60, sendRate: 60 / interval });
    const arrivals = lateness.flatMap((late, i) => (late === undefined ? [] : { tick: i * interval, at: i * interval + late }));
    let newest = -interval;
    return arrivals
      .toSorted((a, b) => a.at - b.at)
      .map(({ tick, at }) => {
        if (tick > newest) {
          delay.add(at - newest, at - tick);
          newest = tick;
        }
        return delay.ticks;
      });
  }

  test('[TIME7] without jitter it is the send interval and a margin, at any send rate', () => {
    for (const interval of [1, 2, 3, 6]) {
      for (const ticks of delaysOf(
        Array.from({ length: 300 }, () => 0),
        interval,
      )) {
        expect(ticks).toBeGreaterThan(interval * 0.98);
        expect(ticks).toBeLessThanOrEqual(interval + 0.5);
      }
    }
  });

  test('[TIME7] with jitter and loss it is the least that has a snapshot for 98 % of the time, and half a tick, and keeps still', () => {
    for (const conditions of [TARGET, { delayMs: 40, jitterMs: 15 }, { delayMs: 0.5, jitterMs: 0.2 }, {}]) {
      const model = new TimeModel({ conditions, seed: 4 });
      model.run(5);
      const [ages, delays, drawn]: [number[], number[], number[]] = [[], [], []];
      model.onPulse = () => {
        ages.push(model.newestAge);
        delays.push(model.delay.ticks);
        drawn.push(model.hostTime - model.past!.tick);
      };
      model.run(60);
      const least = quantile(ages, 0.98);
      expect(mean(drawn) - least).toBeLessThan(0.7);
      expect(quantile(drawn, 0.98) - least).toBeLessThan(1.2);
      expect(mean(drawn) - least).toBeGreaterThan(-0.1);
      expect(deviation(delays)).toBeLessThan(0.35);
      expect(model.past!.snaps).toBe(0);
    }
  });

  test('[TIME7] a single late or lost packet moves it no more than it weighs, an outage not at all', () => {
    const steady = (count: number): number[] => Array.from({ length: count }, () => 0);
    const before = delaysOf(steady(300)).at(-1)!;
    for (const [hitch, most] of [
      [[undefined], 0.1],
      [[3], 0.1],
      [[undefined, undefined, undefined], 0.6],
      [Array.from({ length: 40 }, () => undefined), 0],
      [Array.from({ length: 300 }, () => undefined), 0],
    ] as const) {
      const delays = delaysOf([...steady(300), ...hitch, ...steady(300)]);
      expect(Math.max(...delays.slice(250)) - before).toBeLessThanOrEqual(most + 1e-9);
      expect(delays.at(-1)! - before).toBeLessThan(0.05);
    }
  });

  test('[TIME7] grows at once when the network gets worse, never beyond half a second, and comes back slowly', () => {
    const rng = new Sfc32(6);
    const lateness = (jitter: number, count: number): number[] => Array.from({ length: count }, () => rng.between(0, jitter));
    const delays = delaysOf([...lateness(1, 300), ...lateness(12, 300), ...lateness(1, 900)]);
    expect(delays[330]!).toBeGreaterThan(5);
    const fall = delays.slice(1).map((ticks, i) => delays[i]! - ticks);
    expect(Math.max(...fall)).toBeLessThan(0.3);
    expect(delays.at(-1)!).toBeLessThan(delays[299]! + 0.3);
    expect(Math.max(...delaysOf(lateness(200, 900)))).toBeLessThanOrEqual(30);
  });

  test('[TIME7] jitter is what late arrivals are later than usual ones', () => {
    const delay = new InterpolationDelay({ tickRate: 60, sendRate: 60 });
    expect(delay.jitterTicks).toBe(0);
    for (let i = 0; i < 240; i++) delay.add(1.5, 1 + (i % 21) * 0.1);
    expect(delay.jitterTicks).toBeGreaterThan(0.85);
    expect(delay.jitterTicks).toBeLessThan(1.15);
  });
});

describe('the input lead', () => {
  test('[TIME8] few inputs come late at 5 % loss and 30 ms of jitter, and the lead is no more than they need, and keeps still', () => {
    for (const seed of [1, 2, 3]) {
      const model = new TimeModel({ conditions: TARGET, seed });
      model.run(4);
      const [late, ticks] = [model.lateInputs, model.ticks];
      const leads: number[] = [];
      model.onPulse = () => leads.push(model.present!.tick - model.hostTime);
      model.run(60);
      expect((model.lateInputs - late) / (model.ticks - ticks)).toBeLessThan(0.01);
      // Up to 105 ms of the way up, a lost packet more, and the pulses of both sides.
      expect(mean(leads)).toBeLessThan(6.3);
      expect(deviation(leads)).toBeLessThan(0.4);
      expect(model.present!.snaps).toBe(0);
    }
  });

  test('[TIME8] without delay and jitter it is next to nothing, and nothing comes late', () => {
    const model = new TimeModel({ conditions: {}, seed: 1 });
    model.run(2);
    const late = model.lateInputs;
    model.run(20);
    expect(model.lateInputs).toBe(late);
    expect(model.present!.tick - model.hostTime).toBeLessThan(0.5);
  });

  test('[TIME8] a first guess that is wrong by 300 ms is right a round trip and 0.3 s later', () => {
    for (const [delayMs, rttMs] of [
      [200, 100],
      [50, 400],
      [290, 880],
    ] as const) {
      const model = new TimeModel({ conditions: { delayMs, jitterMs: 5 }, seed: 1, rttMs });
      // The first snapshot takes half a round trip to come.
      model.run((delayMs * 3) / 1000 + 0.35);
      const late = model.lateInputs;
      const lead = model.present!.tick - model.hostTime;
      expect(Math.abs(lead - (delayMs + 5) * TICKS_PER_MS)).toBeLessThan(1.5);
      model.run(delayMs / 1000);
      const afterwards = model.lateInputs;
      model.run(5);
      expect(afterwards - late).toBeLessThan(delayMs * TICKS_PER_MS + 3);
      expect(model.lateInputs - afterwards).toBeLessThan(3);
    }
  });

  test('[TIME8] what is needed is found whatever lead is in use: nothing is fed back', () => {
    const lead = new InputLead(3, 60);
    const rng = new Sfc32(2);
    const leads: number[] = [];
    for (let i = 0; i < 600; i++) {
      lead.report(rng.between(7, 9));
      if (i > 60) leads.push(lead.leadTicks);
    }
    expect(Math.min(...leads)).toBeGreaterThan(9);
    expect(Math.max(...leads)).toBeLessThan(9.4);
    for (let i = 0; i < 1000; i++) lead.report(1000);
    expect(lead.leadTicks).toBe(60);
    for (let i = 0; i < 2000; i++) lead.report(-5);
    expect(lead.leadTicks).toBeLessThan(0.1);
    expect(lead.leadTicks).toBeGreaterThanOrEqual(0);
  });

  test('[TIME8] the same moment stays needed when the timeline moves', () => {
    const lead = new InputLead(9, 60);
    for (let i = 0; i < 100; i++) lead.report(7);
    const before = lead.leadTicks;
    lead.shift(-5);
    expect(lead.leadTicks).toBe(before + 5);
    for (let i = 0; i < 20; i++) lead.report(12);
    expect(lead.leadTicks).toBeCloseTo(before + 5, 1);
    lead.shift(5);
    for (let i = 0; i < 20; i++) lead.report(7);
    expect(lead.leadTicks).toBeCloseTo(before, 1);
  });

  test('[TIME8] a slower way up is followed at the pace of the clock', () => {
    const model = new TimeModel({ conditions: { delayMs: 50, jitterMs: 5 }, seed: 3 });
    model.run(10);
    model.setConditions({ up: { delayMs: 110, jitterMs: 5 } });
    model.run(0.2 + 4 / 3);
    const late = model.lateInputs;
    model.run(10);
    expect(model.lateInputs - late).toBeLessThan(3);
    expect(model.present!.snaps).toBe(0);
  });
});

test('[TIME9] a slower way down moves what is drawn by that and no more, and the present not at all', () => {
  const model = new TimeModel({ conditions: { delayMs: 50, jitterMs: 5 }, seed: 3 });
  model.run(10);
  const drawn = model.hostTime - model.past!.tick;
  const lead = model.present!.tick - model.hostTime;
  model.setConditions({ down: { delayMs: 130, jitterMs: 5 } });
  let [oldest, most] = [0, 0];
  model.onPulse = () => {
    oldest = Math.max(oldest, model.hostTime - model.past!.tick);
    most = Math.max(most, Math.abs(model.present!.tick - model.hostTime - lead));
  };
  const late = model.lateInputs;
  model.run(15);
  expect(oldest - drawn).toBeLessThan(80 * TICKS_PER_MS + 0.8);
  expect(most).toBeLessThan(0.8);
  expect(model.lateInputs - late).toBeLessThan(3);
  expect(model.hostTime - model.past!.tick - drawn).toBeGreaterThan(80 * TICKS_PER_MS - 0.8);
  expect(model.past!.snaps + model.present!.snaps).toBe(0);
});

test('[TIME5] with clocks 500 ppm apart everything is as good', () => {
  for (const driftPpm of [-500, 500]) {
    const model = new TimeModel({ conditions: TARGET, seed: 5, driftPpm });
    model.run(30);
    const [late, ticks] = [model.lateInputs, model.ticks];
    const [ages, drawn]: [number[], number[]] = [[], []];
    model.onPulse = () => {
      ages.push(model.newestAge);
      drawn.push(model.hostTime - model.past!.tick);
    };
    model.run(60);
    expect((model.lateInputs - late) / (model.ticks - ticks)).toBeLessThan(0.01);
    expect(mean(drawn) - quantile(ages, 0.98)).toBeLessThan(0.8);
    expect(model.past!.snaps + model.present!.snaps).toBe(0);
  }
});
