/**
 * The experiment once more, in virtual time: the same strategies on the simulated wire that tests and `simulate()` use, beside what
 * was measured of real browsers. Tells how far that wire can be trusted.
 */
import { readFileSync } from 'node:fs';
import { mix32, Sfc32 } from '../../../netcode/core/rng.ts';
import { ConditionedWire } from '../../../netcode/transport/conditioned-wire.ts';
import { ConditionedPath, type Conditions, conditionsOf } from '../../../netcode/transport/conditions.ts';
import type { SctpPacket } from '../../../netcode/transport/sctp-end.ts';
import { WAN_PROFILES, type WanProfileName } from '../wan/profiles.ts';
import { agesOf, freshAfterMs, quantile } from './age.ts';
import type { Cell } from './lane.ts';
import { IDEAL } from './plan.ts';
import type { Row } from './report.ts';
import { VirtualPages } from './virtual-page.ts';

/** As in lane.ts. */
const WARM_UP_MS = 1_000;
const OUTAGE_MS = 3_000;
const OUTAGE_AT = 0.3;
const FRESH_MS = 150;
const LINGER_MS = 400;
/** An even spread with the same standard deviation as a normal one is wider by this. */
const EVEN_OF_NORMAL = Math.sqrt(3);
/** A model is near enough for pacing to be tested on it if p99 is within this of what was measured. */
const NEAR = 1.5;

export const MODEL_LEGEND: readonly string[] = [
  'State age in ms in virtual time, all seeds pooled, and p99 of the best and the worst seed; beside it p99 as it was measured, likewise.',
  `ratio: model to measurement, * where it is off by more than ${NEAR}. fresh: after an outage, the median.`,
];

interface ModelResult {
  readonly cell: Cell;
  readonly sorted: Float64Array;
  readonly freshAfterMs: number | undefined;
  readonly sentPerSecond: number;
}

interface Sent {
  readonly arrived: readonly number[];
  readonly sent: number;
}

/** Runs cells one after the other; each takes about half a second. */
export async function runModel(cells: readonly Cell[]): Promise<ModelResult[]> {
  const results: ModelResult[] = [];
  for (const cell of cells) {
    const { arrived, sent } = cell.strategy === undefined ? sendDatagrams(cell) : await sendOver(cell);
    const span = { fromMs: WARM_UP_MS, toMs: cell.seconds * 1000 };
    results.push({
      cell,
      sorted: agesOf(arrived, span).sorted,
      freshAfterMs: cell.profile === 'outage' ? freshAfterMs(arrived, outageOf(cell).endsMs, FRESH_MS) : undefined,
      sentPerSecond: sent / cell.seconds,
    });
  }
  return results;
}

/** Moments are counted from 1 ms on: an arrival made at 0 would be none to `agesOf`. */
async function sendOver(cell: Cell): Promise<Sent> {
  const { strategy, seed, bytes, rate, seconds } = cell;
  const perfect = conditionsOf({});
  const pathOf = (side: number) => new ConditionedPath<SctpPacket>(new Sfc32(mix32(seed, side)), perfect, 0);
  const wire = new ConditionedWire([pathOf(0), pathOf(1)]);
  const count = strategy!.connections + Number(strategy!.reliable === 'apart');
  wire.openLanes(count, 0);
  const pages = new VirtualPages(wire);
  const [a, b] = pages.rigs;
  await a.open(count, null, true);
  await b.open(count, null, false);
  pages.run(1);
  const follow = applyAt(cell, 1, (conditions, nowMs) => {
    wire.setConditions(0, conditions, nowMs);
    wire.setConditions(1, conditions, nowMs);
  });
  follow(1);
  const { name: _, what: __, ...plan } = strategy!;
  const log = a.send({ ...plan, bytes, rate, seconds });
  pages.run(seconds * 1000 + LINGER_MS, follow);
  return { arrived: b.arrived(), sent: (await log).sent };
}

function sendDatagrams(cell: Cell): Sent {
  const { seed, bytes, rate, seconds } = cell;
  const path = new ConditionedPath<number>(new Sfc32(mix32(seed, 0)), conditionsOf(conditionsOfProfile(cell.profile)), 0);
  const follow = applyAt(cell, 0, (conditions, nowMs) => path.setConditions(conditions, nowMs));
  const arrived: number[] = [];
  const sent = Math.floor(rate * seconds);
  for (let n = 0; n < sent; n++) {
    const nowMs = 1 + (n * 1000) / rate;
    follow(nowMs);
    // DTLS carries the SCTP header and the chunk's as well.
    path.send(nowMs, bytes + 28, nowMs);
  }
  for (let arrival = path.take(Infinity); arrival !== undefined; arrival = path.take(Infinity)) arrived.push(arrival.packet, arrival.atMs);
  return { arrived, sent };
}

function outageOf({ seconds }: Cell): { readonly beginsMs: number; readonly endsMs: number } {
  const beginsMs = seconds * OUTAGE_AT * 1000;
  return { beginsMs, endsMs: beginsMs + OUTAGE_MS };
}

