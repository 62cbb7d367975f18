/** JSON of the whole state: what a first prototype sends. */
import type { Codec } from './codec.ts';
import { RowObjects, type RowObject, type WorldObject } from './row-objects.ts';

export const json: Codec = {
  name: 'JSON, whole state',
  codedAgainst: 'nothing',
  ids: 'small',
  open({ game }) {
    const objects = new RowObjects(game);
    const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];
    let world: WorldObject;
    let received: WorldObject;
    return {
      load: (frame) => void (world = objects.world(frame)),
      encode: () => encoder.encode(JSON.stringify(world)),
      decode: (bytes) => void (received = JSON.parse(decoder.decode(bytes)) as WorldObject),
      decoded: () => objects.tables((kind) => received[kind] as RowObject[]),
    };
  },
};
