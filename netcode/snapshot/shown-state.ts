/**
 * What a client shows. A copy that left something out for lack of room is, in those places, as old as its baseline; the
 * client may have seen newer values since. Copies must stay as the host knows them, so what is shown is a state of its own.
 */
import type { EntityId } from '../core/ids.ts';
import type { WorldState } from '../world/world-state.ts';

/**
 * Fills `shown` from a received copy, which was made from `base`: what is newer in what was shown last stays. Where that is wrong (an entity gone whose end
 * found no room), the next acknowledged baseline shows it and the host says it again.
 */
export function fillShown(shown: WorldState, copy: WorldState, base: WorldState | undefined, last: WorldState | undefined): void {
  shown.copyFrom(copy);
  shown.isComplete = copy.isComplete;
  if (copy.isComplete || last === undefined || last.tick >= copy.tick) return;
  for (let k = 0; k < last.tables.length; k++) {
    const table = last.tables[k]!;
    const target = shown.tables[k]!;
    for (let row = 0; row < table.count; row++) {
      const id = table.ids[row] as EntityId;
      const now = target.rowOf(id);
      // In the baseline and not in the copy: it is gone. In neither: the copy does not know it yet.
      if (now < 0 ? base !== undefined && base.tables[k]!.rowOf(id) >= 0 : target.ticks[now]! >= table.ticks[row]!) continue;
      const at = now < 0 ? target.insert(id) : now;
      target.ticks[at] = table.ticks[row]!;
      for (let i = 0; i < table.stride; i++) target.data[at * table.stride + i] = table.data[row * table.stride + i]!;
    }
  }
}
