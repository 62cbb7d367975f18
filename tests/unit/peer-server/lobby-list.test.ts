/** Public lobbies over real HTTP: the list, its filter and pages, updates, and the change stream. */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { EventParser } from '../../../netcode/transport/lobby-watch.ts';
import type { CreateLobbyResponse, ListLobbiesResponse, LobbyUpdate } from '../../../netcode/wire/lobby-api.ts';
import { type RunningServer, startServer } from '../../../peer-server/server.ts';

const TTL_MS = 60_000;
const WAIT_MS = 10_000;
const clock = new VirtualClock();
let server: RunningServer;
const closers: (() => void)[] = [];

beforeEach(async () => {
  const options = { lobbyTtlMs: TTL_MS, lobbiesMax: 1000, nowMs: () => clock.nowMs() };
  server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], ...options });
});
afterEach(async () => {
  for (const close of closers.splice(0)) close();
  await server.close();
});

async function ask(method: string, path: string, body?: unknown, token?: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(`${server.url}/api/lobbies${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(token !== undefined && { authorization: `Bearer ${token}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
}

async function create(details: LobbyUpdate & { readonly gameId?: string } = {}): Promise<CreateLobbyResponse> {
  const answer = await ask('POST', '', { peerId: 'host-1', gameId: 'arena', ...details });
  expect(answer.status).toBe(201);
  return answer.body as CreateLobbyResponse;
}

async function names(query: string): Promise<string[]> {
  const { status, body } = await ask('GET', query);
  expect(status).toBe(200);
  return (body as ListLobbiesResponse).lobbies.map(({ name }) => name);
}

interface Stream {
  readonly response: IncomingMessage;
  readonly heard: { readonly name: string; readonly data: unknown }[];
  isEnded: boolean;
}

function openStream(query = ''): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(`${server.url}/api/lobbies/stream${query}`, { agent: false }, (response) => {
      const stream: Stream = { response, heard: [], isEnded: false };
      const parser = new EventParser((name, data) => stream.heard.push({ name, data: JSON.parse(data) }));
      response.on('data', (chunk: Buffer) => parser.push(chunk.toString()));
      response.on('close', () => (stream.isEnded = true));
      response.on('error', () => undefined);
      resolve(stream);
    });
    request.once('error', reject);
    request.end();
    closers.push(() => request.destroy());
  });
}

test('private lobbies are in no list and no stream, public ones are', async () => {
  const stream = await openStream();
  await create({ name: 'Private' });
  await create({ name: 'Public', isPublic: true });
  expect(await names('')).toEqual(['Public']);
  await vi.waitFor(() => expect(stream.heard.at(-1)).toMatchObject({ name: 'lobby', data: { name: 'Public' } }), WAIT_MS);
  expect(JSON.stringify(stream.heard)).not.toMatch(/Private|peerId|host-1|owner/);
  const { body } = await ask('GET', '');
  expect(JSON.stringify(body)).not.toMatch(/Private|peerId|host-1|owner/);
});

test('the filter picks by game, version, room, lock and text', async () => {
  await create({ name: 'Red', isPublic: true, gameVersion: 1, players: 1, playersMax: 2 });
  await create({ name: 'Dark red', isPublic: true, gameVersion: 2, players: 2, playersMax: 2 });
  await create({ name: 'Blue', isPublic: true, gameVersion: 2, isLocked: true, gameId: 'pong' });
  const pick = async (query: string): Promise<string[]> => (await names(query)).toSorted();
  expect(await pick('')).toEqual(['Blue', 'Dark red', 'Red']);
  expect(await pick('?gameId=pong')).toEqual(['Blue']);
  expect(await pick('?gameVersion=2')).toEqual(['Blue', 'Dark red']);
  expect(await pick('?hasRoom=true')).toEqual(['Blue', 'Red']);
  expect(await pick('?hasRoom=false')).toEqual(['Dark red']);
  expect(await pick('?isOpen=true')).toEqual(['Dark red', 'Red']);
  expect(await pick('?isOpen=false')).toEqual(['Blue']);
  expect(await pick('?text=RED')).toEqual(['Dark red', 'Red']);
  expect(await pick('?text=red&hasRoom=true&isOpen=true&gameVersion=1&gameId=arena')).toEqual(['Red']);
  expect(await pick('?gameId=none')).toEqual([]);
});

test.each([
  '?gameId=../x',
  '?gameId=a&gameId=b',
  '?gameVersion=-1',
  '?gameVersion=1.5',
  '?gameVersion=99999999',
  '?hasRoom=1',
  '?isOpen=',
  '?isOpen[x]=true',
  `?text=${'x'.repeat(100)}`,
  '?text=a%00b',
  '?limit=0',
  '?limit=101',
  '?limit=x',
  '?limit=1e1',
  '?cursor=x',
  '?cursor=123-AAAAA',
  `?cursor=${'1'.repeat(30)}-AAAAAA`,
])('a question that makes no sense is a 400 that says what is allowed: %s', async (query) => {
  expect(await ask('GET', query)).toMatchObject({
    status: 400,
    body: { error: 'bad-request', message: expect.stringMatching(/'\w+' must/) },
  });
});

