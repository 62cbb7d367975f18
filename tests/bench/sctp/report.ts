/** The experiment in tables: a table for each network and stream, a row for each strategy, its seeds pooled. */
import { quantile, shareAbove, STALE_MS } from './age.ts';
import type { CellResult } from './lane.ts';
import { IDEAL } from './plan.ts';

export const SCTP_LEGEND: readonly string[] = [
  'State age in ms, over all seeds; p99 also of each seed. x: p99 as a multiple of the ideal, datagrams without congestion control on the same network.',
  `>${STALE_MS}: share of the time with a state older than ${STALE_MS} ms. gaps: times above 250 ms without a newer state, a minute; longest: the longest of them.`,
  'wait p99: bytes waiting in the browser. flight p99: bytes sent, not acknowledged, not given up. stalls: of single connections, a minute (no ack for a',
  'round trip and 100 ms), and the median and the longest of them. late: packets that the emulator delivered more than 5 ms late;',
  'jank: how late timers were in the worse page, p99. Where these are large the figures are of the machine. fresh: after an outage.',
];

/** A row of a table, for JSON too. */
export interface Row {
  readonly profile: string;
  readonly bytes: number;
  readonly rate: number;
  readonly strategy: string;
  readonly seeds: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p99BySeed: readonly number[];
  readonly p999: number;
  readonly max: number;
  readonly p99OfIdeal: number;
  readonly staleShare: number;
  readonly sentPerSecond: number;
  readonly lostShare: number;
  readonly gapsPerMinute: number;
  readonly gapMsMax: number;
  readonly waitingP99: number;
  readonly waitingMax: number;
  readonly inFlightP99: number;
  readonly stallsPerMinute: number;
  readonly stallMsMedian: number;
  readonly stallMsMax: number;
  readonly rttMs: number;
  readonly freshAfterMs: readonly number[];
  readonly wireKbit: number;
  /** The longest queue before the rate cap. */
  readonly queueMsMax: number;
  readonly lateShare: number;
  readonly jankMs: number;
  readonly cpuBusy: number;
  readonly cpuStolen: number;
}

const nameOf = ({ cell }: CellResult): string => cell.strategy?.name ?? IDEAL;
const tableOf = ({ cell }: CellResult): string => `${cell.profile}, ${cell.bytes} B, ${cell.rate} a second`;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

function pooled(results: readonly CellResult[]): Float64Array {
  return Float64Array.from(results.flatMap(({ ages }) => [...ages.sorted])).sort();
}

function rowOf(results: readonly CellResult[], idealP99: number): Row {
  const { cell } = results[0] as CellResult;
  const ages = pooled(results);
  const minutes = results.reduce((sum, result) => sum + result.cell.seconds, 0) / 60;
  const stalls = results.flatMap(({ stallsMs }) => stallsMs).sort((x, y) => x - y);
  const packets = results.reduce((sum, { wire }) => sum + wire.a.delivered + wire.b.delivered, 0);
  const late = results.reduce((sum, { wire }) => sum + wire.a.late + wire.b.late, 0);
  const p99 = quantile(ages, 0.99);
  return {
    ...{ profile: cell.profile, bytes: cell.bytes, rate: cell.rate, strategy: cell.strategy?.name ?? IDEAL, seeds: results.length },
    ...{ p50: quantile(ages, 0.5), p95: quantile(ages, 0.95), p99, p999: quantile(ages, 0.999), max: ages.at(-1) ?? NaN },
    p99BySeed: results.map((result) => quantile(result.ages.sorted, 0.99)),
    p99OfIdeal: p99 / idealP99,
    staleShare: shareAbove(ages, STALE_MS),
    sentPerSecond: mean(results.map((result) => result.sentPerSecond)),
    lostShare: mean(results.map((result) => result.lostShare)),
    gapsPerMinute: results.reduce((sum, result) => sum + result.ages.gaps, 0) / minutes,
    gapMsMax: Math.max(...results.map((result) => result.ages.gapMsMax)),
    waitingP99: Math.max(...results.map((result) => result.waitingP99)),
    waitingMax: Math.max(...results.map((result) => result.waitingMax)),
    inFlightP99: Math.max(...results.map((result) => result.inFlightP99)),
    stallsPerMinute: stalls.length / minutes,
    stallMsMedian: stalls.length === 0 ? 0 : quantile(stalls, 0.5),
    stallMsMax: stalls.at(-1) ?? 0,
    rttMs: mean(results.map((result) => result.rttMs)),
    freshAfterMs: results.flatMap(({ freshAfterMs }) => freshAfterMs ?? []),
    wireKbit: mean(results.map(({ wire, cell: { seconds } }) => (wire.a.bytes * 8) / 1000 / seconds)),
    queueMsMax: Math.max(...results.map(({ wire }) => wire.a.queueMsMax)),
    jankMs: Math.max(...results.map((result) => result.jankMs)),
    lateShare: late / Math.max(1, packets),
    cpuBusy: mean(results.map(({ cpu }) => cpu.busy)),
    cpuStolen: mean(results.map(({ cpu }) => cpu.stolen)),
  };
}

