/** The limits in front of the HTTP routes: who is told 429 and when, and that a code cannot be told from its absence for free. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import express, { type Response } from 'express';
import { afterEach, expect, test, vi } from 'vitest';
import { CODE_ALPHABET } from '../../../netcode/wire/lobby-api.ts';
import { guardConnections } from '../../../peer-server/limits/connection-guard.ts';
import { API_REQUEST_COST, limitLobbies, limitRequests, OWNER_KNOWN } from '../../../peer-server/limits/limit-routes.ts';
import { type LimitRules, Limits } from '../../../peer-server/limits/limits.ts';

const GUESSES = { free: 3, forgiveMs: 600_000, delayMs: 10_000, delayMaxMs: 600_000 };
const KNOWN = 'K7QX2M';
const TOKEN = 'Bearer owner';

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

interface Broker {
  readonly limits: Limits;
  readonly clock: { nowMs: number };
  ask(method: string, path: string, headers?: Record<string, string>): Promise<globalThis.Response>;
}

/** A directory that knows one code; `x-from` says who asks. */
async function start(rules: Partial<LimitRules>): Promise<Broker> {
  const clock = { nowMs: 0 };
  const limits = new Limits({ nowMs: () => clock.nowMs, rules: { guesses: GUESSES, ...rules } });
  const addressOf = (request: { readonly headers: IncomingHttpHeaders }) => request.headers['x-from']?.toString() ?? '192.0.2.1';
  const app = express();
  app.use('/api', limitRequests(limits, addressOf, API_REQUEST_COST), limitLobbies(limits, addressOf));
  const about = (code: string, authorization: string | undefined, response: Response) => {
    const isKnown = code.toUpperCase().replace('-', '') === KNOWN;
    if (!isKnown) return response.status(404).json({ error: 'unknown-code' });
    if (authorization !== TOKEN) return response.status(403).json({ error: 'not-owner' });
    response.locals[OWNER_KNOWN] = true;
    return response.json({});
  };
  app.post('/api/lobbies', (_request, response) => response.status(201).json({ code: KNOWN }));
  app.get('/api/lobbies', (_request, response) => response.json([]));
  app.get('/api/lobbies/stream', (_request, response) => void response.type('text/event-stream').write('data: {}\n\n'));
  app.get('/api/lobbies/:code', (request, response) => about(request.params.code, TOKEN, response));
  app.put('/api/lobbies/:code', (request, response) => {
    if (request.params.code !== KNOWN) return response.json({ code: request.params.code });
    return request.get('authorization') === TOKEN ? about(KNOWN, TOKEN, response) : response.status(409).json({ error: 'code-taken' });
  });
  app.post('/api/lobbies/:code/heartbeat', (request, response) => about(request.params.code, request.get('authorization'), response));
  app.delete('/api/lobbies/:code', (request, response) => about(request.params.code, request.get('authorization'), response));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { limits, clock, ask: (method, path, headers = {}) => fetch(`${url}/api${path}`, { method, headers }) };
}

test('requests beyond the allowance are told when to come back, other addresses are not concerned', async () => {
  const { ask, clock } = await start({ requests: { burst: 10, perSecond: 1 } });
  expect((await ask('GET', '/lobbies')).status).toBe(200);
  expect((await ask('GET', '/lobbies')).status).toBe(200);
  const refused = await ask('GET', '/lobbies');
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(refused.headers.get('cache-control')).toBe('no-store');
  expect(await refused.json()).toEqual({ error: 'too-many-requests', message: expect.stringMatching('5 s') });
  expect((await ask('GET', '/lobbies', { 'x-from': '192.0.2.2' })).status).toBe(200);
  clock.nowMs = 5000;
  expect((await ask('GET', '/lobbies')).status).toBe(200);
});

test('an address reads only so many streams at a time, and whoever stops makes room', async () => {
  const { ask, limits } = await start({ streams: 2 });
  const [first] = [await ask('GET', '/lobbies/stream'), await ask('GET', '/Lobbies/Stream/')];
  for (const method of ['GET', 'HEAD']) expect((await ask(method, '/lobbies/stream')).status).toBe(429);
  expect((await ask('GET', '/lobbies/stream', { 'x-from': '192.0.2.2' })).status).toBe(200);
  expect((await ask('GET', '/lobbies')).status).toBe(200);
  expect(limits.counters.refusedStreams).toBe(2);
  await first?.body?.cancel();
  await vi.waitFor(async () => expect((await ask('GET', '/lobbies/stream')).status).toBe(200));
});

test('lobbies are opened only so often, by POST or PUT', async () => {
  const { ask } = await start({ lobbies: { burst: 2, perSecond: 0.1 } });
  expect((await ask('POST', '/lobbies')).status).toBe(201);
  expect((await ask('PUT', '/lobbies/AAAAAA')).status).toBe(200);
  expect((await ask('POST', '/LOBBIES/')).status).toBe(429);
  expect((await ask('PUT', '/lobbies/CCCCCC')).status).toBe(429);
  expect((await ask('GET', '/lobbies')).status).toBe(200);
});

