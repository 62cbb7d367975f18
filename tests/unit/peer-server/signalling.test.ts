/** Signalling over real WebSockets: registration, relaying, and everything a broken or hostile client can do. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { type Health, type RunningServer, startServer } from '../../../peer-server/server.ts';
import { answer, candidate, offer, SignalClient } from './signal-client.ts';

let server: RunningServer;

beforeEach(async () => {
  server = await startServer({ port: 0, host: '127.0.0.1', iceServers: [], peersMax: 20 });
});
afterEach(() => server.close());

const open = (id: string, token = `token-of-${id}`): Promise<SignalClient> => SignalClient.open(server.port, { id, token });

async function health(): Promise<Health> {
  return (await (await fetch(`${server.url}/healthz`)).json()) as Health;
}

/** Offer, answer and candidates between two fresh clients. */
async function expectHonestPairSignals(name: string): Promise<void> {
  const [ada, bob] = await Promise.all([open(`${name}-a`), open(`${name}-b`)]);
  ada.send(offer(`${name}-b`));
  ada.send(candidate(`${name}-b`));
  expect(await bob.next()).toEqual({ ...offer(`${name}-b`), src: `${name}-a` });
  expect(await bob.next()).toEqual({ ...candidate(`${name}-b`), src: `${name}-a` });
  bob.send(answer(`${name}-a`));
  expect(await ada.next()).toEqual({ ...answer(`${name}-a`), src: `${name}-b` });
  ada.close();
  bob.close();
}

test('a client that gives id, token and key is greeted with OPEN and counted', async () => {
  await open('ada');
  await open('bob');
  expect(await health()).toMatchObject({ peers: 2, malformedFrames: 0 });
});

test('offers, answers and candidates are relayed with the true sender, whatever the frame says', async () => {
  await expectHonestPairSignals('pair');
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.send({ ...offer('bob'), src: 'somebody-else' });
  expect(await bob.next()).toEqual({ ...offer('bob'), src: 'ada' });
  expect(await health()).toMatchObject({ relayedFrames: 4 });
});

test('LEAVE to a peer is relayed', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.send({ type: 'LEAVE', dst: 'bob' });
  expect(await bob.next()).toMatchObject({ type: 'LEAVE', src: 'ada' });
  await ada.settle();
});

test('an offer to a peer that is not there is answered with EXPIRE at once', async () => {
  const ada = await open('ada');
  ada.send(offer('nobody'));
  expect(await ada.next()).toEqual({ type: 'EXPIRE', src: 'nobody', dst: 'ada' });
});

test('nothing is kept for a peer that is not there', async () => {
  const ada = await open('ada');
  for (let i = 0; i < 100; i++) ada.send(candidate('bob'));
  await ada.settle();
  expect(await health()).toMatchObject({ relayedFrames: 0, unroutableFrames: 101 });
  const bob = await open('bob');
  await bob.settle();
});

test('a wrong key is refused with an ERROR', async () => {
  const client = new SignalClient(server.port, { key: 'wrong' });
  expect(await client.next()).toMatchObject({ type: 'ERROR', payload: { msg: 'Invalid key provided' } });
  await client.closed();
  expect(await health()).toMatchObject({ peers: 0 });
});

test('missing, malformed and oversized parameters are refused with an ERROR', async () => {
  const long = 'a'.repeat(65);
  const queries = ['', 'key=peerjs', 'key=peerjs&id=a', 'id=a&token=t', `key=peerjs&id=${long}&token=t`, `key=peerjs&id=a&token=${long}`];
  queries.push(
    'key=peerjs&id=%3Cb%3E&token=t',
    'key=peerjs&id=a%20b&token=t',
    'key=peerjs&id=-a&token=t',
    'key=peerjs&id=a&token=t%0A',
    'key=peerjs&id=%00&token=t',
  );
  for (const query of queries) {
    const client = new SignalClient(server.port, { query });
    expect(await client.next()).toMatchObject({ type: 'ERROR' });
    expect(await client.closed()).toBe(1008);
  }
  expect(await health()).toMatchObject({ peers: 0 });
});

test('a repeated parameter cannot smuggle in a second id', async () => {
  await SignalClient.open(server.port, { query: 'key=peerjs&id=ada&token=t&id=%3Cb%3E&token=u' });
  const bob = await open('bob');
  bob.send(offer('ada'));
  bob.send({ ...offer('ada'), dst: '<b>' });
  await bob.settle();
  expect(await health()).toMatchObject({ relayedFrames: 1, malformedFrames: 1 });
});

test('an id is taken while its client is there, for anyone with another token', async () => {
  const ada = await open('ada');
  const thief = new SignalClient(server.port, { id: 'ada', token: 'other' });
  expect(await thief.next()).toMatchObject({ type: 'ID-TAKEN' });
  await thief.closed();
  await ada.settle();
});

test('an id is free again when its client has gone', async () => {
  const ada = await open('ada', 'one');
  ada.close();
  await vi.waitFor(async () => expect(await health()).toMatchObject({ peers: 0 }));
  await open('ada', 'two');
});

test('a client that comes back with its token gets OPEN and replaces its old socket', async () => {
  const before = await open('ada');
  const after = await open('ada');
  await before.closed();
  const bob = await open('bob');
  bob.send(offer('ada'));
  expect(await after.next()).toMatchObject({ type: 'OFFER', src: 'bob' });
  await after.settle();
  expect(await health()).toMatchObject({ peers: 2 });
});

