/**
 * Two network namespaces of this machine with an emulated wide-area network between them (emulator.py does the work and
 * documents its commands). Needs Linux, root, TUN devices, Python 3.10 and iproute2; `whyNoWan` says what is missing.
 */
import { type ChildProcessByStdio, spawn, spawnSync } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import type { WanProfile } from './profiles.ts';

export type WanSide = 'a' | 'b';
export const WAN_ADDRESS: Readonly<Record<WanSide, string>> = { a: '10.77.0.1', b: '10.77.0.2' };

/** Seen from the project's root, where npm runs its scripts. */
const EMULATOR = 'tests/bench/wan/emulator.py';
const PYTHON_OLDEST = [3, 10] as const;
const ANSWER_TIMEOUT_MS = 10_000;
/** Of a service that has been dead for decades. */
const NOBODYS_PORT = 1;

/** What one side sent since it was last asked. */
export interface WanCounters {
  readonly packets: number;
  /** IP packets whole, headers included. */
  readonly bytes: number;
  readonly lost: number;
  readonly lostInOutage: number;
  readonly lostInQueue: number;
  /** The longest queue before the rate cap that a packet met. */
  readonly queueMsMax: number;
  /** What half of the packets met at most, and 95 % of them. */
  readonly queueMsP50: number;
  readonly queueMsP95: number;
  /** The shortest queue within a tenth of a second, in 95 % of these at most: what no pause between packets drains. */
  readonly queueMsStanding: number;
  readonly delivered: number;
  /** Delivered more than 5 ms after their time: the machine was too busy, and the figures are noise. */
  readonly late: number;
}

type Answer =
  | { readonly event: 'ready' }
  | { readonly event: 'failed'; readonly why: string }
  | { readonly event: 'refused'; readonly command: string }
  | ({ readonly event: 'counters' } & Readonly<Record<WanSide, WanCounters>>);

