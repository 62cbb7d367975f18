/** The codec bench: every codec on every workload under every condition that it stands, one after the other in one run. */
import { avsc } from './avsc.ts';
import { bitPacking, bitPackingWhole } from './bit-packing.ts';
import { bitecs } from './bitecs.ts';
import { apartDelay, type ClientsMeasurement, interestTrace, measureClients, pointsTrace } from './clients.ts';
import type { Codec } from './codec.ts';
import { colyseus } from './colyseus.ts';
import { geckos } from './geckos.ts';
import { json } from './json.ts';
import { type Conditions, measure, type Measurement } from './measure.ts';
import { msgpackrChanges, msgpackrPlain, msgpackrRecords } from './msgpackr.ts';
import { ours, oursUnlimited, oursWithPriors } from './ours.ts';
import { type Target, targetsOf } from './targets.ts';
import { statsOf, type Trace, type TraceStats } from './trace.ts';

const CODECS: readonly Codec[] = [
  json,
  msgpackrPlain,
  msgpackrRecords,
  avsc,
  geckos,
  bitecs,
  colyseus,
  msgpackrChanges,
  bitPackingWhole,
  bitPacking,
  oursUnlimited,
  ours,
];

const ACK_DELAY_SECONDS = 0.1;
const LOSSES_PCT = [0, 5, 20];

export interface WorkloadResult {
  readonly workload: string;
  readonly seed: string;
  readonly stats: TraceStats;
  readonly measurements: readonly Measurement[];
  readonly targets: readonly Target[];
  /** The measurement in whose times the others' are given. */
  readonly reference: Measurement;
}

/** A codec that ignores acks is measured once; one that needs every packet, without loss and with acks at once. */
function conditionsFor({ codedAgainst }: Codec, lateFrames: number): Conditions[] {
  if (codedAgainst !== 'acked') return [{ ackDelayFrames: 0, lossPct: 0 }];
  return [0, lateFrames].flatMap((ackDelayFrames) => LOSSES_PCT.map((lossPct) => ({ ackDelayFrames, lossPct })));
}

const lateFramesOf = (trace: Trace): number => Math.max(1, Math.round(ACK_DELAY_SECONDS * trace.snapshotsPerSecond));

/** `ownPriors` are those trained for this workload; without them there is no such row. The targets are for the priors that ship. */
export function benchTrace(trace: Trace, seed: string, ownPriors?: string): WorkloadResult {
  const lateFrames = lateFramesOf(trace);
  const codecs = ownPriors === undefined ? CODECS : [...CODECS, oursWithPriors(ownPriors)];
  const measurements = codecs.flatMap((codec) => conditionsFor(codec, lateFrames).map((conditions) => measure(trace, codec, conditions)));
  const of = (codec: Codec, ackDelayFrames: number, lossPct = 0): Measurement =>
    measurements.find((m) => m.codec === codec.name && m.conditions.ackDelayFrames === ackDelayFrames && m.conditions.lossPct === lossPct)!;
  const reference = of(msgpackrRecords, 0);
  const targets = targetsOf(trace.name, {
    oursAcked: of(ours, lateFrames),
    oursAtOnce: of(ours, 0),
    oursLossy: LOSSES_PCT.filter((lossPct) => lossPct > 0).map((lossPct) => of(ours, lateFrames, lossPct)),
    wholeRecords: reference,
    changedRecords: of(msgpackrChanges, lateFrames),
    bitPacking: of(bitPacking, lateFrames),
    bitPackingWhole: of(bitPackingWhole, lateFrames),
    patches: of(colyseus, 0),
  });
  return { workload: trace.name, seed, stats: statsOf(trace), measurements, targets, reference };
}

export interface ClientsResult {
  readonly measurements: readonly ClientsMeasurement[];
  readonly targets: readonly Target[];
}

const CLIENT_COUNTS = [1, 8, 32, 64, 128];
const POINT_COUNTS = [500, 5000];
const POINTS_SEED = 2500;
const CUBES_CLIENTS = 8;
const CUBES_CORE_SHARE = 0.04;
const APART_CLIENTS = 8;
/** Warm-up, half of the trace, has to be longer than the latest ack of those that are apart. */
const APART_FRAMES_MIN = 24;
const INTEREST_CLIENT_COUNTS = [1, 8, 31];
const INTEREST_POINTS = 5000;

export function benchClients(cubesTrace: Trace, frameCount: number): ClientsResult {
  const shared = (trace: Trace, clients: number): ClientsMeasurement =>
    measureClients(trace, { clients, baselines: 'shared', delayOf: () => lateFramesOf(trace) });
  const apart = (trace: Trace): ClientsMeasurement =>
    measureClients(trace, { clients: APART_CLIENTS, baselines: 'apart', delayOf: (n) => apartDelay(trace, n, APART_CLIENTS) });
  const cubes = shared(cubesTrace, CUBES_CLIENTS);
  const points = POINT_COUNTS.flatMap((count) => {
    const trace = pointsTrace(count, frameCount, POINTS_SEED);
    const longer = pointsTrace(count, Math.max(frameCount, APART_FRAMES_MIN), POINTS_SEED);
    return [...CLIENT_COUNTS.map((clients) => shared(trace, clients)), apart(longer)];
  });
  const seen = interestTrace(INTEREST_POINTS, Math.max(frameCount, APART_FRAMES_MIN), POINTS_SEED);
  const interested = INTEREST_CLIENT_COUNTS.map((clients) =>
    measureClients(seen, { clients, baselines: 'own view', delayOf: () => lateFramesOf(seen) }),
  );
  return {
    measurements: [cubes, apart(cubesTrace), ...points, ...interested],
    targets: [
      {
        what: `share of a core for ${CUBES_CLIENTS} clients of the cubes at ${cubes.perSecond} Hz, acks alike`,
        value: cubes.coreShare,
        atMost: CUBES_CORE_SHARE,
      },
    ],
  };
}
