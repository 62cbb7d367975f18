/**
 * Training on the workloads' *training* seeds. `npm run bench -- train` rewrites `netcode/snapshot/default-priors.ts`, the pool
 * for all games; the bench itself trains priors of a workload's own, for one row of its table. What is reported is measured
 * on other seeds.
 */
import { PRIORS_COUNT } from '../../netcode/snapshot/contexts.ts';
import type { PlayerId } from '../../netcode/core/ids.ts';
import { DEFAULT_PRIORS } from '../../netcode/snapshot/default-priors.ts';
import { readPriors, writePriors } from '../../netcode/snapshot/priors.ts';
import { Training } from '../../netcode/snapshot/training.ts';
import { WorldState } from '../../netcode/world/world-state.ts';
import { loadFrame, UNLIMITED_BYTES } from './codec/ours.ts';
import type { Workload } from './workloads/workload.ts';

/** Seconds of each workload. */
const SECONDS = 8;
const PLAYERS = [1 as PlayerId];
const LINE = 120;

/** What the codec meets in a workload's training seed. */
async function trained(workload: Workload): Promise<Training> {
  const { game, snapshotsPerSecond, frames } = await workload.record(workload.seeds.train, SECONDS);
  const training = new Training(game, UNLIMITED_BYTES);
  const state = new WorldState(game.kinds);
  const match = training.match({ state, players: PLAYERS, snapshotsPerSecond });
  for (const frame of frames) {
    loadFrame(state, frame);
    match.capture();
    match.send();
  }
  return training;
}

/** A workload's own priors, as `defineGame` takes them. */
export async function trainOwnPriors(workload: Workload): Promise<string> {
  return (await trained(workload)).ownPriors();
}

/** The source text of `default-priors.ts`. */
export async function trainDefaultPriors(workloads: readonly Workload[]): Promise<string> {
  const total = new Float64Array(2 * PRIORS_COUNT);
  for (const workload of workloads) {
    const counted = (await trained(workload)).pooled();
    // Every workload counts alike, however many entities it has.
    const sum = counted.reduce((a, b) => a + b, 0);
    counted.forEach((count, i) => (total[i] = total[i]! + (count / sum) * 1_000_000));
  }
  const text = writePriors(total, readPriors(DEFAULT_PRIORS));
  const lines = Array.from({ length: Math.ceil(text.length / LINE) }, (_, i) => `  '${text.slice(i * LINE, (i + 1) * LINE)}'`);
  return `/** Trained by \`npm run bench -- train\` on the benches' training seeds; \`priors.ts\` says what it means. Not to be edited. */\nexport const DEFAULT_PRIORS =\n${lines.join(' +\n')};\n`;
}
