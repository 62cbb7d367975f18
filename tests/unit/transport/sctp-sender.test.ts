/** The sending half of an association, chunk by chunk: windows, losses, time-outs. Figures are those of Chromium's SCTP. */
import { beforeEach, describe, expect, test } from 'vitest';
import { SctpReceiver } from '../../../netcode/transport/sctp-receiver.ts';
import {
  CHUNK_HEADER_BYTES,
  SCTP_PACKET_BYTES,
  type SctpChunk,
  type SctpMessage,
  SctpSender,
  STATE_QUEUE_BYTES_MAX,
} from '../../../netcode/transport/sctp-sender.ts';

const ROOM = 1_176;
const FIRST_WINDOW = 10 * SCTP_PACKET_BYTES;
const LOSS_WINDOW = 4 * SCTP_PACKET_BYTES;
const NO_GAPS: readonly number[] = [];

let sender: SctpSender;
beforeEach(() => {
  sender = new SctpSender();
});

/** Queues a state message and sends what the window lets go, a packet at a time. */
function send(sizeBytes: number, nowMs: number): SctpChunk[] {
  expect(sender.queueState(new Uint8Array(sizeBytes))).toBe(true);
  return flush(nowMs);
}

function flush(nowMs: number): SctpChunk[] {
  const all: SctpChunk[] = [];
  for (let chunks = sender.take(ROOM, nowMs); chunks !== undefined; chunks = sender.take(ROOM, nowMs)) all.push(...chunks);
  return all;
}

function ack(cumulative: number, nowMs: number, ...gaps: number[]): void {
  sender.acknowledge({ cumulative, gaps }, nowMs);
}

describe('the window', () => {
  test('holds ten packets at first', () => {
    for (let n = 0; n < 20; n++) send(1_000, 0);
    expect(sender.windowBytes).toBe(FIRST_WINDOW);
    expect(sender.flightBytes).toBeLessThanOrEqual(FIRST_WINDOW);
    expect(sender.flightBytes).toBeGreaterThan(FIRST_WINDOW - 20);
  });

  test('counts the header and padding of a chunk', () => {
    expect(send(1_001, 0)[0]!.sizeBytes).toBe(1_001 + 3 + CHUNK_HEADER_BYTES);
    expect(sender.flightBytes).toBe(1_020);
  });

  test('grows by what was acknowledged, one packet at most, but only while it is used', () => {
    send(400, 0);
    ack(1, 100);
    expect(sender.windowBytes).toBe(FIRST_WINDOW);
    for (let n = 0; n < 20; n++) send(1_000, 100);
    ack(2, 200);
    expect(sender.windowBytes).toBe(FIRST_WINDOW + 1_016);
    flush(200);
    ack(6, 210);
    expect(sender.windowBytes).toBe(FIRST_WINDOW + 1_016 + SCTP_PACKET_BYTES);
  });

  test('is halved by a loss that three acks tell of, and counts the lost chunk until then', () => {
    for (let n = 0; n < 6; n++) send(1_000, 0);
    ack(0, 100, 2, 2);
    expect(sender.flightBytes).toBe(5 * 1_016);
    ack(0, 110, 2, 3);
    expect(sender.windowBytes).toBe(FIRST_WINDOW);
    ack(0, 120, 2, 4);
    expect(sender.windowBytes).toBe(FIRST_WINDOW / 2);
    expect(sender.flightBytes).toBe(2 * 1_016);
  });

  test('is halved once for all that was under way together', () => {
    for (let n = 0; n < 11; n++) send(1_000, 0);
    for (const newest of [3, 4, 5, 6]) ack(0, 100, 3, newest);
    expect(sender.windowBytes).toBe(FIRST_WINDOW / 2);
    ack(2, 150, 4, 6);
    ack(2, 160, 4, 7);
    ack(2, 170, 4, 8);
    expect(sender.windowBytes).toBe(FIRST_WINDOW / 2);
  });

  test('is not smaller than four packets after losses', () => {
    let tsn = 0;
    for (let loss = 0; loss < 6; loss++) {
      for (let n = 0; n < 4; n++) send(400, loss * 1000);
      for (const ahead of [2, 3, 4]) ack(tsn, loss * 1000 + 100, tsn + 2, tsn + ahead);
      expect(sender.takeForward(loss * 1000 + 100)).toBe(tsn + 1);
      ack(tsn + 4, loss * 1000 + 200);
      tsn += 4;
    }
    expect(sender.windowBytes).toBe(LOSS_WINDOW);
  });

  test('grows behind the loss by one packet for each window acknowledged', () => {
    for (let n = 0; n < 11; n++) send(1_000, 0);
    for (const newest of [2, 3, 4]) ack(0, 100, 2, newest);
    ack(11, 200);
    const before = sender.windowBytes;
    let tsn = 11;
    for (let round = 0; round < 4; round++) {
      while (sender.queuedStateBytes === 0) send(1_000, 300 + round * 100);
      const sent = Math.floor(sender.flightBytes / 1_016) + 1;
      tsn += sent;
      ack(tsn, 400 + round * 100);
      flush(400 + round * 100);
    }
    expect(sender.windowBytes - before).toBeGreaterThanOrEqual(2 * SCTP_PACKET_BYTES);
    expect(sender.windowBytes - before).toBeLessThanOrEqual(5 * SCTP_PACKET_BYTES);
  });
});

