/** The lobby directory's client against the real broker. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { BrokerClient } from '../../netcode/transport/broker-client.ts';
import type { BrokerResult } from '../../netcode/transport/directory.ts';
import { DEFAULT_LOBBY_DETAILS, type LobbyListing } from '../../netcode/wire/lobby-api.ts';
import { type RunningServer, startServer } from '../../peer-server/server.ts';

let server: RunningServer;
let client: BrokerClient;

beforeAll(async () => {
  server = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
  client = new BrokerClient({ brokerUrl: `http://127.0.0.1:${server.port}` });
});
afterAll(() => server.close());

function valueOf<T>(result: BrokerResult<T>): T {
  if (!result.ok) throw new Error(`${result.failure}: ${result.message}`);
  return result.value;
}

test('a lobby lives from its creation through heartbeats to its close', async () => {
  const { code, ownerToken, expiresInMs } = valueOf(await client.createLobby({ peerId: 'host1', gameId: 'arena' }));
  expect(expiresInMs).toBeGreaterThan(0);
  expect(valueOf(await client.resolveLobby(code.toLowerCase()))).toEqual({
    ...DEFAULT_LOBBY_DETAILS,
    code,
    peerId: 'host1',
    gameId: 'arena',
  });
  expect(valueOf(await client.heartbeat(code, ownerToken)).expiresInMs).toBe(expiresInMs);
  valueOf(await client.closeLobby(code, ownerToken));
  expect(await client.resolveLobby(code)).toMatchObject({ ok: false, failure: 'unknown-code' });
});

test('a lobby that the broker forgot can be had again under its code', async () => {
  const { code, ownerToken } = valueOf(await client.createLobby({ peerId: 'host1', gameId: 'arena' }));
  const restarted = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
  try {
    const again = new BrokerClient({ brokerUrl: `http://127.0.0.1:${restarted.port}` });
    expect(await again.heartbeat(code, ownerToken)).toMatchObject({ ok: false, failure: 'unknown-code' });
    expect(valueOf(await again.reclaimLobby(code, ownerToken, { peerId: 'host2', gameId: 'arena' })).code).toBe(code);
    expect(valueOf(await again.resolveLobby(code)).peerId).toBe('host2');
  } finally {
    await restarted.close();
  }
});

test('a stranger can neither keep, move nor close a lobby', async () => {
  const { code } = valueOf(await client.createLobby({ peerId: 'host1', gameId: 'arena' }));
  expect(await client.heartbeat(code, 'wrong')).toMatchObject({ failure: 'not-owner' });
  expect(await client.closeLobby(code, 'wrong')).toMatchObject({ failure: 'not-owner' });
  expect((await client.reclaimLobby(code, 'wrong', { peerId: 'thief', gameId: 'arena' })).ok).toBe(false);
  expect(valueOf(await client.resolveLobby(code)).peerId).toBe('host1');
});

test('the configuration is what the broker was started with', async () => {
  expect(valueOf(await client.getConfig())).toEqual({ iceServers: [], hasRelay: true });
});

test('what a host says about its lobby is what a guest finds, and what strangers are shown', async () => {
  const told = { name: 'Friday night', players: 2, playersMax: 4, isPublic: true, gameVersion: 3 };
  const about = { ...told, isRelayAllowed: true, mode: 'Teams', hasPassword: true, rttMs: 40 };
  const { code, ownerToken } = valueOf(await client.createLobby({ peerId: 'host1', gameId: 'pong', ...about }));
  expect(valueOf(await client.resolveLobby(code))).toEqual({ code, peerId: 'host1', gameId: 'pong', isLocked: false, ...about });
  const { isPublic: _known, ...shown } = about;
  const listing = { code, gameId: 'pong', isLocked: false, createdAtMs: expect.any(Number), ...shown };
  expect(valueOf(await client.listLobbies({ gameId: 'pong' }))).toEqual({ lobbies: [listing] });
  valueOf(await client.heartbeat(code, ownerToken, { players: 4 }));
  expect(valueOf(await client.listLobbies({ gameId: 'pong', hasRoom: true }))).toEqual({ lobbies: [] });
  expect(valueOf(await client.resolveLobby(code)).players).toBe(4);
  expect(await client.heartbeat(code, 'wrong', { players: 1 })).toMatchObject({ failure: 'not-owner' });
});

test('pages follow each other without a gap', async () => {
  const codes: string[] = [];
  for (let i = 0; i < 7; i++)
    codes.push(valueOf(await client.createLobby({ peerId: 'host1', gameId: 'paged', name: `Lobby ${i}`, isPublic: true })).code);
  const seen: LobbyListing[] = [];
  for (let cursor: string | undefined; ;) {
    const page = valueOf(await client.listLobbies({ gameId: 'paged' }, { limit: 3, ...(cursor !== undefined && { cursor }) }));
    seen.push(...page.lobbies);
    cursor = page.nextCursor;
    if (cursor === undefined) break;
  }
  expect(seen.map(({ code }) => code).toSorted()).toEqual(codes.toSorted());
  expect(seen.map(({ createdAtMs }) => createdAtMs)).toEqual(seen.map(({ createdAtMs }) => createdAtMs).toSorted((a, b) => b - a));
});

test('a watcher hears of every change, and again after the broker was away', async () => {
  const first = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
  const watcher = new BrokerClient({ brokerUrl: `http://127.0.0.1:${first.port}` });
  const shown: string[] = [];
  const lost: string[] = [];
  const stop = watcher.watchLobbies(
    { gameId: 'arena', isOpen: true },
    {
      onLobbies: (lobbies) => shown.push(lobbies.map(({ name, players }) => `${name} ${players}`).join()),
      onLost: (why) => lost.push(why),
    },
  );
  const untilShown = (text: string): Promise<void> => vi.waitFor(() => expect(shown.at(-1)).toBe(text), 10_000);
  await untilShown('');
  const request = { peerId: 'host1', gameId: 'arena', name: 'Seen', isPublic: true };
  const { code, ownerToken } = valueOf(await watcher.createLobby(request));
  await untilShown('Seen 1');
  valueOf(await watcher.heartbeat(code, ownerToken, { players: 3 }));
  await untilShown('Seen 3');
  valueOf(await watcher.heartbeat(code, ownerToken, { isLocked: true }));
  await untilShown('');
  valueOf(await watcher.heartbeat(code, ownerToken, { isLocked: false }));
  await untilShown('Seen 3');
  valueOf(await watcher.heartbeat(code, ownerToken, { isPublic: false }));
  await untilShown('');
  await first.close();
  await vi.waitFor(() => expect(lost.length).toBeGreaterThan(0), 10_000);
  const second = await startServer({ host: '127.0.0.1', port: first.port, iceServers: [] });
  valueOf(await watcher.reclaimLobby(code, ownerToken, { ...request, name: 'Back' }));
  await untilShown('Back 1');
  stop();
  const count = shown.length;
  valueOf(await watcher.closeLobby(code, ownerToken));
  await second.close();
  expect(shown).toHaveLength(count);
});
