/**
 * The browser's Ticker: a Worker's timer, so that a hidden or slowly drawing page keeps its tick.
 *
 * Until the Worker's first pulse arrives, and for good where it cannot run (no Workers, a Content-Security-Policy without
 * `worker-src 'self'`, a failed load), a plain interval ticks instead: it works, but a hidden tab slows it to once a second.
 */
import type { Ticker } from '../core/clock.ts';

/** As often as the Worker pulses. */
const FALLBACK_INTERVAL_MS = 4;

export function createWorkerTicker(): Ticker {
  return new WorkerTicker();
}

class WorkerTicker implements Ticker {
  #worker: Worker | undefined;
  #fallback: ReturnType<typeof setInterval> | undefined;

  start(callback: () => void): void {
    this.stop();
    this.#fallback = setInterval(callback, FALLBACK_INTERVAL_MS);
    const worker = createTickWorker();
    if (worker === undefined) return;
    this.#worker = worker;
    worker.addEventListener('message', () => {
      // Messages that were under way when the ticker stopped still arrive.
      if (this.#worker !== worker) return;
      clearInterval(this.#fallback);
      // Answered before it is handled, so that a callback that throws does not cost a pulse.
      worker.postMessage('handled');
      callback();
    });
    worker.addEventListener('error', (event) => {
      if (this.#worker !== worker) return;
      event.preventDefault();
      worker.terminate();
      this.#worker = undefined;
      clearInterval(this.#fallback);
      this.#fallback = setInterval(callback, FALLBACK_INTERVAL_MS);
    });
  }

  stop(): void {
    clearInterval(this.#fallback);
    this.#worker?.terminate();
    this.#worker = undefined;
  }
}

function createTickWorker(): Worker | undefined {
  if (typeof Worker === 'undefined') return undefined;
  try {
    return new Worker(new URL('./tick-worker.ts', import.meta.url), { type: 'module', name: 'volley-tick' });
  } catch {
    return undefined;
  }
}
