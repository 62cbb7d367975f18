/** What lies between two states: entities' rows blended part by part, for what is drawn and for what a shooter was shown. */
import type { EntityId } from '../core/ids.ts';
import type { Kind } from '../define-game.ts';
import { QUATERNION_PARTS } from '../wire/quaternion.ts';
import type { AnyField } from '../wire/schema.ts';
import type { Table, WorldState } from './world-state.ts';

/** Two states and the place between (0 to 1) or beyond (above 1) them. */
export interface Bracket {
  readonly older: WorldState;
  readonly newer: WorldState;
  readonly alpha: number;
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

/** Blends an entity's row into `out`; false if it is at neither end. What is at one end only is as it is there. */
export function blendEntity(out: Float64Array, plan: BlendPlan, { older, newer, alpha }: Bracket, id: EntityId): boolean {
  const olderTable = older.tables[plan.kind.index]!;
  const newerTable = newer.tables[plan.kind.index]!;
  const olderRow = olderTable.rowOf(id);
  const newerRow = newerTable.rowOf(id);
  if (olderRow < 0 && newerRow < 0) return false;
  if (olderRow < 0) blend(out, plan, { older: newerTable, olderRow: newerRow, newer: newerTable, newerRow, alpha: 1 });
  else if (newerRow < 0) blend(out, plan, { older: olderTable, olderRow, newer: olderTable, newerRow: olderRow, alpha: 1 });
  else blend(out, plan, { older: olderTable, olderRow, newer: newerTable, newerRow, alpha });
  return true;
}
