/** What a join that the server let down tells: which part of the server it was, in the message too. The server is played by the test. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { arena } from '../../../game/rules/arena.ts';
import { joinWith, type Surroundings } from '../../../netcode/platform/surroundings.ts';
import type { JoinError } from '../../../netcode/session/room.ts';
import { DialError } from '../../../netcode/transport/transport.ts';

const LOBBY = { code: 'K7QX2M', peerId: 'host-1', gameId: arena.id };
let answers: { readonly config: object | undefined };

beforeEach(() => {
  answers = { config: { iceServers: [] } };
  vi.stubGlobal('fetch', async (url: string) => {
    const body = url.endsWith('/api/config') ? answers.config : LOBBY;
    if (body === undefined) throw new TypeError('failed to fetch');
    return Response.json(body);
  });
});
afterEach(() => vi.unstubAllGlobals());

/** Joins where no transport opens; it asks for ICE servers so often before it gives up. */
async function failedJoin(asked: number): Promise<JoinError> {
  const surroundings: Surroundings = {
    createTicker: () => ({ start: () => undefined, stop: () => undefined }),
    createTransport: async ({ ice }) => {
      if (typeof ice !== 'function') throw new Error('the servers are to be asked for');
      for (let n = 0; n < asked; n++) await ice();
      throw new DialError('broker-unreachable', 'no WebSocket');
    },
  };
  const join = joinWith(arena, { name: 'Bob', code: LOBBY.code, brokerUrl: 'https://play.example' }, surroundings);
  return join.then(
    () => Promise.reject(new Error('nobody is there')),
    (error: JoinError) => error,
  );
}

test('a server that answers is not said to be out of reach', async () => {
  const noSocket = await failedJoin(1);
  expect(noSocket).toMatchObject({
    reason: 'broker-unreachable',
    message: expect.stringContaining('WebSocket does not open'),
    explanation: { step: 'broker' },
  });
  answers = { config: undefined };
  const noConfig = await failedJoin(1);
  expect(noConfig).toMatchObject({
    message: expect.stringContaining('did not tell this page how to connect'),
    explanation: { step: 'config' },
  });
});

test('servers asked for again, when their credentials run out, are no part of the join', async () => {
  const { report } = await failedJoin(3);
  expect(report).toMatch(/^config: \d+ ms to \d+ ms$/m);
  expect(report).toMatch(/^code: /m);
});
