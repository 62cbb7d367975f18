/** What the host chooses, and what everybody sees of it. */
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { joinLobby, openLobby, PHONE, start, unfold } from '../harness/lobby-pages.ts';
import { launchChromium, type PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const url = (): string => inject('brokerUrl');

test('the game’s settings are a form for the host and text for guests, and the match goes by them', async () => {
  const lobby = await openLobby(browser, url(), [{ name: 'Bob', on: PHONE }, { name: 'Cy' }]);
  const { host, guests } = lobby;
  await unfold(host, 'Match');
  await host.page.getByLabel('Minutes').focus();
  for (const key of ['End', 'ArrowLeft']) await host.page.keyboard.press(key);
  await host.page.getByLabel('Mode').selectOption({ label: 'Two teams' });
  await host.page.getByLabel('Shots hurt team mates').check();
  for (const guest of guests) {
    await expect
      .poll(() => guest.page.locator('.rules').innerText())
      .toBe('Two teams · Minutes: 9 · Kills to win: 10 · Shots hurt team mates');
    expect(await guest.page.getByLabel('Minutes').isVisible()).toBe(false);
  }
  await start(lobby);
  await expect.poll(() => guests[0]!.page.getByRole('timer').innerText()).toMatch(/^(9:00|8:\d\d)$/);
});

test('a host’s choices are there again when they host the next time', async () => {
  const { host } = await openLobby(browser, url(), []);
  await unfold(host, 'Match');
  await host.page.getByLabel('Mode').selectOption('teams');
  await host.button('Leave').click();
  await host.host('Ada');
  await expect.poll(() => host.page.locator('summary', { hasText: 'Match' }).innerText()).toContain('Two teams');
});

test('name and size of the lobby are the host’s to say; what cannot be is not offered', async () => {
  const { host, guests } = await openLobby(browser, url(), [{ name: 'Bob' }, { name: 'Cy', on: PHONE }]);
  await unfold(host, 'Lobby');
  await host.textbox('Name of the lobby').fill('Friday <b>club</b>');
  await host.textbox('Name of the lobby').press('Enter');
  for (const guest of guests) await expect.poll(() => guest.page.locator('.lobby-title').innerText()).toBe('Friday <b>club</b>');
  await host.page.getByLabel('Players at most').selectOption('16');
  for (const guest of guests) await expect.poll(() => guest.page.locator('.roster-head').innerText()).toContain('3 of 16');
  const isOffered = (seats: string): Promise<boolean> => host.page.locator(`#lobby-seats option[value="${seats}"]`).isEnabled();
  expect([await isOffered('2'), await isOffered('3')]).toEqual([false, true]);
});

test('everything about the lobby can be said by keyboard alone', async () => {
  const { host } = await openLobby(browser, url(), []);
  const { page } = host;
  const focusIs = (): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '');
  await page.locator('summary', { hasText: 'Lobby' }).focus();
  await page.keyboard.press('Enter');
  const passed: string[] = [];
  // As many stops as the form has, and some for good measure.
  for (let n = 0; n < 8 && !passed.includes('lobby-relay'); n++) {
    await page.keyboard.press('Tab');
    passed.push(await focusIs());
  }
  expect(passed).toEqual(['lobby-public', 'lobby-title', 'lobby-password', 'lobby-seats', 'lobby-relay']);
  await page.keyboard.press('Space');
  await expect.poll(() => page.locator('#lobby-relay').isChecked()).toBe(false);
});

test('a guest who becomes the host has the host’s choices before them, and those of before hold', async () => {
  const { host, guests, code } = await openLobby(browser, url(), [{ name: 'Bob' }]);
  const [bob] = guests as [PlayerPage];
  await unfold(host, 'Match');
  await host.page.getByLabel('Mode').selectOption('teams');
  await host.button('More about Bob').click();
  await host.page.getByRole('menuitem', { name: 'Make host' }).click();
  await host.page.getByRole('menuitem', { name: /\?$/ }).click();
  await bob.page.locator('summary', { hasText: 'Match' }).click();
  expect(await bob.page.getByLabel('Mode').inputValue()).toBe('teams');
  // Inherited is not chosen.
  expect(await bob.page.evaluate(() => localStorage.getItem('volley.settings'))).toBeNull();
  await bob.page.getByLabel('Mode').selectOption('duel');
  await expect.poll(() => host.page.locator('.rules').innerText()).toContain('Everyone for themselves');
  const cy = await joinLobby(browser, url(), code, { name: 'Cy' });
  await expect.poll(() => cy.page.locator('.rules').innerText()).toContain('Everyone for themselves');
});
