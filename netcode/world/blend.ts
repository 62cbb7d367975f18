/**
 * What lies between two states, or a little beyond them: entities' rows blended part by part, for what is drawn and for
 * what a shooter was shown.
 *
 * A part whose field names a velocity goes on by that beyond the newer state; and between two states, if it is smooth as
 * `hermite`, on the cubic through both places with both velocities. What has leapt in between (its `teleport` field says
 * when) does not blend at all: it is where it was, going on, until that tick, and from then on where it is.
 */
import type { EntityId } from '../core/ids.ts';
import type { Kind } from '../define-game.ts';
import { QUATERNION_PARTS } from '../wire/quaternion.ts';
import type { AnyField, Part } from '../wire/schema.ts';
import { Table, type WorldState } from './world-state.ts';

/**
 * How far a chord may be from the mean of both ends' velocities, as part of their difference, for a cubic to be believed.
 * Steady acceleration is at 0, a tick of it that was taken before the move at half a tick's worth, a bounce just before or
 * after one of the ends at a half: there a cubic would swing out beyond what it bounced off.
 */
const CURVE_MISS_MAX = 1 / 4;
/** The same, as part of the way: velocities are rounded, and drag or a push is not in them. */
const CURVE_MISS_OF_WAY = 1 / 16;
/** And in steps: both places are rounded. */
const CURVE_MISS_STEPS = 2;
/** Ticks that a thing goes on straight at most before a leap, or is thought to have come straight after it. */
const LEAP_COAST_TICKS_MAX = 12;

/** Two states and the place between (0 to 1) or beyond (above 1) them. */
export interface Bracket {
  readonly older: WorldState;
  readonly newer: WorldState;
  /** If both states are one, 1 and as many ticks more as are beyond it. */
  readonly alpha: number;
}

/** How a kind's rows blend between states. */
export interface BlendPlan {
  readonly kind: Kind;
  /** For each part whether it blends on its own, in proportion. */
  readonly smooth: readonly boolean[];
  /** The fields of such parts: the first part of each, and how many. */
  readonly fields: readonly { readonly at: number; readonly count: number }[];
  /** For each part whether it does so on a cubic. */
  readonly curved: readonly boolean[];
  /** For each part the part that is its velocity, or -1; and how many steps a tick one step of that is worth. */
  readonly velocity: Int32Array;
  readonly perTick: Float64Array;
  /** Fields that blend as a whole, and where. */
  readonly whole: readonly { readonly at: number; readonly blend: NonNullable<AnyField['blend']> }[];
  /** Orientations that blend: the first part of each, and what a step of its components is worth. */
  readonly rotations: readonly { readonly at: number; readonly step: number }[];
  /** The part that holds the tick of the last leap, or -1. */
  readonly teleportAt: number;
  /** For the use of `blendEntity`, which so need not make one each time. */
  readonly rows: { -readonly [K in keyof BlendRows]: BlendRows[K] };
}

export function blendPlanOf(kind: Kind, tickRate: number): BlendPlan {
  const { parts, entries } = kind.layout;
  const smooth = parts.map(() => false);
  const fields: { at: number; count: number }[] = [];
  const curved = parts.map(() => false);
  const velocity = new Int32Array(parts.length).fill(-1);
  const perTick = new Float64Array(parts.length);
  const whole: { at: number; blend: NonNullable<AnyField['blend']> }[] = [];
  const rotations: { at: number; step: number }[] = [];
  let teleportAt = -1;
  for (const { field, at } of entries) {
    if (field.isTeleport === true) teleportAt = at;
    if (field.smoothing === 'none') continue;
    if (field.blend !== undefined) whole.push({ at, blend: field.blend });
    else {
      const speed = entries.find(({ name }) => name === field.velocity);
      fields.push({ at, count: field.parts.length });
      field.parts.forEach((_, i) => {
        smooth[at + i] = true;
        if (speed === undefined) return;
        velocity[at + i] = speed.at + i;
        perTick[at + i] = (speed.field.step ?? 1) / tickRate / (field.step ?? 1);
        curved[at + i] = field.smoothing === 'hermite';
      });
    }
    if (field.isRotation)
      for (let i = 0; i < field.parts.length; i += QUATERNION_PARTS) rotations.push({ at: at + i, step: field.step ?? 1 });
  }
  const none = new Table(kind);
  const rows = { older: none, olderRow: 0, newer: none, newerRow: 0, alpha: 0, olderTick: 0, spanTicks: 1 };
  return { kind, smooth, fields, curved, velocity, perTick, whole, rotations, teleportAt, rows };
}

/** One entity at two ticks, and the place between or beyond them. */
export interface BlendRows {
  readonly older: Table;
  readonly olderRow: number;
  readonly newer: Table;
  readonly newerRow: number;
  readonly alpha: number;
  readonly olderTick: number;
  /** Ticks from the older to the newer: 1 at least. */
  readonly spanTicks: number;
}

/**
 * Blends one entity's row into `out`: smooth parts in proportion or on a cubic (cyclic ones the short way round), fields
 * that blend as a whole in their own way, others from the state that is due.
 */
