/** `npm run bench -- cost`: what a full match costs its host a tick and a guest a frame; a table, targets, and JSON. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatTable, percent } from '../codec/table.ts';
import { crowdGame } from './crowd.ts';
import { type ClientCost, recordGuest, type ReplayGuest } from './client-cost.ts';
import { type HostCost, measureHost } from './host-cost.ts';
import type { Times } from './times.ts';

const TICKS = { quick: 300, full: 1200 };
/** What the roadmap asks: a quarter of a core for the host, 2 ms for a frame with twelve replayed ticks. */
const CORE_SHARE_MAX = 0.25;
const REPLAYED_TICKS = 12;
const FRAME_MS_MAX = 2;

export const COST_USAGE = `npm run bench -- cost [options]
  --quick            ${TICKS.quick} ticks instead of ${TICKS.full}
  --players N        16 by default
  --bullets N        200 by default
  --only PART        host or client
  --seed N           1 by default`;

const OPTIONS = {
  quick: { type: 'boolean', default: false },
  players: { type: 'string', default: '16' },
  bullets: { type: 'string', default: '200' },
  only: { type: 'string' },
  seed: { type: 'string', default: '1' },
} as const;

/**
 * Exit code 0, or 2 if the command makes no sense: how fast a machine is fails nothing. `loadReplay` loads all modules once
 * more, for a guest that shares its code with nobody.
 */
export async function cost(args: readonly string[], resultsDir: string, loadReplay: () => Promise<ReplayGuest>): Promise<number> {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    const [players, bullets, seed] = [values.players, values.bullets, values.seed].map(wholeNumber) as [number, number, number];
    if (values.only !== undefined && values.only !== 'host' && values.only !== 'client')
      throw new RangeError(`there is no part '${values.only}'`);
    const plan = { game: crowdGame(bullets), players, bullets, ticks: values.quick ? TICKS.quick : TICKS.full, seed };
    console.log(
      `the demo's rules, ${players} players, ${bullets} bullets, ${plan.game.tickRate} ticks and snapshots a second; ms, by the clock`,
    );
    const host = values.only === 'client' ? undefined : measureHost(plan);
    if (host !== undefined) console.log(`\n${formatHost(host)}`);
    const client = values.only === 'host' ? undefined : (await loadReplay())(recordGuest(plan, REPLAYED_TICKS), REPLAYED_TICKS);
    if (client !== undefined) console.log(`\n${formatClient(client)}`);
    console.log(`\nwritten: ${save(resultsDir, { players, bullets, seed, ticks: plan.ticks, host, client })}`);
    return 0;
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${COST_USAGE}`);
    return 2;
  }
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`'${text}' is no whole number`);
  return Number(text);
}

const cells = ({ mean, p50, p95, max }: Times): string[] => [mean, p50, p95, max].map((ms) => ms.toFixed(3));
const verdict = (value: number, atMost: number): string => (value <= atMost ? 'met' : 'missed');

function formatHost(cost: HostCost): string {
  const parts = ['total', 'drain', 'step', 'capture', 'encode'] as const;
  const table = formatTable(
    ['host, a tick', 'mean', 'p50', 'p95', 'max'],
    parts.map((part) => [part, ...cells(cost[part])]),
  );
  const share = `${percent(cost.coreShare)} of a core, at most ${percent(CORE_SHARE_MAX)}: ${verdict(cost.coreShare, CORE_SHARE_MAX)}`;
  return `${table}\nprocessor ${cost.cpuMs.toFixed(3)} ms a tick, ${share}; ${cost.bullets} bullets, ${cost.bytesPerPacket.toFixed(0)} B a packet`;
}

function formatClient(cost: ClientCost): string {
  const parts = ['total', 'decode', 'replay', 'rules', 'view'] as const;
  const table = formatTable(
    ['client, a frame', 'mean', 'p50', 'p95', 'max'],
    parts.map((part) => [part, ...cells(cost[part])]),
  );
  const median = `median ${cost.total.p50.toFixed(3)} ms, at most ${FRAME_MS_MAX}: ${verdict(cost.total.p50, FRAME_MS_MAX)}`;
  return `${table}\n${cost.replayedTicks} ticks replayed, in ${cost.frames} frames, ${cost.delayMs} ms one way; ${median}`;
}

function save(dir: string, results: object): string {
  mkdirSync(dir, { recursive: true });
  const path = join(dir, 'cost.json');
  const machine = { node: process.version, cpu: cpus()[0]?.model, arch: arch() };
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), machine, ...results }, null, 2)}\n`);
  return path;
}
