/** A phone: a small screen and fingers only. It joins, flies with the left thumb and fires with the right. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { distanceBetween, expectToConverge, launchChromium, PlayerPage } from '../harness/player-page.ts';

const PHONE = { viewport: { width: 390, height: 844 }, deviceScaleFactor: 1, isMobile: true, hasTouch: true };

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());

test('a phone joins by touch, flies and fires', async () => {
  const host = await PlayerPage.open(browser, `${inject('brokerUrl')}/?host&name=Ada&autostart`);
  await expect.poll(() => host.page.evaluate(() => window.volley.code)).toBeDefined();
  const code = await host.page.evaluate(() => window.volley.code ?? '');

  const phone = await PlayerPage.open(browser, inject('brokerUrl'), PHONE);
  await phone.textbox('Your name').fill('Bob');
  await phone.textbox('Invite code').fill(code);
  await phone.button('Join').tap();
  await phone.page.getByRole('heading', { name: 'Lobby' }).or(phone.button('Leave match')).first().waitFor();
  await phone.untilPlaying();
  await host.untilPlaying();

  // Nothing lies outside the screen, where a finger could not reach it.
  expect(await phone.page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(PHONE.viewport.width);
  for (const name of ['Fire', 'Leave match']) {
    const box = await phone.button(name).boundingBox();
    expect(box, name).not.toBeNull();
    expect(box!.x + box!.width, name).toBeLessThanOrEqual(PHONE.viewport.width);
    expect(box!.y + box!.height, name).toBeLessThanOrEqual(PHONE.viewport.height);
  }

  // Before it flies: close to a wall, a shot may be over before it is drawn. A ship that has just entered cannot fire yet.
  let isSeen = false;
  const seen = host.untilBulletSeen().then(() => (isSeen = true));
  await expect
    .poll(async () => {
      if (!isSeen) await phone.button('Fire').tap();
      return isSeen;
    })
    .toBe(true);
  await seen;

  const fingers = await phone.page.context().newCDPSession(phone.page);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', points: { x: number; y: number }[]): Promise<unknown> =>
    fingers.send('Input.dispatchTouchEvent', { type, touchPoints: points });
  const from = await phone.myShip();
  // Towards the middle of the arena, wherever the ship entered it.
  const others = (await phone.ships()).find(({ isMine }) => !isMine) ?? from;
  const heading = Math.atan2(others.y - from.y, others.x - from.x);
  const thumb = { x: 100, y: 600 };
  await touch('touchStart', [thumb]);
  await touch('touchMove', [{ x: thumb.x + 60 * Math.cos(heading), y: thumb.y + 60 * Math.sin(heading) }]);
  await expect.poll(async () => distanceBetween(from, await phone.myShip())).toBeGreaterThan(50);
  await touch('touchEnd', []);
  await expectToConverge(phone, host);

  expect(phone.problems).toEqual([]);
});
