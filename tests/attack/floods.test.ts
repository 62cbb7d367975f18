/** Too much of what is allowed: the stock server takes it all, ours takes what an honest client would send and lets the rest wait. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { candidate, offer, SignalClient } from '../unit/peer-server/signal-client.ts';
import { ask, ATTACKER, doesRelay, ended, holdings, OurBuild, startStock, type Target, VICTIM, whileHonestPlay } from './targets.ts';

const BUILD_TIMEOUT_MS = 60_000;
const PATIENCE = { timeout: 25_000, interval: 20 };
const METRICS_TOKEN = 'a-token-for-this-test';
/** Small enough that one attacker could take all, larger than one address may have. */
const PEERS_MAX = 300;
let build: OurBuild;
let ours: Target;
let stock: Target | undefined;

beforeAll(async () => {
  build = new OurBuild();
  ours = await build.start({ METRICS_TOKEN, PEERS_MAX: String(PEERS_MAX) });
}, BUILD_TIMEOUT_MS);
afterEach(async () => {
  await stock?.kill();
  stock = undefined;
});
afterAll(async () => {
  await ours.kill();
  build.remove();
});

const open = ({ port }: Target, id: string, from: string) => SignalClient.open(port, { id, token: `token-of-${id}`, from });

async function metric(name: string): Promise<number> {
  const { body } = await ask(ours, VICTIM, '/metrics', { headers: { authorization: `Bearer ${METRICS_TOKEN}` } });
  const line = body.split('\n').find((text) => text.startsWith(`${name} `));
  if (line === undefined) throw new Error(`no metric ${name} in:\n${body.slice(0, 2000)}`);
  return Number(line.slice(name.length));
}

test('30,000 frames to one peer: all arrive through the stock server; through ours what an honest client might send', async () => {
  const count = 30_000;
  const flood = (mallory: SignalClient) => {
    mallory.send(offer('victim'));
    for (let i = 0; i < count; i++) mallory.send(candidate('victim'));
  };
  stock = await startStock();
  const hit = await open(stock, 'victim', VICTIM);
  flood(await open(stock, 'mallory', ATTACKER));
  await vi.waitFor(() => expect(hit.waiting).toBe(count + 1), PATIENCE);

  const spared = await open(ours, 'victim', VICTIM);
  const startedAtMs = performance.now();
  const mallory = await open(ours, 'mallory', ATTACKER);
  await whileHonestPlay(ours, async () => {
    flood(mallory);
    await vi.waitFor(() => expect(spared.waiting).toBeGreaterThan(1000), PATIENCE);
    await spared.settleAmongOthers();
  });
  const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
  // A burst of 2,000 frames, and 50 a second.
  expect(spared.waiting).toBeLessThanOrEqual(2001 + 50 * elapsedSeconds);
  for (const client of [mallory, spared]) client.close();
});

test('offers, of which each makes the receiver build a connection, are a tenth of that', async () => {
  const spared = await open(ours, 'victim-2', VICTIM);
  const startedAtMs = performance.now();
  const mallory = await open(ours, 'mallory-2', ATTACKER);
  await whileHonestPlay(ours, async () => {
    for (let i = 0; i < 10_000; i++) mallory.send(offer('victim-2', { connectionId: `dc_${i}` }));
    await vi.waitFor(() => expect(spared.waiting).toBeGreaterThan(100), PATIENCE);
    await spared.settleAmongOthers();
  });
  const elapsedSeconds = (performance.now() - startedAtMs) / 1000;
  expect(spared.waiting).toBeLessThanOrEqual(201 + 5 * elapsedSeconds);
  for (const client of [mallory, spared]) client.close();
});

test('100 MB to a peer that does not read: the stock server keeps them all in memory, ours a quarter of one', async () => {
  const frame = JSON.stringify(offer('victim', { metadata: 'x'.repeat(50_000) }));
  const flood = (mallory: SignalClient) => {
    for (let i = 0; i < 2000; i++) mallory.sendRaw(frame);
  };
  stock = await startStock();
  (await open(stock, 'victim', VICTIM)).webSocket.pause();
  const flooder = await open(stock, 'mallory', ATTACKER);
  const before = await holdings(stock);
  flood(flooder);
  await vi.waitFor(() => expect(flooder.webSocket.bufferedAmount).toBe(0), PATIENCE);
  await vi.waitFor(async () => expect((await holdings(stock!)).memoryBytes).toBeGreaterThan(before.memoryBytes + 60_000_000), PATIENCE);

  const victim = await open(ours, 'victim', VICTIM);
  victim.webSocket.pause();
  const beforeBytes = await metric('process_resident_memory_bytes');
  const mallory = await open(ours, 'mallory-3', ATTACKER);
  await whileHonestPlay(ours, async () => {
    flood(mallory);
    await vi.waitFor(
      async () => expect(await metric('volley_limits_total{kind="overdrawnFrames"}').catch(() => 1)).toBeGreaterThan(0),
      PATIENCE,
    );
  });
  expect(await metric('process_resident_memory_bytes')).toBeLessThan(beforeBytes + 40_000_000);
  expect(mallory.webSocket.bufferedAmount).toBeGreaterThan(50_000_000);
  for (const client of [mallory, victim]) client.close();
});