describe('what waits', () => {
  test('is told in bytes, is cut where the window ends, and goes when there is room', () => {
    for (let n = 0; n < 12; n++) send(1_000, 0);
    const waiting = sender.queuedStateBytes;
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThan(1_000);
    ack(2, 100);
    expect(flush(100).map(({ payloadBytes }) => payloadBytes)).toEqual([waiting]);
    expect(sender.queuedStateBytes).toBe(0);
  });

  test('is bounded as in the browser', () => {
    const large = new Uint8Array(STATE_QUEUE_BYTES_MAX / 4);
    expect([1, 2, 3, 4, 5].map(() => sender.queueState(large))).toEqual([true, true, true, true, false]);
  });

  test('takes turns with control, message by message', () => {
    sender.queueControl(new Uint8Array(100));
    sender.queueControl(new Uint8Array(100));
    sender.queueState(new Uint8Array(100));
    sender.queueState(new Uint8Array(100));
    expect(sender.take(ROOM, 0)?.map(({ message }) => message.isReliable)).toEqual([true, false, true, false]);
    expect(sender.queuedControlBytes).toBe(0);
  });
});

describe('a time-out', () => {
  test('comes 500 ms after the first packet, and 400 ms once round trips are known to be short', () => {
    send(400, 0);
    expect(sender.timesOutMs).toBe(500);
    ack(1, 100);
    expect(sender.timesOutMs).toBe(Infinity);
    send(400, 1_000);
    expect(sender.timesOutMs).toBe(1_400);
  });

  test('is put off by acks that move on, and by no others', () => {
    for (let n = 0; n < 4; n++) send(400, n * 10);
    ack(0, 100, 2, 2);
    expect(sender.timesOutMs).toBe(500);
    ack(2, 150);
    expect(sender.timesOutMs).toBeGreaterThanOrEqual(550);
  });

  test('gives up all that was under way and leaves a window of one packet', () => {
    for (let n = 0; n < 5; n++) send(1_000, 0);
    sender.timeOut(500);
    expect([sender.windowBytes, sender.flightBytes]).toEqual([SCTP_PACKET_BYTES, 0]);
    expect(sender.takeForward(500)).toBe(5);
    expect(send(1_000, 500).length).toBe(1);
    expect(send(1_000, 500).map(({ payloadBytes }) => payloadBytes)).toEqual([1_188 - 1_016 - CHUNK_HEADER_BYTES]);
  });

  test('doubles up to three seconds, and is short again after an ack that moves on', () => {
    send(400, 0);
    ack(1, 100);
    send(400, 1_000);
    const waits: number[] = [];
    for (let n = 0; n < 5; n++) {
      const dueMs = sender.timesOutMs;
      sender.timeOut(dueMs);
      waits.push(sender.timesOutMs - dueMs);
    }
    expect(waits).toEqual([800, 1_600, 3_000, 3_000, 3_000]);
    ack(2, 20_000);
    send(400, 21_000);
    // The chunk was skipped, not answered, but its ack was measured all the same: 19 s made the time-out long.
    expect(sender.timesOutMs - 21_000).toBeGreaterThan(1_000);
  });
});

