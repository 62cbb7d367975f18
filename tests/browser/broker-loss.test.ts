/**
 * The broker introduces players; neither a lobby nor a match needs it any more once they have met, or notices that it is gone,
 * and the invitation comes back with it.
 */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chatOf, notices, PHONE, rowOf, say } from '../harness/lobby-pages.ts';
import { expectToConverge, launchChromium, PlayerPage } from '../harness/player-page.ts';
import { ServerProcess } from '../harness/server-process.ts';

/** Pages look for a lost broker every few seconds, less and less often; the lobby is registered again right after. */
const REGISTERED_AGAIN_WITHIN_MS = 60_000;

// Each test goes on where the one before it ended.
describe('a broker that dies while a lobby gathers', () => {
  let server: ServerProcess;
  let browser: Browser;
  let host: PlayerPage;
  let guest: PlayerPage;
  let phone: PlayerPage;
  let code: string;

  beforeAll(async () => {
    [server, browser] = await Promise.all([ServerProcess.start(), launchChromium()]);
    const open = (options = {}): Promise<PlayerPage> => PlayerPage.open(browser, server.url, options);
    [host, guest, phone] = await Promise.all([open(), open(), open(PHONE)]);
    code = await host.host('Ada');
    await guest.join(code, 'Bob');
    await phone.join(code, 'Cy');
    // The part of the page that draws the match is on its way.
    for (const { page } of [host, guest, phone]) await page.waitForLoadState('networkidle');
    await server.kill();
  });
  afterAll(async () => {
    await browser.close();
    await server.kill();
  });

  test('leaves its members together: the host is told, they talk, get ready and start', async () => {
    await expect.poll(() => notices(host)).toEqual(expect.arrayContaining([expect.stringMatching(/server cannot be reached.*goes on/)]));
    await say(guest, 'Still here?');
    for (const player of [host, guest, phone]) await expect.poll(() => chatOf(player)).toEqual(['Bob Still here?']);
    await guest.becomeReady();
    await phone.becomeReady();
    for (const player of [host, guest]) await expect.poll(() => rowOf(player, 'Cy').innerText()).toContain('✓ ready');
    await host.button('Start match').click();
    await Promise.all([host, guest, phone].map((player) => player.untilPlaying()));
  });

  test('is missed by the pages but not by the match', async () => {
    await expect.poll(async () => (await host.stats()).isBrokerReachable).toBe(false);
    for (const player of [host, guest, phone]) {
      const { hostTick } = await player.stats();
      await expect.poll(async () => (await player.stats()).hostTick).toBeGreaterThan(hostTick + 120);
      expect(await player.status()).toBe('playing');
    }
    expect((await guest.stats()).snapshotsPerSecond).toBeGreaterThan(0);
    expect((await host.stats()).connectedPeers).toBe(2);
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

  test('lets another player in by that code', async () => {
    const late = await PlayerPage.open(browser, `${server.url}/?join=${code}&name=Dee`);
    await expect.poll(() => late.status()).not.toBe('connecting');
    expect(await late.page.evaluate(() => window.volley.error)).toBe('');
    await expect.poll(() => late.page.evaluate(() => window.volley.role)).toBe('guest');
    await expect.poll(async () => (await host.stats()).connectedPeers).toBe(3);
    expect(await guest.status()).toBe('playing');
  });
});
