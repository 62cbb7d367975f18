/** The broker introduces players; a match must neither need it nor notice that it is gone, and the invitation must come back with it. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectToConverge, launchChromium, PlayerPage, startMatch } from '../harness/player-page.ts';
import { ServerProcess } from '../harness/server-process.ts';

/** Pages look for a lost broker every few seconds, less and less often; the lobby is registered again right after. */
const REGISTERED_AGAIN_WITHIN_MS = 60_000;

// Each test goes on where the one before it ended.
describe('a broker that dies during a match', () => {
  let server: ServerProcess;
  let browser: Browser;
  let host: PlayerPage;
  let guest: PlayerPage;
  let code: string;

  beforeAll(async () => {
    [server, browser] = await Promise.all([ServerProcess.start(), launchChromium()]);
    [host, guest] = await Promise.all([PlayerPage.open(browser, server.url), PlayerPage.open(browser, server.url)]);
    code = await startMatch(host, guest);
    await server.kill();
  });
  afterAll(async () => {
    await browser.close();
    await server.kill();
  });

  test('is missed by the pages but not by the match', async () => {
    await expect.poll(async () => (await host.stats()).isBrokerReachable).toBe(false);
    for (const player of [host, guest]) {
      const { hostTick } = await player.stats();
      await expect.poll(async () => (await player.stats()).hostTick).toBeGreaterThan(hostTick + 120);
      expect(await player.status()).toBe('playing');
    }
    expect((await guest.stats()).snapshotsPerSecond).toBeGreaterThan(0);
    expect((await host.stats()).connectedPeers).toBe(1);
  });

  test('keeps no ship from moving on the other screen', async () => {
    await host.flyWith(['ArrowUp'], 40);
    await expectToConverge(host, guest);
    await guest.flyWith(['ArrowUp'], 40);
    await expectToConverge(guest, host);
  });

  test('knows the lobby by the same code soon after it is back', async () => {
    await server.startAgain();
    const answer = async (): Promise<number> => (await fetch(`${server.url}/api/lobbies/${code}`)).status;
    await expect.poll(answer, { timeout: REGISTERED_AGAIN_WITHIN_MS, interval: 100 }).toBe(200);
    await expect.poll(async () => (await host.stats()).isBrokerReachable).toBe(true);
    expect(await host.page.evaluate(() => window.volley.code)).toBe(code);
  });

  test('lets a third player in by that code', async () => {
    const third = await PlayerPage.open(browser, `${server.url}/?join=${code}&name=Cy`);
    await expect.poll(() => third.status()).not.toBe('connecting');
    expect(await third.page.evaluate(() => window.volley.error)).toBe('');
    await expect.poll(() => third.page.evaluate(() => window.volley.role)).toBe('guest');
    await expect.poll(async () => (await host.stats()).connectedPeers).toBe(2);
    expect(await guest.status()).toBe('playing');
  });
});
