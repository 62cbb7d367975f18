/** SPEC.md's DRAW rules: what is drawn between two states and beyond them, and when news show that it was wrong. */
import { describe, expect, test } from 'vitest';
import { bracketAt, glide } from '../../../netcode/client/interpolation.ts';
import type { EntityId, Tick } from '../../../netcode/core/ids.ts';
import { angle, float } from '../../../netcode/index.ts';
import { teleport } from '../../../netcode/wire/fields.ts';
import { layoutOf } from '../../../netcode/wire/schema.ts';
import { blendEntity } from '../../../netcode/world/blend.ts';
import { StateHistory, type WorldState } from '../../../netcode/world/world-state.ts';
import { fill, game, ID, KITE, RANGE, Screen, sharpest, SHIP, SNAIL, stateOf, type Thing, xOf } from '../../harness/draw-screen.ts';

/** A field of a thing between two states. */
function between(older: WorldState, newer: WorldState, tick: number, name = 'pos'): unknown {
  const plan = [SHIP, KITE, SNAIL].find((candidate) => older.tables[candidate!.kind.index]!.count > 0)!;
  const row = new Float64Array(plan.kind.layout.parts.length);
  const span = newer.tick - older.tick;
  expect(blendEntity(row, plan, { older, newer, alpha: span === 0 ? 1 + tick - newer.tick : (tick - older.tick) / span }, ID)).toBe(true);
  const { field, at } = plan.kind.layout.entries.find((entry) => entry.name === name)!;
  return field.read(row, at);
}
const xBetween = (older: WorldState, newer: WorldState, tick: number): number => {
  const value = between(older, newer, tick, older.tables[SHIP!.kind.index]!.count > 0 ? 'pos' : 'x');
  return typeof value === 'number' ? value : (value as { x: number }).x;
};

