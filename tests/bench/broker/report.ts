/** The figures in tables, and what is aimed at. */
import { formatTable, short } from '../codec/table.ts';
import type { BrokerKind } from './brokers.ts';
import type { ClusterRun, Fill, Rounds, Work } from './measure.ts';
import type { BrokerPlan } from './plan.ts';

export interface BrokerResults {
  readonly rounds: Readonly<Record<BrokerKind, Rounds>>;
  readonly fills: readonly Fill[];
  readonly clusters: readonly ClusterRun[];
}

export interface Target {
  readonly what: string;
  readonly value: number;
  readonly is: 'at most' | 'at least';
  readonly limit: number;
}

/** A figure that is missing is no pass. */
export const isMet = ({ value, is, limit }: Target): boolean => (is === 'at most' ? value <= limit : value >= limit);

export const BROKER_LEGEND = [
  'Ours and the stock server run side by side and are loaded by turns; figures are the medians of the rounds, x is the median of',
  "each round's ours / stock. CPU is the broker's processor time, user and system. A join is OFFER, ANSWER and six CANDIDATEs, from the",
  'OFFER sent to the last one received. gen: the load generator, as a share of a core; near 1 it measures itself.',
].join('\n');

const PHASES: Readonly<Record<keyof Rounds, string>> = { connects: 'connects', flood: 'joins, flood', pace: 'joins, paced' };
const PHASE_KEYS = ['connects', 'flood', 'pace'] as const;

const perSecond = ({ times, seconds }: Work): number => times / seconds;
const cpuUs = ({ cpuUsEach }: Work): number => cpuUsEach;
const p50 = ({ p50Ms }: Work): number => p50Ms;
const p99 = ({ p99Ms }: Work): number => p99Ms;

export function formatRounds({ rounds }: BrokerResults): string {
  const columns = [perSecond, cpuUs, p50, p99];
  const rows = PHASE_KEYS.flatMap((key) => [
    ...(['ours', 'stock'] as const).map((kind) => {
      const works = rounds[kind][key];
      const failed = works.reduce((sum, work) => sum + work.failed, 0);
      return [
        `${PHASES[key]}, ${kind}`,
        ...columns.map((figure) => short(median(works.map(figure)))),
        String(failed),
        short(median(works.map(({ busy }) => busy))),
      ];
    }),
    ['  x', ...columns.map((figure) => ratioOf(rounds, key, figure).toFixed(2)), '', ''],
  ]);
  return formatTable(['', 'a second', 'CPU us', 'p50 ms', 'p99 ms', 'failed', 'gen'], rows);
}

export function formatFills({ fills }: BrokerResults): string {
  const rows = fills.map(({ kind, hasLimits, connects, heartbeats, heapBytesEach, rssBytesEach, full }) => [
    hasLimits ? `${kind}, limits on` : kind,
    String(connects.times - heartbeats.failed),
    short(heapBytesEach),
    short(rssBytesEach),
    short(full.rssBytes / 1e6),
    short(perSecond(connects)),
    short(connects.cpuUsEach),
    short((heartbeats.cpuUsEach * perSecond(heartbeats)) / 1e4),
  ]);
  return formatTable(['idle clients', 'held', 'heap B each', 'RSS B each', 'RSS MB', 'connects/s', 'CPU us', 'idle CPU %'], rows);
}

/**
 * One machine carries brokers, Redis and generator, so joins a second do not grow here. What a join costs each of them says how they
 * would grow on cores of their own.
 */
export function formatClusters({ clusters }: BrokerResults): string {
  const rows = clusters.map(({ brokers, flood, pace, redisCpuUsEach }) => [
    `${brokers}`,
    short(perSecond(flood)),
    short(pace.p50Ms),
    short(pace.p99Ms),
    String(flood.failed + pace.failed),
    short(flood.cpuUsEach),
    short(flood.cpuUsEach / brokers),
    short(redisCpuUsEach),
    short((brokers * 1e6) / flood.cpuUsEach),
    redisCpuUsEach < 1 ? '-' : short(1e6 / redisCpuUsEach),
    short(flood.busy),
  ]);
  return formatTable(
    ['brokers', 'joins/s', 'p50 ms', 'p99 ms', 'failed', 'CPU us', 'a broker', 'Redis us', 'brokers bear/s', 'Redis bears/s', 'gen'],
    rows,
  );
}

/**
 * Figures by the clock jump by this much from one run of the same two brokers to the next, as both processors are shared with the
 * generator; processor time and memory do not.
 */
const CLOCK_TOLERANCE = 0.1;

/** What the issue asks for: at least as fast as the stock server, and less memory. */
export function targetsOf({ rounds, fills, clusters }: BrokerResults, plan: BrokerPlan): Target[] {
  const measured = PHASE_KEYS.filter((key) => rounds.ours[key].length > 0);
  const ratios = measured.flatMap((key): Target[] => [
    { what: `CPU of ${PHASES[key]}, x of stock`, value: ratioOf(rounds, key, cpuUs), is: 'at most', limit: 1 },
    ...(key === 'pace'
      ? [
          { what: 'p50 of joins, paced, x of stock', value: ratioOf(rounds, key, p50), is: 'at most' as const, limit: 1 + CLOCK_TOLERANCE },
          { what: 'p99 of joins, paced, x of stock', value: ratioOf(rounds, key, p99), is: 'at most' as const, limit: 1 + CLOCK_TOLERANCE },
        ]
      : [
          {
            what: `${PHASES[key]} a second, x of stock`,
            value: ratioOf(rounds, key, perSecond),
            is: 'at least' as const,
            limit: 1 - CLOCK_TOLERANCE,
          },
        ]),
  ]);
  const each = (kind: BrokerKind, figure: (fill: Fill) => number): number =>
    median(fills.filter((fill) => fill.kind === kind && !fill.hasLimits).map(figure));
  const ofStock = (figure: (fill: Fill) => number): number => each('ours', figure) / each('stock', figure);
  const held = fills.filter(({ kind }) => kind === 'ours').map(({ connects, heartbeats }) => connects.times - heartbeats.failed);
  const failed = clusters.reduce((sum, { flood, pace }) => sum + flood.failed + pace.failed, 0);
  return [
    ...ratios,
    ...(fills.length === 0
      ? []
      : [
          {
            what: 'heap of an idle client, x of stock',
            value: ofStock(({ heapBytesEach }) => heapBytesEach),
            is: 'at most' as const,
            limit: 1,
          },
          {
            what: 'RSS of an idle client, x of stock',
            value: ofStock(({ rssBytesEach }) => rssBytesEach),
            is: 'at most' as const,
            limit: 1,
          },
          { what: 'idle clients held', value: Math.min(...held), is: 'at least' as const, limit: plan.idleClients },
        ]),
    ...(clusters.length === 0 ? [] : [{ what: 'joins between brokers that failed', value: failed, is: 'at most' as const, limit: 0 }]),
  ];
}

export function formatTargets(targets: readonly Target[]): string {
  return formatTable(
    ['target', 'is', 'aimed at', ''],
    targets.map((target) => [target.what, short(target.value), `${target.is} ${short(target.limit)}`, isMet(target) ? 'PASS' : 'FAIL']),
  );
}

function ratioOf(rounds: BrokerResults['rounds'], key: keyof Rounds, figure: (work: Work) => number): number {
  return median(rounds.ours[key].map((work, i) => figure(work) / figure(rounds.stock[key][i]!)));
}

/** The mean of the middle two of an even number. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
