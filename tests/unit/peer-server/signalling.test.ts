/** Signalling over real WebSockets: registration, relaying, and everything a broken or hostile client can do. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { Limits } from '../../../peer-server/limits/limits.ts';
import { origins } from '../../../peer-server/origins.ts';
import { LocalPeerRouter } from '../../../peer-server/peer-router.ts';
import type { SignallingCounters } from '../../../peer-server/signalling.ts';
import { answer, candidate, offer, SignalClient } from './signal-client.ts';
import { type SignalServer, startSignalServer } from './signal-server.ts';

let server: SignalServer;
/** The time by which lost clients' ids are held. */
let nowMs: number;

beforeEach(async () => {
  nowMs = 0;
  server = await startSignalServer({ peersMax: 20, router: new LocalPeerRouter(() => nowMs) });
});
afterEach(() => server.close());

const open = (id: string, token = `token-of-${id}`): Promise<SignalClient> => SignalClient.open(server.port, { id, token });

function health(): SignallingCounters & { readonly peers: number } {
  return { ...server.signalling.counters, peers: server.signalling.peers };
}

/** Two clients with an offer between them. */
async function openPair(): Promise<{ ada: SignalClient; bob: SignalClient }> {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.send(offer('bob'));
  await bob.next();
  return { ada, bob };
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
  expect(health()).toMatchObject({ peers: 2, malformedFrames: 0 });
});

test('offers, answers and candidates are relayed with the true sender, whatever the frame says', async () => {
  await expectHonestPairSignals('pair');
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.send({ ...offer('bob'), src: 'somebody-else' });
  expect(await bob.next()).toEqual({ ...offer('bob'), src: 'ada' });
  expect(health()).toMatchObject({ relayedFrames: 4 });
});

test('a second payload or sender in the same frame reaches nobody, not even as text', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  const texts: string[] = [];
  bob.webSocket.on('message', (data) => texts.push((data as Buffer).toString()));
  const { payload } = offer('bob');
  const whole = JSON.stringify(payload);
  ada.sendRaw(`{"type":"OFFER","payload":{"connectionId":"hidden"},"payload":${whole},"dst":"bob"}`);
  ada.sendRaw(`{"type":"OFFER","payload":${whole},"src":"hidden","dst":"bob"}`);
  ada.sendRaw(`{"type":"OFFER","payload":${whole},"dst":"bob"}`);
  for (let i = 0; i < 3; i++) expect(await bob.next()).toEqual({ type: 'OFFER', src: 'ada', dst: 'bob', payload });
  expect(texts).toEqual(Array.from({ length: 3 }, () => JSON.stringify({ type: 'OFFER', src: 'ada', dst: 'bob', payload })));
});

test('LEAVE to a peer is relayed', async () => {
  const { ada, bob } = await openPair();
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
  expect(await ada.next()).toEqual({ type: 'EXPIRE', src: 'bob', dst: 'ada' });
  await ada.settle();
  expect(health()).toMatchObject({ relayedFrames: 0, unroutableFrames: 101 });
  const bob = await open('bob');
  await bob.settle();
});

test('a wrong key is refused with an ERROR', async () => {
  const client = new SignalClient(server.port, { key: 'wrong' });
  expect(await client.next()).toMatchObject({ type: 'ERROR', payload: { msg: 'Invalid key provided' } });
  await client.closed();
  expect(health()).toMatchObject({ peers: 0 });
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
  expect(health()).toMatchObject({ peers: 0 });
});

test('a repeated parameter cannot smuggle in a second id', async () => {
  await SignalClient.open(server.port, { query: 'key=peerjs&id=ada&token=t&id=%3Cb%3E&token=u' });
  const bob = await open('bob');
  bob.send(offer('ada'));
  bob.send({ ...offer('ada'), dst: '<b>' });
  await bob.settle();
  expect(health()).toMatchObject({ relayedFrames: 1, malformedFrames: 1 });
});

