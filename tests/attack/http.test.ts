/** The HTTP side: connections held open drop by drop, foreign pages, invite codes tried one after the other, lobbies without end. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { CODE_ALPHABET } from '../../netcode/wire/lobby-api.ts';
import { SignalClient } from '../unit/peer-server/signal-client.ts';
import { type Answer, ask, ATTACKER, ended, holdings, OurBuild, startStock, type Target, VICTIM, whileHonestPlay } from './targets.ts';

const BUILD_TIMEOUT_MS = 60_000;
/** The server's own time-outs are 10 s for a head and 15 s for a request; it looks around now and then. */
const SLOW_TIMEOUT_MS = 90_000;
const DROP_INTERVAL_MS = 500;
const FOREIGN = 'https://evil.example';
let build: OurBuild;
let ours: Target;
let stock: Target | undefined;

beforeAll(async () => {
  build = new OurBuild();
  ours = await build.start();
}, BUILD_TIMEOUT_MS);
afterEach(async () => {
  await stock?.kill();
  stock = undefined;
});
afterAll(async () => {
  await ours.kill();
  build.remove();
});

const JSON_HEADERS = { 'content-type': 'application/json' };
const createLobby = (target: Target, from: string): Promise<Answer> =>
  ask(target, from, '/api/lobbies', { method: 'POST', headers: JSON_HEADERS, body: JSON.stringify({ peerId: 'host', gameId: 'arena' }) });

const SLOW: readonly (readonly [string, string])[] = [
  ['a request', 'GET / HTTP/1.1\r\nHost: x\r\nX-Slow: '],
  [
    'a WebSocket handshake',
    'GET /peerjs?key=peerjs&id=slow&token=t HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Slow: ',
  ],
  ['a body', 'POST /api/lobbies HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 2000\r\n\r\n{"peerId":"'],
];

test(
  'requests, handshakes and bodies sent drop by drop: ours has ended them all while the stock server still holds them',
  async () => {
    const each = 20;
    const drip = async ({ port }: Target, from: string) => {
      const sockets: Socket[] = [];
      for (const [, start] of SLOW) {
        for (let i = 0; i < each; i++) {
          const socket = connect({ port, host: '127.0.0.1', localAddress: from });
          socket.on('error', () => undefined);
          socket.resume();
          await once(socket, 'connect');
          socket.write(start);
          sockets.push(socket);
        }
      }
      return sockets;
    };
    stock = await startStock();
    const [held, dropped] = [await drip(stock, ATTACKER), await drip(ours, ATTACKER)];
    const drops = setInterval(() => {
      for (const socket of [...held, ...dropped]) if (socket.writable) socket.write('x');
    }, DROP_INTERVAL_MS);
    await whileHonestPlay(ours, async () => {
      await Promise.all(dropped.map(ended));
    });
    // The stock server has no route for the third kind, and answers it at once.
    expect(held.filter((socket) => !socket.closed).length).toBeGreaterThanOrEqual(2 * each);
    expect((await holdings(stock)).connections).toBeGreaterThanOrEqual(2 * each);
    clearInterval(drops);
    for (const socket of held) socket.destroy();
  },
  SLOW_TIMEOUT_MS,
);

