/**
 * Where a join is measured: a server with a browser on each side, on this machine's loopback (any system), or over the emulated WAN
 * (Linux, root), where the server and the host are on side a and the guest is on side b.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { type AddressInfo, createServer } from 'node:net';
import { ensureChromium } from '../../harness/chromium.ts';
import { Closing } from '../wan/match.ts';
import { startServer } from '../wan/processes.ts';
import { WAN_PROFILES } from '../wan/profiles.ts';
import { openWan, type WanSide } from '../wan/wan.ts';

/** `lan`: loopback. `wan`: the WAN bench's network `far`, 50 ms each way. */
export const NETWORKS = ['lan', 'wan'] as const;
export type Network = (typeof NETWORKS)[number];

/** A round trip's share that is the network's. */
export const RTT_MS: Readonly<Record<Network, number>> = { lan: 0, wan: 2 * WAN_PROFILES.far.delayMs };

/** Seen from the project's root, where npm runs its scripts. */
const SERVER = 'dist/server/peer-server/main.js';
const LOOPBACK = '127.0.0.1';
const START_TIMEOUT_MS = 30_000;
const OUTPUT_CHARACTERS_MAX = 4_000;

export interface Rig {
  /** Of the server, without a slash at its end. */
  readonly url: string;
  /** An executable that starts Chromium on that side. */
  browserPath(side: WanSide): string;
  close(): Promise<void>;
}

/** Throws Error saying why if this machine can't. */
export async function openRig(network: Network): Promise<Rig> {
  const chromium = ensureChromium();
  if (network === 'lan') {
    const server = await startOnLoopback();
    return { ...server, browserPath: () => chromium };
  }
  const closing = new Closing();
  try {
    const wan = closing.add(await openWan(WAN_PROFILES.far));
    const { url } = closing.add(await startServer(wan));
    return { url, browserPath: (side) => wan.wrapperFor(side, chromium), close: () => closing.close() };
  } catch (error) {
    await closing.close();
    throw error;
  }
}

async function startOnLoopback(): Promise<Pick<Rig, 'url' | 'close'>> {
  const port = await findFreePort();
  const env = { ...process.env, PORT: String(port), HOST: LOOPBACK, ICE_SERVERS: '[]', LIMITS: 'off', LOG_FORMAT: 'text' };
  const child = spawn(process.execPath, [SERVER], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): void => void child.kill('SIGKILL');
  // Ctrl-C ends the bench wherever it is: no `finally` runs then.
  process.once('exit', kill);
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  const close = async (): Promise<void> => {
    process.off('exit', kill);
    kill();
    await ended;
  };
  try {
    await untilReady(child);
  } catch (error) {
    await close();
    throw error;
  }
  return { url: `http://${LOOPBACK}:${port}`, close };
}

function untilReady(child: ChildProcess): Promise<void> {
  return new Promise((done, fail) => {
    let output = '';
    const timer = setTimeout(() => fail(new Error(`the server did not start within ${START_TIMEOUT_MS} ms:\n${output}`)), START_TIMEOUT_MS);
    const listen = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
      if (!output.includes('Ctrl-C')) return;
      clearTimeout(timer);
      done();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('exit', () => {
      clearTimeout(timer);
      fail(new Error(`the server ended instead of starting:\n${output}`));
    });
  });
}

/** A port that was free a moment ago. */
async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, LOOPBACK, done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}
