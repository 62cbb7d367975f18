/**
 * Frames that no PeerJS client sends: each first kills or misleads on the stock server, then does nothing on ours, while two
 * honest clients signal undisturbed.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Sfc32 } from '../../netcode/core/rng.ts';
import { answer, candidate, offer, SignalClient } from '../unit/peer-server/signal-client.ts';
import { ATTACKER, doesRelay, ended, OurBuild, startStock, type Target, VICTIM, whileHonestPlay } from './targets.ts';

const BUILD_TIMEOUT_MS = 60_000;
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

const attacker = ({ port }: Target, id = 'mallory') => SignalClient.open(port, { id, from: ATTACKER });
const victim = ({ port }: Target, id = 'victim') => SignalClient.open(port, { id, from: VICTIM });

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 5));
}

/** Speaks WebSocket by hand up to the upgrade, then sends these bytes. Resolves when the server has ended the connection. */
async function sendRawFrame({ port }: Target, bytes: Uint8Array): Promise<void> {
  const socket = connect({ port, host: '127.0.0.1', localAddress: ATTACKER });
  socket.on('error', () => undefined);
  socket.write('GET /peerjs?key=peerjs&id=raw&token=t HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
  socket.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
  await once(socket, 'data');
  socket.resume();
  socket.write(bytes);
  await ended(socket);
}

/** Masked with zeros, so that the payload stands there as it is. */
const masked = (first: number, payload: readonly number[]) => Uint8Array.of(first, 0x80 | payload.length, 0, 0, 0, 0, ...payload);

const MALFORMED: readonly (readonly [string, string | Uint8Array])[] = [
  ['half a JSON text', '{"type":"OFFER","dst":"vic'],
  ['no JSON', 'hello'],
  ['nothing', ''],
  ['null', 'null'],
  ['bytes', Uint8Array.of(0, 1, 2, 255)],
];

test.each(MALFORMED)('one frame of %s ends the stock server, and nothing on ours', async (_name, data) => {
  stock = await startStock();
  const exited = once(stock.child, 'exit');
  (await attacker(stock)).sendRaw(data);
  const [code] = (await exited) as [number | null];
  expect(code).not.toBe(0);
  await whileHonestPlay(ours, async () => {
    const mallory = await attacker(ours);
    for (let i = 0; i < 50; i++) mallory.sendRaw(data);
    await mallory.settle();
    mallory.close();
  });
});

const VIOLATIONS: readonly (readonly [string, Uint8Array])[] = [
  ['reserved bits', masked(0xf1, [1, 2, 3])],
  ['an unknown kind', masked(0x83, [1, 2, 3])],
  ['no mask', Uint8Array.of(0x81, 1, 65)],
  ['broken UTF-8', masked(0x81, [0xc3, 0x28])],
  ['a continuation of nothing', masked(0x80, [65])],
];

test.each(VIOLATIONS)('a WebSocket frame with %s ends the stock server, and on ours its own socket', async (_name, bytes) => {
  stock = await startStock();
  const exited = once(stock.child, 'exit');
  await sendRawFrame(stock, bytes);
  await exited;
  await whileHonestPlay(ours, () => sendRawFrame(ours, bytes));
});

test('random frames: the stock server ends at the first, ours takes thousands', async () => {
  const seed = 20_261_121;
  const rng = new Sfc32(seed);
  const valid = JSON.stringify(offer('honest-b'));
  const random = (): string | Uint8Array =>
    rng.below(2) === 0 ? Uint8Array.from({ length: rng.below(300) }, () => rng.below(256)) : valid.slice(0, rng.below(valid.length));
  stock = await startStock();
  const exited = once(stock.child, 'exit');
  (await attacker(stock)).sendRaw(random());
  await exited;
  await whileHonestPlay(ours, async () => {
    for (let round = 0; round < 50; round++) {
      const mallory = await attacker(ours, `mallory-${round}`);
      for (let i = 0; i < 99; i++) mallory.sendRaw(random());
      await mallory.settle();
      mallory.close();
    }
  });
});

test('who sends nothing but malformed frames is cut off', async () => {
  await whileHonestPlay(ours, async () => {
    const mallory = await attacker(ours);
    for (let i = 0; i < 100; i++) mallory.sendRaw('{');
    expect(await mallory.closed()).toBe(1008);
  });
});

test('a JSON bomb throws its innocent receiver out of the stock server, and reaches nobody on ours', async () => {
  const bomb = `{"type":"OFFER","dst":"victim","payload":{"connectionId":"c","type":"data","serialization":"raw","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`;
  stock = await startStock();
  const thrown = await victim(stock);
  (await attacker(stock)).sendRaw(bomb);
  await thrown.closed();
  const kept = await victim(ours);
  await whileHonestPlay(ours, async () => {
    const mallory = await attacker(ours);
    for (let i = 0; i < 5; i++) mallory.sendRaw(bomb);
    await mallory.settle();
    mallory.close();
  });
  await kept.settle();
  kept.close();
});

test('offers that make the receiving page throw are passed on by the stock server, and not by ours', async () => {
  const harmful = [
    { type: 'OFFER', dst: 'victim' },
    { type: 'OFFER', dst: 'victim', payload: null },
    offer('victim', { serialization: 'constructor' }),
    { type: 'ANSWER', dst: 'victim', payload: 7 },
    { type: 'CANDIDATE', dst: 'victim', payload: { connectionId: 7 } },
  ];
  stock = await startStock();
  const hit = await victim(stock);
  const mallory = await attacker(stock);
  for (const frame of harmful) mallory.send(frame);
  for (const { type } of harmful) expect(await hit.next()).toMatchObject({ type, src: 'mallory' });
  const spared = await victim(ours);
  await whileHonestPlay(ours, async () => {
    const again = await attacker(ours);
    for (const frame of harmful) again.send(frame);
    await again.settle();
    again.close();
  });
  await spared.settle();
  spared.close();
});

test("a frame only the server may say is passed on by the stock server (EXPIRE: 'the peer you dialled does not exist'), and not by ours", async () => {
  const forged = { type: 'EXPIRE', dst: 'victim' };
  stock = await startStock();
  const hit = await victim(stock);
  (await attacker(stock, 'host')).send(forged);
  expect(await hit.next()).toMatchObject({ type: 'EXPIRE', src: 'host' });
  const spared = await victim(ours);
  const mallory = await attacker(ours, 'host');
  mallory.send(forged);
  await mallory.settle();
  await spared.settle();
  for (const client of [mallory, spared]) client.close();
});

test('answers, candidates and LEAVEs of strangers reach anyone on the stock server, and nobody on ours', async () => {
  const unasked = [answer('victim'), candidate('victim'), { type: 'LEAVE', dst: 'victim' }];
  stock = await startStock();
  const hit = await victim(stock);
  const mallory = await attacker(stock);
  for (const frame of unasked) mallory.send(frame);
  for (const { type } of unasked) expect(await hit.next()).toMatchObject({ type, src: 'mallory' });
  const spared = await victim(ours);
  const again = await attacker(ours);
  for (const frame of unasked) again.send(frame);
  expect(await again.next()).toMatchObject({ type: 'EXPIRE', src: 'victim' });
  await again.settle();
  await spared.settle();
  for (const client of [again, spared]) client.close();
});

test('a 20 MB frame goes through the stock server to whom it is sent; ours ends its sender', async () => {
  const huge = offer('victim', { metadata: 'x'.repeat(20_000_000) });
  stock = await startStock();
  const hit = await victim(stock);
  (await attacker(stock)).send(huge);
  expect(JSON.stringify(await hit.next()).length).toBeGreaterThan(20_000_000);
  const spared = await victim(ours);
  await whileHonestPlay(ours, async () => {
    const mallory = await attacker(ours);
    mallory.send(huge);
    // 1009: too big; or the connection was ended while most of it was still to come.
    expect([1006, 1009]).toContain(await mallory.closed());
  });
  await spared.settle();
  spared.close();
});

test('a message in a million parts is held together by the stock server; ours ends its sender', async () => {
  stock = await startStock();
  const patient = await attacker(stock);
  for (let i = 0; i < 5000; i++) patient.webSocket.send('x', { fin: false });
  patient.webSocket.ping();
  await once(patient.webSocket, 'pong');
  await whileHonestPlay(ours, async () => {
    const mallory = await attacker(ours);
    for (let i = 0; i < 5000; i++) mallory.webSocket.send('x', { fin: false });
    expect([1006, 1008]).toContain(await mallory.closed());
  });
});

test('a destination that is no id is queued by the stock server, and dropped by ours', async () => {
  stock = await startStock();
  const mallory = await attacker(stock);
  for (const dst of [['victim'], { id: 'victim' }, 7, 'x'.repeat(1000)]) mallory.send({ ...offer('victim'), dst });
  // Five seconds later it gives each of them up, one after the other: it had kept them all.
  for (let i = 0; i < 4; i++) expect(await mallory.next()).toMatchObject({ type: 'EXPIRE' });
  const again = await attacker(ours);
  for (const dst of [['victim'], { id: 'victim' }, 7, 'x'.repeat(1000)]) again.send({ ...offer('victim'), dst });
  await again.settle();
  again.close();
});

test('the stock server keeps what is sent to nobody, and gives it to whoever takes that name; ours says at once that nobody is there', async () => {
  stock = await startStock();
  const mallory = await attacker(stock);
  for (let i = 0; i < 1000; i++) mallory.send(offer('not-yet-there', { metadata: i }));
  mallory.webSocket.ping();
  await once(mallory.webSocket, 'pong');
  const newcomer = await SignalClient.open(stock.port, { id: 'not-yet-there', from: VICTIM });
  await until(() => newcomer.waiting >= 1000);
  await whileHonestPlay(ours, async () => {
    const again = await attacker(ours);
    for (let i = 0; i < 100; i++) again.send(offer('not-yet-there', { metadata: i }));
    for (let i = 0; i < 100; i++) expect(await again.next()).toMatchObject({ type: 'EXPIRE', src: 'not-yet-there' });
    const unharmed = await SignalClient.open(ours.port, { id: 'not-yet-there', from: VICTIM });
    await unharmed.settle();
    for (const client of [again, unharmed]) client.close();
  });
});

test('after all of it ours is the same process, and has said nothing but that it is ready', async () => {
  expect(ours.isAlive).toBe(true);
  expect(await doesRelay(ours, 'afterwards')).toBe(true);
  expect(ours.output.trim().split('\n')).toHaveLength(1);
});
