/** What congestion control makes of a simulated network: associations on one wire, in virtual time. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { mix32, Sfc32 } from '../../../netcode/core/rng.ts';
import { ConditionedWire, type WireDirection } from '../../../netcode/transport/conditioned-wire.ts';
import { ConditionedNetwork } from '../../../netcode/transport/conditioned.ts';
import { ConditionedPath, type Conditions, conditionsOf } from '../../../netcode/transport/conditions.ts';
import type { SctpPacket } from '../../../netcode/transport/sctp-end.ts';
import {
  CONTROL_BUFFERED_BYTES_MAX,
  CONTROL_MESSAGE_BYTES_MAX,
  type Link,
  STATE_LANES_MAX,
  STATE_PACKET_BYTES_MAX,
} from '../../../netcode/transport/transport.ts';

const SEED = 7;
const INTERVAL_MS = 1000 / 60;
const LONG_MS = 600_000;
const BURSTS_15 = { delayMs: 50, jitterMs: 8, lossPct: 15, burstLength: 2 } as const;

interface Arrival {
  readonly number: number;
  readonly atMs: number;
}

interface Arrived {
  readonly state: Arrival[];
  readonly control: Arrival[];
  readonly isClosed: boolean;
}

function wireWith(conditions: Partial<Conditions>, seed = SEED): ConditionedWire {
  const path = (side: number) => new ConditionedPath<SctpPacket>(new Sfc32(mix32(seed, side)), conditionsOf(conditions), 0);
  return new ConditionedWire([path(0), path(1)]);
}

function setBoth(wire: ConditionedWire, conditions: Partial<Conditions>, nowMs: number): void {
  for (const side of [0, 1] as const) wire.setConditions(side, conditionsOf(conditions), nowMs);
}

function numbered(number: number, sizeBytes = 100): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function collect(direction: WireDirection, nowMs: number): Arrived {
  const state: Arrival[] = [];
  const control: Arrival[] = [];
  let isClosed = false;
  const read = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  direction.deliver(nowMs, {
    state: (bytes, atMs) => state.push({ number: read(bytes), atMs }),
    control: (bytes, atMs) => control.push({ number: read(bytes), atMs }),
    close: () => (isClosed = true),
  });
  return { state, control, isClosed };
}

/** Ages of the newest state held, looked at every 4 ms. `lane` is chosen for each packet; undefined: it is not sent. */
function agesOf(
  direction: WireDirection,
  seconds: number,
  lane: (n: number, nowMs: number) => number | undefined,
  sizeBytes: number,
): number[] {
  const ages: number[] = [];
  const sentAt: number[] = [];
  let newest = 0;
  let next = 1;
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs += 4) {
    if (nowMs >= sentAt.length * INTERVAL_MS) {
      const chosen = lane(next, nowMs);
      if (chosen !== undefined) direction.sendState(numbered(sentAt.length, sizeBytes), nowMs, chosen);
      sentAt.push(nowMs);
      next += 1;
    }
    for (const { number } of collect(direction, nowMs).state) newest = Math.max(newest, number);
    if (nowMs > 1000) ages.push(nowMs - sentAt[newest]!);
  }
  return ages.sort((a, b) => a - b);
}

const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)]!;

