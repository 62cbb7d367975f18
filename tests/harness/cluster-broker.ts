/**
 * One broker of a cluster, as a program of its own that tests start, kill and start again. It is the server itself on a Redis,
 * without limits: all of a test's players have one address. Told by the environment: PORT, REDIS_URL, LOBBY_TTL_MS.
 */
import { ClusterPeerRouter } from '../../peer-server/cluster.ts';
import { RedisConnection } from '../../peer-server/redis-connection.ts';
import { RedisLobbyStore } from '../../peer-server/redis-lobby-store.ts';
import { ClusterMeetingPlace } from '../../peer-server/relay/cluster-meeting-place.ts';
import { startServer } from '../../peer-server/server.ts';

const { PORT = '0', REDIS_URL = '', LOBBY_TTL_MS = '10000' } = process.env;
const redis = new RedisConnection({ url: REDIS_URL });
await startServer({
  port: Number(PORT),
  host: '127.0.0.1',
  iceServers: [],
  limits: 'off',
  lobbyStore: new RedisLobbyStore(redis, { ttlMs: Number(LOBBY_TTL_MS), lobbiesMax: 10_000 }),
  router: new ClusterPeerRouter(redis),
  meetingPlace: new ClusterMeetingPlace(redis),
});
process.send?.('listening');
// The test is gone.
process.on('disconnect', () => process.exit(0));
