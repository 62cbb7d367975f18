/**
 * The broker as operators run it: compiled by its own tsconfig, started as a process from another folder,
 * ended by signals.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startServer } from '../../../peer-server/server.ts';
import { ensureRedis, RedisProcess } from '../../harness/redis.ts';
import { selfSigned } from '../../harness/self-signed.ts';
import { offer, SignalClient } from './signal-client.ts';

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
      // "Service restart": come back, here or elsewhere.
      expect(await client.closed()).toBe(1012);
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
  '--help says what can be set and starts nothing',
  async () => {
    const { code, stdout, stderr } = await failureOf(run({ PORT: 'eighty' }, ['--help']));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch('--allowed-origins LIST');
  },
  START_TIMEOUT_MS,
);

test(
  '--api-only serves no page and needs none',
  async () => {
    const broker = run({}, ['--port', '0', '--api-only']);
    const port = await portOf(broker);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${port}/ice`)).status).toBe(200);
    expect(broker.stdout).toMatch('without a page');
  },
  START_TIMEOUT_MS,
);

test(
  'in production every line is JSON, and none names anybody',
  async () => {
    const broker = run({ PORT: '0', NODE_ENV: 'production', DRAIN_SECONDS: '0' });
    const lines = () => broker.stdout.split('\n').filter((line) => line !== '');
    await expect.poll(() => broker.stdout, { timeout: START_TIMEOUT_MS }).toMatch('Ready');
    const { port } = JSON.parse(lines()[0]!) as { readonly port: number };
    const url = `http://127.0.0.1:${port}`;
    const client = await SignalClient.open(port, { id: 'ada-lovelace', token: 'secret-token' });
    const created = await fetch(`${url}/api/lobbies`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-forwarded-for': '203.0.113.9' },
      body: '{"peerId":"ada-lovelace","gameId":"arena"}',
    });
    const { code, ownerToken } = (await created.json()) as { readonly code: string; readonly ownerToken: string };
    await fetch(`${url}/api/lobbies/${code}`);
    client.sendRaw('garbage');
    await client.settle();
    broker.child.kill('SIGTERM');
    expect(await broker.exited).toEqual({ code: 0, signal: null });
    expect(lines().map((line) => (JSON.parse(line) as { readonly msg: string }).msg)).toEqual([
      'Ready',
      expect.stringMatching('TRUSTED_PROXIES'),
      'Shutting down',
    ]);
    const said = broker.stdout + broker.stderr;
    for (const secret of ['ada-lovelace', 'secret-token', code, ownerToken, '127.0.0.1', '203.0.113.9']) expect(said).not.toMatch(secret);
  },
  START_TIMEOUT_MS,
);

test(
  'a reader of the log that goes away does not end it',
  async () => {
    const broker = run({ PORT: '0', LOG_FORMAT: 'json', LOG_LEVEL: 'debug' });
    await expect.poll(() => broker.stdout, { timeout: START_TIMEOUT_MS }).toMatch('Ready');
    const { port } = JSON.parse(broker.stdout.split('\n')[0]!) as { readonly port: number };
    broker.child.stdout!.destroy();
    for (let i = 0; i < 20; i++) expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
    broker.child.kill('SIGTERM');
    expect(await broker.exited).toMatchObject({ code: 0 });
  },
  START_TIMEOUT_MS,
);

const redisFound = ensureRedis();
if ('missing' in redisFound) console.warn(redisFound.missing);

test.skipIf('missing' in redisFound)(
  'with REDIS_URL, two brokers share lobbies and peers, and are ready while Redis is there',
  async () => {
    if ('missing' in redisFound) return;
    const redis = await RedisProcess.start(redisFound.path);
    try {
      const brokers = [run({ PORT: '0', REDIS_URL: redis.url }), run({ PORT: '0', REDIS_URL: redis.url })];
      const [first, second] = [await portOf(brokers[0]!), await portOf(brokers[1]!)];
      const readiness = (port: number) => fetch(`http://127.0.0.1:${port}/readyz`).then(({ status }) => status);
      for (const port of [first, second]) await expect.poll(() => readiness(port)).toBe(200);
      const created = await fetch(`http://127.0.0.1:${first}/api/lobbies`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"peerId":"ada","gameId":"arena"}',
      });
      const { code } = (await created.json()) as { readonly code: string };
      expect(await (await fetch(`http://127.0.0.1:${second}/api/lobbies/${code}`)).json()).toMatchObject({ peerId: 'ada' });
      const [ada, bob] = [await SignalClient.open(first, { id: 'ada' }), await SignalClient.open(second, { id: 'bob' })];
      bob.send(offer('ada'));
      expect(await ada.next()).toMatchObject({ type: 'OFFER', src: 'bob' });

      await redis.kill();
      await expect.poll(() => readiness(first)).toBe(503);
      expect((await fetch(`http://127.0.0.1:${first}/healthz`)).status).toBe(200);
      await redis.startAgain();
      for (const port of [first, second]) await expect.poll(() => readiness(port), { timeout: 10_000 }).toBe(200);
      expect(brokers[0]!.stdout).toMatch(/Redis is away[^]*Redis is there/);
      for (const { child } of brokers) child.kill('SIGTERM');
      for (const { exited } of brokers) expect(await exited).toEqual({ code: 0, signal: null });
      expect(brokers.map(({ stderr }) => stderr)).toEqual(['', '']);
    } finally {
      await redis.stop();
    }
  },
  START_TIMEOUT_MS,
);

test(
  'with TLS, SIGHUP reads the certificate again, and one that cannot be used is not taken',
  async () => {
    const [cert, key] = [join(root, 'cert.pem'), join(root, 'key.pem')];
    const save = async (pair: { readonly cert: string; readonly key: string }) => {
      await writeFile(cert, pair.cert);
      await writeFile(key, pair.key);
    };
    const presented = async (port: number) => {
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
      await once(socket, 'secureConnect');
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      return raw.toString('base64');
    };
    await save(selfSigned(Date.now() + 86_400_000));
    const broker = run({ PORT: '0', TLS_CERT: cert, TLS_KEY: key });
    await expect.poll(() => broker.stdout, { timeout: START_TIMEOUT_MS }).toMatch(/https:\/\/127\.0\.0\.1:\d+/);
    const port = Number(/https:\/\/127\.0\.0\.1:(\d+)/.exec(broker.stdout)![1]);
    const first = await presented(port);
    await save(selfSigned(Date.now() + 2 * 86_400_000));
    broker.child.kill('SIGHUP');
    await expect.poll(() => broker.stdout).toMatch('The certificate was read again');
    const second = await presented(port);
    expect(second).not.toBe(first);
    await writeFile(cert, 'garbage');
    broker.child.kill('SIGHUP');
    await expect.poll(() => broker.stdout).toMatch('is not a certificate in PEM form');
    expect(await presented(port)).toBe(second);
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
