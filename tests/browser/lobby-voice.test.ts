/** Voice chat through the screens: asked for on use only, told by everybody's list, with meters, muting and push to talk. Microphones are Chromium's, which beep. */
import { type Browser, chromium } from 'playwright';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { CHROMIUM_FLAGS } from '../harness/chromium.ts';
import { offencesOn } from '../harness/axe.ts';
import { openLobby, PHONE, rowOf, start } from '../harness/lobby-pages.ts';
import { launchChromium, type PlayerPage } from '../harness/player-page.ts';

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: inject('chromiumPath'),
    args: [...CHROMIUM_FLAGS, '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  });
});
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

declare global {
  interface Window {
    microphoneQuestions: number;
    /** Answers the question that `leaveQuestionOpen` left open; resolves when the page has heard it. */
    closeQuestion(): Promise<void>;
  }
}

/** Runs in the page, before anybody joins voice. */
function noteQuestions(): void {
  window.microphoneQuestions = 0;
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (constraints) => {
    window.microphoneQuestions += 1;
    return ask(constraints);
  };
}

/** Runs in the page: the next question for a microphone is asked, and nobody answers. */
function leaveQuestionOpen(): void {
  const { getUserMedia } = navigator.mediaDevices;
  navigator.mediaDevices.getUserMedia = () => {
    navigator.mediaDevices.getUserMedia = getUserMedia;
    return new Promise((_, reject) => {
      window.closeQuestion = () => {
        reject(new DOMException('Permission dismissed', 'NotAllowedError'));
        return new Promise((heard) => setTimeout(heard));
      };
    });
  };
}

const mode = ({ page }: PlayerPage) => page.getByLabel('How to talk');
/** How loud somebody is on a page's list of players, 0 to 1. */
const levelOf = (player: PlayerPage, name: string): Promise<number> =>
  rowOf(player, name)
    .locator('.voice-mark')
    .evaluate((mark: HTMLElement) => Number(mark.style.getPropertyValue('--level')));

test('nobody is asked for a microphone until they join; then all see who is in, hear them, and may silence them', async () => {
  const { host, guests } = await openLobby(browser, inject('brokerUrl'), [{ name: 'Bob', on: PHONE }, { name: 'Cy' }]);
  const [bob, cy] = guests as [PlayerPage, PlayerPage];
  const pages = [host, bob, cy];
  for (const { page } of pages) await page.evaluate(noteQuestions);
  const questions = (): Promise<number[]> => Promise.all(pages.map(({ page }) => page.evaluate(() => window.microphoneQuestions)));
  await mode(host).selectOption('open');
  await host.button('Join voice').click();
  await mode(bob).selectOption('listen');
  await bob.button('Join voice').tap();
  for (const page of pages) await rowOf(page, 'Ada').getByRole('img', { name: 'in voice' }).waitFor();
  await expect.poll(() => levelOf(bob, 'Ada')).toBeGreaterThan(0.3);
  // Who only listens is not asked, nor is who has not joined.
  expect(await questions()).toEqual([1, 0, 0]);
  expect(await rowOf(cy, 'Cy').getByRole('img', { name: 'in voice' }).isVisible()).toBe(false);
  await bob.button('Mute Ada').tap();
  await expect.poll(() => bob.button('Mute Ada').getAttribute('aria-pressed')).toBe('true');
  await expect.poll(() => bob.page.getByRole('slider', { name: 'Volume of Ada' }).isVisible()).toBe(true);
  for (const page of [host, bob]) expect(await offencesOn(page.page)).toEqual([]);
  await host.button('Leave voice').click();
  for (const page of [host, bob, cy])
    await expect.poll(() => rowOf(page, 'Ada').getByRole('img', { name: 'in voice' }).isVisible()).toBe(false);
  expect([...host.problems, ...bob.problems, ...cy.problems]).toEqual([]);
});

test('push to talk is silent until the button or the key V is held, in the lobby and over the match, and ends with the screen', async () => {
  const lobby = await openLobby(browser, inject('brokerUrl'), [{ name: 'Bob', on: PHONE }]);
  const { host } = lobby;
  const [bob] = lobby.guests as [PlayerPage];
  for (const page of [host, bob]) await page.button('Join voice').click();
  await expect.poll(() => host.page.locator('.voice-list').innerText()).not.toContain('connecting');
  const own = (): Promise<number> =>
    host.page.locator('.voice-meter').evaluate((meter: HTMLElement) => Number(meter.style.getPropertyValue('--level')));
  expect(await own()).toBe(0);
  await host.page.getByRole('heading', { name: 'Lobby' }).focus();
  await host.page.keyboard.down('v');
  await expect.poll(own).toBeGreaterThan(0.3);
  await host.page.keyboard.up('v');
  await expect.poll(own).toBe(0);
  // Written into a field it is a letter.
  await host.textbox('Message').focus();
  await host.page.keyboard.down('v');
  expect(await host.button('Hold to talk').getAttribute('class')).not.toContain('is-down');
  await host.page.keyboard.up('v');
  expect(await host.textbox('Message').inputValue()).toBe('v');
  await start(lobby);
  await bob.button('Hold to talk').waitFor();
  const talkers = host.page.locator('.scores li.is-talking .name');
  await bob.button('Hold to talk').dispatchEvent('keydown', { key: ' ' });
  await expect.poll(() => talkers.allInnerTexts()).toEqual(['Bob']);
  // The match ends under the finger, which nobody hears go up any more.
  await host.button('End match').click();
  await host.button('End it now?').click();
  await bob.page.getByRole('heading', { name: 'Lobby' }).waitFor();
  expect(await bob.button('Hold to talk').getAttribute('class')).not.toContain('is-down');
  await expect.poll(() => levelOf(host, 'Bob')).toBe(0);
});

test('without a microphone the page says what is missing, and one can listen', async () => {
  const bare = await launchChromium();
  try {
    const { host } = await openLobby(bare, inject('brokerUrl'), []);
    const status = (): Promise<string> => host.page.locator('.voice-status').innerText();
    const before = await status();
    await host.page.evaluate(leaveQuestionOpen);
    await host.button('Join voice').click();
    await host.button('Cancel').click();
    await host.button('Join voice').waitFor();
    // Who thinks better of it is not told so, whenever the question goes away.
    await host.page.evaluate(() => window.closeQuestion());
    expect(await status()).toBe(before);
    await host.button('Join voice').click();
    await expect.poll(status).toMatch(/microphone/i);
    await expect.poll(status).not.toBe(before);
    expect(await host.button('Join voice').isVisible()).toBe(true);
    await mode(host).selectOption('listen');
    await host.button('Join voice').click();
    await host.button('Leave voice').waitFor();
    expect(host.problems).toEqual([]);
  } finally {
    await bare.close();
  }
});
