/**
 * The brokers under test, each a process of its own that is asked what it has used by way of `probe.mjs`. Ours is the program
 * that `npm start` runs, built from its sources; the stock one is the `peer` package's own server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';

/** Seen from the project's root, where npm runs its scripts. */
const PROBE = resolve('tests/bench/broker/probe.mjs');
const STOCK = resolve('tests/bench/broker/stock-server.mjs');
const TSC = resolve('node_modules/typescript/bin/tsc');
const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 30_000;
/** What a program may say before it is ready, kept for the error message. */
const OUTPUT_CHARACTERS_MAX = 4_000;

export type BrokerKind = 'ours' | 'stock';

export interface Memory {
  readonly heapBytes: number;
  readonly externalBytes: number;
  readonly rssBytes: number;
}

export interface Broker {
  readonly port: number;
  /** Processor time of the whole process so far, its kernel's part included. */
  cpuUs(): Promise<number>;
  /** After collecting all garbage. */
  memory(): Promise<Memory>;
  /** From now until the function it resolves to is called, which writes a profile to the path it is given. */
  profile(): Promise<(path: string) => Promise<void>>;
  close(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => running.forEach((child) => child.kill('SIGKILL')));

/** Our server's program, built into a folder of the bench's own: nobody's `dist` is touched. Resolves to its path. */
export async function buildOurs(resultsDir: string): Promise<string> {
  const outDir = join(resultsDir, 'server');
  rmSync(outDir, { recursive: true, force: true });
  const child = spawn(process.execPath, [TSC, '-p', 'peer-server/tsconfig.json', '--sourceMap', 'false', '--outDir', outDir], {
    stdio: 'inherit',
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  if (code !== 0) throw new Error('the server was not built');
  return join(outDir, 'peer-server', 'main.js');
}

export interface BrokerOptions {
  /** The path that `buildOurs` resolved to. */
  readonly ours: string;
  readonly peersMax: number;
  /** Of ours: a Redis shared with other brokers. */
  readonly redisUrl?: string;
  /** Of ours: what one address may ask for is limited, as it is by default. */
  readonly hasLimits?: boolean;
}

export async function startBroker(kind: BrokerKind, { ours, peersMax, redisUrl = '', hasLimits = false }: BrokerOptions): Promise<Broker> {
  const port = await findFreePort();
  const program = kind === 'ours' ? [ours, '--api-only'] : [STOCK, String(port)];
  const settings: Record<string, string> = {
    PORT: String(port),
    HOST,
    PEERS_MAX: String(peersMax),
    LIMITS: hasLimits ? 'on' : 'off',
    LOG_FORMAT: 'text',
    ALLOWED_ORIGINS: '*',
    ICE_SERVERS: '[]',
    REDIS_URL: redisUrl,
  };
  const child = spawn(process.execPath, ['--expose-gc', '--import', PROBE, ...program], {
    env: { ...process.env, ...(kind === 'ours' && settings) },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  running.add(child);
  try {
    await untilItSays(child, kind === 'ours' ? 'Ctrl-C' : 'ready');
  } catch (error) {
    await kill(child);
    throw error;
  }
  return brokerOf(child, port);
}

function brokerOf(child: ChildProcess, port: number): Broker {
  /** The probe answers in order, and one question is asked at a time. */
  const ask = async (question: object): Promise<unknown> => {
    const answered = once(child, 'message', { signal: AbortSignal.timeout(START_TIMEOUT_MS) });
    child.send(question);
    const [answer] = (await answered) as [{ readonly result?: unknown; readonly error?: string }];
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.result;
  };
  return {
    port,
    cpuUs: async () => ((await ask({ ask: 'cpu' })) as { readonly cpuUs: number }).cpuUs,
    memory: async () => (await ask({ ask: 'memory' })) as Memory,
    async profile() {
      await ask({ ask: 'profile' });
      return async (path) => void (await ask({ ask: 'profiled', path }));
    },
    close: () => kill(child),
  };
}

async function kill(child: ChildProcess): Promise<void> {
  running.delete(child);
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

function untilItSays(child: ChildProcess, ready: string): Promise<void> {
  return new Promise((done, fail) => {
    let output = '';
    const timer = setTimeout(() => fail(new Error(`a broker did not start within ${START_TIMEOUT_MS} ms:\n${output}`)), START_TIMEOUT_MS);
    const listen = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
      if (!output.includes(ready)) return;
      clearTimeout(timer);
      done();
    };
    child.stdout?.on('data', listen);
    child.stderr?.on('data', listen);
    child.once('error', fail);
    child.once('exit', () => {
      clearTimeout(timer);
      fail(new Error(`a broker ended instead of starting:\n${output}`));
    });
  });
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, HOST, done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}
