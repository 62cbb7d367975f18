/** The lobby directory's client: what it sends, and that it believes nothing it is told. */
import { describe, expect, test } from 'vitest';
import { BrokerClient } from '../../../netcode/transport/broker-client.ts';
import type { BrokerResult } from '../../../netcode/transport/directory.ts';

interface Sent {
  readonly url: string;
  readonly init: RequestInit;
}

function clientOf(answer: () => Response | Promise<Response>, sent: Sent[] = []): BrokerClient {
  const fakeFetch = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    sent.push({ url: String(url), init });
    return answer();
  };
  return new BrokerClient({ brokerUrl: 'https://play.example/', fetch: fakeFetch });
}

const json =
  (body: unknown, status = 200) =>
  () =>
    Response.json(body, { status });
const failureOf = (result: BrokerResult<unknown>) => (result.ok ? undefined : result.failure);

const CREATED = { code: 'K7QX2M', ownerToken: 'secret', expiresInMs: 90_000 };
const LOBBY = { code: 'K7QX2M', peerId: 'abc123', gameId: 'arena' };

describe('each call', () => {
  test('goes to its path with its method, body and token', async () => {
    const sent: Sent[] = [];
    const client = clientOf(json({}), sent);
    const request = { peerId: 'abc', gameId: 'arena' };
    await client.createLobby(request);
    await client.resolveLobby('K7QX2M');
    await client.reclaimLobby('K7QX2M', 'secret', request);
    await client.heartbeat('K7QX2M', 'secret');
    await client.closeLobby('K7QX2M', 'secret');
    await client.getConfig();
    expect(sent.map(({ url, init }) => `${init.method} ${url}`)).toEqual([
      'POST https://play.example/api/lobbies',
      'GET https://play.example/api/lobbies/K7QX2M',
      'PUT https://play.example/api/lobbies/K7QX2M',
      'POST https://play.example/api/lobbies/K7QX2M/heartbeat',
      'DELETE https://play.example/api/lobbies/K7QX2M',
      'GET https://play.example/api/config',
    ]);
    expect(sent.map(({ init }) => new Headers(init.headers).get('authorization'))).toEqual([
      null,
      null,
      ...Array<string>(3).fill('Bearer secret'),
      null,
    ]);
    expect(sent.map(({ init }) => init.body)).toEqual([
      JSON.stringify(request),
      undefined,
      JSON.stringify(request),
      undefined,
      undefined,
      undefined,
    ]);
    expect(sent.map(({ init }) => init.keepalive)).toEqual([false, false, false, false, true, false]);
  });

  test('cannot be led to another path by a code', async () => {
    const sent: Sent[] = [];
    await clientOf(json({}), sent).resolveLobby('../config?x#y');
    expect(sent[0]?.url).toBe('https://play.example/api/lobbies/..%2Fconfig%3Fx%23y');
  });
});

describe('a good answer', () => {
  test('is given with its known fields only', async () => {
    const client = (body: unknown) => clientOf(json({ ...(body as object), extra: 1 }));
    expect(await client(CREATED).createLobby({ peerId: 'a', gameId: 'b' })).toEqual({ ok: true, value: CREATED });
    expect(await client(LOBBY).resolveLobby('k7q-x2m')).toEqual({ ok: true, value: LOBBY });
    expect(await client({ expiresInMs: 5 }).heartbeat('K7QX2M', 't')).toEqual({ ok: true, value: { expiresInMs: 5 } });
    expect(await client({ iceServers: [{ urls: 'stun:a.example', x: 1 }] }).getConfig()).toEqual({
      ok: true,
      value: { iceServers: [{ urls: ['stun:a.example'] }] },
    });
  });

  test('of a close has no body', async () => {
    expect(await clientOf(() => new Response(null, { status: 204 })).closeLobby('K7QX2M', 't')).toEqual({ ok: true, value: true });
  });
});

