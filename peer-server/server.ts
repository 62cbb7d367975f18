/**
 * The broker: one http server that carries the page, the lobby directory and PeerJS signalling, so that a game
 * needs one address and one process. It introduces players to each other; game traffic passes through it only for pairs that cannot
 * connect at all, by the relay.
 *
 * This file only puts the parts together and ends them; the HTTP routes are `app.ts`. Every part can be chosen by an option.
 */
import type { AddressInfo } from 'node:net';
import { addressesOf, type ServerAddresses } from './addresses.ts';
import { buildApp, LIMITS_OFF } from './app.ts';
import { DRAIN_MS, LOBBIES_MAX, LOBBY_TTL_MS } from './defaults.ts';
import { serveBuiltGame, serveGameSources } from './game-files.ts';
import { Vitals } from './health.ts';
import type { TurnSettings } from './ice-credentials.ts';
import { DEFAULT_ICE_SERVERS, type IceServers } from './ice-servers.ts';
import { guardConnections } from './limits/connection-guard.ts';
import { type LimitRules, Limits } from './limits/limits.ts';
import { Listener } from './listener.ts';
import { LobbyDirectory } from './lobby-directory.ts';
import type { LobbyStore } from './lobby-store.ts';
import { LobbyStreams } from './lobby-stream.ts';
import { createLogger, type Logger } from './logger.ts';
import { MemoryLobbyStore } from './memory-lobby-store.ts';
import { BrokerMetrics } from './metrics.ts';
import { listenForScrapers, type MetricsExposure } from './metrics-routes.ts';
import { origins } from './origins.ts';
import type { PeerRouter } from './peer-router.ts';
import { LocalMeetingPlace, type MeetingPlace } from './relay/meeting-place.ts';
import { type Relay, startRelay } from './relay/relay.ts';
import { RelayDoor } from './relay/relay-door.ts';
import { PEERS_MAX, type Signalling, SIGNALLING_PATH, startSignalling } from './signalling.ts';
import type { TlsMaterial } from './tls.ts';
import { trustedProxies } from './trusted-proxy.ts';

export type { Health, Readiness } from './health.ts';

/** Every peer's WebSocket, and as many connections again that load the page or ask the directory. */
const CONNECTIONS_PER_PEER_MAX = 2;

export interface ServerOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Default: all interfaces. */
  readonly host?: string | undefined;
  /** The built game, or with `dev` its sources and vite.config.ts. Without it only the broker is served. */
  readonly gameDir?: string | undefined;
  /** Serve the game's sources with hot reload, and without a Content-Security-Policy. */
  readonly dev?: boolean;
  /** Serve https. Default: plain http. */
  readonly tls?: TlsMaterial | undefined;
  /** Where our own page is, if a proxy changes the Host header: `https://play.example`. */
  readonly publicOrigin?: string | undefined;
  /** Origins of other pages that may use the broker; '*' means any. Default: none. */
  readonly allowedOrigins?: readonly string[];
  /** Reverse proxies whose X-Forwarded-For is believed, as `parseSubnets` checked them. Default: none. */
  readonly trustedProxies?: readonly string[];
  /** Default: two public STUN servers. `[]`: players on the same network only. */
  readonly iceServers?: IceServers;
  /** Default 'all'. */
  readonly iceTransportPolicy?: 'all' | 'relay';
  /** TURN servers that get time-limited credentials. Default: none. */
  readonly turn?: TurnSettings | undefined;
  /** A lobby disappears this long after its last heartbeat. Default 90,000. */
  readonly lobbyTtlMs?: number;
  /** Default 10,000. */
  readonly lobbiesMax?: number;
  /** Default: this process's memory, by the two options above. One that is given stays the caller's to close. */
  readonly lobbyStore?: LobbyStore;
  /** Where peers are. Default: at this process or nowhere. One that is given stays the caller's to close. */
  readonly router?: PeerRouter | undefined;
  /** Relay for pairs that cannot connect, where their lobby's host allows it. Default true. */
  readonly hasRelay?: boolean;
  /** Default 100. */
  readonly relayPairsMax?: number;
  /** Where the ends of relayed pairs find each other. Default: at this process. One that is given stays the caller's to close. */
  readonly meetingPlace?: MeetingPlace | undefined;
  /** Registered signalling clients. Default 5,000. */
  readonly peersMax?: number;
  /** What one address may ask for; what is left out is as in DEFAULT_LIMITS. 'off': anything. */
  readonly limits?: Partial<LimitRules> | typeof LIMITS_OFF;
  /** The clock of lobbies, limits and relay. Milliseconds since any fixed moment. */
  readonly nowMs?: () => number;
  /** Default: warnings and errors, readable, on standard error. */
  readonly logger?: Logger;
  /** Who may read the metrics. Default: nobody. */
  readonly metrics?: MetricsExposure;
  /** `shutDown` sends clients away over at most this long. Default 5,000. */
  readonly drainMs?: number;
}

export interface RunningServer {
  /** For a browser on this machine: `http://localhost:8080`. No slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly addresses: ServerAddresses;
  /** Where the metrics have a port of their own. */
  readonly metricsPort: number | undefined;
  /** Has effect on connections to come. Does nothing for a server without `tls`. */
  renewTls(tls: TlsMaterial): void;
  /**
   * Ends gently: not ready from now on, clients are told to connect again elsewhere one after the other, answers on their
   * way are finished. Resolves within `drainMs` and four seconds.
   */
  shutDown(): Promise<void>;
  /**
   * Ends every connection at once and frees the port, also during `shutDown`. Calling it again is allowed. Two small timers
   * inside the PeerJS server cannot be stopped, so a program that is done must end with `process.exit`.
   */
  close(): Promise<void>;
}