describe('what is abandoned', () => {
  test('is never sent again, and the receiver is told so once a round trip', () => {
    for (let n = 0; n < 4; n++) send(400, 0);
    for (const newest of [2, 3, 4]) ack(0, 100, 2, newest);
    expect(flush(100)).toEqual([]);
    expect([100, 150, 299, 300].map((nowMs) => sender.takeForward(nowMs))).toEqual([1, 0, 0, 1]);
    ack(4, 350);
    expect(sender.takeForward(1_000)).toBe(0);
  });

  test('takes the unsent rest of its message with it', () => {
    for (let n = 0; n < 11; n++) send(1_000, 0);
    send(1_000, 0);
    const waiting = sender.queuedStateBytes;
    expect(waiting).toBeGreaterThan(0);
    sender.timeOut(500);
    expect(sender.queuedStateBytes).toBe(0);
    // The rest of the message has a number, too, so that the receiver skips it.
    expect(sender.takeForward(500)).toBe(13);
  });

  test('is not control: that goes again, beside the window if three acks told of it', () => {
    sender.queueControl(new Uint8Array(400));
    flush(0);
    for (let n = 0; n < 3; n++) send(400, 0);
    for (const newest of [2, 3, 4]) ack(0, 100, 2, newest);
    expect(sender.takeForward(100)).toBe(0);
    expect(sender.takeUrgent(ROOM, 100)?.map(({ tsn }) => tsn)).toEqual([1]);
    ack(4, 200);
    sender.queueControl(new Uint8Array(400));
    flush(300);
    sender.timeOut(sender.timesOutMs);
    expect(sender.takeUrgent(ROOM, 800)).toBeUndefined();
    expect(flush(800).map(({ tsn }) => tsn)).toEqual([5]);
  });
});

test('an ack older than one before is ignored', () => {
  for (let n = 0; n < 3; n++) send(400, 0);
  expect(sender.acknowledge({ cumulative: 2, gaps: NO_GAPS }, 100)).toBe(true);
  expect(sender.acknowledge({ cumulative: 1, gaps: NO_GAPS }, 110)).toBe(false);
  expect(sender.flightBytes).toBe(416);
});

describe('the receiving half', () => {
  let delivered: SctpMessage[];
  let receiver: SctpReceiver;
  beforeEach(() => {
    delivered = [];
    receiver = new SctpReceiver((message) => delivered.push(message));
  });

  function take(chunks: readonly SctpChunk[], nowMs = 0): void {
    for (const chunk of chunks) receiver.take(chunk, false, nowMs);
    receiver.endPacket(nowMs);
  }

  test('acknowledges the first packet at once, later ones in pairs or after 200 ms', () => {
    take(send(400, 0));
    expect(receiver.isAckDue).toBe(true);
    receiver.takeAck(false);
    take(send(400, 0), 1_000);
    expect([receiver.isAckDue, receiver.ackDueMs]).toEqual([false, 1_200]);
    take(send(400, 0), 1_010);
    expect(receiver.takeAck(false)).toEqual({ cumulative: 3, gaps: [] });
  });

  test('tells of gaps at once, and of what closes them', () => {
    const chunks = [0, 1, 2, 3, 4, 5].flatMap(() => send(400, 0));
    const told = [0, 3, 5, 4, 1, 2].map((n) => {
      take([chunks[n]!]);
      return receiver.takeAck(true);
    });
    expect(told.map((sack) => [sack!.cumulative, ...sack!.gaps])).toEqual([[1], [1, 4, 4], [1, 4, 4, 6, 6], [1, 4, 6], [2, 4, 6], [6]]);
  });

  test('skips what it is told to, up to what came behind it', () => {
    const chunks = [0, 1, 2, 3].flatMap(() => send(400, 0));
    take([chunks[0]!, chunks[2]!]);
    receiver.forward(2);
    expect(receiver.takeAck(true)).toEqual({ cumulative: 3, gaps: [] });
    take([chunks[1]!]);
    expect(delivered.length).toBe(2);
  });

  test('drops a chunk that came before, and puts cut messages together', () => {
    sender.queueControl(new Uint8Array(3_000));
    const chunks = flush(0);
    expect(chunks.length).toBe(3);
    take([chunks[2]!, chunks[0]!, chunks[0]!]);
    expect(delivered).toEqual([]);
    take([chunks[1]!]);
    expect(delivered.length).toBe(1);
  });

  test('holds control back until its elders came, and state never', () => {
    sender.queueControl(Uint8Array.of(1));
    const first = flush(0);
    sender.queueControl(Uint8Array.of(2));
    const second = flush(0);
    take([...second, ...send(4, 0)]);
    expect(delivered.map(({ isReliable }) => isReliable)).toEqual([false]);
    take(first);
    expect(delivered.slice(1).map(({ bytes }) => bytes![0])).toEqual([1, 2]);
  });
});
