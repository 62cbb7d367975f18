/** `npm run bench -- feel`: every network, 4 and 16 players, both policies; tables, and JSON for those who compare. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { benchFeel, FEEL_NETWORKS, FEEL_PLAYERS, FEEL_POLICIES, type FeelRun } from './feel.ts';
import { FEEL_GAMES } from './games.ts';
import { FEEL_LEGEND, formatFeel, formatFeelTargets, formatScreens } from './report.ts';

const GAMES = FEEL_GAMES.map(({ name }) => name);
const NETWORKS = Object.keys(FEEL_NETWORKS);
const SECONDS = { quick: 8, full: 20 };

export const FEEL_USAGE = `npm run bench -- feel [options]
  --quick            4 players, the games' own policy, 8 seconds: two minutes
  --game NAME        only this one: ${GAMES.join(', ')} (may be repeated)
  --network NAME     only this one: ${NETWORKS.join(', ')} (may be repeated)
  --players N        2 to 31 (may be repeated)
  --policy NAME      owner or all (may be repeated)
  --seconds N        counted, of each match
  --seed N           1 by default`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  game: { type: 'string', multiple: true },
  network: { type: 'string', multiple: true },
  players: { type: 'string', multiple: true },
  policy: { type: 'string', multiple: true },
  seconds: { type: 'string' },
  seed: { type: 'string', default: '1' },
} as const;

/** Exit code 0, or 2 if the command makes no sense: a bench judges nothing. */
export function feel(args: readonly string[], resultsDir: string): number {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    const all = values.quick ? { players: [4], policies: ['owner'] as const } : { players: FEEL_PLAYERS, policies: FEEL_POLICIES };
    const plan = {
      games: chosen('game', values.game, GAMES),
      networks: chosen('network', values.network, NETWORKS),
      players: values.players?.map(wholeNumber) ?? all.players,
      policies: values.policy === undefined ? all.policies : chosen('policy', values.policy, FEEL_POLICIES),
      seconds: values.seconds === undefined ? SECONDS[values.quick ? 'quick' : 'full'] : wholeNumber(values.seconds),
      seed: wholeNumber(values.seed),
    };
    console.log(FEEL_LEGEND.join('\n'));
    const runs: FeelRun[] = [];
    for (const game of FEEL_GAMES.filter(({ name }) => plan.games.includes(name))) {
      console.log(`\n${game.name}: ${game.what}; ${plan.seconds} s, seed ${plan.seed}`);
      for (const policy of plan.policies) {
        for (const players of plan.players) {
          const part = benchFeel(game, { ...plan, policy, players });
          console.log(formatFeel(part));
          runs.push(...part);
        }
      }
      const ofGame = runs.filter((run) => run.game === game.name);
      for (const table of [formatScreens(ofGame), formatFeelTargets(ofGame)]) if (table !== undefined) console.log(`\n${table}`);
    }
    console.log(`\nwritten: ${save(resultsDir, { plan, runs })}`);
    return 0;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${FEEL_USAGE}`);
    return 2;
  }
}

function chosen<T extends string>(what: string, names: readonly string[] | undefined, known: readonly T[]): readonly T[] {
  const unknown = names?.find((name) => !known.some((one) => one === name));
  if (unknown !== undefined) throw new RangeError(`there is no ${what} '${unknown}'`);
  return names === undefined ? known : known.filter((one) => names.includes(one));
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`'${text}' is no whole number`);
  return Number(text);
}

function save(dir: string, results: object): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'feel.json');
  const machine = { node: process.version, cpu: cpus()[0]?.model, arch: arch() };
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, ...results }, null, 2)}\n`);
  return path;
}
