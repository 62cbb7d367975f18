/**
 * Who is still there: a page that stops answering is shown as such on every screen and comes back by itself; one that dies is
 * missed; one that is closed has said goodbye. Through the built game, with a spare lane to each guest.
 */
import type { Browser, CDPSession } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

let browsers: Browser[];
beforeAll(async () => {
  browsers = await Promise.all([launchChromium(), launchChromium()]);
});
afterAll(() => Promise.all(browsers.map((browser) => browser.close())));

let host: PlayerPage;
let bob: PlayerPage;
let cy: PlayerPage;

beforeEach(async () => {
  const [first, second] = browsers as [Browser, Browser];
  host = await PlayerPage.open(first, `${inject('brokerUrl')}/?host&name=Ada&autostart`);
  await expect.poll(() => host.page.evaluate(() => window.volley.code)).toMatch(/^\w{6}$/);
  const code = await host.page.evaluate(() => window.volley.code ?? '');
  const join = (browser: Browser, name: string) => PlayerPage.open(browser, `${inject('brokerUrl')}/?join=${code}&name=${name}&autostart`);
  cy = await join(first, 'Cy');
  bob = await join(second, 'Bob');
  for (const player of [host, bob, cy]) await player.untilPlaying();
});

afterEach(() => Promise.all([host, bob, cy].map(({ page }) => page.context().close())));

/** The names of the players whom this page shows as silent. */
const silentOn = (player: PlayerPage): Promise<string[]> => player.page.locator('.scores li.is-silent .name').allTextContents();
const namesOn = (player: PlayerPage): Promise<string[]> => player.page.locator('.scores li .name').allTextContents();
const lanesOf = (player: PlayerPage): Promise<number | undefined> => player.page.evaluate(() => window.volley.stats()?.stateLanes);

async function debuggerOf({ page }: PlayerPage): Promise<CDPSession> {
  const session = await page.context().newCDPSession(page);
  await session.send('Debugger.enable');
  return session;
}

test('a guest whose page hangs is shown as silent on every screen, and plays on when it is back', async () => {
  await expect.poll(() => lanesOf(host)).toBeGreaterThanOrEqual(4);
  await expect.poll(() => lanesOf(bob)).toBeGreaterThanOrEqual(2);
  const session = await debuggerOf(bob);
  await session.send('Debugger.pause');
  for (const player of [host, cy]) await expect.poll(() => silentOn(player)).toEqual(['Bob']);
  await session.send('Debugger.resume');
  for (const player of [host, cy]) await expect.poll(() => silentOn(player)).toEqual([]);
  expect(await bob.status()).toBe('playing');
  expect(await namesOn(host)).toHaveLength(3);
});

test('a host whose page hangs is shown as silent to its guests, and the match goes on when it is back', async () => {
  const session = await debuggerOf(host);
  await session.send('Debugger.pause');
  for (const player of [bob, cy]) {
    await expect.poll(() => silentOn(player)).toEqual(['Ada']);
    await expect.poll(() => player.page.locator('.ping').textContent()).toContain('no answer');
  }
  await session.send('Debugger.resume');
  for (const player of [bob, cy]) {
    await expect.poll(() => silentOn(player)).toEqual([]);
    expect(await player.status()).toBe('playing');
  }
});

test('a guest whose browser dies is missed at once, and one who closes the page has left at once', async () => {
  await expect.poll(() => lanesOf(host)).toBeGreaterThanOrEqual(4);
  await cy.page.close();
  await expect.poll(() => namesOn(host)).toEqual(expect.not.arrayContaining(['Cy']));
  const session = await browsers[1]!.newBrowserCDPSession();
  // The answer never comes.
  session.send('Browser.crash').catch(() => undefined);
  await expect.poll(() => silentOn(host)).toEqual(['Bob']);
  await expect.poll(() => lanesOf(host)).toBe(0);
});
