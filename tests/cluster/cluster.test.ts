/**
 * Three brokers on a real Redis, three hundred signalling clients, and a seeded schedule by which brokers and Redis are killed
 * while lobbies are made, listed, updated and joined. Nothing may be lost for longer than its retries.
 */
import { randomInt } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { Sfc32 } from '../../netcode/core/rng.ts';
import { BrokerClient } from '../../netcode/transport/broker-client.ts';
import type { LobbyListing } from '../../netcode/wire/lobby-api.ts';
import { Cluster } from '../harness/cluster.ts';
import { pause, RoamingDirectory, SignallingClient } from '../harness/cluster-client.ts';
import { ensureRedis, RedisProcess } from '../harness/redis.ts';

const BROKERS = 3;
const HOSTS = 60;
const GUESTS = 240;
const CHAOS_MS = 35_000;
const LOBBY_TTL_MS = 10_000;
/** Hosts of the game beat every 30 s of 90; these in the same proportion. */
const HEARTBEAT_MS = LOBBY_TTL_MS / 3;
/** A client whose broker was killed is back within this. */
const BACK_WITHIN_MS = 5_000;
const SETTLE_TIMEOUT_MS = 30_000;
/** Redis and a broker may be killed one after the other while a join is retried. */
const JOIN_TIMEOUT_MS = 40_000;

const redisPath = ensureRedis();
if ('missing' in redisPath) console.warn(redisPath.missing);

interface Tally {
  readonly given: Map<string, string>;
  readonly doublyGiven: string[];
  readonly lost: string[];
  joins: number;
  joinsBegun: number;
  retries: number;
  longestJoinMs: number;
  reclaims: number;
}

interface World {
  readonly rng: Sfc32;
  readonly directory: RoamingDirectory;
  readonly tally: Tally;
  /** No join is begun any more. */
  isOver: boolean;
  /** Hosts need not keep their lobbies any more. */
  isDone: boolean;
}

interface Hosted {
  readonly code: string;
  readonly ownerToken: string;
  readonly peerId: string;
  readonly index: number;
}

async function openLobby({ directory, tally }: World, client: SignallingClient, index: number): Promise<Hosted> {
  const request = { peerId: client.id, gameId: 'arena', name: `Lobby ${index}`, isPublic: index % 2 === 0, playersMax: 8 };
  // A broker that died before it answered may have made a lobby that nobody knows; it ends by itself.
  const created = await directory.ask((broker) => broker.createLobby(request));
  if (!created.ok) throw new Error(`lobby ${index}: ${created.message}`);
  const { code, ownerToken } = created.value;
  if (tally.given.has(code)) tally.doublyGiven.push(code);
  tally.given.set(code, client.id);
  return { code, ownerToken, peerId: client.id, index };
}

/** Heartbeats and updates until nobody needs the lobby; registers again what Redis forgot. */
async function keepLobby(world: World, { code, ownerToken, peerId, index }: Hosted): Promise<void> {
  const { rng, directory, tally } = world;
  const request = { peerId, gameId: 'arena', name: `Lobby ${index}`, isPublic: index % 2 === 0, playersMax: 8 };
  await pause(rng.below(HEARTBEAT_MS));
  while (!world.isDone) {
    const players = 1 + rng.below(8);
    const beat = await directory.ask((broker) => broker.heartbeat(code, ownerToken, rng.below(2) === 0 ? { players } : undefined));
    if (!beat.ok && beat.failure === 'unknown-code') {
      const again = await directory.ask((broker) => broker.reclaimLobby(code, ownerToken, request));
      tally.reclaims++;
      if (!again.ok) tally.lost.push(`${code}: ${again.failure}`);
    } else if (!beat.ok) {
      tally.lost.push(`${code}: ${beat.failure}`);
    }
    await pause(HEARTBEAT_MS);
  }
}

/** Joins one lobby after the other; every join it began it ends, however often it has to try. */
async function keepJoining(world: World, client: SignallingClient, lobbies: readonly Hosted[]): Promise<void> {
  const { rng, directory, tally } = world;
  while (!world.isOver) {
    const { code } = lobbies[rng.below(lobbies.length)]!;
    tally.joinsBegun++;
    const begunAtMs = performance.now();
    for (;;) {
      const found = await directory.ask((broker) => broker.resolveLobby(code));
      if (found.ok && (await client.dial(found.value.peerId))) break;
      const why = found.ok ? `${found.value.peerId} does not answer` : found.failure;
      if (performance.now() - begunAtMs > JOIN_TIMEOUT_MS) throw new Error(`${client.id} cannot join ${code}: ${why}`);
      tally.retries++;
      await pause(200);
    }
    tally.longestJoinMs = Math.max(tally.longestJoinMs, performance.now() - begunAtMs);
    tally.joins++;
    await pause(500 + rng.below(1000));
  }
}

/** Kills and restarts by the seed. Returns what it did. */
async function wreak(rng: Sfc32, cluster: Cluster, redis: RedisProcess): Promise<{ brokers: number[]; redis: number }> {
  const done = { brokers: Array<number>(BROKERS).fill(0), redis: 0 };
  const endAtMs = performance.now() + CHAOS_MS;
  const bag: number[] = [];
  while (performance.now() < endAtMs) {
    // Every broker and Redis in turn, in another order every round.
    if (bag.length === 0) for (let i = 0; i <= BROKERS; i++) bag.splice(rng.below(i + 1), 0, i);
    const victim = bag.pop()!;
    // Now and then a broker and Redis at once.
    const isRedis = victim === BROKERS || rng.below(4) === 0;
    await pause(500 + rng.below(1500));
    if (isRedis) await redis.kill();
    if (victim < BROKERS) await cluster.killBroker(victim);
    await pause(300 + rng.below(1500));
    if (isRedis) await redis.startAgain();
    if (victim < BROKERS) await cluster.startBroker(victim);
    if (isRedis) done.redis++;
    if (victim < BROKERS) done.brokers[victim]!++;
  }
  return done;
}

