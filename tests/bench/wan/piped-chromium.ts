/**
 * A Chromium in another network namespace, driven over a pipe: its DevTools port would be in that namespace too. Its tabs can really be hidden,
 * as tests/harness/hideable-chromium.ts says.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { CHROMIUM_FLAGS } from '../../harness/chromium.ts';

interface Reply {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string };
}

export class PipedChromium {
  readonly #process: ChildProcess;
  readonly #folder: string;
  readonly #out: Writable;
  readonly #waiting = new Map<number, { done: (result: Readonly<Record<string, unknown>>) => void; fail: (error: Error) => void }>();
  #lastId = 0;

  /** `command` is what runs Chromium there, and what comes before it. */
  constructor(command: readonly string[], flags: readonly string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), 'volley-crowd-'));
    const [file, ...before] = command;
    const args = [...before, ...CHROMIUM_FLAGS, ...flags, '--headless', '--remote-debugging-pipe', `--user-data-dir=${this.#folder}`];
    // It reads commands from the fourth and writes answers to the fifth file.
    this.#process = spawn(file as string, [...args, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    this.#out = this.#process.stdio[3] as Writable;
    this.#out.on('error', () => {});
    this.#process.once('error', (error) => this.#failAll(error));
    this.#process.once('exit', () => this.#failAll(new Error('Chromium has ended')));
    process.once('exit', this.#kill);
    const decoder = new TextDecoder();
    let text = '';
    (this.#process.stdio[4] as Readable).on('data', (chunk: Buffer) => {
      text += decoder.decode(chunk, { stream: true });
      const messages = text.split('\0');
      text = messages.pop() ?? '';
      for (const message of messages) this.#take(JSON.parse(message) as Reply);
    });
  }

  /** Opens a tab in front of all others, which are hidden from then on. `script` runs before the page's own. */
  async openTab(url: string, script?: string): Promise<PipedTab> {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const session = String(sessionId);
    await this.send('Page.enable', {}, session);
    if (script !== undefined) await this.send('Page.addScriptToEvaluateOnNewDocument', { source: script }, session);
    await this.send('Page.navigate', { url }, session);
    return { evaluate: (expression) => this.#evaluate(expression, session) };
  }

  send(method: string, params: object, sessionId?: string): Promise<Readonly<Record<string, unknown>>> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((done, fail) => {
      this.#waiting.set(id, { done, fail: (error) => fail(new Error(`${method}: ${error.message}`)) });
      this.#out.write(`${JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) })}\0`);
    });
  }

  async close(): Promise<void> {
    process.off('exit', this.#kill);
    const { exitCode, signalCode } = this.#process;
    if (exitCode === null && signalCode === null) {
      const exited = new Promise((done) => this.#process.once('exit', done));
      this.#process.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  readonly #kill = (): void => void this.#process.kill('SIGKILL');

  #take({ id, result, error }: Reply): void {
    const waiting = id === undefined ? undefined : this.#waiting.get(id);
    if (waiting === undefined || id === undefined) return;
    this.#waiting.delete(id);
    if (error === undefined) waiting.done(result ?? {});
    else waiting.fail(new Error(error.message));
  }

  #failAll(error: Error): void {
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }

  async #evaluate(expression: string, session: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await this.send('Runtime.evaluate', params, session)) as unknown as Evaluated;
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }
}

export interface PipedTab {
  /** The value of an expression (or what its promise resolves to), which must be plain JSON. */
  evaluate(expression: string): Promise<unknown>;
}
