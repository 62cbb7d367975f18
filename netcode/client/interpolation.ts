/**
 * The recent past as it is drawn: the two received states around a moment. When packets run out motion goes on, first as
 * it was and then ever slower, until everything stands: a long silence looks like gliding to a halt, not like a picture
 * that hangs.
 */
import type { Tick } from '../core/ids.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import type { Bracket } from '../world/blend.ts';
import type { StateHistory, WorldState } from '../world/world-state.ts';

/** How long motion goes on undiminished without news: most bursts of loss are over by then. */
const FULL_SPEED_MS = 150;
/**
 * Over so long it then slows, evenly, to a stand: 300 ms after the newest state, 225 ms' worth of motion farther. The longer,
 * the softer (a ship at 380 px/s loses 0.7 px a frame in every frame), and the farther off when the truth is known.
 * Simulated, 100 + 150 ms had three times as many visible jumps in bursts of loss, and 150 + 100 ms half as many again.
 */
const SLOWING_MS = 150;
/** And how fast the place changes: 1 / ticks between the two, less where motion slows. */
export interface DrawnBracket extends Bracket {
  readonly alphaPerTick: number;
}

/** The received states around a moment, in ticks. Undefined before the first one. */
export function bracketAt(
  frames: StateHistory,
  { newestTick, moment, tickRate }: { readonly newestTick: Tick; readonly moment: number; readonly tickRate: number },
): DrawnBracket | undefined {
  const newest = frames.at(newestTick);
  if (newest === undefined) return undefined;
  if (moment >= newestTick) {
    // As between the last two states: over a longer span it would be steadier, and later to notice a turn, which is worse.
    const older = olderThan(frames, newestTick, newestTick) ?? newest;
    const span = Math.max(1, newestTick - older.tick);
    const { ticks, pace } = glide(moment - newestTick, tickRate);
    return { older, newer: newest, alpha: 1 + ticks / span, alphaPerTick: pace / span };
  }
  let newer = newest;
  for (;;) {
    const older = olderThan(frames, newer.tick, newestTick);
    if (older === undefined) return { older: newer, newer, alpha: 1, alphaPerTick: 0 };
    const span = newer.tick - older.tick;
    if (older.tick <= moment) return { older, newer, alpha: (moment - older.tick) / span, alphaPerTick: 1 / span };
    newer = older;
  }
}

/** How far things have gone, in ticks of their motion, after so many ticks without news, and how fast they still are: 1 to 0. */
export function glide(silentTicks: number, tickRate: number): { readonly ticks: number; readonly pace: number } {
  const full = (FULL_SPEED_MS * tickRate) / 1000;
  const slowing = (SLOWING_MS * tickRate) / 1000;
  const slowed = Math.min(slowing, Math.max(0, silentTicks - full));
  return { ticks: Math.min(silentTicks, full) + slowed - (slowed * slowed) / (2 * slowing), pace: 1 - slowed / slowing };
}

function olderThan(frames: StateHistory, tick: Tick, newestTick: Tick): WorldState | undefined {
  for (let t = tick - 1; t > newestTick - HISTORY_TICKS && t >= 0; t--) {
    const state = frames.at(t as Tick);
    if (state !== undefined) return state;
  }
  return undefined;
}