const untilAll = (clients: readonly SignallingClient[]): Promise<void> =>
  vi.waitFor(() => expect(clients.filter(({ isAttached }) => !isAttached).map(({ id }) => id)).toEqual([]), {
    timeout: SETTLE_TIMEOUT_MS,
    interval: 50,
  });

test.skipIf('missing' in redisPath)(
  'brokers and Redis die and come back: no lobby is lost, no code given twice, every join succeeds',
  { timeout: 120_000 },
  async () => {
    const seed = Number(process.env['CLUSTER_SEED'] ?? randomInt(2 ** 31));
    const redis = await RedisProcess.start('path' in redisPath ? redisPath.path : '');
    const cluster = await Cluster.start(redis, { brokers: BROKERS, lobbyTtlMs: LOBBY_TTL_MS });
    const rng = new Sfc32(seed);
    const tally: Tally = {
      given: new Map(),
      doublyGiven: [],
      lost: [],
      joins: 0,
      joinsBegun: 0,
      retries: 0,
      longestJoinMs: 0,
      reclaims: 0,
    };
    const world: World = { rng, directory: new RoamingDirectory(cluster.ports, rng), tally, isOver: false, isDone: false };
    const clients = Array.from({ length: HOSTS + GUESTS }, (_, i) => {
      const name = i < HOSTS ? `host-${i}` : `guest-${i - HOSTS}`;
      return new SignallingClient(name, cluster.ports, i % BROKERS);
    });
    const [hosts, guests] = [clients.slice(0, HOSTS), clients.slice(HOSTS)];
    const watchers: (() => void)[] = [];
    try {
      await untilAll(clients);
      const shown: (readonly LobbyListing[])[] = [];
      for (const [index, port] of cluster.ports.entries()) {
        const watcher = new BrokerClient({ brokerUrl: `http://127.0.0.1:${port}` });
        watchers.push(watcher.watchLobbies({ gameId: 'arena' }, { onLobbies: (lobbies) => (shown[index] = lobbies) }));
      }
      // A third of the lobbies is made in calm, the others while things break.
      const early = await Promise.all(hosts.slice(0, 20).map((host, i) => openLobby(world, host, i)));
      const lobbies = [...early];
      const chaos = wreak(new Sfc32(seed + 1), cluster, redis);
      const late = hosts.slice(20).map(async (host, i) => {
        await pause((CHAOS_MS / 40) * i * 0.8);
        const lobby = await openLobby(world, host, 20 + i);
        lobbies.push(lobby);
        await keepLobby(world, lobby);
      });
      const keeping = [...early.map((lobby) => keepLobby(world, lobby)), ...late];
      const joining = guests.map((guest) => keepJoining(world, guest, lobbies));
      const done = await chaos;
      world.isOver = true;
      await Promise.all(joining);
      await untilAll(clients);

      // Whatever Redis forgot last is registered again with the next heartbeat; then everything must be as if nothing had been.
      await vi.waitFor(
        async () => {
          for (const port of cluster.ports) {
            const broker = new BrokerClient({ brokerUrl: `http://127.0.0.1:${port}` });
            const found = await Promise.all(lobbies.map(({ code }) => broker.resolveLobby(code)));
            expect(found.map((result) => (result.ok ? result.value.peerId : result.failure))).toEqual(lobbies.map(({ peerId }) => peerId));
          }
          const codes = lobbies.flatMap(({ code, index }) => (index % 2 === 0 ? [code] : [])).toSorted();
          // A lobby whose broker died before it could answer is public too, until it ends.
          for (const list of shown) expect(list.map(({ code }) => code)).toEqual(expect.arrayContaining(codes));
        },
        { timeout: SETTLE_TIMEOUT_MS, interval: 250 },
      );
      world.isDone = true;
      await Promise.all(keeping);

      const away = clients.flatMap(({ awayMs }) => awayMs).sort((a, b) => a - b);
      const at = (share: number): number => Math.round(away[Math.floor(share * (away.length - 1))] ?? 0);
      console.log(
        `cluster, seed ${seed}: brokers killed ${done.brokers.join('+')} times, Redis ${done.redis} times; ${lobbies.length} lobbies, ` +
          `${tally.reclaims} registered again; ${tally.joins} joins, ${tally.retries} retries, longest ${Math.round(tally.longestJoinMs)} ms; ` +
          `${away.length} sockets lost, back after p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, at most ${at(1)} ms`,
      );
      const context = `seed ${seed} (CLUSTER_SEED repeats it)`;
      expect(tally.lost, context).toEqual([]);
      expect(tally.doublyGiven, context).toEqual([]);
      expect(tally.given.size, context).toBe(HOSTS);
      expect(tally.joins, context).toBe(tally.joinsBegun);
      expect(tally.joins, context).toBeGreaterThan(GUESTS);
      expect(
        clients.filter(({ refusals }) => refusals > 0).map(({ id }) => id),
        context,
      ).toEqual([]);
      expect(at(1), context).toBeLessThan(BACK_WITHIN_MS);
      // Sockets are lost with their broker, never with Redis.
      for (const { losses } of clients)
        for (const [broker, kills] of done.brokers.entries())
          expect(losses.filter((lost) => lost === broker).length, context).toBeLessThanOrEqual(kills);
      expect(cluster.crashes, cluster.errors).toBe(0);
    } finally {
      world.isOver = true;
      world.isDone = true;
      for (const stop of watchers) stop();
      for (const client of clients) client.close();
      await cluster.stop();
      await redis.stop();
    }
  },
);
