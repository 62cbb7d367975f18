/** What operators set, and the one line they read when it is wrong. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError } from '../../../peer-server/config-error.ts';
import { asksForHelp, helpText, OPTIONS } from '../../../peer-server/config-options.ts';
import { type BrokerConfig, readConfig } from '../../../peer-server/config.ts';
import { DEFAULT_ICE_SERVERS, parseIceServers } from '../../../peer-server/ice-servers.ts';

const SECRET = 'a secret of 16..'.replaceAll(' ', '-');
let root: string;
let startDir: string;
let secretFile: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'volley-config-'));
  startDir = join(root, 'dist', 'server', 'peer-server');
  secretFile = join(root, 'secret');
  for (const dir of [startDir, join(root, 'dist', 'game'), join(root, 'game')]) await mkdir(dir, { recursive: true });
  for (const file of ['package.json', 'dist/game/index.html', 'game/index.html']) await writeFile(join(root, file), '{}');
  await writeFile(secretFile, `${SECRET}\n`);
});
afterAll(() => rm(root, { recursive: true }));

function read(env: Record<string, string>, ...args: string[]): BrokerConfig {
  return readConfig(env, args, startDir);
}

/** The line the operator reads. */
function mistake(env: Record<string, string>, ...args: string[]): string {
  try {
    read(env, ...args);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    const { message } = error as ConfigError;
    expect(message).not.toMatch('\n');
    expect(message).not.toMatch('undefined');
    return message;
  }
  throw new Error(`no mistake was found in ${JSON.stringify(env)} ${args.join(' ')}`);
}

