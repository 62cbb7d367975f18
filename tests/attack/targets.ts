/**
 * What is attacked: the stock PeerJS server and ours, each a process of its own, ours built from its sources and started as
 * operators start it, with every limit as shipped. And two honest clients, whose frames must all arrive meanwhile.
 *
 * Attackers and honest clients come from different addresses of 127.0.0.0/8, all of which Linux and Windows listen to.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { answer, candidate, offer, SignalClient } from '../unit/peer-server/signal-client.ts';

export const ATTACKER = '127.0.0.66';
export const VICTIM = '127.0.0.7';
const HONEST = '127.0.0.8';
const ROOT = resolve(import.meta.dirname, '../..');
/** What a process may say before it is listening, and what of it is kept for looking through. */
const OUTPUT_CHARACTERS_MAX = 1_000_000;
/** Between two frames of the honest clients, so that they stay within their budget as players do. */
const HONEST_PAUSE_MS = 10;
/** Candidates of one dial. */
const HONEST_CANDIDATES = 20;

export interface Target {
  readonly port: number;
  readonly child: ChildProcess;
  /** What it has printed. */
  readonly output: string;
  /** Whether the process still runs. */
  readonly isAlive: boolean;
  kill(): Promise<void>;
}

class ServerUnderAttack implements Target {
  readonly child: ChildProcess;
  port = 0;
  output = '';

  constructor(child: ChildProcess) {
    this.child = child;
    const keep = (chunk: Buffer) => void (this.output = (this.output + chunk.toString()).slice(-OUTPUT_CHARACTERS_MAX));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
  }

  get isAlive(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async kill(): Promise<void> {
    if (!this.isAlive) return;
    const exited = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await exited;
  }
}

/** The stock server. `options` are those of its `PeerServer`. */
export async function startStock(options: object = {}): Promise<Target> {
  const target = new ServerUnderAttack(fork(join(import.meta.dirname, 'stock-server.mjs'), [JSON.stringify(options)], { stdio: 'pipe' }));
  const [{ port }] = (await once(target.child, 'message')) as [{ readonly port: number }];
  target.port = port;
  return target;
}

/** What the stock server holds now. */
export async function holdings(stock: Target): Promise<{ readonly connections: number; readonly memoryBytes: number }> {
  const said = once(stock.child, 'message');
  stock.child.send('?');
  const [answer] = (await said) as [{ readonly connections: number; readonly memoryBytes: number }];
  return answer;
}

/** Our server's program, built once a test file. */
export class OurBuild {
  readonly #dir = mkdtempSync(join(tmpdir(), 'volley-attack-'));

