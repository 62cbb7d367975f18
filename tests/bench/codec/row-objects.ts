/** Entities as plain objects of integers, `{ id, owner, posX, posY, … }`: what general-purpose serialisers are given. */
import type { AnyGame, Kind } from '../../../netcode/define-game.ts';
import type { Frame, FrameTable } from './trace.ts';

/** One integer of a row. */
export interface Column {
  readonly name: string;
  readonly min: number;
  readonly max: number;
}

export type RowObject = Record<string, number>;
/** The tick, and for each kind its entities. */
export type WorldObject = { tick: number } & Record<string, RowObject[] | number>;

const AXES = ['X', 'Y', 'Z', 'W'];

/** Names for the integers of a kind's rows, the owner's first. A field of several parts gives several columns. */
export function columnsOf(kind: Kind): Column[] {
  const { parts, entries } = kind.layout;
  const names = ['owner'];
  for (const { name, field } of entries) {
    field.parts.forEach((_, i) => names.push(field.parts.length === 1 ? name : `${name}${AXES[i] ?? i}`));
  }
  return parts.map(({ min, max }, i) => ({ name: names[i]!, min, max }));
}

export function rowObject(columns: readonly Column[], table: FrameTable, row: number): RowObject {
  const object: RowObject = { id: table.ids[row]! };
  columns.forEach(({ name }, i) => (object[name] = table.data[row * columns.length + i]!));
  return object;
}

/** Translates a game's frames into objects and back. */
export class RowObjects {
  readonly #kinds: readonly { readonly name: string; readonly columns: readonly Column[] }[];

  constructor(game: AnyGame) {
    this.#kinds = game.kinds.map((kind) => ({ name: kind.name, columns: columnsOf(kind) }));
  }

  world(frame: Frame): WorldObject {
    const world: WorldObject = { tick: frame.tick };
    this.#kinds.forEach(({ name, columns }, k) => {
      const table = frame.tables[k]!;
      world[name] = Array.from(table.ids, (_, row) => rowObject(columns, table, row));
    });
    return world;
  }

  /** `rowsOf` gives a kind's objects, sorted by id. */
  tables(rowsOf: (kind: string) => readonly RowObject[]): FrameTable[] {
    return this.#kinds.map(({ name, columns }) => {
      const rows = rowsOf(name);
      return {
        ids: Int32Array.from(rows, (row) => row['id']!),
        data: Int32Array.from(rows.flatMap((row) => columns.map((column) => row[column.name]!))),
      };
    });
  }
}

type NumberType = 'int8' | 'uint8' | 'int16' | 'uint16' | 'int32' | 'uint32';

/** The smallest ordinary number type that holds a column. */
export function typeOf({ min, max }: { readonly min: number; readonly max: number }): NumberType {
  if (min >= 0) return max < 2 ** 8 ? 'uint8' : max < 2 ** 16 ? 'uint16' : 'uint32';
  const reach = Math.max(-min - 1, max);
  return reach < 2 ** 7 ? 'int8' : reach < 2 ** 15 ? 'int16' : 'int32';
}
