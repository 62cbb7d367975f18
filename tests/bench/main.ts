/** The benches' command line. README.md says what each option does and what is measured. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { broker, BROKER_USAGE } from './broker/main.ts';
import { benchClients, benchTrace, type ClientsResult, type WorkloadResult } from './codec/bench.ts';
import { formatClients, formatMeasurements, formatTargets, formatTrace } from './codec/report.ts';
import { loadTrace, traceToJson } from './codec/trace-file.ts';
import { statsOf, type Trace } from './codec/trace.ts';
import type { ReplayGuest } from './cost/client-cost.ts';
import { cost, COST_USAGE } from './cost/main.ts';
import { feel, FEEL_USAGE } from './feel/main.ts';
import { join as joinBench, JOIN_USAGE } from './join/main.ts';
import { sctp, SCTP_USAGE } from './sctp/main.ts';
import { trainDefaultPriors, trainOwnPriors } from './train.ts';
import { voice, VOICE_USAGE } from './voice/main.ts';
import { wan, WAN_USAGE } from './wan/main.ts';
import { arena30, arena60 } from './workloads/arena.ts';
import { cubes } from './workloads/cubes.ts';
import { demo16 } from './workloads/demo.ts';
import type { Workload } from './workloads/workload.ts';

const WORKLOADS: readonly Workload[] = [cubes, arena30, arena60, demo16];
const CLIENTS = 'clients';
const SECONDS = { quick: 3, full: 10 };
const CLIENT_FRAMES = { quick: 8, full: 40 };

const USAGE = `npm run bench -- train          rewrites netcode/snapshot/default-priors.ts from the training seeds
npm run bench -- codec [options]
  --quick            fewer snapshots: under a minute
  --workload NAME    only this one: ${[...WORKLOADS.map(({ name }) => name), CLIENTS].join(', ')} (may be repeated)
  --seed NAME        test (default), train, or a number
  --trace FILE       this recorded trace instead of the workloads (may be repeated)
  --record DIR       writes the workloads' traces there as JSON and measures nothing
${FEEL_USAGE}
${COST_USAGE}
${JOIN_USAGE}
${SCTP_USAGE}
${WAN_USAGE}
${BROKER_USAGE}
${VOICE_USAGE}`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  workload: { type: 'string', multiple: true },
  seed: { type: 'string', default: 'test' },
  trace: { type: 'string', multiple: true },
  record: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;

/** Where the codec's priors live, seen from the project's root, where npm runs its scripts. */
const PRIORS_FILE = 'netcode/snapshot/default-priors.ts';

async function train(): Promise<number> {
  writeFileSync(PRIORS_FILE, await trainDefaultPriors(WORKLOADS));
  console.log(`written: ${PRIORS_FILE}`);
  return 0;
}

export { brokerLoad } from './broker/load.ts';
export { replayGuest } from './cost/client-cost.ts';

/** This bundle once more, as if nothing of it had run yet. */
async function loadReplay(): Promise<ReplayGuest> {
  const fresh = (await import(/* @vite-ignore */ `${import.meta.url}?again`)) as { readonly replayGuest: ReplayGuest };
  return fresh.replayGuest;
}

