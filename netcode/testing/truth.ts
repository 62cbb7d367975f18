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
  /** The part that declares leaps: it changes with each. Undefined if the kind declares none. */
  readonly leapAt: number | undefined;
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
        field.smoothing !== 'none' &&
        field.blend === undefined &&
        field.parts.length <= 3 &&
        field.parts.every(({ isCyclic }) => !isCyclic) &&
        !velocities.has(name),
    );
    const entry =
      candidates.find(({ name }) => name === position) ?? candidates.find(({ field }) => field.parts.length > 1) ?? candidates[0];
    if (entry === undefined) return undefined;
    const leapAt = layout.entries.find(({ field }) => field.isTeleport === true)?.at;
    return { name: entry.name, kind: index, at: entry.at, size: entry.field.parts.length, step: entry.field.step!, leapAt };
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
   * host's thing leaps from one tick to the next (a teleport), neither end is wrong, and not what it would have gone on from
   * either within that tick; but a place on the way between them is.
   */
  errorOf(place: Place, id: EntityId, sample: { readonly moment: number; readonly at: Point }): number | undefined {
    const between = this.between(place, id, sample.moment);
    if (between === undefined) return undefined;
    const error = distance(sample.at, between);
    const tick = Math.floor(sample.moment);
    const older = this.at(place, id, tick);
    const newer = this.at(place, id, tick + 1);
    if (error <= place.step || older === undefined || newer === undefined || !this.#leaps(place, id, tick)) return error;
    const nearer = Math.min(distance(sample.at, older), distance(sample.at, newer));
    return Math.min(error, Math.max(0, nearer - this.#wayAround(place, id, tick)));
  }

  /**
   * Whether a leap of the host's may be seen between two moments: it is drawn at its tick, when a blend of two ticks comes
   * upon it; one that was not declared can come out between any two states so many ticks apart.
   */
  leapsWithin({ place, id }: { readonly place: Place; readonly id: EntityId }, from: number, to: number, apartTicks: number): boolean {
    const slack = place.leapAt === undefined ? apartTicks : 1;
    for (let tick = Math.floor(from - slack) + 1; tick < to + slack - 1; tick++) if (this.#leaps(place, id, tick)) return true;
    return false;
  }

  /** Whether it leaps in the tick after this one: by its own word, or because the ticks before and after show nothing like it. */
  #leaps(place: Place, id: EntityId, tick: number): boolean {
    if (place.leapAt !== undefined) {
      const before = this.#partAt(place, id, tick);
      const after = this.#partAt(place, id, tick + 1);
      if (before !== undefined && after !== undefined && before !== after) return true;
    }
    const from = this.at(place, id, tick);
    const to = this.at(place, id, tick + 1);
    if (from === undefined || to === undefined) return false;
    const way = distance(from, to);
    if (way <= LEAP_STEPS * place.step) return false;
    return way > LEAP_FACTOR * this.#wayAround(place, id, tick) + LEAP_STEPS * place.step;
  }

  /** How far it goes in the tick that leads to this one, or in the one after the next: the longer way. */
  #wayAround(place: Place, id: EntityId, tick: number): number {
    const [before, from, to, after] = [-1, 0, 1, 2].map((offset) => this.at(place, id, tick + offset));
    const into = before === undefined || from === undefined ? 0 : distance(before, from);
    return Math.max(into, to === undefined || after === undefined ? 0 : distance(to, after));
  }

  #partAt({ kind, leapAt }: Place, id: EntityId, tick: number): number | undefined {
    const table = this.#states.at(tick as Tick)?.tables[kind];
    const row = table?.rowOf(id) ?? -1;
    return table === undefined || row < 0 ? undefined : table.data[row * table.stride + leapAt!];
  }

  /** Whether it was there at either tick around a moment. */
  has(place: Place, id: EntityId, moment: number): boolean {
    const tick = Math.floor(moment);
    return this.at(place, id, tick) !== undefined || this.at(place, id, tick + 1) !== undefined;
  }

  /** The fastest and the sharpest that an entity moved from one tick to another; leaps are no motion. */
  motion(place: Place, id: EntityId, fromTick: number, toTick: number): Motion {
    let speed = 0;
    let sharpest = 0;
    let first: Point | undefined;
    let second: Point | undefined;
    for (let tick = fromTick; tick <= toTick; tick++) {
      const third = this.at(place, id, tick);
      if (second !== undefined && third !== undefined) {
        if (this.#leaps(place, id, tick - 1)) second = undefined;
        else {
          speed = Math.max(speed, distance(second, third));
          if (first !== undefined) sharpest = Math.max(sharpest, bend(first, second, third));
        }
      }
      first = second;
      second = third;
    }
    return { speed, bend: sharpest };
  }
}