test('pages hold what the limit says, and a page goes on where the last one ended though lobbies come and go', async () => {
  const lobbies: CreateLobbyResponse[] = [];
  for (let i = 0; i < 6; i++) lobbies.push(await create({ name: `${i}`, isPublic: true }));
  const { body } = await ask('GET', '?limit=4');
  const { lobbies: page, nextCursor } = body as ListLobbiesResponse;
  expect(page).toHaveLength(4);
  // The lobby that the cursor names goes; a new one comes at the top.
  const last = lobbies.find(({ code }) => code === page[3]!.code)!;
  await ask('DELETE', `/${last.code}`, undefined, last.ownerToken);
  await create({ name: 'new', isPublic: true });
  const rest = await names(`?limit=4&cursor=${nextCursor}`);
  expect([...page.map(({ name }) => name), ...rest].toSorted()).toEqual(['0', '1', '2', '3', '4', '5']);
});

test.each<[unknown, RegExp]>([
  [{ name: 7 }, /'name'/],
  [{ name: 'x'.repeat(49) }, /'name'.*48/],
  [{ name: 'a\nb' }, /'name'/],
  [{ name: 'abc\u202edcba' }, /'name'/],
  [{ players: -1 }, /'players'/],
  [{ players: 1.5 }, /'players'/],
  [{ playersMax: 0 }, /'playersMax'/],
  [{ isPublic: 'yes' }, /'isPublic'/],
  [{ gameVersion: 65_536 }, /'gameVersion'/],
])('details that no lobby may have are a 400, at creation, registration and update: %j', async (details, message) => {
  const { code, ownerToken } = await create();
  const refused = { status: 400, body: { error: 'bad-request', message: expect.stringMatching(message) } };
  const address = { peerId: 'host-1', gameId: 'arena' };
  expect(await ask('POST', '', { ...address, ...(details as object) })).toMatchObject(refused);
  expect(await ask('PUT', `/${code}`, { ...address, ...(details as object) }, ownerToken)).toMatchObject(refused);
  expect(await ask('PATCH', `/${code}`, details, ownerToken)).toMatchObject(refused);
});

test('PATCH changes what was said and renews; without the token it is refused', async () => {
  const { code, ownerToken } = await create({ name: 'Before' });
  clock.advance(TTL_MS - 1);
  expect(await ask('PATCH', `/${code}`, { name: 'After' }, ownerToken)).toEqual({ status: 200, body: { expiresInMs: TTL_MS } });
  clock.advance(TTL_MS - 1);
  expect(await ask('GET', `/${code}`)).toMatchObject({ status: 200, body: { name: 'After', players: 1 } });
  const stranger = await create();
  expect(await ask('PATCH', `/${code}`, { name: 'Mine' }, stranger.ownerToken)).toMatchObject({
    status: 403,
    body: { error: 'not-owner' },
  });
  expect(await ask('PATCH', `/${code}`, { name: 'Mine' })).toMatchObject({ status: 403, body: { error: 'not-owner' } });
  expect(await ask('PATCH', '/AAAAAA', { name: 'Mine' }, ownerToken)).toMatchObject({ status: 404, body: { error: 'unknown-code' } });
});

test('a stream begins with a snapshot and tells what comes, changes, and goes, for what its filter asks', async () => {
  const early = await create({ name: 'Early', isPublic: true });
  const stream = await openStream('?hasRoom=true');
  expect(stream.response.headers).toMatchObject({ 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
  const untilHeard = (name: string, data: object): Promise<void> =>
    vi.waitFor(() => expect(stream.heard.at(-1)).toMatchObject({ name, data }), WAIT_MS);
  await untilHeard('snapshot', { lobbies: [{ code: early.code, name: 'Early' }] });
  await create({ name: 'Full', isPublic: true, players: 4, playersMax: 4 });
  const late = await create({ name: 'Late', isPublic: true, playersMax: 4 });
  await untilHeard('lobby', { code: late.code, players: 1 });
  await ask('PATCH', `/${late.code}`, { players: 4 }, late.ownerToken);
  await untilHeard('gone', { code: late.code });
  await ask('PATCH', `/${late.code}`, { players: 3 }, late.ownerToken);
  await untilHeard('lobby', { code: late.code, players: 3 });
  await ask('DELETE', `/${late.code}`, undefined, late.ownerToken);
  await untilHeard('gone', { code: late.code });
  await ask('PATCH', `/${early.code}`, { isPublic: false }, early.ownerToken);
  await untilHeard('gone', { code: early.code });
  expect(JSON.stringify(stream.heard)).not.toContain('Full');
});

test('an expired lobby leaves list and stream though nobody asks', async () => {
  const { code } = await create({ name: 'Short', isPublic: true });
  const stream = await openStream();
  clock.advance(TTL_MS);
  await vi.waitFor(() => expect(stream.heard.at(-1)).toEqual({ name: 'gone', data: { code } }), WAIT_MS);
  expect(await names('')).toEqual([]);
});

test('heartbeats keep a lobby in the list', async () => {
  const { code, ownerToken } = await create({ name: 'Long', isPublic: true });
  for (let i = 0; i < 4; i++) {
    clock.advance(TTL_MS - 1);
    expect((await ask('POST', `/${code}/heartbeat`, undefined, ownerToken)).status).toBe(200);
  }
  expect(await names('')).toEqual(['Long']);
});
