/** What the core takes from its surroundings instead of fetching it: time, a pulse, randomness. */

export interface Clock {
  /** Milliseconds since any fixed moment; never goes back. */
  nowMs(): number;
}

/** Calls back again and again, whether or not anything is drawn. The rate need not be exact: the receiver looks at the clock. */
export interface Ticker {
  start(callback: () => void): void;
  stop(): void;
}

/** A clock that goes only when told: tests and the simulator own time. */
export class VirtualClock implements Clock {
  #nowMs = 0;

  nowMs(): number {
    return this.#nowMs;
  }

  advance(ms: number): void {
    if (!(ms >= 0)) throw new RangeError(`time cannot go ${ms} ms`);
    this.#nowMs += ms;
  }
}
