/**
 * A new entity on the wire. It is in every packet until one of them is acknowledged, so it had better be small: most new
 * things come out of another thing of the same owner, their *parent* (a ship's bullet), at the place and in the direction that
 * the parent had in the tick of their birth. That place is between two states of the parent that the client knows.
 *
 * What the parent does not tell (speed, life span, distance from the parent's centre) is taken from the new entity before.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import { type EntityId, PLAYERS_MAX } from '../core/ids.ts';
import { cos, sin } from '../core/trig.ts';
import { NUMBER_CONTEXTS, type NumberContexts } from '../wire/number.ts';
import type { Part, Row } from '../wire/schema.ts';
import { COUNTER_BITS, spawnerOf } from '../world/world-state.ts';
import * as c from './contexts.ts';
import { difference, moved } from './delta.ts';
import { codeBytes, codeRaw } from './entity-coder.ts';
import { kindPlanOf, type KindPlan, type MovingPart } from './kind-plan.ts';
import type { Parents } from './parents.ts';
import type { ValueCoder } from './value-coder.ts';

/** Ages above this are told as this: the entity is not new but new to the client. */
const AGE_MAX = 63;
const TURN = 2 * Math.PI;
const SPAWNER_BITS = 5;
const COUNTER_MASK = (1 << COUNTER_BITS) - 1;

/** What links a kind to its parents' kind. */
export interface Descent {
  /** The parents' kind, or -1. */
  readonly kind: number;
  /** For each part of a child the parent's part of the same name and range, or -1. */
  readonly from: Int32Array;
  /** The parent's heading: its first cyclic part, or -1; and how many steps a turn has. */
  readonly heading: number;
  readonly turnSteps: number;
  /** The child's driven parts in the plane, if their velocity goes where the parent heads. */
  readonly flight: readonly [MovingPart, MovingPart] | undefined;
  /** The parent's driven parts, by part. */
  readonly drives: readonly (MovingPart | undefined)[];
}

export class BirthCoder {
  readonly descent: Descent;
  readonly #kind: Kind;
  readonly #plan: KindPlan;
  /** Parts that are velocities of the flight. */
  readonly #isFlight: Uint8Array;
  readonly #where: NumberContexts = { base: 0, usualDigits: 0, sign: 0, flip: 0 };
  /** The values of the new entity before it, and the tick of its birth. */
  readonly #previous: Int32Array;
  #previousBorn = 0;
  #previousId = 0;
  #isFirst = true;
  #tick = 0;
  /** How fast children are, in steps of their velocity, and how far from the parent they begin, in steps of their place. */
  #speed = 0;
  #reach = 0;
  /** The parent at the birth: its place by part, and the direction it headed. */
  readonly #place: Float64Array;
  #ux = 0;
  #uy = 0;

