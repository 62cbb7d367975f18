/** What the codec bench found, as text. */
import type { ClientsMeasurement } from './clients.ts';
import type { Measurement } from './measure.ts';
import { formatTable, percent, short } from './table.ts';
import { isMet, type Target } from './targets.ts';
import type { Trace, TraceStats } from './trace.ts';

const verdict = (target: Target): string => {
  const met = isMet(target);
  return met === undefined ? '' : met ? 'met' : 'missed';
};
const asFraction = (value: number): string => (value > 0 && value < 0.5 ? `1/${short(1 / value)}` : short(value));
const optional = (value: number | undefined): string => (value === undefined ? '?' : short(value));

export function formatTrace(trace: Trace, stats: TraceStats, seed: string): string {
  return (
    `${trace.name} (${seed}): ${stats.frames} snapshots, ${trace.snapshotsPerSecond} a second; on average ${short(stats.entities)} entities, ` +
    `${short(stats.changed)} changed since the last, ${short(stats.spawned)} new, ${short(stats.gone)} gone`
  );
}

/** `reference` is msgpackr records packing the whole state: what times are given in. */
export function formatMeasurements(measurements: readonly Measurement[], reference: Measurement): string {
  const header = [
    'codec',
    'ack',
    'loss',
    'mean B',
    'p50',
    'p99',
    'max',
    '>1 chunk',
    'held',
    'enc µs',
    'x',
    'dec µs',
    'x',
    'enc alloc',
    'dec alloc',
    'decoded',
  ];
  const rows = measurements.map((m) => [
    m.codec,
    m.conditions.ackDelayFrames === 0 ? 'D0' : `D${m.conditions.ackDelayFrames}`,
    `${m.conditions.lossPct} %`,
    short(m.bytes.mean),
    short(m.bytes.p50),
    short(m.bytes.p99),
    short(m.bytes.max),
    String(m.aboveOneChunk),
    short(m.heldBack),
    short(m.encodeUs),
    short(m.encodeUs / reference.encodeUs),
    short(m.decodeUs),
    short(m.decodeUs / reference.decodeUs),
    optional(m.encodeAllocates),
    optional(m.decodeAllocates),
    m.wrong.length === 0 ? `${m.delivered} equal` : 'WRONG',
  ]);
  const complaints = measurements.flatMap(({ codec, wrong }) => wrong.map((what) => `${codec}: ${what}`));
  return [formatTable(header, rows), ...complaints].join('\n');
}

export function formatTargets(targets: readonly Target[]): string {
  const rows = targets.map((target) => [
    target.what,
    asFraction(target.value),
    target.atMost === undefined ? '' : asFraction(target.atMost),
    verdict(target),
  ]);
  return formatTable(['Volley', 'ratio', 'at most', ''], rows);
}

export function formatClients(measurements: readonly ClientsMeasurement[]): string {
  const header = [
    'world',
    'clients',
    'baselines',
    'know',
    'capture µs',
    'encode µs/client',
    'B/client',
    'held',
    'of a core',
    'at',
    'decoded',
  ];
  const rows = measurements.map((m) => [
    m.world,
    String(m.clients),
    m.baselines,
    short(m.known),
    short(m.captureUs),
    short(m.encodeUs),
    short(m.bytes),
    short(m.heldBack),
    percent(m.coreShare),
    `${m.perSecond} Hz`,
    m.wrong.length === 0 ? 'equal' : 'WRONG',
  ]);
  return [...CLIENTS_LEGEND, formatTable(header, rows), ...measurements.flatMap(({ wrong }) => wrong)].join('\n');
}

const CLIENTS_LEGEND = [
  'baselines: shared, D3: all acks come 3 frames late, so all clients get the same body, which is written once',
  '           apart, D1-8: the acks of each client come late by another number of frames, so no body is shared',
  '           own view: each client knows what is near its own moving eye (interest), so no body is shared. The time to capture',
  '           holds that for the grid, the time to encode that for the choice of what is near',
  'know: entities that the first client is to know',
];
