/** Driven by the address alone: hosting, joining, starting and playing without a click, as kiosks, demos and tests do. */
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

async function hostByAddress(query: string): Promise<{ host: PlayerPage; code: string }> {
  const host = await PlayerPage.open(browser, `${inject('brokerUrl')}/?host&${query}`);
  await expect.poll(() => host.page.evaluate(() => window.volley.code)).toBeDefined();
  const code = await host.page.evaluate(() => window.volley.code ?? '');
  return { host, code };
}

test('?host and ?join with a name lead straight into the lobby', async () => {
  const { host, code } = await hostByAddress('name=Ada');
  const guest = await PlayerPage.open(browser, `${inject('brokerUrl')}/?join=${code.toLowerCase()}&name=Bob`);
  await expect.poll(() => guest.status()).toBe('lobby');
  await expect.poll(() => host.players.allInnerTexts()).toEqual([expect.stringContaining('Ada'), expect.stringContaining('Bob')]);
  // Nothing starts by itself without &autostart.
  expect(await host.status()).toBe('lobby');
});

test('two bots in tabs of one browser are two players, reach the match and fly about in it', async () => {
  const { host, code } = await hostByAddress('name=Ada&autostart&bot');
  const guest = await PlayerPage.openTab(host.page.context(), `${inject('brokerUrl')}/?join=${code}&name=Bob&autostart&bot`);
  await Promise.all([host.untilPlaying(), guest.untilPlaying()]);
  for (const player of [host, guest]) {
    const seen = new Set<string>();
    const places = async (): Promise<number> => {
      for (const { owner, x, y } of await player.ships()) seen.add(`${owner} ${Math.round(x / 50)} ${Math.round(y / 50)}`);
      return seen.size;
    };
    await expect.poll(places).toBeGreaterThan(6);
    await expect.poll(async () => (await player.stats()).hostTick).toBeGreaterThan(120);
    expect(player.problems).toEqual([]);
  }
  expect((await host.stats()).malformedPackets + (await guest.stats()).malformedPackets).toBe(0);
});

test('without ?bot an autostarted ship stands until somebody flies it', async () => {
  const { host, code } = await hostByAddress('name=Ada&autostart');
  const guest = await PlayerPage.open(browser, `${inject('brokerUrl')}/?join=${code}&name=Bob&autostart`);
  await Promise.all([host.untilPlaying(), guest.untilPlaying()]);
  const from = await guest.myShip();
  const { hostTick } = await guest.stats();
  await expect.poll(async () => (await guest.stats()).hostTick).toBeGreaterThan(hostTick + 60);
  const now = await guest.myShip();
  expect([now.x, now.y]).toEqual([from.x, from.y]);
});
