/** Which lanes are opened when, and what a stranger at the other end can make of it. WebRTC's part is faked; the real one is in the contract. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { StateLanes } from '../../../netcode/transport/state-lanes.ts';
import { FAKE_SDP, FakeChannel, FakeConnection } from './fake-rtc.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const CANDIDATE = { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0, usernameFragment: null };

function setUp(isDialler: boolean) {
  const clock = new VirtualClock();
  const connections: FakeConnection[] = [];
  const said: string[] = [];
  const heard: unknown[] = [];
  const channels: unknown[] = [];
  const seen = { malformed: 0, canConnect: true };
  const lanes = new StateLanes({
    isDialler,
    clock,
    createConnection: () => {
      if (!seen.canConnect) throw new Error('no more connections');
      connections.push(new FakeConnection());
      return connections.at(-1) as unknown as RTCPeerConnection;
    },
    say: (text) => said.push(text),
    onMessage: (data) => heard.push(data),
    onChannel: (channel) => channels.push(channel),
    onMalformed: () => (seen.malformed += 1),
  });
  return {
    lanes,
    connections,
    heard,
    channels,
    seen,
    /** What was said since the last time, without descriptions. */
    saidNow: () => said.splice(0).map((text) => text.replace(/,"sdp":".*"/, '')),
    hear: (value: object) => lanes.hear(`lane ${JSON.stringify(value)}`),
    live: () => connections.filter((connection) => !connection.isClosed).length,
    /** Lets time pass, for timers and on the clock. */
    pass: async (ms: number) => {
      clock.advance(ms);
      await vi.advanceTimersByTimeAsync(ms);
    },
  };
}

const about = (kind: string, n: number, attempt: number): string => `lane ${JSON.stringify({ kind, n, attempt })}`;
const offer = (n: number, attempt: number) => ({ kind: 'offer', n, attempt, sdp: FAKE_SDP });
const answer = (n: number, attempt: number) => ({ kind: 'answer', n, attempt, sdp: FAKE_SDP });
const candidate = (n: number, attempt: number) => ({ kind: 'candidate', n, attempt, candidate: CANDIDATE });

/** A dialling side with its first further lane open. */
async function openFirst(): Promise<ReturnType<typeof setUp>> {
  const dialler = setUp(true);
  dialler.lanes.want(2);
  await dialler.pass(0);
  dialler.hear(answer(1, 1));
  dialler.connections[0]?.channel?.open();
  expect(dialler.saidNow()).toEqual([about('offer', 1, 1)]);
  return dialler;
}

describe('the side that dialled', () => {
  test('offers each lane once, when more are wanted than before', async () => {
    const { lanes, saidNow, pass, connections } = setUp(true);
    for (const count of [1, 2, 2, 1, NaN]) lanes.want(count);
    await pass(0);
    expect(saidNow()).toEqual([about('offer', 1, 1)]);
    lanes.want(100);
    await pass(0);
    expect(saidNow()).toEqual([about('offer', 2, 1), about('offer', 3, 1)]);
    expect(connections.map(({ channelOptions }) => channelOptions)).toEqual(
      Array.from({ length: 3 }, () => ({ negotiated: true, id: 100, ordered: false, maxRetransmits: 0 })),
    );
  });

  test('offers as many as it is asked for', async () => {
    const { lanes, saidNow, pass, seen } = setUp(true);
    lanes.hear('lanes 3');
    await pass(0);
    expect(saidNow()).toEqual([about('offer', 1, 1), about('offer', 2, 1)]);
    lanes.hear('lanes 3');
    lanes.hear('lanes 2');
    await pass(0);
    expect([saidNow(), seen.malformed]).toEqual([[], 2]);
  });

  test('has a lane when its channel is open, and not before', async () => {
    const { lanes, connections, hear, pass } = setUp(true);
    lanes.want(2);
    await pass(0);
    expect(lanes.openChannel(1)).toBeUndefined();
    hear(answer(1, 1));
    expect(connections[0]?.remote).toEqual({ type: 'answer', sdp: FAKE_SDP });
    connections[0]?.channel?.open();
    expect(lanes.openChannel(1)).toBe(connections[0]?.channel);
    expect([lanes.openChannel(0), lanes.openChannel(2), lanes.openChannel(4)]).toEqual([undefined, undefined, undefined]);
  });

  test('takes no answer before its offer is out, no second one, and no offer', async () => {
    const { lanes, hear, seen, pass, connections } = setUp(true);
    hear(answer(1, 1));
    lanes.want(2);
    hear(answer(1, 1));
    expect(seen.malformed).toBe(2);
    await pass(0);
    hear(answer(1, 1));
    hear(answer(1, 1));
    hear(offer(1, 2));
    expect([seen.malformed, connections.length]).toEqual([4, 1]);
  });
});

