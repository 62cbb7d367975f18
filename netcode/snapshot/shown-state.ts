/**
 * What a client shows of a snapshot that left something out for lack of room. Its copy of what was left out is as old as
 * the baseline; the client may have seen newer values since. Copies must stay as the host knows them, so what is shown is
 * a state of its own.
 */
import type { EntityId } from '../core/ids.ts';
import type { WorldState } from '../world/world-state.ts';

/**
 * Fills `shown` from a received copy. Where an incomplete copy says no more than its baseline did, what was shown last
 * stays; if that is wrong, the next acknowledged baseline shows it and the host sends it again.
 */
export function fillShown(shown: WorldState, copy: WorldState, baseline: WorldState | undefined, last: WorldState | undefined): void {
  shown.copyFrom(copy);
  if (copy.isComplete || last === undefined || last.tick >= copy.tick || (baseline !== undefined && last.tick <= baseline.tick)) return;
  for (const table of last.tables) {
    const k = table.kind.index;
    const target = shown.tables[k]!;
    const base = baseline?.tables[k];
    for (let row = 0; row < table.count; row++) {
      const id = table.ids[row] as EntityId;
      const now = target.rowOf(id);
      const before = base?.rowOf(id) ?? -1;
      // In the baseline and not in the copy: it is gone. In both with another value: the copy is news.
      if (now < 0 ? before >= 0 : before < 0 || !isSame(target.data, now, base!.data, before, table.stride)) continue;
      const at = now < 0 ? target.insert(id) : now;
      target.data.set(table.data.subarray(row * table.stride, (row + 1) * table.stride), at * table.stride);
    }
  }
}

function isSame(a: Int32Array, rowA: number, b: Int32Array, rowB: number, stride: number): boolean {
  for (let i = 0; i < stride; i++) if (a[rowA * stride + i] !== b[rowB * stride + i]) return false;
  return true;
}
