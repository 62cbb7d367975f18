/**
 * msgpackr three ways: plain MessagePack of the whole state, the same with shared record structures (both ends know
 * them beforehand, so packets hold values alone), and records of only those entities that differ from the last acked frame.
 */
import { Packr } from 'msgpackr';
import type { Codec } from './codec.ts';
import { type Column, columnsOf, rowObject, RowObjects, type RowObject, type WorldObject } from './row-objects.ts';
import { type Frame, type FrameTable, rowsEqual } from './trace.ts';

/** Frames that the receiver of deltas keeps; acks are far faster than this. */
const FRAMES_KEPT = 128;

function wholeState(name: string, makePackr: () => Packr): Codec {
  return {
    name,
    codedAgainst: 'nothing',
    ids: 'small',
    open({ game }) {
      const objects = new RowObjects(game);
      const packr = makePackr();
      let world: WorldObject;
      let received: WorldObject;
      return {
        load: (frame) => void (world = objects.world(frame)),
        encode: () => packr.pack(world),
        decode: (bytes) => void (received = packr.unpack(bytes) as WorldObject),
        decoded: () => objects.tables((kind) => received[kind] as RowObject[]),
      };
    },
  };
}

/** One Packr for both ends: the structures it learns while packing are those it unpacks with. */
const recordPackr = (): Packr => new Packr({ useRecords: true, structures: [] });

export const msgpackrPlain = wholeState('msgpackr plain, whole state', () => new Packr({ useRecords: false }));
export const msgpackrRecords = wholeState('msgpackr records, whole state', recordPackr);

interface Message {
  readonly tick: number;
  /** Ticks back to the frame it is coded against, 0 for none. */
  readonly age: number;
  /** By kind: ids that are gone, and the new and changed entities. */
  readonly gone: readonly (readonly number[])[];
  readonly rows: readonly (readonly RowObject[])[];
}

/** Ids of `base` that `table` lacks, and the rows of `table` that are new or differ. Both tables are sorted. */
function changesBetween(base: FrameTable | undefined, table: FrameTable, stride: number): { gone: number[]; rows: number[] } {
  const [gone, rows]: [number[], number[]] = [[], []];
  let old = 0;
  const oldCount = base?.ids.length ?? 0;
  for (let row = 0; row < table.ids.length; row++) {
    const id = table.ids[row]!;
    while (old < oldCount && base!.ids[old]! < id) gone.push(base!.ids[old++]!);
    const isKnown = old < oldCount && base!.ids[old] === id;
    if (!isKnown || !rowsEqual(base!.data, old * stride, table.data, row * stride, stride)) rows.push(row);
    if (isKnown) old++;
  }
  while (old < oldCount) gone.push(base!.ids[old++]!);
  return { gone, rows };
}

export const msgpackrChanges: Codec = {
  name: 'msgpackr records, changed entities',
  codedAgainst: 'acked',
  ids: 'small',
  open({ game, frames }) {
    const objects = new RowObjects(game);
    const columns: Column[][] = game.kinds.map(columnsOf);
    const packr = recordPackr();
    const held = new Map<number, Map<number, RowObject>[]>();
    let frame: Frame;
    let acked: Frame | undefined;
    let received: Map<number, RowObject>[] = [];
    return {
      load: (next) => void (frame = next),
      acknowledge: (index) => void (acked = frames[index]),
      encode() {
        const changes = frame.tables.map((table, k) => changesBetween(acked?.tables[k], table, columns[k]!.length));
        const message: Message = {
          tick: frame.tick,
          age: acked === undefined ? 0 : frame.tick - acked.tick,
          gone: changes.map(({ gone }) => gone),
          rows: changes.map(({ rows }, k) => rows.map((row) => rowObject(columns[k]!, frame.tables[k]!, row))),
        };
        return packr.pack(message);
      },
      decode(bytes) {
        const { tick, age, gone, rows } = packr.unpack(bytes) as Message;
        const base = age === 0 ? undefined : held.get(tick - age);
        received = rows.map((changed, k) => {
          const entities = new Map(base?.[k]);
          for (const id of gone[k]!) entities.delete(id);
          for (const row of changed) entities.set(row['id']!, row);
          return entities;
        });
        held.set(tick, received);
        const oldest = held.keys().next().value;
        if (held.size > FRAMES_KEPT && oldest !== undefined) held.delete(oldest);
      },
      decoded: () =>
        objects.tables((kind) => {
          const index = game.kinds.findIndex(({ name }) => name === kind);
          return [...received[index]!.values()].sort((a, b) => a['id']! - b['id']!);
        }),
    };
  },
};