describe('settings', () => {
  test('nothing set: port 8080 on all interfaces, public STUN, the built game, in memory, for its own page only', () => {
    expect(read({})).toEqual({
      port: 8080,
      host: undefined,
      isDev: false,
      gameDir: join(root, 'dist', 'game'),
      publicOrigin: undefined,
      allowedOrigins: [],
      trustedProxies: [],
      tls: undefined,
      iceServers: DEFAULT_ICE_SERVERS,
      iceTransportPolicy: 'all',
      turn: undefined,
      redisUrl: undefined,
      peersMax: 5000,
      lobbiesMax: 10_000,
      hasLimits: true,
      hasRelay: true,
      relayPairsMax: 100,
      metrics: { token: undefined, listen: undefined },
      logLevel: 'info',
      logFormat: 'text',
      drainMs: 5000,
    });
  });

  test('an empty variable is one that is not set', () => {
    const empty = Object.fromEntries(Object.values(OPTIONS).map(({ env }) => [env, ' ']));
    expect(read(empty)).toEqual(read({}));
  });

  test('everything can be set by the environment', () => {
    const config = read({
      PORT: '9000',
      HOST: '127.0.0.1',
      API_ONLY: '1',
      PUBLIC_URL: 'https://Play.example/',
      ALLOWED_ORIGINS: 'https://a.example, http://10.0.0.5:8080,',
      TRUSTED_PROXIES: '127.0.0.1, fd00::/8',
      ICE_SERVERS: '[]',
      ICE_TRANSPORT_POLICY: 'relay',
      TURN_URLS: 'turn:t.example:3478?transport=udp,turns:t.example:5349',
      TURN_SECRET: SECRET,
      TURN_TTL_SECONDS: '600',
      REDIS_URL: 'rediss://u:p@r.example:6380/1',
      PEERS_MAX: '10',
      LOBBIES_MAX: '20',
      LIMITS: 'off',
      RELAY_PAIRS_MAX: '30',
      METRICS_PORT: '9100',
      METRICS_HOST: '0.0.0.0',
      METRICS_TOKEN: SECRET,
      LOG_LEVEL: 'debug',
      LOG_FORMAT: 'json',
      DRAIN_SECONDS: '0',
    });
    expect(config).toEqual({
      port: 9000,
      host: '127.0.0.1',
      isDev: false,
      gameDir: undefined,
      publicOrigin: 'https://play.example',
      allowedOrigins: ['https://a.example', 'http://10.0.0.5:8080'],
      trustedProxies: ['127.0.0.1', 'fd00::/8'],
      tls: undefined,
      iceServers: [],
      iceTransportPolicy: 'relay',
      turn: { urls: ['turn:t.example:3478?transport=udp', 'turns:t.example:5349'], secret: SECRET, ttlSeconds: 600 },
      redisUrl: 'rediss://u:p@r.example:6380/1',
      peersMax: 10,
      lobbiesMax: 20,
      hasLimits: false,
      hasRelay: true,
      relayPairsMax: 30,
      metrics: { token: SECRET, listen: { host: '0.0.0.0', port: 9100 } },
      logLevel: 'debug',
      logFormat: 'json',
      drainMs: 0,
    });
  });

  test('a flag wins over its variable, with a space or an equals sign', () => {
    expect(read({ PORT: '1', HOST: 'a' }, '--port', '2', '--host=b')).toMatchObject({ port: 2, host: 'b' });
    expect(read({}, '--ice-servers', '[]', '--dev')).toMatchObject({ iceServers: [], isDev: true, gameDir: join(root, 'game') });
    expect(read({}, '--api-only', '--port=3')).toMatchObject({ gameDir: undefined, port: 3 });
    expect(read({ API_ONLY: 'true' }, '--api-only=false').gameDir).toBeDefined();
  });

  test('secrets come from files too, without the line end, and never from the command line', () => {
    const env = { TURN_URLS: 'turn:t', TURN_SECRET_FILE: secretFile, METRICS_TOKEN_FILE: secretFile };
    expect(read(env)).toMatchObject({ turn: { secret: SECRET }, metrics: { token: SECRET } });
    for (const flag of ['--turn-secret', '--metrics-token'])
      expect(mistake({}, `${flag}=${SECRET}`)).toBe(`Unknown option '${flag}'. See --help for all options.`);
  });

  test('logs are for machines in production, unless asked otherwise', () => {
    expect(read({ NODE_ENV: 'production' }).logFormat).toBe('json');
    expect(read({ NODE_ENV: 'production' }, '--log-format', 'text').logFormat).toBe('text');
  });

  test('--help names every flag and every variable', () => {
    expect([asksForHelp(['--port', '1', '--help']), asksForHelp(['-h']), asksForHelp(['--dev'])]).toEqual([true, true, false]);
    for (const option of Object.values(OPTIONS)) {
      expect(helpText()).toContain(option.env);
      if ('flag' in option) expect(helpText()).toContain(`  ${option.flag}`);
    }
  });
});

