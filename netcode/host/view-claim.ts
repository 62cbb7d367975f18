/**
 * How far in the past a player saw the others, so far as it can be believed. Only the player's own machine knows, and a
 * cheat would say now this and now that, whatever makes the shot a hit. So a claim is followed exactly while it moves as
 * clocks move that are steered honestly; one that leaps is crept up to, but once in a while believed: honest clocks do leap
 * after an outage.
 */
import type { Tick } from '../core/ids.ts';

/** How far the claim may move in a tick: two clocks steered within 5 % each move it by 0.1, and it comes in steps of 1/16. */
const TICKS_PER_TICK_MAX = 0.25;
/** A leap is believed this often. */
const LEAP_SECONDS = 5;

export class ViewClaim {
  /** What is believed now, in ticks. */
  honouredTicks = 0;
  /** Claims that were crept up to instead of followed. */
  refusedClaims = 0;
  readonly #ticksBetweenLeaps: number;
  #lastTick: Tick | undefined;
  #leapTick = -Infinity;

  constructor(tickRate: number) {
    this.#ticksBetweenLeaps = LEAP_SECONDS * tickRate;
  }

  /** Takes the claim that came with a tick's input, ticks in order, and returns what is believed. Ticks without one are left out. */
  honour(tick: Tick, claimedTicks: number): number {
    const step = this.#lastTick === undefined ? Infinity : (tick - this.#lastTick) * TICKS_PER_TICK_MAX;
    this.#lastTick = tick;
    const distance = claimedTicks - this.honouredTicks;
    if (Math.abs(distance) <= step) {
      this.honouredTicks = claimedTicks;
    } else if (tick - this.#leapTick >= this.#ticksBetweenLeaps) {
      this.#leapTick = tick;
      this.honouredTicks = claimedTicks;
    } else {
      this.refusedClaims++;
      this.honouredTicks += distance > 0 ? step : -step;
    }
    return this.honouredTicks;
  }
}