  constructor(game: AnyGame, kind: Kind) {
    this.#kind = kind;
    this.#plan = kindPlanOf(kind, game.tickRate);
    this.descent = descentOf(game, kind, this.#plan);
    this.#previous = kind.layout.initial.slice();
    this.#place = new Float64Array(kind.layout.parts.length);
    this.#isFlight = new Uint8Array(kind.layout.parts.length);
    for (const { velocity } of this.descent.flight ?? []) this.#isFlight[velocity] = 1;
  }

  /** Before the new entities of a packet, which is of `tick`. */
  begin(tick: number): void {
    this.#tick = tick;
    this.#previous.set(this.#kind.layout.initial);
    this.#previousBorn = tick;
    this.#previousId = 0;
    this.#isFirst = true;
    this.#speed = this.#reach = 0;
  }

  /** Codes an id above the one before. `nextCounters` holds, by spawner, what its next id is expected to be. Undefined if it is none. */
  codeId(coder: ValueCoder, id: number, nextCounters: Int32Array): EntityId | undefined {
    const before = spawnerOf(this.#previousId as EntityId);
    let spawner = spawnerOf(id as EntityId) as number;
    if (coder.raw(spawner === before ? 1 : 0, 1) === 1) spawner = before;
    else spawner = coder.raw(spawner, SPAWNER_BITS);
    const expected = nextCounters[spawner]!;
    const counter = expected + coder.number((id & COUNTER_MASK) - expected, this.#number(c.NEW_ID));
    const result = ((spawner << COUNTER_BITS) | counter) as EntityId;
    if (counter < 1 || counter > COUNTER_MASK || result <= this.#previousId) return undefined;
    nextCounters[spawner] = counter + 1;
    this.#previousId = result;
    return result;
  }

  /** Codes the values of an entity at `row[at]…`; `bornTick` is the encoder's to know. */
  code(coder: ValueCoder, row: Row, at: number, bornTick: number, parents: Parents): void {
    const { parts } = this.#kind.layout;
    const { held, free, driven, rotations, blobs } = this.#plan;
    const spawner = spawnerOf(this.#previousId as EntityId);
    const isOwn = coder.bit(row[at] === spawner ? 1 : 0, c.NEW_OWN);
    const owner = isOwn === 1 ? spawner : coder.raw(row[at]!, SPAWNER_BITS);
    if (!coder.isEncoding) row[at] = owner;
    const { canMove } = this.#plan;
    const hasAge = canMove || held.some((i) => parts[i]!.isTick === true);
    let age = Math.min(AGE_MAX, Math.max(0, this.#tick - bornTick));
    if (hasAge) age = Math.min(AGE_MAX, Math.max(0, coder.number(age, this.#number(c.NEW_AGE))));
    const born = this.#tick - age;
    const hasParent = this.#codeParent(coder, row, at, owner, age, parents);
    for (let n = 1; n < held.length; n++) {
      const i = held[n]!;
      const part = parts[i]!;
      const isTick = part.isTick === true;
      const expected = isTick ? moved(part, born, this.#isFirst ? 0 : this.#previous[i]! - this.#previousBorn) : this.#previous[i]!;
      this.#codeNumber(coder, row, at + i, part, expected, isTick ? c.NEW_TICK : c.NEW_OTHER);
    }
    for (const group of free) {
      for (const { at: i, part } of group) {
        const isFlight = hasParent && this.#isFlight[i] === 1;
        let expected = hasParent && this.descent.from[i]! >= 0 ? Math.floor(this.#place[i]! + 0.5) : this.#previous[i]!;
        if (isFlight) expected = Math.floor(this.#speed * (i === this.descent.flight![0].velocity ? this.#ux : this.#uy) + 0.5);
        this.#codeNumber(coder, row, at + i, part, moved(part, expected, 0), isFlight ? c.NEW_VELOCITY : c.NEW_OTHER);
      }
    }
    if (hasParent) this.#aim(row, at);
    for (const group of driven) {
      for (const { at: i, part, velocity, perTick } of group) {
        if (!hasParent || this.descent.from[i]! < 0) codeRaw(coder, row, at + i, part);
        else {
          const expected = moved(part, this.#expectedBirthplace(i), Math.floor(row[at + velocity]! * perTick + 0.5) * age);
          this.#codeNumber(coder, row, at + i, part, expected, c.NEW_PLACE);
          this.#place[i] = row[at + i]! - expected;
        }
      }
    }
    for (const { at: i } of rotations) {
      for (let k = i; k < i + 4; k++) {
        const expected = hasParent && this.descent.from[k]! >= 0 ? Math.floor(this.#place[k]! + 0.5) : this.#previous[k]!;
        this.#codeNumber(coder, row, at + k, parts[k]!, expected, c.NEW_OTHER);
      }
    }
    for (const blob of blobs) codeBytes(coder, row, at, blob, parts);
    if (hasParent) this.#learn(row, at);
    for (let i = 0; i < parts.length; i++) this.#previous[i] = row[at + i]!;
    this.#previousBorn = born;
    this.#isFirst = false;
  }

  #number(which: number): NumberContexts {
    const where = this.#where;
    where.base = c.NUMBER_OTHER + which * NUMBER_CONTEXTS;
    where.usualDigits = 1;
    where.sign = c.SIGN_OTHER + which;
    where.flip = 0;
    return where;
  }

  #codeNumber(coder: ValueCoder, row: Row, to: number, part: Part, expected: number, which: number): void {
    const miss = coder.number(difference(part, expected, row[to]!), this.#number(which));
    if (!coder.isEncoding) row[to] = moved(part, expected, miss);
  }

  /** Codes which entity of the same owner it comes from, and finds where that was. Returns whether there is one. */
  #codeParent(coder: ValueCoder, row: Row, at: number, owner: number, age: number, parents: Parents): boolean {
    if (this.descent.kind < 0 || owner === 0 || parents.countOf(owner) === 0) return false;
    const chosen = coder.isEncoding ? this.#nearestParent(row, at, owner, age, parents) : 0;
    if (coder.bit(chosen >= 0 ? 1 : 0, c.NEW_PARENT) === 0) return false;
    const count = parents.countOf(owner);
    const which = count === 1 ? 0 : coder.number(chosen, this.#number(c.NEW_WHICH));
    this.#placeParent(parents, parents.find(owner, Math.min(count - 1, Math.max(0, which))), age);
    return true;
  }

  /** The parent from which the least has to be told, as its number among its owner's. */
  #nearestParent(row: Row, at: number, owner: number, age: number, parents: Parents): number {
    let best = 0;
    let bestMiss = Infinity;
    for (let n = 0; n < parents.countOf(owner); n++) {
      this.#placeParent(parents, parents.find(owner, n), age);
      this.#aim(row, at);
      let miss = 0;
      for (const group of this.#plan.driven) {
        for (const { at: i, part, velocity, perTick } of group) {
          if (this.descent.from[i]! < 0) continue;
          const expected = moved(part, this.#expectedBirthplace(i), Math.floor(row[at + velocity]! * perTick + 0.5) * age);
          miss += Math.abs(difference(part, expected, row[at + i]!));
        }
      }
      if (miss < bestMiss) {
        best = n;
        bestMiss = miss;
      }
    }
    return best;
  }

  /** Fills `#place` and the heading with what a parent was `age` ticks ago: on the curve through its two known states. */
  #placeParent(parents: Parents, n: number, age: number): void {
    const { from, heading, turnSteps, drives } = this.descent;
    const parent = parents.at(n);
    const { present, presentAt, past, pastAt, ticks } = parent;
    const share = ticks === 0 ? 1 : Math.max(0, (ticks - age) / ticks);
    for (let i = 0; i < from.length; i++) {
      const p = from[i]!;
      if (p < 0) continue;
      const a = past[pastAt + p]!;
      const b = present[presentAt + p]!;
      const drive = drives[p];
      if (drive === undefined) this.#place[i] = a + difference(this.#kind.layout.parts[i]!, a, b) * share;
      else {
        const h = drive.perTick * ticks;
        const fromVelocity = past[pastAt + drive.velocity]! * h;
        const toVelocity = present[presentAt + drive.velocity]! * h;
        // The cubic (Hermite's) through both places with both velocities.
        const f2 = share * share;
        const f3 = f2 * share;
        this.#place[i] = (2 * f3 - 3 * f2 + 1) * a + (f3 - 2 * f2 + share) * fromVelocity + (3 * f2 - 2 * f3) * b + (f3 - f2) * toVelocity;
      }
    }
    if (heading < 0) return;
    const before = past[pastAt + heading]!;
    const angle = ((before + shortWay(present[presentAt + heading]! - before, turnSteps) * share) * TURN) / turnSteps;
    this.#ux = cos(angle);
    this.#uy = sin(angle);
  }

  /** Where it flies is known by now, and tells on which side of its parent it began. */
  #aim(row: Row, at: number): void {
    const { flight } = this.descent;
    if (flight === undefined) return;
    const x = row[at + flight[0].velocity]!;
    const y = row[at + flight[1].velocity]!;
    const speed = Math.sqrt(x * x + y * y);
    if (speed === 0) return;
    this.#ux = x / speed;
    this.#uy = y / speed;
  }

  #expectedBirthplace(i: number): number {
    const { flight } = this.descent;
    let lead = 0;
    if (flight !== undefined) lead = i === flight[0].at ? this.#ux : i === flight[1].at ? this.#uy : 0;
    return Math.floor(this.#place[i]! + lead * this.#reach + 0.5);
  }

  /** `#place` holds by how much each place was missed. */
  #learn(row: Row, at: number): void {
    const { flight } = this.descent;
    if (flight === undefined) return;
    const [x, y] = [row[at + flight[0].velocity]!, row[at + flight[1].velocity]!];
    this.#speed = Math.sqrt(x * x + y * y);
    this.#reach += this.#place[flight[0].at]! * this.#ux + this.#place[flight[1].at]! * this.#uy;
  }
}

/** A turn of less than half. */
const shortWay = (by: number, turn: number): number => (by > turn / 2 ? by - turn : by < -turn / 2 ? by + turn : by);

/** Finds the kind that knows most of what a new entity of this kind will be. */
function descentOf(game: AnyGame, kind: Kind, plan: KindPlan): Descent {
  const none = new Int32Array(kind.layout.parts.length).fill(-1);
  let best = { kind: -1, from: none, count: 0 };
  for (const other of game.kinds) {
    if (other === kind) continue;
    const from = none.slice();
    let count = 0;
    for (const { name, field, at } of kind.layout.entries) {
      if (field.predictor === 'hold') continue;
      const match = other.layout.entries.find((entry) => entry.name === name && isAlike(entry.field, field));
      if (match === undefined) continue;
      field.parts.forEach((_, i) => (from[at + i] = match.at + i));
      count += field.parts.length;
    }
    if (count > best.count) best = { kind: other.index, from, count };
  }
  const parent = game.kinds[best.kind];
  const drives: (MovingPart | undefined)[] = [];
  let heading = -1;
  if (parent !== undefined) {
    const parentPlan = kindPlanOf(parent, game.tickRate);
    for (const moving of parentPlan.driven.flat()) drives[moving.at] = moving;
    heading = parentPlan.free.flat().find(({ part }) => part.isCyclic)?.at ?? -1;
  }
  const turning = heading < 0 ? undefined : parent!.layout.parts[heading]!;
  const [group] = plan.driven;
  const flight = heading >= 0 && group?.length === 2 && best.from[group[0]!.at]! >= 0 ? ([group[0]!, group[1]!] as const) : undefined;
  return {
    kind: best.kind,
    from: best.from,
    heading,
    turnSteps: turning === undefined ? 1 : turning.max - turning.min + 1,
    flight,
    drives,
  };
}

type Shape = Kind['layout']['entries'][number]['field'];

const isAlike = (a: Shape, b: Shape): boolean =>
  a.step === b.step &&
  a.isRotation === b.isRotation &&
  a.parts.length === b.parts.length &&
  a.parts.every((part, i) => part.min === b.parts[i]!.min && part.max === b.parts[i]!.max && part.isCyclic === b.parts[i]!.isCyclic);

/** Fills `counters` with what each spawner's next id is expected to be: one above its highest known. */
export function raiseCounters(counters: Int32Array, ids: Int32Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const spawner = spawnerOf(ids[i] as EntityId);
    const next = (ids[i]! & COUNTER_MASK) + 1;
    if (next > counters[spawner]!) counters[spawner] = next;
  }
}

/** Room for a counter of every seat. */
export const makeCounters = (): Int32Array => new Int32Array(PLAYERS_MAX + 1);
