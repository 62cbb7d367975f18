/**
 * A world as a game's rules see it: entities as objects over the rows of a `WorldState`.
 * Spawns and despawns are collected during a step and applied by `commit` at its end, so rows never move while a
 * rule loops over them and the order of rules does not leak into the order of entities.
 */
import type { AnyGame, KindMap, SeenWorld, WorldView } from '../define-game.ts';
import { type EntityId, NOBODY, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { writeFields } from '../wire/schema.ts';
import { checkedSeat, type EntityAccessor, entityClass, EntityPool } from './entity.ts';
import { SeenWorlds, type SightOf } from './seen-world.ts';
import { COUNTER_BITS, entityIdOf, type Table, type WorldState } from './world-state.ts';

interface PendingSpawn {
  readonly table: Table;
  readonly id: EntityId;
  readonly row: Int32Array;
}

/** Rules' view of one state: the `WorldView` of any game, untyped. Entity objects are pooled by row: valid until the step ends. */
export class World {
  readonly state: WorldState;
  readonly #entitiesMax: number;
  /** Those that rules may know of: all but the hidden one. */
  readonly #tables: readonly Table[];
  readonly #pools: readonly EntityPool[];
  readonly #seen: SeenWorlds;
  readonly #kindIndex: ReadonlyMap<string, number>;
  readonly #dead = new Set<EntityId>();
  readonly #spawns: PendingSpawn[] = [];

  constructor(game: AnyGame, state: WorldState) {
    this.state = state;
    this.#tables = state.tables.filter(({ kind }) => !kind.isHidden);
    this.#entitiesMax = game.entitiesMax - (this.#tables.length < state.tables.length ? PLAYERS_MAX : 0);
    this.#pools = this.#tables.map((table) => new EntityPool(table, entityClass(table.kind)));
    this.#kindIndex = new Map(this.#tables.map(({ kind }) => [kind.name, kind.index]));
    this.#seen = new SeenWorlds(game, this);
  }

  /** The same with the types that a game's rules know it by. */
  get view(): WorldView<KindMap> {
    return this as unknown as WorldView<KindMap>;
  }

  /** A step to `tick` begins: what players saw at it is what `sightOf` says. */
  begin(tick: Tick, sightOf: SightOf | undefined): void {
    this.#seen.begin(tick, sightOf);
  }

  seenBy(player: PlayerId): SeenWorld<KindMap> {
    return this.#seen.of(checkedSeat(player));
  }

  *all(kind: string): Iterable<EntityAccessor> {
    const table = this.#table(kind);
    const count = table.count;
    for (let row = 0; row < count; row++) {
      if (!this.#dead.has(table.ids[row] as EntityId)) yield this.entityAt(table.kind.index, row);
    }
  }

  first(kind: string): EntityAccessor | undefined {
    for (const entity of this.all(kind)) return entity;
    return undefined;
  }

  count(kind: string): number {
    let count = 0;
    const table = this.#table(kind);
    if (this.#dead.size === 0) return table.count;
    for (let row = 0; row < table.count; row++) if (!this.#dead.has(table.ids[row] as EntityId)) count++;
    return count;
  }

  get(id: EntityId): EntityAccessor | undefined {
    if (this.#dead.has(id)) return undefined;
    const table = this.#tableOf(id);
    return table === undefined ? undefined : this.entityAt(table.kind.index, table.rowOf(id));
  }

  find(kind: string, id: EntityId): EntityAccessor | undefined {
    const table = this.#table(kind);
    const row = table.rowOf(id);
    return row < 0 || this.#dead.has(id) ? undefined : this.entityAt(table.kind.index, row);
  }

  /** The entity in a row of a kind's table, for those who walk the tables themselves. */
  entityAt(kind: number, row: number): EntityAccessor {
    return this.#pools[kind]!.at(row);
  }

  /** Whether the step has despawned it. */
  isGone(id: EntityId): boolean {
    return this.#dead.has(id);
  }

  spawn(kind: string, init: Readonly<Record<string, unknown>> & { readonly owner?: PlayerId } = {}): EntityId {
    const table = this.#table(kind);
    let count = this.#spawns.length;
    for (let k = 0; k < this.#tables.length; k++) count += this.#tables[k]!.count;
    if (count >= this.#entitiesMax) {
      throw new RangeError(`cannot spawn '${kind}': ${this.#entitiesMax} entities (entitiesMax) live already`);
    }
    const { owner = NOBODY, ...fields } = init;
    const id = this.takeId(checkedSeat(owner));
    const row = table.kind.layout.initial.slice();
    row[0] = owner;
    writeFields(table.kind.layout, row, 0, fields);
    this.#spawns.push({ table, id, row });
    return id;
  }

  despawn(id: EntityId): void {
    if (this.#tableOf(id) !== undefined || this.#spawns.some((spawn) => spawn.id === id)) this.#dead.add(id);
  }

  /** Despawns everything a player owns. */
  despawnOwnedBy(player: PlayerId): void {
    for (const table of this.#tables) {
      for (let row = 0; row < table.count; row++) if (table.data[row * table.stride] === player) this.#dead.add(table.ids[row] as EntityId);
    }
  }

  /** Applies what the step to `tick` spawned and despawned. */
  commit(tick: Tick = this.state.tick): void {
    for (const { table, id, row } of this.#spawns) {
      if (this.#dead.has(id)) continue;
      const at = table.insert(id);
      table.born[at] = tick;
      table.data.set(row, at * table.stride);
    }
    for (const id of this.#dead) {
      const table = this.state.tableOf(id);
      if (table !== undefined) table.remove(table.rowOf(id));
    }
    if (this.#spawns.length > 0 || this.#dead.size > 0) this.#seen.forget();
    this.#spawns.length = 0;
    this.#dead.clear();
  }

  /** The next id of a spawner. Counters go round after 65,535 spawns of one owner; an id still alive then is passed over. */
  takeId(spawner: PlayerId): EntityId {
    const { nextCounter } = this.state;
    for (;;) {
      const counter = nextCounter[spawner]!;
      nextCounter[spawner] = counter + 1 === 1 << COUNTER_BITS ? 1 : counter + 1;
      const id = entityIdOf(spawner, counter);
      if (this.state.tableOf(id) === undefined && !this.#spawns.some((spawn) => spawn.id === id)) return id;
    }
  }

  #table(kind: string): Table {
    const index = this.#kindIndex.get(kind);
    if (index === undefined) throw new TypeError(`there is no kind '${kind}'`);
    return this.state.tables[index]!;
  }

  #tableOf(id: EntityId): Table | undefined {
    for (let k = 0; k < this.#tables.length; k++) if (this.#tables[k]!.rowOf(id) >= 0) return this.#tables[k];
    return undefined;
  }
}
