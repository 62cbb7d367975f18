/**
 * The connection test in a real Chromium, at the real server's page and under its security policy, with a real coturn as STUN and TURN server;
 * then with one thing after the other broken.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { type Browser, chromium } from 'playwright';
import { build } from 'vite';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import type { testConnection } from '../../netcode/platform/connection-test.ts';
import type { CheckName, CheckResult } from '../../netcode/transport/connection-report.ts';
import { CHROMIUM_FLAGS } from '../harness/chromium.ts';
import { Coturn, ensureCoturn } from '../harness/coturn.ts';
import { ServerProcess } from '../harness/server-process.ts';
import { UdpNat } from '../harness/udp-nat.ts';

const SECRET = 'pole-star-of-the-seas';
const INSTALL_TIMEOUT_MS = 240_000;
/** A name that is this machine's, and no secure context as `localhost` and 127.0.0.1 are. */
const PLAIN_NAME = 'plain.test';

interface Outcome {
  readonly results: readonly CheckResult[];
  readonly summary: string;
  readonly text: string;
}

declare global {
  interface Window {
    testConnection: typeof testConnection;
  }
}

let browser: Browser;
let script: string;

/** The test as a game's build would ship it, as one script. */
async function bundled(): Promise<string> {
  const entry = resolve(import.meta.dirname, '../../netcode/platform/connection-test.ts');
  const lib = { entry, formats: ['iife' as const], name: 'connectionTest' };
  const built = await build({ configFile: false, logLevel: 'error', build: { lib, write: false, minify: false } });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !('output' in output)) throw new Error('nothing was built');
  return `${output.output[0].code}\nwindow.testConnection = connectionTest.testConnection;`;
}

beforeAll(async () => {
  script = await bundled();
  const args = [...CHROMIUM_FLAGS, `--host-resolver-rules=MAP ${PLAIN_NAME} 127.0.0.1`];
  browser = await chromium.launch({ executablePath: inject('chromiumPath'), args, headless: true });
});
afterAll(() => browser?.close());

/** Serves for this test alone. */
async function serve(env: Readonly<Record<string, string>>): Promise<ServerProcess> {
  const server = await ServerProcess.start({ LIMITS: 'off', ...env });
  onTestFinished(() => server.kill());
  return server;
}

interface Circumstances {
  /** Default: the server's. */
  readonly pageUrl?: string;
  /** Runs between the page's arrival and the test. */
  readonly before?: () => Promise<void>;
  /** Cancels when this check has reported. */
  readonly cancelAfter?: CheckName;
}

async function runAt(server: ServerProcess, { pageUrl = server.url, before, cancelAfter }: Circumstances = {}): Promise<Outcome> {
  const context = await browser.newContext();
  onTestFinished(() => context.close());
  const page = await context.newPage();
  await page.goto(pageUrl);
  await page.evaluate(script);
  await before?.();
  return page.evaluate(async (cancelled) => {
    const controller = new AbortController();
    const { results, summary, asText } = await window.testConnection({
      brokerUrl: location.origin,
      signal: controller.signal,
      onResult({ check }) {
        if (check === cancelled) controller.abort();
      },
    });
    return { results, summary, text: asText() };
  }, cancelAfter);
}

/** Check by check what was found, as 'stun ok'. */
const statesOf = ({ results }: Outcome): string[] => results.map(({ check, state }) => `${check} ${state}`);
const detailOf = ({ results }: Outcome, check: CheckName): string => results.find((result) => result.check === check)?.detail ?? '';

/** A UDP port of this machine where somebody listens and says nothing: a STUN server that is dead. */
async function silentPort(): Promise<number> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  onTestFinished(() => void socket.close());
  return socket.address().port;
}

test('where the server has neither STUN nor TURN it says who can meet', async () => {
  const outcome = await runAt(await serve({}));
  expect(statesOf(outcome)).toEqual([
    'secure-context ok',
    'webrtc ok',
    'server ok',
    'signalling ok',
    'loopback ok',
    'stun skipped',
    'turn skipped',
    'nat skipped',
    'relay ok',
  ]);
  expect(outcome.summary).toBe('You can play with players on your own network.');
});

test('a STUN server that is silent is found out within seconds, and the rest goes on', async () => {
  const outcome = await runAt(await serve({ ICE_SERVERS: JSON.stringify([{ urls: `stun:127.0.0.1:${await silentPort()}` }]) }));
  expect(statesOf(outcome)).toEqual(expect.arrayContaining(['loopback ok', 'stun failed', 'nat skipped', 'relay ok']));
  expect(outcome.summary).toBe('You can play; where no direct connection opens, a detour is used.');
});

test('without the relay there is no detour', async () => {
  const ICE_SERVERS = JSON.stringify([{ urls: `stun:127.0.0.1:${await silentPort()}` }]);
  const outcome = await runAt(await serve({ ICE_SERVERS, RELAY: 'off' }));
  expect(statesOf(outcome)).toEqual(expect.arrayContaining(['signalling ok', 'relay skipped']));
  expect(outcome.summary).toBe('You can play with some players only: not every direct connection will open, and there is no detour.');
});