describe('the side that accepted', () => {
  test('asks, and makes no connection before it is offered one', () => {
    const { lanes, saidNow, connections } = setUp(false);
    for (const count of [2, 2, 1, 4]) lanes.want(count);
    expect([saidNow(), connections]).toEqual([['lanes 2', 'lanes 4'], []]);
  });

  test('answers an offer, whether it asked or not', async () => {
    const { hear, pass, saidNow, connections, lanes, heard } = setUp(false);
    hear(offer(2, 1));
    await pass(0);
    expect(saidNow()).toEqual([about('answer', 2, 1)]);
    const channel = connections[0]?.channel;
    channel?.open();
    channel?.hear('anything');
    expect([lanes.openChannel(2), channel?.binaryType, heard]).toEqual([channel, 'arraybuffer', ['anything']]);
  });

  test('takes neither an answer nor a wish for lanes', async () => {
    const { hear, lanes, seen, pass, connections } = setUp(false);
    hear(offer(1, 1));
    await pass(0);
    hear(answer(1, 1));
    lanes.hear('lanes 4');
    expect(seen.malformed).toBe(2);
    connections[0]?.become('failed');
    hear(answer(1, 1));
    expect(seen.malformed).toBe(3);
  });

  test('takes a newer offer in the place of an older one, and no older one', async () => {
    const { hear, connections, seen, pass, saidNow } = setUp(false);
    hear(offer(1, 2));
    hear(offer(1, 2));
    hear(offer(1, 1));
    expect([seen.malformed, connections.length]).toEqual([2, 1]);
    hear(offer(1, 3));
    await pass(0);
    expect(connections.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    expect(saidNow()).toEqual([about('answer', 1, 3)]);
  });

  test('takes four offers for a lane at once, and one every two seconds then', async () => {
    const { hear, connections, seen, pass, live } = setUp(false);
    let attempt = 0;
    for (let i = 0; i < 100; i++) hear(offer(1, ++attempt));
    expect([connections.length, live(), seen.malformed]).toEqual([4, 1, 96]);
    await pass(1_999);
    hear(offer(1, ++attempt));
    expect(connections.length).toBe(4);
    await pass(1);
    hear(offer(1, ++attempt));
    hear(offer(1, ++attempt));
    expect(connections.length).toBe(5);
    await pass(60_000);
    for (let i = 0; i < 100; i++) hear(offer(1, ++attempt));
    expect([connections.length, live()]).toEqual([9, 1]);
  });

  test('never has more than three connections, whatever is offered', async () => {
    const { hear, live, pass } = setUp(false);
    for (let round = 1; round <= 50; round++) {
      for (let n = -1; n <= 6; n++) hear(offer(n, round));
      await pass(500);
      expect(live()).toBeLessThanOrEqual(3);
    }
    expect(live()).toBe(3);
  });
});

describe('candidates', () => {
  test('go out after the description, with the known fields only, and without the last empty one', async () => {
    const { lanes, connections, saidNow, pass } = setUp(true);
    lanes.want(2);
    connections[0]?.find('candidate:1');
    expect(saidNow()).toEqual([]);
    await pass(0);
    connections[0]?.find('');
    connections[0]?.find(null);
    connections[0]?.find('candidate:1');
    const text = `lane ${JSON.stringify({ kind: 'candidate', n: 1, attempt: 1, candidate: CANDIDATE })}`;
    expect(saidNow()).toEqual([about('offer', 1, 1), text, text]);
  });

  test('are taken after the description, and not before', async () => {
    const { lanes, connections, hear, seen, pass } = setUp(true);
    lanes.want(2);
    await pass(0);
    hear(candidate(1, 1));
    expect(seen.malformed).toBe(1);
    hear(answer(1, 1));
    hear(candidate(1, 1));
    expect([seen.malformed, connections[0]?.candidates]).toEqual([1, [CANDIDATE]]);
  });

  test('are taken by the answering side right after the offer', () => {
    const { connections, hear, seen } = setUp(false);
    hear(offer(1, 1));
    hear(candidate(1, 1));
    expect([seen.malformed, connections[0]?.candidates]).toEqual([0, [CANDIDATE]]);
  });

  test('beyond all measure are counted and dropped, and start again with the next attempt', () => {
    const { connections, hear, seen } = setUp(false);
    hear(offer(1, 1));
    for (let i = 0; i < 5_000; i++) hear(candidate(1, 1));
    expect([connections[0]?.candidates.length, seen.malformed]).toEqual([70, 4_930]);
    hear(offer(1, 2));
    hear(candidate(1, 2));
    expect(connections[1]?.candidates.length).toBe(1);
  });

  test('of an attempt that is over are let go; of one to come they are malformed', async () => {
    const { connections, hear, seen, pass } = setUp(false);
    hear(candidate(1, 1));
    expect(seen.malformed).toBe(1);
    hear(offer(1, 2));
    await pass(0);
    hear(candidate(1, 1));
    hear(candidate(1, 3));
    connections[0]?.become('failed');
    hear(candidate(1, 2));
    expect([seen.malformed, connections[0]?.candidates]).toEqual([2, []]);
  });
});

describe('what WebRTC makes nothing of', () => {
  test.each(['offer', 'answer'])('ends the attempt if it is an %s', async (kind) => {
    const { lanes, connections, hear, pass, seen, saidNow } = setUp(kind === 'answer');
    if (kind === 'answer') {
      lanes.want(2);
      await pass(0);
      connections[0]!.doesRefuse = true;
      hear(answer(1, 1));
    } else {
      const { setRemoteDescription } = FakeConnection.prototype;
      FakeConnection.prototype.setRemoteDescription = () => Promise.reject(new Error('refused'));
      hear(offer(1, 1));
      FakeConnection.prototype.setRemoteDescription = setRemoteDescription;
    }
    await pass(0);
    expect([seen.malformed, connections[0]?.isClosed, saidNow().at(-1)]).toEqual([1, true, about('gone', 1, 1)]);
  });

  test('is only counted if it is a candidate', async () => {
    const { connections, hear, pass, seen } = setUp(false);
    hear(offer(1, 1));
    await pass(0);
    connections[0]!.doesRefuse = true;
    hear(candidate(1, 1));
    await pass(0);
    expect([seen.malformed, connections[0]?.isClosed]).toEqual([1, false]);
  });
});

test('channels that the other side opens are handed over', async () => {
  const { connections, channels } = await openFirst();
  const channel = new FakeChannel();
  connections[0]?.bring(channel);
  expect(channels).toEqual([channel]);
});

describe('a lane that breaks', () => {
  test.each<[string, (connection: FakeConnection | undefined) => void]>([
    ['by its channel', (connection) => connection?.channel?.end()],
    ['by its connection', (connection) => connection?.become('failed')],
  ])('%s is closed, told of, and offered anew a second later', async (_, breakIt) => {
    const { connections, lanes, pass, saidNow } = await openFirst();
    breakIt(connections[0]);
    breakIt(connections[0]);
    expect([connections[0]?.isClosed, lanes.openChannel(1), saidNow()]).toEqual([true, undefined, [about('gone', 1, 1)]]);
    await pass(999);
    expect(connections.length).toBe(1);
    await pass(1);
    expect([connections.length, saidNow()]).toEqual([2, [about('offer', 1, 2)]]);
  });

  test('at the other side is closed here, and offered anew', async () => {
    const { connections, hear, pass, saidNow, seen } = await openFirst();
    hear({ kind: 'gone', n: 1, attempt: 1 });
    expect([connections[0]?.isClosed, saidNow()]).toEqual([true, []]);
    hear({ kind: 'gone', n: 1, attempt: 1 });
    await pass(1_000);
    expect([saidNow(), seen.malformed]).toEqual([[about('offer', 1, 2)], 0]);
  });

  test('is told of and not offered by the side that accepted', async () => {
    const { connections, hear, pass, saidNow } = setUp(false);
    hear(offer(1, 1));
    await pass(0);
    saidNow();
    connections[0]?.become('failed');
    await pass(60_000);
    expect([saidNow(), connections.length]).toEqual([[about('gone', 1, 1)], 1]);
  });

  test('is merely disconnected while it may come back', async () => {
    const { connections, saidNow, lanes } = await openFirst();
    connections[0]?.become('disconnected');
    expect([saidNow(), connections[0]?.isClosed, lanes.openChannel(1)]).toEqual([[], false, connections[0]?.channel]);
  });

  test('again and again is offered after ever longer waits, up to half a minute', async () => {
    const { connections, hear, pass } = await openFirst();
    const waitsMs: number[] = [];
    for (let attempt = 1; attempt <= 7; attempt++) {
      hear({ kind: 'gone', n: 1, attempt });
      let waitedMs = 0;
      for (; connections.length === attempt; waitedMs += 100) await pass(100);
      waitsMs.push(waitedMs);
    }
    expect(waitsMs).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test('after it lasted is offered as if it were the first time', async () => {
    const { connections, hear, pass } = await openFirst();
    for (const [attempt, lastedMs, waitMs] of [
      [1, 0, 1_000],
      [2, 9_999, 2_000],
      [3, 10_000, 1_000],
    ] as const) {
      if (attempt > 1) hear(answer(1, attempt));
      connections.at(-1)?.channel?.open();
      await pass(lastedMs);
      connections.at(-1)?.channel?.end();
      await pass(waitMs - 1);
      expect(connections.length).toBe(attempt);
      await pass(1);
      expect(connections.length).toBe(attempt + 1);
    }
  });

  test('leaves the others alone', async () => {
    const { connections, lanes, pass } = await openFirst();
    lanes.want(3);
    await pass(0);
    connections[0]?.channel?.end();
    expect(connections.map(({ isClosed }) => isClosed)).toEqual([true, false]);
  });
});

describe('an attempt', () => {
  test.each([true, false])('that does not open is given up after fifteen seconds, by the dialling side: %s', async (isDialler) => {
    const { lanes, hear, connections, pass, saidNow } = setUp(isDialler);
    if (isDialler) lanes.want(2);
    else hear(offer(1, 1));
    await pass(14_999);
    expect(connections[0]?.isClosed).toBe(false);
    await pass(1);
    expect([connections[0]?.isClosed, saidNow().at(-1)]).toEqual([true, about('gone', 1, 1)]);
  });

  test('that opened is not given up', async () => {
    const { connections, pass } = await openFirst();
    await pass(60_000);
    expect(connections[0]?.isClosed).toBe(false);
  });

  test('for which the browser has no connection left is told of, and made again later', async () => {
    const { lanes, seen, saidNow, pass } = setUp(true);
    seen.canConnect = false;
    lanes.want(2);
    expect(saidNow()).toEqual([about('gone', 1, 1)]);
    seen.canConnect = true;
    await pass(1_000);
    expect(saidNow()).toEqual([about('offer', 1, 2)]);
  });
});

test('the end closes all lanes, for good and without a word', async () => {
  const { lanes, connections, pass, saidNow, hear, seen } = await openFirst();
  lanes.want(4);
  await pass(0);
  connections[1]?.become('failed');
  saidNow();
  lanes.close();
  expect(connections.every(({ isClosed }) => isClosed)).toBe(true);
  lanes.want(4);
  hear({ kind: 'gone', n: 1, attempt: 1 });
  connections[0]?.channel?.end();
  await pass(60_000);
  expect([saidNow(), connections.length, vi.getTimerCount(), seen.malformed]).toEqual([[], 3, 0, 0]);
});