test('one address takes every place on the stock server; on ours there is room for others', async () => {
  const take = async (target: Target) => {
    const clients = Array.from({ length: PEERS_MAX }, (_, i) => new SignalClient(target.port, { id: `mallory-${i}`, from: ATTACKER }));
    const isIn = await Promise.all(
      clients.map((client) =>
        client.next().then(
          ({ type }) => type === 'OPEN',
          () => false,
        ),
      ),
    );
    return { clients, taken: isIn.filter(Boolean).length };
  };
  stock = await startStock({ concurrent_limit: PEERS_MAX });
  expect((await take(stock)).taken).toBe(PEERS_MAX);
  const late = new SignalClient(stock.port, { id: 'late', from: VICTIM });
  expect(await late.next()).toMatchObject({ type: 'ERROR' });

  await whileHonestPlay(ours, async () => {
    const { clients, taken } = await take(ours);
    expect(taken).toBeLessThanOrEqual(256);
    expect(clients.some(({ refusedWith }) => refusedWith === 429)).toBe(true);
    await (await open(ours, 'late', VICTIM)).leave();
    expect(await doesRelay(ours, 'beside')).toBe(true);
    for (const client of clients) client.close();
  });
});

test('an address that comes and goes is let in as often as it likes by the stock server, and only so often by ours', async () => {
  const comeAndGo = async (target: Target, from: string) => {
    let refused = 0;
    for (let round = 0; round < 40; round++) {
      const clients = Array.from({ length: 10 }, (_, i) => new SignalClient(target.port, { id: `fleeting-${round}-${i}`, from }));
      const isIn = await Promise.all(
        clients.map((client) =>
          client.next().then(
            ({ type }) => type === 'OPEN',
            () => false,
          ),
        ),
      );
      refused += isIn.filter((isOne) => !isOne).length;
      for (const client of clients) client.close();
    }
    return refused;
  };
  stock = await startStock();
  expect(await comeAndGo(stock, ATTACKER)).toBe(0);
  await whileHonestPlay(ours, async () => {
    expect(await comeAndGo(ours, '127.0.0.67')).toBeGreaterThan(20);
    await (await open(ours, 'newcomer', VICTIM)).leave();
  });
});

test('eight hundred silent connections of one address are all kept by the stock server, and 512 of them by ours', async () => {
  const count = 800;
  const connectAll = async ({ port }: Target, from: string) => {
    const sockets: Socket[] = [];
    for (let i = 0; i < count; i++) {
      const socket = connect({ port, host: '127.0.0.1', localAddress: from });
      socket.on('error', () => undefined);
      socket.resume();
      sockets.push(socket);
      await once(socket, 'connect');
    }
    return sockets;
  };
  stock = await startStock();
  const held = await connectAll(stock, ATTACKER);
  await vi.waitFor(async () => expect((await holdings(stock!)).connections).toBeGreaterThanOrEqual(count), PATIENCE);
  for (const socket of held) socket.destroy();

  await whileHonestPlay(ours, async () => {
    const tried = await connectAll(ours, '127.0.0.68');
    await vi.waitFor(() => expect(tried.filter((socket) => !socket.closed).length).toBeLessThanOrEqual(512), PATIENCE);
    expect((await ask(ours, VICTIM, '/healthz')).status).toBe(200);
    for (const socket of tried) socket.destroy();
  });
});

test('upgrades that lead nowhere or fail are refused by both, and leave nothing behind in ours', async () => {
  const head = (path: string, more: string) =>
    `GET ${path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${more}\r\n`;
  const requests = [
    head('/nowhere', ''),
    head('//', ''),
    head('/peerjs?key=peerjs&id=x&token=t', ''),
    head('/peerjs?key=peerjs&id=x&token=t', 'Sec-WebSocket-Version: 1\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n'),
    head('/peerjs?key=peerjs&id=x&token=t', 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: short\r\n'),
    head('/peerjs?key=peerjs&id=x&token=t', 'Upgrade: h2c\r\n'),
  ];
  const send = async ({ port }: Target, text: string): Promise<string> => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.69' });
    socket.on('error', () => undefined);
    let answer = '';
    socket.on('data', (chunk) => (answer += String(chunk)));
    socket.write(text);
    await ended(socket);
    return answer;
  };
  stock = await startStock();
  for (const text of requests) expect(await send(stock, text)).toMatch(/^HTTP\/1\.1 4\d\d/);
  await whileHonestPlay(ours, async () => {
    // As many as an address may have sockets: had each kept its place, the last client would not get in.
    for (let i = 0; i < 270; i++) expect(await send(ours, requests[i % requests.length]!)).toMatch(/^HTTP\/1\.1 4\d\d/);
    await (await open(ours, 'honest-neighbour', '127.0.0.69')).leave();
  });
});
