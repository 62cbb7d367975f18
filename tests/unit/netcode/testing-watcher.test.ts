/**
 * What a watcher of screens calls a jump, a freeze and a blink: faults made on purpose, each alone, on the drawing of a thing
 * whose path on the host is known. What is right must be silent, what is wrong must be counted, and as what it is.
 */
import { describe, expect, test } from 'vitest';
import type { EntityId, PlayerId, Tick } from '../../../netcode/core/ids.ts';
import { defineGame, int, vec2 } from '../../../netcode/index.ts';
import type { DrawnReport } from '../../../netcode/testing.ts';
import { placesOf, Truth } from '../../../netcode/testing/truth.ts';
import { Watcher } from '../../../netcode/testing/watcher.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';

const STEP = 1 / 32;
/** Ticks that the drawing is behind the host. */
const DELAY = 8.3;
const FRAMES = 600;
const FRAME_MS = 1000 / 60;
const MARK = 65_537 as EntityId;

const marks = defineGame({
  id: 'marks',
  version: 1,
  sendRate: 60,
  input: {},
  entities: { mark: { pos: vec2({ min: -8192, max: 8192, step: STEP }), warpedAt: int({ min: 0, max: 9999 }) } },
  policy: { mark: { predict: 'none' } },
  step: () => undefined,
});

interface Spot {
  readonly x: number;
  readonly y: number;
  /** The tick of the last leap, where leaps are declared. */
  readonly warpedAt?: number;
}
type Path = (tick: number) => Spot | undefined;

/** 6 px a tick, on a circle of 200 px: bends by 0.18 px a tick. */
const circle = (tick: number): Spot => ({ x: 200 * Math.cos(tick * 0.03), y: 200 * Math.sin(tick * 0.03) });
const line = (tick: number): Spot => ({ x: tick * 6 - 1500, y: 0 });

/** Where a perfect drawing has it: between two ticks in proportion. */
function blended(host: Path, moment: number): Spot | undefined {
  const tick = Math.floor(moment);
  const [older, newer] = [host(tick), host(tick + 1)];
  if (older === undefined || newer === undefined) return undefined;
  const part = moment - tick;
  return { x: older.x + (newer.x - older.x) * part, y: older.y + (newer.y - older.y) * part };
}

interface Scene {
  readonly host?: Path;
  /** What the screen shows in a frame; by default what is right. */
  readonly drawn?: (right: Spot, frame: number, moment: number) => Spot | undefined;
  /** Which moment a frame is drawn for. */
  readonly moment?: (frame: number) => number;
  readonly isLeapDeclared?: boolean;
  /** Frames that are drawn at all. */
  readonly isDrawn?: (frame: number) => boolean;
}

/** Shows ten seconds to a watcher. */
function watched({ host = circle, drawn, moment = (f) => f - DELAY, isLeapDeclared = false, isDrawn = () => true }: Scene): DrawnReport {
  const truth = new Truth(marks, 1);
  const [place] = placesOf(marks, 'pos');
  const { layout } = marks.kinds[0]!;
  const leapAt = isLeapDeclared ? layout.entries.find(({ name }) => name === 'warpedAt')!.at : undefined;
  const watcher = new Watcher(marks, { truth, places: [{ ...place!, leapAt }], pixelsPerUnit: 1 });
  const state = new WorldState(marks.kinds);
  for (let frame = 0; frame < FRAMES; frame++) {
    state.clear();
    state.tick = frame as Tick;
    const spot = host(frame);
    if (spot !== undefined) {
      const table = state.tables[0]!;
      const row = table.insert(MARK) * table.stride;
      table.data[row + place!.at] = Math.round(spot.x / STEP);
      table.data[row + place!.at + 1] = Math.round(spot.y / STEP);
      table.data[row + layout.entries.find(({ name }) => name === 'warpedAt')!.at] = spot.warpedAt ?? 0;
    }
    truth.record(frame as Tick, { state });
    if (frame < 20 || !isDrawn(frame)) continue;
    const past = moment(frame);
    const right = blended(host, past);
    const at = right === undefined || drawn === undefined ? right : drawn(right, frame, past);
    const entity = { id: MARK, kind: 'mark', owner: 0 as PlayerId, isMine: false };
    watcher.watch({ view: at === undefined ? [] : [{ ...entity, pos: at }], atMs: frame * FRAME_MS, present: frame, past });
  }
  return watcher.others.report();
}

