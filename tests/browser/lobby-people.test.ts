/** The lobby's people, through the screens: ready and countdown, kick and ban, teams, spectators, the host's role. Three players and more. */
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  everybody,
  joinLobby,
  type Lobby,
  notices,
  openLobby,
  PHONE,
  pick,
  playing,
  rowOf,
  start,
  unfold,
  watching,
} from '../harness/lobby-pages.ts';
import { launchChromium, type PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const url = (): string => inject('brokerUrl');
const open = (...names: string[]): Promise<Lobby> =>
  openLobby(
    browser,
    url(),
    names.map((name, n) => ({ name, ...(n % 2 === 1 && { on: PHONE }) })),
  );

/** Until every page's lobby shows the same. */
async function expectEverywhere(pages: readonly PlayerPage[], look: (page: PlayerPage) => Promise<unknown>, is: unknown): Promise<void> {
  for (const page of pages) await expect.poll(() => look(page)).toEqual(is);
}

describe('getting ready', () => {
  test('everybody sees who is ready and whom one waits for', async () => {
    const { host, guests } = await open('Bob', 'Cy');
    const [bob, cy] = guests as [PlayerPage, PlayerPage];
    await expect.poll(() => host.page.locator('.waiting').innerText()).toBe('Waiting for Bob and Cy');
    await bob.becomeReady();
    for (const page of [host, bob, cy]) await expect.poll(() => rowOf(page, 'Bob').innerText()).toContain('✓ ready');
    await expect.poll(() => host.page.locator('.waiting').innerText()).toBe('Waiting for Cy');
    await cy.becomeReady();
    await expect.poll(() => host.page.locator('.waiting').innerText()).toBe('Everyone is ready.');
    await expect.poll(() => bob.page.locator('.waiting').innerText()).toBe('Waiting for the host to start');
  });

  test('the host may start without waiting; a number counts down everywhere, and the host can stop it', async () => {
    const { host, guests } = await open('Bob', 'Cy');
    await host.button('Start anyway').click();
    for (const page of [host, ...guests]) await page.page.locator('.countdown-number').waitFor({ state: 'visible' });
    expect(await guests[0]!.button('Cancel start').isVisible()).toBe(false);
    expect(await guests[0]!.page.locator('.countdown [role=status]').innerText()).toMatch(/The match starts in \d seconds/);
    await host.button('Cancel start').click();
    for (const page of [host, ...guests]) await page.page.locator('.countdown').waitFor({ state: 'hidden' });
    expect(await host.status()).toBe('lobby');
    await host.button('Start anyway').click();
    for (const page of [host, ...guests]) await expect.poll(() => page.status()).toBe('playing');
  });

  test('a host alone starts at once', async () => {
    const { host } = await open();
    await host.button('Start match').click();
    await host.untilPlaying();
    expect(await host.ships()).toHaveLength(1);
  });
});

describe('sending away', () => {
  test('who is kicked is told so in the menu, and may come back', async () => {
    const lobby = await open('Bob', 'Cy');
    const [bob] = lobby.guests as [PlayerPage];
    await pick(lobby.host, 'Bob', 'Kick');
    await expect.poll(() => bob.alert.innerText()).toMatch(/removed/);
    await expectEverywhere([lobby.host, lobby.guests[1]!], everybody, ['Ada', 'Cy']);
    // The invitation is used up: this is the menu as everybody sees it.
    await bob.page.getByRole('heading', { name: 'Open games' }).waitFor();
    expect(await bob.page.locator('.tagline').innerText()).not.toContain('invited');
    await bob.askToJoin(lobby.code, 'Bob');
    await expectEverywhere([lobby.host], (page) => everybody(page).then((names) => names.toSorted()), ['Ada', 'Bob', 'Cy']);
  });

  test('who is banned may not, until the host lets them', async () => {
    const lobby = await open('Bob', 'Cy');
    const [bob] = lobby.guests as [PlayerPage];
    await pick(lobby.host, 'Bob', 'Ban');
    await expect.poll(() => bob.alert.innerText()).not.toBe('');
    await bob.askToJoin(lobby.code, 'Bob');
    await expect.poll(() => bob.alert.innerText()).toMatch(/closed this lobby to you/);
    await expect.poll(() => bob.status()).toBe('menu');
    await unfold(lobby.host, 'Lobby');
    await lobby.host.button('Let back in: Bob').click();
    await bob.askToJoin(lobby.code, 'Bob');
    await expect.poll(() => bob.status()).toBe('lobby');
  });

  test('nobody is sent away by one press', async () => {
    const { host } = await open('Bob');
    await host.button('More about Bob').click();
    await host.page.getByRole('menuitem', { name: 'Kick', exact: true }).click();
    await host.page.getByRole('menuitem', { name: 'Kick Bob?' }).waitFor();
    await host.page.keyboard.press('Escape');
    expect(await everybody(host)).toEqual(['Ada', 'Bob']);
    // Asked anew the next time.
    await host.button('More about Bob').click();
    await host.page.getByRole('menuitem', { name: 'Kick', exact: true }).waitFor();
  });

  test('a guest has no such menu entries', async () => {
    const { guests } = await open('Bob', 'Cy');
    await guests[1]!.button('More about Bob').tap();
    expect(await guests[1]!.page.getByRole('menuitem').allInnerTexts()).toEqual(['Mute in chat']);
  });
});

test('a player’s menu works by keyboard alone, and gives the focus back', async () => {
  const { host } = await open('Bob', 'Cy');
  const { page } = host;
  await host.button('More about Cy').focus();
  await page.keyboard.press('Enter');
  const items = page.getByRole('menuitem');
  const focused = (): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');
  await items.first().waitFor();
  expect(await focused()).toBe('Mute in chat');
  await page.keyboard.press('ArrowUp');
  expect(await focused()).toBe('Ban');
  await page.keyboard.press('Home');
  await page.keyboard.press('ArrowDown');
  expect(await focused()).toBe('Let watch');
  await page.keyboard.press('Escape');
  await expect.poll(() => items.count()).toBe(0);
  expect(await page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('More about Cy');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await expect.poll(() => watching(host)).toEqual(['Cy']);
});

test('who comes through the server is marked on every page, with an explanation to press', async () => {
  const { host, guests, code } = await open('Bob');
  const cy = await joinLobby(browser, url(), code, { name: 'Cy', more: '&paths=relay', on: PHONE });
  for (const page of [host, ...guests, cy]) {
    await expect.poll(() => rowOf(page, 'Cy').innerText()).toContain('via server');
    expect(await rowOf(page, 'Bob').innerText()).not.toContain('via server');
  }
  await host.button('Cy: via server. What does that mean?').click();
  await expect.poll(() => notices(host)).toEqual(expect.arrayContaining([expect.stringMatching(/Cy reaches the host through/)]));
  await cy.button('Cy: via server. What does that mean?').tap();
  await expect.poll(() => notices(cy)).toEqual(expect.arrayContaining([expect.stringMatching(/^You reach the host through/)]));
});

describe('teams', () => {
  test('are chosen by players, changed by the host, and seen by all; ships and results are theirs', async () => {
    const lobby = await open('Bob', 'Cy');
    const { host, guests } = lobby;
    const [bob, cy] = guests as [PlayerPage, PlayerPage];
    await unfold(host, 'Match');
    await host.page.getByLabel('Mode').selectOption('teams');
    await expect.poll(() => bob.page.locator('.rules').innerText()).toMatch(/Two teams/);
    const teamOf = (name: string) => (page: PlayerPage) => rowOf(page, name).locator('.team').innerText();
    await bob.page.getByRole('radio', { name: 'Orange' }).check();
    await cy.page.getByRole('radio', { name: 'Blue' }).check();
    await expectEverywhere([host, bob, cy], teamOf('Bob'), 'Orange');
    await expectEverywhere([host, bob, cy], teamOf('Cy'), 'Blue');
    await pick(host, 'Cy', 'Move to team Orange');
    await expectEverywhere([host, bob, cy], teamOf('Cy'), 'Orange');
    await start(lobby);
    for (const page of [host, bob, cy]) await page.page.getByRole('img', { name: /Team Blue: \d/ }).waitFor();
    await host.button('End match').click();
    await host.button('End it now?').click();
    await expect.poll(() => bob.status()).toBe('lobby');
  });
});

describe('spectators', () => {
  test('come by link, by their own choice and by the host’s, and go back to playing', async () => {
    const lobby = await open('Bob', 'Cy');
    const { host, guests, code } = lobby;
    const eve = await joinLobby(browser, url(), code, { name: 'Eve', more: '&watch' });
    const pages = [host, ...guests, eve];
    await expectEverywhere(pages, watching, ['Eve']);
    await guests[0]!.button('Only watch').click();
    await expectEverywhere(pages, playing, ['Ada', 'Cy']);
    // Only the colours of those who play are taken.
    expect(await guests[1]!.page.locator('.colors input:disabled').count()).toBe(1);
    await guests[0]!.button('Play').click();
    await expectEverywhere(pages, watching, ['Eve']);
    await pick(host, 'Eve', 'Let play');
    await expectEverywhere(pages, watching, []);
    expect((await playing(eve)).toSorted()).toEqual(['Ada', 'Bob', 'Cy', 'Eve']);
  });

  test('see the match with a ship of nobody’s, follow whom they like, and step in', async () => {
    const lobby = await open('Bob');
    const eve = await joinLobby(browser, url(), lobby.code, { name: 'Eve', more: '&watch', on: PHONE });
    await start(lobby);
    await eve.untilPlaying();
    expect((await eve.ships()).filter(({ isMine }) => isMine)).toEqual([]);
    const whom = eve.page.locator('.watching-whom');
    await expect.poll(() => whom.innerText()).toBe('Watching Ada');
    await eve.button('Next player').tap();
    await expect.poll(() => whom.innerText()).toBe('Watching Bob');
    await eve.page.keyboard.press('ArrowLeft');
    await expect.poll(() => whom.innerText()).toBe('Watching Ada');
    expect(await eve.button('Fire').isVisible()).toBe(false);
    await eve.button('Play').tap();
    await expect.poll(async () => (await eve.ships()).filter(({ isMine }) => isMine).length).toBe(1);
    await eve.button('Fire').waitFor();
    await expect.poll(() => whom.isVisible()).toBe(false);
    // And out again, through the list of players.
    await eve.button('Players').tap();
    await eve.page.getByRole('dialog', { name: 'Players' }).getByRole('button', { name: 'Only watch' }).tap();
    await expect.poll(async () => (await eve.ships()).filter(({ isMine }) => isMine).length).toBe(0);
  });
});

describe('the host’s role', () => {
  test('is passed on: everybody stays, the new host has the host’s means, the old one is a guest', async () => {
    const { host, guests, code } = await open('Bob', 'Cy');
    const [bob, cy] = guests as [PlayerPage, PlayerPage];
    const debug = await bob.page.context().newCDPSession(bob.page);
    await debug.send('Debugger.enable');
    await debug.send('Debugger.pause');
    await pick(host, 'Bob', 'Make host');
    // Meanwhile no match can start, and that is said.
    await host.button('Start anyway').click();
    await expect.poll(() => notices(host)).toEqual(expect.arrayContaining([expect.stringMatching(/^Not now/)]));
    await debug.send('Debugger.resume');
    await expect.poll(() => bob.page.evaluate(() => window.volley.role)).toBe('host');
    await expect.poll(() => host.page.evaluate(() => window.volley.role)).toBe('guest');
    for (const page of [host, bob, cy]) {
      await expect.poll(() => rowOf(page, 'Bob').innerText()).toContain('host');
      await expect.poll(async () => (await everybody(page)).toSorted()).toEqual(['Ada', 'Bob', 'Cy']);
    }
    await bob.button('Lock lobby').waitFor();
    expect(await host.button('Lock lobby').isVisible()).toBe(false);
    expect(await host.page.locator('summary:visible').count()).toBe(0);
    // The code leads to the new host.
    const dee = await joinLobby(browser, url(), code, { name: 'Dee' });
    await expect.poll(async () => (await everybody(bob)).toSorted()).toEqual(['Ada', 'Bob', 'Cy', 'Dee']);
    await bob.button('Start anyway').click();
    for (const page of [host, bob, cy, dee]) await expect.poll(() => page.status()).toBe('playing');
    await host.untilPlaying();
    expect(await host.ships()).toHaveLength(4);
  });

  test('a host who leaves is asked first, since it ends the room for all', async () => {
    const { host, guests } = await open('Bob', 'Cy');
    const [bob, cy] = guests as [PlayerPage, PlayerPage];
    // Whoever stands below keeps the focus when somebody else goes.
    await host.button('More about Cy').focus();
    await bob.button('Leave').click();
    await expect.poll(() => everybody(host)).toEqual(['Ada', 'Cy']);
    expect(await host.page.evaluate(() => document.activeElement?.getAttribute('aria-label'))).toBe('More about Cy');
    await host.button('Leave').click();
    expect(await host.status()).toBe('lobby');
    await host.button('End it for all?').click();
    await expect.poll(() => host.status()).toBe('menu');
    await expect.poll(() => cy.alert.innerText()).toMatch(/host has left/);
  });
});

describe('a running match', () => {
  test('is joined late, straight from the link', async () => {
    const lobby = await open('Bob');
    await start(lobby);
    const cy = await joinLobby(browser, url(), lobby.code, { name: 'Cy', on: PHONE });
    await cy.untilPlaying();
    await expect.poll(async () => (await cy.ships()).length).toBe(3);
    await expect.poll(async () => (await lobby.host.ships()).length).toBe(3);
    expect([...lobby.host.problems, ...cy.problems]).toEqual([]);
    // The host may send away during the match, too.
    await lobby.host.button('Players').click();
    await pick(lobby.host, 'Cy', 'Kick');
    await expect.poll(() => cy.alert.innerText()).toMatch(/removed/);
    await expect.poll(async () => (await lobby.host.ships()).length).toBe(2);
    expect(await notices(lobby.host)).toEqual(expect.arrayContaining([expect.stringContaining('Cy')]));
  });

  test('ends in results that all see, where guests get ready and the host calls a rematch', async () => {
    const guests = ['Bob', 'Cy'].map((name) => ({ name, more: '&bot' }));
    const lobby = await openLobby(browser, url(), guests, '&bot');
    const { host } = lobby;
    await unfold(host, 'Match');
    await host.page.getByLabel('Kills to win').focus();
    await host.page.keyboard.press('Home');
    await expect.poll(() => lobby.guests[0]!.page.locator('.rules').innerText()).toContain('Kills to win: 1');
    await start(lobby);
    for (const page of [host, ...lobby.guests]) await expect.poll(() => page.status(), { timeout: 90_000 }).toBe('results');
    const verdict = await lobby.guests[0]!.page.locator('.results .tagline').innerText();
    expect(verdict).toMatch(/wins?!/);
    expect(await host.page.getByRole('table', { name: 'Ranking of the match' }).getByRole('row').count()).toBe(4);
    expect(await lobby.guests[0]!.button('Rematch').isVisible()).toBe(false);
    // What one may do about people and sound in the lobby, one may do here.
    expect(await host.button('Join voice').isVisible()).toBe(true);
    await lobby.guests[0]!.button('More about Cy').click();
    await lobby.guests[0]!.page.getByRole('menuitem', { name: 'Mute in chat' }).click();
    await expect.poll(() => rowOf(lobby.guests[0]!, 'Cy').getAttribute('class')).toContain('is-muted');
    await start(lobby, 'Rematch');
    await host.untilPlaying();
    await host.button('End match').click();
    await host.button('End it now?').click();
    for (const page of [host, ...lobby.guests]) await expect.poll(() => page.status()).toBe('lobby');
  });
});