/** What keeps this machine from emulating a WAN, in words for its user; undefined if nothing does. */
export function whyNoWan(): string | undefined {
  if (process.platform !== 'linux') return `the emulated WAN needs Linux's network namespaces; this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'the emulated WAN needs root: it makes network namespaces and TUN devices';
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
  } catch {
    return 'the emulated WAN needs /dev/net/tun (in a container: --device /dev/net/tun --cap-add NET_ADMIN --cap-add SYS_ADMIN)';
  }
  if (spawnSync('ip', ['netns', 'list'], { stdio: 'ignore' }).status !== 0)
    return "the emulated WAN needs 'ip netns' (Debian's package iproute2)";
  const isNew = spawnSync('python3', ['-c', `import sys; sys.exit(sys.version_info < (${PYTHON_OLDEST.join(', ')}))`], { stdio: 'ignore' });
  if (isNew.status !== 0) return `the emulated WAN needs python3, ${PYTHON_OLDEST.join('.')} or newer`;
  return undefined;
}

let wansOpened = 0;

export class Wan {
  readonly #name: string;
  readonly #emulator: ChildProcessByStdio<Writable, Readable, null>;
  readonly #folder: string;
  readonly #answers: Answer[] = [];
  #onAnswer: (() => void) | undefined;
  #wrappers = 0;
  #isClosed = false;

  private constructor() {
    wansOpened += 1;
    // Short: a network device's name has 15 characters. Of this process alone, so that benches may run side by side.
    this.#name = `vw${process.pid}n${wansOpened}`;
    this.#folder = mkdtempSync(join(tmpdir(), 'volley-wan-'));
    // Ctrl-C ends the process wherever it is: no `finally` runs then.
    process.once('exit', this.#removeFolder);
    // The emulator ends with its stdin, and so with this process, however that ends.
    this.#emulator = spawn('python3', [EMULATOR, this.#name], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#emulator.stdin.on('error', () => {});
    createInterface(this.#emulator.stdout).on('line', (line) => {
      this.#answers.push(JSON.parse(line) as Answer);
      this.#onAnswer?.();
    });
    this.#emulator.once('exit', () => {
      this.#answers.push({ event: 'failed', why: 'the emulator has ended' });
      this.#onAnswer?.();
    });
  }

  /** Throws Error saying why if this machine can't. */
  static async open(profile: WanProfile, seed: number): Promise<Wan> {
    const why = whyNoWan();
    if (why !== undefined) throw new Error(why);
    const wan = new Wan();
    try {
      await wan.#answer('ready');
    } catch (error) {
      await wan.close();
      throw error;
    }
    wan.apply(profile, seed);
    return wan;
  }

  /** Put before a command, runs it on that side. */
  prefixFor(side: WanSide): readonly string[] {
    return ['ip', 'netns', 'exec', `${this.#name}-${side}`];
  }

  /** An executable file that is `command` with these flags on that side, for those who take only a path. Gone after `close`. */
  wrapperFor(side: WanSide, command: string, flags: readonly string[] = []): string {
    this.#wrappers += 1;
    const path = join(this.#folder, `${side}${this.#wrappers}.sh`);
    const quoted = [command, ...flags].map((word) => `'${word}'`).join(' ');
    // What is measured goes before what else this machine does.
    writeFileSync(path, `#!/bin/sh\nexec nice -n -10 ${this.prefixFor(side).join(' ')} ${quoted} "$@"\n`, { mode: 0o755 });
    return path;
  }

  /** Holds for packets sent from now on. The same seed throws the same dice. */
  apply(profile: WanProfile, seed: number): void {
    const { isReordering, rateKbitFromA, ...figures } = profile;
    for (const [key, value] of Object.entries({ ...figures, reorder: Number(isReordering) })) this.#say(`set ${key} ${value}`);
    if (rateKbitFromA !== undefined) this.#say(`set a rateKbit ${rateKbitFromA}`);
    this.#say(`seed ${seed}`);
  }

  /** Everything sent within the next milliseconds is lost. */
  cut(ms: number): void {
    this.#say(`outage ${ms}`);
  }

  /** From now on a firewall lets UDP through that has to do with this port alone; 'none': no UDP at all, 'all': any. `from`: of what that side sends, the other direction stays as it is. TCP is not touched. */
  allowUdp(port: number | 'none' | 'all', from?: WanSide): void {
    const whose = from === undefined ? '' : `${from} `;
    this.#say(`set ${whose}udpPort ${port === 'all' ? 0 : port === 'none' ? NOBODYS_PORT : port}`);
  }

  /** What each side sent since this was last asked. */
  async counters(): Promise<Readonly<Record<WanSide, WanCounters>>> {
    this.#say('counters');
    return this.#answer('counters');
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const emulator = this.#emulator;
    const hasExited = new Promise<void>((done) => emulator.once('exit', () => done()));
    emulator.stdin.end();
    if (emulator.exitCode === null && emulator.signalCode === null) await hasExited;
    process.off('exit', this.#removeFolder);
    this.#removeFolder();
  }

  readonly #removeFolder = (): void => rmSync(this.#folder, { recursive: true, force: true });

  #say(command: string): void {
    this.#emulator.stdin.write(`${command}\n`);
  }

  async #answer<Event extends Answer['event']>(event: Event): Promise<Extract<Answer, { readonly event: Event }>> {
    const answer = this.#answers.shift() ?? (await this.#nextAnswer());
    if (answer.event === event) return answer as Extract<Answer, { readonly event: Event }>;
    const why = answer.event === 'failed' ? answer.why : JSON.stringify(answer);
    throw new Error(`the emulated WAN said '${why}' instead of '${event}'`);
  }

  #nextAnswer(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('the emulated WAN does not answer')), ANSWER_TIMEOUT_MS);
      this.#onAnswer = () => {
        clearTimeout(timer);
        this.#onAnswer = undefined;
        resolve(this.#answers.shift() as Answer);
      };
    });
  }
}

export function openWan(profile: WanProfile, seed = 1): Promise<Wan> {
  return Wan.open(profile, seed);
}
