/**
 * The one timeline of a client. Every snapshot says "tick T arrived now". The earliest arrivals of the last seconds (those
 * that met no queue) form a line: at any moment, the tick that a packet without jitter would bring. Two clocks never run
 * alike, so the line has a slope of its own: found over half a minute, since over the few seconds of the filter jitter is
 * larger than any drift.
 */

/** Length of one of the two windows of the minimum filter: long enough to catch a packet that met no queue, short enough to follow a changed route. */
const WINDOW_MS = 2000;
/** Windows that the slope is taken from, each by its earliest arrival: half a minute. */
const TREND_WINDOWS = 16;
/** Fewer say nothing. */
const TREND_WINDOWS_MIN = 6;
/** Clocks of machines are off by less than 100 ppm, two of them by less than 200; beyond this it is not a clock that drifts. */
const DRIFT_PPM_MAX = 1000;
/** Weight of a new estimate: once a window. */
const DRIFT_GAIN = 1 / 4;
/** A slope counts so far as it exceeds so many times its standard error: jitter alone gives none. */
const SIGNIFICANCE = 2;
/** A window whose earliest arrival leaves the trend by more than this took another route: the trend begins anew. */
const ROUTE_CHANGE_MS = 15;

export class ArrivalLine {
  readonly #ticksPerMs: number;
  /** Ticks by which the host's clock gains on this one, per ms. */
  #slope = 0;
  /** The earliest arrivals of this window and of the one before: an offset (tick less own time) each, and when. */
  #offset = -Infinity;
  #offsetAtMs = 0;
  #previousOffset = -Infinity;
  #previousAtMs = 0;
  #windowStartMs = -Infinity;
  /** Earliest arrivals of the windows before, in a ring. */
  readonly #trendOffsets = new Float64Array(TREND_WINDOWS);
  readonly #trendMs = new Float64Array(TREND_WINDOWS);
  #trendCount = 0;

  constructor(tickRate: number) {
    this.#ticksPerMs = tickRate / 1000;
  }

  /** How much faster the host's clock runs than this one, in parts per million. */
  get driftPpm(): number {
    return (this.#slope / this.#ticksPerMs) * 1e6;
  }

  /** Takes an arrival. Returns by how many ticks the line moved forwards (backwards if negative) beside the passing of time. */
  add(tick: number, atMs: number): number {
    const before = this.#lineOffset(atMs);
    if (atMs - this.#windowStartMs >= WINDOW_MS) this.#beginWindow(atMs);
    const offset = tick - atMs * this.#ticksPerMs;
    if (offset >= this.#offset + this.#slope * (atMs - this.#offsetAtMs)) {
      this.#offset = offset;
      this.#offsetAtMs = atMs;
    }
    return before === -Infinity ? 0 : this.#lineOffset(atMs) - before;
  }

  /** The tick that a packet without jitter would bring at this moment. */
  tickAt(nowMs: number): number {
    return this.#lineOffset(nowMs) + nowMs * this.#ticksPerMs;
  }

  #lineOffset(nowMs: number): number {
    const current = this.#offset + this.#slope * (nowMs - this.#offsetAtMs);
    return Math.max(current, this.#previousOffset + this.#slope * (nowMs - this.#previousAtMs));
  }

  #beginWindow(atMs: number): void {
    if (this.#offset > -Infinity) this.#extendTrend();
    this.#previousOffset = this.#offset;
    this.#previousAtMs = this.#offsetAtMs;
    this.#offset = -Infinity;
    this.#offsetAtMs = atMs;
    this.#windowStartMs = atMs;
  }

  /** Adds the window that ends to the trend, and fits a line to it. */
  #extendTrend(): void {
    const leap = this.#offset - (this.#previousOffset + this.#slope * (this.#offsetAtMs - this.#previousAtMs));
    if (Math.abs(leap) > ROUTE_CHANGE_MS * this.#ticksPerMs) this.#trendCount = 0;
    this.#trendOffsets[this.#trendCount % TREND_WINDOWS] = this.#offset;
    this.#trendMs[this.#trendCount % TREND_WINDOWS] = this.#offsetAtMs;
    this.#trendCount++;
    const limit = (DRIFT_PPM_MAX / 1e6) * this.#ticksPerMs;
    if (this.#trendCount < TREND_WINDOWS_MIN) return;
    const slope = Math.min(limit, Math.max(-limit, this.#fittedSlope()));
    this.#slope += (slope - this.#slope) * DRIFT_GAIN;
  }

  /** The slope of least squares, shrunk by what chance alone may make of it. */
  #fittedSlope(): number {
    const count = Math.min(this.#trendCount, TREND_WINDOWS);
    const firstMs = this.#trendMs[0]!;
    const firstOffset = this.#trendOffsets[0]!;
    let [sumX, sumY, sumXX, sumXY, sumYY] = [0, 0, 0, 0, 0];
    for (let i = 0; i < count; i++) {
      const x = this.#trendMs[i]! - firstMs;
      const y = this.#trendOffsets[i]! - firstOffset;
      sumX += x;
      sumY += y;
      sumXX += x * x;
      sumXY += x * y;
      sumYY += y * y;
    }
    const spreadX = sumXX - (sumX * sumX) / count;
    if (spreadX <= 0) return 0;
    const slope = (sumXY - (sumX * sumY) / count) / spreadX;
    const rest = Math.max(0, sumYY - (sumY * sumY) / count - slope * slope * spreadX);
    const error = Math.sqrt(rest / (count - 2) / spreadX) * SIGNIFICANCE;
    return slope === 0 ? 0 : slope * Math.max(0, 1 - (error * error) / (slope * slope));
  }
}
