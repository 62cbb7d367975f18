/**
 * The recent past as it is drawn: the two received states around a moment. When packets run out the last motion goes on
 * for a short while, then everything stands.
 */
import type { Tick } from '../core/ids.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import type { Bracket } from '../world/blend.ts';
import type { StateHistory, WorldState } from '../world/world-state.ts';

/** How long motion goes on without news, in ticks: 100 ms at 60 Hz. Longer guesses are wronger than standing still. */
const EXTRAPOLATION_TICKS_MAX = 6;

/** The received states around a moment. Undefined before the first one. */
export function bracketAt(frames: StateHistory, newestTick: Tick, moment: number): Bracket | undefined {
  const newest = frames.at(newestTick);
  if (newest === undefined) return undefined;
  if (moment >= newestTick) {
    const older = olderThan(frames, newestTick, newestTick) ?? newest;
    const span = newestTick - older.tick;
    const beyond = Math.min(moment - newestTick, EXTRAPOLATION_TICKS_MAX);
    return { older, newer: newest, alpha: span === 0 ? 1 : 1 + beyond / span };
  }
  let newer = newest;
  for (;;) {
    const older = olderThan(frames, newer.tick, newestTick);
    if (older === undefined) return { older: newer, newer, alpha: 1 };
    if (older.tick <= moment) return { older, newer, alpha: (moment - older.tick) / (newer.tick - older.tick) };
    newer = older;
  }
}

function olderThan(frames: StateHistory, tick: Tick, newestTick: Tick): WorldState | undefined {
  for (let t = tick - 1; t > newestTick - HISTORY_TICKS && t >= 0; t--) {
    const state = frames.at(t as Tick);
    if (state !== undefined) return state;
  }
  return undefined;
}
