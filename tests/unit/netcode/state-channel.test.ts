/** SPEC.md, CHAN rules: two ends of a state channel over lanes whose every packet the test decides about. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Endpoint } from '../../../netcode/channel/endpoint.ts';
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import type { StateLink } from '../../../netcode/channel/state-link.ts';
import type { Tick } from '../../../netcode/core/ids.ts';
import { type Received, STATE_LANES_MAX } from '../../../netcode/transport/transport.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import { HEARTBEAT_PACKET, INPUT_PACKET, readPreamble, SNAPSHOT_PACKET, writePreamble } from '../../../netcode/wire/packet.ts';

const STEP_MS = 4;
const MATCH = 7;

interface Passed {
  readonly atMs: number;
  readonly lane: number;
  readonly type: number;
  readonly sizeBytes: number;
}

/** One direction. */
class Way {
  delayMs = 50;
  /** Whether the lane loses what is sent over it now. */
  loses: (lane: number, nowMs: number) => boolean = () => false;
  buffered = [0, Infinity, Infinity, Infinity];
  lanesAsked = 0;
  /** As in Node. */
  hidesQueue = false;
  readonly sent: Passed[] = [];
  readonly #waiting: Received[] = [];

  push(bytes: Uint8Array, lane: number, nowMs: number): void {
    this.sent.push({ atMs: nowMs, lane, type: readPreamble(new BitReader(bytes)).type, sizeBytes: bytes.byteLength });
    if (!this.loses(lane, nowMs)) this.#waiting.push({ bytes: bytes.slice(), atMs: nowMs + this.delayMs });
  }

  pull(nowMs: number): Received | undefined {
    return this.#waiting[0] !== undefined && this.#waiting[0].atMs <= nowMs ? this.#waiting.shift() : undefined;
  }

  inject(bytes: Uint8Array, atMs: number): void {
    this.#waiting.unshift({ bytes, atMs });
  }
}

/** Sends a packet whenever one is due and there is room, and notes what it gets. */
class End {
  readonly channel: StateChannel;
  readonly way: Way;
  /** Ticks that came, and when; those that were acknowledged. */
  readonly arrived: { readonly tick: number; readonly atMs: number }[] = [];
  readonly acked: number[] = [];
  sizeBytes = 100;
  isSending = true;
  /** The link's end: it takes nothing any more. */
  refuses = false;
  #dueMs = 0;
  periodMs = 1000 / 60;
  readonly #type: number;

  constructor(type: number, out: Way, back: Way, now: () => number) {
    this.#type = type;
    this.way = out;
    const link: StateLink = {
      hidesQueue: out.hidesQueue,
      stateBufferedBytes: (lane = 0) => out.buffered[lane]!,
      openLanes: (count) => (out.lanesAsked = count),
      sendState: (bytes, lane = 0) => {
        if (this.refuses) return false;
        out.push(bytes, lane, now());
        return true;
      },
      receiveState: () => back.pull(now()),
    };
    this.channel = new StateChannel(link);
  }

  enter(match: number): void {
    this.channel.enterMatch(match, (tick: Tick) => this.acked.push(tick));
  }