/** Resolves when the server listens. Rejects with Node's error (`code: 'EADDRINUSE'`, ...) when it cannot. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const isDev = options.dev ?? false;
  const { peersMax = PEERS_MAX, hasRelay = true, nowMs = () => performance.now() } = options;
  const logger = options.logger ?? createLogger({ level: 'warn', format: 'text', write: (line) => void process.stderr.write(line) });
  const listener = new Listener({ tls: options.tls, connectionsMax: CONNECTIONS_PER_PEER_MAX * peersMax, logger });
  const { server } = listener;
  const proxies = trustedProxies(options.trustedProxies ?? []);
  const limits = options.limits === LIMITS_OFF ? undefined : new Limits({ nowMs, rules: options.limits });
  if (limits !== undefined) guardConnections(server, limits, proxies.isProxy);
  const directory = new LobbyDirectory(options.lobbyStore ?? memoryStore(options, nowMs));
  const streams = new LobbyStreams(directory.publicLobbies);
  const vitals = new Vitals(() => directory.count());
  // Signalling starts when the server listens; a scraper may come before.
  const started: { signalling?: Signalling; relay?: Relay | undefined } = {};
  const { token, listen } = options.metrics ?? {};
  const metrics = new BrokerMetrics({
    hasProcessMetrics: token !== undefined || listen !== undefined,
    sources: {
      connections: () => listener.connections,
      peers: () => started.signalling?.peers ?? 0,
      lobbies: () => vitals.lobbies(),
      streams: () => streams.size,
      frameOutcomes: () => ({ ...started.signalling?.counters }),
      frameTypes: () => ({ ...started.signalling?.frames }),
      limits: () => ({ ...limits?.counters }),
      relayPairs: () => started.relay?.pairs ?? 0,
      relayFrames: () => started.relay?.frames ?? [],
      relayBytes: () => ({ ...started.relay?.bytes }),
      isDraining: () => vitals.isShuttingDown,
    },
  });
  const game = options.gameDir === undefined ? undefined : await (isDev ? serveGameSources : serveBuiltGame)(options.gameDir, server);
  const closeParts = async (): Promise<void> => {
    streams.close();
    directory.publicLobbies.close();
    scrapers?.close();
    await game?.close();
  };
  let scrapers: Awaited<ReturnType<typeof listenForScrapers>>;
  try {
    scrapers = await listenForScrapers(metrics, { token, listen });
    await listener.listen(options.port, options.host);
  } catch (error) {
    await closeParts();
    throw error;
  }
  // Nothing is awaited from here on, so no request can arrive before its handler.
  const pages = origins({ allowed: options.allowedOrigins ?? [], publicOrigin: options.publicOrigin });
  const running = startSignalling(server, {
    peersMax,
    // Where there is a relay, it sees to whatever leads nowhere.
    otherUpgrades: isDev || hasRelay ? 'leave' : 'refuse',
    router: options.router,
    limits,
    origins: pages,
    addressOf: proxies.clientAddressOf,
    onRefused: (reason) => metrics.refused(reason),
  });
  started.signalling = running;
  const relay = !hasRelay
    ? undefined
    : startRelay(server, {
        place: options.meetingPlace ?? new LocalMeetingPlace(),
        door: new RelayDoor(directory, limits, nowMs),
        pairsMax: options.relayPairsMax,
        hasAddressLimits: limits !== undefined,
        otherPaths: [SIGNALLING_PATH],
        otherUpgrades: isDev ? 'leave' : 'refuse',
        limits,
        origins: pages,
        addressOf: proxies.clientAddressOf,
        onRefused: (reason) => metrics.refused(reason),
        nowMs,
      });
  started.relay = relay;
  const { iceServers = DEFAULT_ICE_SERVERS, iceTransportPolicy = 'all', turn } = options;
  const ice = { iceServers, iceTransportPolicy, turn };
  server.on(
    'request',
    buildApp({
      isDev,
      signalling: running,
      relay,
      metricsToken: token,
      ice,
      directory,
      streams,
      vitals,
      metrics,
      logger,
      limits,
      proxies,
      pages,
      game,
    }),
  );

  const { port } = server.address() as AddressInfo;
  const addresses = addressesOf({ host: options.host, port, isSecure: options.tls !== undefined });
  const close = async (): Promise<void> => {
    vitals.shutDown();
    running.close();
    relay?.close();
    await Promise.all([listener.endNow(), closeParts()]);
  };
  const shutDown = async (): Promise<void> => {
    vitals.shutDown();
    const { drainMs = DRAIN_MS } = options;
    await Promise.all([running.drain(drainMs), relay?.drain(drainMs)]);
    streams.close();
    running.close();
    relay?.close();
    await Promise.all([listener.end(), closeParts()]);
  };
  let closing: Promise<void> | undefined;
  let ending: Promise<void> | undefined;
  return {
    url: addresses.local,
    port,
    addresses,
    metricsPort: scrapers?.port,
    renewTls: (tls) => listener.renewTls(tls),
    shutDown: () => closing ?? (ending ??= shutDown()),
    close: () => (closing ??= close()),
  };
}

function memoryStore({ lobbyTtlMs: ttlMs = LOBBY_TTL_MS, lobbiesMax = LOBBIES_MAX }: ServerOptions, nowMs: () => number): LobbyStore {
  return new MemoryLobbyStore({ ttlMs, lobbiesMax, nowMs });
}
