/** What operators see of a running broker: readiness, metrics, requests that fail, foreign pages, and a gentle end. */
import { connect } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { LobbyStore } from '../../../peer-server/lobby-store.ts';
import { createLogger } from '../../../peer-server/logger.ts';
import { MemoryLobbyStore } from '../../../peer-server/memory-lobby-store.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../../peer-server/server.ts';
import { offer, SignalClient } from './signal-client.ts';

const TOKEN = 'a-token-for-the-scraper';
const running: RunningServer[] = [];
afterEach(() => Promise.all(running.splice(0).map((server) => server.close())));

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], ...options });
  running.push(server);
  return server;
}

const STORE_CALLS = ['createIfAbsent', 'get', 'replace', 'touch', 'delete', 'count', 'listPublic'];

/** A store that can go away: `mode` says how it answers. */
function fickleStore(): { readonly store: LobbyStore; mode: 'there' | 'refusing' | 'mute' } {
  const memory = new MemoryLobbyStore({ ttlMs: 60_000, lobbiesMax: 10, nowMs: () => performance.now() });
  const control = {
    mode: 'there' as 'there' | 'refusing' | 'mute',
    store: new Proxy<LobbyStore>(memory, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        return (...args: readonly unknown[]): unknown => {
          const isAsked = STORE_CALLS.includes(String(name));
          if (isAsked && control.mode === 'refusing') return Promise.reject(new Error('the store is away'));
          if (isAsked && control.mode === 'mute') return new Promise(() => undefined);
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    }),
  };
  return control;
}

