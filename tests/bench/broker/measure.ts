/** The measurements: two brokers by turns, one broker full of idle clients, and several brokers that share a Redis. */
import { RedisProcess } from '../../harness/redis.ts';
import { type Broker, type BrokerKind, type BrokerOptions, type Memory, startBroker } from './brokers.ts';
import type { Done, Order } from './load.ts';
import { type LoadProcess, startLoad } from './load-process.ts';
import type { BrokerPlan } from './plan.ts';

/** Something done many times, and the broker's processor time for each. */
export interface Work extends Done {
  readonly cpuUsEach: number;
}

/** One entry a round. */
export interface Rounds {
  readonly connects: Work[];
  readonly flood: Work[];
  readonly pace: Work[];
}

export interface Setting {
  readonly plan: BrokerPlan;
  /** The path of our program. */
  readonly ours: string;
  /** The module that exports `brokerLoad`. */
  readonly bundleUrl: string;
  /** Where to put processor profiles of the rounds, if anywhere. */
  readonly profilesTo?: string | undefined;
}

/** A broker and the generator that loads it. */
interface Bench {
  readonly kind: BrokerKind;
  readonly broker: Broker;
  readonly load: LoadProcess;
}

const KINDS: readonly BrokerKind[] = ['ours', 'stock'];

/**
 * Both brokers run all the time, and one of them is loaded at any moment: a machine that is busy with other things for some
 * seconds is so for both.
 */
export async function measureByTurns(setting: Setting): Promise<Readonly<Record<BrokerKind, Rounds>>> {
  const { plan } = setting;
  const rounds = { ours: noRounds(), stock: noRounds() };
  const benches: Bench[] = [];
  try {
    for (const kind of KINDS) benches.push(await openBench(kind, setting));
    for (const bench of benches) await warmUp(bench, plan);
    const byTurns = async (key: keyof Rounds, work: (bench: Bench) => Promise<Work>): Promise<void> => {
      const profiles = await startProfiles(benches, setting);
      for (let round = 0; round < plan.rounds; round++) {
        for (const bench of round % 2 === 0 ? benches : benches.toReversed()) rounds[bench.kind][key].push(await work(bench));
      }
      await profiles.end(key);
    };
    await byTurns('connects', async (bench) => {
      const { port } = bench.broker;
      const work = await measured(bench, { do: 'connect', port, clients: plan.connects, atOnce: plan.connectsAtOnce });
      await bench.load.order({ do: 'disconnect' });
      return work;
    });
    for (const { load, broker } of benches) await load.order({ do: 'pair', ports: [broker.port], pairs: plan.pairs });
    for (const { load } of benches) await load.order({ do: 'flood', seconds: 1, atOnce: plan.joinsAtOnce });
    await byTurns('flood', (bench) => measured(bench, { do: 'flood', seconds: plan.floodSeconds, atOnce: plan.joinsAtOnce }));
    await byTurns('pace', (bench) => measured(bench, { do: 'pace', seconds: plan.paceSeconds, perSecond: plan.joinsPerSecond }));
    return rounds;
  } finally {
    await Promise.all(benches.map(closeBench));
  }
}

export interface Fill {
  readonly kind: BrokerKind;
  readonly hasLimits: boolean;
  readonly connects: Work;
  readonly heartbeats: Work;
  readonly empty: Memory;
  readonly full: Memory;
  /** Bytes a client, more than with none. */
  readonly heapBytesEach: number;
  readonly rssBytesEach: number;
}

/** A fresh broker: what others have left in its heap and in the system's hands would hide what clients take. */
export async function measureFill(kind: BrokerKind, hasLimits: boolean, setting: Setting): Promise<Fill> {
  const { idleClients: clients, connectsAtOnce: atOnce, idleSeconds: seconds } = setting.plan;
  const bench = await openBench(kind, setting, { hasLimits });
  try {
    const { port } = bench.broker;
    await bench.load.order({ do: 'connect', port, clients: atOnce, atOnce });
    await bench.load.order({ do: 'disconnect' });
    const empty = await bench.broker.memory();
    const connects = await measured(bench, { do: 'connect', port, clients, atOnce });
    const heartbeats = await measured(bench, { do: 'beat', seconds });
    const full = await bench.broker.memory();
    const each = (key: keyof Memory): number => (full[key] - empty[key]) / clients;
    return { kind, hasLimits, connects, heartbeats, empty, full, heapBytesEach: each('heapBytes'), rssBytesEach: each('rssBytes') };
  } finally {
    await closeBench(bench);
  }
}

