/** Firefox and Chromium in one match, each as host and each as guest: two makes of WebRTC, two of SCTP. */
import { type Browser as Chromium, type Page as ChromiumPage } from 'playwright';
import { type Browser as Firefox, launch, type Page as FirefoxPage } from 'puppeteer-core';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { ensureFirefox } from '../harness/firefox.ts';
import { launchChromium } from '../harness/player-page.ts';
import { noteFlow } from '../net/flow-notes.ts';

const START_TIMEOUT_MS = 120_000;
/** Ticks of a match in which both have to stay in it. */
const MATCH_TICKS = 180;
/** Small pictures: the processor draws them. */
const VIEWPORT = { width: 480, height: 300 } as const;

/** What both drivers can do with a page. */
type AnyPage = Pick<ChromiumPage, 'url' | 'close'> & { evaluate<T>(ask: () => T): Promise<T> };

const found = firefoxOrWhy();
if ('why' in found) console.warn(`SKIPPED: matches between Firefox and Chromium. ${found.why}`);

let chromium: Chromium;
let firefox: Firefox;

beforeAll(async () => {
  if ('why' in found) return;
  chromium = await launchChromium();
  firefox = await launch({
    browser: 'firefox',
    executablePath: found.path,
    headless: true,
    // Host candidates by address: nobody answers for names of `.local` on a machine without mDNS.
    extraPrefsFirefox: { 'media.peerconnection.ice.obfuscate_host_addresses': false },
  });
}, START_TIMEOUT_MS);
afterAll(async () => {
  await Promise.all([chromium?.close(), firefox?.close()]);
});

function firefoxOrWhy(): { readonly path: string } | { readonly why: string } {
  try {
    return { path: ensureFirefox() };
  } catch (error) {
    return { why: String(error) };
  }
}

async function openChromium(query: string): Promise<AnyPage> {
  const page = await chromium.newPage({ viewport: VIEWPORT });
  await page.addInitScript(noteFlow);
  await page.goto(inject('brokerUrl') + query);
  return page;
}

async function openFirefox(query: string): Promise<AnyPage> {
  const page: FirefoxPage = await firefox.newPage();
  await page.setViewport(VIEWPORT);
  await page.evaluateOnNewDocument(noteFlow);
  await page.goto(inject('brokerUrl') + query);
  return page;
}

const hostTick = (page: AnyPage) => page.evaluate(() => window.volley.stats()?.hostTick ?? 0);
const codeOf = (page: AnyPage) => page.evaluate(() => window.volley.code);
/** Own ship and the other's, as this page draws them. */
const ships = (page: AnyPage) => page.evaluate(() => window.volley.view().filter(({ kind }) => kind === 'ship'));

/** Both stay in the match, see both ships, and both ships fly on both screens. */
async function expectToPlay(pages: readonly AnyPage[]): Promise<void> {
  for (const page of pages) await expect.poll(async () => (await ships(page)).length).toBe(2);
  const before = await Promise.all(pages.map(ships));
  const startTick = await hostTick(pages[0]!);
  for (const page of pages) await expect.poll(() => hostTick(page)).toBeGreaterThan(startTick + MATCH_TICKS);
  for (const [i, page] of pages.entries()) {
    for (const { owner, x, y } of before[i]!) {
      const hasFlown = async (): Promise<boolean> => {
        const now = (await ships(page)).find((ship) => ship.owner === owner);
        return now !== undefined && Math.hypot(now.x - x, now.y - y) > 20;
      };
      await expect.poll(hasFlown).toBe(true);
    }
  }
}

describe.skipIf('why' in found).each([
  { title: 'Firefox hosts, Chromium joins', openHost: openFirefox, openGuest: openChromium },
  { title: 'Chromium hosts, Firefox joins', openHost: openChromium, openGuest: openFirefox },
])('$title', ({ openHost, openGuest }) => {
  let host: AnyPage;
  let code: string | undefined;

  beforeAll(async () => {
    host = await openHost('/?host&name=Ada&bot&autostart');
    code = await vi.waitFor(async () => (await codeOf(host)) ?? Promise.reject(new Error('the host has no code')), START_TIMEOUT_MS);
  }, START_TIMEOUT_MS);
  afterAll(() => host?.close());

  test('directly: both play, see both ships, and both ships fly on both screens', async () => {
    const guest = await openGuest(`/?join=${code}&name=Bob&bot&autostart`);
    await expectToPlay([host, guest]);
    const { stateChannel, malformedPackets } = await guest.evaluate(() => window.volley.stats()!);
    expect(stateChannel).toEqual({ ordered: false, maxRetransmits: 0 });
    expect(malformedPackets).toBe(0);
    await guest.close();
    await expect.poll(async () => (await ships(host)).length).toBe(1);
  });

  test('and through the relay alone, marked so, with nothing of the match over anything else', async () => {
    const guest = await openGuest(`/?join=${code}&name=Cy&bot&autostart&paths=relay`);
    await expectToPlay([host, guest]);
    const { relays, directMs } = await guest.evaluate(() => window.flow);
    expect({ relays, directMs }).toEqual({ relays: 1, directMs: -Infinity });
    expect(await guest.evaluate(() => document.querySelector('.ping')?.textContent)).toContain('via server');
    expect(await guest.evaluate(() => window.volley.stats()!.malformedPackets)).toBe(0);
    await guest.close();
  });
});