/** Runs a bench; the exit code is 1 if anything was decoded wrong, 2 if the command makes no sense. */
export async function main(args: readonly string[], resultsDir: string): Promise<number> {
  if (args[0] === 'feel') return feel(args.slice(1), resultsDir);
  if (args[0] === 'join') return joinBench(args.slice(1), resultsDir);
  if (args[0] === 'sctp') return sctp(args.slice(1), resultsDir);
  if (args[0] === 'wan') return wan(args.slice(1), resultsDir);
  if (args[0] === 'voice') return voice(args.slice(1), resultsDir);
  if (args[0] === 'broker') return broker(args.slice(1), resultsDir, import.meta.url);
  if (args[0] === 'cost') return cost(args.slice(1), resultsDir, loadReplay);
  let parsed;
  try {
    parsed = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [bench, ...rest] = positionals;
  if (bench === 'train' && rest.length === 0) return train();
  if (bench !== 'codec' || rest.length > 0) return complain(`there is no bench '${positionals.join(' ')}'`);
  if (!/^(test|train|\d{1,9})$/.test(values.seed)) return complain(`there is no seed '${values.seed}'`);
  const known = [...WORKLOADS.map(({ name }) => name), CLIENTS];
  const unknown = values.workload?.find((name) => !known.includes(name));
  if (unknown !== undefined) return complain(`there is no workload '${unknown}'`);
  const seconds = values.quick ? SECONDS.quick : SECONDS.full;
  const chosen = values.trace === undefined ? (values.workload ?? known) : (values.workload ?? []);
  const workloads = WORKLOADS.filter(({ name }) => chosen.includes(name));
  if (values.record !== undefined) return record(workloads, values.seed, { seconds, dir: values.record });

  const results: WorkloadResult[] = [];
  for (const path of values.trace ?? []) results.push(report(loadTrace(path), { seed: 'from a file' }));
  for (const workload of workloads) {
    const own = { seed: workload.seeds.train, priors: await trainOwnPriors(workload) };
    results.push(report(await recorded(workload, values.seed, seconds), { seed: seedText(workload, values.seed), own }));
  }
  let clients: ClientsResult | undefined;
  if (chosen.includes(CLIENTS)) {
    clients = benchClients(await recorded(cubes, values.seed, SECONDS.quick), values.quick ? CLIENT_FRAMES.quick : CLIENT_FRAMES.full);
    console.log(
      `N clients, one capture: a tenth of the points moves (seed ${values.seed} of the cubes)\n${formatClients(clients.measurements)}\n\n${formatTargets(clients.targets)}\n`,
    );
  }
  const path = save(resultsDir, { seed: values.seed, isQuick: values.quick, results, clients });
  console.log(`written: ${path}`);
  const isWrong = [...results.flatMap(({ measurements }) => measurements), ...(clients?.measurements ?? [])].some(
    ({ wrong }) => wrong.length > 0,
  );
  return isWrong ? 1 : 0;
}

function complain(what: string): number {
  console.error(`${what}\n\n${USAGE}`);
  return 2;
}

const seedOf = (workload: Workload, seed: string): number => (seed === 'test' || seed === 'train' ? workload.seeds[seed] : Number(seed));
const seedText = (workload: Workload, seed: string): string =>
  seed === 'test' || seed === 'train' ? `seed ${seed}, ${seedOf(workload, seed)}` : `seed ${seed}`;
const recorded = async (workload: Workload, seed: string, seconds: number): Promise<Trace> =>
  workload.record(seedOf(workload, seed), seconds);

/** Which seeds the priors know. */
function priorsText(own: { readonly seed: number } | undefined): string {
  const pool = `priors that ship: trained on ${WORKLOADS.map(({ name, seeds }) => `${name} ${seeds.train}`).join(', ')}`;
  return own === undefined ? pool : `${pool}; own priors: on ${own.seed} of this workload alone`;
}

async function record(
  workloads: readonly Workload[],
  seed: string,
  to: { readonly seconds: number; readonly dir: string },
): Promise<number> {
  mkdirSync(to.dir, { recursive: true });
  for (const workload of workloads) {
    const trace = await recorded(workload, seed, to.seconds);
    const path = join(to.dir, `${workload.name}-${seed}.json`);
    writeFileSync(path, traceToJson(trace));
    console.log(`${formatTrace(trace, statsOf(trace), seedText(workload, seed))}\nwritten: ${path}\n`);
  }
  return 0;
}

interface ReportOptions {
  readonly seed: string;
  /** Priors trained for this very game, and the seed that they were trained on. */
  readonly own?: { readonly seed: number; readonly priors: string };
}

function report(trace: Trace, { seed, own }: ReportOptions): WorkloadResult {
  const result = benchTrace(trace, seed, own?.priors);
  console.log(`${formatTrace(trace, result.stats, seed)}\n${priorsText(own)}`);
  console.log(`${formatMeasurements(result.measurements, result.reference)}\n\n${formatTargets(result.targets)}\n`);
  return result;
}

interface Results {
  readonly seed: string;
  readonly isQuick: boolean;
  readonly results: readonly WorkloadResult[];
  readonly clients: ClientsResult | undefined;
}

function save(dir: string, results: Results): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'codec.json');
  const machine = { node: process.version, cpu: cpus()[0]?.model, arch: arch() };
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, ...results }, null, 2)}\n`);
  return path;
}