describe('one lane', () => {
  test('carries small state as a path without congestion control would, as long as nothing is lost', () => {
    const [there] = wireWith({ delayMs: 50 }).directions;
    for (let n = 0; n < 100; n++) there.sendState(numbered(n), n * 16);
    expect(collect(there, 5_000).state).toEqual(Array.from({ length: 100 }, (_, number) => ({ number, atMs: number * 16 + 50 })));
  });

  test('keeps in the browser what its window has no room for, and sends it when acks make room', () => {
    const [there] = wireWith({ delayMs: 50 }).directions;
    for (let n = 0; n < 20; n++) there.sendState(numbered(n, 1_000), 0);
    // 11,910 bytes of window hold eleven chunks of 1,016 and a part of the twelfth: 720 of its bytes.
    expect(there.stateBufferedBytes(0)).toBe(9_000 - 716);
    expect(collect(there, 99).state.length).toBe(11);
    expect(there.stateBufferedBytes(101)).toBe(0);
    expect(collect(there, 1_000).state.length).toBe(9);
  });

  test('counts control as waiting, too, since it shares the window', () => {
    const [there] = wireWith({ delayMs: 50 }).directions;
    there.sendControl(numbered(1, CONTROL_MESSAGE_BYTES_MAX), 0);
    // Four packets go in a row.
    expect(there.stateBufferedBytes(0)).toBe(CONTROL_MESSAGE_BYTES_MAX - 4 * 1_160);
    expect(collect(there, 500).control).toEqual([{ number: 1, atMs: 250 }]);
  });

  test('does not count what waits at a bottleneck: that is in the network', () => {
    const [there] = wireWith({ rateKbps: 80, queueBytesMax: 100_000 }).directions;
    for (let n = 0; n < 3; n++) there.sendState(numbered(n, 500), 0);
    expect(there.stateBufferedBytes(0)).toBe(0);
    expect(collect(there, 178).state.map(({ atMs }) => Math.round(atMs * 10) / 10)).toEqual([59.3, 118.6, 177.9]);
  });

  test('turns large state seconds old in bursts of loss, and small state not at all', () => {
    const [there] = wireWith(BURSTS_15).directions;
    expect(p99(agesOf(there, 20, () => 0, 1_000))).toBeGreaterThan(2_000);
    const [small] = wireWith(BURSTS_15).directions;
    expect(p99(agesOf(small, 20, () => 0, 100))).toBeLessThan(250);
  });

  test('takes up to three seconds after an outage before it carries state again', () => {
    const wire = wireWith({ delayMs: 50 });
    const [there] = wire.directions;
    let returned: number | undefined;
    for (let nowMs = 0; nowMs < 8_000; nowMs += 4) {
      if (nowMs === 1_000) setBoth(wire, { delayMs: 50, isDown: true }, nowMs);
      if (nowMs === 4_000) setBoth(wire, { delayMs: 50 }, nowMs);
      if (nowMs % 16 === 0 && there.stateBufferedBytes(nowMs) === 0) there.sendState(numbered(nowMs, 400), nowMs);
      if (collect(there, nowMs).state.length > 0 && nowMs > 4_000) returned ??= nowMs;
    }
    expect(returned).toBeGreaterThan(6_500);
    expect(returned).toBeLessThan(7_100);
  });
});

describe('lanes', () => {
  test('but the first are not open until someone asks, and take a handshake', () => {
    const wire = wireWith({ delayMs: 50 });
    const [there, back] = wire.directions;
    expect([there.stateBufferedBytes(0, 1), there.sendState(numbered(1), 0, 1)]).toEqual([Infinity, false]);
    there.openLanes(2, 0);
    expect(there.stateBufferedBytes(599, 1)).toBe(Infinity);
    expect([there.stateBufferedBytes(600, 1), back.stateBufferedBytes(600, 1), there.stateBufferedBytes(600, 2)]).toEqual([0, 0, Infinity]);
    back.sendState(numbered(1), 600, 1);
    expect(collect(back, 650).state).toEqual([{ number: 1, atMs: 650 }]);
  });

  test('are four at most', () => {
    const [there] = wireWith({}).directions;
    there.openLanes(9, 0);
    expect([0, 1, 2, 3, 4].map((lane) => there.stateBufferedBytes(1, lane))).toEqual([0, 0, 0, 0, Infinity]);
    expect(STATE_LANES_MAX).toBe(4);
  });

  test('do not open while the path is down, nor does a handshake outlive it', () => {
    const wire = wireWith({ delayMs: 50 });
    const [there] = wire.directions;
    there.openLanes(2, 0);
    setBoth(wire, { isDown: true }, 300);
    there.openLanes(3, 400);
    setBoth(wire, { delayMs: 50 }, 500);
    expect([1, 2].map((lane) => there.stateBufferedBytes(10_000, lane))).toEqual([Infinity, Infinity]);
    there.openLanes(2, 10_000);
    expect([1, 2].map((lane) => there.stateBufferedBytes(10_600, lane))).toEqual([0, Infinity]);
  });

  test('have windows of their own: what fills one leaves the others alone', () => {
    const [there] = wireWith({ delayMs: 50 }).directions;
    there.openLanes(2, 0);
    for (let n = 0; n < 100; n++) there.sendState(numbered(n, 1_000), 1_000);
    there.sendState(numbered(100, 1_000), 1_000, 1);
    expect(there.stateBufferedBytes(1_000)).toBeGreaterThan(80_000);
    expect(there.stateBufferedBytes(1_000, 1)).toBe(0);
    expect(collect(there, 1_050).state.at(-1)?.number).toBe(100);
  });

  test('share one bottleneck', () => {
    const wire = wireWith({});
    const [there] = wire.directions;
    there.openLanes(2, 0);
    setBoth(wire, { rateKbps: 80, queueBytesMax: 100_000 }, 1);
    for (let n = 0; n < 4; n++) there.sendState(numbered(n, 500), 1, n % 2);
    expect(collect(there, 1_000).state.map(({ atMs }) => Math.round(atMs - 1))).toEqual([59, 119, 178, 237]);
  });

  test('four of them in turn cure what one cannot carry', () => {
    const [there] = wireWith(BURSTS_15).directions;
    there.openLanes(4, 0);
    const ages = agesOf(
      there,
      20,
      (n, nowMs) => [n, n + 1, n + 2, n + 3].map((m) => m % 4).find((lane) => there.stateBufferedBytes(nowMs, lane) === 0),
      1_000,
    );
    expect(p99(ages)).toBeLessThan(200);
  });
});