test('when the server is gone it says so, and still tells of the browser', async () => {
  const server = await serve({});
  const outcome = await runAt(server, { before: () => server.kill() });
  expect(statesOf(outcome)).toEqual([
    'secure-context ok',
    'webrtc ok',
    'server failed',
    'signalling failed',
    'loopback ok',
    'relay skipped',
  ]);
  expect(outcome.summary).toBe('You cannot play now: the server cannot be reached.');
});

test('on plain http it says what browsers keep for https', async () => {
  const server = await serve({});
  const outcome = await runAt(server, { pageUrl: `http://${PLAIN_NAME}:${server.port}` });
  expect(statesOf(outcome)).toEqual(
    expect.arrayContaining(['secure-context warn', 'server ok', 'signalling ok', 'loopback ok', 'relay ok']),
  );
});

test('can be cancelled, and then looks at nothing more', async () => {
  const outcome = await runAt(await serve({}), { cancelAfter: 'server' });
  expect(outcome.results.slice(3).map(({ state, detail }) => `${state} ${detail}`)).toEqual(
    outcome.results.slice(3).map(() => 'skipped Cancelled.'),
  );
  expect(outcome.summary).toBe('The test was cancelled.');
});

test('leaves no lobby behind', async () => {
  const server = await serve({});
  await runAt(server);
  await expect.poll(async () => ((await (await fetch(`${server.url}/healthz`)).json()) as { lobbies: number }).lobbies).toBe(0);
});

const found = ensureCoturn();
if ('why' in found) console.warn(`SKIPPED: the connection test with a real STUN and TURN server. ${found.why}`);

function coturnPath(): string {
  if ('why' in found) throw new Error(found.why);
  return found.path;
}

describe.skipIf('why' in found)('with a real STUN and TURN server', () => {
  let coturn: Coturn;

  beforeAll(async () => {
    coturn = await Coturn.start(coturnPath(), SECRET);
  }, INSTALL_TIMEOUT_MS);
  afterAll(() => coturn?.stop());

  const stunServers = (): string => JSON.stringify([{ urls: `stun:127.0.0.1:${coturn.port}` }]);

  test('all is well', async () => {
    const outcome = await runAt(await serve({ ICE_SERVERS: stunServers(), TURN_URLS: coturn.url, TURN_SECRET: SECRET }));
    expect(statesOf(outcome).filter((state) => !state.startsWith('nat'))).toEqual([
      'secure-context ok',
      'webrtc ok',
      'server ok',
      'signalling ok',
      'loopback ok',
      'stun ok',
      'turn ok',
      'relay ok',
    ]);
    expect(detailOf(outcome, 'turn')).toMatch(/data came back through it/);
    expect(outcome.summary).toBe('You can play: direct connections should open.');
  });

  test.each([
    ['symmetric', 'nat warn', 'You can play with some players only: not every direct connection will open, and there is no detour.'],
    ['one port', 'nat ok', 'You can play: direct connections should open.'],
  ] as const)('tells a NAT that is %s', async (kind, state, summary) => {
    const second = await Coturn.start(coturnPath(), SECRET);
    onTestFinished(() => second.stop());
    const nat = await UdpNat.open(kind, [coturn.port, second.port]);
    onTestFinished(() => nat.close());
    const ICE_SERVERS = JSON.stringify([{ urls: nat.ports.map((port) => `stun:127.0.0.1:${port}`) }]);
    const outcome = await runAt(await serve({ ICE_SERVERS, RELAY: 'off' }));
    expect(statesOf(outcome)).toContain(state);
    expect(outcome.summary).toBe(summary);
  });

  test('a server whose TURN secret is wrong is told apart from one that is silent', async () => {
    const env = { ICE_SERVERS: stunServers(), TURN_SECRET: 'another-star-of-the-seas' };
    const wrong = await runAt(await serve({ ...env, TURN_URLS: coturn.url }));
    expect(detailOf(wrong, 'turn')).toBe('It refused the credentials.');
    const silent = await runAt(await serve({ ...env, TURN_URLS: `turn:127.0.0.1:${await silentPort()}?transport=udp` }));
    expect(detailOf(silent, 'turn')).toBe('It did not answer.');
  });

  test('what is copied names no address and no credential', async () => {
    const server = await serve({ ICE_SERVERS: stunServers(), TURN_URLS: coturn.url, TURN_SECRET: SECRET });
    const { text, results } = await runAt(server);
    const { iceServers } = (await (await fetch(`${server.url}/api/config`)).json()) as { iceServers: Record<string, string>[] };
    const secrets = iceServers.flatMap(({ username, credential }) => [username, credential]).filter((secret) => secret !== undefined);
    expect(secrets).toHaveLength(2);
    for (const secret of secrets) expect(text).not.toContain(secret);
    // The only addresses are those of the server's own STUN and TURN servers, which stand in the titles.
    for (const { detail } of results) expect(detail).not.toMatch(/\d+\.\d+\.\d+\.\d+|[0-9a-f]+::?[0-9a-f]+|\.local/);
    expect(text.split('\n')).toHaveLength(results.length + 3);
  });
});
