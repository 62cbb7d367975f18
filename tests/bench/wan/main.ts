/** `npm run bench -- wan`: how fresh the real game's states and inputs are over bad networks, beside what others do there. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { ensureChromium } from '../../harness/chromium.ts';
import { type MatchPlan, type MatchResult, playMatch } from './match.ts';
import { type Plan, planOf, WAN_USAGE } from './plan.ts';
import { formatMatch, formatTargets, type Judged, WAN_LEGEND } from './report.ts';
import { ageFigures, type Row, rowsOf } from './rows.ts';
import { type StreamCell, StreamLane, type StreamResult } from './stream-lane.ts';
import { isMet, targetsOf } from './targets.ts';
import { whyNoWan } from './wan.ts';

export { WAN_USAGE };

/** What comes before and after the counted seconds: browsers, handshakes, warming up. */
const MATCH_OVERHEAD_SECONDS = { 2: 10, 8: 40 };
const STREAM_OVERHEAD_SECONDS = 6;

interface Done {
  readonly matches: readonly (MatchResult | undefined)[];
  /** Of each match. */
  readonly streams: readonly StreamResult[][];
  readonly failures: string[];
}

/** Exit code 0, whatever the figures; 1 if something failed to run; 2 if the command makes no sense or this machine can't. */
export async function wan(args: readonly string[], resultsDir: string): Promise<number> {
  let plan: Plan;
  try {
    plan = planOf(args);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${WAN_USAGE}`);
    return 2;
  }
  if (plan.isHelp) {
    console.log(WAN_USAGE);
    return 0;
  }
  const why = whyNoWan();
  if (why !== undefined) {
    console.error(why);
    return 2;
  }
  if (plan.isBuilding && spawnSync('npm', ['run', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] }).status !== 0) {
    console.error('npm run build failed');
    return 2;
  }
  // Found or installed before anything is timed.
  ensureChromium();
  console.log(`${WAN_LEGEND.join('\n')}\n\n${describe(plan)}`);
  const done = await runAll(plan);
  const tables = plan.matches.map((match, n) => ({
    name: nameOf(match),
    match: done.matches[n],
    rows: rowsOf(done.matches[n], done.streams[n] ?? []),
  }));
  for (const { name, match, rows } of tables) console.log(`\n${formatMatch(name, match, rows)}`);
  const judged: Judged[] = tables.flatMap(({ name, match, rows }) =>
    match === undefined ? [] : [{ name, targets: targetsOf(match, rows) }],
  );
  console.log(`\n${formatTargets(judged)}\n\nwritten: ${save(resultsDir, tables, judged, done.failures)}`);
  for (const failure of done.failures) console.error(failure);
  return done.failures.length === 0 ? 0 : 1;
}

const nameOf = ({ profile, players, pair, seed }: MatchPlan): string => `${profile}, ${players} players, ${pair.join('-')}, seed ${seed}`;
const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function describe({ matches, lanes }: Plan): string {
  const playing = matches.reduce((sum, { seconds, players }) => sum + seconds + MATCH_OVERHEAD_SECONDS[players], 0);
  const streams = matches.flatMap((match) => match.streams.map(() => match.seconds + STREAM_OVERHEAD_SECONDS));
  const minutes = (playing + streams.reduce((sum, seconds) => sum + seconds, 0) / lanes) / 60;
  return `${matches.length} matches one by one, ${streams.length} streams, ${lanes} side by side: about ${minutes.toFixed(0)} minutes`;
}

async function runAll(plan: Plan): Promise<Done> {
  const failures: string[] = [];
  const matches: (MatchResult | undefined)[] = [];
  for (const match of plan.matches) {
    try {
      matches.push(await playMatch(match));
      process.stderr.write(`played: ${nameOf(match)}\n`);
    } catch (error) {
      matches.push(undefined);
      failures.push(`${nameOf(match)} failed: ${textOf(error)}`);
    }
  }
  const cells = plan.matches.flatMap((match, n) => {
    const { profile, seconds, seed } = match;
    return match.streams.flatMap(({ kind, payload }): { readonly of: number; readonly cell: StreamCell }[] => {
      const bytes = payload === 'game' ? Math.round(matches[n]?.host.sent.bytesMean ?? 0) : payload;
      // Nobody knows how large the snapshots of a match were that was not played.
      return bytes === 0 ? [] : [{ of: n, cell: { profile, kind, payload, bytes, seconds, seed } }];
    });
  });
  const results: (StreamResult | undefined)[] = cells.map(() => undefined);
  await sendAll(
    cells.map(({ cell }) => cell),
    plan.lanes,
    (n, result) => {
      if (typeof result === 'string') failures.push(result);
      else results[n] = result;
    },
  );
  const streams = plan.matches.map((_, match) => results.filter((result, n) => result !== undefined && cells[n]?.of === match));
  return { matches, streams: streams as StreamResult[][], failures };
}

/** Lanes take cells from one list, each the next when it is done. A cell that fails is told in words. */
async function sendAll(
  cells: readonly StreamCell[],
  lanes: number,
  onResult: (n: number, result: StreamResult | string) => void,
): Promise<void> {
  const waiting = [...cells.entries()];
  const work = async (): Promise<void> => {
    const lane = await StreamLane.open();
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        const [n, cell] = next;
        const name = `${cell.profile}, ${cell.bytes} B, seed ${cell.seed}: ${cell.kind}`;
        try {
          onResult(n, await lane.run(cell));
          process.stderr.write(`sent: ${name}\n`);
        } catch (error) {
          onResult(n, `${name} failed: ${textOf(error)}`);
        }
      }
    } finally {
      await lane.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, cells.length) }, work));
}

interface Table {
  readonly name: string;
  readonly match: MatchResult | undefined;
  readonly rows: readonly Row[];
}

function save(dir: string, tables: readonly Table[], judged: readonly Judged[], failures: readonly string[]): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'wan.json');
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, arch: arch() };
  const networks = tables.map(({ name, match, rows }) => ({ name, match: match && withoutSamples(match), rows }));
  const targets = judged.flatMap(({ name, targets: all }) => all.map((target) => ({ name, ...target, isMet: isMet(target) })));
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, networks, targets, failures }, null, 2)}\n`);
  return path;
}

/** Ages as quantiles: the samples are thousands. */
function withoutSamples(match: MatchResult): object {
  const guests = match.guests.map((guest) => ({
    ...guest,
    state: { ...guest.state, ages: ageFigures(guest.state.ages) },
    input: { ...guest.input, ages: ageFigures(guest.input.ages) },
  }));
  return { ...match, guests };
}
