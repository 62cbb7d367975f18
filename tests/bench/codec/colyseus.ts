/**
 * @colyseus/schema 5 patches: a map of schema instances a kind, every field in the smallest type that holds it. A patch
 * holds what changed since the patch before, so it needs a reliable, ordered stream; that is how Colyseus sends it.
 */
import { Decoder, Encoder, type MapSchema, type Schema, schema, t } from '@colyseus/schema';
import type { Codec } from './codec.ts';
import { columnsOf, typeOf } from './row-objects.ts';
import type { Frame, FrameTable } from './trace.ts';

/** Room for the first patch, which holds everything. */
const BUFFER_BYTES = 512 * 1024;

type Row = Schema & Record<string, number>;
type World = Schema & Record<string, MapSchema<Row>>;

export const colyseus: Codec = {
  name: '@colyseus/schema 5, patch',
  codedAgainst: 'sent',
  ids: 'small',
  open({ game }) {
    Encoder.BUFFER_SIZE = BUFFER_BYTES;
    const kinds = game.kinds.map((kind) => {
      const columns = columnsOf(kind);
      const fields = Object.fromEntries(columns.map((column) => [column.name, t[typeOf(column)]()]));
      return { name: kind.name, columns, Row: schema(fields, kind.name) as new () => Row };
    });
    const World = schema(Object.fromEntries(kinds.map(({ name, Row }) => [name, t.map(Row)])), 'World') as unknown as new () => World;
    const state = new World();
    const encoder = new Encoder(state);
    const decoder = new Decoder(new World());

    const load = (frame: Frame): void => {
      kinds.forEach(({ name, columns, Row }, k) => {
        const { ids, data } = frame.tables[k]!;
        const map = state[name]!;
        const living = new Set(Array.from(ids, String));
        for (const key of [...map.keys()]) if (!living.has(key)) map.delete(key);
        ids.forEach((id, row) => {
          const known = map.get(String(id));
          const entity = known ?? new Row();
          columns.forEach((column, i) => {
            const value = data[row * columns.length + i]!;
            if (entity[column.name] !== value) (entity as Record<string, number>)[column.name] = value;
          });
          if (known === undefined) map.set(String(id), entity);
        });
      });
    };
    return {
      load,
      encode() {
        const patch = encoder.encode();
        encoder.discardChanges();
        return patch;
      },
      decode: (bytes) => void decoder.decode(bytes),
      decoded: () =>
        kinds.map(({ name, columns }): FrameTable => {
          const rows = [...decoder.state[name]!.entries()].map(([key, row]) => ({ id: Number(key), row })).sort((a, b) => a.id - b.id);
          return {
            ids: Int32Array.from(rows, ({ id }) => id),
            data: Int32Array.from(rows.flatMap(({ row }) => columns.map((column) => row[column.name]!))),
          };
        }),
    };
  },
};