  constructor() {
    const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
    execFileSync(process.execPath, [tsc, '-p', 'peer-server/tsconfig.json', '--outDir', join(this.#dir, 'dist', 'server')], { cwd: ROOT });
    symlinkSync(join(ROOT, 'node_modules'), join(this.#dir, 'node_modules'));
    writeFileSync(join(this.#dir, 'package.json'), '{"type":"module"}');
  }

  /** Ours, listening. `env` is added to its environment. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<Target> {
    const main = join(this.#dir, 'dist', 'server', 'peer-server', 'main.js');
    const child = spawn(process.execPath, [main, '--api-only'], {
      cwd: tmpdir(),
      env: { ...process.env, HOST: '127.0.0.1', PORT: '0', ICE_SERVERS: '[]', LOG_FORMAT: 'json', ...env },
    });
    const target = new ServerUnderAttack(child);
    while (target.port === 0) {
      await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
      if (!target.isAlive) throw new Error(`our server ended instead of starting:\n${target.output}`);
      target.port = Number(/"port":(\d+)/.exec(target.output)?.[1] ?? 0);
    }
    return target;
  }

  remove(): void {
    rmSync(this.#dir, { recursive: true });
  }
}

/** Whether a server still registers clients and relays between them. */
export async function doesRelay({ port }: Target, name: string): Promise<boolean> {
  const [ada, bob] = await Promise.all(['a', 'b'].map((end) => SignalClient.open(port, { id: `${name}-${end}`, from: HONEST })));
  ada!.send(offer(`${name}-b`));
  const { type, src } = await bob!.next();
  await Promise.all([ada!.leave(), bob!.leave()]);
  return type === 'OFFER' && src === `${name}-a`;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** One HTTP request from this address, on a connection of its own. */
export function ask(
  { port }: Target,
  from: string,
  path: string,
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>>; readonly body?: string } = {},
): Promise<Answer> {
  const { method = 'GET', headers = {}, body = '' } = options;
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, localAddress: from, agent: false, method, path, headers: { ...headers, ...length } },
      (response) => {
        let text = '';
        response.on('data', (chunk) => (text += String(chunk)));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: text }));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

/** Resolves when this end of a connection is closed, by whatever. */
export function ended(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) resolve();
    else socket.once('close', () => resolve());
  });
}

let pairs = 0;

/** Runs an attack on ours while two honest clients signal; fails unless every frame of theirs arrives, in order, and nothing else. */
export async function whileHonestPlay(ours: Target, attack: () => Promise<void>): Promise<void> {
  const pair = await HonestPair.open(ours.port);
  try {
    await pair.frames(HONEST_CANDIDATES / 2);
    await attack();
    await pair.frames(2 * HONEST_CANDIDATES);
  } finally {
    await pair.stop();
  }
  if (!ours.isAlive) throw new Error(`our server ended:\n${ours.output}`);
}

class HonestPair {
  readonly #ada: SignalClient;
  readonly #bob: SignalClient;
  readonly #name: string;
  #exchanged = 0;
  #isStopped = false;
  #failure: unknown;
  #run: Promise<void>;

  private constructor(ada: SignalClient, bob: SignalClient, name: string) {
    this.#ada = ada;
    this.#bob = bob;
    this.#name = name;
    this.#run = this.#play().catch((error: unknown) => void (this.#failure = error));
  }

  static async open(port: number): Promise<HonestPair> {
    const name = `honest-${pairs++}`;
    const open = (id: string) => SignalClient.open(port, { id, token: `token-of-${id}`, from: HONEST });
    const [ada, bob] = await Promise.all([open(`${name}-a`), open(`${name}-b`)]);
    return new HonestPair(ada, bob, name);
  }

  /** Resolves when so many more have arrived. */
  async frames(count: number): Promise<void> {
    for (const until = this.#exchanged + count; this.#exchanged < until;) {
      if (this.#failure !== undefined) throw this.#failure;
      await new Promise((done) => setTimeout(done, HONEST_PAUSE_MS));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#run;
    this.#ada.close();
    this.#bob.close();
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Dials of one offer, one answer and the candidates of both. */
  async #play(): Promise<void> {
    const [a, b] = [`${this.#name}-a`, `${this.#name}-b`];
    for (let dial = 0; !this.#isStopped; dial++) {
      const connectionId = `dc_${dial}`;
      await this.#pass(this.#ada, this.#bob, { ...offer(b, { connectionId }), src: a });
      await this.#pass(this.#bob, this.#ada, { ...answer(a), src: b });
      for (let i = 0; i < HONEST_CANDIDATES && !this.#isStopped; i++) {
        const payload = { candidate: { candidate: `candidate:${i}` }, type: 'data', connectionId };
        await this.#pass(this.#ada, this.#bob, { ...candidate(b), payload, src: a });
        await this.#pass(this.#bob, this.#ada, { ...candidate(a), payload, src: b });
      }
    }
  }

  async #pass(from: SignalClient, to: SignalClient, frame: object): Promise<void> {
    from.send(frame);
    const arrived = JSON.stringify(sorted(await to.next()));
    const sent = JSON.stringify(sorted(frame));
    if (arrived !== sent) throw new Error(`an honest client sent ${sent} and the other got ${arrived}`);
    this.#exchanged++;
    await new Promise((done) => setTimeout(done, HONEST_PAUSE_MS));
  }
}

function sorted(frame: object): object {
  return Object.fromEntries(Object.entries(frame).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
