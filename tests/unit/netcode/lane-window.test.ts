/** SPEC.md, LANE rules: what a sender believes of SCTP's window. The numbers are Chromium's. */
import { beforeEach, describe, expect, test } from 'vitest';
import { CHUNK_OVERHEAD_BYTES, LaneWindow, SCTP_PACKET_BYTES, type SentPacket, USRSCTP } from '../../../netcode/channel/lane-window.ts';

const RTT_MS = 100;
const PATIENCE_MS = 100;
/** A packet's payload so large that its chunk counts a thousand bytes. */
const SIZE_BYTES = 1000 - CHUNK_OVERHEAD_BYTES;

describe('a lane', () => {
  let window: LaneWindow;
  let nowMs: number;

  beforeEach(() => {
    window = new LaneWindow();
    nowMs = 1000;
  });

  function send(count = 1): SentPacket[] {
    return Array.from({ length: count }, () => {
      const laneNumber = window.nextNumber;
      const packet = { sequence: laneNumber, sentAtMs: nowMs, sizeBytes: SIZE_BYTES, lane: 0, laneNumber, match: 1, tick: laneNumber };
      window.sent(packet);
      return packet;
    });
  }

  function ack(...packets: SentPacket[]): void {
    for (const packet of packets) window.acked(packet, nowMs);
  }

  test('[LANE1] has room for ten packets at first, and counts in flight what was not answered', () => {
    expect(window.windowBytes).toBe(10 * SCTP_PACKET_BYTES);
    const packets = send(3);
    expect(window.flightBytes).toBe(3000);
    expect(window.roomBytes).toBe(10 * SCTP_PACKET_BYTES - 3000 - CHUNK_OVERHEAD_BYTES);
    ack(packets[1]!);
    expect(window.flightBytes).toBe(2000);
  });

  test('[LANE2] grows by what arrives, but only while it is full', () => {
    ack(...send(3));
    expect(window.windowBytes).toBe(10 * SCTP_PACKET_BYTES);
    const packets = send(11);
    ack(packets[0]!);
    expect(window.windowBytes).toBe(10 * SCTP_PACKET_BYTES + 1000);
  });

  test('[LANE3] takes a packet for lost when three newer ones arrived, and halves once for all that were under way together', () => {
    const packets = send(10);
    ack(packets[1]!, packets[2]!);
    expect(window.flightBytes).toBe(8000);
    nowMs += RTT_MS;
    ack(packets[3]!);
    expect(window.flightBytes).toBe(6000);
    expect(window.windowBytes).toBe((10 * SCTP_PACKET_BYTES) / 2);
    ack(packets[5]!, packets[6]!, packets[7]!);
    expect(window.windowBytes).toBe((10 * SCTP_PACKET_BYTES) / 2);
    nowMs += 1;
    const later = send(4);
    nowMs += RTT_MS;
    ack(later[1]!, later[2]!, later[3]!);
    // Never below four packets.
    expect(window.windowBytes).toBe(4 * SCTP_PACKET_BYTES);
  });

  test('[LANE3] behind a loss it grows by a packet for each window that arrived', () => {
    const packets = send(5);
    ack(packets[1]!, packets[2]!, packets[3]!, packets[4]!);
    const before = window.windowBytes;
    let arrived = 0;
    while (window.windowBytes === before) {
      nowMs += RTT_MS;
      const flight = send(6);
      for (const packet of flight) {
        ack(packet);
        arrived += 1000;
        if (window.windowBytes > before) break;
      }
      expect(arrived).toBeLessThan(100_000);
    }
    expect(window.windowBytes).toBe(before + SCTP_PACKET_BYTES);
    expect(arrived).toBeGreaterThan(before / 2);
  });

  test('[LANE4] stalls when nothing is answered for a round trip and some patience, and is awake with the next ack', () => {
    const [packet] = send();
    nowMs += RTT_MS + PATIENCE_MS;
    window.watch(nowMs, RTT_MS, PATIENCE_MS);
    expect(window.isStalled).toBe(false);
    nowMs += 1;
    window.watch(nowMs, RTT_MS, PATIENCE_MS);
    expect([window.isStalled, window.isTimedOut, window.stalls]).toEqual([true, false, 1]);
    ack(packet!);
    expect([window.isStalled, window.stalls]).toEqual([false, 1]);
  });

  test('[LANE4] a stall is noticed even where SCTP gives packets up sooner', () => {
    window.make = USRSCTP;
    for (let n = 0; n < 30; n++) {
      send();
      nowMs += 16;
      window.watch(nowMs, RTT_MS, 150);
    }
    expect([window.isStalled, window.isTimedOut, window.stalls]).toEqual([true, true, 1]);
  });

  test('[LANE4] a packet that was lost among answered ones is no stall', () => {
    const packets = send(2);
    ack(packets[1]!);
    nowMs += 300;
    window.watch(nowMs, RTT_MS, PATIENCE_MS);
    expect(window.isStalled).toBe(false);
  });

  test('[LANE5] after a time-out the window is one packet, what was under way is given up, and a loss then makes it four', () => {
    send(5);
    nowMs += 401;
    window.watch(nowMs, RTT_MS, PATIENCE_MS);
    expect([window.isTimedOut, window.windowBytes, window.flightBytes]).toEqual([true, SCTP_PACKET_BYTES, 0]);
    nowMs += 1;
    const packets = send(4);
    ack(packets[1]!, packets[2]!, packets[3]!);
    expect(window.isTimedOut).toBe(false);
    expect(window.windowBytes).toBe(4 * SCTP_PACKET_BYTES);
  });

  test('[LANE7] that has another association begins anew, and late acks of the one before change nothing', () => {
    const packets = send(10);
    ack(packets[3]!);
    nowMs += 300;
    window.watch(nowMs, RTT_MS, PATIENCE_MS);
    expect(window.isStalled).toBe(true);
    window.restart();
    expect([window.windowBytes, window.flightBytes, window.isStalled]).toEqual([10 * SCTP_PACKET_BYTES, 0, false]);
    nowMs += 300;
    window.watch(nowMs, RTT_MS, PATIENCE_MS);
    expect(window.isStalled).toBe(false);
    ack(packets[9]!);
    expect([window.windowBytes, window.flightBytes]).toEqual([10 * SCTP_PACKET_BYTES, 0]);
  });

  test("[LANE6] libdatachannel's SCTP halves to two packets, and times out after 200 ms", () => {
    window.make = USRSCTP;
    for (let n = 0; n < 3; n++) {
      const packets = send(4);
      nowMs += RTT_MS;
      ack(packets[1]!, packets[2]!, packets[3]!);
      nowMs += 1;
    }
    expect(window.windowBytes).toBe(2 * SCTP_PACKET_BYTES);
    send();
    nowMs += 201;
    window.watch(nowMs, RTT_MS, PATIENCE_MS);
    expect([window.isTimedOut, window.windowBytes]).toEqual([true, SCTP_PACKET_BYTES]);
  });

  test('[LANE5] on a long path a time-out takes longer', () => {
    send();
    nowMs += 500;
    window.watch(nowMs, 300, PATIENCE_MS);
    expect([window.isStalled, window.isTimedOut, window.flightBytes]).toEqual([true, false, 1000]);
    nowMs += 21;
    window.watch(nowMs, 300, PATIENCE_MS);
    expect([window.isTimedOut, window.flightBytes]).toEqual([true, 0]);
  });
});
