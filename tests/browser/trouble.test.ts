/** When something is in the way the page says what, and finds out by itself what it can. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { everybody, openLobby, PHONE } from '../harness/lobby-pages.ts';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

test('"Test my connection" tells what works, in the end in one sentence, and as text for a bug report', async () => {
  const player = await PlayerPage.open(browser, inject('brokerUrl'));
  const { page } = player;
  await player.button('Test my connection').click();
  const panel = page.getByRole('region', { name: 'Test my connection' });
  await expect.poll(() => panel.getByRole('status').innerText()).toMatch(/^You can play/);
  const checks = await panel.getByRole('list', { name: 'Results' }).getByRole('listitem').allInnerTexts();
  expect(checks.filter((text) => text.includes('does not work'))).toEqual([]);
  expect(checks.filter((text) => text.includes('works')).length).toBeGreaterThan(3);
  await panel.getByText('Details for a bug report').click();
  expect(await panel.getByRole('textbox', { name: 'Details' }).inputValue()).toMatch(/^Volley connection test\n/);
  await panel.getByRole('button', { name: 'Close' }).click();
  expect(await panel.isVisible()).toBe(false);
  await expect.poll(() => player.button('Test my connection').evaluate((button) => button === document.activeElement)).toBe(true);
  expect(player.problems).toEqual([]);
});

test('a join that fails on its way says at which step, what was tried and what to do, without naming anybody', async () => {
  const host = await PlayerPage.open(browser, inject('brokerUrl'));
  const code = await host.host('Ada');
  const player = await PlayerPage.open(browser, inject('brokerUrl'));
  const trouble = player.page.locator('.trouble');
  await player.page.route('**/api/config', (route) => route.abort());
  await player.askToJoin(code, 'Bob');
  await expect.poll(() => player.alert.innerText()).toMatch(/server answers, but it did not tell/);
  // Said once.
  expect(await trouble.innerText()).not.toContain(await player.alert.innerText());
  await expect.poll(() => trouble.getByText('Details for a bug report').isVisible()).toBe(true);
  await trouble.getByText('Details for a bug report').click();
  const report = await trouble.getByRole('textbox', { name: 'Details' }).inputValue();
  expect(report).toMatch(/config/);
  expect(report).not.toContain(code);
  expect(report).not.toContain('Bob');
  // What people decide (here: to leave the field empty) is no trouble of the network.
  await player.page.unroute('**/api/config');
  await player.askToJoin('', 'Bob');
  await expect.poll(() => trouble.getByText('Details for a bug report').isVisible()).toBe(false);
});

test('who loses the host is told so and may try again, and is back in their seat as soon as the host answers', async () => {
  const { host, guests, code } = await openLobby(browser, inject('brokerUrl'), [
    { name: 'Bob', on: PHONE },
    { name: 'Cy' },
    { name: 'Dee' },
  ]);
  const [bob, cy, dee] = guests as [PlayerPage, PlayerPage, PlayerPage];
  const session = await host.page.context().newCDPSession(host.page);
  await session.send('Debugger.enable');
  await session.send('Debugger.pause');
  for (const guest of guests) {
    await expect.poll(() => guest.alert.innerText()).toMatch(/connection to the host was lost/);
    expect(await guest.page.evaluate(() => document.activeElement?.textContent)).toBe('Try again');
    // A reload must not lead into the lost lobby behind the player's back.
    expect(new URL(guest.page.url()).search).toBe('');
  }
  // Somebody does something else instead: then nothing is offered any more.
  await dee.askToJoin('', 'Dee');
  await expect.poll(() => dee.button('Try again').isVisible()).toBe(false);
  await session.send('Debugger.resume');
  await expect.poll(() => everybody(host)).toEqual(['Ada']);
  await bob.button('Try again').tap();
  await cy.page.keyboard.press('Enter');
  for (const guest of [bob, cy]) await expect.poll(() => guest.status()).toBe('lobby');
  for (const page of [host, bob, cy]) await expect.poll(async () => (await everybody(page)).toSorted()).toEqual(['Ada', 'Bob', 'Cy']);
  expect(await bob.page.evaluate(() => window.volley.code)).toBe(code);
  expect([...bob.problems, ...cy.problems]).toEqual([]);
});
