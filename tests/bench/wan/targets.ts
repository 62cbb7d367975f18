/** What the game must show on the emulated WAN. The table says PASS or FAIL; a run fails over none of it: it judges the machine too. */
import type { MatchResult } from './match.ts';
import { ageFigures, type Row } from './rows.ts';

export interface Target {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  readonly is: 'at most' | 'at least';
}

/** Nothing is NaN by being good: a figure that is missing where it was wanted is no pass. */
export const isMet = ({ value, limit, is }: Target): boolean => (is === 'at most' ? value <= limit : value >= limit);

/** The worst of several guests, as a multiple of the one in the middle, and the least of what one gets: beyond these somebody starves. */
const WORST_OF_MEDIAN_MAX = 2;
const LEAST_OF_MEDIAN_MIN = 0.5;

/** `rows` are those of this match and of the streams on its network. What was not measured is not judged. */
export function targetsOf(match: MatchResult, rows: readonly Row[]): Target[] {
  const state = rows.find(({ what }) => what === 'state');
  if (state === undefined) return [];
  const targets: Target[] = [];
  const atMost = (what: string, value: number, limit: number): void => void targets.push({ what, value, limit, is: 'at most' });
  const atLeast = (what: string, value: number, limit: number): void => void targets.push({ what, value, limit, is: 'at least' });
  const slower = (kind: Row['what'], name: string): void => {
    const other = rows.find(({ what, payload }) => what === kind && payload === 'game');
    if (other !== undefined) atLeast(`p99 of the ${name}, as a multiple of ours`, other.p99 / state.p99, 2);
  };
  const ideally = (limit: number): void => {
    if (!Number.isNaN(state.ofIdeal)) atMost("p99 of states, as a multiple of the ideal's", state.ofIdeal, limit);
  };

  const sends = match.guests.reduce((sum, { waiting }) => sum + waiting.sends, match.host.waiting.sends);
  atMost('sends that left more than one packet waiting', sends, 0);
  switch (match.plan.profile) {
    case 'lan':
    case 'far':
    case 'reorder-100':
      break;
    case 'loss-5':
      ideally(1.25);
      slower('websocket', 'WebSocket');
      slower('peerjs-reliable', 'reliable connection');
      break;
    case 'bursts-15':
      ideally(1.5);
      atMost('p99 of states, ms', state.p99, 200);
      atMost('p99.9 of states, ms', state.p999, 500);
      break;
    case 'cap-300':
      atMost('queue before the cap that 95 % of packets met at most, ms', Math.max(match.wire.a.queueMsP95, match.wire.b.queueMsP95), 50);
      break;
    case 'outage':
      atMost("states fresh again after the path's return, ms", state.freshAfterMs ?? NaN, 300);
      break;
    case 'uplink-1000':
      break;
  }
  if (match.guests.length > 1) {
    const p99s = match.guests.map((guest) => ageFigures(guest.state.ages).p99);
    const rates = match.guests.map((guest) => guest.state.arrived.perSecond);
    atMost("p99 of the worst guest's states, as a multiple of the median guest's", Math.max(...p99s) / medianOf(p99s), WORST_OF_MEDIAN_MAX);
    atLeast("least snapshots a second, as a multiple of the median guest's", Math.min(...rates) / medianOf(rates), LEAST_OF_MEDIAN_MIN);
  }
  return targets;
}

function medianOf(values: readonly number[]): number {
  return values.toSorted((x, y) => x - y)[Math.floor(values.length / 2)] ?? NaN;
}
