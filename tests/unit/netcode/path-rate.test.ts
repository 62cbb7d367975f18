/** SPEC.md, PACE rules: the rate that a path carries without a queue, found by what passes a bottleneck in virtual time. */
import { expect, test } from 'vitest';
import { ARRIVAL_MS_MODULO, PACKET_OVERHEAD_BYTES, PathRate } from '../../../netcode/channel/path-rate.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';

const PERIOD_MS = 1000 / 60;
const SETTLED_MS = 4_000;
const BYTES_MIN = 200;
const OTHER_CLOCK_MS = 1_234_567;

interface Path {
  readonly kbps?: (nowMs: number) => number | undefined;
  readonly delayMs?: (nowMs: number) => number;
  /** Standard deviation of the delay. */
  readonly jitterMs?: number;
  readonly loss?: number;
  /** What the bottleneck holds. */
  readonly queueMsMax?: number;
}

interface Flow {
  readonly rate: PathRate;
  readonly acks: { readonly atMs: number; readonly sizeBytes: number; readonly sentAtMs: number; readonly arrivedMs: number }[];
  readonly sizes: { readonly atMs: number; readonly sizeBytes: number }[];
  nextMs: number;
}

/** So many senders share one path; each has a packet of `wantBytes` ready sixty times a second. */
function share(path: Path, { flows = 1, wantBytes = 1000, seconds = 30, seed = 1 } = {}) {
  const { kbps = () => undefined, delayMs = () => 50, jitterMs = 5, loss = 0, queueMsMax = 300 } = path;
  const rng = new Sfc32(seed);
  // Twelve even draws less six: normal enough.
  const normal = (): number => Array.from({ length: 12 }, () => rng.float()).reduce((sum, x) => sum + x, -6);
  const senders: Flow[] = Array.from({ length: flows }, (_, i) => ({
    rate: new PathRate(),
    acks: [],
    sizes: [],
    nextMs: (i * PERIOD_MS) / flows,
  }));
  const queues: { atMs: number; queueMs: number }[] = [];
  let freeMs = 0;
  let lastMs = 0;
  const pass = (sizeBytes: number, nowMs: number): number | undefined => {
    const rateKbps = kbps(nowMs);
    const queueMs = rateKbps === undefined ? 0 : Math.max(0, freeMs - nowMs);
    queues.push({ atMs: nowMs, queueMs });
    if (queueMs > queueMsMax) return undefined;
    if (rateKbps !== undefined) freeMs = Math.max(freeMs, nowMs) + ((sizeBytes + PACKET_OVERHEAD_BYTES) * 8) / rateKbps;
    if (rng.float() < loss) return undefined;
    lastMs = Math.max(lastMs, Math.max(freeMs, nowMs) + Math.max(0, delayMs(nowMs) + normal() * jitterMs));
    return lastMs;
  };
  for (let nowMs = 0; nowMs < seconds * 1000; nowMs++) {
    for (const { rate, acks, sizes, ...flow } of senders) {
      while (acks.length > 0 && acks[0]!.atMs <= nowMs) {
        const { sizeBytes, sentAtMs, arrivedMs } = acks.shift()!;
        rate.acked(sizeBytes);
        rate.arrived(sentAtMs, arrivedMs % ARRIVAL_MS_MODULO);
      }
      if (nowMs < flow.nextMs) continue;
      senders.find((sender) => sender.rate === rate)!.nextMs += PERIOD_MS;
      rate.update(nowMs, 100);
      const allowance = rate.allowance(nowMs);
      if (allowance < BYTES_MIN + PACKET_OVERHEAD_BYTES) continue;
      const sizeBytes = Math.min(wantBytes, Math.floor(allowance) - PACKET_OVERHEAD_BYTES);
      rate.sent(sizeBytes);
      sizes.push({ atMs: nowMs, sizeBytes });
      const arrivesMs = pass(sizeBytes, nowMs);
      if (arrivesMs === undefined) continue;
      const arrivedMs = Math.floor(arrivesMs + OTHER_CLOCK_MS);
      acks.push({ atMs: arrivesMs + 50 + rng.float() * PERIOD_MS, sizeBytes, sentAtMs: nowMs, arrivedMs });
      acks.sort((a, b) => a.atMs - b.atMs);
    }
  }
  const usedKbps = (fromMs: number, toMs: number): number[] =>
    senders.map(({ sizes }) => {
      const bytes = sizes.reduce(
        (sum, { atMs, sizeBytes }) => sum + (atMs >= fromMs && atMs < toMs ? sizeBytes + PACKET_OVERHEAD_BYTES : 0),
        0,
      );
      return (bytes * 8) / (toMs - fromMs);
    });
  const packetsPerSecond = (fromMs: number, toMs: number): number =>
    (senders[0]!.sizes.filter(({ atMs }) => atMs >= fromMs && atMs < toMs).length * 1000) / (toMs - fromMs);
  const queueMs = (part: number, fromMs = SETTLED_MS): number => {
    const sorted = queues.flatMap(({ atMs, queueMs: ms }) => (atMs >= fromMs ? [ms] : [])).toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length * part)] ?? 0;
  };
  return { usedKbps, packetsPerSecond, queueMs, cuts: senders.map(({ rate }) => rate.cuts) };
}

