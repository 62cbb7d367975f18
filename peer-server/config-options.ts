/**
 * Every setting an operator can make, in one table: the help text, the command line and the environment are all read
 * from it. Each has an environment variable and a flag, and the flag wins. The secrets alone have no flag, since every user
 * of a machine can read the command lines of its processes; they come from a variable or from a file.
 */
import { ConfigError } from './config-error.ts';
import { DRAIN_MS, LOBBIES_MAX } from './defaults.ts';
import { TURN_TTL_SECONDS } from './ice-credentials.ts';
import { RELAY_PAIRS_MAX } from './relay/relay.ts';
import { PEERS_MAX } from './signalling.ts';

interface OptionSpec {
  readonly env: string;
  /** Undefined: there is none. */
  readonly flag?: string;
  /** What stands for the value in the help text. Undefined: a switch, which needs none. */
  readonly value?: string;
  readonly help: string;
}

export const OPTIONS = {
  port: { env: 'PORT', flag: '--port', value: 'NUMBER', help: 'TCP port; 0 takes any free one (8080)' },
  host: { env: 'HOST', flag: '--host', value: 'ADDRESS', help: 'address to listen on (all interfaces)' },
  apiOnly: { env: 'API_ONLY', flag: '--api-only', help: 'serve no page: for games that are hosted elsewhere' },
  publicUrl: { env: 'PUBLIC_URL', flag: '--public-url', value: 'URL', help: 'where players find this server, like https://play.example' },
  allowedOrigins: {
    env: 'ALLOWED_ORIGINS',
    flag: '--allowed-origins',
    value: 'LIST',
    help: "origins of other pages that may use this server, like https://game.example,https://other.example, or '*' for any (none)",
  },
  trustedProxies: {
    env: 'TRUSTED_PROXIES',
    flag: '--trusted-proxies',
    value: 'LIST',
    help: 'reverse proxies whose X-Forwarded-For is believed, like 127.0.0.1,10.0.0.0/8 (none)',
  },
  tlsCert: { env: 'TLS_CERT', flag: '--tls-cert', value: 'FILE', help: 'certificate chain (PEM): serve https; SIGHUP reads it again' },
  tlsKey: { env: 'TLS_KEY', flag: '--tls-key', value: 'FILE', help: 'its private key (PEM)' },
  iceServers: {
    env: 'ICE_SERVERS',
    flag: '--ice-servers',
    value: 'JSON',
    help: "array for RTCPeerConnection; '[]' for a LAN (public STUN)",
  },
  icePolicy: {
    env: 'ICE_TRANSPORT_POLICY',
    flag: '--ice-transport-policy',
    value: 'POLICY',
    help: "'all', or 'relay': players meet through TURN only and never see each other's addresses (all)",
  },
  turnUrls: {
    env: 'TURN_URLS',
    flag: '--turn-urls',
    value: 'LIST',
    help: 'TURN servers that share TURN_SECRET, like turn:turn.example:3478',
  },
  turnSecret: { env: 'TURN_SECRET', help: "the TURN servers' static-auth-secret" },
  turnSecretFile: { env: 'TURN_SECRET_FILE', flag: '--turn-secret-file', value: 'FILE', help: 'a file that holds it' },
  turnTtlSeconds: {
    env: 'TURN_TTL_SECONDS',
    flag: '--turn-ttl-seconds',
    value: 'NUMBER',
    help: `how long a TURN credential can be used (${TURN_TTL_SECONDS})`,
  },
  redisUrl: { env: 'REDIS_URL', flag: '--redis-url', value: 'URL', help: 'Redis or Valkey shared by several brokers (this process alone)' },
  peersMax: { env: 'PEERS_MAX', flag: '--peers-max', value: 'NUMBER', help: `registered signalling clients (${PEERS_MAX})` },
  lobbiesMax: { env: 'LOBBIES_MAX', flag: '--lobbies-max', value: 'NUMBER', help: `open lobbies (${LOBBIES_MAX})` },
  relay: {
    env: 'RELAY',
    flag: '--relay',
    value: 'on|off',
    help: 'relay game traffic for players who cannot connect, where the host of a lobby allows it (on)',
  },
  relayPairsMax: {
    env: 'RELAY_PAIRS_MAX',
    flag: '--relay-pairs-max',
    value: 'NUMBER',
    help: `pairs of players relayed for at a time (${RELAY_PAIRS_MAX})`,
  },
  limits: {
    env: 'LIMITS',
    flag: '--limits',
    value: 'on|off',
    help: "what one address may ask for; 'off' if something in front of this server sees to it (on)",
  },
  metricsPort: { env: 'METRICS_PORT', flag: '--metrics-port', value: 'NUMBER', help: 'serve /metrics on a port of its own (none)' },
  metricsHost: { env: 'METRICS_HOST', flag: '--metrics-host', value: 'ADDRESS', help: 'where that port listens (127.0.0.1)' },
  metricsToken: { env: 'METRICS_TOKEN', help: "serve /metrics beside the API to who sends 'Authorization: Bearer TOKEN' (nobody)" },
  metricsTokenFile: { env: 'METRICS_TOKEN_FILE', flag: '--metrics-token-file', value: 'FILE', help: 'a file that holds it' },
  logLevel: { env: 'LOG_LEVEL', flag: '--log-level', value: 'LEVEL', help: 'debug (names addresses), info, warn, error or silent (info)' },
  logFormat: {
    env: 'LOG_FORMAT',
    flag: '--log-format',
    value: 'FORMAT',
    help: "'text' or 'json' (text; json when NODE_ENV is production)",
  },
  drainSeconds: {
    env: 'DRAIN_SECONDS',
    flag: '--drain-seconds',
    value: 'NUMBER',
    help: `longest time over which clients are sent away at the end (${DRAIN_MS / 1000})`,
  },
} as const satisfies Record<string, OptionSpec>;

