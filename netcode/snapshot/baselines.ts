/**
 * What the host knows of one client's copies of the world.
 *
 * A client builds its copy at tick T from its copy at the packet's baseline (a snapshot that it has acknowledged) and what
 * the packet holds; what the packet does not mention is as it was there. So the host knows every copy that the client can
 * have, exactly, whatever was lost: a packet depends on its baseline and on nothing else. If all that changed found room,
 * the copy at T equals the host's state at T (the snapshot is *complete*); if not, the entities left out are older in it,
 * and a `View` tells how old. (SPEC.md, SNAP rules)
 */
import type { EntityId, Tick } from '../core/ids.ts';
import { lowerBound, type Table, type WorldState } from '../world/world-state.ts';

/** Ticks of history that host and client keep: a baseline is at most this minus one ticks old. 2.1 s at 60 Hz. */
export const HISTORY_TICKS = 128;
/** Bits that hold the age of a baseline. */
export const BASELINE_AGE_BITS = 7;
/** Acknowledged snapshots remembered: enough to find one about any distance back that a prediction wants. */
const ACKED_MAX = 32;

const NEVER = -1 as Tick;

/** A copy that is not the host's state of its tick: for each kind the entities in it, and the tick whose value each has. */
export interface View {
  readonly ids: readonly Int32Array[];
  readonly ticks: readonly Int32Array[];
  /** The smallest of `ticks`: when the history no longer holds it, the view can be no baseline. */
  readonly oldestTick: Tick;
}

/** What has to be remembered of a sent snapshot. */
export interface SentSnapshot {
  readonly tick: Tick;
  /** Undefined if it is complete. */
  readonly view: View | undefined;
  /** With this packet the client has all events up to this tick. */
  readonly eventsThroughTick: Tick;
}

export class Baselines {
  /** Acknowledged snapshots, newest first. */
  readonly acked: SentSnapshot[] = [];
  /** The newest snapshot that was sent. */
  lastSent: SentSnapshot | undefined;
  /** The client has all events up to this tick. */
  eventsAckedTick = NEVER;

  acknowledge(sent: SentSnapshot): void {
    this.eventsAckedTick = Math.max(this.eventsAckedTick, sent.eventsThroughTick) as Tick;
    const at = this.acked.findIndex((other) => other.tick <= sent.tick);
    if (this.acked[at]?.tick === sent.tick) return;
    this.acked.splice(at < 0 ? this.acked.length : at, 0, sent);
    if (this.acked.length > ACKED_MAX) this.acked.pop();
  }
}

/** The tick whose value an entity has in the client's copy of a snapshot; -1 if it is not in there. `state` is the host's at its tick. */
export function valueTickIn({ tick, view }: SentSnapshot, state: WorldState, kind: number, id: EntityId): Tick {
  if (view === undefined) return state.tables[kind]!.rowOf(id) < 0 ? NEVER : tick;
  const ids = view.ids[kind]!;
  const at = lowerBound(ids, ids.length, id);
  return ids[at] === id ? (view.ticks[kind]![at] as Tick) : NEVER;
}

/** The ids of one kind that the client's copy of a snapshot holds. */
export function idsIn({ view }: SentSnapshot, table: Table): Int32Array {
  return view === undefined ? table.ids.subarray(0, table.count) : view.ids[table.kind.index]!;
}