test('a wrong key does not push a registered client out', async () => {
  const ada = await open('ada', 'token');
  const stranger = new SignalClient(server.port, { id: 'ada', token: 'token', key: 'wrong' });
  expect(await stranger.next()).toMatchObject({ type: 'ERROR' });
  await ada.settle();
});

test('LEAVE without a destination frees the id and leaves no ghost behind', async () => {
  const ghost = await open('ada', 'one');
  const bob = await open('bob');
  ghost.send({ type: 'LEAVE' });
  ghost.send(offer('bob'));
  await ghost.closed();
  await open('ada', 'two');
  await bob.settle();
  expect(await health()).toMatchObject({ peers: 2, relayedFrames: 0 });
});

test('frames off the allow-list are counted and reach nobody', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  for (const type of ['OPEN', 'EXPIRE', 'ERROR', 'ID-TAKEN', 'INVALID-KEY', 'WHATEVER']) ada.send({ ...offer('bob'), type });
  await ada.settle();
  await bob.settle();
  expect(await health()).toMatchObject({ malformedFrames: 6, relayedFrames: 0 });
});

test('a payload too deep for JSON.stringify does not throw its receiver out', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.sendRaw(`{"type":"CANDIDATE","dst":"bob","payload":{"connectionId":"c","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`);
  await ada.settle();
  await bob.settle();
  expect(await health()).toMatchObject({ peers: 2, malformedFrames: 1 });
});

test('an oversized frame is counted and ends its own socket only', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.sendRaw('x'.repeat(65_537));
  expect(await ada.closed()).toBe(1009);
  await bob.settle();
  expect(await health()).toMatchObject({ peers: 1, malformedFrames: 1 });
});

test('thousands of malformed frames are counted, none crashes, and an honest pair still signals', async () => {
  const seed = 20_261_121;
  const rng = new Sfc32(seed);
  const valid = JSON.stringify(offer('honest-b'));
  const makers: (() => string | Uint8Array)[] = [
    () => Uint8Array.from({ length: rng.below(300) }, () => rng.below(256)),
    () => String.fromCharCode(...Array.from({ length: rng.below(100) }, () => 32 + rng.below(90))),
    () => valid.slice(0, rng.below(valid.length)),
    () => JSON.stringify({ type: ['OFFER', 'ANSWER', 'CANDIDATE'][rng.below(3)], dst: rng.below(2) === 0 ? rng.u32() : 'honest-b' }),
    () => JSON.stringify([null, 7, [], {}, 'x', true][rng.below(6)]),
  ];
  const clients = await Promise.all(Array.from({ length: 6 }, (_, i) => open(`fuzz-${i}`)));
  const framesEach = 900;
  for (let i = 0; i < framesEach; i++) for (const client of clients) client.sendRaw(makers[rng.below(makers.length)]!());
  await expectHonestPairSignals('honest');
  await Promise.all(clients.map((client) => client.settle()));
  expect(await health(), `seed ${seed}`).toMatchObject({
    status: 'ok',
    peers: expect.any(Number),
    malformedFrames: 6 * framesEach,
    relayedFrames: 3,
  });
});

test('a client that sends nothing but malformed frames is cut off', async () => {
  const ada = await open('ada');
  for (let i = 0; i < 1000; i++) ada.sendRaw('{');
  expect(await ada.closed()).toBe(1008);
  expect(await health()).toMatchObject({ peers: 0, malformedFrames: 1000 });
});

test('violations of the WebSocket protocol itself end that socket only', async () => {
  const bob = await open('bob');
  const raw = connect(server.port, '127.0.0.1');
  raw.write('GET /peerjs?key=peerjs&id=raw&token=t HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n');
  raw.write('Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n');
  await once(raw, 'data');
  // Reserved bits, an unknown opcode and no mask.
  raw.write(Uint8Array.of(0xff, 0x05, 1, 2, 3, 4, 5));
  raw.resume();
  await once(raw, 'close');
  await bob.settle();
  expect(await health()).toMatchObject({ peers: 1, malformedFrames: 1 });
});

test('a receiver that does not read costs bounded memory, and the sender goes on', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  bob.webSocket.pause();
  const large = offer('bob', { metadata: 'x'.repeat(60_000) });
  await vi.waitFor(
    async () => {
      for (let i = 0; i < 100; i++) ada.send(large);
      await ada.settle();
      expect((await health()).droppedFrames).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 1 },
  );
  await expectHonestPairSignals('others');
});

test('clients beyond the limit are refused with an ERROR', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, i) => open(`peer-${i}`)));
  const late = new SignalClient(server.port, { id: 'late' });
  expect(await late.next()).toMatchObject({ type: 'ERROR', payload: { msg: expect.stringMatching('limit') } });
  await late.closed();
  expect(await health()).toMatchObject({ peers: 20 });
});

test('WebSockets at other paths are refused', async () => {
  for (const path of ['/', '/peerjs/', '/peerjs/peerjs', '/other', '//', '/%zz']) {
    const webSocket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
    const [error] = (await once(webSocket, 'error')) as [Error];
    expect(error.message).toMatch(/40[04]/);
  }
});

test("the PeerJS server's own HTTP routes are not served", async () => {
  for (const path of ['/peerjs/id', '/peerjs/peers', '/anything/id', '/anything/peers'])
    expect((await fetch(server.url + path)).status).toBe(404);
});