test('heads without end are refused by both', async () => {
  stock = await startStock();
  const heads = [
    'X: ' + 'x'.repeat(100_000),
    Array.from({ length: 5000 }, (_, i) => `X-${i}: y`).join('\r\n'),
    `Cookie: ${'a=b; '.repeat(20_000)}`,
  ];
  for (const target of [stock, ours]) {
    for (const head of heads) {
      const socket = connect({ port: target.port, host: '127.0.0.1', localAddress: ATTACKER });
      socket.on('error', () => undefined);
      let answer = '';
      socket.on('data', (chunk) => (answer += String(chunk)));
      socket.write(`GET /peerjs?key=peerjs&id=x&token=t HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
      await ended(socket);
      // Or the connection was reset while most of the head was still to come.
      expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d|$)/);
    }
  }
  await whileHonestPlay(ours, async () => undefined);
});

test('a page of another site signals through the stock server; ours refuses it, on the socket and on the API', async () => {
  stock = await startStock();
  const foreign = new SignalClient(stock.port, { id: 'foreign', origin: FOREIGN });
  expect(await foreign.next()).toMatchObject({ type: 'OPEN' });
  const refused = new SignalClient(ours.port, { id: 'foreign', origin: FOREIGN });
  await refused.closed();
  expect(refused.refusedWith).toBe(403);
  for (const path of ['/api/config', '/api/lobbies', '/peerjs/id'])
    expect(await ask(ours, ATTACKER, path, { headers: { origin: FOREIGN } })).toMatchObject({ status: 403 });
  const own = new SignalClient(ours.port, { id: 'own', origin: `http://127.0.0.1:${ours.port}` });
  expect(await own.next()).toMatchObject({ type: 'OPEN' });
  await own.leave();
});

/** Codes in order, as someone would walk them. */
function codeNumber(index: number): string {
  let code = '';
  for (let rest = index, i = 0; i < 6; i++, rest = Math.floor(rest / CODE_ALPHABET.length))
    code = CODE_ALPHABET[rest % CODE_ALPHABET.length]! + code;
  return code;
}

test('without limits invite codes can be tried as fast as a network is; as shipped an address has sixty tries, then one in ten minutes', async () => {
  const walk = async (target: Target, from: string) => {
    const answers: Answer[] = [];
    for (let i = 0; i < 300; i += 20)
      answers.push(...(await Promise.all(Array.from({ length: 20 }, (_, k) => ask(target, from, `/api/lobbies/${codeNumber(i + k)}`)))));
    return answers.filter(({ status }) => status !== 429).length;
  };
  const unlimited = await build.start({ LIMITS: 'off' });
  expect(await walk(unlimited, ATTACKER)).toBe(300);
  await unlimited.kill();

  const { code } = JSON.parse((await createLobby(ours, VICTIM)).body) as { readonly code: string };
  await whileHonestPlay(ours, async () => {
    expect(await walk(ours, ATTACKER)).toBeLessThanOrEqual(62);
    // It is not told of a good code either, and by no other way of asking.
    for (const [method, path] of [
      ['GET', ''],
      ['HEAD', ''],
      ['PUT', ''],
      ['DELETE', ''],
      ['POST', '/heartbeat'],
      ['PATCH', ''],
    ] as const) {
      for (const target of [code, codeNumber(7)]) {
        const headers = { ...JSON_HEADERS, authorization: `Bearer ${'A'.repeat(43)}` };
        const body = method === 'GET' || method === 'HEAD' ? '' : JSON.stringify({ peerId: 'host', gameId: 'arena' });
        expect(await ask(ours, ATTACKER, `/api/lobbies/${target}${path}`, { method, headers, body }), `${method} ${path}`).toMatchObject({
          status: 429,
        });
      }
    }
    // Others are not concerned.
    expect(await ask(ours, VICTIM, `/api/lobbies/${code}`)).toMatchObject({ status: 200 });
  });
});

test('one address opens sixty lobbies and no more for a while; others still can', async () => {
  await whileHonestPlay(ours, async () => {
    const answers = await Promise.all(Array.from({ length: 100 }, () => createLobby(ours, '127.0.0.70')));
    expect(answers.filter(({ status }) => status === 201).length).toBeLessThanOrEqual(62);
    expect(answers.every(({ status }) => status === 201 || status === 429)).toBe(true);
    expect((await createLobby(ours, VICTIM)).status).toBe(201);
  });
});

test('an address that asks without end is told to wait; health is still answered, to it as well', async () => {
  await whileHonestPlay(ours, async () => {
    await vi.waitFor(
      async () => {
        const answers = await Promise.all(Array.from({ length: 100 }, () => ask(ours, '127.0.0.71', '/api/config')));
        expect(answers.some(({ status }) => status === 429)).toBe(true);
      },
      { timeout: 25_000, interval: 1 },
    );
    expect((await ask(ours, '127.0.0.71', '/healthz')).status).toBe(200);
    expect((await ask(ours, VICTIM, '/api/config')).status).toBe(200);
  });
});

test('bodies too large, too deep or of the wrong kind are refused, and nothing is printed but that the server is ready', async () => {
  const bodies = [
    '{"peerId":"' + 'x'.repeat(5000),
    `{"peerId":${'['.repeat(1000)}${']'.repeat(1000)}}`,
    '{"__proto__":{"peerId":"x","gameId":"y"}}',
    '{"peerId":{"toString":1},"gameId":[]}',
    '{',
    'null',
    '\u0000',
  ];
  for (const body of bodies) {
    const { status } = await ask(ours, ATTACKER, '/api/lobbies', { method: 'POST', headers: JSON_HEADERS, body });
    expect([400, 413, 429]).toContain(status);
  }
  expect(ours.output.trim().split('\n')).toHaveLength(1);
});
