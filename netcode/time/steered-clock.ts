/**
 * A position in ticks that follows a moving target by running a little faster or slower, never by jumping, unless the
 * distance is hopeless. Both of a client's times are such clocks: the present it predicts and the past it draws.
 */

/** Largest deviation from real time. Within 5 % nobody hears or sees it (lightyear and Unity allow 10 %). */
const SPEED_DEVIATION_MAX = 0.05;
/** Speed gained for each tick of distance: 1 tick is caught up in about 0.8 s. */
const SPEED_PER_TICK = 0.02;
/** Below this distance (in ticks) the speed stays: no oscillation around the target. */
const DEAD_BAND_TICKS = 0.25;
/** Beyond this distance (in ticks at 60 Hz: 333 ms) gliding would take seconds: jump. */
const SNAP_TICKS = 20;

export class SteeredClock {
  snaps = 0;
  readonly #ticksPerMs: number;
  #tick: number;
  #atMs: number;

  constructor(tickRate: number, tick: number, nowMs: number) {
    this.#ticksPerMs = tickRate / 1000;
    this.#tick = tick;
    this.#atMs = nowMs;
  }

  get tick(): number {
    return this.#tick;
  }

  /** Advances to `nowMs`, gliding towards `target`. Returns the new position. */
  advance(nowMs: number, target: number): number {
    const elapsedTicks = Math.max(0, nowMs - this.#atMs) * this.#ticksPerMs;
    this.#atMs = Math.max(this.#atMs, nowMs);
    const error = target - (this.#tick + elapsedTicks);
    if (Math.abs(error) > SNAP_TICKS) {
      this.snaps++;
      this.#tick = target;
      return target;
    }
    const wanted = Math.abs(error) < DEAD_BAND_TICKS ? 0 : error * SPEED_PER_TICK;
    const deviation = Math.min(SPEED_DEVIATION_MAX, Math.max(-SPEED_DEVIATION_MAX, wanted));
    this.#tick += elapsedTicks * (1 + deviation);
    return this.#tick;
  }
}
