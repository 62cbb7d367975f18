/**
 * bitecs 0.4: its structure-of-arrays serialiser in diff mode, one component a kind, in typed arrays of the smallest type
 * that holds each field, behind the ids of what came and went (two bytes each; its own observer serialiser takes more).
 * It diffs against what it sent last, so it needs a reliable, ordered stream.
 */
import { createSoADeserializer, createSoASerializer } from 'bitecs/serialization';
import type { Codec } from './codec.ts';
import { type Column, columnsOf, typeOf } from './row-objects.ts';
import type { Frame, FrameTable, Trace } from './trace.ts';

const ARRAYS = { int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array, int32: Int32Array, uint32: Uint32Array };
type NumberArray = InstanceType<(typeof ARRAYS)[keyof typeof ARRAYS]>;
type Component = Record<string, NumberArray>;
/** Room for the first packet, which holds everything. */
const BUFFER_BYTES = 512 * 1024;

function componentOf(columns: readonly Column[], rows: number): Component {
  return Object.fromEntries(columns.map((column) => [column.name, new ARRAYS[typeOf(column)](rows)]));
}

function idsMax({ frames }: Trace): number {
  let max = 0;
  for (const { tables } of frames) for (const { ids } of tables) max = Math.max(max, ids.at(-1) ?? 0);
  return max;
}

export const bitecs: Codec = {
  name: 'bitecs 0.4, SoA diff',
  codedAgainst: 'sent',
  ids: 'small',
  open(trace) {
    const rows = idsMax(trace) + 1;
    const kinds = trace.game.kinds.map((kind) => {
      const columns = columnsOf(kind);
      const [sent, received] = [componentOf(columns, rows), componentOf(columns, rows)];
      const serialize = createSoASerializer([sent], { diff: true, buffer: new ArrayBuffer(BUFFER_BYTES) });
      return { columns, sent, received, serialize, deserialize: createSoADeserializer([received], { diff: true }) };
    });
    let frame: Frame;
    const [known, alive] = [kinds.map(() => new Set<number>()), kinds.map(() => new Set<number>())];

    const load = (next: Frame): void => {
      frame = next;
      kinds.forEach(({ columns, sent }, k) => {
        const { ids, data } = frame.tables[k]!;
        ids.forEach((id, row) => columns.forEach(({ name }, i) => (sent[name]![id] = data[row * columns.length + i]!)));
      });
    };
    /** For each kind: counts of spawned and gone, their ids, the length of the diff and the diff. */
    const encode = (): Uint8Array => {
      const pieces: Uint8Array[] = [];
      kinds.forEach(({ serialize }, k) => {
        const ids = [...frame.tables[k]!.ids];
        const living = new Set(ids);
        const spawned = ids.filter((id) => !known[k]!.has(id));
        const gone = [...known[k]!].filter((id) => !living.has(id));
        known[k] = living;
        const diff = new Uint8Array(serialize(ids));
        const head = Uint16Array.from([spawned.length, gone.length, diff.length, ...spawned, ...gone]);
        pieces.push(new Uint8Array(head.buffer), diff);
      });
      return Buffer.concat(pieces);
    };
    const decode = (bytes: Uint8Array): void => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      let at = 0;
      const u16 = (): number => view.getUint16((at += 2) - 2, true);
      kinds.forEach(({ deserialize }, k) => {
        const [spawned, gone, length] = [u16(), u16(), u16()];
        for (let i = 0; i < spawned; i++) alive[k]!.add(u16());
        for (let i = 0; i < gone; i++) alive[k]!.delete(u16());
        // A copy of its own: of a Buffer, `slice` would be a view of a larger one.
        deserialize(Uint8Array.prototype.slice.call(bytes, at, at + length).buffer);
        at += length;
      });
    };
    const decoded = (): FrameTable[] =>
      kinds.map(({ columns, received }, k) => {
        const ids = Int32Array.from(alive[k]!).sort();
        return { ids, data: Int32Array.from([...ids].flatMap((id) => columns.map(({ name }) => received[name]![id]!))) };
      });
    return { load, encode, decode, decoded };
  },
};
