/**
 * A headless Firefox on one side of an emulated WAN, driven from outside of it.
 *
 * Firefox is driven over a WebSocket on its own loopback, and a network namespace has a loopback of its own: so a small process
 * inside the namespace carries the bytes between that port and its stdin and stdout, and the WebSocket is spoken over those.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Duplex } from 'node:stream';
import { type Browser, type ConnectionTransport, connect } from 'puppeteer-core';
import { WebSocket } from 'ws';
import { ensureFirefox } from '../../harness/firefox.ts';
import type { Wan, WanSide } from './wan.ts';

const START_TIMEOUT_MS = 60_000;
const CLOSE_TIMEOUT_MS = 3_000;
/** What Firefox may say before it listens, kept for the error message. */
const OUTPUT_CHARACTERS_MAX = 4_000;

type Preference = boolean | number | string;
/** Only what the bench needs; Firefox itself is quiet enough once it is driven. */
const PREFERENCES: Readonly<Record<string, Preference>> = {
  // Host candidates by address: nobody answers for names of `.local` here.
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  // Times of packets are what is measured; Firefox rounds them to a millisecond and more otherwise.
  'privacy.reduceTimerPrecision': false,
  // Several pages in one window play on while only one of them is seen.
  'dom.timeout.enable_budget_timer_throttling': false,
  'dom.min_background_timeout_value': 4,
  'app.update.disabledForTesting': true,
  'datareporting.policy.dataSubmissionEnabled': false,
  'browser.shell.checkDefaultBrowser': false,
};

export interface FirefoxBrowser {
  readonly browser: Browser;
  close(): Promise<void>;
}

/** `preferences` beside, or instead of, this file's own. Throws Error with Firefox's words if it does not start. */
export async function openFirefox(
  wan: Wan,
  side: WanSide,
  preferences: Readonly<Record<string, Preference>> = {},
): Promise<FirefoxBrowser> {
  const path = ensureFirefox();
  const home = mkdtempSync(join(tmpdir(), 'volley-firefox-'));
  const lines = Object.entries({ ...PREFERENCES, ...preferences }).map(
    ([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`,
  );
  writeFileSync(join(home, 'user.js'), lines.join(''));
  const args = ['--headless', '--no-remote', '--profile', home, '--remote-debugging-port=0', 'about:blank'];
  const env = { ...process.env, HOME: home };
  const firefox = spawn(wan.wrapperFor(side, path), args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  const children: ChildProcess[] = [firefox];
  // Nothing else ends it if this process ends early: it does not notice that nobody drives it any more.
  const abandon = (): void => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  };
  process.once('exit', abandon);
  const end = async (): Promise<void> => {
    await endAll(children);
    process.off('exit', abandon);
    rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  try {
    const url = await addressOf(firefox);
    const relay = openRelay(wan, side, new URL(url).port);
    children.push(relay.child);
    const browser = await connect({
      transport: await speak(`${url}/session`, relay.stream),
      protocol: 'webDriverBiDi',
      defaultViewport: null,
    });
    const close = async (): Promise<void> => {
      await Promise.race([browser.close().catch(() => {}), sleep(CLOSE_TIMEOUT_MS)]);
      await end();
    };
    return { browser, close };
  } catch (error) {
    await end();
    throw error;
  }
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** Where Firefox listens, as it says on stderr. */
function addressOf(firefox: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string): void => reject(new Error(`Firefox ${why}:\n${said}`));
    const timer = setTimeout(() => fail('did not start in time'), START_TIMEOUT_MS);
    firefox.once('error', (error) => fail(error.message));
    firefox.once('exit', () => fail('ended instead of starting'));
    // It must be read to its end, or Firefox would wait for a full pipe.
    createInterface(firefox.stderr as Duplex).on('line', (line) => {
      said = `${said}${line}\n`.slice(-OUTPUT_CHARACTERS_MAX);
      const url = /listening on (ws:\S+)/.exec(line)?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    });
  });
}

function openRelay(wan: Wan, side: WanSide, port: string): { readonly child: ChildProcess; readonly stream: Duplex } {
  const [command, ...prefix] = wan.prefixFor(side);
  const script = `const s = require('node:net').connect(${port}, '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout); s.on('close', () => process.exit());`;
  const child = spawn(command as string, [...prefix, process.execPath, '-e', script], { stdio: ['pipe', 'pipe', 'ignore'] });
  child.stdin.on('error', () => {});
  return { child, stream: Duplex.from({ readable: child.stdout, writable: child.stdin }) };
}

async function speak(url: string, stream: Duplex): Promise<ConnectionTransport> {
  // `ws` types a connection as a socket of `net`; it uses no more of it than a stream has.
  const socket = new WebSocket(url, { perMessageDeflate: false, createConnection: () => stream as never });
  stream.on('error', () => socket.terminate());
  await once(socket, 'open');
  const transport: ConnectionTransport = { send: (message) => socket.send(message), close: () => socket.close() };
  socket.on('message', (data: Buffer) => transport.onmessage?.(data.toString()));
  socket.on('close', () => transport.onclose?.());
  socket.on('error', () => {});
  return transport;
}

async function endAll(children: readonly ChildProcess[]): Promise<void> {
  const exits = children
    .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
    .map((child) => {
      const hasExited = once(child, 'exit');
      child.kill('SIGTERM');
      return Promise.race([hasExited, sleep(CLOSE_TIMEOUT_MS).then(() => child.kill('SIGKILL'))]);
    });
  await Promise.all(exits);
}