/** Calls `apply` when the network changes: when first asked, and where an outage begins and ends. */
function applyAt(cell: Cell, fromMs: number, apply: (conditions: Conditions, nowMs: number) => void): (nowMs: number) => void {
  const profile = conditionsOfProfile(cell.profile);
  const { beginsMs, endsMs } = outageOf(cell);
  const changes = [{ atMs: fromMs, isDown: false }];
  if (cell.profile === 'outage') changes.push({ atMs: beginsMs, isDown: true }, { atMs: endsMs, isDown: false });
  return (nowMs) => {
    for (let next = changes[0]; next !== undefined && next.atMs <= nowMs; next = changes[0]) {
      changes.shift();
      apply(conditionsOf({ ...profile, isDown: next.isDown }), nowMs);
    }
  };
}

function conditionsOfProfile(name: WanProfileName): Partial<Conditions> {
  const { delayMs, jitterMs, lossPercent, burstPackets, isReordering, rateKbit, queueMs } = WAN_PROFILES[name];
  return {
    delayMs,
    jitterMs: jitterMs * EVEN_OF_NORMAL,
    lossPct: lossPercent,
    burstLength: burstPackets,
    reorder: isReordering,
    ...(rateKbit > 0 && { rateKbps: rateKbit, queueBytesMax: (rateKbit / 8) * queueMs }),
  };
}

/** What real runs measured, from their files. */
export function loadMeasured(paths: readonly string[]): Row[] {
  return paths.flatMap((path) => [...(JSON.parse(readFileSync(path, 'utf8')) as { readonly rows: readonly Row[] }).rows]);
}

const tableOf = (of: { readonly profile: string; readonly bytes: number; readonly rate: number }): string =>
  `${of.profile}, ${of.bytes} B, ${of.rate} a second`;
const whole = (value: number | undefined): string => (value === undefined || !Number.isFinite(value) ? '-' : value.toFixed(0));
const sorted = (values: readonly number[]): number[] => values.toSorted((x, y) => x - y);
const median = (values: readonly number[]): number | undefined => sorted(values)[Math.floor(values.length / 2)];
const range = (values: readonly number[]): string =>
  values.length === 0 ? '-' : `${whole(Math.min(...values))}-${whole(Math.max(...values))}`;

/** All tables in the order of their first cells. */
export function formatModel(results: readonly ModelResult[], measured: readonly Row[]): string {
  const tables = [...new Set(results.map(({ cell }) => tableOf(cell)))];
  return tables
    .map((table) => {
      const ofTable = results.filter(({ cell }) => tableOf(cell) === table);
      const names = [...new Set(ofTable.map(({ cell }) => cell.strategy?.name ?? IDEAL))];
      const rows = names.map((name) => {
        const mine = ofTable.filter(({ cell }) => (cell.strategy?.name ?? IDEAL) === name);
        const theirs = measured.filter((row) => tableOf(row) === table && row.strategy === name);
        return rowOf(name, mine, theirs);
      });
      return `${table}\n${aligned([['strategy', 'p50', 'p95', 'p99', 'by seed', 'sent/s', 'fresh', 'measured', 'by seed', 'sent/s', 'fresh', 'ratio'], ...rows])}`;
    })
    .join('\n\n');
}

function rowOf(name: string, mine: readonly ModelResult[], theirs: readonly Row[]): string[] {
  const ages = Float64Array.from(mine.flatMap((result) => [...result.sorted])).sort();
  const p99 = quantile(ages, 0.99);
  const bySeed = mine.map((result) => quantile(result.sorted, 0.99));
  const measuredBySeed = theirs.flatMap((row) => [...row.p99BySeed]);
  // Seeds of several runs: the middle one says more than a pool of few.
  const measuredP99 = median(measuredBySeed);
  const ratio = measuredP99 === undefined ? undefined : median(bySeed)! / measuredP99;
  const isNear = ratio === undefined || (ratio <= NEAR && ratio >= 1 / NEAR);
  const fresh = mine.flatMap((result) => result.freshAfterMs ?? []);
  const sent = mine.reduce((sum, result) => sum + result.sentPerSecond, 0) / mine.length;
  return [
    ...[name, whole(quantile(ages, 0.5)), whole(quantile(ages, 0.95)), whole(p99), range(bySeed), sent.toFixed(1), whole(median(fresh))],
    ...[whole(measuredP99), range(measuredBySeed), theirs[0]?.sentPerSecond.toFixed(1) ?? '-'],
    ...[
      whole(median(theirs.flatMap((row) => [...row.freshAfterMs]))),
      ratio === undefined ? '-' : `${ratio.toFixed(2)}${isNear ? ' ' : '*'}`,
    ],
  ];
}

function aligned(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, n) => Math.max(...lines.map((line) => line[n]!.length)));
  return lines.map((line) => line.map((text, n) => (n === 0 ? text.padEnd(widths[n]!) : text.padStart(widths[n]!))).join('  ')).join('\n');
}