export type OptionName = keyof typeof OPTIONS;

/** A setting as it was made. */
export interface Given {
  /** How the operator named it, for messages: `PORT` or `--port`. */
  readonly name: string;
  /** Never empty, without spaces around it. */
  readonly text: string;
}

export type GivenOptions = Readonly<Partial<Record<OptionName, Given>>>;

const SPECS = Object.entries(OPTIONS) as readonly (readonly [OptionName, OptionSpec])[];
const HELP_COLUMN = 34;

export function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

export function helpText(): string {
  const rows = SPECS.map(([, { env, flag, value, help }]) => {
    const start = flag === undefined ? env : value === undefined ? flag : `${flag} ${value}`;
    return `  ${start.padEnd(HELP_COLUMN)}${help}${flag === undefined ? '' : `  [${env}]`}`;
  });
  return [
    'volley-server: the page, the lobby directory and PeerJS signalling at one address.',
    '',
    'Usage: volley-server [options]      every option can also be set by the environment variable in brackets',
    '',
    ...rows,
    `  ${'--dev'.padEnd(HELP_COLUMN)}serve the game's sources with hot reload`,
    `  ${'--help'.padEnd(HELP_COLUMN)}this text`,
  ].join('\n');
}

/** What was set, unread. An empty variable counts as not set, as in a compose file. Throws ConfigError. */
export function readOptions(env: NodeJS.ProcessEnv, args: readonly string[]): { readonly given: GivenOptions; readonly isDev: boolean } {
  const given: Partial<Record<OptionName, Given>> = {};
  for (const [name, spec] of SPECS) {
    const text = env[spec.env]?.trim() ?? '';
    if (text !== '') given[name] = { name: spec.env, text };
  }
  let isDev = false;
  for (let at = 0; at < args.length; at++) {
    const arg = args[at]!;
    if (arg === '--dev') {
      isDev = true;
      continue;
    }
    const { name, spec, inline } = findFlag(arg);
    const text = inline ?? (spec.value === undefined ? 'true' : args[++at]);
    if (text === undefined || text.trim() === '' || (inline === undefined && /^--[a-z]/.test(text)))
      throw new ConfigError(`Option '${spec.flag}' needs a value: ${spec.flag} ${spec.value ?? 'true'}`);
    given[name] = { name: spec.flag!, text: text.trim() };
  }
  return { given, isDev };
}

/** `--port 80` and `--port=80` alike. */
function findFlag(arg: string): { readonly name: OptionName; readonly spec: OptionSpec; readonly inline: string | undefined } {
  const equals = arg.indexOf('=');
  const flag = equals < 0 ? arg : arg.slice(0, equals);
  const found = SPECS.find(([, spec]) => spec.flag === flag);
  // What follows '=' may be a secret given to the wrong option; it is not repeated.
  if (found === undefined) throw new ConfigError(`Unknown option '${flag}'. See --help for all options.`);
  return { name: found[0], spec: found[1], inline: equals < 0 ? undefined : arg.slice(equals + 1) };
}
