/** The real game in a Firefox of its own, drawn into a small window. */
import { openFirefox } from './firefox-browser.ts';
import { gameAddress } from './game-address.ts';
import { PagePlayer } from './page-player.ts';
import type { Player, PlayerSetup } from './player.ts';
import { RECORDER_SCRIPT } from './recorder.ts';

/** As small as Chromium's: nothing but the processor draws here. */
const VIEWPORT = { width: 480, height: 320 } as const;

export async function openFirefoxPlayer(setup: PlayerSetup): Promise<Player> {
  const { browser, close } = await openFirefox(setup.wan, setup.side);
  try {
    const page = await browser.newPage();
    await page.setViewport(VIEWPORT);
    await page.evaluateOnNewDocument(RECORDER_SCRIPT);
    await page.goto(gameAddress(setup));
    return new PagePlayer(setup.name, { evaluate: async (expression) => String(await page.evaluate(expression)), close });
  } catch (error) {
    await close();
    throw error;
  }
}
