/** The run in tables: one for each network and seed, then one for each guest if there are several, then what is aimed at. */
import type { MatchResult } from './match.ts';
import { ageFigures, type Row } from './rows.ts';
import { STREAM_MEANINGS } from './stream-kinds.ts';
import { isMet, type Target } from './targets.ts';

export const WAN_LEGEND: readonly string[] = [
  'Age in ms of the newest packet that the receiver holds, since its send call: `state` of our host’s snapshots at the first guest,',
  '`input` of that guest’s inputs at the host; the others are streams of 60 packets a second, from side a to side b:',
  ...Object.entries(STREAM_MEANINGS).map(([kind, meaning]) => `  ${kind.padEnd(17)} ${meaning}`),
  'x: p99 as a multiple of the ideal. a second: packets that arrived (streams: that were sent). wait: most bytes in a send buffer right',
  'after a send. kbit/s, lost, queue: of what the sender’s side put on the wire, of everything; queue: before the rate cap, what half and',
  '95 % of packets met at most, and the longest; stand: the shortest within 0.1 s, in 95 % of them at most. fresh: ms from the end of an',
  'outage to a state younger than 150 ms. jank: how late timers were in the worse page, p99; late: packets that the emulator delivered',
  'more than 5 ms late. Where these are large the figures are of the machine.',
].map((line) => line.replaceAll('’', "'"));

type Column<T> = readonly [title: string, text: (row: T) => string];

const whole = (value: number): string => (Number.isFinite(value) ? value.toFixed(0) : '-');
const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

const COLUMNS: readonly Column<Row>[] = [
  ['stream', ({ what }) => what],
  ['bytes', ({ bytes }) => whole(bytes)],
  ['a second', ({ perSecond }) => perSecond.toFixed(1)],
  ['p50', ({ p50 }) => whole(p50)],
  ['p95', ({ p95 }) => whole(p95)],
  ['p99', ({ p99 }) => whole(p99)],
  ['p99.9', ({ p999 }) => whole(p999)],
  ['max', ({ max }) => whole(max)],
  ['x', ({ ofIdeal }) => (Number.isNaN(ofIdeal) ? '-' : ofIdeal.toFixed(2))],
  ['wait', ({ waitingMax }) => whole(waitingMax)],
  ['kbit/s', ({ wireKbit }) => whole(wireKbit)],
  ['lost', ({ lostShare }) => percent(lostShare)],
  [
    'queue',
    ({ queueMsP50, queueMsP95, queueMsMax }) => (queueMsMax === 0 ? '-' : [queueMsP50, queueMsP95, queueMsMax].map(whole).join(' ')),
  ],
  ['stand', ({ queueMsStanding, queueMsMax }) => (queueMsMax === 0 ? '-' : whole(queueMsStanding))],
  ['fresh', ({ freshAfterMs }) => whole(freshAfterMs ?? NaN)],
  ['jank', ({ jankMs }) => whole(jankMs)],
  ['late', ({ lateShare }) => percent(lateShare)],
];

type Guest = MatchResult['guests'][number];
const GUEST_COLUMNS: readonly Column<Guest>[] = [
  ['guest', ({ name }) => name],
  ['snapshots/s', ({ state }) => state.arrived.perSecond.toFixed(1)],
  ['bytes', ({ state }) => whole(state.arrived.bytesMean)],
  ...(['p50', 'p95', 'p99', 'p999'] as const).map((key): Column<Guest> => [
    `state ${key.replace('999', '99.9')}`,
    ({ state }) => whole(ageFigures(state.ages)[key]),
  ]),
  ['inputs/s', ({ input }) => input.arrived.perSecond.toFixed(1)],
  ['input p99', ({ input }) => whole(ageFigures(input.ages).p99)],
  ['wait', ({ waiting }) => whole(waiting.bytesMax)],
  ['jank', ({ jankMs }) => whole(jankMs)],
];

function formatTable<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = [columns.map(([title]) => title), ...rows.map((row) => columns.map(([, text]) => text(row)))];
  const widths = columns.map((_, n) => Math.max(...cells.map((line) => line[n]?.length ?? 0)));
  const padded = cells.map((line) => line.map((text, n) => (n === 0 ? text.padEnd(widths[n] ?? 0) : text.padStart(widths[n] ?? 0))));
  return padded.map((line) => line.join('  ').trimEnd()).join('\n');
}

/** All of one match: `rows` are its own and those of the streams on its network. */
export function formatMatch(name: string, match: MatchResult | undefined, rows: readonly Row[]): string {
  const parts = [match === undefined ? name : `${name} (processor ${percent(match.cpu.busy)} busy, ${percent(match.cpu.stolen)} stolen)`];
  for (const payload of new Set(rows.map((row) => row.payload))) {
    const table = formatTable(
      COLUMNS,
      rows.filter((row) => row.payload === payload),
    );
    parts.push(payload === 'game' ? table : `${payload} B\n${table}`);
  }
  if (match !== undefined && match.guests.length > 1) parts.push(formatTable(GUEST_COLUMNS, match.guests));
  return parts.join('\n');
}

export interface Judged {
  readonly name: string;
  readonly targets: readonly Target[];
}

export function formatTargets(judged: readonly Judged[]): string {
  const lines = judged.flatMap(({ name, targets }) => targets.map((target) => ({ name, target })));
  const columns: readonly Column<(typeof lines)[number]>[] = [
    ['network', ({ name }) => name],
    ['', ({ target }) => (isMet(target) ? 'PASS' : 'FAIL')],
    ['is', ({ target: { value } }) => (Number.isInteger(value) ? String(value) : value.toFixed(2))],
    ['aimed at', ({ target: { is, limit } }) => `${is} ${limit}`],
    ['what', ({ target: { what } }) => what],
  ];
  const met = judged.filter(({ targets }) => targets.every(isMet)).length;
  return `${formatTable(columns, lines)}\n${met} of ${judged.length} matches met all that is aimed at`;
}
