/** The table of a feel bench. */
import { formatTable, percent, short } from '../codec/table.ts';
import type { FeelRun } from './feel.ts';

const HEADER = [
  'network',
  'players',
  'policy',
  'mispred',
  'own p95',
  'p99',
  'max',
  'jumps',
  'others p95',
  'p99',
  'max',
  'freezes',
  'longest',
  'jumps',
  'late in',
  'delay',
  'least',
  'lead',
  'kbps in',
  'out',
  'incompl',
  'x real',
];

export const FEEL_LEGEND = [
  'of all guests together. mispred: corrections per snapshot; own, others: visual error in px, jumps and freezes of things a minute and guest;',
  'longest freeze in ms; late in: ticks without their input; delay: how old the drawn past is (mean, ms), least: how old it must be for 98 % of the',
  'frames; lead: of the predicted present, ms; incompl: snapshots without room for everything; x real: virtual seconds a second of processor',
];

export function formatFeel(runs: readonly FeelRun[]): string {
  const rows = runs.map(({ network, players, policy, report, speed }) => {
    const { guests, seconds } = report;
    const perMinute = (count: number): string => short((count * 60) / (seconds * (players - 1)));
    return [
      network,
      String(players),
      policy,
      percent(guests.mispredictionRate),
      short(guests.own.errorPx.p95),
      short(guests.own.errorPx.p99),
      short(guests.own.errorPx.max),
      perMinute(guests.own.jumps),
      short(guests.others.errorPx.p95),
      short(guests.others.errorPx.p99),
      short(guests.others.errorPx.max),
      perMinute(guests.others.freezes),
      short(guests.others.longestFreezeMs),
      perMinute(guests.others.jumps),
      percent(guests.inputLateness),
      short(guests.drawnDelayMs.mean),
      short(guests.leastDelayMs),
      short(guests.predictionLeadMs.mean),
      short(guests.kbpsIn),
      short(guests.kbpsOut),
      String(guests.incompleteSnapshots),
      short(speed),
    ];
  });
  return formatTable(HEADER, rows);
}
