/**
 * Of two copies that lack different things, what they know together: every entity that either has, each as of the newer
 * tick. The host does it on lists of ids and ticks, the client on its tables: mirrors of each other.
 */
import type { WorldState } from '../world/world-state.ts';
import type { DatedIds } from './baselines.ts';

/** Ids and ticks of `a` and `b` together. `out` is neither of them. */
export function mergeDated(out: DatedIds, a: DatedIds, b: DatedIds): void {
  out.count = 0;
  let [i, j] = [0, 0];
  while (i < a.count || j < b.count) {
    const left = i < a.count ? a.ids[i]! : Infinity;
    const right = j < b.count ? b.ids[j]! : Infinity;
    if (left < right) out.add(left, a.ticks[i++]!);
    else if (right < left) out.add(right, b.ticks[j++]!);
    else out.add(left, Math.max(a.ticks[i++]!, b.ticks[j++]!));
  }
}

/** A tick after all: nobody can say since when a row that two copies share has been as it is. */
const UNKNOWN = 2 ** 30;

/** Rows of `a` and `b` together, in `out`, which is neither of them. On equal ticks both have the same values. */
export function mergeStates(out: WorldState, a: WorldState, b: WorldState): void {
  out.nextCounter.set(a.nextCounter);
  out.isComplete = false;
  for (let k = 0; k < out.tables.length; k++) {
    const [to, left, right] = [out.tables[k]!, a.tables[k]!, b.tables[k]!];
    const { stride } = to;
    let [i, j, row] = [0, 0, 0];
    for (; i < left.count || j < right.count; row++) {
      const leftId = i < left.count ? left.ids[i]! : Infinity;
      const rightId = j < right.count ? right.ids[j]! : Infinity;
      to.reserve(row + 1);
      const isLeft = leftId < rightId || (leftId === rightId && left.ticks[i]! >= right.ticks[j]!);
      const [from, at] = isLeft ? [left, i] : [right, j];
      to.ids[row] = from.ids[at]!;
      to.ticks[row] = from.ticks[at]!;
      to.born[row] = UNKNOWN;
      for (let n = 0; n < stride; n++) to.data[row * stride + n] = from.data[at * stride + n]!;
      if (leftId <= rightId) i++;
      if (rightId <= leftId) j++;
    }
    to.count = row;
  }
}
