/**
 * One entity that the client knows, on the wire: is it as expected, gone, as it was; else each part as its difference from
 * what is expected, in contexts that tell how far off it may be. One description for both directions (`ValueCoder`).
 */
import type { AnyGame, Kind } from '../define-game.ts';
import type { NumberContexts } from '../wire/number.ts';
import { NUMBER_CONTEXTS } from '../wire/number.ts';
import { BYTES_PER_PART } from '../wire/bytes-fields.ts';
import { bitsFor } from '../wire/packet.ts';
import type { Part, Row } from '../wire/schema.ts';
import * as c from './contexts.ts';
import { difference, moved } from './delta.ts';
import { CHANGE, GONE, KEEP } from './fate.ts';
import { kindPlanOf, type KindPlan, type MovingPart } from './kind-plan.ts';
import { componentOf, Expectation, type OlderCopies } from './expectation.ts';
import type { Known } from './motion.ts';
import type { Rotation } from './rotation.ts';
import type { ValueCoder } from './value-coder.ts';

/**
 * How far off the first, second and third part of a group may be, in steps, as a weighted sum: a constant, bend, doubt,
 * the rotation's shake, the miss of the part before and of the one before that. Fitted to the training traces by
 * maximum likelihood, like the weights below.
 */
const FREE_WEIGHTS = [
  [0.4375, 0.515625, 0.234375, 0.140625, 0, 0],
  [0.234375, 0.28125, 0.109375, 0.046875, 0.375, 0],
  [0.125, 0.203125, 0.203125, 0.140625, 0.15625, 0.140625],
] as const;
/** Of a rotation's components: a constant, its shake, the miss of the position, of the component before, and before that. */
const ROTATION_WEIGHTS = [
  [0.078125, 0.140625, 0.078125, 0, 0],
  [0.078125, 0.125, 0.046875, 0.25, 0],
  [0.078125, 0.09375, 0.015625, 0.21875, 0.203125],
] as const;
/** Of a driven part: a constant, how far the change of its velocity carries, how far the miss of it does, the part before. */
const DRIVEN_WEIGHTS = [
  [0.06, 0.05, 0.25, 0],
  [0.06, 0.05, 0.25, 0.25],
  [0.06, 0.05, 0.25, 0.25],
] as const;
/** The least that anything may be off. */
const SCALE_MIN = 0.03;
/** Ticks for which a changing velocity is followed one by one. */
const DRIVEN_TICKS_MAX = 32;

const scaleOf = (size: number): number => Math.min(c.SCALES - 1, 32 - Math.clz32((size + SCALE_MIN) * 8));
/** How far a part is expected to go, compared with how far off it may be: 0 to 3. */
function quarterOf(path: number, size: number): number {
  const quarter = 4 * size + 2;
  return path < quarter ? 0 : path < 2 * quarter ? 1 : path < 3 * quarter ? 2 : 3;
}

export class EntityCoder {
  readonly plan: KindPlan;
  readonly #kind: Kind;
  readonly #expectation: Expectation;
  /** By part: value minus expectation, once coded. */
  readonly #misses: Float64Array;
  /** Of the number at hand. */
  readonly #where: NumberContexts = { base: 0, usualDigits: 0, sign: 0, flip: 0 };
  #tick = 0;
  #wasExpected = 1;
  #history = 0;
  /** 1 once a held part of the entity turned out to have changed. */
  #switched = 0;
  #positionMiss = 0;

  constructor(game: AnyGame, kind: Kind) {
    this.#kind = kind;
    this.plan = kindPlanOf(kind, game.tickRate);
    this.#expectation = new Expectation(kind, this.plan);
    this.#misses = new Float64Array(kind.layout.parts.length);
  }

  /** Before the entities of a packet, which is of `tick`. */
  begin(tick: number): void {
    this.#tick = tick;
    this.#wasExpected = 1;
    this.#history = 0;
  }

  /** Takes the entity's values in the baseline, and where to find it in the older copies; ids ascend from call to call. */
  open(id: number, first: Known, older: OlderCopies): void {
    this.#expectation.open(this.#tick, id, first, older);
  }