test('an id is taken while its client is there, for anyone with another token', async () => {
  const ada = await open('ada');
  const thief = new SignalClient(server.port, { id: 'ada', token: 'other' });
  expect(await thief.next()).toMatchObject({ type: 'ID-TAKEN' });
  await thief.closed();
  await ada.settle();
});

test('an id is free at once when its client has said goodbye', async () => {
  const ada = await open('ada', 'one');
  await ada.leave();
  await open('ada', 'two');
});

test('the id of a client that was lost is kept for its token, for a while', async () => {
  (await open('ada', 'one')).close();
  await vi.waitFor(() => expect(health()).toMatchObject({ peers: 0 }));
  const thief = new SignalClient(server.port, { id: 'ada', token: 'two' });
  expect(await thief.next()).toMatchObject({ type: 'ID-TAKEN' });
  await thief.closed();
  (await open('ada', 'one')).close();
  await vi.waitFor(() => expect(health()).toMatchObject({ peers: 0 }));
  nowMs += 60_000;
  await open('ada', 'two');
  expect(server.refusals).toEqual(['peer-id-taken']);
});

test('a client that comes back with its token gets OPEN and replaces its old socket', async () => {
  const before = await open('ada');
  const after = await open('ada');
  await before.closed();
  const bob = await open('bob');
  bob.send(offer('ada'));
  expect(await after.next()).toMatchObject({ type: 'OFFER', src: 'bob' });
  await after.settle();
  expect(health()).toMatchObject({ peers: 2 });
});

test('a wrong key does not push a registered client out', async () => {
  const ada = await open('ada', 'token');
  const stranger = new SignalClient(server.port, { id: 'ada', token: 'token', key: 'wrong' });
  expect(await stranger.next()).toMatchObject({ type: 'ERROR' });
  await ada.settle();
});

test('a client that comes back goes on with what it had begun', async () => {
  const { ada, bob } = await openPair();
  const again = await open('bob');
  await bob.closed();
  again.send(answer('ada'));
  expect(await ada.next()).toMatchObject({ type: 'ANSWER', src: 'bob' });
});

test('answers, candidates and LEAVEs reach only those with whom there was an offer', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  for (const frame of [answer('bob'), candidate('bob'), candidate('bob'), { type: 'LEAVE', dst: 'bob' }]) ada.send(frame);
  expect(await ada.next()).toEqual({ type: 'EXPIRE', src: 'bob', dst: 'ada' });
  await ada.settle();
  ada.send(offer('bob'));
  expect(await bob.next()).toMatchObject({ type: 'OFFER' });
  // An offer entitles to candidates, but not to an answer.
  ada.send(answer('bob'));
  expect(await ada.next()).toEqual({ type: 'EXPIRE', src: 'bob', dst: 'ada' });
  bob.send(answer('ada'));
  bob.send(candidate('ada'));
  expect(await ada.next()).toMatchObject({ type: 'ANSWER' });
  expect(await ada.next()).toMatchObject({ type: 'CANDIDATE' });
  expect(bob.waiting).toBe(0);
  expect(health()).toMatchObject({ relayedFrames: 3, unroutableFrames: 6 });
});

test('nobody can signal to itself', async () => {
  const ada = await open('ada');
  ada.send(offer('ada'));
  expect(await ada.next()).toEqual({ type: 'EXPIRE', src: 'ada', dst: 'ada' });
});

test('who waits for an answer is told at once when the other is gone', async () => {
  const { ada, bob } = await openPair();
  bob.close();
  expect(await ada.next()).toEqual({ type: 'EXPIRE', src: 'bob', dst: 'ada' });
  for (let i = 0; i < 20; i++) ada.send(candidate('bob'));
  await ada.settle();
});

