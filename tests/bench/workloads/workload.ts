/** A workload: a trace that the bench makes itself, from a seed, the same on every machine. */
import type { Trace } from '../codec/trace.ts';

/** A codec may be trained on `train` traces only; what the bench reports by default is `test`. */
export type SeedName = 'train' | 'test';

export interface Workload {
  readonly name: string;
  readonly seeds: Readonly<Record<SeedName, number>>;
  /** `seconds` are those that count; the warm-up comes on top. */
  record(seed: number, seconds: number): Trace | Promise<Trace>;
}

/** Snapshots before those that count: long enough for a full state under a budget, a slow ack and 20 % loss. */
export const WARM_UP_SECONDS = 2;
