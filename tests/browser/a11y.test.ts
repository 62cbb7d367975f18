/** Every screen, at a desk and on a phone, as axe-core sees it; and nothing lies outside of it or is too small for a thumb. */
import type { Browser, BrowserContextOptions } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { offencesOn } from '../harness/axe.ts';
import { DESKTOP, joinLobby, openLobby, PHONE, pick, say, start, unfold } from '../harness/lobby-pages.ts';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const url = (): string => inject('brokerUrl');
/** A phone held across. */
const ACROSS = { width: 844, height: 390 };
/** Apple's and the W3C's figure for thumbs. */
const THUMB_PX = 44;
const SIZES: readonly (readonly [string, BrowserContextOptions])[] = [
  ['at a desk', DESKTOP],
  ['on a phone', PHONE],
];

/** Buttons and fields that a thumb cannot hit. Runs in the page. Boxes and dots count with the label that belongs to them. */
function tooSmall(leastPx: number): string[] {
  const controls = document.querySelectorAll<HTMLElement>('button, select, summary, input:not([type=checkbox], [type=radio], .link)');
  return [...controls]
    .filter((control) => control.checkVisibility() && Math.round(control.getBoundingClientRect().height) < leastPx)
    .map((control) => control.outerHTML.slice(0, 120));
}

/** What shows of these lies within the screen, and nothing of it over anything else of it. */
async function expectApart({ page }: PlayerPage, selector: string): Promise<void> {
  const overlaps = await page.locator(`${selector} >> visible=true`).evaluateAll((elements) => {
    const boxes = elements.map((element) => ({
      name: element.textContent || element.outerHTML.slice(0, 80),
      box: element.getBoundingClientRect(),
    }));
    const outside = boxes.filter(({ box }) => box.left < 0 || box.top < 0 || box.right > innerWidth || box.bottom > innerHeight);
    const isOver = (a: DOMRect, b: DOMRect): boolean =>
      Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    const pairs = boxes.flatMap((a, n) => boxes.slice(n + 1).flatMap((b) => (isOver(a.box, b.box) ? [`${a.name} over ${b.name}`] : [])));
    return [...outside.map(({ name }) => `${name} outside`), ...pairs];
  });
  expect(overlaps).toEqual([]);
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
    await expectSound(host, 'countdown');
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
    await eve.button('Close').click();
    // Held across: less room above and below.
    for (const player of [lobby.host, bob, eve]) {
      await player.page.setViewportSize(ACROSS);
      await expectApart(player, '.bar .ping, .bar .time, .bar button, .watch-bar');
      await player.button('Players').click();
      const row = await player.players.first().boundingBox();
      expect(row!.height).toBeGreaterThan(THUMB_PX);
      expect(row!.y + row!.height).toBeLessThan(ACROSS.height);
      await player.button('Close').click();
    }
  });
});

// These hold the same at a desk, but wider: once is enough, where thumbs count too.
describe('on a phone', () => {
  const size = PHONE;

  test('the menu: with open games, invited, with an error, asking for a password, and to who was sent away', async () => {
    const { host, guests, code } = await openLobby(browser, url(), [{ name: 'Eve', on: size }], '&public');
    const [eve] = guests as [PlayerPage];
    await unfold(host, 'Lobby');
    await host.textbox('Password').fill('x');
    await host.textbox('Password').press('Enter');
    const page = await PlayerPage.open(browser, url(), size);
    await page.page.getByRole('list', { name: 'Open games' }).getByText('password').first().waitFor();
    await expectSound(page, 'menu with open games');
    await page.askToJoin('nonsense', 'Bob');
    await page.alert.waitFor();
    await expectSound(page, 'menu with an error');
    const invited = await PlayerPage.open(browser, `${url()}/?join=${code}`, size);
    await expectSound(invited, 'invited');
    await invited.textbox('Your name').fill('Bob');
    await invited.button('Join').click();
    await invited.textbox('Password').waitFor();
    await expectSound(invited, 'password');
    await invited.textbox('Password').fill('guess');
    await invited.textbox('Password').press('Enter');
    await expect.poll(() => invited.textbox('Password').getAttribute('aria-invalid')).toBe('true');
    await expectSound(invited, 'password, a wrong one');
    await pick(host, 'Eve', 'Ban');
    await expect.poll(() => eve.alert.innerText()).toMatch(/removed/);
    await expectSound(eve, 'sent away');
    await eve.button('Join').click();
    await expect.poll(() => eve.alert.innerText()).toMatch(/closed this lobby to you/);
    await expectSound(eve, 'banned');
  });

  test('trouble: a join that failed on its way, and the connection test while it runs and when it is done', async () => {
    const host = await PlayerPage.open(browser, `${url()}/?host&name=Ada`);
    await expect.poll(() => host.status()).toBe('lobby');
    const code = await host.page.evaluate(() => window.volley.code ?? '');
    const player = await PlayerPage.open(browser, url(), size);
    const { page } = player;
    await page.route('**/api/config', (route) => route.abort());
    await player.askToJoin(code, 'Bob');
    await page.locator('.trouble').getByText('Details for a bug report').click();
    // That the browser logs what was cut off here is no fault of the page's.
    player.problems.length = 0;
    await expectSound(player, 'trouble');
    await page.unroute('**/api/config');
    // It stays as it is while the server says nothing.
    let letGo = (): void => undefined;
    const held = new Promise<void>((done) => (letGo = done));
    await page.route('**/api/config', async (route) => {
      await held;
      await route.continue();
    });
    await player.button('Test my connection').click();
    const panel = page.getByRole('region', { name: 'Test my connection' });
    await expect.poll(() => panel.getByRole('listitem').count()).toBeGreaterThan(0);
    await expectSound(player, 'connection test, running');
    letGo();
    await panel.getByText(/^You can play/).waitFor();
    await panel.getByText('Details for a bug report').click();
    await expectSound(player, 'connection test, done');
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
