/** What the simulated network does to packets and dials: exact figures, since everything is drawn from one seed. */
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { ConditionedNetwork } from '../../../netcode/transport/conditioned.ts';
import { ConditionedPath, type Conditions, conditionsOf } from '../../../netcode/transport/conditions.ts';
import { CONTROL_BUFFERED_BYTES_MAX, CONTROL_MESSAGE_BYTES_MAX, type DialError, type Link } from '../../../netcode/transport/transport.ts';

const SEED = 7;
const INTERVAL_MS = 16;

interface Arrival {
  readonly number: number;
  readonly atMs: number;
}

function pathWith(conditions: Partial<Conditions>, seed = SEED): ConditionedPath {
  return new ConditionedPath(new Sfc32(seed), conditionsOf(conditions), 0);
}

function numbered(number: number, sizeBytes = 100): Uint8Array {
  const bytes = new Uint8Array(sizeBytes);
  new DataView(bytes.buffer).setUint32(0, number);
  return bytes;
}

function collect(path: ConditionedPath, nowMs: number): Arrival[] {
  const arrivals: Arrival[] = [];
  const read = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  path.deliver(nowMs, { state: (bytes, atMs) => arrivals.push({ number: read(bytes), atMs }), control() {}, close() {} });
  return arrivals;
}

/** Sends `count` state packets at 60 Hz or so and returns all that ever arrive. */
function sendAll(path: ConditionedPath, count: number, sizeBytes = 100, intervalMs = INTERVAL_MS): Arrival[] {
  const arrivals: Arrival[] = [];
  for (let i = 0; i < count; i++) {
    path.sendState(numbered(i, sizeBytes), i * intervalMs);
    arrivals.push(...collect(path, i * intervalMs));
  }
  return [...arrivals, ...collect(path, Infinity)];
}

function lossRuns(arrivals: readonly Arrival[], count: number): number[] {
  const arrived = new Set(arrivals.map(({ number }) => number));
  const runs: number[] = [];
  let run = 0;
  for (let i = 0; i <= count; i++) {
    if (i < count && !arrived.has(i)) run += 1;
    else if (run > 0) {
      runs.push(run);
      run = 0;
    }
  }
  return runs;
}

describe('delay', () => {
  test('without jitter is the same for every packet', () => {
    expect(sendAll(pathWith({ delayMs: 50 }), 3)).toEqual([0, 1, 2].map((number) => ({ number, atMs: number * INTERVAL_MS + 50 })));
  });

  test('with jitter stays within its bounds and uses them', () => {
    const delays = sendAll(pathWith({ delayMs: 50, jitterMs: 5 }), 4_000).map(({ number, atMs }) => atMs - number * INTERVAL_MS);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(45);
    expect(Math.max(...delays)).toBeLessThan(55);
    expect(Math.max(...delays) - Math.min(...delays)).toBeGreaterThan(9.9);
  });

  test('lets packets overtake each other only where reordering is on', () => {
    const isSorted = (arrivals: readonly Arrival[]) => arrivals.every(({ number }, i) => i === 0 || number > arrivals[i - 1]!.number);
    expect(isSorted(sendAll(pathWith({ delayMs: 50, jitterMs: 40, reorder: false }), 500))).toBe(true);
    expect(isSorted(sendAll(pathWith({ delayMs: 50, jitterMs: 40, reorder: true }), 500))).toBe(false);
  });

  test('hands out nothing before it is due', () => {
    const path = pathWith({ delayMs: 50 });
    path.sendState(numbered(1), 0);
    expect(collect(path, 49.9)).toEqual([]);
    expect(collect(path, 50)).toEqual([{ number: 1, atMs: 50 }]);
    expect(collect(path, 51)).toEqual([]);
  });
});

describe('loss', () => {
  test.each([
    { lossPct: 5, burstLength: 1 },
    { lossPct: 30, burstLength: 1 },
    { lossPct: 15, burstLength: 2 },
    { lossPct: 30, burstLength: 4 },
  ])('of $lossPct % in bursts of $burstLength loses that share in runs that long', ({ lossPct, burstLength }) => {
    const count = 20_000;
    const arrivals = sendAll(pathWith({ lossPct, burstLength }), count);
    const runs = lossRuns(arrivals, count);
    const averageRun = runs.reduce((sum, run) => sum + run, 0) / runs.length;
    const expectedRun = burstLength === 1 ? 1 / (1 - lossPct / 100) : burstLength;
    expect(100 - (arrivals.length / count) * 100).toBeCloseTo(lossPct, -0.3);
    expect(averageRun / expectedRun).toBeCloseTo(1, 1);
  });

  test('of 100 % loses every packet', () => {
    expect(sendAll(pathWith({ lossPct: 100 }), 100)).toEqual([]);
  });
});