/** All tables in the order of their first cells. */
export function rowsOf(results: readonly CellResult[]): Row[] {
  const tables = [...new Set(results.map(tableOf))];
  return tables.flatMap((table) => {
    const ofTable = results.filter((result) => tableOf(result) === table);
    const ideal = ofTable.filter((result) => nameOf(result) === IDEAL);
    const idealP99 = ideal.length === 0 ? NaN : quantile(pooled(ideal), 0.99);
    return [...new Set(ofTable.map(nameOf))].map((name) =>
      rowOf(
        ofTable.filter((result) => nameOf(result) === name),
        idealP99,
      ),
    );
  });
}

const whole = (value: number): string => (Number.isFinite(value) ? value.toFixed(0) : '-');
const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

type Column = readonly [title: string, text: (row: Row) => string];
const COLUMNS: readonly Column[] = [
  ['p50', (row) => whole(row.p50)],
  ['p95', (row) => whole(row.p95)],
  ['p99', (row) => whole(row.p99)],
  ['by seed', (row) => row.p99BySeed.map(whole).join(' ')],
  ['p99.9', (row) => whole(row.p999)],
  ['max', (row) => whole(row.max)],
  ['x', (row) => row.p99OfIdeal.toFixed(2)],
  [`>${STALE_MS}`, (row) => percent(row.staleShare)],
  ['sent/s', (row) => row.sentPerSecond.toFixed(1)],
  ['lost', (row) => percent(row.lostShare)],
  ['gaps', (row) => row.gapsPerMinute.toFixed(1)],
  ['longest', (row) => whole(row.gapMsMax)],
  ['wait p99', (row) => whole(row.waitingP99)],
  ['flight p99', (row) => whole(row.inFlightP99)],
  [
    'stalls',
    (row) => (row.stallsPerMinute === 0 ? '-' : `${row.stallsPerMinute.toFixed(1)} ${whole(row.stallMsMedian)} ${whole(row.stallMsMax)}`),
  ],
  ['jank', (row) => whole(row.jankMs)],
  ['late', (row) => percent(row.lateShare)],
  ['kbit/s', (row) => whole(row.wireKbit)],
  ['queue', (row) => whole(row.queueMsMax)],
  ['fresh', (row) => (row.freshAfterMs.length === 0 ? '-' : row.freshAfterMs.map(whole).join(' '))],
];

export function formatRows(rows: readonly Row[]): string {
  const tables = [...new Set(rows.map(({ profile, bytes, rate }) => `${profile}, ${bytes} B, ${rate} a second`))];
  return tables
    .map((table) => {
      const ofTable = rows.filter(({ profile, bytes, rate }) => `${profile}, ${bytes} B, ${rate} a second` === table);
      const cells = [
        ['strategy', ...COLUMNS.map(([title]) => title)],
        ...ofTable.map((row) => [row.strategy, ...COLUMNS.map(([, text]) => text(row))]),
      ];
      const widths = cells[0]?.map((_, n) => Math.max(...cells.map((line) => line[n]?.length ?? 0))) ?? [];
      const lines = cells.map((line) =>
        line.map((text, n) => (n === 0 ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0))).join('  '),
      );
      const busy = mean(ofTable.map(({ cpuBusy }) => cpuBusy));
      const stolen = mean(ofTable.map(({ cpuStolen }) => cpuStolen));
      return `${table} (machine ${percent(busy)} busy, ${percent(stolen)} stolen)\n${lines.join('\n')}`;
    })
    .join('\n\n');
}
