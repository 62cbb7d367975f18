/** What a moving point touches first: one question about a seen world while it is answered. Made once, used again. */
import type { Place } from '../wire/place.ts';
import type { Point } from '../define-game.ts';
import type { EntityAccessor } from './entity.ts';
import type { Table } from './world-state.ts';

/** A radius, or what tells it of each entity. */
export type Radius = number | ((entity: EntityAccessor) => number);

export class TouchSearch {
  best: EntityAccessor | undefined;
  bestPart = Infinity;
  #bestSquared = Infinity;
  #bestId = 0;
  /** Of the last one that was measured: how far it was at first, squared. */
  squared = 0;
  hasHeight = false;
  #x = 0;
  #y = 0;
  #z = 0;
  #toX = 0;
  #toY = 0;
  #toZ = 0;
  #at = 0;
  #step = 1;

  /** Throws TypeError if a point is none. */
  begin(from: Point, to: Point, { at, step, isFlat }: Place): void {
    requirePoint(from);
    requirePoint(to);
    this.hasHeight = !isFlat && from.z !== undefined && to.z !== undefined;
    this.#x = from.x;
    this.#y = from.y;
    this.#z = this.hasHeight ? from.z! : 0;
    this.#toX = to.x;
    this.#toY = to.y;
    this.#toZ = this.hasHeight ? to.z! : 0;
    this.#at = at;
    this.#step = step;
    this.best = undefined;
    this.bestPart = Infinity;
    this.#bestSquared = Infinity;
  }

  /** When it comes within reach of what goes from one row's place to another's: the part (0 to 1) of the way, or Infinity. Grazing counts. */
  partTo(before: Table, beforeRow: number, now: Table, row: number, reach: number): number {
    const step = this.#step;
    let from = beforeRow * before.stride + this.#at;
    let to = row * now.stride + this.#at;
    // Seen from the target, which then stands still.
    const dx = this.#x - before.data[from]! * step;
    const dy = this.#y - before.data[from + 1]! * step;
    const endX = this.#toX - now.data[to]! * step;
    const endY = this.#toY - now.data[to + 1]! * step;
    // Most are far to one side all the way.
    if ((dx > reach && endX > reach) || (dx < -reach && endX < -reach)) return Infinity;
    if ((dy > reach && endY > reach) || (dy < -reach && endY < -reach)) return Infinity;
    const vx = endX - dx;
    const vy = endY - dy;
    let squared = dx * dx + dy * dy;
    let along = dx * vx + dy * vy;
    let way = vx * vx + vy * vy;
    if (this.hasHeight) {
      from += 2;
      to += 2;
      const dz = this.#z - before.data[from]! * step;
      const vz = this.#toZ - now.data[to]! * step - dz;
      squared += dz * dz;
      along += dz * vz;
      way += vz * vz;
    }
    this.squared = squared;
    const beyond = squared - reach * reach;
    if (beyond <= 0) return 0;
    const discriminant = along * along - way * beyond;
    if (along >= 0 || discriminant < 0) return Infinity;
    const part = beyond / (Math.sqrt(discriminant) - along);
    return part <= 1 ? part : Infinity;
  }

  /** Whether what was measured last, touched at `part`, comes before the best: of what is touched at once the nearest, then the first id. */
  isFirst(part: number, id: number): boolean {
    if (part !== this.bestPart) return part < this.bestPart;
    return part < Infinity && (this.squared < this.#bestSquared || (this.squared === this.#bestSquared && id < this.#bestId));
  }

  /** `squared` as it was measured: asking the game in between may have led to other measurements. */
  take(entity: EntityAccessor, part: number, squared: number): void {
    this.best = entity;
    this.bestPart = part;
    this.#bestSquared = squared;
    this.#bestId = entity.id;
  }

  /** Where it touches the best. */
  get place(): Point {
    const part = this.bestPart;
    const x = this.#x + (this.#toX - this.#x) * part;
    const y = this.#y + (this.#toY - this.#y) * part;
    return this.hasHeight ? { x, y, z: this.#z + (this.#toZ - this.#z) * part } : { x, y };
  }
}

export function radiusOf(radius: Radius, entity: EntityAccessor): number {
  return requireRadius(typeof radius === 'number' ? radius : radius(entity));
}

export function requireRadius(radius: number): number {
  if (!(radius >= 0)) throw new RangeError(`radius ${radius} must be 0 or above`);
  return radius;
}

function requirePoint({ x, y, z = 0 }: Point): void {
  if (!Number.isFinite(x) || !Number.isFinite(y) || !Number.isFinite(z)) throw new TypeError(`(${x}, ${y}, ${z}) is no finite point`);
}
