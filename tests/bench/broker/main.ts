/** `npm run bench -- broker`: our broker beside the stock one, full of idle clients, and several of ours; tables, targets, JSON. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureRedis } from '../../harness/redis.ts';
import { buildOurs } from './brokers.ts';
import { type ClusterRun, type Fill, measureByTurns, measureCluster, measureFill, type Setting } from './measure.ts';
import { type BrokerPlan, FILES_BESIDES, PLANS } from './plan.ts';
import { BROKER_LEGEND, type BrokerResults, formatClusters, formatFills, formatRounds, formatTargets, targetsOf } from './report.ts';

const PARTS = ['turns', 'idle', 'cluster'] as const;
type Part = (typeof PARTS)[number];

export const BROKER_USAGE = `npm run bench -- broker [options]
  --quick            fewer and shorter rounds, two brokers at most: a minute and a half
  --only PART        ${PARTS.join(', ')} (may be repeated)
  --clients N        idle clients on one broker: ${PLANS.full.idleClients} by default
  --profile DIR      writes processor profiles of the rounds there, which slows them`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true },
  clients: { type: 'string' },
  profile: { type: 'string' },
} as const;

/** Exit code 0, or 2 if the command makes no sense: how fast a machine is fails nothing. `bundleUrl`: what exports `brokerLoad`. */
export async function broker(args: readonly string[], resultsDir: string, bundleUrl: string): Promise<number> {
  let plan: BrokerPlan;
  let parts: readonly Part[];
  let profilesTo: string | undefined;
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    plan = planOf(values.quick ? PLANS.quick : PLANS.full, values.clients);
    parts = partsOf(values.only);
    profilesTo = values.profile;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${BROKER_USAGE}`);
    return 2;
  }
  if (profilesTo !== undefined) mkdirSync(profilesTo, { recursive: true });
  const setting: Setting = { plan, ours: await buildOurs(resultsDir), bundleUrl, profilesTo };
  const results = await measure(parts, setting);
  console.log(`\n${formatTargets(targetsOf(results, plan))}`);
  console.log(`\nwritten: ${save(resultsDir, { plan, ...results })}`);
  return 0;
}

/** Prints each part when it is done. */
async function measure(parts: readonly Part[], setting: Setting): Promise<BrokerResults> {
  const results = { rounds: { ours: noRounds(), stock: noRounds() }, fills: [] as Fill[], clusters: [] as ClusterRun[] };
  if (parts.includes('turns')) {
    Object.assign(results.rounds, await measureByTurns(setting));
    console.log(`${BROKER_LEGEND}\n\n${formatRounds(results)}`);
  }
  if (parts.includes('idle')) {
    for (let i = 0; i < setting.plan.fills; i++) {
      const kinds = i % 2 === 0 ? (['ours', 'stock'] as const) : (['stock', 'ours'] as const);
      for (const kind of kinds) results.fills.push(await measureFill(kind, false, setting));
    }
    results.fills.push(await measureFill('ours', true, setting));
    console.log(`\n${formatFills(results)}`);
  }
  if (parts.includes('cluster')) {
    const redis = ensureRedis();
    if ('missing' in redis) console.warn(redis.missing);
    else {
      for (const brokers of setting.plan.brokers) results.clusters.push(await measureCluster(brokers, redis.path, setting));
      console.log(`\n${formatClusters(results)}\n${cpus().length} processors carry brokers, Redis and load generator here.`);
    }
  }
  return results;
}

const noRounds = () => ({ connects: [], flood: [], pace: [] });

function partsOf(only: readonly string[] | undefined): readonly Part[] {
  if (only === undefined) return PARTS;
  const unknown = only.find((name) => !PARTS.some((part) => part === name));
  if (unknown !== undefined) throw new RangeError(`there is no part '${unknown}'`);
  return PARTS.filter((part) => only.includes(part));
}

function planOf(plan: BrokerPlan, clients: string | undefined): BrokerPlan {
  if (clients !== undefined && !/^[1-9]\d{0,5}$/.test(clients)) throw new RangeError(`'${clients}' is no number of clients`);
  const idleClients = clients === undefined ? plan.idleClients : Number(clients);
  const filesMax = openFilesMax();
  if (idleClients + FILES_BESIDES > filesMax)
    throw new RangeError(
      `${idleClients} clients need ${idleClients + FILES_BESIDES} open files and this shell allows ${filesMax}: ulimit -n`,
    );
  return { ...plan, idleClients };
}

/** Of this process, and so of those that it starts. Where the system does not tell, it is not looked at. */
function openFilesMax(): number {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? Infinity : Number(limit);
  } catch {
    return Infinity;
  }
}

function save(dir: string, results: object): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'broker.json');
  const machine = { node: process.version, cpu: cpus()[0]?.model, cpus: cpus().length, arch: arch() };
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, ...results }, null, 2)}\n`);
  return path;
}
