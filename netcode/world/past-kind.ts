/** One kind of entity as one player saw it: rows blended between two states of the past, in tables that are used again. */
import type { Kind } from '../define-game.ts';
import type { EntityId, PlayerId, Tick } from '../core/ids.ts';
import { blendEntity, type BlendPlan, blendPlanOf, type Bracket } from './blend.ts';
import { EntityPool, pastEntityClass } from './entity.ts';
import { Table } from './world-state.ts';

/** What a player was shown. */
export interface Sight {
  /** How far behind the tick that is stepped their screen drew what it does not predict, in ticks. */
  readonly delayTicks: number;
  /** The states around a moment that is past; undefined if they are forgotten. Good until the next call. */
  bracketAt(moment: number): Bracket | undefined;
}

export class PastKind {
  /** The number of the step for which it was built. */
  step = -1;
  /** Nothing is taken back: the kind is as it is. */
  isPresent = true;
  /** What the player saw in this tick. */
  readonly now: Table;
  /** What they saw a tick earlier, row by row the same entities. Good after `openBefore`. */
  readonly before: Table;
  readonly entities: EntityPool;
  readonly #plan: BlendPlan;
  readonly #blended: Float64Array;
  #sight: Sight | undefined;
  #moment = 0;
  #hasBefore = false;

  constructor(kind: Kind, tickRate: number) {
    this.now = new Table(kind);
    this.before = new Table(kind);
    this.entities = new EntityPool(this.now, pastEntityClass(kind));
    this.#plan = blendPlanOf(kind, tickRate);
    this.#blended = new Float64Array(kind.layout.parts.length);
  }

  /** The part of a row that holds the tick of its last leap, or -1. */
  get teleportAt(): number {
    return this.#plan.teleportAt;
  }

  /** Takes back what lives in `present` and is not the player's own. */
  build(present: Table, player: PlayerId, sight: Sight | undefined, tick: Tick): void {
    const { kind } = this.#plan;
    this.isPresent = true;
    this.#hasBefore = false;
    if (sight === undefined || kind.predict === 'all') return;
    const rewound = Math.min(sight.delayTicks, kind.rewindTicks);
    if (!(rewound > 0)) return;
    this.#moment = tick - rewound;
    this.#sight = sight;
    const bracket = sight.bracketAt(this.#moment);
    if (bracket === undefined) return;
    this.isPresent = false;
    const { now } = this;
    now.count = 0;
    // As drawing has it: before the newer state, what the older one holds is still there, and nothing else yet.
    const { ids, count } = (bracket.alpha >= 1 ? bracket.newer : bracket.older).tables[kind.index]!;
    let row = 0;
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      row = present.rowFrom(row, id);
      if (row >= present.count) break;
      if (present.ids[row] === id && present.data[row * present.stride] !== player) this.#add(now, bracket, id as EntityId);
    }
  }

  /** Fills `before`. */
  openBefore(): void {
    if (this.#hasBefore || this.isPresent) return;
    this.#hasBefore = true;
    const { now, before } = this;
    const bracket = this.#sight!.bracketAt(this.#moment - 1);
    before.count = 0;
    const { teleportAt } = this.#plan;
    for (let row = 0; row < now.count; row++) {
      const isThere = bracket !== undefined && this.#add(before, bracket, now.ids[row] as EntityId);
      const at = row * now.stride + teleportAt;
      // What has leapt went no way in between: it was where it is, as was what had not been there yet.
      if (!isThere || (teleportAt >= 0 && before.data[at] !== now.data[at])) copyRow(before, now, row);
    }
  }

  #add(table: Table, bracket: Bracket, id: EntityId): boolean {
    const blended = this.#blended;
    if (!blendEntity(blended, this.#plan, bracket, id)) return false;
    const row = table.count;
    table.reserve(row + 1);
    const { data, stride } = table;
    for (let i = 0; i < stride; i++) data[row * stride + i] = Math.floor(blended[i]! + 0.5);
    table.ids[row] = id;
    table.count++;
    return true;
  }
}

function copyRow(to: Table, from: Table, row: number): void {
  to.reserve(row + 1);
  const { stride } = to;
  for (let i = row * stride; i < (row + 1) * stride; i++) to.data[i] = from.data[i]!;
  to.ids[row] = from.ids[row]!;
  to.count = row + 1;
}