test('who had its answer is not: a connection needs no broker', async () => {
  const { ada, bob } = await openPair();
  bob.send(answer('ada'));
  expect(await ada.next()).toMatchObject({ type: 'ANSWER' });
  bob.close();
  await vi.waitFor(() => expect(health()).toMatchObject({ peers: 1 }));
  await ada.settle();
  // A late candidate is: EXPIRE once, and never LEAVE, on which PeerJS closes what is open.
  ada.send(candidate('bob'));
  ada.send(candidate('bob'));
  expect(await ada.next()).toEqual({ type: 'EXPIRE', src: 'bob', dst: 'ada' });
  await ada.settle();
});

test('what PeerJS sends before it is greeted is not lost', async () => {
  const bob = await open('bob');
  const ada = new SignalClient(server.port, { id: 'ada' });
  ada.webSocket.on('open', () => {
    ada.send(offer('bob'));
    ada.send(candidate('bob'));
  });
  expect(await ada.next()).toEqual({ type: 'OPEN' });
  expect(await bob.next()).toMatchObject({ type: 'OFFER', src: 'ada' });
  expect(await bob.next()).toMatchObject({ type: 'CANDIDATE', src: 'ada' });
});

test('LEAVE without a destination frees the id and leaves no ghost behind', async () => {
  const ghost = await open('ada', 'one');
  const bob = await open('bob');
  ghost.send({ type: 'LEAVE' });
  ghost.send(offer('bob'));
  await ghost.closed();
  await open('ada', 'two');
  await bob.settle();
  expect(health()).toMatchObject({ peers: 2, relayedFrames: 0 });
});

test('frames off the allow-list are counted and reach nobody', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  for (const type of ['OPEN', 'EXPIRE', 'ERROR', 'ID-TAKEN', 'INVALID-KEY', 'WHATEVER']) ada.send({ ...offer('bob'), type });
  await ada.settle();
  await bob.settle();
  expect(health()).toMatchObject({ malformedFrames: 6, relayedFrames: 0 });
});

test('a payload too deep for JSON.stringify does not throw its receiver out', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.sendRaw(`{"type":"CANDIDATE","dst":"bob","payload":{"connectionId":"c","x":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`);
  await ada.settle();
  await bob.settle();
  expect(health()).toMatchObject({ peers: 2, malformedFrames: 1 });
});

test('an oversized frame is counted and ends its own socket only', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  ada.sendRaw('x'.repeat(65_537));
  expect(await ada.closed()).toBe(1009);
  await bob.settle();
  expect(health()).toMatchObject({ peers: 1, malformedFrames: 1 });
});

test('a client stays while its heartbeats come, and is gone 90 s after the last one', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  // The clock alone: sockets and timers are real.
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    vi.setSystemTime(Date.now() + 60_000);
    ada.send({ type: 'HEARTBEAT' });
    await ada.settle();
    vi.setSystemTime(Date.now() + 60_000);
    await bob.closed();
    await ada.settle();
    expect(health()).toMatchObject({ peers: 1 });
  } finally {
    vi.useRealTimers();
  }
});

test('clients are greeted and find each other however many there are, and go and come again', async () => {
  await server.close();
  // More than one PeerJS server inside takes.
  const count = 600;
  server = await startSignalServer({ peersMax: count });
  for (let round = 0; round < 2; round++) {
    const clients = await Promise.all(Array.from({ length: count }, (_, i) => open(`peer-${i}`)));
    expect(health()).toMatchObject({ peers: count });
    clients[0]!.send(offer(`peer-${count - 1}`));
    expect(await clients[count - 1]!.next()).toMatchObject({ type: 'OFFER', src: 'peer-0' });
    await Promise.all(clients.map((client) => client.leave()));
    await vi.waitFor(() => expect(health()).toMatchObject({ peers: 0 }));
  }
});

test('many malformed frames are counted, none crashes, and an honest pair still signals', async () => {
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
  const clients = await Promise.all(Array.from({ length: 18 }, (_, i) => open(`fuzz-${i}`)));
  const framesEach = 99;
  for (let i = 0; i < framesEach; i++) for (const client of clients) client.sendRaw(makers[rng.below(makers.length)]!());
  await expectHonestPairSignals('honest');
  await Promise.all(clients.map((client) => client.settle()));
  expect(health(), `seed ${seed}`).toMatchObject({
    malformedFrames: 18 * framesEach,
    relayedFrames: 3,
  });
});

