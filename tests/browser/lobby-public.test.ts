/** The list of open games: live, true, and without those who are private. */
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { DESKTOP, everybody, joinLobby, openLobby, PHONE, unfold, watching } from '../harness/lobby-pages.ts';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const url = (): string => inject('brokerUrl');
/** Longer than any call takes on one machine. */
const HANGS_MS = 500;

/** Runs in the page before its own scripts: whenever an answer comes in, the page is busy with something else first. */
function hangAfterCalls(forMs: number): void {
  const ask = window.fetch.bind(window);
  window.fetch = async (...call) => {
    const response = await ask(...call);
    const untilMs = performance.now() + forMs;
    while (performance.now() < untilMs);
    return response;
  };
}

declare global {
  interface Window {
    /** Ends the page's stream of open games, and lets it make no other until `isCutOff` is false. */
    cutOff(): void;
    isCutOff: boolean;
  }
}

/** Runs in the page before its own scripts. */
function makeCuttable(): void {
  const ask = window.fetch.bind(window);
  const streams = new AbortController();
  window.isCutOff = false;
  window.cutOff = () => {
    window.isCutOff = true;
    streams.abort();
  };
  window.fetch = (url, options) => {
    const address = url instanceof Request ? url.url : url.toString();
    if (!address.includes('/api/lobbies/stream')) return ask(url, options);
    if (window.isCutOff) return Promise.reject(new TypeError('cut off'));
    return ask(url, { ...options, signal: streams.signal.aborted ? null : streams.signal });
  };
}

/** What the list says about the game of that name; empty if it is not in it. Lobbies of other tests may be there too. */
const listed = async ({ page }: PlayerPage, name: string): Promise<string> =>
  (await page.getByRole('list', { name: 'Open games' }).getByRole('listitem').filter({ hasText: name }).allInnerTexts()).join();

test('a game opened to everyone appears, follows what its host does, and goes when it is private again', async () => {
  const strangers = await browser.newContext(DESKTOP);
  await strangers.addInitScript(makeCuttable);
  const stranger = await PlayerPage.openTab(strangers, url());
  const context = await browser.newContext(DESKTOP);
  await context.addInitScript(hangAfterCalls, HANGS_MS);
  const host = await PlayerPage.openTab(context, `${url()}/?host&name=Ada`);
  await expect.poll(() => host.status()).toBe('lobby');
  const code = await host.page.evaluate(() => window.volley.code ?? '');
  await unfold(host, 'Lobby');
  await host.textbox('Name of the lobby').fill('Night owls');
  await host.textbox('Name of the lobby').press('Enter');
  expect(await listed(stranger, 'Night owls')).toBe('');
  await host.page.getByLabel('Open to everyone').check();
  await expect.poll(() => listed(stranger, 'Night owls')).toMatch(/1 of 8 players · Duel, 3 min, 10 kills/);
  await expect.poll(() => listed(stranger, 'Night owls')).toMatch(/about \d+0 ms/);
  // The host's page hung at every call, which is none of the distance's business.
  const toldMs = async (): Promise<number> => ((await (await fetch(`${url()}/api/lobbies/${code}`)).json()) as { rttMs: number }).rttMs;
  await expect.poll(toldMs).toBeLessThan(HANGS_MS);
  // A list that is not live any more says so, beside what it still shows; and it comes back by itself.
  await stranger.page.evaluate(() => window.cutOff());
  const status = stranger.page.getByRole('region', { name: 'Open games' }).getByRole('status');
  await expect.poll(() => status.innerText()).toMatch(/server cannot be reached/);
  await joinLobby(browser, url(), code, { name: 'Bob' });
  await stranger.page.evaluate(() => void (window.isCutOff = false));
  await expect.poll(() => listed(stranger, 'Night owls')).toMatch(/2 of 8 players/);
  await host.textbox('Password').fill('hoot');
  await host.textbox('Password').press('Enter');
  await expect.poll(() => listed(stranger, 'Night owls')).toMatch(/password/);
  await host.button('Lock lobby').click();
  await expect.poll(() => listed(stranger, 'Night owls')).toMatch(/locked/);
  expect(await stranger.button('Join Night owls').isDisabled()).toBe(true);
  await host.page.getByLabel('Open to everyone').uncheck();
  await expect.poll(() => listed(stranger, 'Night owls')).toBe('');
  expect([...host.problems, ...stranger.problems]).toEqual([]);
});

test('one enters from the list, asked for a name where there is none yet; a full game is watched', async () => {
  const { host } = await openLobby(browser, url(), [], '&public');
  await unfold(host, 'Lobby');
  await host.textbox('Name of the lobby').fill('Early birds');
  await host.textbox('Name of the lobby').press('Enter');
  await host.page.getByLabel('Players at most').selectOption('2');
  const bob = await PlayerPage.open(browser, url(), PHONE);
  await bob.button('Join Early birds').tap();
  expect(await bob.alert.innerText()).toMatch(/name/);
  await bob.page.keyboard.type('Bob');
  await bob.page.keyboard.press('Enter');
  await expect.poll(() => everybody(host)).toEqual(['Ada', 'Bob']);
  const cy = await PlayerPage.open(browser, url(), DESKTOP);
  await cy.textbox('Your name').fill('Cy');
  await cy.button('Watch Early birds').click();
  await expect.poll(() => watching(host)).toEqual(['Cy']);
});
