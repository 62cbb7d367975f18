/**
 * What several brokers share: lobbies, who is reachable at which broker, and where the ends of relayed pairs are. With a Redis address all of it is there; without
 * one it is in this process's memory. Everything else of the broker is the same either way.
 */
import { LOBBY_TTL_MS } from './defaults.ts';
import { ClusterPeerRouter } from './cluster.ts';
import type { LobbyStore } from './lobby-store.ts';
import type { Logger } from './logger.ts';
import { MemoryLobbyStore } from './memory-lobby-store.ts';
import { LocalPeerRouter, type PeerRouter } from './peer-router.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisLobbyStore } from './redis-lobby-store.ts';
import { ClusterMeetingPlace } from './relay/cluster-meeting-place.ts';
import { LocalMeetingPlace, type MeetingPlace } from './relay/meeting-place.ts';

export interface Storage {
  readonly lobbyStore: LobbyStore;
  readonly router: PeerRouter;
  readonly meetingPlace: MeetingPlace;
  /** After the server that uses it. */
  close(): Promise<void>;
}

export interface StorageOptions {
  /** Undefined: this process's memory. */
  readonly redisUrl: string | undefined;
  readonly lobbiesMax: number;
  readonly logger: Logger;
}

/** Returns at once: while Redis cannot be reached the broker runs, and says that it is not ready. */
export function openStorage({ redisUrl, lobbiesMax, logger }: StorageOptions): Storage {
  const nowMs = (): number => performance.now();
  const redis = redisUrl === undefined ? undefined : connect(redisUrl, logger);
  const lobbyStore =
    redis === undefined
      ? new MemoryLobbyStore({ ttlMs: LOBBY_TTL_MS, lobbiesMax, nowMs })
      : new RedisLobbyStore(redis, { ttlMs: LOBBY_TTL_MS, lobbiesMax });
  const router = redis === undefined ? new LocalPeerRouter(nowMs) : new ClusterPeerRouter(redis);
  const meetingPlace = redis === undefined ? new LocalMeetingPlace() : new ClusterMeetingPlace(redis);
  return {
    lobbyStore,
    router,
    meetingPlace,
    async close() {
      await Promise.all([lobbyStore.close(), router.close(), meetingPlace.close()]);
      await redis?.close();
    },
  };
}

function connect(url: string, logger: Logger): RedisConnection {
  return new RedisConnection({
    url,
    onState: (state, why) => {
      if (state === 'up') logger.info({}, 'Redis is there');
      else logger.warn({ reason: why }, 'Redis is away; it is tried again until it is back');
    },
  });
}