describe('an answer that makes no sense is unreachable', () => {
  test.each([
    null,
    [],
    'text',
    {},
    { ...LOBBY, code: 'AAAAAA' },
    { ...LOBBY, code: 'k7qx2m' },
    { ...LOBBY, peerId: '<script>' },
    { ...LOBBY, peerId: '' },
    { ...LOBBY, peerId: 'a'.repeat(65) },
    { ...LOBBY, gameId: 7 },
    { ...LOBBY, gameId: 'x'.repeat(2_000) },
  ])('as a lobby: %j', async (body) => {
    expect(failureOf(await clientOf(json(body)).resolveLobby('K7QX2M'))).toBe('unreachable');
  });

  test.each([
    { ...CREATED, code: 'O0O0O0' },
    { ...CREATED, ownerToken: 'a\r\nx: y' },
    { ...CREATED, ownerToken: '' },
    { ...CREATED, expiresInMs: '5' },
    { ...CREATED, expiresInMs: -5 },
    { ...CREATED, expiresInMs: null },
  ])('as a created lobby: %j', async (body) => {
    expect(failureOf(await clientOf(json(body)).createLobby({ peerId: 'a', gameId: 'b' }))).toBe('unreachable');
  });

  test.each([
    { iceServers: {} },
    { iceServers: [null] },
    { iceServers: [{}] },
    { iceServers: [{ urls: 'http://a.example' }] },
    { iceServers: [{ urls: [] }] },
    { iceServers: [{ urls: 'stun:a', username: 7 }] },
    { iceServers: Array.from({ length: 17 }, () => ({ urls: 'stun:a' })) },
  ])('as a configuration: %j', async (body) => {
    expect(failureOf(await clientOf(json(body)).getConfig())).toBe('unreachable');
  });

  test('when it is no JSON, or longer than any answer', async () => {
    expect(failureOf(await clientOf(() => new Response('<html>')).getConfig())).toBe('unreachable');
    expect(failureOf(await clientOf(() => new Response(`{"iceServers":[],"x":"${'x'.repeat(100_000)}"}`)).getConfig())).toBe('unreachable');
  });
});

describe('a refusal', () => {
  test.each(['bad-request', 'unknown-code', 'not-owner', 'code-taken', 'too-many-lobbies', 'too-large'])(
    '%s keeps its code and message',
    async (error) => {
      const result = await clientOf(json({ error, message: 'Because.' }, 404)).resolveLobby('K7QX2M');
      expect(result).toEqual({ ok: false, failure: error, message: 'Because.' });
    },
  );

  test.each([{}, { error: 'made-up', message: 'x' }, null])('that is none of the known is unreachable: %j', async (body) => {
    expect(failureOf(await clientOf(json(body, 500)).resolveLobby('K7QX2M'))).toBe('unreachable');
  });

  test('without a message of its own gets one', async () => {
    expect(await clientOf(json({ error: 'not-owner', message: 7 }, 403)).heartbeat('K7QX2M', 't')).toMatchObject({
      failure: 'not-owner',
      message: expect.stringContaining('not-owner'),
    });
  });
});

describe('a server that', () => {
  const hanging = (timeoutMs: number, signal?: AbortSignal) =>
    new BrokerClient({
      brokerUrl: 'https://play.example',
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
      fetch: (_url: unknown, init: RequestInit = {}) =>
        new Promise((_resolve, reject) => {
          if (init.signal?.aborted === true) reject(new Error('aborted'));
          init.signal?.addEventListener('abort', () => reject(new Error('aborted')));
        }),
    });

  test('cannot be reached is unreachable', async () => {
    expect(await clientOf(() => Promise.reject(new TypeError('fetch failed'))).getConfig()).toMatchObject({
      ok: false,
      failure: 'unreachable',
    });
  });

  test('does not answer in time is unreachable, and the message says so', async () => {
    expect(await hanging(1).getConfig()).toMatchObject({ failure: 'unreachable', message: expect.stringContaining('did not answer') });
  });

  test('is given up by signal is unreachable', async () => {
    expect(failureOf(await hanging(60_000, AbortSignal.abort()).getConfig())).toBe('unreachable');
  });
});
