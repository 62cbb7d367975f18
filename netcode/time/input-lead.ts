/**
 * How far a client must live ahead of the snapshots it receives so that its inputs reach the host just in time. The
 * host reports how early each input came (as Unity Netcode's server does); the lead is corrected by the worst of a
 * window and then left alone, so that a single late packet moves nothing and the effect of a change is seen before
 * the next one.
 */

/** Reports that make up a judgement: half a second at 60 Hz. */
const WINDOW_REPORTS = 30;
/** How early (in ticks) the second latest input of a window should come. */
const EARLINESS_WANTED = 0.75;
/** Between these nothing is changed. */
const EARLINESS_MIN = 0.25;
const EARLINESS_MAX = 2;
/** Largest correction at once, in ticks. */
const CORRECTION_MAX = 6;
/** Leads beyond this (1 s at 60 Hz) are not prediction any more. */
const LEAD_TICKS_MAX = 60;

export class InputLead {
  leadTicks: number;
  readonly #reports: number[] = [];
  #ignoreUntilMs = -Infinity;

  /** `rttTicks` is the first guess of the round trip. */
  constructor(rttTicks: number) {
    this.leadTicks = Math.min(LEAD_TICKS_MAX, rttTicks + EARLINESS_WANTED);
  }

  /** Takes a report: the input came `earliness` ticks before it was needed (negative: too late). */
  report(earliness: number, nowMs: number, rttMs: number): void {
    if (nowMs < this.#ignoreUntilMs) return;
    this.#reports.push(earliness);
    if (this.#reports.length < WINDOW_REPORTS) return;
    const sorted = this.#reports.splice(0).sort((a, b) => a - b);
    const worst = sorted[1]!;
    if (worst >= EARLINESS_MIN && worst <= EARLINESS_MAX) return;
    const correction = Math.min(CORRECTION_MAX, Math.max(-CORRECTION_MAX, EARLINESS_WANTED - worst));
    this.leadTicks = Math.min(LEAD_TICKS_MAX, Math.max(0, this.leadTicks + correction));
    // The clock glides at 5 %, and what it does now is reported one round trip later.
    this.#ignoreUntilMs = nowMs + rttMs + Math.abs(correction) * 350;
  }
}
