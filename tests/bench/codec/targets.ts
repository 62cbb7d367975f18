/**
 * What the codec is to reach, as ratios between measurements of one run: bytes against the other codecs, what loss
 * costs, and time. The table shows where it stands; nothing fails over it, because time depends on the machine.
 */
import type { Measurement } from './measure.ts';

export interface Target {
  readonly what: string;
  readonly value: number;
  /** Undefined where no target is set for this workload: the value is shown all the same. */
  readonly atMost: number | undefined;
}

interface ByteTargets {
  readonly wholeRecords?: number;
  readonly changedRecords?: number;
  readonly bitPacking?: number;
  readonly patches?: number;
  readonly encodeTime: number;
}

/** Workloads without targets of their own, traces from files among them, still keep the limits on time. */
const BYTE_TARGETS: Readonly<Record<string, ByteTargets>> = {
  cubes: { wholeRecords: 1 / 40, changedRecords: 1 / 4.6, bitPacking: 1 / 2, patches: 1 / 8, encodeTime: 1 / 2 },
  arena30: { wholeRecords: 1 / 13, changedRecords: 1 / 12, bitPacking: 0.55, patches: 1 / 11, encodeTime: 1 },
};
const LOSS_COSTS: Readonly<Record<number, number>> = { 5: 1.03, 20: 1.1 };

/** The measurements that targets are made of. Undefined members were not measured. */
export interface Measured {
  readonly oursAcked: Measurement;
  readonly oursAtOnce: Measurement;
  /** Under loss, acks late. */
  readonly oursLossy: readonly Measurement[];
  readonly wholeRecords: Measurement;
  readonly changedRecords: Measurement;
  readonly bitPacking: Measurement;
  readonly bitPackingWhole: Measurement;
  readonly patches: Measurement;
}

export function targetsOf(workload: string, m: Measured): Target[] {
  const set = BYTE_TARGETS[workload] ?? { encodeTime: 1 };
  const bytes = (a: Measurement, b: Measurement): number => a.bytes.mean / b.bytes.mean;
  const late = `acks ${m.oursAcked.conditions.ackDelayFrames} frames late`;
  return [
    { what: `bytes / msgpackr records, whole state, ${late}`, value: bytes(m.oursAcked, m.wholeRecords), atMost: set.wholeRecords },
    {
      what: `bytes / msgpackr records, changed entities, ${late}`,
      value: bytes(m.oursAcked, m.changedRecords),
      atMost: set.changedRecords,
    },
    { what: `bytes / bit packing, Exp-Golomb, ${late}`, value: bytes(m.oursAcked, m.bitPacking), atMost: set.bitPacking },
    { what: `bytes / bit packing, fixed widths, ${late}`, value: bytes(m.oursAcked, m.bitPackingWhole), atMost: set.bitPacking },
    { what: 'bytes / @colyseus/schema patch, acks at once', value: bytes(m.oursAtOnce, m.patches), atMost: set.patches },
    ...m.oursLossy.map((lossy) => ({
      what: `bytes at ${lossy.conditions.lossPct} % loss / without loss, ${late}`,
      value: bytes(lossy, m.oursAcked),
      atMost: LOSS_COSTS[lossy.conditions.lossPct],
    })),
    {
      what: 'encode time / msgpackr records packing the whole state',
      value: m.oursAcked.encodeUs / m.wholeRecords.encodeUs,
      atMost: set.encodeTime,
    },
    { what: 'decode time / own encode time', value: m.oursAcked.decodeUs / m.oursAcked.encodeUs, atMost: 1 },
  ];
}

export const isMet = ({ value, atMost }: Target): boolean | undefined => (atMost === undefined ? undefined : value <= atMost);
