/** What a PeerLink makes of its channels' signs, on channels that do as they are told. Real ones are in the contract tests. */
import { describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { PeerLink } from '../../../netcode/transport/peerjs-link.ts';
import { CONTROL_BUFFERED_BYTES_MAX, CONTROL_MESSAGE_BYTES_MAX, STATE_PACKET_BYTES_MAX } from '../../../netcode/transport/transport.ts';
import { FAKE_SDP, FakeChannel, FakeConnection } from './fake-rtc.ts';

interface Side {
  /** Default: the other side dialled. */
  readonly isDialler?: boolean;
  /** The channels open when the test says so. */
  readonly isConnecting?: boolean;
}

function newLink({ isDialler = false, isConnecting = false }: Side = {}) {
  const clock = new VirtualClock();
  const peerConnection = new FakeConnection();
  const laneConnections: FakeConnection[] = [];
  const [control, state] = [new FakeChannel(), new FakeChannel()];
  if (isConnecting) control.readyState = state.readyState = 'connecting';
  const calls: string[] = [];
  const link = new PeerLink({
    remoteId: 'remote' as PeerId,
    clock,
    peerConnection: peerConnection as unknown as RTCPeerConnection,
    stateChannel: state as unknown as RTCDataChannel,
    isDialler,
    createConnection: () => {
      laneConnections.push(new FakeConnection());
      return laneConnections.at(-1) as unknown as RTCPeerConnection;
    },
    onOpen: () => calls.push('open'),
    onEnd: () => calls.push('end'),
    release: () => calls.push('release'),
  });
  link.attachControl(control as unknown as RTCDataChannel);
  return { clock, peerConnection, laneConnections, control, state, calls, link };
}

/** One that both sides have greeted. */
function openLink(side: Side = {}): ReturnType<typeof newLink> {
  const made = newLink(side);
  made.control.hear('volley 2');
  expect([made.calls, made.control.sent]).toEqual([['open'], ['volley 2']]);
  made.control.sent.length = 0;
  return made;
}

describe('a link', () => {
  test.each([
    ['control', 'state'],
    ['state', 'control'],
  ] as const)('that dialled greets when control opens, and is open with both channels, %s first, before any answer', (first, second) => {
    const made = newLink({ isDialler: true, isConnecting: true });
    made[first].open();
    expect([made.calls, made.control.sent]).toEqual([[], first === 'control' ? ['volley 2'] : []]);
    made[second].open();
    expect([made.calls, made.control.sent]).toEqual([['open'], ['volley 2']]);
    made.link.closeNow();
  });

  test('that was dialled answers a greeting, once, and is open then: what the netcode says must come behind it', () => {
    const { control, calls, link } = newLink();
    expect([calls, control.sent]).toEqual([[], []]);
    control.hear('volley 2');
    expect([calls, control.sent]).toEqual([['open'], ['volley 2']]);
    control.hear('volley 2');
    expect([calls, control.sent, link.counters.malformedDropped]).toEqual([['open'], ['volley 2'], 1]);
    link.closeNow();
  });

  test('does not know another greeting, and never opens by it', () => {
    const { control, calls, link } = newLink();
    for (const text of ['volley 1', 'volley 3', 'seen', 'volley', '']) control.hear(text);
    expect([calls, control.sent, link.counters.malformedDropped]).toEqual([[], [], 5]);
    link.closeNow();
  });

  test('knows by its greeting whether the channel shows what it has not sent yet', () => {
    const hidden = openLink();
    expect(hidden.link.hidesQueue).toBe(true);
    const shown = newLink();
    shown.control.send = () => (shown.control.bufferedAmount = 8);
    shown.control.hear('volley 2');
    expect(shown.link.hidesQueue).toBe(false);
    for (const { link } of [hidden, shown]) link.closeNow();
  });

  test.each([false, true])('takes no control before it was greeted, and state already (dialled: %s)', (isDialler) => {
    const { control, state, link } = newLink({ isDialler });
    control.hear(new ArrayBuffer(1));
    state.hear(new ArrayBuffer(1));
    control.hear('volley 2');
    expect([link.receiveControl(), link.receiveState()?.bytes, link.counters.malformedDropped]).toEqual([undefined, new Uint8Array(1), 1]);
    control.hear(new ArrayBuffer(2));
    expect(link.receiveControl()?.bytes).toEqual(new Uint8Array(2));
    link.closeNow();
  });
});

describe('the end is', () => {
  test('closed-there after a bye, and the connection is let go', async () => {
    const { control, calls, link } = openLink();
    control.hear('bye');
    expect([link.end, calls]).toEqual(['closed-there', ['open', 'end', 'release']]);
  });

  test.each([
    ['closed-there', 12],
    ['lost', 9],
  ])('%s when the association was aborted with cause %i', async (end, cause) => {
    const { clock, control, link } = openLink();
    clock.advance(60_000);
    control.fail(cause);
    control.end();
    expect(link.end).toBe(end);
  });

  test.each([
    ['closed-there', 4_000],
    ['lost', 6_000],
  ])('%s when it closed without a word after %i ms of silence', async (end, silenceMs) => {
    const { clock, state, link } = openLink();
    clock.advance(60_000);
    state.hear(new ArrayBuffer(1));
    clock.advance(silenceMs);
    state.end();
    expect(link.end).toBe(end);
  });

  test('lost when the connection failed', async () => {
    const { peerConnection, calls, link } = openLink();
    peerConnection.become('failed');
    expect([link.end, calls]).toEqual(['lost', ['open', 'end', 'release']]);
  });

  test('overflow when control is not taken', async () => {
    const { control, link } = openLink();
    control.bufferedAmount = CONTROL_BUFFERED_BYTES_MAX - CONTROL_MESSAGE_BYTES_MAX + 1;
    expect([link.sendControl(new Uint8Array(CONTROL_MESSAGE_BYTES_MAX)), link.end]).toEqual([false, 'overflow']);
  });
});

describe('close', () => {
  test('says bye after what was sent, and lets go when the other side has closed', async () => {
    const { control, calls, link } = openLink();
    link.sendControl(Uint8Array.of(1));
    link.close();
    expect(control.sent.slice(-2)).toEqual([Uint8Array.of(1), 'bye']);
    expect(calls).toEqual(['open', 'end']);
    control.end();
    expect([calls, link.end]).toEqual([['open', 'end', 'release'], 'closed-here']);
  });

  test('lets go at once when both sides said bye', async () => {
    const { control, calls, link } = openLink();
    link.close();
    control.hear('bye');
    expect(calls).toEqual(['open', 'end', 'release']);
  });
});

test('state that the browser would hold back for long is refused and counted', async () => {
  const { state, link } = openLink();
  state.bufferedAmount = 32_768 - STATE_PACKET_BYTES_MAX + 1;
  expect(link.sendState(new Uint8Array(STATE_PACKET_BYTES_MAX))).toBe(false);
  expect([link.counters.stateSendRefused, link.counters.statePacketsOut, link.stateBufferedBytes(), link.end]).toEqual([
    1,
    0,
    state.bufferedAmount,
    undefined,
  ]);
  link.closeNow();
});

test('what control has waiting counts on the first lane, which shares its association', async () => {
  const { control, state, link } = openLink();
  [control.bufferedAmount, state.bufferedAmount] = [5_000, 300];
  expect(link.stateBufferedBytes()).toBe(5_300);
  control.bufferedAmount = CONTROL_BUFFERED_BYTES_MAX;
  expect(link.sendState(Uint8Array.of(1))).toBe(true);
  link.closeNow();
});

describe('lanes', () => {
  /** A link whose further lanes the other side has opened: lane n has the connection n - 1. */
  async function openLanes(count: number) {
    const opened = openLink();
    for (let n = 1; n < count; n++) opened.control.hear(`lane ${JSON.stringify({ kind: 'offer', n, attempt: 1, sdp: FAKE_SDP })}`);
    await vi.waitFor(() => expect(opened.laneConnections.every(({ channel }) => channel !== undefined)).toBe(true));
    const channels = opened.laneConnections.map(({ channel }) => channel!);
    for (const channel of channels) channel.open();
    return { ...opened, channels };
  }

  test('send on their own channel, each with its own limit, and tell what it has waiting', async () => {
    const { link, state, channels } = await openLanes(3);
    channels[0]!.bufferedAmount = 32_768;
    channels[1]!.bufferedAmount = 32_767;
    expect([0, 1, 2, 3].map((lane) => link.stateBufferedBytes(lane))).toEqual([0, 32_768, 32_767, Infinity]);
    expect([0, 1, 2, 3].map((lane) => link.sendState(Uint8Array.of(lane), lane))).toEqual([true, false, true, false]);
    expect([state, ...channels].map(({ sent }) => sent.at(-1))).toEqual([Uint8Array.of(0), undefined, Uint8Array.of(2)]);
    expect(link.counters).toMatchObject({ statePacketsOut: 2, stateSendRefused: 2 });
    link.closeNow();
  });

  test('receive into one inbox, in order of arrival; text is malformed', async () => {
    const { link, state, channels } = await openLanes(3);
    channels[1]!.hear(Uint8Array.of(2).buffer);
    state.hear(Uint8Array.of(0).buffer);
    channels[0]!.hear(Uint8Array.of(1).buffer);
    for (const text of ['volley 1', 'volley 2', 'text']) channels[0]!.hear(text);
    expect([1, 2, 3].map(() => link.receiveState()?.bytes[0])).toEqual([2, 0, 1]);
    expect([link.counters.malformedDropped, link.end]).toEqual([3, undefined]);
    link.closeNow();
  });

  test('that break leave the link alone, and are heard of in the end: a peer that speaks on any of them is not silent', async () => {
    const { link, state, channels, clock } = await openLanes(3);
    channels[0]!.end();
    expect([link.end, link.stateBufferedBytes(1), link.stateBufferedBytes(2)]).toEqual([undefined, Infinity, 0]);
    clock.advance(60_000);
    channels[1]!.hear(Uint8Array.of(1).buffer);
    clock.advance(4_000);
    state.end();
    expect(link.end).toBe('closed-there');
  });

  test('end at once with the link, while control lingers', async () => {
    const { link, laneConnections, calls } = await openLanes(4);
    link.close();
    expect([laneConnections.map(({ isClosed }) => isClosed), calls]).toEqual([
      [true, true, true],
      ['open', 'end'],
    ]);
    expect([0, 1, 2, 3].map((lane) => link.stateBufferedBytes(lane))).toEqual([0, Infinity, Infinity, Infinity]);
    link.closeNow();
  });

  test('are not opened before the link is open, nor after its end', () => {
    const { link, laneConnections, control, state } = newLink({ isDialler: true, isConnecting: true });
    link.openLanes(4);
    control.open();
    control.hear('lanes 4');
    expect([laneConnections.length, link.counters.malformedDropped]).toEqual([0, 1]);
    state.open();
    link.closeNow();
    link.openLanes(4);
    expect(laneConnections.length).toBe(0);
  });

  test('are opened when the link is open, by the side that dialled', async () => {
    const { link, laneConnections, control } = openLink({ isDialler: true });
    link.openLanes(4);
    expect(laneConnections.length).toBe(3);
    await vi.waitFor(() => expect(control.sent.filter((text) => String(text).startsWith('lane {"kind":"offer"')).length).toBe(3));
    link.closeNow();
  });

  test('whose signals the other side does not read cost it the link', async () => {
    const { link, control } = openLink();
    control.bufferedAmount = CONTROL_BUFFERED_BYTES_MAX - 6;
    link.openLanes(4);
    expect(link.end).toBe('overflow');
  });

  test('on which the other side opens channels refuse them, and cost it the link when it goes on', async () => {
    const { link, laneConnections } = await openLanes(2);
    const channels = Array.from({ length: 9 }, () => new FakeChannel());
    for (const channel of channels) {
      expect(link.end).toBeUndefined();
      laneConnections[0]!.bring(channel);
    }
    expect([link.end, link.counters.malformedDropped]).toEqual(['overflow', 9]);
    expect(channels.every(({ readyState }) => readyState === 'closed')).toBe(true);
  });

  test('all say bye when the page goes away, and none when the link is closed', async () => {
    const leaving = await openLanes(3);
    leaving.link.closeNow();
    for (const channel of [leaving.control, leaving.state, ...leaving.channels]) expect(channel.sent.at(-1)).toBe('bye');
    const closing = await openLanes(3);
    closing.link.close();
    expect(closing.control.sent.at(-1)).toBe('bye');
    for (const channel of [closing.state, ...closing.channels]) expect(channel.sent).not.toContain('bye');
    closing.link.closeNow();
    expect(closing.state.sent.at(-1)).toBe('bye');
  });

  test.each([0, 1, 2])('end the link with a bye on lane %i', async (lane) => {
    const { link, state, channels, calls } = await openLanes(3);
    [state, ...channels][lane]!.hear('bye');
    expect([link.end, calls]).toEqual(['closed-there', ['open', 'end', 'release']]);
  });
});