describe('control', () => {
  test('comes whole and in order, however much is lost', () => {
    const [there] = wireWith({ delayMs: 50, lossPct: 30 }).directions;
    for (let n = 0; n < 200; n++) there.sendControl(numbered(n, n % 10 === 0 ? 5_000 : 100), n * 16);
    const { control } = collect(there, LONG_MS);
    expect(control.map(({ number }) => number)).toEqual(Array.from({ length: 200 }, (_, number) => number));
    expect(control.every(({ atMs }, n) => n === 0 || atMs >= control[n - 1]!.atMs)).toBe(true);
    expect(Math.max(...control.map(({ number, atMs }) => atMs - number * 16))).toBeGreaterThan(400);
  });

  test('waits for the end of an outage, and for the time-out that doubled meanwhile', () => {
    const wire = wireWith({ delayMs: 50, isDown: true });
    const [there] = wire.directions;
    there.sendState(numbered(1), 10);
    there.sendControl(numbered(2), 10);
    expect(collect(there, 5_000)).toEqual({ state: [], control: [], isClosed: false });
    setBoth(wire, { delayMs: 50 }, 5_000);
    const { state, control } = collect(there, 9_000);
    expect(state).toEqual([]);
    // 500 ms at first, then 1,000, 2,000, and 3,000 at most.
    expect(control).toEqual([{ number: 2, atMs: 10 + 500 + 1_000 + 2_000 + 3_000 + 50 }]);
  });

  test('is refused beyond the bound of what may wait', () => {
    const [there] = wireWith({ isDown: true }).directions;
    const large = new Uint8Array(CONTROL_MESSAGE_BYTES_MAX);
    const fits = CONTROL_BUFFERED_BYTES_MAX / CONTROL_MESSAGE_BYTES_MAX;
    for (let n = 0; n < fits; n++) expect(there.sendControl(large, 0)).toBe(true);
    expect(there.sendControl(large, 0)).toBe(false);
  });

  test('comes before the close, and no state comes after it', () => {
    const [there] = wireWith({ delayMs: 50, jitterMs: 40, lossPct: 20, reorder: true }).directions;
    for (let n = 0; n < 50; n++) there.sendControl(numbered(n), n);
    there.sendClose(50);
    there.sendState(numbered(1), 60_000);
    const { state, control, isClosed } = collect(there, 100_000);
    expect([state.length, control.length, isClosed]).toEqual([0, 50, true]);
  });
});

test('duplication brings that share of the state twice', () => {
  const [there] = wireWith({ delayMs: 50, duplicatePct: 10 }).directions;
  const arrivals: Arrival[] = [];
  for (let n = 0; n < 5_000; n++) {
    there.sendState(numbered(n), n * 16);
    arrivals.push(...collect(there, n * 16).state);
  }
  arrivals.push(...collect(there, 90_000).state);
  expect(new Set(arrivals.map(({ number }) => number)).size).toBe(5_000);
  expect(arrivals.length / 5_000).toBeCloseTo(1.1, 1.5);
});

test('nothing can be worked off up to the end of time', () => {
  expect(() => collect(wireWith({}).directions[0], Infinity)).toThrow(/up to Infinity ms/);
});

