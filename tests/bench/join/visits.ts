/**
 * A host whose match runs, and one guest who opens the invite link again and again: by the link a friend sends, in a browser that has been
 * on the page before (its parts are in the cache, its player's name is remembered), with no connection to the server left from then.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { CHROMIUM_FLAGS } from '../../harness/chromium.ts';
import { BENCH_FLAGS } from '../wan/chromium-player.ts';
import { PagePlayer } from '../wan/page-player.ts';
import { Closing } from '../wan/match.ts';
import { sleep, untilThereIs } from '../wan/polling.ts';
import { PROBE_SCRIPT, type ProbeLog } from './probe.ts';
import { type Network, openRig, type Rig } from './rig.ts';

/** Small: nothing but the processor draws here. */
const VIEWPORT = { width: 480, height: 320 } as const;
/** The browser compiles and keeps a page's code once it has seen it a few times. */
const WARM_UP_VISITS = 3;
/** The server closes a connection that is idle for 5 s, and one on which nothing was ever asked (browsers open some to be ready) after 10 s. */
const IDLE_MS = 12_000;
/** A match is started anew after this: the game ends it after three minutes. */
const MATCH_MS = 90_000;

export interface VisitsOptions {
  readonly network: Network;
  readonly runs: number;
  readonly onVisit: (n: number, log: ProbeLog) => void;
}

/** All measured visits, in order. Throws Error when one does not lead to a ship that answers. */
export async function measureVisits({ network, runs, onVisit }: VisitsOptions): Promise<ProbeLog[]> {
  const closing = new Closing();
  try {
    const rig = closing.add(await openRig(network));
    const host = closing.add(await Host.open(rig));
    const code = await host.player.code();
    const { page, close } = await openGuest(rig);
    closing.add({ close });
    const logs: ProbeLog[] = [];
    for (let n = -WARM_UP_VISITS; n < runs; n++) {
      const address = n === -WARM_UP_VISITS ? `${rig.url}/?join=${code}&name=Bob` : `${rig.url}/?join=${code}`;
      await host.keepPlaying();
      if (n >= 0) await sleep(IDLE_MS);
      const log = await visit(page, address);
      await page.goto('about:blank');
      await untilThereIs('the guest to be gone', async () => ((await host.player.stats()).connectedPeers === 0 ? true : undefined));
      if (n < 0) continue;
      logs.push(log);
      onVisit(n, log);
    }
    return logs;
  } finally {
    await closing.close();
  }
}

class Host {
  readonly player: PagePlayer;
  readonly #page: Page;
  #startedAtMs = -Infinity;

  private constructor(page: Page, close: () => Promise<void>) {
    this.#page = page;
    this.player = new PagePlayer('Ada', { evaluate: (expression) => page.evaluate<string>(expression), close });
  }

  static async open(rig: Rig): Promise<Host> {
    const args = [...CHROMIUM_FLAGS, ...BENCH_FLAGS];
    const browser = await chromium.launch({ executablePath: rig.browserPath('a'), args, headless: true });
    try {
      const page = await browser.newPage({ viewport: VIEWPORT });
      await page.goto(`${rig.url}/?host&name=Ada`);
      return new Host(page, () => browser.close());
    } catch (error) {
      await browser.close();
      throw error;
    }
  }

  /** A match that is over has no ships. */
  async keepPlaying(): Promise<void> {
    if (performance.now() - this.#startedAtMs < MATCH_MS) return;
    if (this.#startedAtMs > 0) {
      await this.#page.getByRole('button', { name: 'End match' }).click();
      await this.#page.getByRole('button', { name: 'End it now?' }).click();
    }
    await this.player.start();
    await this.player.playing();
    this.#startedAtMs = performance.now();
  }

  close(): Promise<void> {
    return this.player.close();
  }
}

/** With a profile on the disk: a browser's private contexts keep no compiled code. */
async function openGuest(rig: Rig): Promise<{ readonly page: Page; readonly close: () => Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'volley-join-'));
  const removeFolder = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  let context: BrowserContext;
  try {
    context = await chromium.launchPersistentContext(folder, {
      executablePath: rig.browserPath('b'),
      args: [...CHROMIUM_FLAGS, ...BENCH_FLAGS],
      viewport: VIEWPORT,
    });
  } catch (error) {
    removeFolder();
    throw error;
  }
  const close = async (): Promise<void> => {
    await context.close();
    removeFolder();
  };
  try {
    await context.addInitScript({ content: PROBE_SCRIPT });
    return { page: context.pages()[0] ?? (await context.newPage()), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function visit(page: Page, address: string): Promise<ProbeLog> {
  await page.goto(address, { waitUntil: 'commit' });
  return untilThereIs('the ship to answer', async () => {
    const error = await page.evaluate(() => window.volley?.error ?? '');
    if (error !== '') throw new Error(`the guest cannot play: ${error}`);
    return (await page.evaluate(() => window.volleyProbe.isDone())) ? page.evaluate(() => window.volleyProbe.log()) : undefined;
  });
}
