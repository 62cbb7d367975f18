/** The real game in a Chromium of its own, drawn into a small window. */
import { chromium } from 'playwright';
import { CHROMIUM_FLAGS, ensureChromium } from '../../harness/chromium.ts';
import { gameAddress } from './game-address.ts';
import { PagePlayer } from './page-player.ts';
import type { Player, PlayerSetup } from './player.ts';
import { RECORDER_SCRIPT } from './recorder.ts';

/** Small: nothing but the processor draws here, and it has the network to run. */
const VIEWPORT = { width: 480, height: 320 } as const;
/** Without the last one, this machine's addresses would be told as names that nobody here resolves. */
export const BENCH_FLAGS: readonly string[] = ['--disable-gpu', '--disable-features=WebRtcHideLocalIpsWithMdns'];

export async function openChromiumPlayer(setup: PlayerSetup): Promise<Player> {
  const executablePath = setup.wan.wrapperFor(setup.side, ensureChromium());
  const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS, ...BENCH_FLAGS], headless: true });
  try {
    const page = await browser.newPage({ viewport: VIEWPORT });
    await page.addInitScript({ content: RECORDER_SCRIPT });
    await page.goto(gameAddress(setup));
    return new PagePlayer(setup.name, { evaluate: (expression) => page.evaluate<string>(expression), close: () => browser.close() });
  } catch (error) {
    await browser.close();
    throw error;
  }
}
