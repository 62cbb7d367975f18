/** The lobby API over real HTTP: every route, every error. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { type CreateLobbyResponse, DEFAULT_LOBBY_DETAILS, type LobbyApiErrorCode } from '../../../netcode/wire/lobby-api.ts';
import { type RunningServer, startServer } from '../../../peer-server/server.ts';

const TTL_MS = 5000;
const ADDRESS = { peerId: 'host-1', gameId: 'arena' };
const clock = new VirtualClock();
let server: RunningServer;

beforeEach(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], lobbyTtlMs: TTL_MS, lobbiesMax: 3, nowMs: () => clock.nowMs() });
});
afterEach(() => server.close());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Record<string, unknown>;
}

async function ask(
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly token?: string; readonly type?: string } = {},
): Promise<Answer> {
  const { body, token, type = 'application/json' } = options;
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': type }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>),
  };
}

async function create(): Promise<CreateLobbyResponse> {
  const { status, body } = await ask('POST', '/api/lobbies', { body: ADDRESS });
  expect(status).toBe(201);
  return body as unknown as CreateLobbyResponse;
}

/** What an error looks like, whatever it says. */
function refusal(status: number, error: LobbyApiErrorCode) {
  return {
    status,
    headers: expect.objectContaining({ 'content-type': expect.stringContaining('application/json'), 'cache-control': 'no-store' }),
    body: { error, message: expect.stringMatching(/.{20}/) },
  };
}

test('POST /api/lobbies answers 201 with code, owner token and time to live', async () => {
  const answer = await ask('POST', '/api/lobbies', { body: ADDRESS });
  expect(answer.status).toBe(201);
  expect(answer.body).toEqual({
    code: expect.stringMatching(/^[2-9A-Y]{6}$/),
    ownerToken: expect.stringMatching(/^[\w-]{43}$/),
    expiresInMs: TTL_MS,
  });
  expect(answer.headers['location']).toBe(`/api/lobbies/${String(answer.body['code'])}`);
  expect(answer.headers['cache-control']).toBe('no-store');
});

test('GET /api/lobbies/:code answers the address and never the token', async () => {
  const { code } = await create();
  const answer = await ask('GET', `/api/lobbies/${code}`);
  expect(answer.status).toBe(200);
  expect(answer.body).toEqual({ ...DEFAULT_LOBBY_DETAILS, code, ...ADDRESS });
});

test('a code is understood in lower case and with spaces and dashes', async () => {
  const { code } = await create();
  const typed = ` ${code.slice(0, 3)}-${code.slice(3)} `.toLowerCase();
  expect((await ask('GET', `/api/lobbies/${encodeURIComponent(typed)}`)).body).toMatchObject({ code, ...ADDRESS });
});

test('an unknown, impossible or garbled code is a 404', async () => {
  expect(await ask('GET', '/api/lobbies/AAAAAA')).toEqual(refusal(404, 'unknown-code'));
  for (const code of ['AAAAA', 'AAAAAAA', '!!!!!!', 'A'.repeat(5000), '..%2f..%2fx', '__proto__']) {
    expect(await ask('GET', `/api/lobbies/${code}`)).toEqual(refusal(404, 'unknown-code'));
    expect(await ask('POST', `/api/lobbies/${code}/heartbeat`)).toEqual(refusal(404, 'unknown-code'));
    expect(await ask('DELETE', `/api/lobbies/${code}`)).toEqual(refusal(404, 'unknown-code'));
    expect(await ask('PUT', `/api/lobbies/${code}`, { body: ADDRESS })).toEqual(refusal(400, 'bad-request'));
  }
  expect(await ask('GET', '/api/lobbies/%E0%A4%A')).toEqual(refusal(400, 'bad-request'));
});

test('a lobby expires without heartbeats and lives with them', async () => {
  const { code, ownerToken } = await create();
  clock.advance(TTL_MS - 1);
  const beat = await ask('POST', `/api/lobbies/${code}/heartbeat`, { token: ownerToken });
  expect(beat).toMatchObject({ status: 200, body: { expiresInMs: TTL_MS } });
  clock.advance(TTL_MS - 1);
  expect((await ask('GET', `/api/lobbies/${code}`)).status).toBe(200);
  clock.advance(1);
  expect(await ask('GET', `/api/lobbies/${code}`)).toEqual(refusal(404, 'unknown-code'));
  expect(await ask('POST', `/api/lobbies/${code}/heartbeat`, { token: ownerToken })).toEqual(refusal(404, 'unknown-code'));
});

