/** What a broken or hostile relay can do to a player, and what strangers can do to a host that allows one. The relay is a plain WebSocket server. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { VirtualClock } from '../../netcode/core/clock.ts';
import type { PeerId } from '../../netcode/core/ids.ts';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import { RelayTransport } from '../../netcode/transport/relay-transport.ts';
import type { Link } from '../../netcode/transport/transport.ts';
import { readRelayHello, RELAY_CONTROL, RELAY_STATE, type RelayHello, writeRelayCredit } from '../../netcode/wire/relay.ts';
import { until } from './raw-link.ts';

/** Goes on when a test says so. */
const clock = new VirtualClock();
const CODE = 'K7QX2M';
const HOST = 'the-host' as PeerId;
const PASS = { code: CODE, ownerToken: 'o'.repeat(22) };
const pairOf = (n: number): string => String(n).padStart(22, '0');

let server: WebSocketServer;
let url: string;
/** What the relay does with a hello. */
let answer: (socket: WebSocket, hello: RelayHello) => void;
const hellos: RelayHello[] = [];
const offers: { remoteId: PeerId; pair: string }[] = [];
let relay: RelayTransport;

beforeAll(async () => {
  // Sets up the WebSocket global, as for every transport in Node.
  await createNodePeerTransport({ brokerUrl: 'http://127.0.0.1:9', ice: { iceServers: [] }, clock }).catch(() => undefined);
  server = new WebSocketServer({ host: '127.0.0.1', port: 0, path: '/prefix/relay' });
  server.on('connection', (socket) => {
    socket.once('message', (data) => {
      const hello = readRelayHello((data as Buffer).toString());
      if (hello === undefined) throw new Error('no hello');
      hellos.push(hello);
      answer(socket, hello);
    });
  });
  await new Promise((done) => server.once('listening', done));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/prefix/`;
});
beforeEach(() => {
  hellos.length = 0;
  offers.length = 0;
  relay = new RelayTransport({
    localId: 'me' as PeerId,
    clock,
    brokerUrl: url,
    isReachable: () => true,
    offer: (remoteId, pair) => offers.push({ remoteId, pair }),
  });
});
afterEach(async () => {
  relay.close();
  await until(() => server.clients.size === 0);
});
afterAll(() => {
  server.close();
  shutdownNodePeerTransports();
});

const dial = (timeoutMs = 20_000): Promise<Link> => relay.connect(HOST, { timeoutMs, relay: { code: CODE } });
const paired = (socket: WebSocket): void => socket.send('{"type":"paired"}');

/** A link, and the relay's end of it. */
async function connected(): Promise<{ link: Link; socket: WebSocket; frames: Buffer[] }> {
  const frames: Buffer[] = [];
  let socket: WebSocket | undefined;
  answer = (asked) => {
    socket = asked;
    asked.on('message', (data) => frames.push(data as Buffer));
    paired(asked);
  };
  return { link: await dial(), socket: socket!, frames };
}

describe('a dial', () => {
  test('tells the host the name of the pair and the relay the code, and opens when the relay says so', async () => {
    const { link } = await connected();
    expect(hellos).toEqual([{ v: 1, role: 'guest', code: CODE, pair: offers[0]!.pair }]);
    expect([offers[0]!.remoteId, link.remoteId, link.path, link.isStream, link.end]).toEqual([HOST, HOST, 'relay', true, undefined]);
  });

  test.each(['not-allowed', 'unknown-code', 'not-owner', 'bad-request'])('that is refused as %s fails at once', async (reason) => {
    answer = (socket) => socket.send(JSON.stringify({ type: 'refused', reason, message: '' }));
    await expect(dial()).rejects.toMatchObject({ failure: 'unreachable' });
    expect(hellos.length).toBe(1);
  });

  test.each(['no-peer', 'busy', 'too-many', 'unavailable'])('that is refused as %s is tried again, under another name', async (reason) => {
    answer = (socket) => {
      if (hellos.length === 1) socket.send(JSON.stringify({ type: 'refused', reason, message: '' }));
      else paired(socket);
    };
    expect((await dial()).end).toBeUndefined();
    expect(hellos.length).toBe(2);
    expect(hellos[0]!.pair).not.toBe(hellos[1]!.pair);
  });

  test.each([
    ['says nothing', () => undefined],
    ['talks nonsense', (socket: WebSocket) => socket.send('{"type":"welcome"}')],
    ['sends frames before its answer', (socket: WebSocket) => [...Array(20)].forEach(() => socket.send(Uint8Array.of(1, 2)))],
  ])('of a relay that %s fails in time', async (_, act) => {
    answer = act;
    await expect(dial(300)).rejects.toMatchObject({ failure: 'unreachable' });
  });

  test('can be cancelled, before the socket is open too', async () => {
    answer = () => undefined;
    const controller = new AbortController();
    const dialling = relay.connect(HOST, { timeoutMs: 20_000, relay: { code: CODE }, signal: controller.signal });
    controller.abort();
    await expect(dialling).rejects.toMatchObject({ failure: 'cancelled' });
  });

  test('fails as soon as the broker knows nothing of the peer', async () => {
    answer = () => undefined;
    const dialling = dial();
    relay.forget('somebody-else' as PeerId);
    relay.forget(HOST);
    await expect(dialling).rejects.toMatchObject({ failure: 'peer-unknown' });
  });

  test('without a ticket, or to itself, fails', async () => {
    await expect(relay.connect(HOST, { timeoutMs: 1_000 })).rejects.toMatchObject({ failure: 'unreachable' });
    await expect(relay.connect('me' as PeerId, { timeoutMs: 1_000, relay: { code: CODE } })).rejects.toMatchObject({
      failure: 'peer-unknown',
    });
  });
});

describe('a link', () => {
  test('counts frames that are none, and ends when they go on', async () => {
    const { link, socket } = await connected();
    for (const frame of [[], [0], [1], [3, 1], [2, 1, 1]]) socket.send(Uint8Array.from(frame));
    socket.send(Uint8Array.of(RELAY_STATE, 7));
    await until(() => link.counters.statePacketsIn === 1);
    expect([link.counters.malformedDropped, link.end]).toEqual([5, undefined]);
    for (let i = 0; i < 4; i++) socket.send('text');
    await until(() => link.end !== undefined);
    expect(link.end).toBe('lost');
  });

  test('believes no credit for what it never sent', async () => {
    const { link, socket } = await connected();
    const credit = new Uint8Array(5);
    writeRelayCredit(credit, 5);
    socket.send(credit);
    await until(() => link.counters.malformedDropped === 1);
    expect(link.sendState(Uint8Array.of(1))).toBe(true);
    expect(link.stateBufferedBytes()).toBe(0);
  });

  test('without credit has the newest state waiting and no more, and says so', async () => {
    const { link, frames, socket } = await connected();
    let sent = 0;
    while (link.stateBufferedBytes() === 0) link.sendState(new Uint8Array(1_000).fill(++sent & 0xff));
    expect(sent).toBeLessThan(80);
    for (let i = 0; i < 10; i++) link.sendState(Uint8Array.of(101 + i));
    expect(link.stateBufferedBytes()).toBe(2);
    await until(() => frames.length === sent - 1);
    const credit = new Uint8Array(5);
    writeRelayCredit(credit, sent - 1);
    socket.send(credit);
    await until(() => frames.length === sent + 1);
    expect(frames.slice(-2).map((frame) => frame[1])).toEqual([109, 110]);
    expect(link.stateBufferedBytes()).toBe(0);
  });

  test('gives credit for each frame, also for those it has no room for', async () => {
    const { socket, frames } = await connected();
    for (let i = 0; i < 300; i++) socket.send(Uint8Array.of(RELAY_STATE, i & 0xff));
    await until(() => frames.length === 300);
    expect([...frames.at(-1)!]).toEqual([2, 300 & 0xff, 1, 0, 0]);
  });

  test('that is closed sends first what waited, whatever the window says', async () => {
    const { link, frames } = await connected();
    for (let i = 0; i < 30; i++) link.sendControl(new Uint8Array(16_000).fill(i));
    expect(link.stateBufferedBytes()).toBeGreaterThan(0);
    link.close();
    await until(() => frames.length === 30);
    expect(frames.map((frame) => [frame[0], frame[1]])).toEqual(frames.map((_, index) => [RELAY_CONTROL, index]));
    expect(link.end).toBe('closed-here');
  });

  test('is lost with its socket', async () => {
    const { link, socket } = await connected();
    socket.terminate();
    await until(() => link.end !== undefined);
    expect([link.end, link.sendState(Uint8Array.of(1)), link.sendControl(Uint8Array.of(1))]).toEqual(['lost', false, false]);
  });
});

describe('a host', () => {
  beforeEach(() => (answer = () => undefined));

  test('follows nobody to the relay before it allows it, nor after', async () => {
    expect(relay.takeOffer('guest' as PeerId, pairOf(1))).toBe(false);
    relay.allowRelay(PASS);
    expect(relay.takeOffer('guest' as PeerId, pairOf(2))).toBe(true);
    relay.allowRelay(undefined);
    expect(relay.takeOffer('guest' as PeerId, pairOf(3))).toBe(false);
    await until(() => hellos.length === 1);
    expect(hellos).toEqual([{ v: 1, role: 'host', pair: pairOf(2), ...PASS }]);
  });

  test('[PATH17] follows sixteen at a time, and more when these are through', async () => {
    relay.allowRelay(PASS);
    const taken = Array.from({ length: 40 }, (_, n) => relay.takeOffer(`guest-${n}` as PeerId, pairOf(n)));
    expect(taken.filter(Boolean).length).toBe(16);
    await until(() => hellos.length === 16);
    for (const socket of server.clients) paired(socket);
    const links: Link[] = [];
    await until(() => {
      const link = relay.accept();
      if (link !== undefined) links.push(link);
      return links.length === 16;
    });
    expect(relay.takeOffer('guest-40' as PeerId, pairOf(40))).toBe(true);
  });

  test('[PATH17] follows a peer again half a second after the last time, and waits for its last two alone', async () => {
    relay.allowRelay(PASS);
    const offer = (n: number) => relay.takeOffer('guest' as PeerId, pairOf(n));
    for (let n = 0; n < 10; n++) {
      expect(offer(n)).toBe(true);
      await until(() => hellos.length === n + 1);
      clock.advance(499);
      expect(offer(50 + n)).toBe(false);
      clock.advance(1);
    }
    await until(() => server.clients.size === 2);
    // Others have nothing to do with it.
    for (const other of ['a', 'b']) expect(relay.takeOffer(other as PeerId, pairOf(40))).toBe(true);
    await until(() => hellos.length === 12);
    answer = paired;
    expect(offer(99)).toBe(true);
    let link: Link | undefined;
    await until(() => (link = relay.accept()) !== undefined);
    expect(link!.remoteId).toBe('guest');
  });

  test('[PATH17] follows sixty-four at once, and then one in half a second, whoever they are: the broker counts its sockets', async () => {
    relay.allowRelay(PASS);
    answer = (socket) => socket.send('{"type":"refused","reason":"no-peer","message":""}');
    let taken = 0;
    /** Of so many offers, each of somebody else, when those before are over. */
    const takes = async (offers: number): Promise<number> => {
      const before = taken;
      for (let n = 0; n < offers; n++) if (relay.takeOffer(`guest-${taken}-${n}` as PeerId, pairOf(taken))) taken++;
      await until(() => hellos.length === taken && server.clients.size === 0);
      return taken - before;
    };
    for (let round = 0; round < 4; round++) expect(await takes(20)).toBe(16);
    expect(await takes(20)).toBe(0);
    clock.advance(499);
    expect(await takes(20)).toBe(0);
    clock.advance(1);
    expect(await takes(20)).toBe(1);
    clock.advance(2_000);
    expect(await takes(20)).toBe(4);
  });
});
