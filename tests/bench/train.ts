/**
 * `npm run bench -- train`: counts what the codec meets on the workloads' *training* seeds and rewrites
 * `netcode/snapshot/default-priors.ts`. What the bench reports is measured on other seeds.
 */
import { PRIORS_COUNT } from '../../netcode/snapshot/contexts.ts';
import { DEFAULT_PRIORS } from '../../netcode/snapshot/default-priors.ts';
import { readPriors, writePriors } from '../../netcode/snapshot/priors.ts';
import { SnapshotModel } from '../../netcode/snapshot/snapshot-model.ts';
import { TallyingEncoder } from '../../netcode/snapshot/tally.ts';
import { OursClient, OursHost, UNLIMITED_BYTES } from './codec/ours.ts';
import type { Workload } from './workloads/workload.ts';

/** Seconds of each workload. */
const SECONDS = 8;
/** Ack delays, in seconds, each of which a real player may have: the next frame, and 100 ms. */
const ACK_DELAYS_SECONDS = [0, 0.1];
const LINE = 120;

/** The source text of `default-priors.ts`. */
export async function trainDefaultPriors(workloads: readonly Workload[]): Promise<string> {
  const total = new Float64Array(2 * PRIORS_COUNT);
  for (const workload of workloads) {
    const trace = await workload.record(workload.seeds.train, SECONDS);
    const counted = new Float64Array(2 * PRIORS_COUNT);
    for (const delaySeconds of ACK_DELAYS_SECONDS) {
      const delay = Math.max(1, Math.round(delaySeconds * trace.snapshotsPerSecond));
      const model = new SnapshotModel(trace.game);
      const encoder = new TallyingEncoder(UNLIMITED_BYTES, model);
      const host = new OursHost(trace.game, model, encoder);
      const client = new OursClient(host);
      trace.frames.forEach((frame, n) => {
        host.load(frame);
        host.capture();
        if (n >= delay) client.acknowledge(n - delay);
        client.encode(n, UNLIMITED_BYTES);
      });
      encoder.tally.forEach((count, i) => (counted[i] = counted[i]! + count));
    }
    // Every workload counts alike, however many entities it has.
    const sum = counted.reduce((a, b) => a + b, 0);
    counted.forEach((count, i) => (total[i] = total[i]! + (count / sum) * 1_000_000));
  }
  const text = writePriors(total, readPriors(DEFAULT_PRIORS));
  const lines = Array.from({ length: Math.ceil(text.length / LINE) }, (_, i) => `  '${text.slice(i * LINE, (i + 1) * LINE)}'`);
  return `/** Trained by \`npm run bench -- train\` on the benches' training seeds; \`priors.ts\` says what it means. Not to be edited. */\nexport const DEFAULT_PRIORS =\n${lines.join(' +\n')};\n`;
}