export interface ClusterRun {
  readonly brokers: number;
  readonly flood: Work;
  readonly pace: Work;
  /** Redis's processor time a join. */
  readonly redisCpuUsEach: number;
}

/** Every guest is at another broker than its host, where there is more than one. */
export async function measureCluster(brokers: number, redisPath: string, setting: Setting): Promise<ClusterRun> {
  const { plan } = setting;
  const redis = await RedisProcess.start(redisPath);
  const started: Broker[] = [];
  const load = startLoad(setting.bundleUrl);
  try {
    for (let i = 0; i < brokers; i++) started.push(await startBroker('ours', { ...optionsOf(setting), redisUrl: redis.url }));
    const all = { load, broker: { cpuUs: () => total(started.map((broker) => broker.cpuUs())) } };
    await load.order({ do: 'pair', ports: started.map(({ port }) => port), pairs: plan.pairs });
    await load.order({ do: 'flood', seconds: 1, atOnce: plan.joinsAtOnce });
    const redisBeforeUs = await cpuOf(redis);
    const flood = await measured(all, { do: 'flood', seconds: plan.floodSeconds * 4, atOnce: plan.joinsAtOnce });
    const redisCpuUsEach = ((await cpuOf(redis)) - redisBeforeUs) / flood.times;
    const pace = await measured(all, { do: 'pace', seconds: plan.paceSeconds * 4, perSecond: plan.clusterJoinsPerSecond });
    return { brokers, flood, pace, redisCpuUsEach };
  } finally {
    await load.close();
    await Promise.all(started.map((broker) => broker.close()));
    await redis.stop();
  }
}

const noRounds = (): Rounds => ({ connects: [], flood: [], pace: [] });
const optionsOf = ({ ours, plan }: Setting): BrokerOptions => ({ ours, peersMax: plan.idleClients * 2 });

async function openBench(kind: BrokerKind, setting: Setting, options: Partial<BrokerOptions> = {}): Promise<Bench> {
  return { kind, broker: await startBroker(kind, { ...optionsOf(setting), ...options }), load: startLoad(setting.bundleUrl) };
}

async function closeBench({ broker, load }: Bench): Promise<void> {
  await load.close();
  await broker.close();
}

async function warmUp({ broker: { port }, load }: Bench, plan: BrokerPlan): Promise<void> {
  await load.order({ do: 'connect', port, clients: plan.warmUpClients, atOnce: plan.connectsAtOnce });
  await load.order({ do: 'disconnect' });
}

interface Profiles {
  end(phase: string): Promise<void>;
}

async function startProfiles(benches: readonly Bench[], { profilesTo }: Setting): Promise<Profiles> {
  if (profilesTo === undefined) return { end: () => Promise.resolve() };
  const ends = await Promise.all(benches.map(async ({ kind, broker }) => ({ kind, end: await broker.profile() })));
  return {
    async end(phase) {
      for (const { kind, end } of ends) await end(`${profilesTo}/${kind}-${phase}.cpuprofile`);
    },
  };
}

interface Measured {
  readonly broker: Pick<Broker, 'cpuUs'>;
  readonly load: LoadProcess;
}

async function measured({ broker, load }: Measured, order: Order): Promise<Work> {
  const beforeUs = await broker.cpuUs();
  const done = await load.order(order);
  return { ...done, cpuUsEach: ((await broker.cpuUs()) - beforeUs) / done.times };
}

async function total(values: readonly Promise<number>[]): Promise<number> {
  return (await Promise.all(values)).reduce((sum, value) => sum + value, 0);
}

async function cpuOf(redis: RedisProcess): Promise<number> {
  const text = await redis.command('INFO', 'cpu');
  const seconds = (key: string): number => Number(new RegExp(`${key}:([\\d.]+)`).exec(text)?.[1] ?? Number.NaN);
  return (seconds('used_cpu_sys') + seconds('used_cpu_user')) * 1e6;
}
