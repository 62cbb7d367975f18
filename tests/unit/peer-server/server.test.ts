/** Pages, headers, health and life cycle of the http server. */
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type RunningServer, startServer } from '../../../peer-server/server.ts';
import { SignalClient } from './signal-client.ts';

let gameDir: string;
let server: RunningServer;

beforeAll(async () => {
  gameDir = await mkdtemp(join(tmpdir(), 'volley-game-'));
  await mkdir(join(gameDir, 'assets'));
  await writeFile(join(gameDir, 'index.html'), '<!doctype html><title>Volley</title>');
  await writeFile(join(gameDir, 'assets', 'main-AbCd1234.js'), 'export {};');
  await writeFile(join(gameDir, '.secret'), 'secret');
  server = await startServer({ port: 0, host: '127.0.0.1', gameDir, iceServers: [] });
});
afterAll(async () => {
  await server.close();
  await rm(gameDir, { recursive: true });
});

async function expectRunning(): Promise<void> {
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
}

/** What the server answers to bytes that no HTTP client would send. */
async function exchange(bytes: string): Promise<string> {
  const socket = connect(server.port, '127.0.0.1');
  let received = '';
  socket.on('data', (data) => (received += String(data)));
  socket.write(bytes);
  await once(socket, 'close');
  return received;
}

test('GET /healthz answers 200 with JSON that is never cached', async () => {
  const response = await fetch(`${server.url}/healthz`);
  expect(response.status).toBe(200);
  expect(response.headers.get('cache-control')).toBe('no-store');
  const counters = { relayedPairs: 0, malformedFrames: 0, relayedFrames: 0, unroutableFrames: 0, droppedFrames: 0 };
  expect(await response.json()).toEqual({ status: 'ok', uptimeSeconds: expect.any(Number), peers: 0, lobbies: 0, ...counters });
});

test('/ is the game, with any query, and is always checked for a newer one', async () => {
  for (const path of ['/', '/?join=K7QX2M&name=Bob', '/index.html']) {
    const response = await fetch(server.url + path);
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch('text/html');
    expect(response.headers.get('cache-control')).toBe('no-cache');
    expect(await response.text()).toMatch('Volley');
  }
});

test('hashed assets may be cached for ever, wherever the game lies', async () => {
  const asset = await fetch(`${server.url}/assets/main-AbCd1234.js`);
  expect(asset.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
  expect(asset.headers.get('content-type')).toMatch('javascript');
  const other = await startServer({ port: 0, host: '127.0.0.1', gameDir: relative(process.cwd(), gameDir), iceServers: [] });
  expect((await fetch(`${other.url}/assets/main-AbCd1234.js`)).headers.get('cache-control')).toMatch('immutable');
  await other.close();
});

test('every answer carries a strict policy, and none asks for https', async () => {
  for (const path of ['/', '/healthz', '/api/config', '/nothing', '/assets/main-AbCd1234.js']) {
    const { headers } = await fetch(server.url + path);
    const policy = headers.get('content-security-policy') ?? '';
    const directives = new Map(policy.split('; ').map((directive) => [directive.split(' ')[0], directive]));
    expect(policy).not.toMatch(/unsafe|\*|upgrade-insecure-requests/);
    expect(directives.get('default-src')).toBe("default-src 'self'");
    expect(directives.get('script-src')).toBe("script-src 'self'");
    expect(directives.get('object-src')).toBe("object-src 'none'");
    expect(directives.get('base-uri')).toBe("base-uri 'none'");
    expect(directives.get('frame-ancestors')).toBe("frame-ancestors 'self'");
    expect(directives.get('connect-src')).toBe(`connect-src 'self' ws://127.0.0.1:${server.port} wss://127.0.0.1:${server.port}`);
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.has('strict-transport-security')).toBe(false);
    expect(headers.has('x-powered-by')).toBe(false);
  }
});

test('a Host header cannot add to the policy', async () => {
  for (const host of ["x; script-src 'unsafe-inline'", '*', 'a b', 'x,y', 'a'.repeat(300)]) {
    const answer = await exchange(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    expect(answer).toMatch("connect-src 'self'; img-src");
  }
});

test('anything else is a 404 page; hidden files and folders above are not served', async () => {
  for (const path of [
    '/nothing',
    '/assets',
    '/assets/',
    '/.secret',
    '/%2e%2e/%2e%2e/etc/passwd',
    '/assets/..%2f.secret',
    '/%E0%A4%A',
    '/%00',
  ]) {
    const response = await fetch(server.url + path);
    expect([400, 404]).toContain(response.status);
    expect(response.headers.get('content-type')).toMatch('text/html');
    expect(await response.text()).not.toMatch(/secret|root:/);
  }
  expect(await exchange('GET /../../../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')).not.toMatch('root:');
  expect((await fetch(server.url, { method: 'POST', body: 'x' })).status).toBe(404);
});

test('what is no HTTP is answered with 400 and the server goes on', async () => {
  expect(await exchange('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03')).toMatch('400 Bad Request');
  expect(await exchange(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`)).toMatch(/^(HTTP\/1.1 400|$)/);
  await expectRunning();
});

test('without a game the broker alone is served', async () => {
  const bare = await startServer({ port: 0, host: '127.0.0.1', iceServers: [] });
  expect((await fetch(bare.url)).status).toBe(404);
  expect((await fetch(`${bare.url}/healthz`)).status).toBe(200);
  await bare.close();
});

test('a taken port rejects with EADDRINUSE', async () => {
  await expect(startServer({ port: server.port, host: '127.0.0.1', iceServers: [] })).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await expectRunning();
});

test('the addresses tell this machine from its network', async () => {
  expect(server.addresses).toEqual({ local: `http://127.0.0.1:${server.port}`, lan: [] });
  const everywhere = await startServer({ port: 0, iceServers: [] });
  expect(everywhere.url).toBe(`http://localhost:${everywhere.port}`);
  for (const url of everywhere.addresses.lan) expect(url).toMatch(/^http:\/\/\d+\.\d+\.\d+\.\d+:\d+$/);
  expect((await fetch(`${everywhere.url}/healthz`)).status).toBe(200);
  await everywhere.close();
});

test('close ends idle, half-sent and upgraded connections and frees the port', async () => {
  const first = await startServer({ port: 0, host: '127.0.0.1', iceServers: [] });
  const client = await SignalClient.open(first.port);
  const half = connect(first.port, '127.0.0.1');
  half.on('error', () => undefined);
  half.write('GET / HTTP/1.1\r\n');
  await fetch(`${first.url}/healthz`);
  await Promise.all([first.close(), first.close(), once(half, 'close'), client.closed()]);
  const second = await startServer({ port: first.port, host: '127.0.0.1', iceServers: [] });
  expect(second.port).toBe(first.port);
  await second.close();
});
