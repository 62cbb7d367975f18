/**
 * The networks that a game can be simulated on: by name, by conditions of one's own, or as recorded. Each is the path
 * between a guest's and the host's machine, the same in both directions. SPEC.md has the sources of the named ones.
 */
import { mix32, Sfc32 } from '../core/rng.ts';
import { ConditionedWire } from '../transport/conditioned-wire.ts';
import { ConditionedPath, type Conditions, conditionsOf } from '../transport/conditions.ts';
import type { SctpPacket } from '../transport/sctp-end.ts';
import { type RecordedPacket, RecordedPath, type StatePath } from './recorded-path.ts';

export type NetworkProfile = 'lan' | 'broadband' | 'wifi' | 'bad-wifi' | 'mobile' | 'satellite';

/**
 * One-way delay, evenly drawn jitter around it and loss. Radio links and modems keep packets in order (a late one holds up
 * those behind it); between cells of a mobile network they may overtake each other.
 */
export const NETWORK_PROFILES: Readonly<Record<NetworkProfile, Partial<Conditions>>> = {
  lan: { delayMs: 0.5, jitterMs: 0.2 },
  broadband: { delayMs: 20, jitterMs: 3, lossPct: 0.2 },
  wifi: { delayMs: 25, jitterMs: 10, lossPct: 0.5, burstLength: 1.5 },
  'bad-wifi': { delayMs: 40, jitterMs: 30, lossPct: 5, burstLength: 4 },
  mobile: { delayMs: 50, jitterMs: 20, lossPct: 1, burstLength: 2, reorder: true },
  satellite: { delayMs: 290, jitterMs: 15, lossPct: 1, burstLength: 3 },
};

/** Packets as they were recorded on a real network. Without `up`, guests' packets fare as the host's do. */
export interface RecordedNetwork {
  /** From host to guest. */
  readonly down: readonly RecordedPacket[];
  /** From guest to host. */
  readonly up?: readonly RecordedPacket[];
}

export type Network = NetworkProfile | Partial<Conditions> | RecordedNetwork;

/** Both directions of one guest's network. */
export interface Paths {
  readonly down: StatePath;
  readonly up: StatePath;
  /** What a handshake would have measured. */
  readonly rttMs: number;
}

/** Makes a guest's network. Guests' luck differs; in a recording, all meet the same. Throws RangeError on nonsense. */
export function openPaths(network: Network, seed: number, guest: number): Paths {
  if (typeof network === 'object' && 'down' in network) {
    const up = network.up ?? network.down;
    return { down: new RecordedPath(network.down), up: new RecordedPath(up), rttMs: meanDelayMs(network.down) + meanDelayMs(up) };
  }
  const conditions = conditionsOf(typeof network === 'string' ? profileOf(network) : network);
  const path = (direction: number) => new ConditionedPath<SctpPacket>(new Sfc32(mix32(seed, guest * 2 + direction)), conditions, 0);
  const [down, up] = new ConditionedWire([path(0), path(1)]).directions;
  return { down, up, rttMs: 2 * conditions.delayMs };
}

function profileOf(name: NetworkProfile): Partial<Conditions> {
  if (!Object.hasOwn(NETWORK_PROFILES, name))
    throw new RangeError(`there is no network '${name}', but ${Object.keys(NETWORK_PROFILES).join(', ')}`);
  return NETWORK_PROFILES[name];
}

function meanDelayMs(packets: readonly RecordedPacket[]): number {
  const delays = packets.flatMap(({ sentMs, arrivedMs }) => (arrivedMs === undefined ? [] : arrivedMs - sentMs));
  return delays.length === 0 ? 0 : delays.reduce((sum, delay) => sum + delay, 0) / delays.length;
}
