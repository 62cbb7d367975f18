/**
 * Bit packing as Quake III does it: one acked baseline frame for the whole packet, a bit for each field that says whether
 * it changed, new entities in full, and no entropy coder. Two ways: a changed field in as many bits as its range needs, which is
 * what Quake III itself does; and as its difference in Exp-Golomb code, given the best order of the code for each field of the very
 * trace it is measured on. Shares nothing with the project's own codec, so that neither's mistake hides the other's.
 */
import type { Codec } from './codec.ts';
import { type Frame, type FrameTable, rowsEqual, type Trace } from './trace.ts';

const BUFFER_BYTES = 64 * 1024;
const TICK_BITS = 16;
const AGE_BITS = 8;
/** Order of the Exp-Golomb code of the gap between the ids of two entities in a packet. */
const GAP_ORDER = 2;

class Bits {
  at = 0;
  bytes = new Uint8Array(BUFFER_BYTES);

  put(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--, this.at++) {
      const bit = 0x80 >> (this.at & 7);
      if ((value >>> i) & 1) this.bytes[this.at >> 3]! |= bit;
      else this.bytes[this.at >> 3]! &= ~bit;
    }
  }

  get(count: number): number {
    let value = 0;
    for (let i = 0; i < count; i++, this.at++) value = (value << 1) | ((this.bytes[this.at >> 3]! >> (7 - (this.at & 7))) & 1);
    return value >>> 0;
  }

  putGolomb(value: number, order: number): void {
    const shifted = value + (1 << order);
    const length = 32 - Math.clz32(shifted);
    this.put(0, length - 1 - order);
    this.put(shifted, length);
  }

  getGolomb(order: number): number {
    let zeros = 0;
    while (this.get(1) === 0) zeros++;
    return (1 << (zeros + order)) + this.get(zeros + order) - (1 << order);
  }
}

interface PackedPart {
  readonly min: number;
  readonly bits: number;
  readonly order: number;
  /** How many values there are if they go round, else 0. */
  readonly cycle: number;
}

/** The difference as an unsigned number: 0, -1, 1, -2, … Of a cyclic part, the short way round. */
function zigzag(difference: number, cycle: number): number {
  const half = cycle / 2;
  const short = cycle === 0 ? difference : ((((difference + half) % cycle) + cycle) % cycle) - half;
  return short < 0 ? -2 * short - 1 : 2 * short;
}

/** Differences are looked at over this many frames, to find the orders. */
const TUNING_DISTANCE = 3;
const ORDER_MAX = 14;

const golombBits = (value: number, order: number): number => 2 * (32 - Math.clz32(value + (1 << order))) - 1 - order;

/** The orders that cost least on the frames of the trace's warm-up, by kind and part. */
function tune({ game, frames, warmUpFrames }: Trace): PackedPart[][] {
  return game.kinds.map((kind, k) =>
    kind.layout.parts.map(({ min, max, isCyclic }, i) => {
      const stride = kind.layout.parts.length;
      const cycle = isCyclic ? max - min + 1 : 0;
      const costs = Array.from({ length: ORDER_MAX + 1 }, () => 0);
      for (let f = TUNING_DISTANCE; f < warmUpFrames; f++) {
        const [table, base] = [frames[f]!.tables[k]!, frames[f - TUNING_DISTANCE]!.tables[k]!];
        const oldRows = new Map(Array.from(base.ids, (id, row) => [id, row]));
        table.ids.forEach((id, row) => {
          const old = oldRows.get(id);
          const difference = old === undefined ? 0 : table.data[row * stride + i]! - base.data[old * stride + i]!;
          if (difference !== 0) costs.forEach((cost, order) => (costs[order] = cost + golombBits(zigzag(difference, cycle) - 1, order)));
        });
      }
      return { min, bits: 32 - Math.clz32(max - min), order: costs.indexOf(Math.min(...costs)), cycle };
    }),
  );
}

/** Whether changed fields are written whole or as differences. */
type Values = 'whole' | 'differences';

