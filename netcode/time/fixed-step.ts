/**
 * Turns a clock into ticks. Position is computed from the start, not summed up, so rounding never drifts
 * (setInterval does). After a long sleep of the machine the timeline is moved instead of run through.
 */
import type { Tick } from '../core/ids.ts';

/** Ticks run in one go at most: a quarter of a second at 60 Hz. More would make a slow machine slower (spiral of death). */
const TICKS_PER_UPDATE_MAX = 15;

export class FixedStep {
  /** Ticks that were never run because the machine slept or was too slow. */
  skippedTicks = 0;
  readonly #ticksPerMs: number;
  #startMs: number;
  #done = 0;

  constructor(tickRate: number, nowMs: number) {
    this.#ticksPerMs = tickRate / 1000;
    this.#startMs = nowMs;
  }

  /** Where between ticks the clock stands: tick n is due when it reaches n. */
  position(nowMs: number): number {
    return (nowMs - this.#startMs) * this.#ticksPerMs;
  }

  /** The next tick that is due, or undefined. */
  next(nowMs: number): Tick | undefined {
    const due = Math.floor(this.position(nowMs));
    const excess = due - this.#done - TICKS_PER_UPDATE_MAX;
    if (excess > 0) {
      this.skippedTicks += excess;
      this.#startMs += excess / this.#ticksPerMs;
    }
    if (Math.floor(this.position(nowMs)) <= this.#done) return undefined;
    return ++this.#done as Tick;
  }
}