  update(nowMs: number): void {
    for (let packet = this.channel.receive(nowMs); packet !== undefined; packet = this.channel.receive(nowMs)) {
      this.arrived.push({ tick: packet.reader.bits(32), atMs: packet.atMs });
      this.channel.accept(packet);
    }
    if (this.isSending && nowMs >= this.#dueMs) this.#send(nowMs);
    this.channel.update(nowMs);
  }

  #send(nowMs: number): void {
    const isInput = this.#type === INPUT_PACKET;
    const room = isInput ? this.channel.roomForInput(nowMs) : this.channel.roomForSnapshot(nowMs);
    if (room === 0) return;
    this.#dueMs = Math.max(this.#dueMs + this.periodMs, nowMs - this.periodMs);
    const packet = this.channel.begin(this.#type, nowMs);
    // The tick is the time of its making: what arrives tells its age.
    packet.bits(nowMs, 32);
    while (packet.byteLength < Math.min(room, this.sizeBytes)) packet.bits(0, 8);
    this.channel.send(nowMs as Tick, nowMs);
  }
}

describe('a state channel', () => {
  let nowMs: number;
  let host: End;
  let guest: End;

  beforeEach(() => build(false));

  function build(hidesQueue: boolean): void {
    nowMs = 10_000;
    const [down, up] = [new Way(), new Way()];
    down.hidesQueue = up.hidesQueue = hidesQueue;
    host = new End(SNAPSHOT_PACKET, down, up, () => nowMs);
    guest = new End(INPUT_PACKET, up, down, () => nowMs);
    host.enter(MATCH);
    guest.enter(MATCH);
  }

  function run(ms: number): void {
    for (const endMs = nowMs + ms; nowMs < endMs;) {
      nowMs += STEP_MS;
      host.update(nowMs);
      guest.update(nowMs);
    }
  }

  function openLanes(count: number): void {
    for (const { way } of [host, guest]) way.buffered = way.buffered.map((_, lane) => (lane < count ? 0 : Infinity));
  }

  const sentSince = ({ way }: End, sinceMs: number): Passed[] => way.sent.filter(({ atMs }) => atMs > sinceMs);
  const typesOf = (packets: readonly Passed[]): Set<number> => new Set(packets.map(({ type }) => type));

  test('[CHAN1] packets go over the open lanes in turn, and over no other', () => {
    run(1000);
    expect(new Set(host.way.sent.map(({ lane }) => lane))).toEqual(new Set([0]));
    openLanes(3);
    const sinceMs = nowMs;
    run(1000);
    const lanes = sentSince(host, sinceMs).map(({ lane }) => lane);
    for (const lane of [0, 1, 2]) expect(lanes.filter((one) => one === lane).length).toBeGreaterThan(15);
    expect(lanes.includes(3)).toBe(false);
    expect(host.channel.lanesOpen).toBe(3);
  });

  test('[CHAN2] nothing is put behind what waits already', () => {
    openLanes(2);
    run(500);
    host.way.buffered[0] = 1;
    const sinceMs = nowMs;
    run(500);
    expect(new Set(sentSince(host, sinceMs).map(({ lane }) => lane))).toEqual(new Set([1]));
    host.way.buffered[1] = 1;
    const stoppedMs = nowMs;
    const heldBack = host.channel.heldBackPackets;
    run(500);
    expect(sentSince(host, stoppedMs)).toEqual([]);
    // However often the room was asked for, it was one packet that waited.
    expect(host.channel.heldBackPackets - heldBack).toBe(1);
    host.way.buffered[0] = 0;
    run(STEP_MS * 2);
    // What goes then is the newest.
    expect(sentSince(host, stoppedMs).length).toBeGreaterThan(0);
    run(60);
    expect(guest.arrived.at(-1)!.tick).toBeGreaterThan(nowMs - 80);
  });

  test('[CHAN3] a lane that stalls is left alone, asked by a few bytes ten times a second, and used again when it answers', () => {
    openLanes(2);
    run(1000);
    host.way.loses = (lane) => lane === 1;
    run(500);
    const sinceMs = nowMs;
    run(1000);
    const asked = sentSince(host, sinceMs).filter(({ lane }) => lane === 1);
    expect(typesOf(asked)).toEqual(new Set([HEARTBEAT_PACKET]));
    expect(Math.max(...asked.map(({ sizeBytes }) => sizeBytes))).toBeLessThan(16);
    expect(asked.length).toBeGreaterThan(8);
    expect(asked.length).toBeLessThan(12);
    expect(host.channel.stalls).toBe(1);
    // The other carries everything meanwhile.
    expect(sentSince(host, sinceMs).filter(({ lane, type }) => lane === 0 && type === SNAPSHOT_PACKET).length).toBeGreaterThan(55);
    host.way.loses = () => false;
    run(400);
    expect(typesOf(sentSince(host, nowMs - 100).filter(({ lane }) => lane === 1))).toEqual(new Set([SNAPSHOT_PACKET]));
  });

  for (const [lanes, hidesQueue] of [
    [1, false],
    [2, false],
    [4, false],
    [2, true],
  ] as const) {
    const who = `${lanes} lane(s)${hidesQueue ? ' of a link that hides its queue' : ''}`;
    test(`[CHAN4] through an outage of 3 s ${who} are asked with less than fits SCTP's smallest window, and 300 ms later all is fresh`, () => {
      build(hidesQueue);
      openLanes(lanes);
      run(2000);
      for (const { way } of [host, guest]) way.loses = () => true;
      run(600);
      const sinceMs = nowMs;
      run(2400);
      for (const end of [host, guest]) {
        for (let lane = 0; lane < lanes; lane++) {
          const asked = sentSince(end, sinceMs).filter((packet) => packet.lane === lane);
          expect(typesOf(asked)).toEqual(new Set([HEARTBEAT_PACKET]));
          expect(asked.reduce((sum, { sizeBytes }) => sum + sizeBytes + 19, 0) * (3000 / 2400)).toBeLessThan(1191);
        }
      }
      for (const { way } of [host, guest]) way.loses = () => false;
      const backMs = nowMs;
      run(300);
      for (const { arrived } of [host, guest]) {
        const first = arrived.find(({ atMs, tick }) => atMs > backMs && atMs - tick < 60)!;
        expect(first.atMs - backMs).toBeLessThan(250);
      }
    });
  }

  test('[CHAN4] whoever hears the other side again answers at once, before any probe was acknowledged', () => {
    run(1000);
    host.way.loses = () => true;
    guest.way.loses = () => true;
    run(1500);
    guest.way.loses = () => false;
    const backMs = nowMs;
    run(300);
    const [answer] = sentSince(host, backMs).filter(({ type }) => type === SNAPSHOT_PACKET);
    expect(answer!.atMs - backMs).toBeLessThan(100 + 50 + 2 * STEP_MS + 1);
  });

  test('[CHAN5] who has nothing to say says that, ten times a second, in a match and without one', () => {
    for (const end of [host, guest]) end.isSending = false;
    for (const isInMatch of [true, false]) {
      if (!isInMatch) for (const { channel } of [host, guest]) channel.leaveMatch();
      const sinceMs = nowMs;
      run(2000);
      expect(typesOf(sentSince(host, sinceMs))).toEqual(new Set([HEARTBEAT_PACKET]));
      expect(sentSince(host, sinceMs).length).toBeGreaterThan(18);
      expect(sentSince(host, sinceMs).length).toBeLessThan(22);
    }
    // Who speaks seldom also answers seldom: that is no stall.
    expect([host.channel.stalls, guest.channel.stalls]).toEqual([0, 0]);
    expect(host.channel.rttMs).toBeGreaterThan(95);
    expect(host.channel.rttMs).toBeLessThan(120);
    expect(guest.channel.receivedLossPct).toBe(0);
  });

  test('[CHAN6] packets of another match are not taken and not acknowledged; nor are acks of it heard in the next', () => {
    run(500);
    guest.enter(MATCH + 1);
    run(200);
    const [acked, arrived] = [host.acked.length, guest.arrived.length];
    run(500);
    expect(host.acked.length).toBe(acked);
    expect(guest.arrived.length).toBe(arrived);
    expect(guest.channel.strayPackets).toBeGreaterThan(20);
    host.enter(MATCH + 1);
    host.acked.length = 0;
    const sinceMs = nowMs;
    run(500);
    expect(host.acked.length).toBeGreaterThan(10);
    expect(Math.min(...host.acked)).toBeGreaterThan(sinceMs);
  });

  test('[CHAN7] packets that are none are counted and change nothing', () => {
    run(500);
    const writer = new BitWriter(64);
    writePreamble(writer, HEARTBEAT_PACKET, 0);
    new Endpoint().writeHeader(writer, 9_999, nowMs);
    writer.bits(0, 24);
    for (const bytes of [Uint8Array.of(2), new Uint8Array(3), writer.finish().slice()]) guest.way.inject(bytes, nowMs);
    run(100);
    expect(host.channel.malformedPackets).toBe(3);
    const before = host.arrived.length;
    run(500);
    expect(host.arrived.length).toBeGreaterThan(before + 25);
  });

  test('[CHAN8] a spare lane is asked for a second after the first packet; more only if windows hold packets back', () => {
    run(900);
    expect(host.way.lanesAsked).toBe(0);
    run(300);
    expect(host.way.lanesAsked).toBe(2);
    openLanes(2);
    run(10_000);
    expect(host.way.lanesAsked).toBe(2);
    // Whole packets for which there is room hold nothing back.
    host.sizeBytes = 1100;
    run(10_000);
    expect(host.way.lanesAsked).toBe(2);
    host.sizeBytes = 100;
    // A machine that is behind leaves packets in the buffer: more lanes would not help it.
    host.way.buffered = [1, 1, Infinity, Infinity];
    run(10_000);
    expect(host.way.lanesAsked).toBe(2);
    openLanes(2);
    // Every window is halved again and again; packets of this size do not fit what is left.
    host.sizeBytes = 1100;
    host.way.delayMs = guest.way.delayMs = 150;
    let count = 0;
    host.way.loses = () => count++ % 5 === 0;
    run(10_000);
    expect(host.way.lanesAsked).toBe(STATE_LANES_MAX - 1);
  });

  test('[CHAN9] where little fits, snapshots become smaller first, and inputs go before all', () => {
    host.sizeBytes = guest.sizeBytes = 1100;
    for (const { way } of [host, guest]) way.delayMs = 150;
    let count = 0;
    host.way.loses = guest.way.loses = () => count++ % 4 === 0;
    run(3000);
    const sinceMs = nowMs;
    run(3000);
    const states = sentSince(host, sinceMs).filter(({ type }) => type === SNAPSHOT_PACKET);
    const mean = states.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / states.length;
    expect(mean).toBeLessThan(700);
    expect(states.length).toBeGreaterThan(90);
    // The window's room is what it had; it is never exceeded.
    expect(Math.max(...states.map(({ sizeBytes }) => sizeBytes))).toBeLessThanOrEqual(1150);
  });

  test('[CHAN11] a lane that was closed and opened again is another association: it begins anew', () => {
    openLanes(2);
    host.sizeBytes = 1000;
    run(1000);
    host.way.loses = (lane) => lane === 1;
    run(2000);
    expect(host.channel.stalls).toBe(1);
    openLanes(1);
    run(100);
    host.way.loses = () => false;
    openLanes(2);
    const sinceMs = nowMs;
    run(60);
    // At once, and with room for whole packets.
    const states = sentSince(host, sinceMs).filter(({ lane }) => lane === 1);
    expect(states[0]).toMatchObject({ type: SNAPSHOT_PACKET, sizeBytes: 1000 });
  });

  test('[CHAN12] a link that takes nothing any more ends no loop', () => {
    openLanes(2);
    host.sizeBytes = 1100;
    host.way.loses = () => true;
    run(300);
    host.refuses = true;
    run(1000);
    expect(host.channel.lanesOpen).toBe(2);
  });

  test('[CHAN10] who sends thirty times a second over a path with losses says everything twice, and is heard once', () => {
    const agesOf = (sinceMs: number): number[] => guest.arrived.flatMap(({ tick, atMs }) => (atMs > sinceMs ? [atMs - tick] : []));
    openLanes(2);
    host.periodMs = 1000 / 30;
    run(3000);
    expect(host.channel.repeatedPackets).toBe(0);
    let count = 0;
    host.way.loses = () => count++ % 5 === 0;
    run(3000);
    const sinceMs = nowMs;
    const repeated = host.channel.repeatedPackets;
    run(3000);
    expect(host.channel.repeatedPackets - repeated).toBeGreaterThan(55);
    const ages = agesOf(sinceMs);
    expect(ages.length).toBeGreaterThan(85);
    expect(ages.length).toBeLessThan(92);
    // What came by its copy is half a period older.
    expect(ages.filter((age) => age > 60).length).toBeGreaterThan(8);
    host.periodMs = 1000 / 60;
    run(1000);
    const often = host.channel.repeatedPackets;
    run(1000);
    expect(host.channel.repeatedPackets).toBe(often);
  });
});
