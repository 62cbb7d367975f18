/** What was found of a group of drawn things: how far off they were, and how often they stood, leapt or blinked. */
import type { EntityId } from '../core/ids.ts';
import { Histogram, type Spread } from './histogram.ts';

/** The worst of its kind: where to look. */
export interface Incident {
  readonly px: number;
  /** Of entity. */
  readonly kind: string;
  readonly id: EntityId;
  /** The tick that was being drawn. */
  readonly tick: number;
}

/** How a group of things was drawn. Distances in pixels: the position's unit times `pixelsPerUnit`. */
export interface DrawnReport {
  /** Drawn positions that were judged: one a thing and frame. */
  readonly samples: number;
  /** Distance between what was drawn for a tick and what the host says for it. */
  readonly errorPx: Spread;
  /** Undefined if nothing was off by anything. */
  readonly worstError: Incident | undefined;
  /** Part of the drawn things that the host did not have at that tick: predicted in vain, or gone already. */
  readonly phantoms: number;
  /** Times that a thing stood for more than 2 frames while the host moved it. */
  readonly freezes: number;
  readonly longestFreezeMs: number;
  /** Times that a thing changed its motion more than the host's rules did around that tick. */
  readonly jumps: number;
  /** By how much a thing's way in one frame differed from that in the frame before. */
  readonly worstJump: Incident | undefined;
  /** Times that a thing was gone from the screen for less than a second though the host had it all the time. */
  readonly blinks: number;
}

export class DrawnTally {
  readonly error = new Histogram();
  worstError: Incident | undefined;
  phantoms = 0;
  freezes = 0;
  longestFreezeMs = 0;
  jumps = 0;
  worstJump: Incident | undefined;
  blinks = 0;

  addAll(other: DrawnTally): void {
    this.error.addAll(other.error);
    this.phantoms += other.phantoms;
    this.freezes += other.freezes;
    this.longestFreezeMs = Math.max(this.longestFreezeMs, other.longestFreezeMs);
    this.jumps += other.jumps;
    this.blinks += other.blinks;
    this.worstError = worse(this.worstError, other.worstError);
    this.worstJump = worse(this.worstJump, other.worstJump);
  }

  report(): DrawnReport {
    const samples = this.error.count + this.phantoms;
    return {
      samples,
      errorPx: this.error.spread(),
      worstError: this.worstError,
      phantoms: samples === 0 ? 0 : this.phantoms / samples,
      freezes: this.freezes,
      longestFreezeMs: this.longestFreezeMs,
      jumps: this.jumps,
      worstJump: this.worstJump,
      blinks: this.blinks,
    };
  }
}

export function worse(a: Incident | undefined, b: Incident | undefined): Incident | undefined {
  return a === undefined || (b !== undefined && b.px > a.px) ? b : a;
}
