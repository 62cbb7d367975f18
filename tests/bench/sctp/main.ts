/** `npm run bench -- sctp`: what real Chromium's congestion control does to a stream of states, and what a sender can do about it. */
import { OTHERS_USAGE, sctpOthers } from './others.ts';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from '../../harness/chromium.ts';
import { WAN_PROFILES, type WanProfileName } from '../wan/profiles.ts';
import { whyNoWan } from '../wan/wan.ts';
import { type Cell, type CellResult, Lane } from './lane.ts';
import { formatModel, loadMeasured, MODEL_LEGEND, runModel } from './model.ts';
import { cellsOf, FULL, type Group, IDEAL, QUICK } from './plan.ts';
import { formatRows, rowsOf, SCTP_LEGEND } from './report.ts';
import { STRATEGIES } from './strategies.ts';

const PROFILES = Object.keys(WAN_PROFILES);
const NAMES = STRATEGIES.map(({ name }) => name);
const RESULTS_FILE = 'sctp.json';
const SECONDS = { quick: 20, full: 30, model: 30 };
const SEEDS = { quick: '1', full: '1,2,3', model: '1,2,3,4,5,6,7,8' };
/** Networks that are measured side by side, each with two browsers of its own. */
const LANES = 3;
/** What a cell takes besides sending: pages, handshakes, the last packets. */
const CELL_OVERHEAD_SECONDS = 3;

export const SCTP_USAGE = `npm run bench -- sctp [options]       Linux, root: two Chromium with an emulated WAN between them
  --quick            the telling cells, 20 s each, one seed: about ten minutes (without it: all cells, 30 s, three seeds)
  --profile NAME     only this one: ${PROFILES.join(', ')} (may be repeated, as may the next three)
  --strategy NAME    ${NAMES.join(', ')}
  --bytes N          of a packet
  --rate N           packets a second
  --seconds N        of each cell
  --seeds N,N,…      of the network's dice
  --lanes N          cells measured side by side, ${LANES} by default
  --model            in virtual time on the simulated wire instead, anywhere, in a minute or two: how near is it to the last real run?
  --against FILE     to this real run instead of the last (may be repeated)
${OTHERS_USAGE}`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  profile: { type: 'string', multiple: true },
  strategy: { type: 'string', multiple: true },
  bytes: { type: 'string', multiple: true },
  rate: { type: 'string', multiple: true },
  seconds: { type: 'string' },
  seeds: { type: 'string' },
  lanes: { type: 'string', default: String(LANES) },
  model: { type: 'boolean', default: false },
  against: { type: 'string', multiple: true },
} as const;

interface Plan {
  readonly cells: readonly Cell[];
  readonly lanes: number;
  readonly isModel: boolean;
  readonly against: readonly string[] | undefined;
}

