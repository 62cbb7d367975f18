/**
 * The stories of `scenario/session-random.test.ts` told by real pages, over real WebRTC and a real broker whose process really dies: whatever people
 * do, once it is quiet all pages show the same lobby, the same chat, and the broker knows it.
 */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launchChromium } from '../harness/player-page.ts';
import { RandomLobby } from '../harness/random-lobby.ts';
import type { Stage } from '../harness/random-lobby-stage.ts';
import { BrowserPage, type PageServer, servePage } from '../harness/random-lobby-browser.ts';
import { ServerProcess } from '../harness/server-process.ts';

const SEEDS = 12;
const STEPS = 2;
/** One more than have a place. */
const PEOPLE = 5;
const LOOK_MS = 40;
/** A broker that was lost is looked for every few seconds; a guest that went on its way to a new host is missed after twelve. */
const PATIENCE_MS = 60_000;

/** Two stories are told at a time: mostly, they wait. */
const LANES = 2;
const TEST_TIMEOUT_MS = 300_000;

interface Lane {
  readonly broker: ServerProcess;
  readonly people: readonly BrowserPage[];
  /** The last of its stories. */
  last: Promise<unknown>;
}

let browser: Browser;
let pages: PageServer;
let lanes: readonly Lane[] = [];

async function openLane(): Promise<Lane> {
  // Test pages come from another port, all from one address, and more often than people do.
  const broker = await ServerProcess.start({ ALLOWED_ORIGINS: '*', LIMITS: 'off' });
  const urls = { page: pages.url, broker: broker.url };
  const people = await Promise.all(Array.from({ length: PEOPLE }, () => BrowserPage.open(browser, urls)));
  return { broker, people, last: Promise.resolve() };
}

beforeAll(async () => {
  [browser, pages] = await Promise.all([launchChromium(), servePage()]);
  lanes = await Promise.all(Array.from({ length: LANES }, openLane));
});
afterAll(async () => {
  await browser.close();
  pages.close();
  for (const { broker } of lanes) await broker.kill();
});

function realStage(seed: number, broker: ServerProcess): Stage {
  return {
    isPatient: false,
    places: { playersMax: 3, spectatorsMax: 1 },
    lookUp: async (code) => {
      const answer = await fetch(`${broker.url}/api/lobbies/${code}`);
      return answer.ok ? ((await answer.json()) as object) : undefined;
    },
    // Killed, or told to end.
    stopBroker: async () => void (await (seed % 2 === 0 ? broker.kill() : broker.terminate())),
    startBroker: () => broker.startAgain(),
    settings: (draw) => ({ minutes: 1 + draw(9), mode: draw(2) === 0 ? 'duel' : 'teams' }),
    pause: async () => undefined,
    async settle(complaint) {
      const untilMs = performance.now() + PATIENCE_MS;
      for (let why = await complaint(); why !== undefined; why = await complaint()) {
        if (performance.now() > untilMs) throw new Error(why);
        await new Promise((done) => setTimeout(done, LOOK_MS));
      }
    },
  };
}

async function tell(seed: number, { broker, people }: Lane): Promise<void> {
  const story = new RandomLobby(seed, realStage(seed, broker), people);
  try {
    await story.tell(STEPS);
    expect(people.flatMap(({ problems }) => problems)).toEqual([]);
  } finally {
    for (const page of people) await page.call(['leave']);
  }
}

describe('[LOBBY18] real pages agree once it is quiet', () => {
  test.concurrent.each(Array.from({ length: SEEDS }, (_, seed) => [seed + 1]))(
    'seed %i',
    async (seed) => {
      const lane = lanes[seed % LANES]!;
      const telling = lane.last.then(() => tell(seed, lane));
      lane.last = telling.catch(() => undefined);
      await telling;
    },
    TEST_TIMEOUT_MS,
  );
});
