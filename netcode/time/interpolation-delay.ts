/**
 * How far behind the timeline others must be drawn so that nearly always a snapshot is there that is as new as what is
 * drawn. That is measured as it is: the age of the newest snapshot grows from its arrival until the next newer one comes,
 * and what 98 % of the time stays below is the delay. Send interval, jitter, loss and bursts are all in that one figure.
 */
import { RecentHistogram } from './recent-histogram.ts';

/** Part of the time for which a snapshot must be there: the rest is bridged by extrapolation. */
const IN_TIME = 0.98;
/** Beyond the measured need: the clock that follows rests up to an eighth of a tick away. */
const MARGIN_TICKS = 0.25;
/** A smaller need is followed by this much per tick of time, a larger one at once: no oscillation, and well within what clocks glide. */
const SHRINK_PER_TICK = 0.02;
/** The longest delay; a snapshot that is older than this is an outage, which no delay could bridge and which says nothing about jitter. */
const DELAY_MS_MAX = 500;
/** What is remembered. */
const MEMORY_MS = 4000;
const WINDOWS = 4;
/** Finest bin: a tick's part, or at high tick rates as many ms. */
const BIN_TICKS_MIN = 1 / 8;
const BIN_MS_MIN = 2;

export class InterpolationDelay {
  /** How far behind the timeline to draw. */
  ticks: number;
  readonly #ages: RecentHistogram;
  /** Ages of the snapshots that came, when they came: what the network alone does. */
  readonly #arrivals: RecentHistogram;
  readonly #ticksMax: number;
  /** The newest snapshot's age when it arrived. */
  #ageAfter: number | undefined;

  constructor({ tickRate, sendRate }: { readonly tickRate: number; readonly sendRate: number }) {
    const binTicks = Math.max(BIN_TICKS_MIN, (BIN_MS_MIN * tickRate) / 1000);
    const windowMs = MEMORY_MS / WINDOWS;
    this.#ages = new RecentHistogram({ binTicks, windowMass: (windowMs * tickRate) / 1000 });
    this.#arrivals = new RecentHistogram({ binTicks, windowMass: (windowMs * sendRate) / 1000 });
    this.#ticksMax = (DELAY_MS_MAX * tickRate) / 1000;
    this.ticks = Math.min(this.#ticksMax, tickRate / sendRate + MARGIN_TICKS);
  }

  /** How late snapshots come: the lateness that 2 % of them exceed, less the usual one. */
  get jitterTicks(): number {
    const late = this.#arrivals.quantile(IN_TIME);
    const usual = this.#arrivals.quantile(0.5);
    return late === undefined || usual === undefined ? 0 : Math.max(0, late - usual);
  }

  /**
   * Takes note that a newer snapshot came: how far the newest one was behind the timeline just before and is just after, in
   * ticks. One that is older than another that came already changes nothing and is not told.
   */
  add(ageBefore: number, ageAfter: number): void {
    this.#arrivals.add(ageAfter);
    const begin = this.#ageAfter;
    this.#ageAfter = ageAfter;
    if (begin === undefined || ageBefore > this.#ticksMax || ageBefore <= begin) return;
    this.#ages.addRamp(begin, ageBefore);
    const needed = Math.min(this.#ticksMax, Math.max(0, this.#ages.quantile(IN_TIME)! + MARGIN_TICKS));
    this.ticks = Math.max(needed, Math.min(this.ticks, this.ticks - (ageBefore - begin) * SHRINK_PER_TICK));
  }

  /** The timeline moved forwards by so many ticks (backwards if negative): everything measured against it is so much older. */
  shift(ticks: number): void {
    this.#ages.shift(ticks);
    this.#arrivals.shift(ticks);
    if (this.#ageAfter !== undefined) this.#ageAfter += ticks;
    this.ticks = Math.min(this.#ticksMax, Math.max(0, this.ticks + ticks));
  }
}
