/**
 * The recent past as it is drawn: the two received states around a moment, blended part by part. When packets run out
 * the last motion goes on for a short while, then everything stands.
 */
import type { Tick } from '../core/ids.ts';
import type { Kind } from '../define-game.ts';
import type { StateHistory, Table, WorldState } from '../world/world-state.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';

/** How long motion goes on without news, in ticks: 100 ms at 60 Hz. Longer guesses are wronger than standing still. */
const EXTRAPOLATION_TICKS_MAX = 6;

/** Two states and the place between (0 to 1) or beyond (above 1) them. */
export interface Bracket {
  readonly older: WorldState;
  readonly newer: WorldState;
  readonly alpha: number;
}

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

/** Which parts of a kind's rows blend between states. */
export function smoothParts(kind: Kind): readonly boolean[] {
  const smooth = kind.layout.parts.map(() => false);
  for (const { field, at } of kind.layout.entries) if (field.smoothing === 'linear') field.parts.forEach((_, i) => (smooth[at + i] = true));
  return smooth;
}

export interface BlendRows {
  readonly older: Table;
  readonly olderRow: number;
  readonly newer: Table;
  readonly newerRow: number;
  readonly alpha: number;
}

/** Blends one entity's row into `out`: smooth parts in proportion (cyclic ones the short way round), others from the state that is due. */
export function blend(out: Float64Array, kind: Kind, smooth: readonly boolean[], rows: BlendRows): void {
  const { older, olderRow, newer, newerRow, alpha } = rows;
  const { parts } = kind.layout;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const from = older.data[olderRow * older.stride + i]!;
    const to = newer.data[newerRow * newer.stride + i]!;
    if (smooth[i] !== true || from === to) {
      out[i] = alpha >= 1 ? to : from;
      continue;
    }
    let step = to - from;
    const span = part.max - part.min + 1;
    if (part.isCyclic && Math.abs(step) > span / 2) step -= Math.sign(step) * span;
    const value = from + step * alpha;
    out[i] = part.isCyclic ? value : Math.min(part.max, Math.max(part.min, value));
  }
}
