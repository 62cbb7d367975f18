/** Several brokers on one Redis, each a process that can be killed and comes back at the same port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import type { RedisProcess } from './redis.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const HOST = '127.0.0.1';
const ERRORS_LENGTH_MAX = 8_000;

export class Cluster {
  readonly ports: readonly number[];
  readonly #bundle: string;
  readonly #folder: string;
  readonly #redis: RedisProcess;
  readonly #lobbyTtlMs: number;
  readonly #children: (ChildProcess | undefined)[] = [];
  /** What the brokers wrote to standard error: nothing, unless one of them crashed. */
  errors = '';

  private constructor(ports: readonly number[], folder: string, redis: RedisProcess, lobbyTtlMs: number) {
    this.ports = ports;
    this.#folder = folder;
    this.#bundle = join(folder, 'cluster-broker.mjs');
    this.#redis = redis;
    this.#lobbyTtlMs = lobbyTtlMs;
  }

  /** Node 20 runs no TypeScript, so the broker is bundled first; inside node_modules, where it finds its packages. */
  static async start(redis: RedisProcess, options: { readonly brokers: number; readonly lobbyTtlMs: number }): Promise<Cluster> {
    const cache = join(ROOT, 'node_modules/.cache');
    mkdirSync(cache, { recursive: true });
    const folder = mkdtempSync(join(cache, 'volley-cluster-'));
    await build({
      configFile: false,
      root: ROOT,
      logLevel: 'warn',
      build: {
        ssr: join(import.meta.dirname, 'cluster-broker.ts'),
        outDir: folder,
        target: 'node20',
        minify: false,
        rolldownOptions: { output: { entryFileNames: 'cluster-broker.mjs' } },
      },
    });
    const ports = await Promise.all(Array.from({ length: options.brokers }, findFreePort));
    const cluster = new Cluster(ports, folder, redis, options.lobbyTtlMs);
    await Promise.all(ports.map((_port, index) => cluster.startBroker(index)));
    return cluster;
  }

  /** Resolves when it listens. */
  async startBroker(index: number): Promise<void> {
    const env = { ...process.env, PORT: String(this.ports[index]), REDIS_URL: this.#redis.url, LOBBY_TTL_MS: String(this.#lobbyTtlMs) };
    const child = spawn(process.execPath, [this.#bundle], { cwd: ROOT, env, stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#children[index] = child;
    child.stderr!.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(0, ERRORS_LENGTH_MAX)));
    await new Promise<void>((done, fail) => {
      child.once('message', () => done());
      child.once('exit', () => fail(new Error(`broker ${index} ended instead of starting:\n${this.errors}`)));
    });
  }

  /** Dies at once, without a word to anyone. */
  async killBroker(index: number): Promise<void> {
    const child = this.#children[index];
    this.#children[index] = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await exited;
  }

  /** How many brokers have ended though nobody killed them. */
  get crashes(): number {
    return this.#children.filter((child) => child !== undefined && (child.exitCode !== null || child.signalCode !== null)).length;
  }

  async stop(): Promise<void> {
    await Promise.all(this.ports.map((_port, index) => this.killBroker(index)));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, HOST, done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}
