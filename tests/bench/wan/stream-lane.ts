/** A WAN of its own with a blank page at each end, over which one stream after the other is sent: see stream-kinds.ts. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Browser, chromium, type Page } from 'playwright';
import { CHROMIUM_FLAGS, ensureChromium } from '../../harness/chromium.ts';
import { type Ages, agesOf, freshAfterMs } from '../sctp/age.ts';
import { BENCH_FLAGS } from './chromium-player.ts';
import { cleanOf, Closing, FRESH_MS, OUTAGE_AT, OUTAGE_MS, WARM_UP_MS } from './match.ts';
import { sleep } from './polling.ts';
import { oursScript } from './ours-script.ts';
import { type Program, startRelay, startServer } from './processes.ts';
import { WAN_PROFILES, type WanProfileName } from './profiles.ts';
import type { Payload, StreamKind } from './stream-kinds.ts';
import { installStreams, type StreamLog } from './stream-page.ts';
import { openWan, type Wan, WAN_ADDRESS, type WanCounters, type WanSide } from './wan.ts';

const RATE = 60;
/** Packets under way at the end are waited for. */
const LINGER_MS = 400;
const SPARES_MS = 4_000;
/** IP and UDP are the ideal's too; DTLS and SCTP are not: the ideal's packets are padded to the same size on the wire. */
const SCTP_OVER_UDP_BYTES = 65;
const UDP_SCRIPT = 'tests/bench/sctp/udp.py';
const UDP_PORT = 4_000;
const PEERJS_SCRIPT = 'node_modules/peerjs/dist/peerjs.min.js';

export interface StreamCell {
  readonly profile: WanProfileName;
  readonly kind: StreamKind;
  readonly payload: Payload;
  /** Of a packet. */
  readonly bytes: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface StreamResult {
  readonly cell: StreamCell;
  readonly ages: Ages;
  readonly sentPerSecond: number;
  /** As sent: ours sends fewer where there is room for fewer. */
  readonly bytesMean: number;
  readonly waitingMax: number;
  readonly jankMs: number;
  readonly freshAfterMs: number | undefined;
  readonly wire: Readonly<Record<WanSide, WanCounters>>;
  readonly wireSeconds: number;
}

interface Sent {
  readonly arrived: readonly number[];
  readonly fromMs: number;
  readonly sent: number;
  readonly bytesMean: number;
  readonly waitingMax: number;
  readonly jankMs: number;
}

export class StreamLane {
  readonly #wan: Wan;
  readonly #closing: Closing;
  readonly #server: Program;
  readonly #relay: Program;
  readonly #a: Page;
  readonly #b: Page;
  #peers = 0;

  private constructor(wan: Wan, closing: Closing, [server, relay]: readonly [Program, Program], [a, b]: readonly [Page, Page]) {
    this.#wan = wan;
    this.#closing = closing;
    this.#server = server;
    this.#relay = relay;
    this.#a = a;
    this.#b = b;
  }