/** Exit code 0; 1 if cells failed; 2 if the command makes no sense or this machine can't. A bench judges nothing. */
export async function sctp(args: readonly string[], resultsDir: string): Promise<number> {
  if (args.includes('--others')) {
    const rest = args.filter((arg) => arg !== '--others');
    return sctpOthers(rest, resultsDir);
  }
  let plan: Plan;
  try {
    plan = planOf(args);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${SCTP_USAGE}`);
    return 2;
  }
  if (plan.isModel) return model(plan, resultsDir);
  const why = whyNoWan();
  if (why !== undefined) {
    console.error(why);
    return 2;
  }
  const minutes = (plan.cells.reduce((sum, { seconds }) => sum + seconds + CELL_OVERHEAD_SECONDS, 0) / plan.lanes / 60).toFixed(0);
  console.log(`${SCTP_LEGEND.join('\n')}\n\n${plan.cells.length} cells, ${plan.lanes} side by side: about ${minutes} minutes`);
  const { results, failures } = await runAll(plan);
  const rows = rowsOf(results);
  console.log(
    `\n${formatRows(rows)}\n\nwritten: ${save(resultsDir, { rows, failures, cells: results.map((result) => ({ ...result, ages: undefined })) })}`,
  );
  for (const failure of failures) console.error(failure);
  return failures.length === 0 ? 0 : 1;
}

async function model({ cells, against }: Plan, resultsDir: string): Promise<number> {
  const last = join(resultsDir, RESULTS_FILE);
  const paths = against ?? (existsSync(last) ? [last] : []);
  const missing = paths.find((path) => !existsSync(path));
  if (missing !== undefined) {
    console.error(`there is no file '${missing}'`);
    return 2;
  }
  // A life time is nothing that the simulated wire knows.
  const known = cells.filter(({ strategy }) => strategy?.lifeTimeMs === undefined);
  console.log(`${MODEL_LEGEND.join('\n')}\n`);
  console.log(formatModel(await runModel(known), loadMeasured(paths)));
  return 0;
}

function planOf(args: readonly string[]): Plan {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const profiles = chosen('profile', values.profile, PROFILES) as WanProfileName[] | undefined;
  const strategies = chosen('strategy', values.strategy, [...NAMES, IDEAL]);
  const sizes = values.bytes?.map(wholeNumber);
  const rates = values.rate?.map(wholeNumber);
  const kind = values.model ? 'model' : values.quick ? 'quick' : 'full';
  const isOwn = kind !== 'quick' && (values.bytes !== undefined || values.rate !== undefined);
  const groups = isOwn ? ownGroups({ profiles, sizes, rates }) : kind === 'full' ? FULL : QUICK;
  const selected = groups
    .filter((group) => profiles?.includes(group.profile) ?? true)
    .filter((group) => sizes?.includes(group.bytes) ?? true)
    .filter((group) => rates?.includes(group.rate) ?? true)
    .map((group) => ({ ...group, strategies: strategies?.filter((name) => name !== IDEAL) ?? group.strategies }));
  const cells = cellsOf(selected, {
    seconds: values.seconds === undefined ? SECONDS[kind] : wholeNumber(values.seconds),
    seeds: (values.seeds ?? SEEDS[kind]).split(',').map(wholeNumber),
  });
  if (cells.length === 0) throw new RangeError('nothing is left to measure');
  return { cells, lanes: Math.min(wholeNumber(values.lanes), cells.length), isModel: values.model, against: values.against };
}

/** Sizes and rates of the caller's own, on every network. */
function ownGroups(own: {
  readonly profiles: readonly WanProfileName[] | undefined;
  readonly sizes: readonly number[] | undefined;
  readonly rates: readonly number[] | undefined;
}): Group[] {
  const profiles = own.profiles ?? [...new Set(FULL.map(({ profile }) => profile))];
  return profiles.flatMap((profile) =>
    (own.sizes ?? [1000, 400, 200]).flatMap((bytes) => (own.rates ?? [60]).map((rate) => ({ profile, bytes, rate, strategies: NAMES }))),
  );
}

/** Lanes take cells from one list, each the next when it is done. A cell that fails is named and left out. */
async function runAll({ cells, lanes }: Plan): Promise<{ results: CellResult[]; failures: string[] }> {
  const chromiumPath = ensureChromium();
  const results: (CellResult | undefined)[] = cells.map(() => undefined);
  const failures: string[] = [];
  const waiting = [...cells.entries()];
  const opened: Lane[] = [];
  const work = async (): Promise<void> => {
    const lane = await Lane.open(chromiumPath);
    opened.push(lane);
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [n, cell] = next;
      const { profile, bytes, rate, seed, strategy } = cell;
      const name = `${profile}, ${bytes} B, ${rate}/s, seed ${seed}: ${strategy?.name ?? IDEAL}`;
      try {
        results[n] = await lane.run(cell);
        process.stderr.write(`${results.filter((result) => result !== undefined).length}/${cells.length} ${name}\n`);
      } catch (error) {
        failures.push(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, work));
  } finally {
    await Promise.all(opened.map((lane) => lane.close()));
  }
  return { results: results.filter((result) => result !== undefined), failures };
}

function chosen<T extends string>(what: string, names: readonly string[] | undefined, known: readonly T[]): readonly T[] | undefined {
  const unknown = names?.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new RangeError(`there is no ${what} '${unknown}'`);
  return names === undefined ? undefined : known.filter((one) => names.includes(one));
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new RangeError(`'${text}' is no whole number above 0`);
  return Number(text);
}

function save(dir: string, results: object): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, RESULTS_FILE);
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, arch: arch() };
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, ...results }, null, 2)}\n`);
  return path;
}
