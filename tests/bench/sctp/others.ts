/**
 * `npm run bench -- sctp --others`: the experiment's telling cells with a sender or a receiver that is no Chromium. What Firefox and
 * Node's libdatachannel do with a stream of states decides how far a sender may trust what Chromium taught it.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WAN_PROFILES, type WanProfileName } from '../wan/profiles.ts';
import { openWan, type Wan, whyNoWan } from '../wan/wan.ts';
import { agesOf, freshAfterMs, quantile } from './age.ts';
import { cpuTimes, cpuUse } from './cpu.ts';
import type { Cell, CellResult } from './lane.ts';
import type { SendLog } from './page.ts';
import { formatRows, rowsOf, SCTP_LEGEND } from './report.ts';
import { END_KINDS, type EndKind, openEnd, type RigEnd } from './rig-ends.ts';
import { STRATEGIES, type Strategy } from './strategies.ts';

const WARM_UP_MS = 1_000;
const OUTAGE_MS = 3_000;
const OUTAGE_AT = 0.3;
const FRESH_MS = 150;
const LINGER_MS = 400;
const RATE = 60;
/** Handshakes beyond this have failed: an end that cannot reach the other waits for ever. */
const CELL_OVERHEAD_MAX_MS = 30_000;

const PAIRS = 'firefox-chromium,usrsctp-chromium,node-chromium';
const PROFILES = ['bursts-15', 'outage'];
const QUICK_STRATEGIES = ['bare', 'skip', 'probe-1', 'probe-2', 'turns-2', 'awake-2'];

export const OTHERS_USAGE = `npm run bench -- sctp --others [options]   the same with other senders than Chromium, and tables of their own
  --pairs A-B,…      sender and receiver: ${END_KINDS.join(', ')} (default ${PAIRS})
  --profile NAME     default ${PROFILES.join(' and ')} (may be repeated, as may the next two)
  --strategy NAME    default ${QUICK_STRATEGIES.join(', ')}
  --bytes N          default 1000, 400, 200; in an outage 400
  --seconds N        20 by default
  --seeds N,N,…      1 by default`;

const OPTIONS = {
  pairs: { type: 'string', default: PAIRS },
  profile: { type: 'string', multiple: true },
  strategy: { type: 'string', multiple: true },
  bytes: { type: 'string', multiple: true },
  seconds: { type: 'string', default: '20' },
  seeds: { type: 'string', default: '1' },
} as const;

type Pair = readonly [sender: EndKind, receiver: EndKind];

interface OtherCell extends Cell {
  readonly strategy: Strategy;
}

interface Plan {
  readonly pairs: readonly Pair[];
  readonly cells: readonly OtherCell[];
}

/** Exit code 0; 1 if cells failed; 2 if the command makes no sense or this machine can't. */
export async function sctpOthers(args: readonly string[], resultsDir: string): Promise<number> {
  let plan: Plan;
  try {
    plan = planOf(args);
  } catch (error) {
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    console.error(`${error.message}\n\n${OTHERS_USAGE}`);
    return 2;
  }
  const why = whyNoWan();
  if (why !== undefined) {
    console.error(why);
    return 2;
  }
  console.log(`${SCTP_LEGEND.join('\n')}\n`);
  const results: CellResult[] = [];
  const failures: string[] = [];
  for (const pair of plan.pairs) {
    const done = await runPair(pair, plan.cells);
    results.push(...done.results);
    failures.push(...done.failures);
  }
  // Tables by network and size, so that the pairs stand beside each other.
  const rows = rowsOf(results.toSorted((x, y) => tableNumber(plan, x) - tableNumber(plan, y)));
  mkdirSync(resultsDir, { recursive: true });
  const path = join(resultsDir, 'sctp-others.json');
  writeFileSync(path, `${JSON.stringify({ at: new Date().toISOString(), rows, failures }, null, 2)}\n`);
  console.log(`\n${formatRows(rows)}\n\nwritten: ${path}`);
  for (const failure of failures) console.error(failure);
  return failures.length === 0 ? 0 : 1;
}

const tableNumber = ({ cells }: Plan, { cell }: CellResult): number =>
  cells.findIndex(({ profile, bytes }) => profile === cell.profile && bytes === cell.bytes);

function planOf(args: readonly string[]): Plan {
  const { values } = parseArgs({ args: [...args], options: OPTIONS });
  const seconds = wholeNumber(values.seconds);
  const strategies = (values.strategy ?? QUICK_STRATEGIES).map((name) => found('strategy', name, STRATEGIES, (one) => one.name));
  const profiles = (values.profile ?? PROFILES).map((name) =>
    found('profile', name, Object.keys(WAN_PROFILES) as WanProfileName[], (one) => one),
  );
  const sizesOf = (profile: WanProfileName): readonly number[] =>
    values.bytes?.map(wholeNumber) ?? (profile === 'outage' ? [400] : [1000, 400, 200]);
  return {
    pairs: values.pairs.split(',').map((text) => {
      const [sender = '', receiver = ''] = text.split('-');
      const end = (name: string): EndKind => found('end', name, END_KINDS, (one) => one);
      // Both would offer: libdatachannel offers as soon as it has a channel.
      if (sender === 'node' && receiver === 'node') throw new RangeError("there is no pair 'node-node'");
      return [end(sender), end(receiver)] as const;
    }),
    cells: profiles.flatMap((profile) =>
      sizesOf(profile).flatMap((bytes) =>
        strategies.flatMap((strategy) =>
          values.seeds.split(',').map((seed) => ({ profile, bytes, rate: RATE, strategy, seed: wholeNumber(seed), seconds })),
        ),
      ),
    ),
  };
}

