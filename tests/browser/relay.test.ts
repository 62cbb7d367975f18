/**
 * A match through the broker's relay alone, through the UI: what is different for players whom nothing else connects is how they reach
 * each other, and nothing else. That UDP really is blocked in the middle of it is in relay-network.test.ts, where the system allows it.
 */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { expectToConverge, launchChromium, PlayerPage, startMatch } from '../harness/player-page.ts';
import { noteFlow } from '../net/flow-notes.ts';

/** A guest whose path breaks without a goodbye is waited for for ten seconds. */
const GOODBYE_MS = 5_000;

describe('a match through the relay alone', () => {
  let browser: Browser;
  let host: PlayerPage;
  let guest: PlayerPage;

  async function open(): Promise<PlayerPage> {
    const context = await browser.newContext();
    await context.addInitScript(noteFlow);
    return PlayerPage.openTab(context, `${inject('brokerUrl')}/?paths=relay`);
  }

  beforeAll(async () => {
    browser = await launchChromium();
    [host, guest] = [await open(), await open()];
    await startMatch(host, guest);
  });
  afterAll(() => browser?.close());

  test('plays: both fly, and both see where', async () => {
    await host.flyWith(['ArrowUp'], 60);
    await expectToConverge(host, guest);
    await guest.flyWith(['ArrowUp'], 60);
    await expectToConverge(guest, host);
  });

  test('sends nothing of the match anywhere else, and opens no connection to the other player', async () => {
    for (const { page } of [host, guest]) {
      const { relays, relayMs, directMs, channels } = await page.evaluate(() => ({
        ...window.flow,
        channels: window.notedChannels.map(({ channel }) => channel.label),
      }));
      // PeerJS tries what the browser can do with one that connects to nothing.
      expect({ relays, channels, directMs }).toEqual({ relays: 1, channels: ['_PEERJSTEST'], directMs: -Infinity });
      expect(relayMs).toBeGreaterThan(0);
    }
  });

  test('and no page logged an error', () => {
    expect([...host.problems, ...guest.problems]).toEqual([]);
  });

  test('a guest who closes the tab is gone from the host’s screen at once', async () => {
    const left = host.page.evaluate(
      (withinMs) =>
        new Promise<boolean>((done) => {
          const sinceMs = performance.now();
          const look = setInterval(() => {
            const isGone = window.volley.stats()?.connectedPeers === 0;
            if (!isGone && performance.now() - sinceMs < withinMs) return;
            clearInterval(look);
            done(isGone);
          }, 10);
        }),
      GOODBYE_MS,
    );
    await guest.page.close({ runBeforeUnload: false });
    expect(await left).toBe(true);
  });
});