  static async open(): Promise<StreamLane> {
    const closing = new Closing();
    try {
      const wan = closing.add(await openWan(WAN_PROFILES.lan));
      const programs = [closing.add(await startServer(wan)), closing.add(await startRelay(wan))] as const;
      const openPage = async (side: WanSide): Promise<Page> => {
        const executablePath = wan.wrapperFor(side, ensureChromium());
        const browser: Browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS, ...BENCH_FLAGS], headless: true });
        closing.add(browser);
        return browser.newPage();
      };
      return new StreamLane(wan, closing, programs, [await openPage('a'), await openPage('b')]);
    } catch (error) {
      await closing.close();
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#closing.close();
  }

  async run(cell: StreamCell): Promise<StreamResult> {
    const wan = this.#wan;
    wan.apply(cleanOf(cell.profile), cell.seed);
    let pathReturnsMs: number | undefined;
    const begin = async (): Promise<void> => {
      wan.apply(WAN_PROFILES[cell.profile], cell.seed);
      await wan.counters();
      if (cell.profile !== 'outage') return;
      const cut = (): void => {
        wan.cut(OUTAGE_MS);
        pathReturnsMs = Date.now() + OUTAGE_MS;
      };
      setTimeout(cut, WARM_UP_MS + cell.seconds * OUTAGE_AT * 1000);
    };
    const sent = cell.kind === 'ideal' ? await this.#sendDatagrams(cell, begin) : await this.#sendFromPage(cell, begin);
    const fromMs = sent.fromMs + WARM_UP_MS;
    return {
      cell,
      ages: agesOf(sent.arrived, { fromMs, toMs: fromMs + cell.seconds * 1000 }),
      sentPerSecond: sent.sent / (cell.seconds + WARM_UP_MS / 1000),
      bytesMean: sent.bytesMean,
      waitingMax: sent.waitingMax,
      jankMs: sent.jankMs,
      freshAfterMs: pathReturnsMs === undefined ? undefined : freshAfterMs(sent.arrived, pathReturnsMs, FRESH_MS),
      wire: await wan.counters(),
      wireSeconds: cell.seconds + WARM_UP_MS / 1000,
    };
  }

  async #sendFromPage(cell: StreamCell, begin: () => Promise<void>): Promise<Sent> {
    const [a, b] = [this.#a, this.#b];
    const pages = [a, b];
    for (const page of pages) {
      await page.goto(this.#relay.url);
      await page.evaluate(installStreams);
    }
    try {
      await this.#connect(cell.kind);
      await Promise.all(pages.map((page) => page.evaluate(() => window.streamPage.ready())));
      await begin();
      const fromMs = Date.now();
      const plan = { bytes: cell.bytes, rate: RATE, seconds: cell.seconds + WARM_UP_MS / 1000 };
      const log: StreamLog = await a.evaluate((sent) => window.streamPage.send(sent), plan);
      await sleep(LINGER_MS);
      const { times, jankMs } = await b.evaluate(() => window.streamPage.arrived());
      return { ...log, arrived: times, fromMs, jankMs: Math.max(jankMs, log.jankMs) };
    } finally {
      await Promise.all(pages.map((page) => page.goto('about:blank')));
    }
  }

  async #connect(kind: StreamKind): Promise<void> {
    const [a, b] = [this.#a, this.#b];
    switch (kind) {
      case 'ideal':
        return;
      case 'bare': {
        const offer = await a.evaluate(() => window.streamPage.offer());
        const answer = await b.evaluate((sdp) => window.streamPage.answer(sdp), offer);
        await a.evaluate((sdp) => window.streamPage.accept(sdp), answer);
        return;
      }
      case 'websocket':
        for (const page of [a, b]) await page.evaluate((url) => window.streamPage.webSocket(url), this.#relay.url.replace('http', 'ws'));
        return;
      case 'peerjs-reliable':
      case 'peerjs-unreliable': {
        this.#peers += 1;
        const how = { url: this.#server.url, id: `stream-${this.#peers}`, isReliable: kind === 'peerjs-reliable' };
        for (const page of [a, b]) await page.addScriptTag({ path: PEERJS_SCRIPT });
        await b.evaluate((waiting) => window.streamPage.peer(waiting), { ...how, isWaiting: true });
        await a.evaluate((calling) => window.streamPage.peer(calling), { ...how, isWaiting: false });
        return;
      }
      case 'ours':
        return this.#connectOurs();
    }
  }

  async #connectOurs(): Promise<void> {
    const [a, b] = [this.#a, this.#b];
    const content = await oursScript();
    for (const page of [a, b]) await page.addScriptTag({ content });
    const register = (page: Page): Promise<string> => page.evaluate((url) => window.oursPage.register(url), this.#server.url);
    const [address] = await Promise.all([register(b), register(a)]);
    const isCalled = b.evaluate(() => window.oursPage.connect(undefined));
    await Promise.all([isCalled, a.evaluate((callee) => window.oursPage.connect(callee), address)]);
    // Its spare lanes open in the background, as in the seconds before a match.
    await sleep(SPARES_MS);
  }

  async #sendDatagrams(cell: StreamCell, begin: () => Promise<void>): Promise<Sent> {
    const receiver = this.#spawn('b', ['receive', String(UDP_PORT)]);
    const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
    await lines.next();
    await begin();
    const fromMs = Date.now();
    const [bytes, seconds] = [cell.bytes + SCTP_OVER_UDP_BYTES, cell.seconds + WARM_UP_MS / 1000];
    const sender = this.#spawn('a', ['send', WAN_ADDRESS.b, String(UDP_PORT), String(bytes), String(RATE), String(seconds)]);
    await once(sender, 'exit');
    await sleep(LINGER_MS);
    receiver.stdin.end();
    const { value } = await lines.next();
    const arrived = (JSON.parse(value ?? '[]') as [number, number][]).flat();
    // The interpreter takes its time to start.
    return { arrived, fromMs: arrived[0] ?? fromMs, sent: Math.floor(RATE * seconds), bytesMean: cell.bytes, waitingMax: 0, jankMs: 0 };
  }

  #spawn(side: WanSide, args: readonly string[]): ChildProcessByStdio<Writable, Readable, null> {
    const [command, ...prefix] = this.#wan.prefixFor(side);
    return spawn(command as string, [...prefix, 'nice', '-n', '-10', 'python3', UDP_SCRIPT, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
  }
}