test('wrong codes are free only so often, then good ones are not answered either', async () => {
  const { ask, clock } = await start({});
  for (let i = 0; i < 20; i++) expect((await ask('GET', `/lobbies/${KNOWN}`)).status).toBe(200);
  for (const code of ['AAAAAA', 'aaa-aac', 'AAAAAD', 'AAAAAE']) expect((await ask('GET', `/lobbies/${code}`)).status).toBe(404);
  const refused = await ask('GET', `/lobbies/${KNOWN}`);
  expect(refused.status).toBe(429);
  expect(refused.headers.get('retry-after')).toBe('10');
  expect((await ask('GET', `/lobbies/${KNOWN}`, { 'x-from': '192.0.2.2' })).status).toBe(200);
  clock.nowMs = 10_000;
  expect((await ask('GET', `/lobbies/${KNOWN}`)).status).toBe(200);
});

test('a hundred guesses at the same moment are a hundred', async () => {
  const { ask } = await start({});
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, i) => ask('GET', `/lobbies/AAAA${CODE_ALPHABET[i % 10]}${CODE_ALPHABET[Math.floor(i / 10)]}`)),
  );
  expect(answers.filter(({ status }) => status === 404).length).toBeLessThanOrEqual(4);
});

test.each([
  ['GET', '/lobbies/AAAAAA', 404],
  ['HEAD', '/lobbies/AAAAAA', 404],
  ['GET', '/lobbies/%41AAAAA', 404],
  ['GET', '/LOBBIES/AAAAAA/', 404],
  ['POST', '/lobbies/AAAAAA/heartbeat', 404],
  ['POST', `/lobbies/${KNOWN}/heartbeat`, 403],
  ['DELETE', `/lobbies/${KNOWN}`, 403],
  ['PUT', `/lobbies/${KNOWN}`, 409],
  ['PUT', '/lobbies/AAAAAA', 200],
])('%s %s tells something, and counts', async (method, path, status) => {
  const { ask } = await start({});
  const headers = { authorization: 'Bearer guessed' };
  for (let i = 0; i < 4; i++) expect((await ask(method, path, headers)).status).toBe(status);
  expect((await ask(method, path, headers)).status).toBe(429);
  expect((await ask('GET', `/lobbies/${KNOWN}`)).status).toBe(429);
});

test("an owner's own calls never count, and go on while its neighbours guess", async () => {
  const { ask } = await start({});
  const headers = { authorization: TOKEN };
  for (let i = 0; i < 10; i++) expect((await ask('PUT', `/lobbies/${KNOWN}`, headers)).status).toBe(200);
  for (let i = 0; i < 5; i++) await ask('GET', '/lobbies/AAAAAA');
  expect((await ask('GET', `/lobbies/${KNOWN}`)).status).toBe(429);
  expect((await ask('POST', `/lobbies/${KNOWN}/heartbeat`, headers)).status).toBe(200);
});

test('while an address waits, a token gives no code away', async () => {
  const { ask } = await start({});
  for (let i = 0; i < 5; i++) await ask('GET', '/lobbies/AAAAAA');
  const headers = { authorization: 'Bearer guessed' };
  const answers = await Promise.all(
    [`/lobbies/${KNOWN}/heartbeat`, '/lobbies/AAAAAA/heartbeat'].map(async (path) => {
      const answer = await ask('POST', path, headers);
      return { status: answer.status, body: await answer.text(), retryAfter: answer.headers.get('retry-after') };
    }),
  );
  expect(answers[0]).toEqual(answers[1]);
  expect(answers[0]).toMatchObject({ status: 429, body: expect.stringMatching('too-many-requests') });
  for (const method of ['GET', 'HEAD', 'PUT']) {
    for (const code of [KNOWN, 'AAAAAA']) expect((await ask(method, `/lobbies/${code}`, headers)).status).toBe(429);
  }
});

test('the list, the stream and what can be no code are not guesses', async () => {
  const { ask } = await start({});
  for (let i = 0; i < 10; i++) {
    expect((await ask('GET', '/lobbies')).status).toBe(200);
    expect((await ask('GET', '/lobbies/too-long-for-a-code')).status).toBe(404);
    const stream = await ask('GET', '/lobbies/stream');
    expect(stream.status).toBe(200);
    await stream.body?.cancel();
  }
  expect((await ask('GET', `/lobbies/${KNOWN}`)).status).toBe(200);
  // Nor do they wait for those who guess.
  for (let i = 0; i < 5; i++) await ask('GET', '/lobbies/AAAAAA');
  expect((await ask('GET', `/lobbies/${KNOWN}`)).status).toBe(429);
  expect((await ask('GET', '/lobbies')).status).toBe(200);
  const stream = await ask('GET', '/lobbies/stream');
  expect(stream.status).toBe(200);
  await stream.body?.cancel();
});

test('connections beyond the cap are ended unread; proxies are exempt', async () => {
  const limits = new Limits({ nowMs: () => 0, rules: { connections: 2 } });
  server = createServer((_request, response) => response.end());
  guardConnections(server, limits, (address) => address === '127.0.0.9');
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = async (localAddress: string) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    socket.on('error', () => undefined);
    socket.resume();
    await once(socket, 'connect');
    return socket;
  };
  const [first] = [await open('127.0.0.1'), await open('127.0.0.1')];
  const third = await open('127.0.0.1');
  await once(third, 'close');
  expect(limits.counters.refusedConnections).toBe(1);
  for (let i = 0; i < 5; i++) await open('127.0.0.9');
  expect(limits.counters.refusedConnections).toBe(1);
  first.destroy();
  await vi.waitFor(async () => {
    const socket = await open('127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await once(socket, 'end');
    expect(socket.bytesRead).toBeGreaterThan(0);
  });
});
