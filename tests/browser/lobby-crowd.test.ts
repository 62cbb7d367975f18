/** As many as a lobby holds, sixteen players and eight spectators with the longest names there are: all fit, and everything stays within reach. */
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { arena } from '../../game/rules/arena.ts';
import { join, shutdown } from '../../netcode/node.ts';
import { offencesOn } from '../harness/axe.ts';
import { DESKTOP, PHONE, playing, unfold, watching } from '../harness/lobby-pages.ts';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

const PLAYERS = 16;
const SPECTATORS = 8;
const longName = (n: number): string => `${n} ${'Wolfeschlegelsteinhausen'.slice(0, 17)}`;

let browser: Browser;
const leaves: (() => void)[] = [];
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(async () => {
  for (const leave of leaves.splice(0)) leave();
  await Promise.all(browser.contexts().map((context) => context.close()));
});
afterAll(async () => {
  await browser.close();
  shutdown();
});

/** Without a page: only what they make of the host's screen is looked at. */
async function enter(code: string, name: string, isSpectating: boolean): Promise<void> {
  const room = await join(arena, code, { name, isSpectating, brokerUrl: inject('brokerUrl') });
  leaves.push(() => room.leave());
}

describe.each([
  ['at a desk', DESKTOP],
  ['on a phone', PHONE],
] as const)('%s', (_, size) => {
  test('a full lobby shows everybody, scrolls inside, and can be started', async () => {
    const host = await PlayerPage.open(browser, `${inject('brokerUrl')}/?host&name=Ada`, size);
    await expect.poll(() => host.status()).toBe('lobby');
    const code = await host.page.evaluate(() => window.volley.code ?? '');
    await unfold(host, 'Lobby');
    await host.page.getByLabel('Players at most').selectOption(String(PLAYERS));
    for (let n = 1; n < PLAYERS; n++) await enter(code, longName(n), false);
    for (let n = 0; n < SPECTATORS; n++) await enter(code, longName(PLAYERS + n), true);
    await expect.poll(async () => (await playing(host)).length).toBe(PLAYERS);
    await expect.poll(async () => (await watching(host)).length).toBe(SPECTATORS);
    // Nobody else comes in, neither way.
    await expect(enter(code, 'One too many', false)).rejects.toMatchObject({ reason: 'full' });
    await expect(enter(code, 'One too many', true)).rejects.toMatchObject({ reason: 'spectators-full' });

    // Nor may one of those who play go and watch.
    expect(await host.button('Only watch').isDisabled()).toBe(true);

    const lists = await host.page.locator('.player-lists').evaluate(({ scrollHeight, clientHeight, scrollWidth, clientWidth }) => ({
      isScrolling: scrollHeight > clientHeight,
      tooWidePx: scrollWidth - clientWidth,
    }));
    expect(lists).toEqual({ isScrolling: true, tooWidePx: 0 });
    expect(await host.page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
    const box = await host.button('Start anyway').boundingBox();
    expect(box!.y + box!.height).toBeLessThanOrEqual(size.viewport.height);
    await host.button(`More about ${longName(PLAYERS + SPECTATORS - 1)}`).focus();
    await host.page.keyboard.press('Enter');
    await host.page.getByRole('menuitem', { name: 'Let play' }).waitFor();
    expect(await offencesOn(host.page)).toEqual([]);
    expect(host.problems).toEqual([]);
  });
});