test('duplication delivers that share twice', () => {
  const arrivals = sendAll(pathWith({ delayMs: 50, duplicatePct: 10 }), 5_000);
  expect(new Set(arrivals.map(({ number }) => number)).size).toBe(5_000);
  expect(arrivals.length / 5_000).toBeCloseTo(1.1, 1.5);
});

describe('a rate cap', () => {
  test('delivers no more bytes than the rate, overhead included', () => {
    // 593 B on the wire at 80 kbit/s = 10 B/ms: one packet every 59.3 ms.
    const arrivals = sendAll(pathWith({ rateKbps: 80, queueBytesMax: 1_000_000 }), 10, 500, 1);
    arrivals.forEach(({ number, atMs }) => expect(atMs).toBeCloseTo((number + 1) * 59.3, 6));
  });

  test('loses what finds the queue full', () => {
    const arrivals = sendAll(pathWith({ rateKbps: 80, queueBytesMax: 2_000 }), 100, 500, 1);
    expect(arrivals.length).toBeLessThan(10);
    expect(Math.max(...arrivals.map(({ number, atMs }) => atMs - number))).toBeLessThan((2_000 + 593) / 10);
  });
});

test('an outage loses what is sent in it, and nothing that was under way', () => {
  const path = pathWith({ delayMs: 50 });
  path.sendState(numbered(1), 0);
  path.setConditions(conditionsOf({ delayMs: 50, isDown: true }), 10);
  path.sendState(numbered(2), 20);
  path.setConditions(conditionsOf({ delayMs: 50 }), 5_000);
  path.sendState(numbered(3), 5_000);
  expect(collect(path, 6_000).map(({ number, atMs }) => [number, atMs])).toEqual([
    [1, 50],
    [3, 5_050],
  ]);
});

test.each([
  [{ delayMs: -1 }, /delayMs -1/],
  [{ lossPct: 101 }, /lossPct 101/],
  [{ rateKbps: 0 }, /rateKbps 0/],
  [{ jitterMs: Number.NaN }, /jitterMs NaN/],
  [{ lossPct: 90, burstLength: 2 }, /bursts as short as 2/],
])('conditions that no network can have throw, naming the value: %j', (conditions, message) => {
  expect(() => conditionsOf(conditions)).toThrow(message);
});

