/**
 * How much of the page's time prediction may take. Replaying what the host has not confirmed costs more the worse the
 * network is, and a machine that is too slow for it would fall behind, have more to replay, and fall behind further (the
 * spiral of death). So a long replay is run in slices with rests between them, and when even that does not lead to an end,
 * or leaves no time for anything else, prediction is given up for a while: the player's own things are then drawn as
 * everybody else's, from what was received.
 */

/** Longest run of steps in one update: less than half of a frame at 60 Hz, the rest is for drawing. */
export const SLICE_MS = 6;
/** A replay that is not through after this long is worth nothing: what it started from is old. */
export const REPLAY_MS_MAX = 250;
/** Part of the time that steps may take, over a second. */
const BUSY_PART_MAX = 0.7;
const WINDOW_MS = 1_000;
/** After prediction was given up it is tried again, at first so much later, then twice as late each time. */
export const RETRY_MS = 5_000;
export const RETRY_MS_MAX = 60_000;

export class ReplayBudget {
  /** How often prediction was given up. */
  overloads = 0;
  readonly #measureMs: (() => number) | undefined;
  #sliceStartMs = 0;
  /** Until then a replay that is not through does not go on: as long as its last slice took. */
  #restUntilMs = -Infinity;
  /** When the replay began that is not through yet. */
  #replayStartMs: number | undefined;
  #windowStartMs = -Infinity;
  #busyMs = 0;
  #givenUpUntilMs = -Infinity;
  #retryMs = RETRY_MS;

  /** `measureMs` reads a clock that goes on while code runs; without one there is no limit. */
  constructor(measureMs: (() => number) | undefined) {
    this.#measureMs = measureMs;
  }

  /** Whether the machine is too slow to predict, for now. */
  get isGivenUp(): boolean {
    return this.#measureMs !== undefined && this.#measureMs() < this.#givenUpUntilMs;
  }

  beginSlice(): void {
    if (this.#measureMs !== undefined) this.#sliceStartMs = this.#measureMs();
  }

  /** Whether the slice may be spent on a replay. */
  mayReplay(): boolean {
    return this.#sliceStartMs >= this.#restUntilMs;
  }

  /** Whether another step fits into the slice. */
  hasTime(): boolean {
    return this.#measureMs === undefined || this.#measureMs() - this.#sliceStartMs < SLICE_MS;
  }

  /** Ends a slice. `isThrough`: nothing is left to be replayed. */
  endSlice(isThrough: boolean): void {
    if (this.#measureMs === undefined) return;
    const nowMs = this.#measureMs();
    const sliceMs = nowMs - this.#sliceStartMs;
    if (isThrough) this.#replayStartMs = undefined;
    else {
      this.#replayStartMs ??= this.#sliceStartMs;
      if (sliceMs > 0) this.#restUntilMs = nowMs + sliceMs;
    }
    if (this.#isBusy(nowMs, sliceMs) || (this.#replayStartMs !== undefined && nowMs - this.#replayStartMs > REPLAY_MS_MAX)) {
      this.#giveUp(nowMs);
    }
  }

  /** Adds to the window; at its end says whether it held too much. */
  #isBusy(nowMs: number, sliceMs: number): boolean {
    this.#busyMs += sliceMs;
    const windowMs = nowMs - this.#windowStartMs;
    if (windowMs < WINDOW_MS) return false;
    const isBusy = windowMs < Infinity && this.#busyMs > windowMs * BUSY_PART_MAX;
    this.#windowStartMs = nowMs;
    this.#busyMs = 0;
    return isBusy;
  }

  #giveUp(nowMs: number): void {
    this.overloads++;
    const wasLately = nowMs - this.#givenUpUntilMs < RETRY_MS;
    this.#retryMs = wasLately ? Math.min(RETRY_MS_MAX, this.#retryMs * 2) : RETRY_MS;
    this.#givenUpUntilMs = nowMs + this.#retryMs;
    this.#windowStartMs = -Infinity;
    this.#busyMs = 0;
    this.#replayStartMs = undefined;
  }
}
