/**
 * A real Redis (or Valkey) for tests: finds one or installs it, runs it on a free port of this machine in a folder of its own,
 * with nothing kept on disk, and can kill, freeze and restart it. Nothing is installed while one is there already, and nothing
 * without saying so.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { doesStart, isRootOnDebian } from './programs.ts';

const COMMAND_NAMES = ['redis-server', 'valkey-server'];
const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 15_000;
const INSTALL_TIMEOUT_MS = 180_000;
const LOCK_POLL_MS = 500;

/** The path of a server that starts, or why there is none: in that case the caller skips, saying so. */
export function ensureRedis(): { readonly path: string } | { readonly missing: string } {
  const found = findRedis() ?? (isRootOnDebian() ? installWithApt() : undefined);
  if (found !== undefined) return { path: found };
  return {
    missing:
      'SKIPPED: these tests need redis-server or valkey-server; none was found, and installing one takes root on Debian. ' +
      'Install it, or set REDIS_SERVER_PATH to its executable.',
  };
}

/** `REDIS_SERVER_PATH`, then the system's. Throws Error if REDIS_SERVER_PATH is set and does not start. */
function findRedis(): string | undefined {
  const chosen = process.env['REDIS_SERVER_PATH'];
  if (chosen !== undefined && chosen !== '') {
    if (!doesStart(chosen)) throw new Error(`REDIS_SERVER_PATH '${chosen}' is not a Redis server that starts`);
    return chosen;
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return COMMAND_NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => doesStart(path));
}

/** Several test files find none at the same moment: one installs, the others wait for it. */
function installWithApt(): string | undefined {
  const lock = join(tmpdir(), 'volley-redis-install.lock');
  const giveUpAtMs = Date.now() + INSTALL_TIMEOUT_MS;
  while (!takeLock(lock)) {
    // Whoever held it was killed, or apt-get hangs.
    if (Date.now() > giveUpAtMs) break;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOCK_POLL_MS);
  }
  try {
    return findRedis() ?? aptInstall();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

function takeLock(path: string): boolean {
  try {
    mkdirSync(path);
    return true;
  } catch {
    return false;
  }
}

function aptInstall(): string | undefined {
  // Another program's apt-get may be at work.
  const wait = ['-o', 'DPkg::Lock::Timeout=120'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [
    ['update', ...wait],
    ['install', '-y', '--no-install-recommends', ...wait, 'redis-server'],
  ]) {
    console.log(`No Redis found for the broker's tests. Running: apt-get ${args.join(' ')}`);
    const { status, error } = spawnSync('apt-get', args, { stdio: 'inherit', env });
    if (status !== 0) console.error(`apt-get failed: ${error?.message ?? `exit code ${String(status)}`}`);
  }
  return findRedis();
}

async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, HOST, done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

export class RedisProcess {
  readonly url: string;
  readonly #path: string;
  readonly #port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'volley-redis-'));
  #child: ChildProcess | undefined;

  private constructor(path: string, port: number) {
    this.#path = path;
    this.#port = port;
    this.url = `redis://${HOST}:${port}`;
    // A test that is cut off does not get to stop it.
    process.once('exit', () => this.#child?.kill('SIGKILL'));
  }

  /** Resolves when it answers. */
  static async start(path: string): Promise<RedisProcess> {
    const redis = new RedisProcess(path, await findFreePort());
    await redis.startAgain();
    return redis;
  }

  /** After `kill`: at the same port, with nothing remembered. */
  async startAgain(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`the Redis at port ${this.#port} runs already`);
    const args = ['--port', String(this.#port), '--bind', HOST, '--save', '', '--appendonly', 'no', '--dir', this.#folder];
    const child = spawn(this.#path, args, { stdio: ['ignore', 'ignore', 'ignore'] });
    this.#child = child;
    const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < giveUpAtMs) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`${this.#path} ended instead of starting`);
      if ((await this.command('PING').catch(() => '')).startsWith('+PONG')) return;
      await new Promise((done) => setTimeout(done, 20));
    }
    throw new Error(`${this.#path} did not answer within ${START_TIMEOUT_MS} ms`);
  }

  /** Dies at once and forgets everything. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((done) => child.once('exit', done));
    child.kill('SIGKILL');
    await exited;
  }

  /** Its connections stay open, and nothing is answered. */
  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** For good. */
  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One command over a connection of its own, around everything under test. Resolves to the answer as it comes, first line's mark included. */
  command(...words: readonly string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#port, HOST);
      let answer = '';
      socket.setTimeout(START_TIMEOUT_MS, () => socket.destroy(new Error('no answer')));
      socket.once('error', reject);
      socket.on('data', (chunk) => (answer += chunk.toString()));
      socket.once('close', () => resolve(answer));
      const encoded = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
      // QUIT, so that the end of the answer is the end of the connection.
      socket.write(`*${words.length}\r\n${encoded}*1\r\n$4\r\nQUIT\r\n`);
    });
  }
}
