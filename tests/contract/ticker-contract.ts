/** The rules of `Ticker`, for every place the netcode runs. */
import { describe, expect, test, vi } from 'vitest';
import type { Ticker } from '../../netcode/core/clock.ts';

const PATIENCE = { timeout: 10_000, interval: 5 };

export function tickerContract(name: string, create: () => Ticker): void {
  describe(`the ticker contract for ${name}`, () => {
    test('calls back again and again until stopped, and not after', async () => {
      const ticker = create();
      const callback = vi.fn();
      ticker.start(callback);
      await vi.waitFor(() => expect(callback.mock.calls.length).toBeGreaterThan(50), PATIENCE);
      ticker.stop();
      const calls = callback.mock.calls.length;
      await pulsesOf(create(), 5);
      expect(callback).toHaveBeenCalledTimes(calls);
    });

    test('starts again, for the new callback only', async () => {
      const ticker = create();
      const [first, second] = [vi.fn(), vi.fn()];
      ticker.start(first);
      ticker.start(second);
      await vi.waitFor(() => expect(second.mock.calls.length).toBeGreaterThan(5), PATIENCE);
      ticker.stop();
      expect(first).not.toHaveBeenCalled();
      await pulsesOf(ticker, 5);
    });

    test('may be stopped when it never ran, and from within its callback', async () => {
      const ticker = create();
      ticker.stop();
      const callback = vi.fn(() => ticker.stop());
      ticker.start(callback);
      await pulsesOf(create(), 5);
      await vi.waitFor(() => expect(callback).toHaveBeenCalledOnce(), PATIENCE);
    });
  });
}

/** Resolves when the ticker has called back this often, and stops it. Gives the count. */
export async function pulsesOf(ticker: Ticker, count: number): Promise<number> {
  let pulses = 0;
  await new Promise<void>((done) => {
    ticker.start(() => {
      pulses += 1;
      if (pulses === count) done();
    });
  });
  ticker.stop();
  return pulses;
}
