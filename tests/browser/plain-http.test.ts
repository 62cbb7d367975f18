/**
 * A match in a living room: the page comes over plain http from an address of the local network, which is no secure context.
 * Everything works but what browsers keep for https, and of that the page says so.
 */
import { type Browser, chromium } from 'playwright';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { offencesOn } from '../harness/axe.ts';
import { CHROMIUM_FLAGS } from '../harness/chromium.ts';
import { chatOf, joinLobby, notices, openLobby, PHONE, rowOf, say, start } from '../harness/lobby-pages.ts';
import { expectToConverge, type PlayerPage } from '../harness/player-page.ts';

/** This machine's name in the browser; unlike `localhost` and 127.0.0.1 it is no secure context. */
const PLAIN_NAME = 'plain.test';
const SMALL = { viewport: { width: 480, height: 300 } };

let browser: Browser;
beforeAll(async () => {
  const args = [
    ...CHROMIUM_FLAGS,
    `--host-resolver-rules=MAP ${PLAIN_NAME} 127.0.0.1`,
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
  ];
  browser = await chromium.launch({ executablePath: inject('chromiumPath'), args, headless: true });
});
afterAll(() => browser.close());

const voiceStatus = ({ page }: PlayerPage): Promise<string> => page.locator('.voice-status').innerText();

test('three players meet, talk and play over plain http, and the page says why nobody hears them', async () => {
  const url = `http://${PLAIN_NAME}:${new URL(inject('brokerUrl')).port}`;
  const lobby = await openLobby(browser, url, [{ name: 'Bob', on: PHONE }]);
  const { host, code } = lobby;
  const [bob] = lobby.guests as [PlayerPage];
  const cy = await joinLobby(browser, url, code, { name: 'Cy', on: SMALL });
  const everyone = [host, bob, cy];
  for (const { page } of everyone) expect(await page.evaluate(() => isSecureContext)).toBe(false);

  // The invitation is copied the old way; there is no share sheet.
  expect(await host.button('Share…').isVisible()).toBe(false);
  await host.button('Copy invite link').click();
  await expect.poll(() => notices(host)).toContain('Invite link copied.');

  // Voice can be heard; to speak takes https, which is said before and after one tries.
  for (const player of [host, bob]) {
    expect(await player.page.getByLabel('How to talk').inputValue()).toBe('listen');
    expect(await voiceStatus(player)).toMatch(/https/);
    await player.page.getByLabel('How to talk').selectOption('push');
    await player.button('Join voice').click();
    await expect.poll(() => voiceStatus(player)).toMatch(/^To speak, this page must be opened by https/);
    expect(await player.button('Join voice').isVisible()).toBe(true);
    expect(await offencesOn(player.page)).toEqual([]);
    await player.page.getByLabel('How to talk').selectOption('listen');
    await player.button('Join voice').click();
    await player.button('Leave voice').waitFor();
  }
  for (const player of everyone) await rowOf(player, 'Bob').getByRole('img', { name: 'in voice' }).waitFor();
  await host.button('Leave voice').click();
  await expect.poll(() => voiceStatus(host)).toMatch(/https/);

  await say(cy, 'Can you hear me?');
  for (const player of everyone) await expect.poll(() => chatOf(player)).toEqual(['Cy Can you hear me?']);

  await start({ ...lobby, guests: [bob, cy] });
  for (const player of everyone) await player.untilPlaying();
  await cy.flyWith(['ArrowUp'], 40);
  for (const other of [host, bob]) await expectToConverge(cy, other);
  for (const player of everyone) expect(player.problems).toEqual([]);
});
