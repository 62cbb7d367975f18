/**
 * A Chromium whose tabs can really be hidden. Playwright tells every page that it has the focus, which keeps it visible for
 * ever; here the DevTools protocol is spoken directly, and a tab behind another one is what it is for a user: not drawn,
 * its timers down to one a second.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { CHROMIUM_FLAGS } from './chromium.ts';

interface Reply {
  readonly id?: number;
  readonly result?: Readonly<Record<string, unknown>>;
  readonly error?: { readonly message: string };
}

interface Evaluated {
  readonly result: { readonly value?: unknown };
  readonly exceptionDetails?: { readonly text: string };
}

export class HideableChromium {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  private constructor(process: ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const reply = JSON.parse(data.toString()) as Reply;
      if (reply.id === undefined) return;
      this.#waiting.get(reply.id)?.(reply);
      this.#waiting.delete(reply.id);
    });
  }

  static async launch(executablePath: string): Promise<HideableChromium> {
    const profile = await mkdtemp(join(tmpdir(), 'volley-chromium-'));
    const process = spawn(
      executablePath,
      [...CHROMIUM_FLAGS, '--headless', '--remote-debugging-port=0', `--user-data-dir=${profile}`, 'about:blank'],
      {
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    const socket = new WebSocket(await debuggerAddress(process));
    await new Promise((done, fail) => socket.once('open', done).once('error', fail));
    return new HideableChromium(process, profile, socket);
  }

  /** Opens a tab in front of all others, which are hidden from then on. */
  async openTab(url: string): Promise<Tab> {
    const { targetId } = await this.send('Target.createTarget', { url });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    return new Tab(this, String(sessionId));
  }

  async close(): Promise<void> {
    this.#socket.close();
    const exited = new Promise((done) => this.#process.once('exit', done));
    this.#process.kill('SIGKILL');
    await exited;
    await rm(this.#profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }

  send(method: string, params: object, sessionId?: string): Promise<Readonly<Record<string, unknown>>> {
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((done, fail) => {
      this.#waiting.set(id, ({ result, error }) => {
        if (error === undefined) done(result ?? {});
        else fail(new Error(`${method}: ${error.message}`));
      });
      this.#socket.send(JSON.stringify({ id, method, params, ...(sessionId === undefined ? {} : { sessionId }) }));
    });
  }
}

export class Tab {
  readonly #browser: HideableChromium;
  readonly #sessionId: string;

  constructor(browser: HideableChromium, sessionId: string) {
    this.#browser = browser;
    this.#sessionId = sessionId;
  }

  /** The value of an expression (or what its promise resolves to), which must be plain JSON. */
  async evaluate(expression: string): Promise<unknown> {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = (await this.#browser.send('Runtime.evaluate', params, this.#sessionId)) as unknown as Evaluated;
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${exceptionDetails.text}`);
    return result.value;
  }
}

function debuggerAddress(process: ChildProcess): Promise<string> {
  return new Promise((done, fail) => {
    let output = '';
    process.once('error', fail);
    process.once('exit', (code) => fail(new Error(`Chromium ended (${String(code)}) instead of starting:\n${output}`)));
    process.stderr?.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-8_000);
      const address = /ws:\/\/\S+/.exec(output)?.[0];
      if (address !== undefined) done(address);
    });
  });
}
