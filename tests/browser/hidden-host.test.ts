/**
 * A host who looks at another tab keeps hosting: the simulation hangs on no drawing and on no throttled timer. The tab is
 * hidden for real, and the test first makes sure of that.
 */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { HideableChromium } from '../harness/hideable-chromium.ts';
import { launchChromium, PlayerPage } from '../harness/player-page.ts';

const TICK_RATE = 60;
const WATCHED_TICKS = 240;
/** A throttled host would give its ticks in bursts of 60, once a second. The room up to 30 is for a busy test machine. */
const BURST_TICKS_MAX = 30;

let hidden: HideableChromium;
let browser: Browser;
beforeAll(async () => {
  [hidden, browser] = await Promise.all([HideableChromium.launch(inject('chromiumPath')), launchChromium()]);
});
afterAll(() => Promise.all([hidden.close(), browser.close()]));

test('a hidden host keeps its tick, and its guest gets an even stream of snapshots', async () => {
  const host = await hidden.openTab(`${inject('brokerUrl')}/?host&name=Ada&autostart`);
  await expect.poll(() => host.evaluate('window.volley?.code')).toMatch(/^\w{6}$/);
  const code = String(await host.evaluate('window.volley.code'));
  const guest = await PlayerPage.open(browser, `${inject('brokerUrl')}/?join=${code}&name=Bob&autostart`);
  await guest.untilPlaying();

  await hidden.openTab('about:blank');
  await expect.poll(() => host.evaluate('document.visibilityState')).toBe('hidden');
  await host.evaluate(
    'window.frames_drawn = 0; requestAnimationFrame(function draw() { window.frames_drawn += 1; requestAnimationFrame(draw); });',
  );

  const watched = await guest.page.evaluate(
    (ticks) =>
      new Promise<{ elapsedMs: number; biggestStep: number }>((done) => {
        const hostTick = (): number => window.volley.stats()?.hostTick ?? 0;
        const startedAtMs = performance.now();
        const first = hostTick();
        let last = first;
        let biggestStep = 0;
        const look = setInterval(() => {
          const tick = hostTick();
          biggestStep = Math.max(biggestStep, tick - last);
          last = tick;
          if (tick - first < ticks) return;
          clearInterval(look);
          done({ elapsedMs: performance.now() - startedAtMs, biggestStep });
        }, 20);
      }),
    WATCHED_TICKS,
  );

  expect(await host.evaluate('window.frames_drawn')).toBe(0);
  expect(watched.biggestStep).toBeLessThan(BURST_TICKS_MAX);
  // Two thirds of the rate at least; a host that ticks only when it draws would never come this far.
  expect(watched.elapsedMs).toBeLessThan(((WATCHED_TICKS / TICK_RATE) * 1000 * 3) / 2);
  expect(await guest.status()).toBe('playing');
});
