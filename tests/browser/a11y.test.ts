/** Every screen, at a desk and on a phone, as axe-core sees it; and nothing lies outside of it or is too small for a thumb. */
import type { Browser, BrowserContextOptions } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { offencesOn } from '../harness/axe.ts';
import { DESKTOP, joinLobby, openLobby, PHONE, say, start, unfold } from '../harness/lobby-pages.ts';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const url = (): string => inject('brokerUrl');
/** Apple's and the W3C's figure for thumbs. */
const THUMB_PX = 44;
const SIZES: readonly (readonly [string, BrowserContextOptions])[] = [
  ['at a desk', DESKTOP],
  ['on a phone', PHONE],
];

/** Buttons and fields that a thumb cannot hit. Runs in the page. Boxes and dots count with the label that belongs to them. */
function tooSmall(leastPx: number): string[] {
  const controls = document.querySelectorAll<HTMLElement>(
    'button, select, summary, input:not([type=checkbox], [type=radio], [type=range], .link)',
  );
  return [...controls]
    .filter((control) => control.checkVisibility() && Math.round(control.getBoundingClientRect().height) < leastPx)
    .map((control) => control.outerHTML.slice(0, 120));
}

async function expectSound(player: PlayerPage, what: string): Promise<void> {
  expect(await offencesOn(player.page), what).toEqual([]);
  const beyondPx = await player.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(beyondPx, `${what}: wider than the screen`).toBeLessThanOrEqual(0);
  const hasThumbs = await player.page.evaluate(() => matchMedia('(pointer: coarse)').matches);
  if (hasThumbs) expect(await player.page.evaluate(tooSmall, THUMB_PX), what).toEqual([]);
  expect(player.problems, what).toEqual([]);
}

describe.each(SIZES)('%s', (_, size) => {
  test('the menu: plain, invited, with an error, and asking for a password', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    await unfold(host, 'Lobby');
    await host.textbox('Password').fill('x');
    await host.textbox('Password').press('Enter');
    const page = await PlayerPage.open(browser, url(), size);
    await expectSound(page, 'menu');
    await page.askToJoin('nonsense', 'Bob');
    await page.alert.waitFor();
    await expectSound(page, 'menu with an error');
    const invited = await PlayerPage.open(browser, `${url()}/?join=${code}`, size);
    await expectSound(invited, 'invited');
    await invited.textbox('Your name').fill('Bob');
    await invited.button('Join').click();
    await invited.textbox('Password').waitFor();
    await expectSound(invited, 'password');
  });

  test('the lobby: as host with everything unfolded, with a menu open, counting down; as guest', async () => {
    const host = await PlayerPage.open(browser, `${url()}/?host&name=Ada`, size);
    await expect.poll(() => host.status()).toBe('lobby');
    const code = await host.page.evaluate(() => window.volley.code ?? '');
    const bob = await joinLobby(browser, url(), code, { name: 'Bob', on: size });
    await joinLobby(browser, url(), code, { name: 'Eve', more: '&watch' });
    await expectSound(host, 'lobby as host');
    await unfold(host, 'Match');
    await unfold(host, 'Lobby');
    await host.page.getByLabel('Mode').selectOption('teams');
    await say(bob, 'Hello');
    await host.page.getByText('Hello').waitFor();
    await expectSound(host, 'lobby as host, unfolded, in teams');
    await expectSound(bob, 'lobby as guest, in teams');
    await host.button('More about Bob').click();
    await host.page.getByRole('menuitem', { name: 'Kick' }).waitFor();
    await expectSound(host, 'player menu');
    await host.page.keyboard.press('Escape');
    await host.button('Start anyway').click();
    await bob.page.locator('.countdown-number').waitFor({ state: 'visible' });
    await host.button('Cancel start').waitFor();
  });

  test('the match: flying, chatting, looking at the players, watching', async () => {
    const lobby = await openLobby(browser, url(), [{ name: 'Bob', on: size }]);
    const eve = await joinLobby(browser, url(), lobby.code, { name: 'Eve', more: '&watch', on: size });
    const [bob] = lobby.guests as [PlayerPage];
    await start({ ...lobby, guests: [bob, eve] });
    await bob.untilPlaying();
    await expectSound(bob, 'match');
    await expectSound(eve, 'watching');
    await bob.button('Chat').click();
    await bob.textbox('Message').waitFor();
    await expectSound(bob, 'chat over the match');
    await eve.button('Players').click();
    await eve.page.getByRole('dialog', { name: 'Players' }).waitFor();
    await expectSound(eve, 'players over the match');
  });

  test('the results: of a host and of a guest', async () => {
    const host = await PlayerPage.open(browser, `${url()}/?host&name=Ada&bot`, size);
    await expect.poll(() => host.status()).toBe('lobby');
    const code = await host.page.evaluate(() => window.volley.code ?? '');
    const bob = await joinLobby(browser, url(), code, { name: 'Bob', on: size, more: '&bot' });
    await unfold(host, 'Match');
    await host.page.getByLabel('Kills to win').focus();
    await host.page.keyboard.press('Home');
    await start({ host, guests: [bob], code });
    for (const page of [host, bob]) await expect.poll(() => page.status(), { timeout: 90_000 }).toBe('results');
    await expectSound(host, 'results as host');
    await expectSound(bob, 'results as guest');
  });
});

test('who asked their system for less motion sees nothing spin or rise', async () => {
  const page = await PlayerPage.open(browser, url(), { ...DESKTOP, reducedMotion: 'reduce' });
  await page.textbox('Your name').fill('Ada');
  await page.button('Host a game').click();
  await page.page.getByRole('heading', { name: 'Lobby' }).waitFor();
  await page.button('Copy invite link').click();
  const durations = await page.page.evaluate(() =>
    document.getAnimations().map((animation) => Number(animation.effect?.getTiming().duration)),
  );
  expect(durations.filter((ms) => ms > 1)).toEqual([]);
});
