/**
 * A match between players who can reach each other through the TURN server alone: `ICE_TRANSPORT_POLICY=relay` with
 * time-limited credentials, on a real coturn.
 */
import type { Browser, BrowserContext } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Coturn, ensureCoturn } from '../harness/coturn.ts';
import { expectToConverge, launchChromium, PlayerPage, startMatch } from '../harness/player-page.ts';
import { ServerProcess } from '../harness/server-process.ts';

const SECRET = 'north-star-of-the-seas';
const INSTALL_TIMEOUT_MS = 240_000;

declare global {
  interface Window {
    madeConnections: RTCPeerConnection[];
  }
}

/** Runs in the page before its own scripts. */
function noteConnections(): void {
  window.madeConnections = [];
  const Real = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      window.madeConnections.push(this);
    }
  };
}

interface Route {
  readonly policy: string | undefined;
  readonly local: string;
  readonly remote: string;
}

/** How each connection of the page that stands reaches the other side. */
function routesOf(player: PlayerPage): Promise<Route[]> {
  return player.page.evaluate(async () => {
    const routes: Route[] = [];
    for (const connection of window.madeConnections.filter(({ connectionState }) => connectionState === 'connected')) {
      const stats = [...(await connection.getStats()).values()] as Record<string, unknown>[];
      const byId = new Map(stats.map((entry) => [entry['id'], entry]));
      const transport = stats.find(({ type }) => type === 'transport');
      const pair = byId.get(transport?.['selectedCandidatePairId']);
      const typeOf = (id: unknown): string => String(byId.get(id)?.['candidateType']);
      routes.push({
        policy: connection.getConfiguration().iceTransportPolicy,
        local: typeOf(pair?.['localCandidateId']),
        remote: typeOf(pair?.['remoteCandidateId']),
      });
    }
    return routes;
  });
}

const found = ensureCoturn();
if ('why' in found) console.warn(`SKIPPED: the match through a real TURN server. ${found.why}`);

describe.skipIf('why' in found)('a match through TURN alone', () => {
  let coturn: Coturn;
  let server: ServerProcess;
  let browser: Browser;
  let host: PlayerPage;
  let guest: PlayerPage;

  async function open(): Promise<PlayerPage> {
    const context: BrowserContext = await browser.newContext();
    await context.addInitScript(noteConnections);
    return PlayerPage.openTab(context, server.url);
  }

  beforeAll(async () => {
    if ('why' in found) return;
    coturn = await Coturn.start(found.path, SECRET);
    server = await ServerProcess.start({ TURN_URLS: coturn.url, TURN_SECRET: SECRET, ICE_TRANSPORT_POLICY: 'relay' });
    browser = await launchChromium();
    [host, guest] = [await open(), await open()];
    await startMatch(host, guest);
  }, INSTALL_TIMEOUT_MS);
  afterAll(async () => {
    await browser?.close();
    await server?.kill();
    await coturn?.stop();
  });

  test('every connection goes from relay to relay', async () => {
    for (const player of [host, guest]) {
      const routes = await routesOf(player);
      expect(routes.length).toBeGreaterThan(0);
      expect(routes).toEqual(routes.map(() => ({ policy: 'relay', local: 'relay', remote: 'relay' })));
    }
  });

  test('plays: both fly, and both see where', async () => {
    await host.flyWith(['ArrowUp'], 60);
    await expectToConverge(host, guest);
    await guest.flyWith(['ArrowUp'], 60);
    await expectToConverge(guest, host);
  });

  test('and no page logged an error', () => {
    expect([...host.problems, ...guest.problems]).toEqual([]);
  });
});
