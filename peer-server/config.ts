/**
 * What the operator chose: command line and environment, checked as a whole, so that a broker that starts is one that can
 * work. Everything has a default, so that `node main.js` alone works.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from './config-error.ts';
import { type GivenOptions, readOptions } from './config-options.ts';
import {
  readChoice,
  readCount,
  readList,
  readOrigin,
  readOrigins,
  readPort,
  readRedisUrl,
  readSecret,
  readSwitch,
  type SecretRule,
} from './config-values.ts';
import { DRAIN_MS, LOBBIES_MAX } from './defaults.ts';
import { TURN_TTL_SECONDS, type TurnSettings } from './ice-credentials.ts';
import { checkTurnUrls, DEFAULT_ICE_SERVERS, hasTurnServer, ICE_SERVERS_MAX, type IceServers, parseIceServers } from './ice-servers.ts';
import { LOG_FORMATS, LOG_LEVELS, type LogFormat, type LogLevel } from './logger.ts';
import type { MetricsExposure } from './metrics-routes.ts';
import { RELAY_PAIRS_MAX } from './relay/relay.ts';
import { PEERS_MAX } from './signalling.ts';
import type { TlsFiles } from './tls.ts';
import { parseSubnets } from './trusted-proxy.ts';

const DEFAULT_PORT = 8080;
/** Beyond these a process has no memory or file descriptors left anyway. */
const PEERS_LIMIT = 200_000;
const LOBBIES_LIMIT = 1_000_000;
/** What one process can hand on is reached long before. */
const RELAY_PAIRS_LIMIT = 10_000;
const DRAIN_LIMIT_SECONDS = 300;
/** A credential needs a minute to be used at all; one of more than a week might as well be a password. */
const TURN_TTL_RANGE = { min: 60, max: 604_800, fallback: TURN_TTL_SECONDS };
const TURN_SECRET_RULE: SecretRule = {
  lengthMin: 16,
  why: 'every visitor receives a hash made with it and can try out guesses at home',
};
const METRICS_TOKEN_RULE: SecretRule = { lengthMin: 16, why: 'it alone keeps strangers out of /metrics' };

export interface BrokerConfig {
  readonly port: number;
  /** Undefined: all interfaces. */
  readonly host: string | undefined;
  readonly isDev: boolean;
  /** The built game, or in development its sources. Undefined: no page is served. */
  readonly gameDir: string | undefined;
  /** Where players find this server, if that is not what it listens on. */
  readonly publicOrigin: string | undefined;
  readonly allowedOrigins: readonly string[];
  /** Checked addresses and subnets. */
  readonly trustedProxies: readonly string[];
  readonly tls: TlsFiles | undefined;
  readonly iceServers: IceServers;
  readonly iceTransportPolicy: IceTransportPolicy;
  readonly turn: TurnSettings | undefined;
  readonly redisUrl: string | undefined;
  readonly peersMax: number;
  readonly lobbiesMax: number;
  readonly hasRelay: boolean;
  readonly relayPairsMax: number;
  readonly hasLimits: boolean;
  readonly metrics: MetricsExposure;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
  readonly drainMs: number;
}

const ICE_POLICIES = ['all', 'relay'] as const;
export type IceTransportPolicy = (typeof ICE_POLICIES)[number];

/** Throws ConfigError. `startDir` is where the running program lies; the project around it is searched upwards. */
export function readConfig(env: NodeJS.ProcessEnv, args: readonly string[], startDir: string): BrokerConfig {
  const { given, isDev } = readOptions(env, args);
  const port = readPort(given.port, DEFAULT_PORT);
  const isApiOnly = readSwitch(given.apiOnly);
  if (isApiOnly && isDev) throw new ConfigError(`--dev serves the game's sources; it cannot go with ${given.apiOnly!.name}`);
  return {
    port,
    host: given.host?.text,
    isDev,
    ...readIce(given),
    publicOrigin: given.publicUrl === undefined ? undefined : readOrigin(given.publicUrl.name, given.publicUrl.text),
    allowedOrigins: readOrigins(given.allowedOrigins),
    trustedProxies: parseSubnets(given.trustedProxies?.name ?? '', readList(given.trustedProxies)),
    tls: readTlsFiles(given),
    redisUrl: readRedisUrl(given.redisUrl),
    peersMax: readCount(given.peersMax, { min: 1, max: PEERS_LIMIT, fallback: PEERS_MAX }),
    lobbiesMax: readCount(given.lobbiesMax, { min: 1, max: LOBBIES_LIMIT, fallback: LOBBIES_MAX }),
    ...readRelay(given),
    hasLimits: readChoice(given.limits, ['on', 'off'], 'on') === 'on',
    metrics: readMetrics(given, port),
    logLevel: readChoice(given.logLevel, LOG_LEVELS, 'info'),
    logFormat: readChoice(given.logFormat, LOG_FORMATS, env['NODE_ENV'] === 'production' ? 'json' : 'text'),
    drainMs: 1000 * readCount(given.drainSeconds, { min: 0, max: DRAIN_LIMIT_SECONDS, fallback: DRAIN_MS / 1000 }),
    gameDir: isApiOnly ? undefined : findGameDir(startDir, isDev),
  };
}