export function blend(out: Float64Array, plan: BlendPlan, rows: BlendRows): void {
  const { older, olderRow, newer, newerRow, alpha, spanTicks } = rows;
  const { teleportAt, smooth, velocity, whole } = plan;
  const { parts } = plan.kind.layout;
  const olderAt = olderRow * older.stride;
  const newerAt = newerRow * newer.stride;
  if (teleportAt >= 0 && older.data[olderAt + teleportAt] !== newer.data[newerAt + teleportAt]) {
    blendLeap(out, plan, rows, newer.data[newerAt + teleportAt]!);
    return;
  }
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const from = older.data[olderAt + i]!;
    const to = newer.data[newerAt + i]!;
    const speed = smooth[i] === true ? velocity[i]! : -1;
    if (speed >= 0 && alpha > 1) {
      out[i] = within(part, to + newer.data[newerAt + speed]! * plan.perTick[i]! * (alpha - 1) * spanTicks);
      continue;
    }
    const isCurve = speed >= 0 && plan.curved[i] === true && alpha > 0 && alpha < 1;
    if (smooth[i] !== true || (from === to && !isCurve)) {
      out[i] = alpha >= 1 ? to : from;
      continue;
    }
    const step = shortWay(part, to - from);
    if (!isCurve) {
      out[i] = within(part, from + step * alpha);
      continue;
    }
    const perSpan = plan.perTick[i]! * spanTicks;
    out[i] = within(part, from + curve(step, older.data[olderAt + speed]! * perSpan, newer.data[newerAt + speed]! * perSpan, alpha));
  }
  for (let i = 0; i < whole.length; i++) {
    const field = whole[i]!;
    field.blend(out, field.at, older.data, olderAt + field.at, newer.data, newerAt + field.at, alpha);
  }
}

/** A row alone, gone on (or come) straight for so many ticks by the velocities that it names; what names none stands. */
function coast(out: Float64Array, plan: BlendPlan, { table, row, ticks }: { table: Table; row: number; ticks: number }): void {
  const at = row * table.stride;
  const { parts } = plan.kind.layout;
  for (let i = 0; i < parts.length; i++) {
    const speed = plan.velocity[i]!;
    const value = table.data[at + i]!;
    out[i] = speed < 0 || ticks === 0 ? value : within(parts[i]!, value + table.data[at + speed]! * plan.perTick[i]! * ticks);
  }
}

/**
 * Blends an entity's row into `out`; false if it is at neither end. What is at the older end only goes on straight up to
 * the newer; what is at the newer end only is as it is there, and goes on beyond.
 */
export function blendEntity(out: Float64Array, plan: BlendPlan, { older, newer, alpha }: Bracket, id: EntityId): boolean {
  const olderTable = older.tables[plan.kind.index]!;
  const newerTable = newer.tables[plan.kind.index]!;
  const newerRow = newerTable.rowOf(id);
  const olderRow = older === newer ? newerRow : olderTable.rowOf(id);
  if (olderRow < 0 && newerRow < 0) return false;
  const span = newer.tick - older.tick;
  const { rows } = plan;
  if (newerRow < 0) coast(out, plan, { table: olderTable, row: olderRow, ticks: Math.min(1, alpha) * span });
  else if (olderRow < 0 || span <= 0)
    coast(out, plan, { table: newerTable, row: newerRow, ticks: Math.max(0, alpha - 1) * Math.max(1, span) });
  else {
    rows.older = olderTable;
    rows.olderRow = olderRow;
    rows.newer = newerTable;
    rows.newerRow = newerRow;
    rows.alpha = alpha;
    rows.olderTick = older.tick;
    rows.spanTicks = span;
    blend(out, plan, rows);
  }
  return true;
}

/** The short way from one value of a part to another. */
export function shortWay(part: Part, difference: number): number {
  if (!part.isCyclic) return difference;
  const span = part.max - part.min + 1;
  return Math.abs(difference) > span / 2 ? difference - Math.sign(difference) * span : difference;
}

const within = (part: Part, value: number): number => (part.isCyclic ? value : Math.min(part.max, Math.max(part.min, value)));

/** On each side of the leap what was there alone. */
function blendLeap(out: Float64Array, plan: BlendPlan, rows: BlendRows, leapTick: number): void {
  const { older, olderRow, newer, newerRow, alpha, olderTick, spanTicks } = rows;
  const sinceOlder = alpha * spanTicks;
  const hasLeapt = alpha >= 1 || olderTick + sinceOlder >= leapTick;
  const ticks = hasLeapt ? sinceOlder - spanTicks : sinceOlder;
  const coasted = Math.min(LEAP_COAST_TICKS_MAX, Math.max(-LEAP_COAST_TICKS_MAX, ticks));
  if (hasLeapt) coast(out, plan, { table: newer, row: newerRow, ticks: coasted });
  else coast(out, plan, { table: older, row: olderRow, ticks: coasted });
}

/**
 * The way gone at `alpha` on the cubic (Hermite's) that goes `chord` in all and has these velocities (a span) at its ends.
 * Straight if the velocities are not those of the way: see CURVE_MISS_MAX.
 */
function curve(chord: number, before: number, after: number, alpha: number): number {
  const miss = Math.abs(chord - (before + after) / 2);
  const allowed = Math.abs(after - before) * CURVE_MISS_MAX + (Math.abs(before) + Math.abs(after)) * CURVE_MISS_OF_WAY + CURVE_MISS_STEPS;
  if (miss > allowed) return chord * alpha;
  const a2 = alpha * alpha;
  const a3 = a2 * alpha;
  return (a3 - 2 * a2 + alpha) * before + (3 * a2 - 2 * a3) * chord + (a3 - a2) * after;
}
