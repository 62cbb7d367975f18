/**
 * The broker as a program: reads the environment, starts the server, says where to open it, and ends cleanly.
 * What an operator can get wrong is one line on stderr and exit code 1, without a stack.
 */
import type { ServerAddresses } from './addresses.ts';
import { ConfigError } from './config-error.ts';
import { type BrokerConfig, readConfig } from './config.ts';
import { type RunningServer, startServer } from './server.ts';

/** Closing takes milliseconds; whatever hangs longer (a stuck file watcher in development) must not keep the terminal. */
const CLOSE_TIMEOUT_MS = 800;

async function main(): Promise<void> {
  const config = readConfig(process.env, process.argv.slice(2), import.meta.dirname);
  const server = await listenOrExplain(config);
  console.log(banner(server.addresses, config.isDev));
  endOnSignals(server);
}

async function listenOrExplain(config: BrokerConfig): Promise<RunningServer> {
  const { port, host, gameDir, iceServers, isDev } = config;
  try {
    return await startServer({ port, host, gameDir, iceServers, dev: isDev });
  } catch (error) {
    const line = explainListenError((error as NodeJS.ErrnoException).code, port, host);
    throw line === undefined ? error : new ConfigError(line);
  }
}

function explainListenError(code: string | undefined, port: number, host: string | undefined): string | undefined {
  switch (code) {
    case 'EADDRINUSE':
      return `Port ${port} is already in use. Stop the program that uses it, or choose another: PORT=${port < 65_535 ? port + 1 : 8080} npm start`;
    case 'EACCES':
      return `No permission to listen on port ${port}. Choose one above 1023: PORT=8080 npm start`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EINVAL':
    case 'EAFNOSUPPORT':
      return `HOST '${host ?? ''}' is not an address of this machine. Leave HOST out to listen on all interfaces.`;
    default:
      return undefined;
  }
}

function banner(addresses: ServerAddresses, isDev: boolean): string {
  const lan = addresses.lan.map((url) => `    on your network   ${url}`);
  return [
    '',
    `  Volley is ready${isDev ? ' (development, hot reload)' : ''}. Open it in a browser:`,
    '',
    `    on this machine   ${addresses.local}`,
    ...lan,
    '',
    '  Ctrl-C stops it.',
    '',
  ].join('\n');
}

function endOnSignals(server: RunningServer): void {
  let isEnding = false;
  const end = (): void => {
    // Under npm one Ctrl-C arrives twice: from the terminal and passed on by npm.
    if (isEnding) return;
    isEnding = true;
    setTimeout(() => process.exit(0), CLOSE_TIMEOUT_MS);
    server.close().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error('Closing failed:', error);
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', end);
  process.on('SIGTERM', end);
}

main().catch((error: unknown) => {
  console.error(error instanceof ConfigError ? `volley: ${error.message}` : error);
  process.exit(1);
});
