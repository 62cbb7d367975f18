/** Levels as people are shown them: how loud each one is now, and who speaks. Words have gaps that are no silence. */
import type { PlayerId } from '../core/ids.ts';

/** -45 dB: above a quiet room behind noise suppression, below a soft voice. */
const TALKING_LEVEL = 0.25;
/** The gap between two words. */
const TALKING_HOLD_MS = 300;

export class TalkMeter {
  /** Of everybody who was measured last. */
  readonly levels = new Map<PlayerId, number>();
  readonly #heardMs = new Map<PlayerId, number>();

  measure(sources: Iterable<readonly [PlayerId, number]>, nowMs: number): void {
    this.levels.clear();
    for (const [player, level] of sources) {
      this.levels.set(player, level);
      if (level >= TALKING_LEVEL) this.#heardMs.set(player, nowMs);
    }
    for (const player of this.#heardMs.keys()) if (!this.levels.has(player)) this.#heardMs.delete(player);
  }

  isTalking(player: PlayerId, nowMs: number): boolean {
    const heardMs = this.#heardMs.get(player);
    return heardMs !== undefined && nowMs - heardMs <= TALKING_HOLD_MS;
  }

  clear(): void {
    this.levels.clear();
    this.#heardMs.clear();
  }
}
