/** A player's Chromium on one side of the emulated WAN, in the real game, and which way the bytes of the game come to it. */
import { type Browser, chromium, type Page } from 'playwright';
import { CHROMIUM_FLAGS, ensureChromium } from '../harness/chromium.ts';
import { BENCH_FLAGS } from '../bench/wan/chromium-player.ts';
import { sleep } from '../bench/wan/polling.ts';
import type { Wan, WanSide } from '../bench/wan/wan.ts';
import { type FlowNotes, noteFlow } from './flow-notes.ts';

const VIEWPORT = { width: 480, height: 320 } as const;
const ASKED_EVERY_MS = 20;
/** State comes at least every tenth of a second: a way on which nothing came for longer than this is not used. */
const USED_WITHIN_MS = 400;

export class NetworkedPlayer {
  readonly page: Page;
  readonly #browser: Browser;

  private constructor(browser: Browser, page: Page) {
    this.#browser = browser;
    this.page = page;
  }

  static async open(wan: Wan, side: WanSide, address: string): Promise<NetworkedPlayer> {
    const executablePath = wan.wrapperFor(side, ensureChromium());
    const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS, ...BENCH_FLAGS], headless: true });
    try {
      const page = await browser.newPage({ viewport: VIEWPORT });
      await page.addInitScript(noteFlow);
      await page.goto(address);
      return new NetworkedPlayer(browser, page);
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  flow(): Promise<FlowNotes> {
    return this.page.evaluate(() => window.flow);
  }

  /** Begins to look for the longest silence anew. */
  async watchSilence(): Promise<void> {
    await this.page.evaluate(() => {
      window.flow.longestGapMs = 0;
    });
  }

  /** Which way the game comes now. */
  way(): Promise<'direct' | 'relay' | 'none'> {
    return this.page.evaluate((withinMs) => {
      const { directMs, relayMs } = window.flow;
      const isUsed = (ms: number): boolean => performance.now() - ms < withinMs;
      return isUsed(directMs) && directMs > relayMs ? 'direct' : isUsed(relayMs) ? 'relay' : 'none';
    }, USED_WITHIN_MS);
  }

  /** Whether the screen says that the player comes through a server. */
  isMarked(): Promise<boolean> {
    return this.page.evaluate(() => document.body.innerText.includes('via server'));
  }

  /** The page's status, what went wrong, and the ships by their ids. */
  async seen(): Promise<{ readonly status: string; readonly error: string; readonly ships: Readonly<Record<number, number>> }> {
    const [status, error, ships] = await this.page.evaluate(() => {
      const { volley } = window;
      return [
        volley.status,
        volley.error,
        volley.view().flatMap((it) => (it.kind === 'ship' ? [[it.owner, it.id] as const] : [])),
      ] as const;
    });
    return { status, error, ships: Object.fromEntries(ships) };
  }

  /** Milliseconds until it is so. Throws Error naming what it waited for. */
  async until(what: string, isTrue: () => Promise<boolean>, patienceMs = 60_000): Promise<number> {
    const sinceMs = performance.now();
    while (!(await isTrue())) {
      if (performance.now() - sinceMs > patienceMs)
        throw new Error(`waited ${patienceMs / 1000} s for ${what}; ${JSON.stringify(await this.seen())}`);
      await sleep(ASKED_EVERY_MS);
    }
    return performance.now() - sinceMs;
  }

  close(): Promise<void> {
    return this.#browser.close();
  }
}
