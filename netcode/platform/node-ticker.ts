/** Node's Ticker: a plain interval, since no one hides a Node process. Drift does not matter: the receiver looks at the clock. */
import type { Ticker } from '../core/clock.ts';

/** Four pulses a tick at 60 Hz: a tick starts at most this late. */
const PULSE_MS = 4;

export function createNodeTicker(): Ticker {
  let timer: ReturnType<typeof setInterval> | undefined;
  return {
    start(callback) {
      clearInterval(timer);
      timer = setInterval(callback, PULSE_MS);
    },
    stop() {
      clearInterval(timer);
    },
  };
}
