/** What a simulated match was like, as plain data. */
import type { PlayerId } from '../core/ids.ts';
import { type DrawnReport, DrawnTally } from './drawn-tally.ts';
import { Histogram, type Spread } from './histogram.ts';
import { type HitReport, hitReportOf } from './hit-tally.ts';
import type { Measured } from './seat-meter.ts';

/** Part of the frames for which a snapshot was there in time, of the least delay: what the interpolation delay aims at, too. */
const IN_TIME = 0.98;

export interface FeelReport {
  /** Snapshots received, and how many of them disagreed with what was predicted of the player's own things. */
  readonly snapshots: number;
  readonly corrections: number;
  /** `corrections / snapshots`. */
  readonly mispredictionRate: number;
  /** The player's own things, drawn in the predicted present. */
  readonly own: DrawnReport;
  /** All other things: interpolated in the past, or predicted under the policy `all`. */
  readonly others: DrawnReport;
  /** Ticks for which the host needed an input, and for how many of them it had not come. */
  readonly inputs: number;
  readonly lateInputs: number;
  /** `lateInputs / inputs`. */
  readonly inputLateness: number;
  /** What the client aims at, behind the timeline of the fastest packets. */
  readonly interpolationDelayMs: Spread;
  /** How old the drawn past was, by the host's clock. */
  readonly drawnDelayMs: Spread;
  /** The least constant age at which 98 % of the frames would have had a snapshot as new: how good `drawnDelayMs` could be. */
  readonly leastDelayMs: number;
  /** How far the predicted present was ahead of the host. */
  readonly predictionLeadMs: Spread;
  /** How far behind the predicted present all else was drawn: what a host must rewind by to favour the shooter. */
  readonly viewDelayMs: Spread;
  /** Undefined without the option `hit`. */
  readonly hits: HitReport | undefined;
  /** Frames that a machine was too busy to draw, and frames drawn without prediction because it was too slow for that. */
  readonly droppedFrames: number;
  readonly unpredictedFrames: number;
  /** Payload of the state channel, in kilobits a second, per player. */
  readonly kbpsIn: number;
  readonly kbpsOut: number;
  /** Snapshots that had no room for everything. */
  readonly incompleteSnapshots: number;
}

export interface SeatReport extends FeelReport {
  readonly player: PlayerId;
  readonly isHost: boolean;
}

export interface SimulationReport {
  readonly game: string;
  readonly peers: number;
  readonly seed: number;
  /** Counted: less than asked for if the match ended. */
  readonly seconds: number;
  /** The host's own player first. */
  readonly seats: readonly SeatReport[];
  /** All guests together. */
  readonly guests: FeelReport;
}

export interface SimulationNames {
  readonly gameId: string;
  readonly peers: number;
  readonly seed: number;
}

export function reportOf({ gameId, peers, seed }: SimulationNames, measured: readonly Measured[]): SimulationReport {
  return {
    game: gameId,
    peers,
    seed,
    seconds: measured[0]?.seconds ?? 0,
    seats: measured.map((one) => ({ player: one.seat.player, isHost: one.seat.isHost, ...feelOf([one]) })),
    guests: feelOf(measured.filter(({ seat }) => !seat.isHost)),
  };
}

/** Several players taken together: counts added up, rates on average. */
function feelOf(measured: readonly Measured[]): FeelReport {
  const sum = (pick: (one: Measured) => number): number => measured.reduce((total, one) => total + pick(one), 0);
  const spread = (pick: (one: Measured) => Histogram): Histogram => {
    const all = new Histogram();
    for (const one of measured) all.addAll(pick(one));
    return all;
  };
  const drawn = (pick: (one: Measured) => DrawnTally): DrawnReport => {
    const all = new DrawnTally();
    for (const one of measured) all.addAll(pick(one));
    return all.report();
  };
  const seconds = sum((one) => one.seconds);
  const perSecond = (amount: number): number => (seconds === 0 ? 0 : amount / seconds);
  const snapshots = sum((one) => one.snapshots);
  const corrections = sum((one) => one.corrections);
  const inputs = sum((one) => one.ticks);
  const lateInputs = sum((one) => one.lateInputs);
  const hits = measured.flatMap(({ seat }) => seat.hits ?? []);
  return {
    snapshots,
    corrections,
    mispredictionRate: snapshots === 0 ? 0 : corrections / snapshots,
    own: drawn(({ watcher }) => watcher.own),
    others: drawn(({ watcher }) => watcher.others),
    inputs,
    lateInputs,
    inputLateness: inputs === 0 ? 0 : lateInputs / inputs,
    interpolationDelayMs: spread((one) => one.interpolationDelayMs).spread(),
    drawnDelayMs: spread((one) => one.drawnDelayMs).spread(),
    leastDelayMs: spread((one) => one.newestAgeMs).quantile(IN_TIME),
    predictionLeadMs: spread((one) => one.predictionLeadMs).spread(),
    viewDelayMs: spread((one) => one.viewDelayMs).spread(),
    hits: hits.length === 0 ? undefined : hitReportOf(hits),
    droppedFrames: sum((one) => one.droppedFrames),
    unpredictedFrames: sum((one) => one.unpredictedFrames),
    kbpsIn: (perSecond(sum((one) => one.bytesIn)) * 8) / 1000,
    kbpsOut: (perSecond(sum((one) => one.bytesOut)) * 8) / 1000,
    incompleteSnapshots: sum((one) => one.incompleteSnapshots),
  };
}