test('a client that sends nothing but malformed frames is cut off', async () => {
  const ada = await open('ada');
  for (let i = 0; i < 100; i++) ada.sendRaw('{');
  expect(await ada.closed()).toBe(1008);
  expect(health()).toMatchObject({ peers: 0, malformedFrames: 100 });
  expect(server.refusals).toEqual(['malformed-flood']);
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
  expect(health()).toMatchObject({ peers: 1, malformedFrames: 1 });
});

test('a receiver that does not read costs bounded memory, and the sender goes on', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  bob.webSocket.pause();
  const large = offer('bob', { metadata: 'x'.repeat(60_000) });
  await vi.waitFor(
    async () => {
      for (let i = 0; i < 100; i++) ada.send(large);
      await ada.settle();
      expect(health().droppedFrames).toBeGreaterThan(0);
    },
    { timeout: 20_000, interval: 1 },
  );
  await expectHonestPairSignals('others');
});

test('a receiver that reads nothing for long is dropped, and its id is kept for it', async () => {
  await server.close();
  server = await startSignalServer({ slowConsumerMs: 200 });
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  bob.webSocket.pause();
  const large = offer('bob', { metadata: 'x'.repeat(60_000) });
  await vi.waitFor(
    async () => {
      for (let i = 0; i < 50 && health().peers === 2; i++) ada.send(large);
      // While bob is there, ada hears nothing but what she asked for; then she is told.
      expect(health().peers).toBe(1);
    },
    { timeout: 20_000, interval: 20 },
  );
  expect(server.refusals).toEqual(['slow-consumer']);
  ada.close();
  const thief = new SignalClient(server.port, { id: 'bob', token: 'other' });
  expect(await thief.next()).toMatchObject({ type: 'ID-TAKEN' });
  bob.close();
});

test('clients beyond the limit are refused with an ERROR, but not one that comes back', async () => {
  await Promise.all(Array.from({ length: 20 }, (_, i) => open(`peer-${i}`)));
  const late = new SignalClient(server.port, { id: 'late' });
  expect(await late.next()).toMatchObject({ type: 'ERROR', payload: { msg: expect.stringMatching('limit') } });
  await late.closed();
  await open('peer-7');
  expect(health()).toMatchObject({ peers: 20 });
  expect(server.refusals).toEqual(['too-many-peers']);
});

test('pages of other sites are refused, and programs that name no page are not', async () => {
  const own = `http://127.0.0.1:${server.port}`;
  await SignalClient.open(server.port, { id: 'own', origin: own });
  for (const origin of [
    'https://evil.example',
    'null',
    `${own}.evil.example`,
    `http://127.0.0.1:${server.port + 1}`,
    'file://',
    'x'.repeat(5000),
  ]) {
    const foreign = new SignalClient(server.port, { id: 'foreign', origin });
    await foreign.closed();
    expect(foreign.refusedWith, origin).toBe(403);
  }
  await server.close();
  server = await startSignalServer({ origins: origins({ allowed: ['https://game.example'] }) });
  await SignalClient.open(server.port, { id: 'listed', origin: 'https://game.example' });
  await SignalClient.open(server.port, { id: 'program' });
});

test('an address has a number of sockets, and its place is given back when one ends', async () => {
  await server.close();
  const limits = new Limits({ nowMs: () => performance.now(), rules: { sockets: 3 } });
  server = await startSignalServer({ limits });
  const three = await Promise.all(['a', 'b', 'c'].map((id) => open(id)));
  const fourth = new SignalClient(server.port, { id: 'd' });
  await fourth.closed();
  expect(fourth.refusedWith).toBe(429);
  await SignalClient.open(server.port, { id: 'e', from: '127.0.0.2' });
  three[0]!.close();
  await vi.waitFor(() => open('d'));
  // An upgrade that fails holds no place either.
  for (let i = 0; i < 5; i++) {
    const raw = connect({ port: server.port, host: '127.0.0.1', localAddress: '127.0.0.3' });
    raw.end('GET /peerjs?key=peerjs&id=x&token=t HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n');
    raw.resume();
    await once(raw, 'close');
  }
  await SignalClient.open(server.port, { id: 'f', from: '127.0.0.3' });
  expect(server.refusals).toEqual(expect.arrayContaining(['too-many-sockets']));
});

