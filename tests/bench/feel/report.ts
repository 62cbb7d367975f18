/** The tables of a feel bench: what was measured, and what of it is as good as the roadmap asks. */
import { formatTable, percent, short } from '../codec/table.ts';
import type { FeelRun } from './feel.ts';
import { feelTargetsOf, isMet } from './targets.ts';

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
  'blinks',
  'late in',
  'delay',
  'least',
  'lead',
  'view',
  'hits',
  'denied',
  'unseen',
  'kbps in',
  'out',
  'incompl',
  'x real',
];

export const FEEL_LEGEND = [
  'of all guests together. mispred: corrections per snapshot; own, others: visual error in px, jumps and freezes of things a minute and guest;',
  'longest freeze in ms; blinks: own and others; late in: ticks without their input; delay: how old the drawn past is (mean, ms), least: how old it',
  'must be for 98 % of the frames; lead: of the predicted present, ms; view: from the drawn past to the predicted present, ms; hits: that shooters saw',
  'on their own screens, by event; denied: by the host, of these; unseen: part of the hits that counted and that the shooter had not seen so;',
  'incompl: snapshots without room for everything; x real: virtual seconds a second of processor',
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
      perMinute(guests.own.blinks + guests.others.blinks),
      percent(guests.inputLateness),
      short(guests.drawnDelayMs.mean),
      short(guests.leastDelayMs),
      short(guests.predictionLeadMs.mean),
      short(guests.viewDelayMs.mean),
      guests.hits === undefined ? '' : String(guests.hits.seen),
      guests.hits === undefined ? '' : percent(guests.hits.disputeRate),
      guests.hits === undefined ? '' : percent(guests.hits.unseenRate),
      short(guests.kbpsIn),
      short(guests.kbpsOut),
      String(guests.incompleteSnapshots),
      short(speed),
    ];
  });
  return formatTable(HEADER, rows);
}

/** Hits by what was drawn, of games in which that can be told. */
export function formatScreens(runs: readonly FeelRun[]): string | undefined {
  const rows = runs.flatMap(({ network, players, policy, screen }) => {
    if (screen === undefined) return [];
    const { seen, denied, deniedOfGone, deniedOfUnfired, unseen, hits } = screen;
    const share = (count: number, of: number): string => (of === 0 ? '-' : percent(count / of));
    return [
      [
        network,
        String(players),
        policy,
        String(seen),
        share(denied, seen),
        String(deniedOfGone),
        String(deniedOfUnfired),
        String(hits),
        share(unseen, hits),
      ],
    ];
  });
  if (rows.length === 0) return undefined;
  return formatTable(['drawn hits', 'players', 'policy', 'seen', 'denied', 'of gone', 'of unfired', "host's", 'unseen'], rows);
}

/** Undefined if nothing is asked of these networks. */
export function formatFeelTargets(runs: readonly FeelRun[]): string | undefined {
  const rows = runs.flatMap((run) =>
    feelTargetsOf(run).map((target) => [
      run.network,
      String(run.players),
      run.policy,
      target.what,
      short(target.value),
      short(target.atMost),
      isMet(target) ? 'met' : 'missed',
    ]),
  );
  return rows.length === 0 ? undefined : formatTable(['targets', 'players', 'policy', 'what', 'is', 'at most', ''], rows);
}