describe('mistakes', () => {
  const turn = { TURN_URLS: 'turn:t' };
  test.each<[Record<string, string>, string[], string]>([
    ...['x', '-1', '65536', '80.5', '0x50', '1e3', '8080;'].map((port): [Record<string, string>, string[], string] => [
      { PORT: port },
      [],
      `PORT '${port}' is not a port number; choose one from 1 to 65535 (0 for any free one)`,
    ]),
    [{}, ['--port', 'x'], "--port 'x' is not a port number"],
    [{}, ['--port'], "Option '--port' needs a value"],
    [{}, ['--port', '--dev'], "Option '--port' needs a value"],
    [{}, ['--port='], "Option '--port' needs a value"],
    [{}, ['--what=1'], "Unknown option '--what'"],
    [{}, ['9000'], "Unknown option '9000'"],
    [{ API_ONLY: 'yes' }, [], "API_ONLY 'yes' must be 1, true, 0 or false"],
    [{}, ['--api-only', '--dev'], '--api-only'],
    [{ PUBLIC_URL: 'play.example' }, [], "PUBLIC_URL 'play.example' must be like https://play.example"],
    [{ PUBLIC_URL: 'https://play.example/volley' }, [], 'without a path'],
    [{ ALLOWED_ORIGINS: 'https://a.example,ftp://b' }, [], "ALLOWED_ORIGINS 'ftp://b'"],
    [{ ALLOWED_ORIGINS: 'null' }, [], "ALLOWED_ORIGINS 'null'"],
    [{ ALLOWED_ORIGINS: 'https://u@a.example' }, [], 'ALLOWED_ORIGINS'],
    [{ ALLOWED_ORIGINS: Array.from({ length: 101 }, (_, index) => `http://h${index}`).join(',') }, [], '101 entries; the limit is 100'],
    [{ TRUSTED_PROXIES: 'localhost' }, [], "TRUSTED_PROXIES 'localhost' is not an address or subnet"],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }, [], "TRUSTED_PROXIES '10.0.0.0/33'"],
    [{ TRUSTED_PROXIES: '10.0.0.0/8/8' }, [], 'TRUSTED_PROXIES'],
    [{ TRUSTED_PROXIES: '10.0.0.0/' }, [], 'TRUSTED_PROXIES'],
    [{ TRUSTED_PROXIES: '127.0.0.1,0.0.0.0/0' }, [], "TRUSTED_PROXIES '0.0.0.0/0' would let everyone choose"],
    [{}, ['--trusted-proxies', '::/0'], "--trusted-proxies '::/0' would let everyone choose"],
    [{ TLS_CERT: 'a' }, [], 'TLS_CERT needs TLS_KEY'],
    [{}, ['--tls-key', 'a'], '--tls-key needs TLS_CERT'],
    [{ ICE_TRANSPORT_POLICY: 'none' }, [], "ICE_TRANSPORT_POLICY 'none' must be one of: all, relay"],
    [{ ICE_TRANSPORT_POLICY: 'relay' }, [], "ICE_TRANSPORT_POLICY 'relay' needs a TURN server"],
    [turn, [], 'TURN_URLS needs TURN_SECRET'],
    [{ TURN_SECRET: SECRET }, [], 'TURN_SECRET is of no use without TURN_URLS'],
    [{ TURN_TTL_SECONDS: '600' }, [], 'TURN_TTL_SECONDS is of no use without TURN_URLS'],
    [{ ...turn, TURN_SECRET: 'short' }, [], 'TURN_SECRET has 5 characters; it needs at least 16, because every visitor'],
    [{ ...turn, TURN_SECRET: 'two words and more' }, [], 'TURN_SECRET must be printable ASCII without spaces'],
    [{ ...turn, TURN_SECRET: SECRET, TURN_SECRET_FILE: '/x' }, [], 'Set TURN_SECRET or TURN_SECRET_FILE, not both'],
    [{ ...turn, TURN_SECRET_FILE: '/nowhere/secret' }, [], "TURN_SECRET_FILE '/nowhere/secret' does not exist"],
    [{ ...turn, TURN_SECRET_FILE: '/' }, [], "TURN_SECRET_FILE '/' cannot be read (EISDIR)"],
    [{ TURN_URLS: 'stun:t', TURN_SECRET: SECRET }, [], "TURN_URLS 'stun:t' must be like turn:"],
    [{ TURN_URLS: Array.from({ length: 9 }, () => 'turn:t').join(','), TURN_SECRET: SECRET }, [], '9 addresses; the limit is 8'],
    [{ ...turn, TURN_SECRET: SECRET, TURN_TTL_SECONDS: '59' }, [], "TURN_TTL_SECONDS '59' must be a whole number from 60 to 604800"],
    [
      { ...turn, TURN_SECRET: SECRET, ICE_SERVERS: JSON.stringify(Array.from({ length: 16 }, () => ({ urls: 'stun:a' }))) },
      [],
      'ICE_SERVERS and TURN_URLS make 17 servers',
    ],
    [{}, ['--ice-servers', '['], '--ice-servers is not valid JSON'],
    [{ REDIS_URL: 'http://r' }, [], 'REDIS_URL must be like redis://HOST:6379'],
    [{ PEERS_MAX: '0' }, [], "PEERS_MAX '0' must be a whole number from 1 to 200000"],
    [{ LOBBIES_MAX: 'many' }, [], "LOBBIES_MAX 'many' must be a whole number"],
    [{ LIMITS: 'none' }, [], "LIMITS 'none' must be one of: on, off"],
    [{ METRICS_HOST: '0.0.0.0' }, [], 'METRICS_HOST is of no use without METRICS_PORT'],
    [{ PORT: '9000', METRICS_PORT: '9000' }, [], 'METRICS_PORT 9000 is the port of the page too'],
    [{ METRICS_TOKEN: 'secret' }, [], 'METRICS_TOKEN has 6 characters; it needs at least 16'],
    [{ LOG_LEVEL: 'loud' }, [], "LOG_LEVEL 'loud' must be one of: debug, info, warn, error, silent"],
    [{ LOG_FORMAT: 'xml' }, [], "LOG_FORMAT 'xml' must be one of: text, json"],
    [{ DRAIN_SECONDS: '301' }, [], "DRAIN_SECONDS '301' must be a whole number from 0 to 300"],
  ])('%j %j', (env, args, part) => {
    expect(mistake(env, ...args)).toContain(part);
  });

  test('no message shows a secret', () => {
    const secret = 'öffentlich-wäre-schade';
    for (const env of [{ TURN_URLS: 'turn:t', TURN_SECRET: secret }, { METRICS_TOKEN: secret }, { REDIS_URL: `http://u:${secret}@h` }])
      expect(mistake(env)).not.toContain(secret);
  });

  test('a game that is not built says how to build it', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'volley-empty-'));
    expect(() => readConfig({}, [], join(empty, 'nowhere'))).toThrow('package.json');
    await writeFile(join(empty, 'package.json'), '{}');
    expect(() => readConfig({}, [], empty)).toThrow('npm run build');
    expect(() => readConfig({}, ['--dev'], empty)).toThrow('sources are missing');
    expect(readConfig({}, ['--api-only'], empty).gameDir).toBeUndefined();
    await rm(empty, { recursive: true });
  });
});