const bitPackingOf = (name: string, values: Values): Codec => ({
  name,
  codedAgainst: 'acked',
  ids: 'small',
  open(trace) {
    const { frames } = trace;
    const kinds = tune(trace);
    const [writer, reader] = [new Bits(), new Bits()];
    const held = new Map<number, FrameTable[]>();
    let frame: Frame;
    let acked: Frame | undefined;
    let received: FrameTable[] = [];

    /** A gap to the id, a bit for "gone", and its fields. */
    const writeTable = (parts: readonly PackedPart[], table: FrameTable, base: FrameTable | undefined): void => {
      const stride = parts.length;
      let [row, old, previous] = [0, 0, 0];
      const writeId = (id: number, isGone: boolean): void => {
        writer.putGolomb(id - previous, GAP_ORDER);
        writer.put(isGone ? 1 : 0, 1);
        previous = id;
      };
      for (;;) {
        const id = table.ids[row] ?? Infinity;
        const oldId = base?.ids[old] ?? Infinity;
        if (id === Infinity && oldId === Infinity) break;
        if (oldId < id) {
          writeId(oldId, true);
          old++;
          continue;
        }
        const isKnown = oldId === id;
        if (!isKnown) {
          writeId(id, false);
          parts.forEach(({ min, bits }, i) => writer.put(table.data[row * stride + i]! - min, bits));
        } else if (!rowsEqual(table.data, row * stride, base!.data, old * stride, stride)) {
          writeId(id, false);
          parts.forEach(({ min, bits, order, cycle }, i) => {
            const difference = table.data[row * stride + i]! - base!.data[old * stride + i]!;
            writer.put(difference === 0 ? 0 : 1, 1);
            if (difference !== 0 && values === 'whole') writer.put(table.data[row * stride + i]! - min, bits);
            else if (difference !== 0) writer.putGolomb(zigzag(difference, cycle) - 1, order);
          });
        }
        row++;
        if (isKnown) old++;
      }
      writer.putGolomb(0, GAP_ORDER);
    };

    const readTable = (parts: readonly PackedPart[], base: FrameTable | undefined): FrameTable => {
      const rows = new Map<number, number[]>();
      base?.ids.forEach((id, row) => rows.set(id, [...base.data.subarray(row * parts.length, (row + 1) * parts.length)]));
      let id = 0;
      for (;;) {
        const gap = reader.getGolomb(GAP_ORDER);
        if (gap === 0) break;
        id += gap;
        const old = rows.get(id);
        if (reader.get(1) === 1) rows.delete(id);
        else if (old === undefined)
          rows.set(
            id,
            parts.map(({ min, bits }) => min + reader.get(bits)),
          );
        else {
          rows.set(
            id,
            parts.map(({ min, bits, order, cycle }, i) => {
              if (reader.get(1) === 0) return old[i]!;
              if (values === 'whole') return min + reader.get(bits);
              const code = reader.getGolomb(order) + 1;
              const value = old[i]! + (code % 2 === 1 ? -(code + 1) / 2 : code / 2);
              return cycle === 0 ? value : ((((value - min) % cycle) + cycle) % cycle) + min;
            }),
          );
        }
      }
      const sorted = [...rows].sort((a, b) => a[0] - b[0]);
      return { ids: Int32Array.from(sorted, ([key]) => key), data: Int32Array.from(sorted.flatMap(([, row]) => row)) };
    };

    return {
      load: (next) => void (frame = next),
      acknowledge: (index) => void (acked = frames[index]),
      encode() {
        writer.at = 0;
        writer.put(frame.tick, TICK_BITS);
        writer.put(acked === undefined ? 0 : frame.tick - acked.tick, AGE_BITS);
        kinds.forEach((parts, k) => writeTable(parts, frame.tables[k]!, acked?.tables[k]));
        return writer.bytes.subarray(0, (writer.at + 7) >> 3);
      },
      decode(bytes) {
        reader.at = 0;
        reader.bytes = bytes as Uint8Array<ArrayBuffer>;
        const tick = reader.get(TICK_BITS);
        const age = reader.get(AGE_BITS);
        const base = age === 0 ? undefined : held.get(tick - age);
        received = kinds.map((parts, k) => readTable(parts, base?.[k]));
        held.set(tick, received);
        held.delete(tick - 2 ** AGE_BITS);
      },
      decoded: () => received,
    };
  },
});

export const bitPacking = bitPackingOf('bit packing, Exp-Golomb, one acked baseline', 'differences');
export const bitPackingWhole = bitPackingOf('bit packing, fixed widths, one acked baseline', 'whole');