describe('what arrives', () => {
  const networks = fc.record({
    delayMs: fc.integer({ min: 0, max: 150 }),
    jitterMs: fc.integer({ min: 0, max: 40 }),
    lossPct: fc.integer({ min: 0, max: 30 }),
    burstLength: fc.integer({ min: 1, max: 3 }),
    duplicatePct: fc.integer({ min: 0, max: 10 }),
    reorder: fc.boolean(),
    rateKbps: fc.option(fc.integer({ min: 100, max: 2_000 }), { nil: undefined }),
    queueBytesMax: fc.integer({ min: 2_000, max: 40_000 }),
  });
  const sends = fc.array(
    fc.record({
      atMs: fc.integer({ min: 0, max: 4_000 }),
      side: fc.boolean(),
      lane: fc.integer({ min: 0, max: 3 }),
      sizeBytes: fc.integer({ min: 4, max: STATE_PACKET_BYTES_MAX }),
      isControl: fc.boolean(),
    }),
    { maxLength: 150 },
  );

  /** Everything that arrives at both ends of a link, as text. Links are looked at, besides, every `pollEveryMs`. */
  async function record(
    seed: number,
    conditions: Partial<Conditions>,
    plan: { readonly sends: readonly Send[]; readonly pollEveryMs: number },
  ): Promise<string> {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, seed);
    const [host, guest] = await openLink(clock, network);
    network.setDefaultConditions(conditions);
    const startMs = clock.nowMs();
    const log: string[] = [];
    const ordered = plan.sends.toSorted((a, b) => a.atMs - b.atMs);
    let at = 0;
    for (let ms = 0; ms <= 20_000; ms++) {
      if (ms === 100) host.openLanes(4);
      if (ms === 2_000) network.setConditions(guest.remoteId, host.remoteId, { ...conditions, isDown: true });
      if (ms === 3_500) network.setConditions(guest.remoteId, host.remoteId, conditions);
      for (; at < ordered.length && ordered[at]!.atMs === ms; at++) {
        const { side, lane, sizeBytes, isControl } = ordered[at]!;
        const link = side ? host : guest;
        if (isControl) link.sendControl(numbered(at, sizeBytes));
        else link.sendState(numbered(at, sizeBytes), lane);
      }
      // Bursts are of packets, not of time: control that is sent every three seconds may need a few minutes to get out of one.
      clock.advance(ms === 20_000 ? LONG_MS : 1);
      if (ms % plan.pollEveryMs !== 0 && ms !== 20_000) continue;
      for (const [name, link] of [['h', host] as const, ['g', guest] as const]) {
        link.stateBufferedBytes(2);
        for (let packet = link.receiveState(); packet; packet = link.receiveState())
          log.push(`${name}s${packet.bytes.slice(0, 4).join()}@${packet.atMs - startMs}`);
        for (let message = link.receiveControl(); message; message = link.receiveControl())
          log.push(`${name}c${message.bytes.slice(0, 4).join()}@${message.atMs - startMs}`);
      }
    }
    return log.toSorted().join('\n');
  }

  interface Send {
    readonly atMs: number;
    readonly side: boolean;
    readonly lane: number;
    readonly sizeBytes: number;
    readonly isControl: boolean;
  }

  async function openLink(clock: VirtualClock, network: ConditionedNetwork): Promise<readonly [Link, Link]> {
    const transport = network.createTransport();
    const dial = network.createTransport().connect(transport.localId, { timeoutMs: 1_000 });
    clock.advance(1);
    const host = transport.accept();
    return [host!, await dial];
  }

  test('depends on the seed and on what was sent when, never on who looked how often', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), networks, sends, fc.integer({ min: 2, max: 300 }), async (seed, conditions, sent, pollEveryMs) => {
        // The inbox is bounded: what it loses does depend on how often it is emptied.
        const often = await record(seed, conditions, { sends: sent.slice(0, 100), pollEveryMs: 1 });
        expect(await record(seed, conditions, { sends: sent.slice(0, 100), pollEveryMs })).toBe(often);
      }),
      { numRuns: 40 },
    );
  });

  test('is all control, whatever the network', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), networks, sends, async (seed, conditions, sent) => {
        const ordered = sent.toSorted((a, b) => a.atMs - b.atMs).map((send) => ({ ...send, isControl: true }));
        const log = await record(seed, conditions, { sends: ordered, pollEveryMs: 50 });
        expect(log.split('\n').filter((line) => line.length > 0).length).toBe(ordered.length);
      }),
      { numRuns: 20 },
    );
  });
});
