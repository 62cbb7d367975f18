/** How prediction shares the page's time, and when it gives up. */
import { expect, test } from 'vitest';
import { REPLAY_MS_MAX, ReplayBudget, RETRY_MS, SLICE_MS } from '../../../netcode/client/replay-budget.ts';

/** A machine on which a step takes `stepMs`, pulsed every 4 ms, and asked for a replay of `ticks` whenever none is under way. */
function run({ stepMs, ticks, forMs }: { stepMs: number; ticks: number; forMs: number }) {
  let nowMs = 0;
  const budget = new ReplayBudget(() => nowMs);
  let left = 0;
  let replays = 0;
  let busyMs = 0;
  let longestMs = 0;
  while (nowMs < forMs) {
    nowMs = Math.floor(nowMs / 4) * 4 + 4;
    if (budget.isGivenUp || !budget.beginSlice()) continue;
    const startMs = nowMs;
    if (left === 0) left = ticks;
    while (left > 0 && budget.hasTime()) {
      nowMs += stepMs;
      left--;
    }
    if (left === 0) replays++;
    budget.endSlice(left === 0);
    if (budget.isGivenUp) left = 0;
    busyMs += nowMs - startMs;
    longestMs = Math.max(longestMs, nowMs - startMs);
  }
  return { budget, replays, busyPart: busyMs / nowMs, longestMs };
}

test('[LOAD1] a fast machine replays whenever it is asked', () => {
  const { budget, replays } = run({ stepMs: 0.1, ticks: 12, forMs: 1000 });
  expect(budget.overloads).toBe(0);
  expect(replays).toBe(250);
});

test('[LOAD2] a slower one replays in slices, seldomer, and is never busy for more than half of the time or longer than a slice', () => {
  const { budget, replays, busyPart, longestMs } = run({ stepMs: 1, ticks: 15, forMs: 5000 });
  expect(budget.overloads).toBe(0);
  expect(replays).toBeGreaterThan(100);
  expect(busyPart).toBeLessThan(0.55);
  expect(longestMs).toBeLessThanOrEqual(SLICE_MS + 1);
});

test('[LOAD3] one that is too slow gives up, and tries again seldomer and seldomer instead of spiralling', () => {
  const { budget, busyPart } = run({ stepMs: 25, ticks: 15, forMs: 60_000 });
  // After 5, 10, 20 and 40 s, each time for a quarter of a second and what its last step took.
  expect(budget.overloads).toBe(4);
  expect(busyPart).toBeLessThan((4 * (REPLAY_MS_MAX + 25)) / 60_000);
  expect(budget.isGivenUp).toBe(true);
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
  expect([budget.beginSlice(), budget.hasTime(), budget.isGivenUp]).toEqual([true, true, false]);
});
