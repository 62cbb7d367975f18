/**
 * The built server as its user runs it: a process of its own, which tests can kill and start again at the same port.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const ROOT = resolve(import.meta.dirname, '../..');
const MAIN = join(ROOT, 'dist/server/peer-server/main.js');
const PAGE = join(ROOT, 'dist/game/index.html');
const SOURCES = ['netcode', 'game', 'peer-server', 'package-lock.json', 'tsconfig.json'];
const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 30_000;
/** What a server may say before it is listening, kept for the error message. */
const OUTPUT_CHARACTERS_MAX = 8_000;

/** Builds game and server unless what is built is newer than every source. Throws Error with the build's output. */
export async function buildIfStale(): Promise<void> {
  const builtAtMs = Math.min(changedAtMs(MAIN), changedAtMs(PAGE));
  if (SOURCES.every((source) => newestBelowMs(join(ROOT, source)) < builtAtMs)) return;
  try {
    await promisify(execFile)('npm', ['run', 'build'], { cwd: ROOT, shell: process.platform === 'win32' });
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string };
    throw new Error(`npm run build failed:\n${stdout ?? ''}${stderr ?? ''}`, { cause: error });
  }
}

function changedAtMs(path: string): number {
  return existsSync(path) ? statSync(path).mtimeMs : 0;
}

function newestBelowMs(path: string): number {
  if (!statSync(path).isDirectory()) return changedAtMs(path);
  const times = readdirSync(path, { recursive: true, withFileTypes: true }).map((entry) => changedAtMs(join(entry.parentPath, entry.name)));
  return Math.max(0, ...times);
}

/** A port that was free a moment ago; the server is told to use it, so that it can come back at the same one. */
async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, HOST, done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}

export class ServerProcess {
  readonly port: number;
  readonly url: string;
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(port: number, env: Readonly<Record<string, string>>) {
    this.port = port;
    this.url = `http://${HOST}:${port}`;
    this.#env = env;
  }

  /** Resolves when the server answers. `env`: settings beyond the port. */
  static async start(env: Readonly<Record<string, string>> = {}): Promise<ServerProcess> {
    const server = new ServerProcess(await findFreePort(), env);
    await server.startAgain();
    return server;
  }

  /** After `kill` or `interrupt`: at the same port, with nothing remembered. */
  async startAgain(): Promise<void> {
    if (this.#child !== undefined) throw new Error(`the server at port ${this.port} runs already`);
    // No STUN server: tests contact nothing outside this machine.
    const env = { ...process.env, PORT: String(this.port), HOST, ICE_SERVERS: '[]', ...this.#env };
    const child = spawn(process.execPath, [MAIN], { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    this.#output = '';
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    await this.#untilHealthy(child);
  }

  /** What it has printed, the last few thousand characters. */
  get output(): string {
    return this.#output;
  }

  /** Dies at once, without a word to anyone (SIGKILL). */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** As Ctrl-C does. Resolves to the exit code. */
  async interrupt(): Promise<number | null> {
    return this.#end('SIGINT');
  }

  /** As a service manager does. Resolves to the exit code. */
  async terminate(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    this.#child = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const exited = new Promise<number | null>((done) => child.once('exit', done));
    child.kill(signal);
    return exited;
  }

  async #untilHealthy(child: ChildProcess): Promise<void> {
    const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < giveUpAtMs) {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the server ended instead of starting:\n${this.#output}`);
      const isHealthy = await fetch(`${this.url}/healthz`).then(
        (response) => response.ok,
        () => false,
      );
      if (isHealthy) return;
      await new Promise((done) => setTimeout(done, 25));
    }
    await this.kill();
    throw new Error(`the server did not answer within ${START_TIMEOUT_MS} ms:\n${this.#output}`);
  }
}