describe('between two states', () => {
  test("[DRAW4] 'hermite' passes both ends with their velocities, on the path that a steady push makes", () => {
    const older = stateOf(10, { kind: 'kite', x: 100, speed: 120 });
    // 10 ticks with 600 a second more each second.
    const newer = stateOf(20, { kind: 'kite', x: 100 + 20 + (600 / 2) * (1 / 6) ** 2, speed: 220 });
    const d = 1 / 64;
    expect([xBetween(older, newer, 10), xBetween(older, newer, 20)]).toEqual([100, newer.tables[1]!.data[1]! / 64]);
    expect((xBetween(older, newer, 10 + d) - 100) / d).toBeCloseTo(120 / 60, 2);
    expect((xBetween(older, newer, 20) - xBetween(older, newer, 20 - d)) / d).toBeCloseTo(220 / 60, 2);
    for (let t = 0; t <= 10; t++) expect(xBetween(older, newer, 10 + t)).toBeCloseTo(100 + 2 * t + 300 * (t / 60) ** 2, 1);
    // Beyond, straight on.
    expect(xBetween(older, newer, 26) - xBetween(older, newer, 20)).toBeCloseTo(22, 9);
  });

  test("[DRAW4] 'hermite' does not swing out where the velocities are not those of the way", () => {
    for (const [chord, before, after] of [
      [60, 360, -360], // into the wall in the last tick
      [-60, 360, -360], // in the first
      [60, 360, -180],
      [60, 360, -3600], // kicked at the end
      [0, 360, 360], // pushing against a wall
    ] as const) {
      const older = stateOf(10, { kind: 'kite', x: 500, speed: before });
      const newer = stateOf(20, { kind: 'kite', x: 500 + chord, speed: after });
      for (let tick = 10; tick <= 20; tick += 0.5) expect(xBetween(older, newer, tick)).toBeCloseTo(500 + chord * ((tick - 10) / 10), 9);
    }
    // Half way there and half way back: inside of what it bounced off.
    const older = stateOf(10, { kind: 'kite', x: 500, speed: 360 });
    const newer = stateOf(20, { kind: 'kite', x: 500, speed: -360 });
    for (let tick = 10; tick <= 20; tick += 0.5) {
      expect(xBetween(older, newer, tick)).toBeGreaterThanOrEqual(500);
      expect(xBetween(older, newer, tick)).toBeLessThanOrEqual(530);
    }
  });

  test('[DRAW5] what leaps is where it was until its tick, and where it is from then on', () => {
    const older = stateOf(10, { pos: [100, 0], vel: [60, 0], warpedAt: 3 });
    const newer = stateOf(20, { pos: [1006, 0], vel: [60, 0], warpedAt: 14 });
    const path = [10, 12, 13.9, 14, 16, 20, 22].map((tick) => xBetween(older, newer, tick));
    [100, 102, 103.9, 1000, 1002, 1006, 1008].forEach((x, i) => expect(path[i]).toBeCloseTo(x, 9));
    expect(between(older, newer, 13.9, 'warpedAt')).toBe(3);
    // Nonsense in the field hurts nobody.
    for (const warpedAt of [0, 99]) {
      const odd = stateOf(20, { pos: [1006, 0], vel: [60, 0], warpedAt });
      for (let tick = 10; tick < 24; tick++) expect([0, 1]).toContain(Math.round(xBetween(older, odd, tick) / 1000));
    }
  });

  test('[DRAW5] an entity has one leap at most, and a curve needs a velocity', () => {
    expect(() => layoutOf({ a: teleport(), b: teleport() })).toThrow("'a' and 'b' are both teleports");
    expect(() => layoutOf({ x: float({ ...RANGE, smooth: 'hermite' }) })).toThrow("'x' is smooth as 'hermite' and names no velocity");
    expect(() => layoutOf({ a: angle({ smooth: 'hermite' }) })).toThrow('names no velocity');
  });

  test('[DRAW6] what is gone by the newer state goes on up to it', () => {
    const older = stateOf(10, { pos: [100, 0], vel: [600, 0] });
    expect(xBetween(older, stateOf(16), 13)).toBe(130);
    expect(xBetween(older, older, 12)).toBe(120);
  });
});

