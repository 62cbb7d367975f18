/** What a PeerLink makes of its channels' signs, on channels that do as they are told. Real ones are in the contract tests. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { PeerLink } from '../../../netcode/transport/peerjs-link.ts';
import { CONTROL_BUFFERED_BYTES_MAX, CONTROL_MESSAGE_BYTES_MAX, STATE_PACKET_BYTES_MAX } from '../../../netcode/transport/transport.ts';

class FakeChannel extends EventTarget {
  readyState = 'open';
  bufferedAmount = 0;
  binaryType = 'blob';
  readonly sent: unknown[] = [];

  send(data: unknown): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 'closed';
  }

  hear(data: unknown): void {
    this.dispatchEvent(new MessageEvent('message', { data }));
  }

  fail(sctpCauseCode: number): void {
    this.dispatchEvent(Object.assign(new Event('error'), { error: { errorDetail: 'sctp-failure', sctpCauseCode } }));
  }

  end(): void {
    this.readyState = 'closed';
    this.dispatchEvent(new Event('close'));
  }
}

function openLink() {
  const clock = new VirtualClock();
  const peerConnection = Object.assign(new EventTarget(), { connectionState: 'connected' });
  const [control, state] = [new FakeChannel(), new FakeChannel()];
  const calls: string[] = [];
  const link = new PeerLink({
    remoteId: 'remote' as PeerId,
    clock,
    peerConnection: peerConnection as unknown as RTCPeerConnection,
    stateChannel: state as unknown as RTCDataChannel,
    onOpen: () => calls.push('open'),
    onEnd: () => calls.push('end'),
    release: () => calls.push('release'),
  });
  link.attachControl(control as unknown as RTCDataChannel);
  const greet = () => {
    control.hear('volley 1');
    state.hear('volley 1');
    control.hear('seen');
  };
  return { clock, peerConnection, control, state, calls, link, greet };
}

describe('a link', () => {
  test('opens when it was greeted on both channels and told that its own state arrives, in any order', () => {
    const steps = [
      (l: ReturnType<typeof openLink>) => l.control.hear('volley 1'),
      (l: ReturnType<typeof openLink>) => l.state.hear('volley 1'),
      (l: ReturnType<typeof openLink>) => l.control.hear('seen'),
    ];
    for (const order of [
      [0, 1, 2],
      [1, 0, 2],
      [0, 2, 1],
      [2, 1, 0],
    ]) {
      const opened = openLink();
      order.forEach((step, index) => {
        expect(opened.calls).toEqual([]);
        steps[step]?.(opened);
        expect(opened.calls).toEqual(index === 2 ? ['open'] : []);
      });
      opened.link.closeNow();
    }
  });

  test('takes no control before it is open, and state already', () => {
    const { control, state, link, greet } = openLink();
    control.hear(new ArrayBuffer(1));
    state.hear(new ArrayBuffer(1));
    greet();
    expect([link.receiveControl(), link.receiveState()?.bytes, link.counters.malformedDropped]).toEqual([undefined, new Uint8Array(1), 1]);
    link.closeNow();
  });
});

describe('the end is', () => {
  test('closed-there after a bye, and the connection is let go', () => {
    const { control, calls, link, greet } = openLink();
    greet();
    control.hear('bye');
    expect([link.end, calls]).toEqual(['closed-there', ['open', 'end', 'release']]);
  });

  test.each([
    ['closed-there', 12],
    ['lost', 9],
  ])('%s when the association was aborted with cause %i', (end, cause) => {
    const { clock, control, link, greet } = openLink();
    greet();
    clock.advance(60_000);
    control.fail(cause);
    control.end();
    expect(link.end).toBe(end);
  });

  test.each([
    ['closed-there', 4_000],
    ['lost', 6_000],
  ])('%s when it closed without a word after %i ms of silence', (end, silenceMs) => {
    const { clock, state, link, greet } = openLink();
    greet();
    clock.advance(60_000);
    state.hear(new ArrayBuffer(1));
    clock.advance(silenceMs);
    state.end();
    expect(link.end).toBe(end);
  });

  test('lost when the connection failed', () => {
    const { peerConnection, calls, link, greet } = openLink();
    greet();
    peerConnection.connectionState = 'failed';
    peerConnection.dispatchEvent(new Event('connectionstatechange'));
    expect([link.end, calls]).toEqual(['lost', ['open', 'end', 'release']]);
  });

  test('overflow when control is not taken', () => {
    const { control, link, greet } = openLink();
    greet();
    control.bufferedAmount = CONTROL_BUFFERED_BYTES_MAX - CONTROL_MESSAGE_BYTES_MAX + 1;
    expect([link.sendControl(new Uint8Array(CONTROL_MESSAGE_BYTES_MAX)), link.end]).toEqual([false, 'overflow']);
  });
});

describe('close', () => {
  test('says bye after what was sent, and lets go when the other side has closed', () => {
    const { control, calls, link, greet } = openLink();
    greet();
    link.sendControl(Uint8Array.of(1));
    link.close();
    expect(control.sent.slice(-2)).toEqual([Uint8Array.of(1), 'bye']);
    expect(calls).toEqual(['open', 'end']);
    control.end();
    expect([calls, link.end]).toEqual([['open', 'end', 'release'], 'closed-here']);
  });

  test('lets go at once when both sides said bye', () => {
    const { control, calls, link, greet } = openLink();
    greet();
    link.close();
    control.hear('bye');
    expect(calls).toEqual(['open', 'end', 'release']);
  });
});

test('state that the browser would hold back for long is refused and counted', () => {
  const { state, link, greet } = openLink();
  greet();
  state.bufferedAmount = 32_768 - STATE_PACKET_BYTES_MAX + 1;
  expect(link.sendState(new Uint8Array(STATE_PACKET_BYTES_MAX))).toBe(false);
  expect([link.counters.stateSendRefused, link.counters.statePacketsOut, link.stateBufferedBytes, link.end]).toEqual([
    1,
    0,
    state.bufferedAmount,
    undefined,
  ]);
  link.closeNow();
});
