/**
 * A trace: what a match's state was, snapshot by snapshot, as the quantised integers that every codec must deliver.
 * It is recorded once and then fed to each codec, so all do the same work and any decode can be checked bit for bit.
 */
import type { Tick } from '../../../netcode/core/ids.ts';
import type { AnyGame } from '../../../netcode/define-game.ts';
import type { WorldState } from '../../../netcode/world/world-state.ts';

/** The entities of one kind, sorted by id: row r is `data[r * stride …]`, its first integer the owner's seat. */
export interface FrameTable {
  readonly ids: Int32Array;
  readonly data: Int32Array;
  /** The tick in which each entity was made, as far as the trace knows: a host does. No codec has to deliver it. */
  readonly born?: Int32Array;
}

export interface Frame {
  /** Position in the trace, from 0. */
  readonly index: number;
  readonly tick: Tick;
  /** As in `WorldState`; all 1 where nobody spawns. */
  readonly nextCounter: Int32Array;
  /** One a kind, in the game's order. */
  readonly tables: readonly FrameTable[];
}

export interface Trace {
  readonly name: string;
  readonly game: AnyGame;
  readonly snapshotsPerSecond: number;
  /** Frames at the beginning that are sent but not counted: the first full state goes over in these. */
  readonly warmUpFrames: number;
  readonly frames: readonly Frame[];
}

export function frameOf(state: WorldState, index: number): Frame {
  return {
    index,
    tick: state.tick,
    nextCounter: state.nextCounter.slice(),
    tables: state.tables.map(({ ids, data, born, count, stride }) => ({
      ids: ids.slice(0, count),
      data: data.slice(0, count * stride),
      born: born.slice(0, count),
    })),
  };
}

/**
 * The same trace with ids counted from 1 in the order of first appearance. Ours carry the spawner's seat in their upper
 * bits, which would cost other codecs bytes that they have no reason to spend; so they get these.
 */
export function renumbered(trace: Trace): Trace {
  const numbers = new Map<number, number>();
  const numberOf = (id: number): number => {
    let number = numbers.get(id);
    if (number === undefined) numbers.set(id, (number = numbers.size + 1));
    return number;
  };
  const frames = trace.frames.map((frame): Frame => {
    const tables = frame.tables.map((table, k): FrameTable => {
      const stride = trace.game.kinds[k]!.layout.parts.length;
      const order = Array.from(table.ids, (id, row) => ({ number: numberOf(id), row })).sort((a, b) => a.number - b.number);
      const data = new Int32Array(table.data.length);
      order.forEach(({ row }, to) => data.set(table.data.subarray(row * stride, (row + 1) * stride), to * stride));
      return { ids: Int32Array.from(order, ({ number }) => number), data };
    });
    return { ...frame, tables };
  });
  return { ...trace, frames };
}

/** What a trace is like, so that a reader can judge what its figures mean. Averages over the counted frames. */
export interface TraceStats {
  readonly frames: number;
  readonly entities: number;
  /** Entities that differ from the frame before, new ones included. */
  readonly changed: number;
  readonly spawned: number;
  readonly gone: number;
}

export function statsOf(trace: Trace): TraceStats {
  let [entities, changed, spawned, gone] = [0, 0, 0, 0];
  const counted = trace.frames.length - trace.warmUpFrames;
  for (let index = trace.warmUpFrames; index < trace.frames.length; index++) {
    const frame = trace.frames[index]!;
    const before = trace.frames[index - 1];
    frame.tables.forEach((table, k) => {
      const stride = trace.game.kinds[k]!.layout.parts.length;
      const old = before?.tables[k];
      const oldRows = new Map(Array.from(old?.ids ?? [], (id, row) => [id, row]));
      entities += table.ids.length;
      table.ids.forEach((id, row) => {
        const oldRow = oldRows.get(id);
        if (oldRow === undefined) spawned++;
        else oldRows.delete(id);
        if (oldRow === undefined || !rowsEqual(table.data, row * stride, old!.data, oldRow * stride, stride)) changed++;
      });
      gone += oldRows.size;
    });
  }
  const mean = (sum: number): number => sum / counted;
  return { frames: counted, entities: mean(entities), changed: mean(changed), spawned: mean(spawned), gone: mean(gone) };
}

export function rowsEqual(a: Int32Array, aStart: number, b: Int32Array, bStart: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (a[aStart + i] !== b[bStart + i]) return false;
  return true;
}

/**
 * Undefined if what was decoded is the frame, else what is wrong. Entities in `excused` are not looked at: those that
 * their codec says it held back for lack of room in the packet.
 */
export function differenceFrom(
  trace: Trace,
  frame: Frame,
  decoded: readonly FrameTable[],
  excused: ReadonlySet<number>,
): string | undefined {
  for (let k = 0; k < frame.tables.length; k++) {
    const { name, layout } = trace.game.kinds[k]!;
    const stride = layout.parts.length;
    const want = frame.tables[k]!;
    const got = decoded[k]!;
    let [w, g] = [0, 0];
    for (;;) {
      while (w < want.ids.length && excused.has(want.ids[w]!)) w++;
      while (g < got.ids.length && excused.has(got.ids[g]!)) g++;
      const [wanted, given] = [want.ids[w], got.ids[g]];
      if (wanted === undefined && given === undefined) break;
      if (wanted !== given) return `frame ${frame.index}: expected ${name} ${wanted ?? 'nothing'}, decoded ${given ?? 'nothing'}`;
      if (!rowsEqual(want.data, w * stride, got.data, g * stride, stride)) {
        const rowOf = (table: FrameTable, row: number): string => [...table.data.subarray(row * stride, (row + 1) * stride)].join(' ');
        return `frame ${frame.index}: ${name} ${wanted}: expected ${rowOf(want, w)}, decoded ${rowOf(got, g)}`;
      }
      w++;
      g++;
    }
  }
  return undefined;
}