const SILENT = { freezes: 0, jumps: 0, blinks: 0, phantoms: 0, worstJump: undefined };

describe('what is right is silent', () => {
  test('[FEEL15] a path drawn as it is, on clocks that are steered, and with frames left out', () => {
    expect(watched({})).toMatchObject(SILENT);
    expect(watched({}).errorPx.max).toBeLessThan(2 * STEP);
    // A second 5 % too fast, a second 5 % too slow.
    const steered = watched({ moment: (frame) => frame - DELAY + 3 * Math.abs(((frame / 60) % 2) - 1) });
    expect(steered).toMatchObject(SILENT);
    expect(watched({ isDrawn: (frame) => frame % 5 === 0 || frame % 7 === 0 })).toMatchObject(SILENT);
  });

  test('[FEEL15] a bounce, drawn on its tick or some frames late', () => {
    const host = (tick: number): Spot => line(tick < 300 ? tick : 600 - tick);
    expect(watched({ host })).toMatchObject(SILENT);
    const late = watched({ host, drawn: (_right, _frame, moment) => line(moment < 303 ? moment : 606 - moment) });
    expect(late).toMatchObject(SILENT);
    expect(late.errorPx.max).toBeGreaterThan(30);
  });

  test('[FEEL15] birth and death, and what nobody has', () => {
    expect(watched({ host: (tick) => (tick > 100 && tick < 200 ? circle(tick) : undefined) })).toMatchObject(SILENT);
  });

  test('[FEEL15] an error that eases away with momentum: half of 12 px in 120 ms', () => {
    const rate = 1.678 / 7.2;
    const drawn = (right: Spot, frame: number): Spot => {
      const since = frame - 300;
      // Before, the screen was off all the time: the correction is what makes it ease.
      const error = since < 0 ? 12 : 12 * (1 + rate * since) * Math.exp(-rate * since);
      return { x: right.x + error, y: right.y };
    };
    const report = watched({ drawn });
    expect(report).toMatchObject(SILENT);
    expect(report.errorPx.max).toBeGreaterThan(11.9);
  });
});

