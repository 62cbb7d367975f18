/** Which cells the experiment has: not every strategy on every network, but those whose answers differ. */
import type { WanProfileName } from '../wan/profiles.ts';
import type { Cell } from './lane.ts';
import { STRATEGIES } from './strategies.ts';

/** One table: a network and a stream, every strategy beside the ideal. */
export interface Group {
  readonly profile: WanProfileName;
  readonly bytes: number;
  readonly rate: number;
  readonly strategies: readonly string[];
}

export const IDEAL = 'ideal';

const LARGE = [
  'bare',
  'skip',
  'flight-4700',
  'turns-2',
  'turns-4',
  'awake-2',
  'awake-4',
  'probe-1',
  'probe-2',
  'probe-4',
  'dense-2',
  'dense-4',
  'twice-4',
];
const SMALL = [
  'bare',
  'skip',
  'flight-2400',
  'turns-2',
  'turns-4',
  'awake-2',
  'awake-4',
  'probe-1',
  'probe-2',
  'dense-2',
  'twice-2',
  'twice-dense-2',
];
const RELIABLE = ['reliable-same', 'reliable-apart', 'probe-2-reliable'];

export const QUICK: readonly Group[] = [
  { profile: 'bursts-15', bytes: 1000, rate: 60, strategies: [...LARGE, 'twice-dense-2'] },
  { profile: 'bursts-15', bytes: 400, rate: 60, strategies: [...SMALL, ...RELIABLE] },
  { profile: 'outage', bytes: 400, rate: 60, strategies: ['bare', 'skip', 'awake-2', 'probe-1', 'probe-2', 'dense-2'] },
  { profile: 'loss-5', bytes: 1000, rate: 60, strategies: ['bare', 'skip', 'awake-2', 'probe-1', 'probe-2', 'probe-4', 'dense-2'] },
  { profile: 'bursts-15', bytes: 200, rate: 60, strategies: ['bare', 'skip', 'probe-1', 'dense-2', ...RELIABLE] },
  { profile: 'bursts-15', bytes: 1000, rate: 30, strategies: ['bare', 'skip', 'awake-4', 'probe-2', 'dense-2'] },
  { profile: 'loss-5', bytes: 400, rate: 60, strategies: ['bare', 'skip', 'probe-1', 'probe-2'] },
  { profile: 'reorder-100', bytes: 400, rate: 60, strategies: ['bare', 'skip', 'probe-1', 'probe-2', 'dense-2'] },
  { profile: 'cap-300', bytes: 1000, rate: 60, strategies: ['bare', 'skip', 'flight-4700', 'probe-1', 'probe-2'] },
];

const ALL = STRATEGIES.map(({ name }) => name);
const FULL_PROFILES: readonly WanProfileName[] = ['loss-5', 'bursts-15', 'reorder-100', 'cap-300', 'outage'];

export const FULL: readonly Group[] = FULL_PROFILES.flatMap((profile) =>
  [1000, 400, 200].flatMap((bytes) => [60, 30].map((rate) => ({ profile, bytes, rate, strategies: ALL }))),
);

export interface Times {
  readonly seconds: number;
  readonly seeds: readonly number[];
}

/** In an order that spreads each table's cells over the whole run: what disturbs the machine for a minute disturbs all alike. */
export function cellsOf(groups: readonly Group[], { seconds, seeds }: Times): Cell[] {
  const of = (group: Group, name: string, seed: number): Cell => ({
    ...{ profile: group.profile, bytes: group.bytes, rate: group.rate, seed, seconds },
    strategy: STRATEGIES.find((strategy) => strategy.name === name),
  });
  return seeds.flatMap((seed) => {
    const columns = groups.map((group) => [IDEAL, ...group.strategies].map((name) => of(group, name, seed)));
    const longest = Math.max(...columns.map((column) => column.length));
    return Array.from({ length: longest }, (_, n) => columns.flatMap((column) => column[n] ?? [])).flat();
  });
}
