/** The lobby directory's client against the real broker. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BrokerClient } from '../../netcode/transport/broker-client.ts';
import type { BrokerResult } from '../../netcode/transport/directory.ts';
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
  expect(valueOf(await client.resolveLobby(code.toLowerCase()))).toEqual({ code, peerId: 'host1', gameId: 'arena' });
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
  expect(valueOf(await client.getConfig())).toEqual({ iceServers: [] });
});