describe('when packets run out', () => {
  test('[DRAW7] motion goes on, slows and stands, without a kink', () => {
    const path = Array.from({ length: 60 }, (_, tick) => glide(tick, 60).ticks);
    expect(path.slice(0, 9)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(path[18]).toBeCloseTo(13.5, 9);
    expect(path.at(-1)).toBeCloseTo(13.5, 9);
    expect(sharpest(path)).toBeLessThanOrEqual(1 / 9 + 1e-9);
    for (let t = 0.5; t < 30; t++) expect(glide(t, 60).pace).toBeCloseTo((glide(t + 0.01, 60).ticks - glide(t - 0.01, 60).ticks) / 0.02, 6);
    // The same in ms at any tick rate.
    expect(glide(60, 240).ticks / 240).toBeCloseTo(glide(15, 60).ticks / 60, 9);
  });

  test('[DRAW7] what names a velocity goes on by it, what names none as between the last two states', () => {
    const frames = new StateHistory(game.kinds, 128);
    for (const tick of [1, 2, 4]) {
      const things: Thing[] = [
        { kind: 'snail', x: 100 + tick },
        { kind: 'ship', id: (ID + 1) as EntityId, pos: [100 + tick, 0], vel: [tick * 60, 0], facing: tick / 10 },
      ];
      fill(frames.claim(tick as Tick), tick, things);
    }
    const bracket = bracketAt(frames, { newestTick: 4 as Tick, moment: 7, tickRate: 60 })!;
    expect(bracket).toMatchObject({ alpha: 2.5, alphaPerTick: 0.5 });
    const row = new Float64Array(SNAIL!.kind.layout.parts.length);
    blendEntity(row, SNAIL!, bracket, ID);
    expect(row[1]! / 64).toBe(107);
    const shipRow = new Float64Array(SHIP!.kind.layout.parts.length);
    blendEntity(shipRow, SHIP!, bracket, (ID + 1) as EntityId);
    expect(shipRow[1]! / 64).toBe(104 + 3 * 4);
    expect(shipRow[3]! / 64).toBe(240);
    expect((shipRow[5]! * Math.PI * 2) / 4096).toBeCloseTo(0.7, 2);
  });

  test('[DRAW8] after a second without news things have come to a halt, and come back without a leap', () => {
    const screen = new Screen();
    const truth = (tick: number): Thing => ({ pos: [200 + 2 * tick, 0], vel: [120, 0] });
    const path: number[] = [];
    for (let tick = 1; tick <= 200; tick++) {
      const isSilent = tick > 60 && tick <= 120;
      if (!isSilent) for (let missed = tick === 121 ? 61 : tick; missed <= tick; missed++) screen.receive(missed, truth(missed));
      // Half a tick behind the newest.
      if (tick === 1) screen.past = -0.5;
      path.push(xOf(screen.frame()));
    }
    // 93 px off, which is below an eighth of the range: 0.0783 of it, and 0.56 of the velocity.
    expect(sharpest(path)).toBeLessThan(0.0783 * 93 + 0.56 * 2 + 0.1);
    expect(path[119]! - path[100]!).toBe(0);
    expect(path.at(-1)).toBeCloseTo(200 + 2 * 199.5, 1);
  });

  test('[DRAW8] a guess that was wrong bends to the truth; one that was right changes nothing', () => {
    const screen = new Screen();
    // From tick 60 on it flies aside.
    const truth = (tick: number): Thing => ({ pos: [200 + 3 * Math.min(tick, 60), 0], vel: [tick < 60 ? 180 : 0, 0] });
    const path: number[] = [];
    screen.past = -0.5;
    for (let tick = 1; tick <= 120; tick++) {
      const isLost = (tick > 30 && tick <= 36) || (tick > 58 && tick <= 64);
      if (!isLost) screen.receive(tick, truth(tick));
      path.push(xOf(screen.frame()));
    }
    // Losses while it flew straight.
    expect(sharpest(path.slice(2, 58))).toBeLessThan(1e-9);
    // It went on for 4.5 ticks too long: 13.5 px, at 3 px a frame.
    expect(sharpest(path)).toBeLessThan(0.0783 * 16.5 + 0.56 * 3);
    expect(path.at(-1)).toBeCloseTo(380, 1);
  });

  test('[DRAW8] what is gone by the next state that comes flies on to its end as it flew', () => {
    for (const isNew of [false, true]) {
      const screen = new Screen();
      const truth = (tick: number): Thing => ({ pos: [200 + 9 * tick, 0], vel: [540, 0] });
      const path: number[] = [];
      screen.past = -0.98;
      for (let tick = 1; tick <= 20; tick++) {
        // The last state that has it is just behind what is drawn when one without it comes; it may have but just been born.
        if (tick < 18) screen.receive(tick, ...(isNew && tick < 17 ? [] : [truth(tick)]));
        if (tick === 19) screen.receive(21);
        const view = screen.frame();
        if (view.length > 0) path.push(xOf(view));
      }
      expect(path.length).toBeGreaterThanOrEqual(3);
      expect(sharpest(path.slice(isNew ? 0 : 2))).toBeLessThan(1e-9);
    }
  });

  test('[DRAW8] a leap that was not known of is shown at once', () => {
    const screen = new Screen();
    screen.past = -0.5;
    for (let tick = 1; tick <= 20; tick++) {
      screen.receive(tick, { pos: [200, 0] });
      screen.frame();
    }
    for (let n = 0; n < 5; n++) screen.frame();
    screen.receive(25, { pos: [300, 0], warpedAt: 22 });
    expect(xOf(screen.frame())).toBe(300);
  });
});