  /**
   * Codes what became of an entity that moved lately, `movedWhen` 1 (long ago) to 3 (last): KEEP, CHANGE or GONE, and its values at
   * `row[at]…`. `isNews` is false for what has to wait. Returns what became of it.
   */
  codeMoving(coder: ValueCoder, fate: number, row: Row, at: number, movedWhen: number): number {
    const { canMove, firstSwitch } = this.plan;
    const expectation = this.#expectation;
    const { first } = expectation.motion;
    expectation.prepare();
    const { due } = expectation;
    const steady = expectation.isSteady ? 1 : 0;
    const edge = expectation.isAtEdge() ? 1 : 0;
    if (canMove) {
      let isExpected = coder.isEncoding && fate === CHANGE && expectation.isMet(row, at) ? 1 : 0;
      isExpected = coder.bit(isExpected, c.AS_EXPECTED + ((steady * 2 + this.#wasExpected) * 3 + due) * 2 + edge);
      this.#wasExpected = isExpected;
      if (isExpected === 1) {
        this.#history = ((this.#history << 1) | 1) & 3;
        if (!coder.isEncoding) expectation.take(row, at);
        return CHANGE;
      }
    }
    if (coder.bit(fate === GONE ? 1 : 0, c.GONE + (steady * 3 + due) * 2 + edge) === 1) return GONE;
    const isSwitchedOn = firstSwitch >= 0 && first.row[first.at + firstSwitch] === 1 ? 1 : 0;
    const isKept = coder.bit(fate === KEEP ? 1 : 0, c.KEPT + ((movedWhen - 1) * 2 + isSwitchedOn) * 4 + this.#history);
    this.#history = ((this.#history << 1) | (1 - isKept)) & 3;
    if (isKept === 1) return KEEP;
    this.#codeParts(coder, row, at);
    return CHANGE;
  }

  /** Codes an entity that did not move lately and is mentioned all the same: CHANGE or GONE. */
  codeResting(coder: ValueCoder, fate: number, row: Row, at: number): number {
    if (coder.bit(fate === GONE ? 1 : 0, c.RESTING_GONE) === 1) return GONE;
    this.#codeParts(coder, row, at);
    return CHANGE;
  }

  #codeParts(coder: ValueCoder, row: Row, at: number): void {
    const { held, free, driven, rotations, blobs } = this.plan;
    this.#expectation.predict();
    this.#switched = 0;
    for (let n = 0; n < held.length; n++) this.#codeHeld(coder, row, at, n);
    this.#positionMiss = 0;
    for (let g = 0; g < free.length; g++) this.#codeFree(coder, row, at, free[g]!, g === 0 && driven.length === 0);
    for (let g = 0; g < driven.length; g++) this.#codeDriven(coder, row, at, driven[g]!, g === 0);
    for (let n = 0; n < rotations.length; n++) this.#codeRotation(coder, row, at, n);
    for (let n = 0; n < blobs.length; n++) this.#codeBlob(coder, row, at, blobs[n]!);
  }

  #codeHeld(coder: ValueCoder, row: Row, at: number, n: number): void {
    const i = this.plan.held[n]!;
    const part = this.#kind.layout.parts[i]!;
    const { first, second, third } = this.#expectation.motion;
    const old = first.row[first.at + i]!;
    const recent = second.row[second.at + i] !== old ? 2 : third.row[third.at + i] !== old ? 1 : 0;
    const isSwitch = part.min === 0 && part.max === 1;
    const isTick = part.isTick === true;
    let context = c.heldBase(n);
    if (isSwitch) {
      const far = this.#expectation.pathLength < 0.5 ? 0 : this.#expectation.pathLength < 3 ? 1 : 2;
      context += ((old * 3 + far) * 2 + (recent > 0 ? 1 : 0)) * 2 + this.#switched;
    } else {
      const due = !isTick ? 3 : old <= first.tick ? 1 : old <= this.#tick ? 2 : 0;
      context += (recent * 2 + this.#switched) * 4 + due;
    }
    let target = row[at + i]!;
    if (coder.bit(target === old ? 1 : 0, context) === 1) target = old;
    else {
      this.#switched = 1;
      if (isSwitch) target = 1 - old;
      else if (isTick) target = moved(part, this.#tick, coder.number(target - this.#tick, this.#other(c.TICK_CHANGE)));
      else target = moved(part, old, coder.number(difference(part, old, target), this.#other(c.HELD_CHANGE)));
    }
    this.#misses[i] = target - old;
    if (!coder.isEncoding) row[at + i] = target;
  }

  #other(which: number): NumberContexts {
    const where = this.#where;
    where.base = c.NUMBER_OTHER + which * NUMBER_CONTEXTS;
    where.usualDigits = 1;
    where.sign = c.SIGN_OTHER + which;
    where.flip = 0;
    return where;
  }

  /** Codes a moving part that is expected to be off as its scale says, and notes its miss. */
  #codePart(coder: ValueCoder, row: Row, at: number, moving: MovingPart, scale: number): void {
    const { at: i, part } = moving;
    const where = this.#where;
    where.base += (this.#switched * c.SCALES + scale) * NUMBER_CONTEXTS;
    where.usualDigits = c.usualDigitsOf(scale);
    const expected = this.#expectation.expected[i]!;
    const miss = coder.number(difference(part, expected, row[at + i]!), where);
    if (!coder.isEncoding) row[at + i] = moved(part, expected, miss);
    this.#misses[i] = miss;
  }

  #codeFree(coder: ValueCoder, row: Row, at: number, group: readonly MovingPart[], isPosition: boolean): void {
    const where = this.#where;
    const shake = this.#expectation.rotations.length > 0 ? this.#expectation.rotations[0]!.shake : 0;
    const d = this.#expectation.motion.ticks;
    const { velocities, bends, doubts } = this.#expectation;
    let before = 0;
    let beforeThat = 0;
    let squares = 0;
    for (let n = 0; n < group.length; n++) {
      const { at: i } = group[n]!;
      const w = FREE_WEIGHTS[n]!;
      const velocity = velocities[i]!;
      const size = w[0] + w[1] * bends[i]! + w[2] * doubts[i]! + w[3] * shake + w[4] * before + w[5] * beforeThat;
      where.base = c.NUMBER_FREE;
      where.sign = c.SIGN_FREE + quarterOf(Math.abs(velocity) * d, size) * 3 + n;
      where.flip = velocity < 0 ? 1 : 0;
      this.#codePart(coder, row, at, group[n]!, scaleOf(size));
      beforeThat = before;
      before = Math.abs(this.#misses[i]!);
      squares += before * before;
    }
    if (isPosition) this.#positionMiss = Math.sqrt(squares);
  }

  #codeDriven(coder: ValueCoder, row: Row, at: number, group: readonly MovingPart[], isPosition: boolean): void {
    const where = this.#where;
    const { first, ticks } = this.#expectation.motion;
    let before = 0;
    let squares = 0;
    for (let n = 0; n < group.length; n++) {
      const { at: i, part, velocity, perTick } = group[n]!;
      const old = first.row[first.at + velocity]!;
      const now = row[at + velocity]!;
      this.#expectation.expected[i] = moved(part, first.row[first.at + i]!, pathOf(group[n]!, old, now, ticks));
      const w = DRIVEN_WEIGHTS[n]!;
      const reach = perTick * ticks;
      const size = w[0] + w[1] * Math.abs(now - old) * reach + w[2] * Math.abs(this.#misses[velocity]!) * reach + w[3] * before;
      where.base = c.NUMBER_DRIVEN;
      where.sign = c.SIGN_DRIVEN + n;
      where.flip = this.#misses[velocity]! < 0 ? 1 : 0;
      this.#codePart(coder, row, at, group[n]!, scaleOf(size));
      before = Math.abs(this.#misses[i]!);
      squares += before * before;
    }
    if (isPosition) this.#positionMiss = Math.sqrt(squares);
  }

  #codeRotation(coder: ValueCoder, row: Row, at: number, n: number): void {
    const rotation = this.#expectation.rotations[n]!;
    const { at: i, limit } = this.plan.rotations[n]!;
    const { shake } = rotation;
    const where = this.#where;
    const position = this.#positionMiss;
    const weights = ROTATION_WEIGHTS[0];
    const size = SCALE_MIN + weights[0] + weights[1] * shake + weights[2] * position;
    const margin = Math.min(c.MARGINS - 1, 32 - Math.clz32(((rotation.margin + 0.3) / (size + 0.3)) * 4));
    const largest = codeLargest(coder, rotation, row[at + i]!, margin);
    if (!coder.isEncoding) row[at + i] = largest;
    rotation.express(largest);
    let before = 0;
    let beforeThat = 0;
    for (let k = 0; k < 3; k++) {
      const w = ROTATION_WEIGHTS[k]!;
      const off = w[0] + w[1] * shake + w[2] * position + w[3] * before + w[4] * beforeThat;
      const scale = scaleOf(off);
      const path = rotation.path[k]!;
      where.base = c.NUMBER_FREE + (this.#switched * c.SCALES + scale) * NUMBER_CONTEXTS;
      where.usualDigits = c.usualDigitsOf(scale);
      where.sign = c.SIGN_ROTATION + quarterOf(Math.abs(path), off) * 3 + k;
      where.flip = path < 0 ? 1 : 0;
      const expected = componentOf(rotation.expected[k]!, limit);
      const to = at + i + 1 + k;
      const miss = coder.number(row[to]! - expected, where);
      if (!coder.isEncoding) row[to] = Math.min(limit - 1, Math.max(-limit, expected + miss));
      beforeThat = before;
      before = Math.abs(miss);
    }
  }

  #codeBlob(coder: ValueCoder, row: Row, at: number, blob: { readonly at: number; readonly count: number }): void {
    const { first } = this.#expectation.motion;
    const { parts } = this.#kind.layout;
    let isSame = 1;
    for (let i = blob.at; i < blob.at + blob.count; i++) if (row[at + i] !== first.row[first.at + i]) isSame = 0;
    isSame = coder.bit(isSame, c.BLOB_SAME);
    if (isSame === 0) codeBytes(coder, row, at, blob, parts);
    else if (!coder.isEncoding) for (let i = blob.at; i < blob.at + blob.count; i++) row[at + i] = first.row[first.at + i]!;
  }
}

/** Codes a text or a value: how many bytes, and the parts that hold them. The others are zero. */
export function codeBytes(
  coder: ValueCoder,
  row: Row,
  at: number,
  blob: { readonly at: number; readonly count: number },
  parts: readonly Part[],
): void {
  codeRaw(coder, row, at + blob.at, parts[blob.at]!);
  const used = Math.ceil(row[at + blob.at]! / BYTES_PER_PART);
  for (let i = 1; i < blob.count; i++) {
    if (i <= used) codeRaw(coder, row, at + blob.at + i, parts[blob.at + i]!);
    else if (!coder.isEncoding) row[at + blob.at + i] = 0;
  }
}

/** Codes a part as it is. */
export function codeRaw(coder: ValueCoder, row: Row, at: number, { min, max }: { readonly min: number; readonly max: number }): void {
  const value = coder.raw(row[at]! - min, bitsFor(max - min));
  if (!coder.isEncoding) row[at] = Math.min(max, min + value);
}

/** How far a part goes whose velocity goes evenly from one value to another, rounded after each tick. */
function pathOf({ perTick }: MovingPart, from: number, to: number, ticks: number): number {
  if (from === to || ticks > DRIVEN_TICKS_MAX) return Math.floor(((from + to) / 2) * perTick + 0.5) * ticks;
  let path = 0;
  for (let k = 1; k <= ticks; k++) path += Math.floor((from + ((to - from) * k) / ticks) * perTick + 0.5);
  return path;
}

/** Codes which component of a rotation is left out. */
function codeLargest(coder: ValueCoder, { largest, runnerUp }: Rotation, target: number, margin: number): number {
  if (coder.bit(target === largest ? 1 : 0, c.LARGEST_FIRST + margin) === 1) return largest;
  if (coder.bit(target === runnerUp ? 1 : 0, c.LARGEST_SECOND + margin) === 1) return runnerUp;
  let low = 0;
  while (low === largest || low === runnerUp) low++;
  let high = low + 1;
  while (high === largest || high === runnerUp) high++;
  return coder.bit(target === high ? 1 : 0, c.LARGEST_OTHER) === 1 ? high : low;
}