function readIce(given: GivenOptions): Pick<BrokerConfig, 'iceServers' | 'iceTransportPolicy' | 'turn'> {
  const { iceServers: listed } = given;
  const iceServers = listed === undefined ? DEFAULT_ICE_SERVERS : parseIceServers(listed.text, listed.name);
  const turn = readTurn(given);
  if (turn !== undefined && iceServers.length >= ICE_SERVERS_MAX)
    throw new ConfigError(`${listed!.name} and TURN_URLS make ${iceServers.length + 1} servers; the limit is ${ICE_SERVERS_MAX}`);
  const iceTransportPolicy = readChoice(given.icePolicy, ICE_POLICIES, 'all');
  if (iceTransportPolicy === 'relay' && turn === undefined && !hasTurnServer(iceServers))
    throw new ConfigError(
      `${given.icePolicy!.name} 'relay' needs a TURN server: set TURN_URLS and TURN_SECRET, or list one in ICE_SERVERS`,
    );
  return { iceServers, iceTransportPolicy, turn };
}

function readTurn(given: GivenOptions): TurnSettings | undefined {
  const urls = checkTurnUrls(given.turnUrls?.name ?? '', readList(given.turnUrls));
  const secret = readSecret(given.turnSecret, given.turnSecretFile, TURN_SECRET_RULE);
  const ttlSeconds = readCount(given.turnTtlSeconds, TURN_TTL_RANGE);
  if (urls.length > 0 && secret !== undefined) return { urls, secret, ttlSeconds };
  if (urls.length > 0)
    throw new ConfigError(`${given.turnUrls!.name} needs TURN_SECRET or TURN_SECRET_FILE: the static-auth-secret of these servers`);
  const alone = given.turnSecret ?? given.turnSecretFile ?? given.turnTtlSeconds;
  if (alone !== undefined) throw new ConfigError(`${alone.name} is of no use without TURN_URLS: the servers it is for`);
  return undefined;
}

function readRelay({ relay, relayPairsMax }: GivenOptions): Pick<BrokerConfig, 'hasRelay' | 'relayPairsMax'> {
  const hasRelay = readChoice(relay, ['on', 'off'], 'on') === 'on';
  if (!hasRelay && relayPairsMax !== undefined) throw new ConfigError(`${relayPairsMax.name} is of no use while ${relay!.name} is 'off'`);
  return { hasRelay, relayPairsMax: readCount(relayPairsMax, { min: 1, max: RELAY_PAIRS_LIMIT, fallback: RELAY_PAIRS_MAX }) };
}

function readTlsFiles({ tlsCert, tlsKey }: GivenOptions): TlsFiles | undefined {
  if (tlsCert !== undefined && tlsKey !== undefined) return { cert: tlsCert, key: tlsKey };
  if (tlsCert !== undefined) throw new ConfigError(`${tlsCert.name} needs TLS_KEY: the private key of that certificate`);
  if (tlsKey !== undefined) throw new ConfigError(`${tlsKey.name} needs TLS_CERT: the certificate of that key`);
  return undefined;
}

function readMetrics(given: GivenOptions, publicPort: number): MetricsExposure {
  const token = readSecret(given.metricsToken, given.metricsTokenFile, METRICS_TOKEN_RULE);
  const { metricsHost, metricsPort } = given;
  if (metricsPort === undefined) {
    if (metricsHost !== undefined) throw new ConfigError(`${metricsHost.name} is of no use without METRICS_PORT`);
    return { token, listen: undefined };
  }
  const port = readPort(metricsPort, 0);
  if (port !== 0 && port === publicPort)
    throw new ConfigError(
      `${metricsPort.name} ${port} is the port of the page too; choose another, or set METRICS_TOKEN alone to share it`,
    );
  return { token, listen: { port, host: metricsHost?.text ?? '127.0.0.1' } };
}

function findGameDir(startDir: string, isDev: boolean): string {
  const root = findProjectRoot(startDir);
  const gameDir = isDev ? join(root, 'game') : join(root, 'dist', 'game');
  if (existsSync(join(gameDir, 'index.html'))) return gameDir;
  throw new ConfigError(
    isDev
      ? `The game's sources are missing: there is no ${join(gameDir, 'index.html')}`
      : `The game is not built: there is no ${join(gameDir, 'index.html')}. Run: npm run build (or serve no page: --api-only)`,
  );
}

/** Compiled or not, whatever the current directory: the nearest folder above with a package.json, which Node needs there anyway. */
function findProjectRoot(startDir: string): string {
  for (let dir = startDir; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir;
    if (dir === dirname(dir)) throw new ConfigError(`No package.json found in ${startDir} or above it`);
  }
}