describe('what is wrong is counted', () => {
  test('[FEEL16] three frames on the spot are a freeze, and the leap after it a jump; two are only the jump', () => {
    const standing = (frames: number) => (right: Spot, frame: number) =>
      frame > 300 && frame <= 300 + frames ? blended(circle, 300 - DELAY)! : right;
    const three = watched({ drawn: standing(3) });
    expect(three).toMatchObject({ freezes: 1, jumps: 1 });
    expect(three.longestFreezeMs).toBeCloseTo(50, 3);
    expect(watched({ drawn: standing(2) })).toMatchObject({ freezes: 0, jumps: 1 });
  });

  test('[FEEL16] a glide to a stand and smoothly back is a freeze and an error, and no jump', () => {
    // Ticks behind: the drawn thing slows down within 15 frames, stands for 20, and catches up at half its speed more.
    let behind = 0;
    let rate = 0;
    const drawn = (_right: Spot, frame: number, moment: number): Spot => {
      const aim = frame > 300 && frame <= 335 ? 1 : behind > 4 ? -0.5 : -behind / 8;
      if (frame > 300) rate += Math.max(-1 / 15, Math.min(1 / 15, aim - rate));
      behind += rate;
      return blended(circle, moment - behind)!;
    };
    const report = watched({ drawn });
    expect(report).toMatchObject({ freezes: 1, jumps: 0 });
    expect(report.longestFreezeMs).toBeGreaterThan(300);
    expect(report.errorPx.max).toBeGreaterThan(100);
  });

  test('[FEEL16] one frame somewhere else is one jump, half a second of shaking several', () => {
    const spike = watched({ drawn: ({ x, y }, frame) => ({ x: frame === 300 ? x + 4 : x, y }) });
    expect(spike).toMatchObject({ freezes: 0, jumps: 1, worstJump: { kind: 'mark', id: MARK } });
    expect(spike.worstJump!.px).toBeGreaterThan(7);
    const shaking = watched({ drawn: ({ x, y }, frame) => ({ x: frame > 300 && frame < 360 ? x + (frame % 2) * 3 : x, y }) });
    expect(shaking.jumps).toBeGreaterThanOrEqual(4);
  });

  test('[FEEL16] an error that eases away without momentum is a jump: half of 20 px in 80 ms', () => {
    const drawn = ({ x, y }: Spot, frame: number): Spot => ({ x: x + (frame < 300 ? 20 : 20 * 2 ** (-(frame - 299) / 4.8)), y });
    expect(watched({ drawn }).jumps).toBe(1);
  });

  test('[FEEL16] a slow drift to 30 px off and back is an error only', () => {
    const drawn = ({ x, y }: Spot, frame: number): Spot => ({ x: x + 15 * (1 - Math.cos(frame / 40)), y });
    const report = watched({ drawn });
    expect(report).toMatchObject({ freezes: 0, jumps: 0 });
    expect(report.errorPx.max).toBeGreaterThan(29);
  });

  test('[FEEL16] a bounce that is missed and then made good by a leap is a jump', () => {
    const host = (tick: number): Spot => line(tick < 300 ? tick : 600 - tick);
    expect(watched({ host, drawn: (right, _frame, moment) => (moment < 310 ? line(moment) : right) }).jumps).toBe(1);
  });

  test('[FEEL16] a thing that is gone from the screen for a while blinks', () => {
    const drawn = (right: Spot, frame: number) => (frame > 300 && frame < 306 ? undefined : right);
    expect(watched({ drawn })).toMatchObject({ blinks: 1, jumps: 0, freezes: 0 });
    expect(watched({ drawn: (right, frame) => (frame > 300 && frame < 400 ? undefined : right) }).blinks).toBe(0);
  });
});

for (const isLeapDeclared of [true, false]) {
  describe(`a leap of the host that is ${isLeapDeclared ? '' : 'not '}declared`, () => {
    const host = (tick: number): Spot => ({ ...circle(tick), ...(tick >= 300 && { y: circle(tick).y + 900, warpedAt: 300 }) });
    const leaping =
      (at: (moment: number) => number) =>
      (_right: Spot, _frame: number, moment: number): Spot => ({ x: circle(moment).x, y: circle(moment).y + 900 * at(moment) });

    test('[FEEL17] is right at its tick', () => {
      const report = watched({ host, isLeapDeclared, drawn: leaping((moment) => (moment < 300 ? 0 : 1)) });
      expect(report).toMatchObject(SILENT);
      expect(report.errorPx.max).toBeLessThan(1);
    });

    test('[FEEL17] is a jump when it comes late, early, or as a way over some frames', () => {
      for (const at of [305, 296]) {
        expect(watched({ host, isLeapDeclared, drawn: leaping((moment) => (moment < at ? 0 : 1)) }).jumps, `drawn at ${at}`).toBe(1);
      }
      const slid = watched({ host, isLeapDeclared, drawn: leaping((moment) => Math.min(1, Math.max(0, (moment - 297) / 6))) });
      expect(slid.jumps).toBe(1);
      expect(slid.errorPx.max).toBeGreaterThan(200);
    });

    test('[FEEL17] hides no other jump beside it', () => {
      const beside = watched({
        host,
        isLeapDeclared,
        drawn: (right, frame, moment) => ({
          ...leaping((at) => (at < 300 ? 0 : 1))(right, frame, moment),
          x: right.x + (frame === 303 ? 20 : 0),
        }),
      });
      expect(beside.jumps).toBe(1);
    });
  });
}
