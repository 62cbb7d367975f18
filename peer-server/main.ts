#!/usr/bin/env node
/**
 * The broker as a program: reads the settings, starts the server, says where to open it, and ends cleanly.
 * What an operator can get wrong is one line on stderr and exit code 1, without a stack.
 */
import type { ServerAddresses } from './addresses.ts';
import { ConfigError } from './config-error.ts';
import { asksForHelp, helpText } from './config-options.ts';
import { LIMITS_OFF } from './app.ts';
import { type BrokerConfig, readConfig } from './config.ts';
import { createLogger, type Logger } from './logger.ts';
import { type RunningServer, type ServerOptions, startServer } from './server.ts';
import { openStorage, type Storage } from './storage.ts';
import { readTls, type TlsFiles } from './tls.ts';

/** `shutDown` keeps its own time, `drainMs` and about three seconds; whatever hangs longer (a stuck file watcher in development) must not keep the terminal. */
const END_GRACE_MS = 4_000;
/** Under npm one Ctrl-C arrives twice, from the terminal and passed on by npm; one that comes later is meant. */
const SECOND_SIGNAL_AFTER_MS = 500;

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (asksForHelp(args)) {
    console.log(helpText());
    return;
  }
  const config = readConfig(process.env, args, import.meta.dirname);
  const logger = createLogger({ level: config.logLevel, format: config.logFormat });
  endOnFaults(logger);
  const tls = config.tls === undefined ? undefined : readTls(config.tls, Date.now());
  const storage = openStorage({ ...config, logger });
  const server = await listenOrExplain(config, { tls, logger, ...storage });
  if (config.logFormat === 'text') console.log(banner(server.addresses, config));
  else logger.info({ port: server.port }, 'Ready');
  endOnSignals({ server, storage, config, logger });
  if (config.tls !== undefined) renewOnHangup(server, config.tls, logger);
}

type OpenedParts = Required<Pick<ServerOptions, 'tls' | 'logger' | 'lobbyStore' | 'router'>>;

async function listenOrExplain(config: BrokerConfig, parts: OpenedParts): Promise<RunningServer> {
  const { isDev, hasLimits, ...settings } = config;
  try {
    return await startServer({ ...settings, ...parts, dev: isDev, limits: hasLimits ? {} : LIMITS_OFF });
  } catch (error) {
    const line = explainListenError(error as NodeJS.ErrnoException, config);
    throw line === undefined ? error : new ConfigError(line);
  }
}

/** The error says which of the two listeners it was. */
function explainListenError(error: NodeJS.ErrnoException & { readonly port?: number }, config: BrokerConfig): string | undefined {
  const { listen } = config.metrics;
  const isMetrics = listen !== undefined && error.port === listen.port && error.port !== config.port;
  const { host, port } = isMetrics ? listen : config;
  const prefix = isMetrics ? 'METRICS_' : '';
  switch (error.code) {
    case 'EADDRINUSE':
      return `Port ${port} is already in use. Stop the program that uses it, or choose another: ${prefix}PORT=${port < 65_535 ? port + 1 : 8080} npm start`;
    case 'EACCES':
      return `No permission to listen on port ${port}. Choose one above 1023: ${prefix}PORT=8080 npm start`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return `${prefix}HOST '${host ?? ''}' is not an address of this machine. Leave ${prefix}HOST out to listen on ${isMetrics ? '127.0.0.1' : 'all interfaces'}.`;
    default:
      return undefined;
  }
}

function banner({ local, lan }: ServerAddresses, { isDev, gameDir, publicOrigin }: BrokerConfig): string {
  const what = gameDir === undefined ? 'The broker is ready, without a page:' : 'Open it in a browser:';
  return [
    '',
    `  Volley is ready${isDev ? ' (development, hot reload)' : ''}. ${what}`,
    '',
    `    on this machine   ${local}`,
    ...lan.map((url) => `    on your network   ${url}`),
    ...(publicOrigin === undefined ? [] : [`    for players       ${publicOrigin}`]),
    '',
    '  Ctrl-C stops it.',
    '',
  ].join('\n');
}

interface Running {
  readonly server: RunningServer;
  readonly storage: Storage;
  readonly config: BrokerConfig;
  readonly logger: Logger;
}

function endOnSignals({ server, storage, config, logger }: Running): void {
  const { drainMs, logFormat } = config;
  let firstAtMs: number | undefined;
  const exit = (code: number): void => {
    logger.flush();
    process.exit(code);
  };
  const end = (signal: NodeJS.Signals): void => {
    if (firstAtMs !== undefined) {
      if (performance.now() - firstAtMs > SECOND_SIGNAL_AFTER_MS) exit(0);
      return;
    }
    firstAtMs = performance.now();
    // Someone at a terminal knows what they pressed.
    if (logFormat === 'json') logger.info({ signal }, 'Shutting down');
    setTimeout(() => exit(0), drainMs + END_GRACE_MS);
    const shutDown = async (): Promise<void> => {
      await server.shutDown();
      await storage.close();
    };
    shutDown().then(
      () => exit(0),
      (error: unknown) => {
        logger.error({ error }, 'Shutting down failed');
        exit(1);
      },
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

/** A renewed certificate is taken without a restart; one that cannot be used is not. */
function renewOnHangup(server: RunningServer, tls: TlsFiles, logger: Logger): void {
  process.on('SIGHUP', () => {
    try {
      server.renewTls(readTls(tls, Date.now()));
      logger.info({}, 'The certificate was read again');
    } catch (error) {
      logger.error({ error }, 'The certificate was not read again; the old one stays in use');
    }
  });
}

/** After a fault that nothing caught, the state is unknown: better to end and be started again. */
function endOnFaults(logger: Logger): void {
  const end = (error: unknown): void => {
    logger.error({ error }, 'A fault that nothing caught; the process ends');
    logger.flush();
    process.exit(1);
  };
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
  // Whoever read our output is gone. That is no reason to end.
  process.stdout.on('error', () => undefined);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? `volley: ${error.message}` : error);
  process.exit(1);
});
