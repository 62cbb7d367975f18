/** The run's figures, a row for each stream of packets: our game's two, and those it is compared with. */
import { type Ages, quantile } from '../sctp/age.ts';
import type { Direction, GuestFigures, MatchResult } from './match.ts';
import type { WanProfileName } from './profiles.ts';
import type { Payload, StreamKind } from './stream-kinds.ts';
import type { StreamResult } from './stream-lane.ts';
import type { WanCounters, WanSide } from './wan.ts';

export interface Row {
  readonly profile: WanProfileName;
  readonly seed: number;
  readonly payload: Payload;
  /** `state` and `input` are our game's. */
  readonly what: 'state' | 'input' | StreamKind;
  readonly bytes: number;
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  /** p99 as a multiple of the ideal's on the same network with the same seed. */
  readonly ofIdeal: number;
  readonly waitingMax: number;
  /** What the sender's side put on the wire, of everything. */
  readonly wireKbit: number;
  readonly lostShare: number;
  readonly queueMsP50: number;
  readonly queueMsP95: number;
  readonly queueMsStanding: number;
  readonly queueMsMax: number;
  readonly freshAfterMs: number | undefined;
  readonly jankMs: number;
  readonly lateShare: number;
}

type AgeFigures = Pick<Row, 'p50' | 'p95' | 'p99' | 'p999' | 'max'>;
type WireFigures = Pick<Row, 'wireKbit' | 'lostShare' | 'queueMsP50' | 'queueMsP95' | 'queueMsStanding' | 'queueMsMax' | 'lateShare'>;

export function ageFigures({ sorted }: Ages): AgeFigures {
  const at = (share: number): number => quantile(sorted, share);
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99), p999: at(0.999), max: sorted.at(-1) ?? NaN };
}

function wireFigures(wire: Readonly<Record<WanSide, WanCounters>>, side: WanSide, seconds: number): WireFigures {
  const { a, b } = wire;
  const own = wire[side];
  const { queueMsP50, queueMsP95, queueMsStanding, queueMsMax } = own;
  return {
    wireKbit: (own.bytes * 8) / 1000 / seconds,
    lostShare: (own.lost + own.lostInOutage + own.lostInQueue) / Math.max(1, own.packets),
    ...{ queueMsP50, queueMsP95, queueMsStanding, queueMsMax },
    lateShare: (a.late + b.late) / Math.max(1, a.delivered + b.delivered),
  };
}

/** All rows of one match, then of the streams on its network. */
export function rowsOf(match: MatchResult | undefined, streams: readonly StreamResult[]): Row[] {
  const idealOf = (payload: Payload): number => {
    const ideal = streams.find(({ cell }) => cell.kind === 'ideal' && cell.payload === payload);
    return ideal === undefined ? NaN : ageFigures(ideal.ages).p99;
  };
  const rows = streams.map(({ cell, ages, sentPerSecond, bytesMean, wire, wireSeconds, waitingMax, freshAfterMs, jankMs }): Row => {
    const figures = ageFigures(ages);
    return {
      ...{ profile: cell.profile, seed: cell.seed, payload: cell.payload, what: cell.kind, bytes: bytesMean, perSecond: sentPerSecond },
      ...figures,
      ofIdeal: figures.p99 / idealOf(cell.payload),
      ...wireFigures(wire, 'a', wireSeconds),
      ...{ waitingMax, freshAfterMs, jankMs },
    };
  });
  const guest = match?.guests[0];
  return match === undefined || guest === undefined ? rows : [...gameRows(match, guest, idealOf('game')), ...rows];
}

function gameRows({ plan, host, wire, wireSeconds }: MatchResult, guest: GuestFigures, idealP99: number): Row[] {
  const rowOf = (what: 'state' | 'input', direction: Direction): Row => {
    const figures = ageFigures(direction.ages);
    return {
      ...{ profile: plan.profile, seed: plan.seed, payload: 'game', what },
      ...{ bytes: direction.arrived.bytesMean, perSecond: direction.arrived.perSecond },
      ...figures,
      ofIdeal: figures.p99 / idealP99,
      ...wireFigures(wire, what === 'state' ? 'a' : 'b', wireSeconds),
      waitingMax: what === 'state' ? host.waiting.bytesMax : guest.waiting.bytesMax,
      freshAfterMs: direction.freshAfterMs,
      jankMs: Math.max(host.jankMs, guest.jankMs),
    };
  };
  return [rowOf('state', guest.state), rowOf('input', guest.input)];
}
