/**
 * More guests, as cheap as can be, which is what two cores have room for. In one more browser, in hidden tabs: they play and are not drawn.
 * (The game's tick runs in a Worker, which a hidden tab does not slow down.) Or in Node, each in a process of its own.
 */
import { ensureChromium } from '../../harness/chromium.ts';
import { BENCH_FLAGS } from './chromium-player.ts';
import { gameAddress } from './game-address.ts';
import { PagePlayer } from './page-player.ts';
import { PipedChromium } from './piped-chromium.ts';
import { openPlayer } from './open-player.ts';
import type { Player } from './player.ts';
import { RECORDER_SCRIPT } from './recorder.ts';
import type { Wan, WanSide } from './wan.ts';

export const CROWD_KINDS = ['chromium', 'node'] as const;
export type CrowdKind = (typeof CROWD_KINDS)[number];

export interface CrowdSetup {
  readonly wan: Wan;
  readonly side: WanSide;
  readonly url: string;
  readonly code: string;
  readonly names: readonly string[];
}

export interface Crowd {
  readonly players: readonly Player[];
  /** Closes them all; the players' own `close` does nothing. */
  close(): Promise<void>;
}

export function openCrowd(kind: CrowdKind, setup: CrowdSetup): Promise<Crowd> {
  return kind === 'node' ? openProcesses(setup) : openTabs(setup);
}

async function openTabs({ wan, side, url, code, names }: CrowdSetup): Promise<Crowd> {
  // Not before what else this machine does, as the measured players are: these are company.
  const browser = new PipedChromium([...wan.prefixFor(side), ensureChromium()], [...BENCH_FLAGS, '--window-size=480,320']);
  try {
    const players: Player[] = [];
    // One after the other: six handshakes at once would keep two cores from everything else.
    for (const name of names) {
      const tab = await browser.openTab(gameAddress({ url, role: 'guest', code, name }), RECORDER_SCRIPT);
      const evaluate = async (expression: string): Promise<string> => String(await tab.evaluate(expression));
      const player = new PagePlayer(name, { evaluate, close: async () => {} });
      await player.code();
      players.push(player);
    }
    // In front of them all.
    await browser.openTab('about:blank');
    return { players, close: () => browser.close() };
  } catch (error) {
    await browser.close();
    throw error;
  }
}

async function openProcesses({ names, ...setup }: CrowdSetup): Promise<Crowd> {
  const players: Player[] = [];
  const close = async (): Promise<void> => {
    for (const player of players) await player.close();
  };
  try {
    for (const name of names) {
      const player = await openPlayer('node', { ...setup, role: 'guest', name });
      players.push(player);
      await player.code();
    }
    return { players, close };
  } catch (error) {
    await close();
    throw error;
  }
}
