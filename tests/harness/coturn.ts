/**
 * A real TURN server, coturn, for one test: on loopback, with a port and a secret of its own. Found on this machine or, as root
 * on Debian, installed; nothing is installed without saying so. Where neither works the tests that need it are skipped, and
 * `whyNoCoturn` says why.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { allocate } from './turn-client.ts';
import { isRootOnDebian } from './programs.ts';

const HOST = '127.0.0.1';
const REALM = 'volley.test';
const START_TIMEOUT_MS = 20_000;
const ASKED_EVERY_MS = 50;
const INSTALL_ATTEMPTS = 3;
const INSTALL_RETRY_MS = 5_000;
const OUTPUT_CHARACTERS_MAX = 20_000;
/** Relay ports: below those that Linux hands out by itself, so that neither takes the other's. */
const RELAY_PORTS = { min: 20_000, max: 20_999 };

/** The path of coturn's server, or what keeps us from having one. */
export function ensureCoturn(): { readonly path: string } | { readonly why: string } {
  const found = findCoturn();
  if (found !== undefined) return { path: found };
  if (!isRootOnDebian()) return { why: 'coturn (turnserver) is not installed, and only root on Debian can have it installed here' };
  installWithApt();
  const path = findCoturn();
  return path === undefined ? { why: 'coturn could not be installed (see above)' } : { path };
}

function findCoturn(): string | undefined {
  const chosen = process.env['TURNSERVER_PATH'];
  if (chosen !== undefined && chosen !== '') {
    if (!existsSync(chosen)) throw new Error(`TURNSERVER_PATH '${chosen}' does not exist`);
    return chosen;
  }
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, 'turnserver')).find((path) => existsSync(path));
}

/** Other test files, or other programs, may be installing something at the same moment: apt-get waits for one lock and fails at the other. */
function installWithApt(): void {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const wait = ['-o', 'DPkg::Lock::Timeout=120'];
  for (let attempt = 0; attempt < INSTALL_ATTEMPTS && findCoturn() === undefined; attempt++) {
    if (attempt > 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, INSTALL_RETRY_MS);
    for (const args of [
      ['update', ...wait],
      ['install', '-y', '--no-install-recommends', ...wait, 'coturn'],
    ]) {
      console.log(`No coturn found for the TURN tests. Running: apt-get ${args.join(' ')}`);
      const { status, error } = spawnSync('apt-get', args, { stdio: 'inherit', env });
      if (status !== 0) console.error(`apt-get failed: ${error?.message ?? `exit code ${String(status)}`}`);
    }
  }
}

export class Coturn {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  #output = '';

  private constructor(port: number, child: ChildProcess, folder: string) {
    this.port = port;
    this.#child = child;
    this.#folder = folder;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  /** Resolves when it answers. */
  static async start(path: string, secret: string): Promise<Coturn> {
    const folder = await mkdtemp(join(tmpdir(), 'volley-coturn-'));
    const port = await findFreePort();
    const settings = {
      'listening-ip': HOST,
      'listening-port': port,
      'relay-ip': HOST,
      'min-port': RELAY_PORTS.min,
      'max-port': RELAY_PORTS.max,
      realm: REALM,
      'static-auth-secret': secret,
      userdb: join(folder, 'turndb'),
      pidfile: join(folder, 'turnserver.pid'),
      'log-file': 'stdout',
    };
    // Without -n it would read the machine's own configuration. Loopback peers are refused by default, for good reasons that do not hold here.
    const switches = ['-n', '--use-auth-secret', '--no-cli', '--no-tls', '--no-dtls', '--allow-loopback-peers', '--verbose'];
    const args = [...switches, ...Object.entries(settings).map(([name, value]) => `--${name}=${value}`)];
    const coturn = new Coturn(port, spawn(path, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] }), folder);
    await coturn.#untilAnswering();
    return coturn;
  }

  get url(): string {
    return `turn:${HOST}:${this.port}?transport=udp`;
  }

  /** What it has logged, the last of it. */
  get output(): string {
    return this.#output;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #untilAnswering(): Promise<void> {
    const giveUpAtMs = Date.now() + START_TIMEOUT_MS;
    while (Date.now() < giveUpAtMs) {
      if (this.#child.exitCode !== null) throw new Error(`coturn ended instead of starting:\n${this.#output}`);
      // Any answer will do; without credentials it is a refusal.
      const answer = await allocate({ host: HOST, port: this.port, username: '', credential: '' }).catch(() => undefined);
      if (answer !== undefined) return;
      await new Promise((done) => setTimeout(done, ASKED_EVERY_MS));
    }
    await this.stop();
    throw new Error(`coturn did not answer within ${START_TIMEOUT_MS} ms:\n${this.#output}`);
  }
}

/** A port that was free a moment ago. */
async function findFreePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((done) => probe.listen(0, HOST, done));
  const { port } = probe.address() as AddressInfo;
  await new Promise((done) => probe.close(done));
  return port;
}
