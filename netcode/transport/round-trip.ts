/**
 * How far away a server is, by the calls that were made to it anyway: the least of the last few, since everything that can
 * go wrong with a measurement makes it longer. What the browser's network part noted of a call counts for more than the
 * page's own clock, which runs on through the making of the connection and through whatever keeps the page busy.
 */

/** A way that has become longer shows after so many calls; a busy moment spoils fewer. */
const CALLS_KEPT = 6;
/** Servers keep an idle connection for five seconds at least: a call so soon after another finds it open. */
const OPEN_FOR_MS = 4_000;
/** Clocks of pages are rounded, by a millisecond at most. */
const CLOCK_GRAIN_MS = 1;

export class RoundTrip {
  #onNetwork: readonly number[] = [];
  #onOpenConnection: readonly number[] = [];
  #onNewConnection: readonly number[] = [];
  #answeredAtMs = -Infinity;

  /** Undefined before the first call. */
  get ms(): number | undefined {
    const known = this.#onNetwork.length > 0 ? this.#onNetwork : [...this.#onOpenConnection, ...this.#onNewConnection];
    return known.length === 0 ? undefined : Math.min(...known);
  }

  /** What the page's clock says: at least as long as the round trip. */
  noteCall(askedAtMs: number, answeredAtMs: number): void {
    const tookMs = answeredAtMs - askedAtMs;
    const isOpen = askedAtMs - this.#answeredAtMs < OPEN_FOR_MS;
    this.#answeredAtMs = answeredAtMs;
    // Apart, so that heartbeats, each over a connection of its own, do not push out what was measured better.
    if (isOpen) this.#onOpenConnection = withNewest(this.#onOpenConnection, tookMs);
    else this.#onNewConnection = withNewest(this.#onNewConnection, tookMs);
  }

  /** From the request's first byte out to the answer's first byte in, as the browser's network part saw it. */
  noteNetwork(tookMs: number): void {
    this.#onNetwork = withNewest(this.#onNetwork, tookMs);
  }
}

const withNewest = (list: readonly number[], newest: number): readonly number[] => [...list, newest].slice(-CALLS_KEPT);

/**
 * Tells how long the next fetch of an address that ends in `path` took on the network, where the surroundings note that;
 * of another origin only if that allows it (Timing-Allow-Origin). It may be told some time after the answer, and never.
 * Returns what stops the waiting.
 */
export function watchNetworkTime(path: string, onTook: (ms: number) => void): () => void {
  if (typeof PerformanceObserver === 'undefined') return () => undefined;
  const sinceMs = performance.now() - CLOCK_GRAIN_MS;
  // An observer and not the list of entries, which is full after the first few hundred.
  const observer = new PerformanceObserver((list) => {
    const entry = (list.getEntries() as PerformanceResourceTiming[]).find(
      ({ name, initiatorType, startTime }) => initiatorType === 'fetch' && startTime >= sinceMs && name.endsWith(path),
    );
    if (entry === undefined) return;
    observer.disconnect();
    const tookMs = entry.responseStart - entry.requestStart;
    // Zero is what a page sees of what it may not see.
    if (entry.requestStart > 0 && tookMs >= 0) onTook(tookMs);
  });
  observer.observe({ type: 'resource' });
  return () => observer.disconnect();
}