function found<T>(what: string, name: string, known: readonly T[], nameOf: (one: T) => string): T {
  const one = known.find((candidate) => nameOf(candidate) === name);
  if (one === undefined) throw new RangeError(`there is no ${what} '${name}'`);
  return one;
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new RangeError(`'${text}' is no whole number above 0`);
  return Number(text);
}

async function runPair(pair: Pair, cells: readonly OtherCell[]): Promise<{ results: CellResult[]; failures: string[] }> {
  const results: CellResult[] = [];
  const failures: string[] = [];
  const wan = await openWan(WAN_PROFILES.lan);
  const ends: RigEnd[] = [];
  try {
    for (const [n, kind] of pair.entries()) ends.push(await openEnd(kind, wan, n === 0 ? 'a' : 'b'));
    for (const cell of cells) {
      const name = `${pair.join('-')} ${cell.strategy.name}`;
      try {
        const result = await inTime(runCell(wan, ends as [RigEnd, RigEnd], pair, cell), cell.seconds * 1000 + CELL_OVERHEAD_MAX_MS);
        results.push({ ...result, cell: { ...cell, strategy: { ...cell.strategy, name } } });
        process.stderr.write(`${cell.profile}, ${cell.bytes} B: ${name}\n`);
      } catch (error) {
        failures.push(`${cell.profile}, ${cell.bytes} B: ${name} failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
  } finally {
    await Promise.all(ends.map((end) => end.close()));
    await wan.close();
  }
  return { results, failures };
}

function inTime<T>(task: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`not done after ${ms} ms`)), ms);
    task.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** As `Lane.run` does it, but that the ends may differ. */
async function runCell(wan: Wan, [sender, receiver]: readonly [RigEnd, RigEnd], pair: Pair, cell: OtherCell): Promise<CellResult> {
  const { strategy, profile, seed, seconds } = cell;
  const before = cpuTimes();
  wan.apply({ ...WAN_PROFILES[profile], lossPercent: 0, rateKbit: 0, isReordering: false }, seed);
  await connect(pair[1] === 'node' ? [receiver, sender] : [sender, receiver], strategy);
  wan.apply(WAN_PROFILES[profile], seed);
  await wan.counters();
  let outageEndsAtMs: number | undefined;
  const cut = (): void => {
    wan.cut(OUTAGE_MS);
    outageEndsAtMs = Date.now() + OUTAGE_MS;
  };
  if (profile === 'outage') setTimeout(cut, seconds * OUTAGE_AT * 1000);
  await Promise.all([sender.call('janked'), receiver.call('janked')]);
  const fromMs = Date.now();
  const { name: _, what: __, ...plan } = strategy;
  const log: SendLog = await sender.call('send', { ...plan, bytes: cell.bytes, rate: cell.rate, seconds });
  const toMs = Date.now();
  await sleep(LINGER_MS);
  const arrived = await receiver.call('arrived');
  const janked = await Promise.all([sender.call('janked'), receiver.call('janked')]);
  const waiting = log.waiting.toSorted((x, y) => x - y);
  const inFlight = log.inFlight.toSorted((x, y) => x - y);
  return {
    cell,
    ages: agesOf(arrived, { fromMs: fromMs + WARM_UP_MS, toMs }),
    sentPerSecond: log.sent / seconds,
    lostShare: 1 - arrived.length / 2 / log.sent,
    waitingP99: quantile(waiting, 0.99),
    waitingMax: waiting.at(-1) ?? 0,
    inFlightP99: quantile(inFlight, 0.99),
    stallsMs: log.stalls.map(({ lastedMs }) => lastedMs),
    rttMs: log.rttMs,
    jankMs: Math.max(...janked),
    freshAfterMs: outageEndsAtMs === undefined ? undefined : freshAfterMs(arrived, outageEndsAtMs, FRESH_MS),
    wire: await wan.counters(),
    cpu: cpuUse(before, cpuTimes()),
  };
}

/** `offering` may be the receiver: libdatachannel offers as soon as it has a channel, so it had better be the one to offer. */
async function connect([offering, answering]: readonly [RigEnd, RigEnd], strategy: Strategy): Promise<void> {
  const ends = [offering, answering];
  await Promise.all(ends.map((end) => end.renew()));
  const count = strategy.connections + Number(strategy.reliable === 'apart');
  const lifeTimeMs = strategy.lifeTimeMs ?? null;
  const [offers] = await Promise.all(ends.map((end) => end.call('open', count, lifeTimeMs, end === offering)));
  const answers = await answering.call('answer', offers ?? []);
  await offering.call('accept', answers);
  await Promise.all(ends.map((end) => end.call('ready')));
}
