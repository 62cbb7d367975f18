/**
 * What the host says: its state at each of the last ticks, and where things were in it. Everything that is drawn is
 * judged by this, so it is taken from the host itself, in the place of a recording.
 */
import type { EntityId, Tick } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import { Recorder } from '../host/recording.ts';
import { StateHistory, type WorldState } from '../world/world-state.ts';

/** Ticks kept: what is drawn now may be seconds behind the host, or ahead and judged only later. */
const TRUTH_TICKS = 512;

/** A tick's way is a leap if it is so much longer than its neighbours', and so many steps: no thrust and no rebound does that. */
const LEAP_FACTOR = 5;
const LEAP_STEPS = 64;

/** The field that says where an entity is. */
export interface Place {
  readonly name: string;
  readonly kind: number;
  readonly at: number;
  /** Components: 1 to 3. */
  readonly size: number;
  /** What a stored step is worth, in the field's unit. */
  readonly step: number;
}

/**
 * Where entities of each kind keep their position: the field of that name, or the first that is drawn smoothly and is a
 * vector, or else a number. Undefined for kinds that have none.
 */
export function placesOf(game: AnyGame, position: string): readonly (Place | undefined)[] {
  return game.kinds.map(({ index, layout }) => {
    const velocities = new Set(layout.entries.map(({ field }) => field.velocity));
    const candidates = layout.entries.filter(
      ({ name, field }) =>
        field.step !== undefined &&
        field.smoothing === 'linear' &&
        field.blend === undefined &&
        field.parts.length <= 3 &&
        field.parts.every(({ isCyclic }) => !isCyclic) &&
        !velocities.has(name),
    );
    const entry =
      candidates.find(({ name }) => name === position) ?? candidates.find(({ field }) => field.parts.length > 1) ?? candidates[0];
    if (entry === undefined) return undefined;
    return { name: entry.name, kind: index, at: entry.at, size: entry.field.parts.length, step: entry.field.step! };
  });
}

export type Point = readonly [number, number, number];

/** Reads a drawn position: a number or a vector. */
export function pointOf(value: unknown): Point | undefined {
  if (typeof value === 'number') return [value, 0, 0];
  if (typeof value !== 'object' || value === null || !('x' in value)) return undefined;
  const { x, y, z = 0 } = value as { readonly x: number; readonly y: number; readonly z?: number };
  return [x, y, z];
}

export function distance(a: Point, b: Point): number {
  return length(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

/** The length of the second difference of three points: by how much the motion changed. */
export function bend(a: Point, b: Point, c: Point): number {
  return length(a[0] - 2 * b[0] + c[0], a[1] - 2 * b[1] + c[1], a[2] - 2 * b[2] + c[2]);
}

const length = (x: number, y: number, z: number): number => Math.sqrt(x * x + y * y + z * z);

/** Fastest and sharpest motion around a moment, per tick. */
export interface Motion {
  readonly speed: number;
  readonly bend: number;
}

export class Truth extends Recorder {
  readonly #states: StateHistory;
  tick = 0;

  constructor(game: AnyGame, seed: number) {
    super(game, seed);
    this.#states = new StateHistory(game.kinds, TRUTH_TICKS);
  }

  override begin(state: WorldState): void {
    this.#states.claim(state.tick).copyFrom(state);
  }

  override record(tick: Tick, { state }: { readonly state: WorldState }): void {
    this.#states.claim(tick).copyFrom(state);
    this.tick = tick;
  }

  /** Where an entity was at a tick; undefined if it was not, or if that is too long ago. */
  at(place: Place, id: EntityId, tick: number): Point | undefined {
    const table = this.#states.at(tick as Tick)?.tables[place.kind];
    const row = table?.rowOf(id) ?? -1;
    if (table === undefined || row < 0) return undefined;
    const from = row * table.stride + place.at;
    const { data } = table;
    return [data[from]! * place.step, place.size > 1 ? data[from + 1]! * place.step : 0, place.size > 2 ? data[from + 2]! * place.step : 0];
  }

  /** Where an entity was between two ticks, or undefined if it was not there at both. */
  between(place: Place, id: EntityId, moment: number): Point | undefined {
    const tick = Math.floor(moment);
    const older = this.at(place, id, tick);
    const alpha = moment - tick;
    if (older === undefined || alpha === 0) return older;
    const newer = this.at(place, id, tick + 1);
    if (newer === undefined) return undefined;
    return [older[0] + (newer[0] - older[0]) * alpha, older[1] + (newer[1] - older[1]) * alpha, older[2] + (newer[2] - older[2]) * alpha];
  }

  /**
   * How far a drawn place is from where an entity was at a moment; undefined if it was not there at both ticks around. Where the
   * host's thing leaps from one tick to the next (a teleport), neither end is wrong, and no way between them.
   */
  errorOf(place: Place, id: EntityId, sample: { readonly moment: number; readonly at: Point }): number | undefined {
    const between = this.between(place, id, sample.moment);
    if (between === undefined) return undefined;
    const error = distance(sample.at, between);
    const tick = Math.floor(sample.moment);
    const older = this.at(place, id, tick);
    const newer = this.at(place, id, tick + 1);
    if (error <= place.step || older === undefined || newer === undefined || !this.#leaps(place, id, tick)) return error;
    return Math.min(error, distance(sample.at, older), distance(sample.at, newer));
  }

  /** Whether it went much farther in the tick after this one than in those before and after that. */
  #leaps(place: Place, id: EntityId, tick: number): boolean {
    const [before, from, to, after] = [-1, 0, 1, 2].map((offset) => this.at(place, id, tick + offset));
    if (from === undefined || to === undefined) return false;
    const usual = Math.max(before === undefined ? 0 : distance(before, from), after === undefined ? 0 : distance(to, after));
    return distance(from, to) > LEAP_FACTOR * usual + LEAP_STEPS * place.step;
  }

  /** Whether it was there at either tick around a moment. */
  has(place: Place, id: EntityId, moment: number): boolean {
    const tick = Math.floor(moment);
    return this.at(place, id, tick) !== undefined || this.at(place, id, tick + 1) !== undefined;
  }

  /** The fastest and the sharpest that an entity moved from one tick to another. */
  motion(place: Place, id: EntityId, fromTick: number, toTick: number): Motion {
    let speed = 0;
    let sharpest = 0;
    let first: Point | undefined;
    let second: Point | undefined;
    for (let tick = fromTick; tick <= toTick; tick++) {
      const third = this.at(place, id, tick);
      if (second !== undefined && third !== undefined) {
        speed = Math.max(speed, distance(second, third));
        if (first !== undefined) sharpest = Math.max(sharpest, bend(first, second, third));
      }
      first = second;
      second = third;
    }
    return { speed, bend: sharpest };
  }
}
