/**
 * How far ahead of the timeline a client must live so that its inputs reach the host just in time. The host reports how
 * early inputs came; less the lead that they were sampled with, each report says what lead was needed, whatever lead is in
 * use. So nothing is fed back, and nothing can swing: the lead is what nearly all inputs of the last seconds needed.
 */
import { RecentHistogram } from './recent-histogram.ts';

/** Part of the reports whose inputs must come in time. A report is of the worst input of a send interval. */
const IN_TIME = 0.985;
/** Beyond the measured need: the clock that follows rests up to an eighth of a tick away, and reports are rounded. */
const MARGIN_TICKS = 0.25;
/** A smaller need is followed by this part of the way a second, a larger one at once. */
const SHRINK_PER_SECOND = 0.5;
/** Leads beyond this (1 s at 60 Hz) are not prediction any more. */
const LEAD_TICKS_MAX = 60;
/** What is remembered. */
const MEMORY_SECONDS = 4;
const WINDOWS = 4;
const BIN_TICKS = 1 / 8;
/** So long the first guess is replaced by whatever reports say. */
const YOUNG_SECONDS = 0.3;

export class InputLead {
  leadTicks: number;
  readonly #needed: RecentHistogram;
  readonly #shrinkPart: number;
  readonly #youngMass: number;

  /** `rttTicks` is the first guess of the round trip; reports come with snapshots, `sendRate` a second. */
  constructor(rttTicks: number, sendRate: number) {
    this.#needed = new RecentHistogram({ binTicks: BIN_TICKS, windowMass: (sendRate * MEMORY_SECONDS) / WINDOWS });
    this.#shrinkPart = SHRINK_PER_SECOND / sendRate;
    this.#youngMass = sendRate * YOUNG_SECONDS;
    this.leadTicks = Math.min(LEAD_TICKS_MAX, rttTicks + 1);
  }

  /** Takes a report: an input would have been just in time with this lead. */
  report(neededTicks: number): void {
    this.#needed.add(neededTicks);
    const needed = Math.min(LEAD_TICKS_MAX, Math.max(0, this.#needed.quantile(IN_TIME)! + MARGIN_TICKS));
    const excess = this.leadTicks - needed;
    if (excess < 0 || this.#needed.mass < this.#youngMass) this.leadTicks = needed;
    else this.leadTicks -= excess * this.#shrinkPart;
  }

  /** The timeline moved forwards by so many ticks (backwards if negative): the same moment is so much less ahead of it. */
  shift(ticks: number): void {
    this.#needed.shift(-ticks);
    this.leadTicks = Math.min(LEAD_TICKS_MAX, Math.max(0, this.leadTicks - ticks));
  }
}