describe('ICE servers', () => {
  test('are passed on as browsers take them', () => {
    const servers = [
      { urls: 'stun:stun.example.org:3478' },
      { urls: ['turn:turn.example.org?transport=tcp', 'turns:[2001:db8::1]:5349'], username: 'u', credential: 'c' },
    ];
    expect(parseIceServers(JSON.stringify(servers))).toEqual(servers);
    expect(parseIceServers(' [ ] ')).toEqual([]);
  });

  test.each([
    ['[', 'not valid JSON'],
    ['stun:stun.example.org', 'not valid JSON'],
    ['{}', 'must be a JSON array'],
    ['[7]', 'ICE_SERVERS[0] must be an object'],
    ['[{"urls":"stun:a"},{}]', 'ICE_SERVERS[1].urls'],
    ['[{"urls":[]}]', 'ICE_SERVERS[0].urls'],
    ['[{"urls":"http://a"}]', 'ICE_SERVERS[0].urls'],
    ['[{"urls":"stun://a"}]', 'ICE_SERVERS[0].urls'],
    ['[{"urls":"stun:a","username":7}]', 'username'],
    ['[{"urls":"stun:a","credential":7}]', 'credential'],
    ['[{"urls":"turn:a"}]', 'TURN server'],
    [JSON.stringify(Array.from({ length: 17 }, () => ({ urls: 'stun:a' }))), '17 servers'],
    [JSON.stringify([{ urls: Array.from({ length: 9 }, () => 'stun:a') }]), '9 addresses'],
  ])('that are wrong are named: %s', (text, part) => {
    expect(mistake({ ICE_SERVERS: text })).toContain(part);
  });
});
