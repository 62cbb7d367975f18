/** Real pages for random lobbies: their program built once, served from memory, and opened in contexts of their own, as people are. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import type { Browser, BrowserContext, Page } from 'playwright';
import { build, type Rolldown } from 'vite';
import type { JoinFailure } from '../../netcode/index.ts';
import type { Call, PersonPage, Seen } from './random-lobby-stage.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const PROGRAM = 'tests/harness/random-lobby-page.ts';
const SMALL = { width: 480, height: 300 };

export interface PageServer {
  readonly url: string;
  close(): void;
}

/** Serves an empty page with the program. */
export async function servePage(): Promise<PageServer> {
  const built = await build({
    configFile: false,
    root: ROOT,
    logLevel: 'error',
    build: { write: false, minify: false, target: 'es2023', rolldownOptions: { input: resolve(ROOT, PROGRAM) } },
  });
  const { output } = built as Rolldown.RolldownOutput;
  const files = new Map(output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : file.source]));
  const entry = output.find((file) => file.type === 'chunk' && file.isEntry)!;
  const page = `<!doctype html><title>lobby</title><link rel="icon" href="data:,"><script type="module" src="/${entry.fileName}"></script>`;
  const server: Server = createServer(({ url = '/' }, response) => {
    const file = files.get(url);
    response.setHeader('content-type', url === '/' ? 'text/html' : 'text/javascript');
    response.statusCode = url === '/' || file !== undefined ? 200 : 404;
    response.end(url === '/' ? page : file);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, close: () => void server.close() };
}

export class BrowserPage implements PersonPage {
  /** Errors that no one caught, with which no test may end. */
  readonly problems: string[] = [];
  readonly #context: BrowserContext;
  readonly #urls: { readonly page: string; readonly broker: string };
  #page: Page | undefined;

  private constructor(context: BrowserContext, urls: { readonly page: string; readonly broker: string }) {
    this.#context = context;
    this.#urls = urls;
  }

  static async open(browser: Browser, urls: { readonly page: string; readonly broker: string }): Promise<BrowserPage> {
    const page = new BrowserPage(await browser.newContext({ viewport: SMALL }), urls);
    await page.#load();
    return page;
  }

  close(): Promise<void> {
    return this.#context.close();
  }

  host(options: Parameters<PersonPage['host']>[0]): Promise<string> {
    return this.#now.evaluate((told) => window.lobbyPage.host(told), { ...options, brokerUrl: this.#urls.broker });
  }

  join(code: string, options: Parameters<PersonPage['join']>[1]): Promise<JoinFailure | 'in'> {
    const told = { ...options, brokerUrl: this.#urls.broker };
    return this.#now.evaluate(([where, how]) => window.lobbyPage.join(where, how), [code, told] as const);
  }

  call(call: Call): Promise<unknown> {
    return this.#now.evaluate((told) => window.lobbyPage.held.call(told as unknown as Call), [...call]);
  }

  see(): Promise<Seen | undefined> {
    return this.#now.evaluate(() => window.lobbyPage.held.see());
  }

  async reload(): Promise<void> {
    await this.#now.reload();
    await this.#now.waitForFunction(() => 'lobbyPage' in window);
  }

  /** As if its process had been killed: no script of the page runs any more. */
  async crash(): Promise<void> {
    const dying = this.#now;
    const crashed = new Promise((done) => dying.once('crash', done));
    const devTools = await this.#context.newCDPSession(dying);
    // No page is left to answer.
    devTools.send('Page.crash').catch(() => undefined);
    await crashed;
    await dying.close();
    await this.#load();
  }

  get #now(): Page {
    return this.#page!;
  }

  async #load(): Promise<void> {
    this.#page = await this.#context.newPage();
    this.#page.on('pageerror', (error) => this.problems.push(String(error)));
    await this.#page.goto(this.#urls.page);
    await this.#page.waitForFunction(() => 'lobbyPage' in window);
  }
}
