/**
 * What strangers and a broken broker can do to the PeerJS transport, on real WebRTC in Node. A broker that says anything is a plain
 * WebSocket server; a peer that does anything is PeerJS itself, used raw. Vitest fails the run on any unhandled error beside.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { once } from 'node:events';
import { WebSocket, WebSocketServer } from 'ws';
import type { PeerId } from '../../netcode/core/ids.ts';
import type { PeerTransport } from '../../netcode/transport/peerjs.ts';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import { relayOffer } from '../../netcode/transport/peerjs-signals.ts';
import { randomBase64 } from '../../netcode/transport/random-names.ts';
import { type Link, STATE_PACKET_BYTES_MAX } from '../../netcode/transport/transport.ts';
import { dataFrame, readPathFrame, stampData, writeHello } from '../../netcode/transport/path-frames.ts';
import { type RunningServer, startServer } from '../../peer-server/server.ts';
import { RawPeers, send, until } from './raw-link.ts';

const clock = { nowMs: () => performance.now() };
const transports: PeerTransport[] = [];

async function open(brokerUrl: string, signal?: AbortSignal): Promise<PeerTransport> {
  const transport = await createNodePeerTransport({
    brokerUrl,
    ice: { iceServers: [] },
    clock,
    ...(signal === undefined ? {} : { signal }),
  });
  transport.listen();
  transports.push(transport);
  return transport;
}

async function accepted(transport: PeerTransport): Promise<Link> {
  let link: Link | undefined;
  await until(() => (link = transport.accept()) !== undefined);
  return link!;
}

afterEach(() => {
  for (const transport of transports.splice(0)) transport.close();
});
afterAll(() => shutdownNodePeerTransports());

describe('a broker that says anything', () => {
  let server: WebSocketServer;
  let brokerUrl: string;
  let socket: WebSocket | undefined;
  let greeting: string | undefined;

  beforeAll(async () => {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', (webSocket) => {
      socket = webSocket;
      if (greeting !== undefined) webSocket.send(greeting);
    });
    await new Promise((done) => server.once('listening', done));
    brokerUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  });
  afterAll(() => {
    for (const client of server.clients) client.terminate();
    server.close();
  });

  const offer = {
    type: 'data',
    serialization: 'raw',
    reliable: true,
    label: 'control',
    connectionId: 'dc_1',
    sdp: { type: 'offer', sdp: 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n' },
  };
  const MALFORMED: unknown[] = [
    null,
    7,
    'text',
    [],
    {},
    { type: 'OFFER' },
    { type: 'ANSWER', src: 'a' },
    { type: 'CANDIDATE', src: 'a', payload: {} },
    { type: 'LEAVE' },
    { type: 'OFFER', src: 'a', payload: { ...offer, serialization: 'constructor' } },
    { type: 'OFFER', src: 'a', payload: { ...offer, serialization: 'binary' } },
    { type: 'OFFER', src: 'a', payload: { ...offer, serialization: undefined } },
    { type: 'OFFER', src: 'a', payload: { ...offer, type: 'media' } },
    { type: 'OFFER', src: 'a', payload: { ...offer, label: 'other' } },
    { type: 'OFFER', src: 'a', payload: { ...offer, sdp: null } },
    { type: 'OFFER', src: 'a', payload: { ...offer, sdp: { type: 'answer', sdp: 'v=0' } } },
    { type: 'OFFER', src: 'a', payload: { ...offer, sdp: { type: 'offer', sdp: 'x'.repeat(70_000) } } },
    { type: 'OFFER', src: '<b>', payload: offer },
    { type: 'OFFER', src: 'a'.repeat(65), payload: offer },
    { type: 'OFFER', src: 'a', payload: { ...offer, connectionId: '' } },
    {
      type: 'CANDIDATE',
      src: 'a',
      payload: { type: 'data', connectionId: 'dc_unknown', candidate: { candidate: 'x', sdpMid: '0', sdpMLineIndex: 0 } },
    },
    { type: 'ANSWER', src: 'a', payload: { type: 'data', connectionId: 'dc_unknown', sdp: { type: 'answer', sdp: 'v=0' } } },
  ];

  test('makes no link and does no harm with malformed frames, each counted', async () => {
    greeting = '{"type":"OPEN"}';
    const transport = await open(brokerUrl);
    for (const frame of MALFORMED) socket?.send(JSON.stringify(frame));
    await until(() => transport.malformedSignals === MALFORMED.length);
    expect([transport.accept(), transport.isReachable]).toEqual([undefined, true]);
  });

  test('cannot make more than sixteen pending connections, nor two of a kind', async () => {
    greeting = '{"type":"OPEN"}';
    const transport = await open(brokerUrl);
    for (let i = 0; i < 40; i++)
      socket?.send(JSON.stringify({ type: 'OFFER', src: `peer${i}`, payload: { ...offer, connectionId: `dc_${i}` } }));
    for (let i = 0; i < 5; i++) socket?.send(JSON.stringify({ type: 'OFFER', src: 'peer0', payload: { ...offer, connectionId: 'dc_0' } }));
    await until(() => transport.malformedSignals === 40 - 16 + 5);
    expect(transport.accept()).toBeUndefined();
  });

  test.each(['ID-TAKEN', 'INVALID-KEY', 'ERROR'])('that answers %s fails the opening with broker-unreachable', async (type) => {
    greeting = JSON.stringify({ type });
    await expect(open(brokerUrl)).rejects.toMatchObject({ name: 'DialError', failure: 'broker-unreachable' });
  });

  test('that says nothing can be given up by signal', async () => {
    greeting = undefined;
    const controller = new AbortController();
    const opening = open(brokerUrl, controller.signal);
    controller.abort();
    await expect(opening).rejects.toMatchObject({ failure: 'cancelled' });
  });
});

test('no broker at all fails the opening with broker-unreachable', async () => {
  const server = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
  await server.close();
  await expect(open(`http://127.0.0.1:${server.port}`)).rejects.toMatchObject({ failure: 'broker-unreachable' });
});

describe('with the real broker', () => {
  let broker: RunningServer;
  let brokerUrl: string;
  const rawPeers = new RawPeers(() => broker.port);

  beforeAll(async () => {
    broker = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
    brokerUrl = `http://127.0.0.1:${broker.port}`;
  });
  afterEach(() => rawPeers.close());
  afterAll(() => broker.close());

  test('[PATH11] who does not listen answers no offer, and does so from the moment on in which it listens', async () => {
    const host = await createNodePeerTransport({ brokerUrl, ice: { iceServers: [] }, clock });
    transports.push(host);
    const guest = await open(brokerUrl);
    const giveUp = new AbortController();
    const unanswered = guest.connect(host.localId, { timeoutMs: 20_000, signal: giveUp.signal });
    await until(() => host.malformedSignals > 0);
    giveUp.abort();
    await expect(unanswered).rejects.toMatchObject({ failure: 'cancelled' });
    // It may dial all the same.
    await host.connect(guest.localId, { timeoutMs: 20_000 });
    expect([host.accept(), (await accepted(guest)).remoteId]).toEqual([undefined, host.localId]);
    host.listen();
    await guest.connect(host.localId, { timeoutMs: 20_000 });
    expect((await accepted(host)).remoteId).toBe(guest.localId);
  });

  test('[PATH16] of one peer four links are open at a time, and another when one has ended', async () => {
    const [host, guest] = [await open(brokerUrl), await open(brokerUrl)];
    const links: { guest: Link; host: Link }[] = [];
    for (let n = 0; n < 4; n++) links.push({ guest: await guest.connect(host.localId, { timeoutMs: 20_000 }), host: await accepted(host) });
    const giveUp = new AbortController();
    const fifth = guest.connect(host.localId, { timeoutMs: 20_000, signal: giveUp.signal });
    await until(() => host.malformedSignals > 0);
    giveUp.abort();
    await expect(fifth).rejects.toMatchObject({ failure: 'cancelled' });
    // Somebody else is not kept out by it.
    await (await open(brokerUrl)).connect(host.localId, { timeoutMs: 20_000 });
    await accepted(host);
    links[0]!.guest.close();
    await until(() => links[0]!.host.end !== undefined);
    await guest.connect(host.localId, { timeoutMs: 20_000 });
    expect((await accepted(host)).remoteId).toBe(guest.localId);
  });

  test('messages of the wrong kind or size are counted and dropped, and the link goes on', async () => {
    const host = await open(brokerUrl);
    const { control, state, say } = await rawPeers.dial(host.localId);
    const link = await accepted(host);
    control.send('text');
    control.send('volley 2');
    control.send(new Uint8Array(100_000));
    control.send(new Uint8Array(0));
    state.send('text');
    state.send(new Uint8Array(STATE_PACKET_BYTES_MAX + 1));
    await until(() => link.counters.malformedDropped === 6);
    say(1);
    await until(() => link.counters.controlMessagesIn === 1);
    expect([link.receiveControl()?.bytes, link.receiveState(), link.end]).toEqual([Uint8Array.of(1), undefined, undefined]);
  });

  test('what a peer says to itself is answered, by which it knows that the broker is there', async () => {
    const socket = new WebSocket(`${brokerUrl.replace('http', 'ws')}/peerjs?key=peerjs&id=echo&token=t`);
    const frames: { type: string; src?: string }[] = [];
    socket.on('message', (data) => frames.push(JSON.parse((data as Buffer).toString())));
    await until(() => frames.some(({ type }) => type === 'OPEN'));
    socket.send(JSON.stringify({ type: 'OFFER', payload: relayOffer(randomBase64()), dst: 'echo' }));
    await until(() => frames.some(({ src }) => src === 'echo'));
    socket.close();
  });

  test('a dial that has no answer when the broker is lost is over at once, and says why', async () => {
    const own = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
    const guest = await open(`http://127.0.0.1:${own.port}`);
    const silent = new WebSocket(`ws://127.0.0.1:${own.port}/peerjs?key=peerjs&id=silent&token=t`);
    let offers = 0;
    silent.on('message', (data) => (offers += Number(JSON.parse((data as Buffer).toString()).type === 'OFFER')));
    await once(silent, 'open');
    const outcome = guest.connect('silent' as PeerId, { timeoutMs: 60_000 }).catch((error: unknown) => error);
    await until(() => offers === 1);
    await own.close();
    expect(await outcome).toMatchObject({ failure: 'broker-unreachable' });
  });

  test('whoever dials does not wait for the answer to its greeting: what it says first comes behind it', async () => {
    const { id, accepted: raw } = await rawPeers.host(false);
    const guest = await open(brokerUrl);
    const link = await guest.connect(id, { timeoutMs: 20_000 });
    link.sendControl(Uint8Array.of(1));
    const { texts, frames } = await raw;
    await until(() => frames.length >= 2);
    expect([texts, readPathFrame(frames[0]!)?.kind, link.end]).toEqual([['volley 2'], 'hello', undefined]);
  });

  test('what comes before a greeting is dropped', async () => {
    const host = await open(brokerUrl);
    const { control } = await rawPeers.dial(host.localId, false);
    send(control, stampData(dataFrame(Uint8Array.of(1)), 1, 0));
    control.send('volley 2');
    send(control, writeHello('ab'.repeat(16), 0));
    send(control, stampData(dataFrame(Uint8Array.of(2)), 1, 0));
    const link = await accepted(host);
    await until(() => link.counters.controlMessagesIn === 1);
    expect(link.receiveControl()?.bytes).toEqual(Uint8Array.of(2));
  });

  test('channels beside the two are refused, and cost the link when they go on', async () => {
    const host = await open(brokerUrl);
    const { connection, say } = await rawPeers.dial(host.localId);
    const link = await accepted(host);
    connection.peerConnection.createDataChannel('control');
    await until(() => link.counters.malformedDropped === 1);
    say(1);
    await until(() => link.counters.controlMessagesIn === 1);
    expect(link.end).toBeUndefined();
    for (let i = 0; i < 8; i++) connection.peerConnection.createDataChannel(`more-${i}`);
    await until(() => link.end !== undefined);
    expect(link.end).toBe('overflow');
  });

  test('a peer that never greets is never accepted', async () => {
    const host = await open(brokerUrl);
    const { control } = await rawPeers.dial(host.localId, false);
    control.send(Uint8Array.of(1));
    const guest = await open(brokerUrl);
    const [dialled, link] = [await guest.connect(host.localId, { timeoutMs: 20_000 }), await accepted(host)];
    expect([link.remoteId, host.accept()]).toEqual([guest.localId, undefined]);
    expect(dialled.stateChannel).toEqual({ ordered: false, maxRetransmits: 0 });
  });

  test('a lost broker leaves links alone, and is found again when it is back', async () => {
    const first = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
    const url = `http://127.0.0.1:${first.port}`;
    const [host, guest] = [await open(url), await open(url)];
    const link = await guest.connect(host.localId, { timeoutMs: 20_000 });
    const remote = await accepted(host);
    await first.close();
    await until(() => !host.isReachable && !guest.isReachable);
    await expect(guest.connect(host.localId, { timeoutMs: 20_000 })).rejects.toMatchObject({ failure: 'broker-unreachable' });
    link.sendControl(Uint8Array.of(1));
    await until(() => remote.receiveControl() !== undefined);
    const second = await startServer({ host: '127.0.0.1', port: first.port, iceServers: [] });
    try {
      await until(() => host.isReachable && guest.isReachable);
      await guest.connect(host.localId, { timeoutMs: 20_000 });
      expect((await accepted(host)).end).toBeUndefined();
      expect([link.end, remote.end]).toEqual([undefined, undefined]);
    } finally {
      await second.close();
    }
  });
});
