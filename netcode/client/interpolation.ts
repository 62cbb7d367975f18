/**
 * The recent past as it is drawn: the two received states around a moment, blended part by part. When packets run out
 * the last motion goes on for a short while, then everything stands.
 */
import type { Tick } from '../core/ids.ts';
import type { Kind } from '../define-game.ts';
import type { StateHistory, Table, WorldState } from '../world/world-state.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import { QUATERNION_PARTS } from '../wire/quaternion.ts';
import type { AnyField } from '../wire/schema.ts';

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

/** How a kind's rows blend between states. */
export interface BlendPlan {
  readonly kind: Kind;
  /** For each part whether it blends on its own, in proportion. */
  readonly smooth: readonly boolean[];
  /** Fields that blend as a whole, and where. */
  readonly whole: readonly { readonly at: number; readonly blend: NonNullable<AnyField['blend']> }[];
  /** Orientations that blend: the first part of each, and what a step of its components is worth. */
  readonly rotations: readonly { readonly at: number; readonly step: number }[];
}

export function blendPlanOf(kind: Kind): BlendPlan {
  const smooth = kind.layout.parts.map(() => false);
  const whole: { at: number; blend: NonNullable<AnyField['blend']> }[] = [];
  const rotations: { at: number; step: number }[] = [];
  for (const { field, at } of kind.layout.entries) {
    if (field.smoothing !== 'linear') continue;
    if (field.blend === undefined) field.parts.forEach((_, i) => (smooth[at + i] = true));
    else whole.push({ at, blend: field.blend });
    if (field.isRotation)
      for (let i = 0; i < field.parts.length; i += QUATERNION_PARTS) rotations.push({ at: at + i, step: field.step ?? 1 });
  }
  return { kind, smooth, whole, rotations };
}

export interface BlendRows {
  readonly older: Table;
  readonly olderRow: number;
  readonly newer: Table;
  readonly newerRow: number;
  readonly alpha: number;
}

/**
 * Blends one entity's row into `out`: smooth parts in proportion (cyclic ones the short way round), fields that blend as a
 * whole in their own way, others from the state that is due.
 */
export function blend(out: Float64Array, { kind, smooth, whole }: BlendPlan, rows: BlendRows): void {
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
  for (let i = 0; i < whole.length; i++) {
    const field = whole[i]!;
    field.blend(out, field.at, older.data, olderRow * older.stride + field.at, newer.data, newerRow * newer.stride + field.at, alpha);
  }
}
