/** How prediction shares the page's time, and when it gives up. */
import { expect, test } from 'vitest';
import { REPLAY_MS_MAX, ReplayBudget, RETRY_MS, SLICE_MS } from '../../../netcode/client/replay-budget.ts';

/** A machine on which a step takes `stepMs`, pulsed every 4 ms: each time one tick ahead, and a replay of `ticks` if none is under way. */
function run({ stepMs, ticks, forMs }: { stepMs: number; ticks: number; forMs: number }) {
  let nowMs = 0;
  const budget = new ReplayBudget(() => nowMs);
  let left = 0;
  let [replays, ahead, updates, busyMs, longestMs] = [0, 0, 0, 0, 0];
  while (nowMs < forMs) {
    nowMs = Math.floor(nowMs / 4) * 4 + 4;
    if (budget.isGivenUp) continue;
    const startMs = nowMs;
    updates++;
    budget.beginSlice();
    if (budget.mayReplay()) {
      if (left === 0) left = ticks;
      while (left > 0 && budget.hasTime()) {
        nowMs += stepMs;
        left--;
      }
      if (left === 0) replays++;
    }
    nowMs += stepMs;
    ahead++;
    budget.endSlice(left === 0);
    if (budget.isGivenUp) left = 0;
    busyMs += nowMs - startMs;
    longestMs = Math.max(longestMs, nowMs - startMs);
  }
  return { budget, replays, ahead, updates, busyPart: busyMs / nowMs, longestMs };
}

test('[LOAD1] a fast machine replays whenever it is asked', () => {
  const { budget, replays, updates } = run({ stepMs: 0.1, ticks: 12, forMs: 1000 });
  expect(budget.overloads).toBe(0);
  expect([updates, replays]).toEqual([250, 250]);
});

test('[LOAD2] a slower one replays in slices, seldomer, and goes ahead in every update', () => {
  const { budget, replays, ahead, updates, busyPart, longestMs } = run({ stepMs: 0.5, ticks: 30, forMs: 5000 });
  expect(budget.overloads).toBe(0);
  expect(replays).toBeGreaterThan(100);
  expect(ahead).toBe(updates);
  expect(busyPart).toBeLessThan(0.7);
  expect(longestMs).toBeLessThanOrEqual(SLICE_MS + 2 * 0.5);
});

test('[LOAD3] one that is too slow gives up, and tries again seldomer and seldomer instead of spiralling', () => {
  for (const stepMs of [3, 25, 200]) {
    const { budget, busyPart } = run({ stepMs, ticks: 15, forMs: 60_000 });
    // After 5, 10, 20 and 40 s, each time for a second or less and what its last steps took.
    expect(budget.overloads).toBeGreaterThanOrEqual(3);
    expect(busyPart).toBeLessThan((4 * 1500) / 60_000);
  }
});

test('[LOAD4] prediction comes back when the machine is fast again', () => {
  let nowMs = 0;
  const budget = new ReplayBudget(() => nowMs);
  budget.beginSlice();
  nowMs += REPLAY_MS_MAX + 1;
  budget.endSlice(false);
  expect(budget.isGivenUp).toBe(true);
  nowMs += RETRY_MS;
  expect(budget.isGivenUp).toBe(false);
});

test('[LOAD5] without a clock there is no limit', () => {
  const budget = new ReplayBudget(undefined);
  budget.beginSlice();
  expect([budget.mayReplay(), budget.hasTime(), budget.isGivenUp]).toEqual([true, true, false]);
});
