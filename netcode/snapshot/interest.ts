/**
 * Which entities a player is to know: their own, and those that are near enough and that the game does not hide. The host
 * writes nothing else into that player's snapshots, so what a client may not know never leaves the host. (SPEC.md, INT rules)
 *
 * Each snapshot: `grid.rebuild(state)` once, then for each client `interest.update(grid, world)`; `interest.ids` is the answer.
 * Nothing is remembered of an entity but whether it was in the last answer: that alone decides between the two distances.
 */
import type { AnyGame } from '../define-game.ts';
import { type EntityId, NO_ENTITY, NOBODY, type PlayerId } from '../core/ids.ts';
import type { SimEvent } from '../world/simulation.ts';
import type { World } from '../world/world.ts';
import { lowerBound, type Table, WorldState } from '../world/world-state.ts';
import { type Eye, InterestGrid, OWN, WITHIN_LEAVE } from './interest-grid.ts';

/** What a game's `priority` is clamped to: the least urgent thing still waits at most 16 times as long as a usual one. */
export const PRIORITY_MIN = 1 / 16;
export const PRIORITY_MAX = 16;

/** The grid for a match; undefined if the game hides nothing: then everybody knows everything, and there is nothing to do. */
export function interestGridOf(game: AnyGame): InterestGrid | undefined {
  if (game.interest === undefined && game.spec.isVisible === undefined) return undefined;
  return new InterestGrid(game, new WorldState(game.kinds));
}

/** What one player is to know. */
export class Interest {
  /** By kind: the ids of the entities that the player knows, ascending, `counts[kind]` of them. Reused by the next update. */
  readonly ids: Int32Array[];
  readonly counts: Int32Array;
  /** The same of the update before. */
  readonly #idsBefore: Int32Array[];
  readonly #countsBefore: Int32Array;
  readonly #game: AnyGame;
  readonly #player: PlayerId;
  /** The player's eyes, `#eyeCount` of them; the last ones while there are no new ones. */
  readonly #eyes: Eye[] = [];
  #eyeCount = 0;
  #state: WorldState | undefined;

  constructor(game: AnyGame, player: PlayerId) {
    this.#game = game;
    this.#player = player;
    this.ids = game.kinds.map(() => new Int32Array(0));
    this.counts = new Int32Array(game.kinds.length);
    this.#idsBefore = game.kinds.map(() => new Int32Array(0));
    this.#countsBefore = new Int32Array(game.kinds.length);
  }

