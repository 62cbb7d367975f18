/**
 * What the operator chose: environment variables and command line, checked. Everything has a default,
 * so that `node main.js` alone works.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ConfigError } from './config-error.ts';
import { DEFAULT_ICE_SERVERS, type IceServers, parseIceServers } from './ice-servers.ts';

const DEFAULT_PORT = 8080;
const PORT_MAX = 65_535;

export interface BrokerConfig {
  readonly port: number;
  /** Undefined: all interfaces. */
  readonly host: string | undefined;
  readonly iceServers: IceServers;
  readonly isDev: boolean;
  /** The built game, or in development its sources. */
  readonly gameDir: string;
}

/** Throws ConfigError. `startDir` is where the running program lies; the project around it is searched upwards. */
export function readConfig(env: NodeJS.ProcessEnv, args: readonly string[], startDir: string): BrokerConfig {
  const unknown = args.find((arg) => arg !== '--dev');
  if (unknown !== undefined)
    throw new ConfigError(`Unknown option '${unknown}'. The only option is --dev; PORT, HOST and ICE_SERVERS are environment variables.`);
  const isDev = args.includes('--dev');
  const iceServers = env['ICE_SERVERS'];
  return {
    port: readPort(env['PORT']),
    host: env['HOST'] || undefined,
    iceServers: iceServers === undefined || iceServers.trim() === '' ? DEFAULT_ICE_SERVERS : parseIceServers(iceServers),
    isDev,
    gameDir: findGameDir(startDir, isDev),
  };
}

function readPort(text: string | undefined): number {
  if (text === undefined || text.trim() === '') return DEFAULT_PORT;
  const port = Number(text);
  if (!/^\d+$/.test(text.trim()) || port > PORT_MAX)
    throw new ConfigError(`PORT '${text}' is not a port number; choose one from 1 to ${PORT_MAX} (0 for any free one)`);
  return port;
}

function findGameDir(startDir: string, isDev: boolean): string {
  const root = findProjectRoot(startDir);
  const gameDir = isDev ? join(root, 'game') : join(root, 'dist', 'game');
  if (existsSync(join(gameDir, 'index.html'))) return gameDir;
  throw new ConfigError(
    isDev
      ? `The game's sources are missing: there is no ${join(gameDir, 'index.html')}`
      : `The game is not built: there is no ${join(gameDir, 'index.html')}. Run: npm run build`,
  );
}

/** Compiled or not, whatever the current directory: the nearest folder above with a package.json, which Node needs there anyway. */
function findProjectRoot(startDir: string): string {
  for (let dir = startDir; ; dir = dirname(dir)) {
    if (existsSync(join(dir, 'package.json'))) return dir;
    if (dir === dirname(dir)) throw new ConfigError(`No package.json found in ${startDir} or above it`);
  }
}
