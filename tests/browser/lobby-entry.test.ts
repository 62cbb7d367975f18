/** From "I have a link" to "I am in", and what the screen says when something is in the way. */
import type { Browser } from 'playwright';
import { encode } from 'uqr';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { DESKTOP, everybody, openLobby, PHONE, playing, unfold, watching } from '../harness/lobby-pages.ts';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const url = (): string => inject('brokerUrl');

describe('the way in', () => {
  test('by link is one field and Enter, and none at the next visit', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    const bob = await PlayerPage.open(browser, `${url()}/?join=${code}`, PHONE);
    expect(await bob.page.evaluate(() => document.activeElement?.id)).toBe('player-name');
    await bob.page.keyboard.type('Bob');
    await bob.page.keyboard.press('Enter');
    await expect.poll(() => bob.status()).toBe('lobby');
    await expect.poll(() => everybody(host)).toEqual(['Ada', 'Bob']);
    await bob.button('Leave').tap();
    await expect.poll(() => everybody(host)).toEqual(['Ada']);
    await bob.page.goto(`${url()}/?join=${code}`);
    await expect.poll(() => everybody(host)).toEqual(['Ada', 'Bob']);
  });

  test('by a pasted link or a misread code leads to the same room', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    const pasted = [
      `${url()}/?join=${code}`,
      ` ${code.slice(0, 2).toLowerCase()} ${code.slice(2)}`,
      code.replaceAll('5', 's').replaceAll('Q', '0').replaceAll('8', 'b'),
    ];
    for (const [n, typed] of pasted.entries()) {
      const guest = await PlayerPage.open(browser, url(), DESKTOP);
      await guest.join(typed, `Guest ${n}`);
    }
    await expect.poll(() => everybody(host)).toHaveLength(4);
  });

  test('by the camera: what is drawn is the QR code of the invite link, large enough for a phone across the table', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    const { data } = encode(`${url()}/?join=${code}`, { ecc: 'M', border: 3 });
    const dark = data.flatMap((row, y) => row.flatMap((isDark, x) => (isDark ? [`${x} ${y}`] : [])));
    const phone = await PlayerPage.open(browser, `${url()}/?join=${code}&name=Bob`, PHONE);
    await expect.poll(() => phone.status()).toBe('lobby');
    for (const { page } of [host, phone]) {
      const qr = page.getByRole('img', { name: 'QR code of the invite link' });
      const drawn = await qr.locator('path').getAttribute('d');
      expect([...drawn!.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x} ${y}`)).toEqual(dark);
      expect((await qr.boundingBox())!.width).toBeGreaterThan(100);
    }
  });

  test('is offered to the system’s share sheet where there is one, and only there', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    expect(await host.button('Share…').isVisible()).toBe(false);
    const context = await browser.newContext(PHONE);
    await context.addInitScript(() => {
      Object.defineProperty(navigator, 'share', { value: (data: unknown) => Promise.resolve(Object.assign(window, { shared: data })) });
    });
    const phone = await PlayerPage.openTab(context, `${url()}/?join=${code}&name=Bob`);
    await phone.button('Share…').tap();
    expect(await phone.page.evaluate(() => (window as unknown as { shared: unknown }).shared)).toMatchObject({
      url: `${url()}/?join=${code}`,
    });
    expect(phone.problems).toEqual([]);
  });
});

describe('in the way', () => {
  test('a password is asked for in place; a wrong one is said, the right one lets in', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    await unfold(host, 'Lobby');
    await host.textbox('Password').fill('open sesame');
    await host.textbox('Password').press('Enter');
    await expect.poll(() => host.page.locator('summary', { hasText: 'Lobby' }).innerText()).toContain('with password');
    const bob = await PlayerPage.open(browser, `${url()}/?join=${code}&name=Bob`, PHONE);
    await bob.textbox('Password').waitFor();
    expect(await bob.alert.innerText()).toMatch(/password/i);
    expect(await bob.page.evaluate(() => document.activeElement?.id)).toBe('join-password');
    await bob.page.keyboard.type('guess');
    await bob.page.keyboard.press('Enter');
    await expect.poll(() => bob.textbox('Password').getAttribute('aria-invalid')).toBe('true');
    await bob.page.keyboard.type('open sesame');
    await bob.page.keyboard.press('Enter');
    await expect.poll(() => bob.status()).toBe('lobby');
    await expect.poll(() => everybody(host)).toEqual(['Ada', 'Bob']);
    expect(bob.problems).toEqual([]);
    await host.button('Remove password').click();
    await expect.poll(() => host.page.locator('summary', { hasText: 'Lobby' }).innerText()).toContain('no password');
    expect(await host.button('Remove password').isVisible()).toBe(false);
  });

  test('giving up on the password leads back to the menu as it was', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    await unfold(host, 'Lobby');
    await host.textbox('Password').fill('x');
    await host.textbox('Password').press('Enter');
    await expect.poll(() => host.page.locator('summary', { hasText: 'Lobby' }).innerText()).toContain('with password');
    const bob = await PlayerPage.open(browser, url(), DESKTOP);
    await bob.askToJoin(code, 'Bob');
    await bob.button('Cancel').last().click();
    await bob.button('Host a game').waitFor();
    expect(await bob.alert.isVisible()).toBe(false);
    expect(await bob.textbox('Invite code').inputValue()).toBe(code);
  });

  test('a locked lobby says so and can be tried again', async () => {
    const { host, guests, code } = await openLobby(browser, url(), [{ name: 'Bob' }]);
    await host.button('Lock lobby').click();
    await expect.poll(() => guests[0]!.page.locator('.roster-head').innerText()).toContain('locked');
    const cy = await PlayerPage.open(browser, `${url()}/?join=${code}&name=Cy`, PHONE);
    await expect.poll(() => cy.alert.innerText()).toMatch(/locked/);
    await host.button('Unlock lobby').click();
    await expect.poll(() => guests[0]!.page.locator('.roster-head').innerText()).not.toContain('locked');
    await cy.button('Try again').tap();
    await expect.poll(() => cy.status()).toBe('lobby');
  });

  test('one’s own tab that hosts keeps its place; one may play as somebody else', async () => {
    const { host, code } = await openLobby(browser, url(), []);
    const second = await PlayerPage.openTab(host.page.context(), `${url()}/?join=${code}`);
    await second.button('Play here instead').click();
    await expect.poll(() => second.alert.innerText()).toMatch(/hosts this lobby/);
    expect(await second.button('Play here instead').isVisible()).toBe(false);
    await second.button('Join as a second player').click();
    await expect.poll(() => everybody(host)).toHaveLength(2);
  });

  test('a full lobby offers to watch', async () => {
    const { host, code } = await openLobby(browser, url(), [{ name: 'Bob' }]);
    await unfold(host, 'Lobby');
    await host.page.getByLabel('Players at most').selectOption('2');
    await expect.poll(() => host.page.locator('.roster-head').innerText()).toContain('2 of 2');
    const cy = await PlayerPage.open(browser, `${url()}/?join=${code}&name=Cy`, PHONE);
    await expect.poll(() => cy.alert.innerText()).toMatch(/full/);
    await cy.textbox('Your name').fill('Cyd');
    await cy.button('Watch instead').tap();
    await expect.poll(() => watching(host)).toEqual(['Cyd']);
    expect(await playing(cy)).toEqual(['Ada', 'Bob']);
    // No seat, no way to play.
    expect(await cy.button('Play').isDisabled()).toBe(true);
  });
});
