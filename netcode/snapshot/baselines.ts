/**
 * What the host knows of one client's copy of the world, entity by entity.
 *
 * A client builds its state at tick T from its newest earlier state plus the entities in packet T. So an entity may be
 * left out of a packet only if the client's copy is certain to be right without it: it is *clean*. Otherwise it is
 * *dirty* and goes (as a delta against the newest acknowledged tick at which the client's copy was certain, its
 * baseline) into every packet until one of them is acknowledged. A lost packet therefore costs nothing but the newest
 * value, sent anyway, and nothing is ever decoded against a state that the client might not have. (SPEC.md, SNAP rules)
 */
import type { EntityId, Tick } from '../core/ids.ts';

/** Ticks of history that host and client keep: a baseline is at most this minus one ticks old. 2.1 s at 60 Hz. */
export const HISTORY_TICKS = 128;
/** Bits that hold the age of a baseline. */
export const BASELINE_AGE_BITS = 7;

const NEVER = -1 as Tick;

/** One client's copy of one entity. */
export interface EntityTrack {
  readonly id: EntityId;
  readonly kind: number;
  /** The first packet that held it. */
  readonly firstSentTick: Tick;
  /** The newest acknowledged tick at which the client's copy equalled the host's, or -1. */
  freshTick: Tick;
  /** The newest packet that changed (or, for lack of room, failed to change) the client's copy. */
  touchedTick: Tick;
  /** The newest packet that held it: what the priority of the waiting grows from. */
  includedTick: Tick;
  /** The first packet that told the client it is gone, or -1 while it lives. */
  removedTick: Tick;
  /** The newest tick at which the world was seen to hold it. */
  seenTick: Tick;
}

/** What has to be remembered of a sent snapshot until it is acknowledged. */
export interface SentSnapshot {
  readonly tick: Tick;
  /** Dirty entities that found no room. */
  readonly skipped: readonly EntityId[];
  /** The packet held all events up to this tick that the client did not have. */
  readonly eventsThroughTick: Tick;
}

export class Baselines {
  readonly tracks = new Map<EntityId, EntityTrack>();
  /** The newest snapshot the client has, or -1. */
  newestAckedTick = NEVER;
  /** The client has all events up to this tick. */
  eventsAckedTick = NEVER;

  /** The track of an entity that the world holds at `tick`; a new one for what the client never saw. */
  see(id: EntityId, kind: number, tick: Tick): EntityTrack {
    let track = this.tracks.get(id);
    if (track === undefined || track.removedTick !== NEVER) {
      track = {
        id,
        kind,
        firstSentTick: tick,
        freshTick: NEVER,
        touchedTick: NEVER,
        includedTick: NEVER,
        removedTick: NEVER,
        seenTick: tick,
      };
      this.tracks.set(id, track);
    }
    track.seenTick = tick;
    return track;
  }

  /** Whether the client's copy is certain to equal the value at the track's baseline. */
  isSettled(track: EntityTrack): boolean {
    return track.freshTick !== NEVER && track.touchedTick <= track.freshTick;
  }

  acknowledge({ tick, skipped, eventsThroughTick }: SentSnapshot): void {
    this.newestAckedTick = Math.max(this.newestAckedTick, tick) as Tick;
    this.eventsAckedTick = Math.max(this.eventsAckedTick, eventsThroughTick) as Tick;
    for (const track of this.tracks.values()) {
      if (track.removedTick !== NEVER) {
        if (track.removedTick <= tick) this.tracks.delete(track.id);
      } else if (track.firstSentTick <= tick && track.freshTick < tick && !skipped.includes(track.id)) {
        track.freshTick = tick;
      }
    }
  }
}
