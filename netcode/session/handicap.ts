/**
 * Fairness between the host's own player, who sits beside the authority, and guests, who live a round trip away. What
 * counts in play is the *view delay*: how far the others one sees lie behind the moment one acts in. The host's advantage
 * is what the median guest's is longer than their own. If the game wants it, the host's own packets are held back until
 * nothing is left of it.
 */
import type { StateLink } from '../channel/state-link.ts';
import type { Clock } from '../core/clock.ts';
import type { Received } from '../transport/transport.ts';

/** How often the delay is set anew. */
const INTERVAL_MS = 100;
/** Part of the remaining advantage that is taken away each time: what was held back shows only when clocks and delays have followed. */
const GAIN = 0.025;
/** The most at once, each way: 20 ms a second there and back, which clocks glide along with (5 %) before inputs come late. */
const STEP_MS_MAX = 1;
/** The host's player is never delayed by more each way, however far away the guests are. */
export const HANDICAP_MS_MAX = 150;

/** Packets held back at once: twice what 150 ms of a hundred a second are. The oldest goes first. */
const WAITING_MAX = 32;

export class Handicap {
  /** How much older, in ms, what the median guest sees is than what the host's player sees; negative if it is newer. */
  advantageMs = 0;
  /** How long the host's own packets are held back, each way. */
  delayMs = 0;
  readonly #isFair: boolean;
  #dueMs = -Infinity;

  constructor(isFair: boolean) {
    this.#isFair = isFair;
  }

  /** Takes what is known of the players' view delays, in ms, now and then. */
  update(nowMs: number, ownMs: number, guestsMs: readonly number[]): void {
    if (nowMs < this.#dueMs) return;
    this.#dueMs = nowMs + INTERVAL_MS;
    const sorted = guestsMs.toSorted((a, b) => a - b);
    this.advantageMs = sorted.length === 0 ? 0 : sorted[(sorted.length - 1) >> 1]! - ownMs;
    if (!this.#isFair) return;
    const step = sorted.length === 0 ? -STEP_MS_MAX : Math.min(STEP_MS_MAX, Math.max(-STEP_MS_MAX, (this.advantageMs / 2) * GAIN));
    this.delayMs = Math.min(HANDICAP_MS_MAX, Math.max(0, this.delayMs + step));
  }
}

/** One end of a link whose packets are held back on arrival, in their order. */
export class DelayedLink implements StateLink {
  readonly #link: StateLink;
  readonly #clock: Clock;
  readonly #delayMs: () => number;
  readonly #waiting: Received[] = [];

  constructor(link: StateLink, clock: Clock, delayMs: () => number) {
    this.#link = link;
    this.#clock = clock;
    this.#delayMs = delayMs;
  }

  stateBufferedBytes(lane?: number): number {
    return this.#link.stateBufferedBytes(lane);
  }

  sendState(bytes: Uint8Array, lane?: number): boolean {
    return this.#link.sendState(bytes, lane);
  }

  openLanes(count: number): void {
    this.#link.openLanes(count);
  }

  receiveState(): Received | undefined {
    for (let packet = this.#link.receiveState(); packet !== undefined; packet = this.#link.receiveState()) {
      const before = this.#waiting.at(-1)?.atMs ?? -Infinity;
      this.#waiting.push({ bytes: packet.bytes, atMs: Math.max(before, packet.atMs + this.#delayMs()) });
      if (this.#waiting.length > WAITING_MAX) this.#waiting.shift();
    }
    const next = this.#waiting[0];
    return next !== undefined && next.atMs <= this.#clock.nowMs() ? this.#waiting.shift() : undefined;
  }
}
