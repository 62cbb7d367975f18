/** What a peer that is let in can do with the signalling of lanes, on real WebRTC in Node. Vitest fails the run on any unhandled error beside. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type PeerTransport } from '../../netcode/transport/peerjs.ts';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import { type Link, STATE_LANES_MAX, STATE_PACKET_BYTES_MAX } from '../../netcode/transport/transport.ts';
import { type RunningServer, startServer } from '../../peer-server/server.ts';
import { recordConnections } from './lane-contract.ts';
import { type RawLink, RawPeers, until } from './raw-link.ts';

const clock = { nowMs: () => performance.now() };
/** What a lane's offer looks like that WebRTC can make nothing of. */
const HOLLOW_SDP = 'v=0\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n';

let broker: RunningServer;
let transport: PeerTransport;
const rawPeers = new RawPeers(() => broker.port);

beforeAll(async () => {
  broker = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
});
beforeEach(async () => {
  transport = await createNodePeerTransport({ brokerUrl: `http://127.0.0.1:${broker.port}`, ice: { iceServers: [] }, clock });
  transport.listen();
});
afterEach(() => {
  rawPeers.close();
  transport.close();
});
afterAll(async () => {
  await broker.close();
  shutdownNodePeerTransports();
});

/** A peer by hand that dialled the transport. */
async function dialled(): Promise<{ raw: RawLink; link: Link }> {
  const raw = await rawPeers.dial(transport.localId);
  let link: Link | undefined;
  await until(() => (link = transport.accept()) !== undefined);
  return { raw, link: link! };
}

/** A peer by hand that the transport dialled. */
async function accepted(): Promise<{ raw: RawLink; link: Link }> {
  const { id, accepted } = await rawPeers.host();
  const [link, raw] = await Promise.all([transport.connect(id, { timeoutMs: 20_000 }), accepted]);
  return { raw, link };
}

const say = ({ control }: RawLink, value: object) => control.send(`lane ${JSON.stringify(value)}`);

/** The link still does what a link does. */
async function expectAlive({ raw, link }: { raw: RawLink; link: Link }): Promise<void> {
  const { controlMessagesIn } = link.counters;
  raw.say(7);
  await until(() => link.counters.controlMessagesIn === controlMessagesIn + 1);
  expect(link.end).toBeUndefined();
}

describe.each([
  ['dialled us', dialled],
  ['we dialled', accepted],
])('a peer that %s', (_, meet) => {
  test('and talks nonsense about lanes is counted, every time, and makes no connection', async () => {
    const met = await meet();
    const connections = recordConnections();
    const nonsense = [
      'lane',
      'lane ',
      'lane {',
      'lane null',
      'lane [1]',
      'lane {"kind":"offer"}',
      'lanes ',
      'lanes 0',
      'lanes 5',
      'lanes 1e1',
      'lanes 4 ',
      `lane ${'['.repeat(16_000)}`,
      `lane "${'x'.repeat(60_000)}"`,
      ...[0, -1, 4, 1.5, '1', null, [1]].map((n) => `lane ${JSON.stringify({ kind: 'offer', n, attempt: 1, sdp: HOLLOW_SDP })}`),
      ...[0, -1, 2 ** 31, '1', null].map((attempt) => `lane ${JSON.stringify({ kind: 'offer', n: 1, attempt, sdp: HOLLOW_SDP })}`),
      ...['', 'v=0', `${HOLLOW_SDP}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`, 7].map(
        (sdp) => `lane ${JSON.stringify({ kind: 'offer', n: 1, attempt: 1, sdp })}`,
      ),
      `lane ${JSON.stringify({ kind: 'answer', n: 1, attempt: 1, sdp: HOLLOW_SDP })}`,
      `lane ${JSON.stringify({ kind: 'candidate', n: 1, attempt: 1, candidate: { candidate: 'x', sdpMid: '0' } })}`,
      `lane ${JSON.stringify({ kind: 'gone', n: 1, attempt: 1 })}`,
    ];
    for (const text of nonsense) met.raw.control.send(text);
    await expectAlive(met);
    expect([met.link.counters.malformedDropped, connections.all.length]).toEqual([nonsense.length, 0]);
    connections.stop();
  });

  test('cannot make more than three connections more, whatever it says and how often', async () => {
    const met = await meet();
    const connections = recordConnections();
    for (let round = 1; round <= 50; round++) {
      met.raw.control.send('lanes 4');
      for (let n = 1; n < STATE_LANES_MAX; n++) {
        for (const kind of ['offer', 'answer']) say(met.raw, { kind, n, attempt: round, sdp: HOLLOW_SDP });
        for (let i = 0; i < 10; i++) say(met.raw, { kind: 'candidate', n, attempt: round, candidate: { candidate: `x${i}`, sdpMid: '0' } });
      }
      await expectAlive(met);
      expect(connections.live()).toBeLessThanOrEqual(3);
    }
    // Four offers a lane at once, and those that fell due meanwhile; the dialling side makes its own attempts only.
    expect(connections.all.length).toBeLessThanOrEqual(3 * 6);
    expect(met.link.counters.malformedDropped).toBeGreaterThan(1_000);
    connections.stop();
  });
});

