/** `npm run bench -- join`: from a link that is opened to one's own ship answering, step by step, in a warm browser. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join as joinPath } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureChromium } from '../../harness/chromium.ts';
import { cpuTimes, cpuUse } from '../sctp/cpu.ts';
import { whyNoWan } from '../wan/wan.ts';
import type { ProbeLog } from './probe.ts';
import { NETWORKS, type Network, RTT_MS } from './rig.ts';
import { measureVisits } from './visits.ts';
import { formatWaterfall, type Total, type Waterfall, waterfallOf } from './waterfall.ts';

export const JOIN_USAGE = `npm run bench -- join [options]   two Chromium: from an invite link to one's own ship answering
  --runs N           visits measured on each network: 20
  --network NAMES    lan, wan (needs Linux and root)
  --no-build         measure what dist/ holds`;

/** What is aimed at, in a warm browser. */
const P95_MS_MAX: Readonly<Record<Network, number>> = { lan: 1_000, wan: 2_500 };
const RUNS_MAX = 1_000;

interface Plan {
  readonly networks: readonly Network[];
  readonly runs: number;
  readonly isBuilding: boolean;
  readonly isHelp: boolean;
}

interface Measured {
  readonly network: Network;
  /** Share of all cores' time, 0 to 1; undefined where the system does not tell. */
  readonly busy: number | undefined;
  readonly waterfall: Waterfall;
  readonly logs: readonly ProbeLog[];
}

/** Exit code 0, whatever the figures; 1 if something failed to run; 2 if the command makes no sense or this machine can't. */
export async function join(args: readonly string[], resultsDir: string): Promise<number> {
  let plan: Plan;
  try {
    plan = planOf(args);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${JOIN_USAGE}`);
    return 2;
  }
  if (plan.isHelp) {
    console.log(JOIN_USAGE);
    return 0;
  }
  const why = plan.networks.includes('wan') ? whyNoWan() : undefined;
  if (why !== undefined) {
    console.error(`${why}; without it: --network lan`);
    return 2;
  }
  if (plan.isBuilding && spawnSync('npm', ['run', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) {
    console.error('npm run build failed');
    return 2;
  }
  // Found or installed before anything is timed.
  ensureChromium();
  const done: Measured[] = [];
  for (const network of plan.networks) {
    try {
      const measured = await measure(network, plan.runs);
      done.push(measured);
      console.log(`${format(measured)}\n`);
    } catch (error) {
      console.error(`${network} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  console.log(`written: ${save(resultsDir, done)}`);
  return done.length === plan.networks.length ? 0 : 1;
}

function planOf(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string', default: '20' },
      network: { type: 'string', default: NETWORKS.join(',') },
      'no-build': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const names = values.network.split(',');
  const unknown = names.find((name) => !NETWORKS.some((network) => network === name));
  if (unknown !== undefined) throw new RangeError(`there is no network '${unknown}'`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > RUNS_MAX) throw new RangeError(`runs '${values.runs}' must be 1 to ${RUNS_MAX}`);
  return { networks: NETWORKS.filter((network) => names.includes(network)), runs, isBuilding: !values['no-build'], isHelp: values.help };
}

async function measure(network: Network, runs: number): Promise<Measured> {
  const before = process.platform === 'linux' ? cpuTimes() : undefined;
  const logs = await measureVisits({
    network,
    runs,
    onVisit: (n, { marks }) =>
      process.stderr.write(
        `${network} ${n + 1}/${runs}: ${marks['confirmed']?.toFixed(0)} ms, flies at ${marks['flies']?.toFixed(0)} ms\n`,
      ),
  });
  const busy = before === undefined ? undefined : cpuUse(before, cpuTimes()).busy;
  return { network, busy, logs, waterfall: waterfallOf(logs, RTT_MS[network]) };
}

function format({ network, busy, logs, waterfall }: Measured): string {
  const { runs, ship, confirmed, flies, floorRtts, floorMs } = waterfall;
  const limitMs = P95_MS_MAX[network];
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const verdict = ({ p95 }: Total): string => `${p95 < limitMs ? 'PASS' : 'FAIL'}: p95 below ${ms(limitMs)}`;
  const stalls = logs.map(({ stallMsMax }) => stallMsMax).toSorted((x, y) => x - y);
  const busyText = busy === undefined ? 'unknown' : `${(busy * 100).toFixed(0)} % busy`;
  const isCold = logs.some(({ scriptBytes }) => scriptBytes > 0);
  return [
    `${network}: ${runs} visits, a round trip takes ${RTT_MS[network]} ms; DTLS ${logs[0]?.dtlsVersion}; processor ${busyText}. Times in ms.`,
    formatWaterfall(waterfall),
    `own ship on the screen: p50 ${ms(ship.p50)}, p95 ${ms(ship.p95)}`,
    `its input confirmed:    p50 ${ms(confirmed.p50)}, p95 ${ms(confirmed.p95)}   ${verdict(confirmed)}`,
    `it flies (a ghost for 0.6 s at first, by the game's rules): p50 ${ms(flies.p50)}, p95 ${ms(flies.p95)}   ${verdict(flies)}`,
    `floor: ${floorRtts} round trips, ${ms(floorMs)}. The page's longest stall: p50 ${ms(stalls[Math.floor(stalls.length / 2)] ?? NaN)}, worst ${ms(stalls.at(-1) ?? NaN)}`,
    ...(isCold ? ['some scripts came over the network: the browser was not warm'] : []),
  ].join('\n');
}

function save(dir: string, done: readonly Measured[]): string {
  mkdirSync(dir, { recursive: true });
  const path = joinPath(dir, 'join.json');
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, arch: arch() };
  const networks = done.map(({ network, busy, waterfall, logs }) => ({
    network,
    busy,
    rttMs: RTT_MS[network],
    limitMs: P95_MS_MAX[network],
    ...waterfall,
    visits: logs,
  }));
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, networks }, null, 2)}\n`);
  return path;
}