describe('readiness', () => {
  test('a broker that works is ready', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/readyz`);
    expect(response.status).toBe(200);
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.json()).toEqual({ status: 'ready' });
  });

  test.each(['refusing', 'mute'] as const)('with a store that is %s it is alive and not ready, until the store is back', async (mode) => {
    const control = fickleStore();
    const { url } = await start({ lobbyStore: control.store });
    control.mode = mode;
    const ready = await fetch(`${url}/readyz`);
    expect([ready.status, await ready.json()]).toEqual([503, { status: 'store-unreachable' }]);
    const health = await fetch(`${url}/healthz`);
    expect([health.status, await health.json()]).toMatchObject([200, { status: 'ok', lobbies: null }]);
    control.mode = 'there';
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await (await fetch(`${url}/healthz`)).json()).toMatchObject({ lobbies: 0 });
  });
});

describe('metrics', () => {
  async function scrape(url: string): Promise<string> {
    const response = await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch('text/plain');
    return response.text();
  }
  const exposed = { metrics: { token: TOKEN, listen: undefined } };

  test('nobody sees them unless the operator says who', async () => {
    const { url } = await start();
    expect((await fetch(`${url}/metrics`)).status).toBe(404);
  });

  test('with a token, who has it sees them', async () => {
    const { url } = await start(exposed);
    for (const authorization of [undefined, 'Bearer wrong', `Basic ${TOKEN}`, `Bearer ${TOKEN}x`, 'Bearer ']) {
      const response = await fetch(`${url}/metrics`, { headers: authorization === undefined ? {} : { authorization } });
      expect(response.status).toBe(401);
      expect(await response.text()).not.toMatch('volley_');
    }
    await scrape(`${url}/metrics`);
  });

  test('with a port of its own, they are there and nowhere else, and the port ends with the server', async () => {
    const server = await start({ metrics: { token: undefined, listen: { host: '127.0.0.1', port: 0 } } });
    const metricsUrl = `http://127.0.0.1:${server.metricsPort}/metrics`;
    expect(await (await fetch(metricsUrl)).text()).toMatch('volley_peers 0');
    expect((await fetch(`http://127.0.0.1:${server.metricsPort}/api/config`)).status).toBe(404);
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    await server.close();
    await expect(fetch(metricsUrl)).rejects.toThrow('fetch failed');
  });

  test('a metrics port that is taken is told, and nothing stays behind', async () => {
    const { port } = await start();
    const metrics = { token: undefined, listen: { host: '127.0.0.1', port } };
    await expect(startServer({ port: 0, host: '127.0.0.1', iceServers: [], metrics })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  test('they count connections, peers, lobbies, frames, and the process', async () => {
    const server = await start(exposed);
    const [ada, bob] = [await SignalClient.open(server.port, { id: 'ada' }), await SignalClient.open(server.port, { id: 'bob' })];
    ada.send(offer('bob'));
    await bob.next();
    await bob.settle();
    bob.sendRaw('garbage');
    await bob.settle();
    await fetch(`${server.url}/api/lobbies`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"peerId":"ada","gameId":"arena"}',
    });
    const text = await scrape(`${server.url}/metrics`);
    expect(text).toMatch(/^volley_peers 2$/m);
    expect(text).toMatch(/^volley_lobbies 1$/m);
    expect(Number(/^volley_connections (\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(3);
    expect(text).toMatch(/^volley_draining 0$/m);
    expect(text).toMatch(/^volley_signal_frames_total\{outcome="relayed"\} 1$/m);
    expect(text).toMatch(/^volley_signal_frames_total\{outcome="malformed"\} 1$/m);
    expect(text).toMatch(/^volley_http_requests_total\{method="POST",route="\/api\/lobbies",status="201"\} 1$/m);
    expect(text).toMatch(/^process_resident_memory_bytes \d+/m);
  });

  test('requests are counted by pattern: neither codes nor paths nor methods of strangers become series', async () => {
    const server = await start(exposed);
    for (const path of [
      '/api/lobbies/K7QX2M',
      '/API/lobbies/K7QX2N',
      '/api/lobbies/nonsense',
      '/secret/path',
      '/apiary/K7QX2M',
      '/Api/K7QX2M',
    ])
      await fetch(server.url + path);
    await fetch(`${server.url}/api/lobbies/K7QX2M`, { method: 'PROPFIND' });
    const text = await scrape(`${server.url}/metrics`);
    const lines = text.split('\n').filter((line) => line.startsWith('volley_http_requests_total{'));
    expect(lines).toContain('volley_http_requests_total{method="GET",route="/api/lobbies/:code",status="404"} 3');
    expect(text).not.toMatch(/K7QX2|secret|apiary|PROPFIND|nonsense/i);
    expect(text).toMatch(/^volley_http_request_duration_seconds_count\{route="\/api\/lobbies\/:code"\} \d+$/m);
  });

  test('with the store away the number of lobbies is missing, and the rest is there', async () => {
    const control = fickleStore();
    const { url } = await start({ ...exposed, lobbyStore: control.store });
    control.mode = 'refusing';
    const text = await scrape(`${url}/metrics`);
    expect(text).not.toMatch(/^volley_lobbies \d/m);
    expect(text).toMatch(/^volley_peers 0$/m);
  });
});

describe('a request that fails by our fault', () => {
  test('is logged under an id that its sender is told, without path, address or body', async () => {
    const control = fickleStore();
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', format: 'json', write: (line) => void lines.push(line) });
    const { url } = await start({ lobbyStore: control.store, logger });
    // A fault, not an absence: what the store throws is not one of its own refusals.
    control.mode = 'refusing';
    const response = await fetch(`${url}/api/lobbies/K7QX2M`);
    expect(response.status).toBeGreaterThanOrEqual(500);
    const body = (await response.json()) as { readonly message: string };
    expect(body.message).not.toMatch('the store is away');
    const logged = lines.map((line) => JSON.parse(line) as Record<string, unknown>).find(({ level }) => level === 'error');
    expect(logged).toMatchObject({
      method: 'GET',
      route: '/api/lobbies/:code',
      status: 500,
      requestId: response.headers.get('x-request-id'),
    });
    expect(body.message).toMatch(String(logged?.['requestId']));
    expect(lines.join('')).not.toMatch(/K7QX2M|127\.0\.0\.1/);
  });
});

test('a proxy that nobody named is warned of, once; a named one is not', async () => {
  const linesOf = async (options: Partial<ServerOptions>): Promise<string[]> => {
    const lines: string[] = [];
    const { url } = await start({
      ...options,
      logger: createLogger({ level: 'info', format: 'json', write: (line) => void lines.push(line) }),
    });
    for (let i = 0; i < 3; i++) await fetch(`${url}/api/config`, { headers: { 'x-forwarded-for': '203.0.113.9' } });
    return lines;
  };
  const warned = await linesOf({});
  expect(warned).toHaveLength(1);
  expect(warned[0]).toMatch('TRUSTED_PROXIES');
  expect(warned[0]).not.toMatch('203.0');
  expect(await linesOf({ trustedProxies: ['127.0.0.1'] })).toEqual([]);
});

test('behind a named proxy, each player has limits of their own', async () => {
  const limits = { requests: { burst: 5, perSecond: 0.001 } };
  const ask = ({ url }: RunningServer, player: string) =>
    fetch(`${url}/api/config`, { headers: { 'x-forwarded-for': player } }).then(({ status }) => status);
  const named = await start({ limits, trustedProxies: ['127.0.0.1'] });
  expect([await ask(named, '203.0.113.1'), await ask(named, '203.0.113.1'), await ask(named, '203.0.113.2')]).toEqual([200, 429, 200]);
  const unnamed = await start({ limits, logger: createLogger({ level: 'silent', format: 'json' }) });
  expect([await ask(unnamed, '203.0.113.1'), await ask(unnamed, '203.0.113.2')]).toEqual([200, 429]);
});

test('behind a named proxy, each player has signalling sockets of their own', async () => {
  const { port } = await start({ limits: { sockets: 1 }, trustedProxies: ['127.0.0.1'] });
  const connectAs = async (id: string, player: string): Promise<unknown> => {
    const headers = { 'x-forwarded-for': player };
    const socket = new WebSocket(`ws://127.0.0.1:${port}/peerjs?key=peerjs&id=${id}&token=t`, { headers });
    return new Promise((resolve) => {
      socket.on('message', (data) => resolve(JSON.parse((data as Buffer).toString())));
      socket.on('error', (error) => resolve(error.message));
    });
  };
  expect(await connectAs('ada', '203.0.113.1')).toEqual({ type: 'OPEN' });
  expect(await connectAs('eve', '203.0.113.1')).toMatch('429');
  expect(await connectAs('bob', '203.0.113.2')).toEqual({ type: 'OPEN' });
});

test('health and readiness are answered whatever the limits say', async () => {
  const { url } = await start({ limits: { requests: { burst: 5, perSecond: 0.001 } } });
  for (let i = 0; i < 20; i++) await fetch(`${url}/api/config`);
  expect((await fetch(`${url}/api/config`)).status).toBe(429);
  for (const path of ['/healthz', '/readyz']) expect((await fetch(url + path)).status).toBe(200);
});

describe('pages of other sites', () => {
  const other = 'https://game.example';

  async function ask(server: RunningServer, origin: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${server.url}/api/config`, { ...init, headers: { ...(init.headers as Record<string, string>), origin } });
  }

  test('may not use the API, and the refusal is counted', async () => {
    const server = await start({ metrics: { token: TOKEN, listen: undefined } });
    for (const origin of [other, 'null', `http://127.0.0.1:${server.port + 1}`, `http://127.0.0.1:${server.port}.evil.example`]) {
      const response = await ask(server, origin);
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    }
    for (const path of ['/ice', '/API/config', '/api/lobbies/K7QX2M'])
      expect((await fetch(server.url + path, { headers: { origin: other } })).status).toBe(403);
    const metrics = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
    expect(await metrics.text()).toMatch('volley_refusals_total{reason="foreign-origin"} 7');
  });

  test('the own page may, and so may programs, which send no Origin', async () => {
    const server = await start();
    expect((await ask(server, server.url)).status).toBe(200);
    expect((await fetch(`${server.url}/api/config`)).status).toBe(200);
  });

  test('may when the operator lists them, for what browsers ask first too', async () => {
    const server = await start({ allowedOrigins: [other], publicOrigin: 'https://play.example' });
    for (const origin of [other, 'https://play.example']) {
      const response = await ask(server, origin);
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([200, origin]);
      expect(response.headers.get('vary')).toMatch('Origin');
      expect(response.headers.get('timing-allow-origin')).toBe(origin);
    }
    const preflight = await ask(server, other, { method: 'OPTIONS', headers: { 'access-control-request-method': 'DELETE' } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-methods')).toMatch('DELETE');
    expect(preflight.headers.get('access-control-allow-headers')).toMatch('Authorization');
    expect((await ask(server, 'https://third.example')).status).toBe(403);
  });

  test('may all when the operator says so', async () => {
    const server = await start({ allowedOrigins: ['*'] });
    expect((await ask(server, 'https://third.example')).headers.get('access-control-allow-origin')).toBe('https://third.example');
  });
});

describe('a gentle end', () => {
  test('clients are told to come back elsewhere, answers on their way are finished, and the port is free', async () => {
    const server = await start({ drainMs: 200 });
    const clients = await Promise.all(Array.from({ length: 20 }, (_, index) => SignalClient.open(server.port, { id: `peer-${index}` })));
    await Promise.all([server.shutDown(), server.shutDown()]);
    expect(await Promise.all(clients.map((client) => client.closed()))).toEqual(clients.map(() => 1012));
    const again = await start({ port: server.port });
    expect(again.port).toBe(server.port);
  });

  test('meanwhile it is alive, not ready, and takes no new clients', async () => {
    const server = await start({ drainMs: 60_000 });
    // Enough clients that sending them away one after the other takes a while.
    const clients = await Promise.all(Array.from({ length: 40 }, (_, index) => SignalClient.open(server.port, { id: `peer-${index}` })));
    const ended = server.shutDown();
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({ status: 'shutting-down' });
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
    const late = new SignalClient(server.port, { id: 'late' });
    await expect(late.next()).rejects.toThrow('socket closed');
    expect(await Promise.all(clients.map((client) => client.closed()))).toEqual(clients.map(() => 1012));
    await ended;
  });

  test('a client that does not answer the goodbye, and a request that is never answered, do not hold it up', async () => {
    const control = fickleStore();
    const server = await start({ drainMs: 0, lobbyStore: control.store });
    const deaf = await SignalClient.open(server.port);
    deaf.webSocket.pause();
    control.mode = 'mute';
    const half = connect(server.port, '127.0.0.1');
    half.on('error', () => undefined);
    half.resume();
    half.write('GET /api/lobbies/K7QX2M HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(half, 'connect');
    await Promise.all([server.shutDown(), once(half, 'close')]);
    deaf.close();
  });
});
