/** Entities as rules see them: objects over the rows of a table, made once for each row and used again. */
import type { Kind } from '../define-game.ts';
import { type EntityId, type PlayerId, PLAYERS_MAX } from '../core/ids.ts';
import { type Accessor, accessorClass, type Cursor } from '../wire/schema.ts';
import type { Table } from './world-state.ts';

export type EntityAccessor = Accessor & { readonly id: EntityId; readonly kind: string; owner: PlayerId };
export type EntityClass = new (cursor: Cursor, table: Table, row: number) => EntityAccessor;

/** The class of a kind's entities. */
export function entityClass(kind: Kind): EntityClass {
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

/** The same for what is past: to set a field of it is a mistake, since nothing would come of it. */
export function pastEntityClass(kind: Kind): EntityClass {
  const Present = entityClass(kind);
  const Past = class extends Present {};
  for (const name of ['owner', ...kind.layout.entries.map((entry) => entry.name)]) {
    Object.defineProperty(Past.prototype, name, {
      get(this: EntityAccessor): unknown {
        return Reflect.get(Present.prototype as object, name, this);
      },
      set() {
        throw new TypeError(`'${kind.name}.${name}' as a player saw it is past: change the present one, world.get(id)`);
      },
      enumerable: true,
    });
  }
  return Past;
}

/** The entity objects of one table, by row. */
export class EntityPool {
  readonly #table: Table;
  readonly #Class: EntityClass;
  readonly #entities: EntityAccessor[] = [];

  constructor(table: Table, Class: EntityClass) {
    this.#table = table;
    this.#Class = Class;
  }

  at(row: number): EntityAccessor {
    const entities = this.#entities;
    while (entities.length <= row) {
      const table = this.#table;
      entities.push(new this.#Class({ rows: table, base: entities.length * table.stride }, table, entities.length));
    }
    return entities[row]!;
  }
}

export function checkedSeat(player: PlayerId): PlayerId {
  if (!Number.isInteger(player) || player < 0 || player > PLAYERS_MAX) throw new RangeError(`player ${player} must be 0 to ${PLAYERS_MAX}`);
  return player;
}