describe('a network', () => {
  const HARSH: Partial<Conditions> = { delayMs: 60, jitterMs: 30, lossPct: 20, burstLength: 3, duplicatePct: 5, reorder: true };

  async function openLink(
    clock: VirtualClock,
    network: ConditionedNetwork,
  ): Promise<{ host: Link; guest: Link; hostId: PeerId; guestId: PeerId }> {
    const hostTransport = network.createTransport();
    const guestTransport = network.createTransport();
    const dial = guestTransport.connect(hostTransport.localId, { timeoutMs: 30_000 });
    let host: Link | undefined;
    while ((host = hostTransport.accept()) === undefined) {
      clock.advance(5);
      network.pump();
    }
    return { host, guest: await dial, hostId: hostTransport.localId, guestId: guestTransport.localId };
  }

  /** Everything that arrives in ten seconds of traffic, as text. */
  async function record(seed: number, pollEveryMs: number, hasNeighbour: boolean): Promise<string> {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, seed);
    network.setDefaultConditions(HARSH);
    const { host, guest } = await openLink(clock, network);
    const neighbour = hasNeighbour ? await openLink(clock, network) : undefined;
    const startMs = clock.nowMs();
    const log: string[] = [];
    for (let ms = 0; ms < 10_000; ms += 4) {
      if (ms % 16 === 0) guest.sendState(numbered(ms));
      if (ms % 200 === 0) guest.sendControl(numbered(ms));
      neighbour?.guest.sendState(numbered(ms));
      neighbour?.guest.sendControl(numbered(ms));
      clock.advance(4);
      if (ms % pollEveryMs !== 0) continue;
      for (let packet = host.receiveState(); packet; packet = host.receiveState())
        log.push(`s${packet.bytes.join()}@${(packet.atMs - startMs).toFixed(9)}`);
      for (let message = host.receiveControl(); message; message = host.receiveControl())
        log.push(`c${message.bytes.join()}@${(message.atMs - startMs).toFixed(9)}`);
      for (let other = neighbour?.host.receiveControl(); other; other = neighbour?.host.receiveControl());
    }
    return log.toSorted().join('\n');
  }

  test('gives the same seed the same arrivals, and another seed others', async () => {
    expect(await record(1, 4, false)).toBe(await record(1, 4, false));
    expect(await record(1, 4, false)).not.toBe(await record(2, 4, false));
  });

  test('gives the same arrivals whatever happens on other links', async () => {
    expect(await record(3, 4, true)).toBe(await record(3, 4, false));
  });

  test('dials in the time of its handshake', async () => {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, SEED);
    network.setDefaultConditions({ delayMs: 50 });
    await openLink(clock, network);
    expect(clock.nowMs()).toBe(600);
  });

  test('fails a dial with unreachable when the path stays down, and with broker-unreachable when the broker is', async () => {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, SEED);
    const host = network.createTransport();
    const guest = network.createTransport();
    network.setConditions(host.localId, guest.localId, { isDown: true });
    const failures: string[] = [];
    const fail = (error: DialError) => failures.push(error.failure);
    const down = guest.connect(host.localId, { timeoutMs: 1_000 }).catch(fail);
    clock.advance(999);
    network.pump();
    await Promise.resolve();
    expect(failures).toEqual([]);
    clock.advance(1);
    network.pump();
    await down;
    network.setBrokerUp(false);
    expect(guest.isReachable).toBe(false);
    await guest.connect(host.localId, { timeoutMs: 1_000 }).catch(fail);
    expect(failures).toEqual(['unreachable', 'broker-unreachable']);
  });

  test('cancels a dial by its signal, and the host never hears of it', async () => {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, SEED);
    network.setDefaultConditions({ delayMs: 50 });
    const host = network.createTransport();
    const controller = new AbortController();
    const dial = network.createTransport().connect(host.localId, { timeoutMs: 10_000, signal: controller.signal });
    clock.advance(100);
    network.pump();
    controller.abort();
    await expect(dial).rejects.toMatchObject({ failure: 'cancelled' });
    clock.advance(10_000);
    expect(host.accept()).toBeUndefined();
  });

  test('calls both ends lost 16 s after one direction went down, and not a moment before', async () => {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, SEED);
    const { host, guest, hostId, guestId } = await openLink(clock, network);
    network.setConditions(guestId, hostId, { isDown: true });
    clock.advance(15_999);
    expect([host.end, guest.end]).toEqual([undefined, undefined]);
    clock.advance(1);
    expect([host.end, guest.end]).toEqual(['lost', 'lost']);
  });

  test('goes on after a shorter outage', async () => {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, SEED);
    const { host, guest, hostId, guestId } = await openLink(clock, network);
    network.setConditions(guestId, hostId, { isDown: true });
    guest.sendControl(numbered(1));
    clock.advance(10_000);
    network.setConditions(guestId, hostId, {});
    // SCTP has doubled its time-out up to three seconds by then.
    clock.advance(3_000);
    expect(host.receiveControl()?.bytes).toEqual(numbered(1));
    expect([host.end, guest.end]).toEqual([undefined, undefined]);
  });

  test('keeps silent about a peer that vanished, until its links are lost', async () => {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, SEED);
    const { guest, hostId } = await openLink(clock, network);
    network.vanish(hostId);
    clock.advance(10_000);
    expect(guest.end).toBeUndefined();
    clock.advance(6_000);
    expect(guest.end).toBe('lost');
    await expect(network.createTransport().connect(hostId, { timeoutMs: 1_000 })).rejects.toMatchObject({ failure: 'peer-unknown' });
  });

  test('ends a link with overflow when control waits beyond its bound', async () => {
    const clock = new VirtualClock();
    const network = new ConditionedNetwork(clock, SEED);
    const { guest, hostId, guestId } = await openLink(clock, network);
    network.setConditions(guestId, hostId, { isDown: true });
    const large = new Uint8Array(CONTROL_MESSAGE_BYTES_MAX);
    let sent = 0;
    while (guest.sendControl(large)) sent += 1;
    expect([sent, guest.end]).toEqual([CONTROL_BUFFERED_BYTES_MAX / CONTROL_MESSAGE_BYTES_MAX, 'overflow']);
  });
});
