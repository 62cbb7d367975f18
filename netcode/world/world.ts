/**
 * A world as a game's rules see it: entities as objects over the rows of a `WorldState`.
 * Spawns and despawns are collected during a step and applied by `commit` at its end, so rows never move while a
 * rule loops over them and the order of rules does not leak into the order of entities.
 */
import type { AnyGame, Kind, KindMap, WorldView } from '../define-game.ts';
import { type EntityId, NOBODY, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { type Accessor, accessorClass, type Cursor, writeFields } from '../wire/schema.ts';
import { COUNTER_BITS, entityIdOf, type Table, type WorldState } from './world-state.ts';

interface PendingSpawn {
  readonly table: Table;
  readonly id: EntityId;
  readonly row: Int32Array;
}

type EntityAccessor = Accessor & { readonly id: EntityId; readonly kind: string; owner: PlayerId };
type EntityClass = new (cursor: Cursor, table: Table, row: number) => EntityAccessor;

function entityClass(kind: Kind): EntityClass {
  const Base = accessorClass(kind.layout);
  return class extends Base {
    readonly #table: Table;
    readonly #row: number;
    constructor(cursor: Cursor, table: Table, row: number) {
      super(cursor);
      this.#table = table;
      this.#row = row;
    }
    get id(): EntityId {
      return this.#table.ids[this.#row] as EntityId;
    }
    get kind(): string {
      return kind.name;
    }
    get owner(): PlayerId {
      return this.#table.data[this.cursor.base] as PlayerId;
    }
    set owner(player: PlayerId) {
      this.#table.data[this.cursor.base] = checkedSeat(player);
    }
  };
}

function checkedSeat(player: PlayerId): PlayerId {
  if (!Number.isInteger(player) || player < 0 || player > PLAYERS_MAX) throw new RangeError(`player ${player} must be 0 to ${PLAYERS_MAX}`);
  return player;
}

/** Rules' view of one state: the `WorldView` of any game, untyped. Entity objects are pooled by row: valid until the step ends. */
export class World {
  readonly state: WorldState;
  readonly #entitiesMax: number;
  readonly #classes: readonly EntityClass[];
  readonly #pools: EntityAccessor[][];
  readonly #kindIndex: ReadonlyMap<string, number>;
  readonly #dead = new Set<EntityId>();
  readonly #spawns: PendingSpawn[] = [];

  constructor(game: AnyGame, state: WorldState) {
    this.state = state;
    this.#entitiesMax = game.entitiesMax;
    this.#classes = game.kinds.map(entityClass);
    this.#pools = game.kinds.map(() => []);
    this.#kindIndex = new Map(game.kinds.map((kind) => [kind.name, kind.index]));
  }

  /** The same with the types that a game's rules know it by. */
  get view(): WorldView<KindMap> {
    return this as unknown as WorldView<KindMap>;
  }

  *all(kind: string): Iterable<EntityAccessor> {
    const table = this.#table(kind);
    const count = table.count;
    for (let row = 0; row < count; row++) {
      if (!this.#dead.has(table.ids[row] as EntityId)) yield this.#entity(table, row);
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
    const table = this.state.tableOf(id);
    return table === undefined ? undefined : this.#entity(table, table.rowOf(id));
  }

  find(kind: string, id: EntityId): EntityAccessor | undefined {
    const table = this.#table(kind);
    const row = table.rowOf(id);
    return row < 0 || this.#dead.has(id) ? undefined : this.#entity(table, row);
  }

  /** The entity in a row of a kind's table, for those who walk the tables themselves. */
  entityAt(kind: number, row: number): EntityAccessor {
    return this.#entity(this.state.tables[kind]!, row);
  }

  spawn(kind: string, init: Readonly<Record<string, unknown>> & { readonly owner?: PlayerId } = {}): EntityId {
    const table = this.#table(kind);
    if (this.state.entityCount + this.#spawns.length >= this.#entitiesMax) {
      throw new RangeError(`cannot spawn '${kind}': ${this.#entitiesMax} entities (entitiesMax) live already`);
    }
    const { owner = NOBODY, ...fields } = init;
    const id = this.#nextId(checkedSeat(owner));
    const row = table.kind.layout.initial.slice();
    row[0] = owner;
    writeFields(table.kind.layout, row, 0, fields);
    this.#spawns.push({ table, id, row });
    return id;
  }

  despawn(id: EntityId): void {
    if (this.state.tableOf(id) !== undefined || this.#spawns.some((spawn) => spawn.id === id)) this.#dead.add(id);
  }

  /** Despawns everything a player owns. */
  despawnOwnedBy(player: PlayerId): void {
    for (const table of this.state.tables) {
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
    this.#spawns.length = 0;
    this.#dead.clear();
  }

  #table(kind: string): Table {
    const index = this.#kindIndex.get(kind);
    if (index === undefined) throw new TypeError(`there is no kind '${kind}'`);
    return this.state.tables[index]!;
  }

  #entity(table: Table, row: number): EntityAccessor {
    const pool = this.#pools[table.kind.index]!;
    while (pool.length <= row) {
      const Class = this.#classes[table.kind.index]!;
      pool.push(new Class({ rows: table, base: pool.length * table.stride }, table, pool.length));
    }
    return pool[row]!;
  }

  /** Counters go round after 65,535 spawns of one owner; an id still alive then is passed over. */
  #nextId(spawner: PlayerId): EntityId {
    const { nextCounter } = this.state;
    for (;;) {
      const counter = nextCounter[spawner]!;
      nextCounter[spawner] = counter + 1 === 1 << COUNTER_BITS ? 1 : counter + 1;
      const id = entityIdOf(spawner, counter);
      if (this.state.tableOf(id) === undefined && !this.#spawns.some((spawn) => spawn.id === id)) return id;
    }
  }
}
