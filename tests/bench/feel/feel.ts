/** How a game feels on each network: simulated matches, their reports, and what the roadmap asks of them. */
import { NETWORK_PROFILES, type Network, type SimulationReport } from '../../../netcode/testing.ts';
import type { FeelGame } from './games.ts';
import type { ScreenReport } from './screen-hits.ts';

export const FEEL_NETWORKS: Readonly<Record<string, Network>> = {
  ...(Object.fromEntries(Object.keys(NETWORK_PROFILES).map((name) => [name, name])) as Record<string, Network>),
  /** What the targets are given for: 150 ms there and back, 30 ms of jitter each way, 5 % loss; then 10 % in bursts. */
  target: { delayMs: 75, jitterMs: 30, lossPct: 5, reorder: true },
  'target-10-bursts': { delayMs: 75, jitterMs: 30, lossPct: 10, burstLength: 3, reorder: true },
};

export const FEEL_PLAYERS = [4, 16] as const;
export const FEEL_POLICIES = ['owner', 'all'] as const;

export interface FeelRun {
  readonly game: string;
  readonly network: string;
  readonly players: number;
  readonly policy: 'owner' | 'all';
  readonly report: SimulationReport;
  /** Hits as drawn, where that can be told. */
  readonly screen: ScreenReport | undefined;
  /** Virtual seconds, warm-up included, a second of this machine's processor. */
  readonly speed: number;
}

export interface FeelPlan {
  readonly networks: readonly string[];
  readonly players: number;
  readonly policy: FeelRun['policy'];
  readonly seconds: number;
  readonly seed: number;
}

/** Before what is counted, in seconds: `simulate` adds it by itself. */
const WARM_UP_SECONDS = 4;

/** Plays a game on several networks, one match after the other. */
export function benchFeel(game: FeelGame, { networks, players, ...options }: FeelPlan): FeelRun[] {
  return networks.map((network) => {
    const started = process.cpuUsage();
    const { report, screen } = game.play({ ...options, peers: players, network: FEEL_NETWORKS[network]! });
    const { user, system } = process.cpuUsage(started);
    const speed = ((report.seconds + WARM_UP_SECONDS) * 1e6) / (user + system);
    return { game: game.name, network, players, policy: options.policy, report, screen, speed };
  });
}