test('heartbeat, close and reclaim without the right token are refused', async () => {
  const { code } = await create();
  const { ownerToken: stranger } = await create();
  expect(await ask('POST', `/api/lobbies/${code}/heartbeat`)).toEqual(refusal(403, 'not-owner'));
  expect(await ask('POST', `/api/lobbies/${code}/heartbeat`, { token: stranger })).toEqual(refusal(403, 'not-owner'));
  expect(await ask('DELETE', `/api/lobbies/${code}`)).toEqual(refusal(403, 'not-owner'));
  expect(await ask('DELETE', `/api/lobbies/${code}`, { token: stranger })).toEqual(refusal(403, 'not-owner'));
  expect(await ask('PUT', `/api/lobbies/${code}`, { body: ADDRESS })).toEqual(refusal(403, 'not-owner'));
  expect(await ask('PUT', `/api/lobbies/${code}`, { body: ADDRESS, token: stranger })).toEqual(refusal(409, 'code-taken'));
  expect((await ask('GET', `/api/lobbies/${code}`)).status).toBe(200);
});

test('DELETE closes the lobby', async () => {
  const { code, ownerToken } = await create();
  expect((await ask('DELETE', `/api/lobbies/${code}`, { token: ownerToken })).status).toBe(204);
  expect(await ask('GET', `/api/lobbies/${code}`)).toEqual(refusal(404, 'unknown-code'));
  expect(await ask('DELETE', `/api/lobbies/${code}`, { token: ownerToken })).toEqual(refusal(404, 'unknown-code'));
});

test('PUT re-registers a lobby that a restart forgot, under the same code and token', async () => {
  const { code, ownerToken } = await create();
  await server.close();
  server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], lobbyTtlMs: TTL_MS });
  expect(await ask('GET', `/api/lobbies/${code}`)).toEqual(refusal(404, 'unknown-code'));
  const again = await ask('PUT', `/api/lobbies/${code.toLowerCase()}`, { body: { ...ADDRESS, peerId: 'host-2' }, token: ownerToken });
  expect(again).toMatchObject({ status: 200, body: { code, ownerToken, expiresInMs: TTL_MS } });
  expect((await ask('GET', `/api/lobbies/${code}`)).body['peerId']).toBe('host-2');
});

test('more lobbies than the limit are a 503 that says when to try again', async () => {
  for (let i = 0; i < 3; i++) await create();
  const answer = await ask('POST', '/api/lobbies', { body: ADDRESS });
  expect(answer).toEqual(refusal(503, 'too-many-lobbies'));
  expect(answer.headers['retry-after']).toBe('60');
});

test('a body that is not the right JSON is a 400', async () => {
  const bodies: unknown[] = ['{', '[]', '"x"', 'null', '', {}, { peerId: 'a' }, { gameId: 'arena' }, { peerId: 7, gameId: 'arena' }];
  bodies.push({ peerId: '-a', gameId: 'arena' }, { peerId: 'a'.repeat(65), gameId: 'arena' }, { peerId: '<b>', gameId: 'arena' });
  bodies.push(
    { peerId: 'a', gameId: '' },
    { peerId: 'a', gameId: 'Arena' },
    { peerId: 'a', gameId: 'a'.repeat(33) },
    { peerId: 'a', gameId: ['arena'] },
  );
  for (const body of bodies) expect(await ask('POST', '/api/lobbies', { body })).toEqual(refusal(400, 'bad-request'));
  const asText = await ask('POST', '/api/lobbies', { body: ADDRESS, type: 'text/plain' });
  expect(asText).toEqual(refusal(400, 'bad-request'));
  expect(asText.body['message']).toMatch('Content-Type');
});

test('a body above the limit is a 413', async () => {
  expect(await ask('POST', '/api/lobbies', { body: { ...ADDRESS, more: 'x'.repeat(3000) } })).toEqual(refusal(413, 'too-large'));
});

test('a compressed body is refused, so that it cannot unfold', async () => {
  const response = await fetch(`${server.url}/api/lobbies`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: 'x',
  });
  expect(response.status).toBe(415);
  expect(await response.json()).toMatchObject({ error: 'bad-request' });
});

test('unknown API addresses and methods are 404 JSON', async () => {
  expect(await ask('GET', '/api/nothing')).toEqual(refusal(404, 'bad-request'));
  expect(await ask('PUT', '/api/lobbies', { body: ADDRESS })).toEqual(refusal(404, 'bad-request'));
  expect(await ask('PATCH', '/api/lobbies/AAAAAA/heartbeat', { body: {} })).toEqual(refusal(404, 'bad-request'));
});

test('GET /api/config answers the ICE servers', async () => {
  expect(await ask('GET', '/api/config')).toMatchObject({ status: 200, body: { iceServers: [] } });
  await server.close();
  const iceServers = [{ urls: ['turn:turn.example.org'], username: 'u', credential: 'c' }];
  server = await startServer({ port: 0, host: '127.0.0.1', iceServers });
  expect((await ask('GET', '/api/config')).body).toEqual({ iceServers, hasRelay: true });
});