  /**
   * Brings `ids` up to date with the state in the grid. `world` shows the game's hooks that same tick; throws if it is another.
   * Costs what is near: except for kinds without a position, of which all are known.
   */
  update(grid: InterestGrid, world: World): void {
    if (world.state.tick !== grid.state.tick) throw new Error(`the world is at tick ${world.state.tick}, the grid at ${grid.state.tick}`);
    this.#state = grid.state;
    this.#keepBefore();
    grid.begin(this.#player);
    this.#openEyes(grid, world);
    for (let i = 0; i < this.#eyeCount; i++) grid.look(this.#eyes[i]!);
    this.#takeFound(grid, world);
    for (let k = 0; k < this.ids.length; k++) if (!grid.hasPlaces(k)) this.#takeAll(grid.state.tables[k]!, world);
  }

  /** Whether the player knows an entity as of the last update. */
  has(id: number): boolean {
    return includes(this.ids, this.counts, id as EntityId);
  }

  /**
   * Whether the player may hear of an event that happened since the update before the last: it is for them, and they know what it is
   * about, or knew it until it ceased to be: they may see what they saw explode. Good until the grid's state changes.
   */
  mayHear({ about, to }: Pick<SimEvent, 'about' | 'to'>): boolean {
    if (to !== NOBODY && to !== this.#player) return false;
    if (about === NO_ENTITY || this.has(about)) return true;
    return includes(this.#idsBefore, this.#countsBefore, about) && this.#state?.tableOf(about) === undefined;
  }

  #keepBefore(): void {
    for (let k = 0; k < this.ids.length; k++) {
      const spare = this.#idsBefore[k]!;
      this.#idsBefore[k] = this.ids[k]!;
      this.#countsBefore[k] = this.counts[k]!;
      this.ids[k] = spare;
      this.counts[k] = 0;
    }
  }

  /** The player's own entities are what `begin` found. */
  #openEyes(grid: InterestGrid, world: World): void {
    if (this.#game.interest === undefined) return;
    const { interest } = this.#game.spec;
    if (interest?.eye === undefined) {
      if (grid.foundCount === 0) return;
      this.#eyeCount = grid.foundCount;
      for (let i = 0; i < grid.foundCount; i++) grid.placeEye(this.#eye(i), grid.found[i]!);
      return;
    }
    const point = interest.eye(world.view, this.#player);
    if (point === undefined) return;
    const { x, y, z } = point;
    if (!Number.isFinite(x) || !Number.isFinite(y) || (z !== undefined && !Number.isFinite(z))) {
      throw new TypeError(`interest.eye of player ${this.#player} is (${x}, ${y}${z === undefined ? '' : `, ${z}`}), no finite point`);
    }
    this.#eyeCount = 1;
    const eye = this.#eye(0);
    eye.x = x;
    eye.y = y;
    eye.z = z ?? 0;
    eye.step = 1;
    eye.isFlat = z === undefined;
  }

  #eye(index: number): Eye {
    while (this.#eyes.length <= index) this.#eyes.push({ x: 0, y: 0, z: 0, step: 1, isFlat: true });
    return this.#eyes[index]!;
  }

  /** Of what was found, takes what is own, or near and not hidden; what is in between, if it was known. */
  #takeFound(grid: InterestGrid, world: World): void {
    grid.sortFound();
    let kind = -1;
    let before = 0;
    for (let i = 0; i < grid.foundCount; i++) {
      const number = grid.found[i]!;
      if (grid.kindOf(number) !== kind) {
        kind = grid.kindOf(number);
        before = 0;
      }
      const row = grid.rowOf(number);
      const id = grid.state.tables[kind]!.ids[row] as EntityId;
      const idsBefore = this.#idsBefore[kind]!;
      const countBefore = this.#countsBefore[kind]!;
      while (before < countBefore && idsBefore[before]! < id) before++;
      const nearness = grid.nearness(number);
      if (nearness === WITHIN_LEAVE && !(before < countBefore && idsBefore[before] === id)) continue;
      if (nearness === OWN || this.#isVisible(world, kind, row)) this.#take(kind, id);
    }
  }

  /** Takes a kind that has no position. */
  #takeAll(table: Table, world: World): void {
    const { kind, ids, data, stride, count } = table;
    const isAsked = this.#game.spec.isVisible !== undefined && !kind.isHidden;
    for (let row = 0; row < count; row++) {
      if (!isAsked || data[row * stride] === this.#player || this.#isVisible(world, kind.index, row)) {
        this.#take(kind.index, ids[row] as EntityId);
      }
    }
  }

  #isVisible(world: World, kind: number, row: number): boolean {
    const { spec } = this.#game;
    return spec.isVisible === undefined || spec.isVisible(world.view, this.#player, world.entityAt(kind, row));
  }

  #take(kind: number, id: EntityId): void {
    const count = this.counts[kind]!++;
    if (count === this.ids[kind]!.length) {
      const larger = new Int32Array(Math.max(16, count * 2));
      larger.set(this.ids[kind]!);
      this.ids[kind] = larger;
    }
    this.ids[kind]![count] = id;
  }
}

/** How urgent news of an entity are to a player, from PRIORITY_MIN to PRIORITY_MAX. Undefined if all are alike to the game. */
export function priorityOf(game: AnyGame, world: World): ((player: PlayerId, kind: number, id: number) => number) | undefined {
  const { spec } = game;
  if (spec.priority === undefined) return undefined;
  return (player, kind, id) => {
    const row = world.state.tables[kind]!.rowOf(id as EntityId);
    if (row < 0 || game.kinds[kind]!.isHidden) return 1;
    const priority = spec.priority!(world.view, player, world.entityAt(kind, row));
    if (typeof priority !== 'number' || Number.isNaN(priority)) {
      throw new TypeError(`priority ${String(priority)} of a '${game.kinds[kind]!.name}' for player ${player} is not a number`);
    }
    return Math.min(PRIORITY_MAX, Math.max(PRIORITY_MIN, priority));
  };
}

function includes(ids: readonly Int32Array[], counts: Int32Array, id: EntityId): boolean {
  for (let k = 0; k < ids.length; k++) {
    const at = lowerBound(ids[k]!, counts[k]!, id);
    if (at < counts[k]! && ids[k]![at] === id) return true;
  }
  return false;
}
