/** The browser's ticker: a Worker, and what happens where there is none. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { createWorkerTicker } from '../../netcode/platform/worker-ticker.ts';
import { pulsesOf, tickerContract } from './ticker-contract.ts';

tickerContract('a browser', createWorkerTicker);

describe('the Worker', () => {
  afterEach(() => vi.unstubAllGlobals());

  /** The page's own Worker class, with the number of messages each instance sent. */
  function watchWorkers(): { readonly messages: number } {
    const watched = { messages: 0 };
    class WatchedWorker extends Worker {
      constructor(url: string | URL, options?: WorkerOptions) {
        super(url, options);
        this.addEventListener('message', () => (watched.messages += 1));
      }
    }
    vi.stubGlobal('Worker', WatchedWorker);
    return watched;
  }

  test('drives the ticker, and its pulses replace the interval that bridged its start', async () => {
    const watched = watchWorkers();
    const ticker = createWorkerTicker();
    let calls = 0;
    ticker.start(() => (calls += 1));
    await vi.waitFor(() => expect(watched.messages).toBeGreaterThan(5));
    const before = { calls, messages: watched.messages };
    await vi.waitFor(() => expect(watched.messages).toBeGreaterThan(before.messages + 50));
    ticker.stop();
    expect(calls - before.calls).toBe(watched.messages - before.messages);
  });

  test('does not pile up pulses while the page hangs', async () => {
    const watched = watchWorkers();
    const ticker = createWorkerTicker();
    ticker.start(() => undefined);
    await vi.waitFor(() => expect(watched.messages).toBeGreaterThan(5));
    const before = watched.messages;
    const untilMs = performance.now() + 500;
    while (performance.now() < untilMs);
    // All that waited is delivered before a message that is sent now and comes back.
    await new Promise<void>((done) => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => done();
      port2.postMessage(0);
    });
    ticker.stop();
    expect(watched.messages - before).toBeLessThan(20);
  });

  test.each([
    ['is missing', undefined],
    [
      'cannot be made',
      class {
        constructor() {
          throw new Error('refused by policy');
        }
      },
    ],
    [
      'fails to load',
      class extends Worker {
        constructor() {
          super('/no-such-worker.js', { type: 'module' });
        }
      },
    ],
  ])('that %s is replaced by an interval', async (_what, replacement) => {
    vi.stubGlobal('Worker', replacement);
    expect(await pulsesOf(createWorkerTicker(), 100)).toBeGreaterThanOrEqual(100);
  });
});
