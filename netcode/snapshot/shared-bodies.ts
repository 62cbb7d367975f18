/**
 * Bodies written for this tick. A packet's body depends on the copies it is coded against and on nothing else, so every
 * client that stands at the same baselines gets the same bytes: players near each other usually do.
 */
import type { Tick } from '../core/ids.ts';
import { type Choice, NEVER } from './baselines.ts';
import { WISHED_SNAPSHOTS } from './motion.ts';

/** Bodies kept a tick; clients with other baselines than these get theirs written anew. */
const BODIES_MAX = 8;

interface Body {
  readonly bytes: Uint8Array;
  readonly length: number;
}

class SharedBody implements Body {
  bytes = new Uint8Array(0);
  length = 0;
  firstTick = NEVER;
  readonly olderTicks = WISHED_SNAPSHOTS.map(() => NEVER);
}

export class SharedBodies {
  readonly #bodies = Array.from({ length: BODIES_MAX }, () => new SharedBody());
  #count = 0;
  #tick = NEVER;

  find(tick: Tick, choice: Choice): Body | undefined {
    if (tick !== this.#tick) {
      this.#tick = tick;
      this.#count = 0;
    }
    for (let i = 0; i < this.#count; i++) {
      const body = this.#bodies[i]!;
      if (isFor(body, choice)) return body;
    }
    return undefined;
  }

  /** To be called after `find` said that there is none. */
  add(tick: Tick, { first, older }: Choice, { bytes, length }: Body): void {
    if (tick !== this.#tick || this.#count === BODIES_MAX) return;
    const body = this.#bodies[this.#count++]!;
    if (body.bytes.length < bytes.length) body.bytes = new Uint8Array(bytes.length);
    body.bytes.set(bytes);
    body.length = length;
    body.firstTick = first?.tick ?? NEVER;
    for (let n = 0; n < older.length; n++) body.olderTicks[n] = older[n]?.tick ?? NEVER;
  }
}

function isFor({ firstTick, olderTicks }: SharedBody, { first, older }: Choice): boolean {
  if (firstTick !== (first?.tick ?? NEVER)) return false;
  for (let n = 0; n < older.length; n++) if (olderTicks[n] !== (older[n]?.tick ?? NEVER)) return false;
  return true;
}
