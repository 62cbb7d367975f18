/** Avro (avsc) of the whole state: both ends know the schema, integers are zig-zag varints. */
import avro from 'avsc';
import type { Codec } from './codec.ts';
import { columnsOf, RowObjects, type RowObject, type WorldObject } from './row-objects.ts';

export const avsc: Codec = {
  name: 'avsc, whole state',
  codedAgainst: 'nothing',
  ids: 'small',
  open({ game }) {
    const objects = new RowObjects(game);
    const type = avro.Type.forSchema({
      type: 'record',
      name: 'World',
      fields: [
        { name: 'tick', type: 'int' },
        ...game.kinds.map((kind) => {
          const fields = ['id', ...columnsOf(kind).map(({ name }) => name)].map((name) => ({ name, type: 'int' as const }));
          return {
            name: kind.name,
            type: { type: 'array' as const, items: { type: 'record' as const, name: `Row${kind.index}`, fields } },
          };
        }),
      ],
    });
    let world: WorldObject;
    let received: WorldObject;
    return {
      load: (frame) => void (world = objects.world(frame)),
      encode: () => type.toBuffer(world),
      decode: (bytes) => void (received = type.fromBuffer(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as WorldObject),
      decoded: () => objects.tables((kind) => received[kind] as RowObject[]),
    };
  },
};
