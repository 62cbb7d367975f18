/** @geckos.io/typed-array-buffer-schema of the whole state, every number in the smallest type that holds it. */
import { BufferSchema, int16, int32, int8, Model, uint16, uint32, uint8 } from '@geckos.io/typed-array-buffer-schema';
import type { Codec } from './codec.ts';
import { columnsOf, RowObjects, type RowObject, typeOf, type WorldObject } from './row-objects.ts';

const TYPES = { int8, uint8, int16, uint16, int32, uint32 };
/** Ids of the traces are counted from 1 and stay below this. */
const ID_RANGE = { min: 0, max: 65_535 };
/** Room for the largest world of the bench, in KiB. */
const BUFFER_KIB = 256;

export const geckos: Codec = {
  name: '@geckos.io/typed-array-buffer-schema, whole state',
  codedAgainst: 'nothing',
  ids: 'small',
  open({ game }) {
    const objects = new RowObjects(game);
    const lists = game.kinds.map((kind) => {
      const columns = [{ name: 'id', ...ID_RANGE }, ...columnsOf(kind)];
      const fields = Object.fromEntries(columns.map((column) => [column.name, TYPES[typeOf(column)]]));
      return [kind.name, [BufferSchema.schema(kind.name, fields)]] as const;
    });
    const model = new Model(BufferSchema.schema('world', { tick: uint16, ...Object.fromEntries(lists) }), BUFFER_KIB);
    let world: WorldObject;
    let received: Partial<WorldObject>;
    return {
      load: (frame) => void (world = objects.world(frame)),
      encode: () => new Uint8Array(model.toBuffer(world)),
      decode: (bytes) => void (received = model.fromBuffer(bytes.slice().buffer) as Partial<WorldObject>),
      // A list that is empty is not there at all.
      decoded: () => objects.tables((kind) => (received[kind] ?? []) as RowObject[]),
    };
  },
};
