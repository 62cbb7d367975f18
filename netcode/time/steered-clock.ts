/**
 * A position in ticks that follows a moving target by running a little faster or slower, never by jumping, unless the
 * distance is hopeless or nothing has been seen of it yet. Both of a client's times are such clocks: the present it predicts
 * and the past it draws.
 */

/** Largest deviation from real time. Within 5 % nobody hears or sees it (lightyear and Unity allow 10 %). */
const SPEED_DEVIATION_MAX = 0.05;
/** Speed gained for each tick of distance: full speed from one tick on, and the last tick in about a second. */
const SPEED_PER_TICK = 0.05;
/** At this distance (in ticks) it begins to glide, and goes on until it is as near as this: no wavering around the target. */
const GLIDE_FROM_TICKS = 0.125;
const GLIDE_TO_TICKS = 0.025;
/** Beyond this distance (in ticks at 60 Hz: 333 ms) gliding would take seconds: jump. */
const SNAP_TICKS = 20;
/** What has just appeared cannot be seen to jump: for so long the first, rough estimates are corrected at once. */
const SETTLING_MS = 1000;
const SETTLING_SNAP_TICKS = 2;

export class SteeredClock {
  /** Jumps, those of the first second not counted. */
  snaps = 0;
  /** Whether the last advance was a jump; the first one always is. */
  hasJumped = true;
  readonly #ticksPerMs: number;
  readonly #settledMs: number;
  #tick: number;
  #atMs: number;
  #isGliding = false;
  #isNew = true;

  constructor(tickRate: number, tick: number, nowMs: number) {
    this.#ticksPerMs = tickRate / 1000;
    this.#settledMs = nowMs + SETTLING_MS;
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
    const distance = Math.abs(error);
    const isSettling = nowMs < this.#settledMs;
    const isHopeless = distance > (isSettling ? SETTLING_SNAP_TICKS : SNAP_TICKS);
    this.hasJumped = isHopeless || this.#isNew;
    this.#isNew = false;
    if (isHopeless) {
      if (!isSettling) this.snaps++;
      this.#isGliding = false;
      this.#tick = target;
      return target;
    }
    this.#isGliding = distance > (this.#isGliding ? GLIDE_TO_TICKS : GLIDE_FROM_TICKS);
    const wanted = this.#isGliding ? error * SPEED_PER_TICK : 0;
    const deviation = Math.min(SPEED_DEVIATION_MAX, Math.max(-SPEED_DEVIATION_MAX, wanted));
    this.#tick += elapsedTicks * (1 + deviation);
    return this.#tick;
  }
}