test('thousands of candidates for one lane are counted and dropped', async () => {
  const met = await dialled();
  await rawPeers.openLane(met.raw, 1, 1);
  await until(() => Number.isFinite(met.link.stateBufferedBytes(1)));
  const before = met.link.counters.malformedDropped;
  const candidate = { candidate: 'candidate:1 1 UDP 1 192.0.2.1 9 typ host', sdpMid: '0' };
  for (let i = 0; i < 3_000; i++) say(met.raw, { kind: 'candidate', n: 1, attempt: 1, candidate });
  await expectAlive(met);
  expect(met.link.counters.malformedDropped - before).toBeGreaterThan(2_900);
  expect(Number.isFinite(met.link.stateBufferedBytes(1))).toBe(true);
});

test('an offer that WebRTC makes nothing of is counted, and the lane can still be opened after it', async () => {
  const met = await dialled();
  say(met.raw, { kind: 'offer', n: 1, attempt: 1, sdp: HOLLOW_SDP });
  await until(() => met.raw.texts.includes('lane {"kind":"gone","n":1,"attempt":1}'));
  expect(met.link.counters.malformedDropped).toBe(1);
  const channel = await rawPeers.openLane(met.raw, 1, 2);
  channel.send(Uint8Array.of(5));
  await until(() => met.link.receiveState()?.bytes[0] === 5);
});

test('messages of the wrong kind or size on a lane are counted and dropped', async () => {
  const { raw, link } = await dialled();
  const channel = await rawPeers.openLane(raw, 2, 1);
  channel.send('text');
  channel.send('volley 2');
  channel.send(new Uint8Array(STATE_PACKET_BYTES_MAX + 1));
  channel.send(new Uint8Array(0));
  channel.send(Uint8Array.of(1));
  await until(() => link.counters.malformedDropped === 4 && link.counters.statePacketsIn === 1);
  expect([link.receiveState()?.bytes, link.receiveState(), link.end]).toEqual([Uint8Array.of(1), undefined, undefined]);
});

test('a lane that is given up without a word is closed here, too, and said to be gone', async () => {
  const { raw, link } = await dialled();
  await rawPeers.openLane(raw, 1, 1);
  await until(() => link.stateBufferedBytes(1) === 0);
  rawPeers.closeLanes();
  await until(() => link.stateBufferedBytes(1) === Infinity && raw.texts.includes('lane {"kind":"gone","n":1,"attempt":1}'));
  expect(link.end).toBeUndefined();
});

test.each([1, 2, 3])('a bye on lane %i alone ends the link: a page that dies may get no other one through', async (n) => {
  const { raw, link } = await dialled();
  (await rawPeers.openLane(raw, n, 1)).send('bye');
  await until(() => link.end !== undefined);
  expect(link.end).toBe('closed-there');
});