test('a client over its budget is read no further for a while, and nothing it said is lost', async () => {
  await server.close();
  const limits = new Limits({ nowMs: () => performance.now(), rules: { peerFrames: { burst: 30, perSecond: 200 } } });
  server = await startSignalServer({ limits });
  const { ada, bob } = await openPair();
  for (let i = 0; i < 200; i++) ada.send({ ...candidate('bob'), payload: { connectionId: `c${i}` } });
  for (let i = 0; i < 200; i++) expect(await bob.next()).toMatchObject({ payload: { connectionId: `c${i}` } });
  expect(limits.counters.overdrawnFrames).toBeGreaterThan(0);
  await ada.settle();
});

test('a client in debt gets nothing through, not even what has arrived already', async () => {
  await server.close();
  const limits = new Limits({ nowMs: () => performance.now(), rules: { peerFrames: { burst: 30, perSecond: 0.01 } } });
  server = await startSignalServer({ limits });
  const { ada, bob } = await openPair();
  for (let i = 0; i < 200; i++) ada.send(candidate('bob'));
  await vi.waitFor(() => expect(limits.counters.overdrawnFrames).toBeGreaterThan(0));
  await bob.settleAmongOthers();
  // The offer was ten frames' worth; the one that makes the debt still passes.
  expect(bob.waiting).toBe(21);
});

test('a ping is answered, and counts', async () => {
  await server.close();
  const limits = new Limits({ nowMs: () => performance.now(), rules: { peerFrames: { burst: 10, perSecond: 100 } } });
  server = await startSignalServer({ limits });
  const ada = await open('ada');
  const pongs: string[] = [];
  ada.webSocket.on('pong', (data) => pongs.push(String(data)));
  for (let i = 0; i < 30; i++) ada.webSocket.ping(String(i));
  await vi.waitFor(() => expect(pongs).toEqual(Array.from({ length: 30 }, (_, i) => String(i))));
  expect(limits.counters.overdrawnFrames).toBeGreaterThan(0);
});

test('a message in too many parts ends its socket', async () => {
  const [ada, bob] = await Promise.all([open('ada'), open('bob')]);
  for (let i = 0; i < 100; i++) ada.webSocket.send('x', { fin: false });
  expect(await ada.closed()).toBe(1008);
  await bob.settle();
});

test('a drain takes nobody in, and tells everybody to come back elsewhere', async () => {
  const clients = await Promise.all(Array.from({ length: 10 }, (_, i) => open(`peer-${i}`)));
  const drained = server.signalling.drain(200);
  const late = new SignalClient(server.port, { id: 'late' });
  expect(await Promise.all(clients.map((client) => client.closed()))).toEqual(clients.map(() => 1012));
  await late.closed();
  expect(late.refusedWith).toBe(503);
  await drained;
  expect(server.signalling.peers).toBe(0);
});

test('a drain does not wait for those who do not answer', async () => {
  const ada = await open('ada');
  ada.webSocket.pause();
  await server.signalling.drain(0);
  expect(server.signalling.peers).toBe(0);
});

test('WebSockets at other paths are refused', async () => {
  for (const path of ['/', '/peerjs/', '/peerjs/peerjs', '/other', '//', '/%zz']) {
    const webSocket = new WebSocket(`ws://127.0.0.1:${server.port}${path}`);
    const [error] = (await once(webSocket, 'error')) as [Error];
    expect(error.message).toMatch(/40[04]/);
  }
});
