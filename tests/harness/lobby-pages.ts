/** Lobbies of real pages for the tests of the screens: who hosts, who joins, and what one looks for in a roster. */
import type { Browser, BrowserContextOptions, Locator } from 'playwright';
import { expect } from 'vitest';
import { PlayerPage } from './player-page.ts';

export const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1, isMobile: true, hasTouch: true } as const;
export const DESKTOP = { viewport: { width: 1024, height: 640 } } as const;

export interface Guest {
  readonly name: string;
  readonly on?: BrowserContextOptions;
  /** More of the address, such as `&watch`. */
  readonly more?: string;
}

export interface Lobby {
  readonly host: PlayerPage;
  readonly guests: readonly PlayerPage[];
  readonly code: string;
}

/** Ada hosts at a desk; the others come by link, one after the other, so that seats are known. */
export async function openLobby(browser: Browser, url: string, guests: readonly Guest[], more = ''): Promise<Lobby> {
  const host = await PlayerPage.open(browser, `${url}/?host&name=Ada${more}`, DESKTOP);
  await expect.poll(() => host.status()).toBe('lobby');
  const code = await host.page.evaluate(() => window.volley.code ?? '');
  const pages: PlayerPage[] = [];
  for (const guest of guests) pages.push(await joinLobby(browser, url, code, guest));
  await expect.poll(() => everybody(host)).toHaveLength(1 + guests.length);
  return { host, guests: pages, code };
}

export async function joinLobby(
  browser: Browser,
  url: string,
  code: string,
  { name, on = DESKTOP, more = '' }: Guest,
): Promise<PlayerPage> {
  const page = await PlayerPage.open(browser, `${url}/?join=${code}&name=${name}${more}`, on);
  await expect.poll(() => page.status()).not.toMatch(/menu|connecting/);
  return page;
}

export const spectatorsOf = ({ page }: PlayerPage): Locator => page.getByRole('list', { name: 'Spectators' }).getByRole('listitem');

/** The names in the lobby as a page shows them: players, then spectators. */
export async function everybody(player: PlayerPage): Promise<string[]> {
  return [...(await playing(player)), ...(await watching(player))];
}

export const playing = (player: PlayerPage): Promise<string[]> => player.players.locator('bdi').allInnerTexts();
export const watching = (player: PlayerPage): Promise<string[]> => spectatorsOf(player).locator('bdi').allInnerTexts();

/** The row of somebody in the lobby. */
export const rowOf = ({ page }: PlayerPage, name: string): Locator =>
  page.locator('.players > li').filter({ has: page.locator('bdi', { hasText: new RegExp(`^${name}$`) }) });

/** Opens somebody's menu and picks from it; what is asked twice is confirmed. */
export async function pick(player: PlayerPage, name: string, item: string): Promise<void> {
  await player.button(`More about ${name}`).click();
  await player.page.getByRole('menuitem', { name: item, exact: true }).click();
  const question = player.page.getByRole('menuitem', { name: /\?$/ });
  if (await question.isVisible()) await question.click();
}

export const notices = ({ page }: PlayerPage): Promise<string[]> => page.getByRole('log', { name: 'Notices' }).locator('p').allInnerTexts();

/** What a page's chat shows, line by line. */
export const chatOf = ({ page }: PlayerPage): Promise<string[]> => page.locator('.chat-line:visible').allInnerTexts();

export async function say(player: PlayerPage, text: string): Promise<void> {
  await player.textbox('Message').fill(text);
  await player.textbox('Message').press('Enter');
}

/** Unfolds 'Match' or 'Lobby' on the host's page. */
export async function unfold({ page }: PlayerPage, title: 'Match' | 'Lobby'): Promise<void> {
  await page.locator('summary', { hasText: title }).click();
}

/** Everybody with the button becomes ready, and the host starts; the countdown passes. */
export async function start({ host, guests }: Lobby, button = 'Start match'): Promise<void> {
  for (const guest of guests) {
    const ready = guest.button("I'm ready");
    if (await ready.isVisible()) await ready.click();
  }
  await host.button(button).click();
  for (const player of [host, ...guests]) await expect.poll(() => player.status()).toBe('playing');
}
