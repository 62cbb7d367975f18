/**
 * The one timeline of a client. Every snapshot says "tick T arrived now". The earliest arrivals of the last seconds
 * (those that met no queue) form a line: at any moment, the tick that a packet without jitter would bring. How late
 * the others are behind the line is the jitter that the interpolation delay has to cover.
 */

/** Length of one of the two windows of the minimum filter: long enough to catch a packet that met no queue, short enough to follow drift and a changed route. */
const WINDOW_MS = 2000;
/** Arrivals whose lateness is remembered: 2 s at 60 Hz. */
const LATENESS_COUNT = 128;
/** Part of the arrivals that must be in time: the rest is bridged by extrapolation. */
const PERCENTILE = 0.98;

export class ArrivalLine {
  readonly #ticksPerMs: number;
  readonly #lateness = new Float64Array(LATENESS_COUNT);
  #latenessCount = 0;
  #currentBest = -Infinity;
  #previousBest = -Infinity;
  #windowStartMs = -Infinity;

  constructor(tickRate: number) {
    this.#ticksPerMs = tickRate / 1000;
  }

  get hasSamples(): boolean {
    return this.#latenessCount > 0;
  }

  add(tick: number, atMs: number): void {
    const offset = tick - atMs * this.#ticksPerMs;
    if (atMs - this.#windowStartMs >= WINDOW_MS) {
      this.#previousBest = this.#currentBest;
      this.#currentBest = -Infinity;
      this.#windowStartMs = atMs;
    }
    this.#currentBest = Math.max(this.#currentBest, offset);
    this.#lateness[this.#latenessCount % LATENESS_COUNT] = this.#offset() - offset;
    this.#latenessCount++;
  }

  /** The tick that a packet without jitter would bring at this moment. */
  tickAt(nowMs: number): number {
    return this.#offset() + nowMs * this.#ticksPerMs;
  }

  /** The lateness, in ticks, that all but 2 % of the recent arrivals stay below. */
  jitterTicks(): number {
    const count = Math.min(this.#latenessCount, LATENESS_COUNT);
    if (count === 0) return 0;
    const sorted = this.#lateness.slice(0, count).sort();
    return sorted[Math.min(count - 1, Math.floor(count * PERCENTILE))]!;
  }

  #offset(): number {
    return Math.max(this.#currentBest, this.#previousBest);
  }
}
