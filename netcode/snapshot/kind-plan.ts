/**
 * How the parts of a kind are coded, from its schema alone. Parts that belong together stand in one group, because what
 * surprises one of them surprises the others: a position's x, y and z, the components of a rotation.
 *
 * Groups are coded in this order, so that each can lean on those before it: switches and names, directions and velocities,
 * positions, rotations, bytes.
 */
import type { Kind } from '../define-game.ts';
import { BYTES_PART_MAX } from '../wire/bytes-fields.ts';
import type { Part } from '../wire/schema.ts';

/** Parts of one group at most: the three axes of space. */
export const GROUP_MAX = 3;

export interface MovingPart {
  readonly at: number;
  readonly part: Part;
  /** Its velocity's part, or -1. */
  readonly velocity: number;
  /** Steps that this part moves in a tick for each step of its velocity. */
  readonly perTick: number;
  /** Whether it is another part's velocity: then it stays as it is once it stays. */
  readonly isVelocity: boolean;
}

export interface KindPlan {
  /** Parts that are not expected to change, but bytes. */
  readonly held: Int32Array;
  /** Of these, those that are ticks. */
  readonly ticks: Int32Array;
  /** Of these, the first that is a switch (0 or 1), or -1: many games have one that says whether a thing lies still. */
  readonly firstSwitch: number;
  /** Parts that go on as they went, in groups of up to three: those without a declared velocity. */
  readonly free: readonly (readonly MovingPart[])[];
  /** Parts moved by a velocity of the same kind. */
  readonly driven: readonly (readonly MovingPart[])[];
  /** Where rotations begin, and what a step of a component is worth. */
  readonly rotations: readonly { readonly at: number; readonly step: number; readonly limit: number }[];
  readonly blobs: readonly { readonly at: number; readonly count: number }[];
  /** Whether nothing moves but by its velocity: a steady one flies on. */
  readonly isBallistic: boolean;
  /** Whether anything moves by itself: then an entity may be just where it was expected. */
  readonly canMove: boolean;
}

export function kindPlanOf({ layout }: Kind, tickRate: number): KindPlan {
  const held: number[] = [0];
  const free: MovingPart[][] = [];
  const driven: MovingPart[][] = [];
  const rotations: { at: number; step: number; limit: number }[] = [];
  const blobs: { at: number; count: number }[] = [];
  let last: { readonly group: MovingPart[]; readonly step: number } | undefined;
  const velocities = new Set(layout.entries.map(({ field }) => field.velocity));
  for (const { name, field, at } of layout.entries) {
    const { parts, step = 1 } = field;
    if (parts[0]!.isBlob === true) {
      // In an array each element begins with its length.
      parts.forEach(({ max }, i) => {
        if (max !== BYTES_PART_MAX) blobs.push({ at: at + i, count: 0 });
        blobs.at(-1)!.count++;
      });
    } else if (field.isRotation && field.predictor === 'linear') {
      for (let i = 0; i < parts.length; i += 4) rotations.push({ at: at + i, step, limit: parts[i + 1]!.max + 1 });
    } else if (field.predictor === 'hold') parts.forEach((_, i) => held.push(at + i));
    else {
      const velocity = layout.entries.find((entry) => entry.name === field.velocity);
      const perTick = velocity === undefined ? 0 : (velocity.field.step ?? 1) / tickRate / step;
      const moving = parts.map((part, i): MovingPart => ({
        at: at + i,
        part,
        velocity: velocity === undefined ? -1 : velocity.at + i,
        perTick,
        isVelocity: velocities.has(name),
      }));
      // Axes given as fields of their own (x, y and z) are one position as well.
      const joins =
        velocity === undefined &&
        parts.length === 1 &&
        last?.step === step &&
        last.group.length < GROUP_MAX &&
        last.group[0]!.part.isCyclic === parts[0]!.isCyclic;
      if (joins) last!.group.push(...moving);
      else {
        const groups = velocity === undefined ? free : driven;
        for (let i = 0; i < moving.length; i += GROUP_MAX) groups.push(moving.slice(i, i + GROUP_MAX));
        last = velocity === undefined && parts.length === 1 ? { group: groups.at(-1)!, step } : undefined;
      }
    }
  }
  const ordered = inOrder(driven, free);
  const isSwitch = (at: number): boolean => at > 0 && layout.parts[at]!.min === 0 && layout.parts[at]!.max === 1;
  return {
    held: Int32Array.from(held),
    ticks: Int32Array.from(held.filter((at) => layout.parts[at]!.isTick === true)),
    firstSwitch: held.find((at) => isSwitch(at)) ?? -1,
    free,
    driven: ordered,
    rotations,
    blobs,
    isBallistic: ordered.length > 0 && rotations.length === 0 && free.flat().every(({ isVelocity }) => isVelocity),
    canMove: free.length + driven.length + rotations.length > 0,
  };
}

/** Velocities that are driven themselves come before what they drive; what would drive itself goes to the free parts. */
function inOrder(driven: readonly MovingPart[][], free: MovingPart[][]): MovingPart[][] {
  const ordered: MovingPart[][] = [];
  let waiting = [...driven];
  while (waiting.length > 0) {
    const parts = new Set(waiting.flat().map(({ at }) => at));
    const ready = waiting.filter((group) => group.every(({ velocity }) => !parts.has(velocity)));
    if (ready.length === 0) {
      free.push(...waiting.map((group) => group.map((moving) => ({ ...moving, velocity: -1 }))));
      break;
    }
    ordered.push(...ready);
    waiting = waiting.filter((group) => !ready.includes(group));
  }
  return ordered;
}
