/** Text chat through the screens: in the lobby, over a match and after it. */
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { chatOf, everybody, openLobby, PHONE, pick, say, start } from '../harness/lobby-pages.ts';
import { launchChromium, type PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const open = () => openLobby(browser, inject('brokerUrl'), [{ name: 'Bob' }, { name: 'Cy', on: PHONE }]);

test('what one says, all read, markup as text', async () => {
  const { host, guests } = await open();
  await say(host, 'Hello <img src=x onerror="window.isPwned=true"> & <b>welcome</b>');
  await say(guests[1]!, 'مرحبا');
  for (const page of [host, ...guests]) {
    await expect.poll(() => chatOf(page)).toEqual(['Ada Hello <img src=x onerror="window.isPwned=true"> & <b>welcome</b>', 'Cy مرحبا']);
    expect(await page.page.locator('.chat-log').locator('img, b').count()).toBe(0);
    expect(await page.page.evaluate(() => 'isPwned' in window)).toBe(false);
    expect(page.problems).toEqual([]);
  }
});

test('what is too long or too fast stays in the field, with the reason', async () => {
  const { host, guests } = await open();
  const field = host.textbox('Message');
  await field.fill('x'.repeat(241));
  await expect.poll(() => host.page.locator('.chat-counter').innerText()).toBe('1 too many');
  await field.press('Enter');
  await expect.poll(() => host.alert.allInnerTexts()).toEqual(expect.arrayContaining([expect.stringContaining('240 characters')]));
  expect(await field.inputValue()).toHaveLength(241);
  await field.fill('x'.repeat(240));
  await field.press('Enter');
  await expect.poll(() => chatOf(guests[0]!)).toEqual([`Ada ${'x'.repeat(240)}`]);
  // Five at once are allowed. In one go, so that no time passes in between.
  await field.evaluate((input: HTMLInputElement) => {
    for (let line = 1; line <= 6; line++) {
      input.value = `line ${line}`;
      input.form?.requestSubmit();
    }
  });
  await expect.poll(() => host.alert.allInnerTexts()).toEqual(expect.arrayContaining([expect.stringContaining('Too fast')]));
  expect(await field.inputValue()).toBe('line 6');
});

test('who is muted is read by the others only, until they are heard again', async () => {
  const { host, guests } = await open();
  const [bob, cy] = guests as [PlayerPage, PlayerPage];
  await say(bob, 'one');
  await expect.poll(() => chatOf(cy)).toEqual(['Bob one']);
  await pick(cy, 'Bob', 'Mute in chat');
  // At once: the lobby has nothing to do with it.
  expect(await chatOf(cy)).toEqual([]);
  await say(bob, 'two');
  await say(host, 'three');
  await expect.poll(() => chatOf(host)).toEqual(['Bob one', 'Bob two', 'Ada three']);
  await expect.poll(() => chatOf(cy)).toEqual(['Ada three']);
  await pick(cy, 'Bob', 'Hear in chat again');
  await say(bob, 'four');
  await expect.poll(async () => (await chatOf(cy)).at(-1)).toBe('Bob four');
  // Once muted, what they said stays away when they are gone.
  await pick(cy, 'Bob', 'Mute in chat');
  await bob.button('Leave').click();
  await expect.poll(() => everybody(cy)).toEqual(['Ada', 'Cy']);
  expect(await chatOf(cy)).toEqual(['Ada three']);
});

test('over a match it opens by Enter or by button, takes no key from the game while closed, and gives them back', async () => {
  const lobby = await open();
  const { host, guests } = lobby;
  const [bob, cy] = guests as [PlayerPage, PlayerPage];
  // Small pictures are drawn sooner.
  for (const { page } of [host, bob]) await page.setViewportSize({ width: 480, height: 300 });
  await bob.textbox('Message').fill('half a sent');
  await start(lobby);
  for (const page of [host, bob, cy]) await page.untilPlaying();
  expect(await bob.textbox('Message').isVisible()).toBe(false);
  await bob.page.keyboard.press('Enter');
  // What was begun in the lobby is still there.
  expect(await bob.textbox('Message').inputValue()).toBe('half a sent');
  await bob.page.keyboard.type('ence, with wasd and spaces');
  await bob.page.keyboard.press('Enter');
  await expect.poll(() => chatOf(cy)).toEqual(['Bob half a sentence, with wasd and spaces']);
  await expect.poll(() => bob.textbox('Message').isVisible()).toBe(false);
  await bob.flyWith(['KeyW'], 30);
  await cy.button('Chat').tap();
  await cy.textbox('Message').fill('from my phone');
  await cy.button('Send').tap();
  await expect.poll(() => chatOf(host)).toEqual(['Bob half a sentence, with wasd and spaces', 'Cy from my phone']);
  await cy.button('Chat').tap();
  await cy.page.getByRole('log', { name: 'Chat' }).focus();
  await cy.page.keyboard.press('Escape');
  await expect.poll(() => cy.textbox('Message').isVisible()).toBe(false);
  // The players' panel gives the keys back, too, however it is closed.
  await bob.button('Players').click();
  await bob.page.getByRole('dialog', { name: 'Players' }).getByRole('button', { name: 'Close' }).click();
  await bob.flyWith(['KeyD', 'KeyW'], 10);
  await bob.button('Players').click();
  await bob.page.keyboard.press('Escape');
  await bob.flyWith(['KeyD', 'KeyW'], 10);
  // A button that has the focus takes Space, and no other key.
  await bob.button('Sound').focus();
  await bob.flyWith(['KeyD', 'KeyW'], 10);
  await host.button('End match').click();
  await host.button('End it now?').click();
  await expect.poll(() => chatOf(bob)).toHaveLength(2);
});