const END_MS = 30_000;

for (const loss of [0, 0.05]) {
  test(`[PACE1] before 300 kbit/s, ${loss * 100} % lost, no queue of 50 ms stands, and most of the path is used`, () => {
    for (const seed of [1, 2, 3]) {
      const seen = share({ kbps: () => 300, loss }, { seed });
      expect(seen.queueMs(0.5)).toBeLessThan(10);
      expect(seen.queueMs(0.95)).toBeLessThan(50);
      expect(seen.usedKbps(SETTLED_MS, END_MS)[0]).toBeGreaterThan(200);
      // Bytes are what is saved first.
      expect(seen.packetsPerSecond(SETTLED_MS, END_MS)).toBeGreaterThan(45);
    }
  });
}

test('[PACE1] before 100 kbit/s there are fewer packets, of a size that is some use', () => {
  const seen = share({ kbps: () => 100 });
  expect(seen.queueMs(0.95)).toBeLessThan(50);
  const packets = seen.packetsPerSecond(SETTLED_MS, END_MS);
  expect(packets).toBeGreaterThan(14);
  expect(packets).toBeLessThan(45);
});

test('[PACE2] losses alone, or jitter alone, cost nothing: what is not a queue is not cut', () => {
  for (const [path, cutsMax] of [
    [{ loss: 0.15 }, 0],
    [{ jitterMs: 1 }, 0],
    [{ delayMs: () => 100, jitterMs: 30, loss: 0.02 }, 4],
  ] as const) {
    const seen = share(path);
    expect(seen.cuts[0]).toBeLessThanOrEqual(cutsMax);
    expect(seen.usedKbps(SETTLED_MS, END_MS)[0]).toBeGreaterThan(300);
  }
});

test('[PACE3] a path that becomes longer for good costs a second, with losses too', () => {
  for (const loss of [0, 0.15]) {
    const seen = share({ delayMs: (nowMs) => (nowMs < 10_000 ? 50 : 150), loss }, { wantBytes: 150 });
    expect(seen.packetsPerSecond(12_000, END_MS)).toBeGreaterThan(59);
    expect(seen.packetsPerSecond(10_000, 12_000)).toBeGreaterThan(35);
  }
});

test('[PACE4] a path that becomes narrow has no queue any more after a second or two, and one that becomes wide is used again', () => {
  const narrowed = share({ kbps: (nowMs) => (nowMs < 15_000 ? 1000 : 200) });
  expect(narrowed.queueMs(0.95, 17_500)).toBeLessThan(60);
  const widened = share({ kbps: (nowMs) => (nowMs < 15_000 ? 200 : 2000) });
  expect(widened.usedKbps(22_000, END_MS)[0]).toBeGreaterThan(400);
});

test('[PACE5] seven that share 1 Mbit/s leave each other room, and no queue stands', () => {
  const seen = share({ kbps: () => 1000 }, { flows: 7, wantBytes: 400 });
  expect(seen.queueMs(0.95)).toBeLessThan(50);
  const used = seen.usedKbps(SETTLED_MS, END_MS);
  expect(Math.min(...used)).toBeGreaterThan(40);
  expect(used.reduce((sum, kbps) => sum + kbps, 0)).toBeGreaterThan(450);
});
