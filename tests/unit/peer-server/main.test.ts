/**
 * The broker as operators run it: compiled by its own tsconfig, started as a process from another folder,
 * ended by signals.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startServer } from '../../../peer-server/server.ts';
import { SignalClient } from './signal-client.ts';

const PROJECT_DIR = resolve(import.meta.dirname, '../../..');
/** Compiling and starting Vite on a busy machine. */
const START_TIMEOUT_MS = 60_000;
let root: string;
const running = new Set<ChildProcess>();

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'volley-main-'));
  const tsc = join(PROJECT_DIR, 'node_modules', 'typescript', 'bin', 'tsc');
  execFileSync(process.execPath, [tsc, '-p', 'peer-server/tsconfig.json', '--outDir', join(root, 'dist', 'server')], { cwd: PROJECT_DIR });
  await symlink(join(PROJECT_DIR, 'node_modules'), join(root, 'node_modules'));
  for (const dir of ['dist/game', 'game']) await mkdir(join(root, dir), { recursive: true });
  await writeFile(join(root, 'package.json'), '{"type":"module"}');
  await writeFile(join(root, 'dist/game/index.html'), '<!doctype html><title>built</title>');
  await writeFile(join(root, 'game/index.html'), '<!doctype html><html><head><title>sources</title></head><body></body></html>');
  await writeFile(
    join(root, 'game/vite.config.ts'),
    `export default { cacheDir: ${JSON.stringify(join(root, 'cache'))}, logLevel: 'error' };`,
  );
}, START_TIMEOUT_MS);

afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
});
afterAll(() => rm(root, { recursive: true }));

interface Broker {
  readonly child: ChildProcess;
  readonly exited: Promise<{ readonly code: unknown; readonly signal: unknown }>;
  stdout: string;
  stderr: string;
}

function run(env: Record<string, string>, args: readonly string[] = []): Broker {
  const main = join(root, 'dist', 'server', 'peer-server', 'main.js');
  const child = spawn(process.execPath, [main, ...args], {
    cwd: tmpdir(),
    env: { ...process.env, HOST: '127.0.0.1', ICE_SERVERS: '[]', ...env },
  });
  running.add(child);
  const exited = once(child, 'close').then(([code, signal]: (number | string | null)[]) => ({ code, signal }));
  const broker: Broker = { child, exited, stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (broker.stdout += String(data)));
  child.stderr.on('data', (data) => (broker.stderr += String(data)));
  return broker;
}

async function portOf(broker: Broker): Promise<number> {
  let port = 0;
  await expect
    .poll(
      () => {
        port = Number(/this machine\s+http:\/\/[^:\s]+:(\d+)/.exec(broker.stdout)?.[1] ?? 0);
        return broker.stderr === '' ? port : broker.stderr;
      },
      { timeout: START_TIMEOUT_MS },
    )
    .toBeGreaterThan(0);
  return port;
}

/** How a broker that did not start ended. */
async function failureOf(broker: Broker): Promise<{ readonly code: unknown; readonly stdout: string; readonly stderr: string }> {
  const { code } = await broker.exited;
  return { code, stdout: broker.stdout, stderr: broker.stderr };
}

/** Nothing on stdout, and one line on stderr that has this in it. */
function oneLine(text: string) {
  return { code: 1, stdout: '', stderr: expect.stringMatching(new RegExp(`^volley: [^\\n]*${text}[^\\n]*\\n$`)) };
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(
    `${signal} ends it cleanly, open connections and all`,
    async () => {
      const broker = run({ PORT: '0' });
      const port = await portOf(broker);
      expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toMatch('built');
      const client = await SignalClient.open(port);
      broker.child.kill(signal);
      // Under npm a Ctrl-C arrives twice.
      broker.child.kill(signal);
      expect(await broker.exited).toEqual({ code: 0, signal: null });
      await client.closed();
      expect(broker.stderr).toBe('');
    },
    START_TIMEOUT_MS,
  );
}

test(
  'the banner shows the addresses to open',
  async () => {
    const broker = run({ PORT: '0', HOST: '' });
    const port = await portOf(broker);
    expect(broker.stdout).toMatch(`http://localhost:${port}`);
    expect(broker.stdout).toMatch('Ctrl-C');
  },
  START_TIMEOUT_MS,
);

test(
  'a taken port is one clear line',
  async () => {
    const other = await startServer({ port: 0, host: '127.0.0.1', iceServers: [] });
    expect(await failureOf(run({ PORT: String(other.port) }))).toEqual(
      oneLine(`Port ${other.port} is already in use.*PORT=[0-9]+ npm start`),
    );
    await other.close();
  },
  START_TIMEOUT_MS,
);

test(
  'bad settings are one clear line',
  async () => {
    expect(await failureOf(run({ PORT: 'eighty' }))).toEqual(oneLine("PORT 'eighty' is not a port number"));
    expect(await failureOf(run({ ICE_SERVERS: 'stun:x' }))).toEqual(oneLine('ICE_SERVERS is not valid JSON'));
    expect(await failureOf(run({ PORT: '0', HOST: '192.0.2.77' }))).toEqual(oneLine("HOST '192.0.2.77' is not an address of this machine"));
    expect(await failureOf(run({}, ['--what']))).toEqual(oneLine("Unknown option '--what'"));
  },
  START_TIMEOUT_MS,
);

test(
  'a missing build is one clear line',
  async () => {
    const index = join(root, 'dist/game/index.html');
    await rm(index);
    try {
      expect(await failureOf(run({ PORT: '0' }))).toEqual(oneLine('game is not built.*npm run build'));
    } finally {
      await writeFile(index, '<!doctype html><title>built</title>');
    }
  },
  START_TIMEOUT_MS,
);

test(
  '--dev serves the sources with hot reload, signalling and API on one port, and ends cleanly',
  async () => {
    const broker = run({ PORT: '0' }, ['--dev']);
    const port = await portOf(broker);
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { accept: 'text/html' } });
    const page = await response.text();
    expect(page).toMatch('sources');
    expect(page).toMatch('/@vite/client');
    expect(response.headers.has('content-security-policy')).toBe(false);
    expect((await fetch(`http://127.0.0.1:${port}/api/nothing`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    const client = await SignalClient.open(port);
    await client.settle();
    const viteClient = await (await fetch(`http://127.0.0.1:${port}/@vite/client`)).text();
    const token = /wsToken = "([^"]+)"/.exec(viteClient)?.[1] ?? '';
    const hot = new WebSocket(`ws://127.0.0.1:${port}/?token=${token}`, 'vite-hmr');
    const [message] = (await once(hot, 'message')) as [Buffer];
    expect(JSON.parse(String(message))).toEqual({ type: 'connected' });
    broker.child.kill('SIGINT');
    expect(await broker.exited).toEqual({ code: 0, signal: null });
    expect(broker.stderr).toBe('');
  },
  START_TIMEOUT_MS,
);
