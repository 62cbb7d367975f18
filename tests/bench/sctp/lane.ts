/** A WAN of its own with a Chromium at each end. Cells of the experiment run on it one after the other, each with fresh associations. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { type Browser, chromium, type Page } from 'playwright';
import { CHROMIUM_FLAGS } from '../../harness/chromium.ts';
import { WAN_PROFILES, type WanProfileName } from '../wan/profiles.ts';
import { openWan, type Wan, WAN_ADDRESS, type WanCounters, type WanSide } from '../wan/wan.ts';
import { type Ages, agesOf, freshAfterMs, quantile } from './age.ts';
import { installRig } from './page.ts';
import type { Strategy } from './strategies.ts';
import { cpuTimes, type CpuUse, cpuUse } from './cpu.ts';

/** Not counted: the first moments on the network under test. */
const WARM_UP_MS = 1_000;
const OUTAGE_MS = 3_000;
/** Of the run, when the path goes. */
const OUTAGE_AT = 0.3;
/** So young a state is fresh again, on a path of 50 ms. */
const FRESH_MS = 150;
/** Packets under way at the end are waited for. */
const LINGER_MS = 400;
/** IP and UDP are the ideal's too; DTLS and SCTP are not: the ideal's packets are padded to the same size on the wire. */
const SCTP_OVER_UDP_BYTES = 65;
const UDP_SCRIPT = 'tests/bench/sctp/udp.py';
const UDP_PORT = 4_000;

export interface Cell {
  readonly profile: WanProfileName;
  readonly bytes: number;
  readonly rate: number;
  /** Undefined: datagrams without congestion control, the ideal. */
  readonly strategy: Strategy | undefined;
  readonly seed: number;
  readonly seconds: number;
}

export interface CellResult {
  readonly cell: Cell;
  readonly ages: Ages;
  readonly sentPerSecond: number;
  readonly lostShare: number;
  readonly waitingP99: number;
  readonly waitingMax: number;
  readonly inFlightP99: number;
  /** Of single connections, as the sender saw them: no ack for a round trip and 100 ms. */
  readonly stallsMs: readonly number[];
  readonly rttMs: number;
  /** The 99th hundredth of how late timers were in the worse of the two pages. */
  readonly jankMs: number;
  /** From the path's return to the first fresh state, if the path went. */
  readonly freshAfterMs: number | undefined;
  readonly wire: Readonly<Record<WanSide, WanCounters>>;
  readonly cpu: CpuUse;
}

interface Sent {
  readonly arrived: readonly number[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly sent: number;
  readonly waiting: readonly number[];
  readonly inFlight: readonly number[];
  readonly stallsMs: readonly number[];
  readonly rttMs: number;
  readonly jankMs: number;
}

const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

export class Lane {
  readonly #wan: Wan;
  readonly #browsers: readonly Browser[];
  readonly #a: Page;
  readonly #b: Page;

  private constructor(wan: Wan, browsers: readonly Browser[], [a, b]: readonly [Page, Page]) {
    this.#wan = wan;
    this.#browsers = browsers;
    this.#a = a;
    this.#b = b;
  }

  static async open(chromiumPath: string): Promise<Lane> {
    const wan = await openWan(WAN_PROFILES.lan);
    const browsers: Browser[] = [];
    const openPage = async (side: WanSide): Promise<Page> => {
      const args = [...CHROMIUM_FLAGS, '--disable-gpu', '--disable-features=WebRtcHideLocalIpsWithMdns'];
      const browser = await chromium.launch({ executablePath: wan.wrapperFor(side, chromiumPath), args, headless: true });
      browsers.push(browser);
      return browser.newPage();
    };
    try {
      return new Lane(wan, browsers, [await openPage('a'), await openPage('b')]);
    } catch (error) {
      await Promise.all(browsers.map((browser) => browser.close()));
      await wan.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#browsers.map((browser) => browser.close()));
    await this.#wan.close();
  }

  async run(cell: Cell): Promise<CellResult> {
    // Connections are made on a clean path: the experiment is about what becomes of them.
    this.#wan.apply({ ...WAN_PROFILES[cell.profile], lossPercent: 0, rateKbit: 0, isReordering: false }, cell.seed);
    const before = cpuTimes();
    const { strategy } = cell;
    const outage: { endsAtMs: number | undefined } = { endsAtMs: undefined };
    const begin = async (): Promise<void> => {
      this.#wan.apply(WAN_PROFILES[cell.profile], cell.seed);
      await this.#wan.counters();
      if (cell.profile !== 'outage') return;
      setTimeout(
        () => {
          this.#wan.cut(OUTAGE_MS);
          outage.endsAtMs = Date.now() + OUTAGE_MS;
        },
        cell.seconds * OUTAGE_AT * 1000,
      );
    };
    const sent = strategy === undefined ? await this.#sendDatagrams(cell, begin) : await this.#sendOver(cell, strategy, begin);
    const span = { fromMs: sent.fromMs + WARM_UP_MS, toMs: sent.toMs };
    const sortedWaiting = sent.waiting.toSorted((x, y) => x - y);
    return {
      cell,
      ages: agesOf(sent.arrived, span),
      sentPerSecond: sent.sent / cell.seconds,
      lostShare: 1 - sent.arrived.length / 2 / sent.sent,
      waitingP99: quantile(sortedWaiting, 0.99),
      waitingMax: sortedWaiting.at(-1) ?? 0,
      inFlightP99: quantile(
        sent.inFlight.toSorted((x, y) => x - y),
        0.99,
      ),
      stallsMs: sent.stallsMs,
      rttMs: sent.rttMs,
      jankMs: sent.jankMs,
      freshAfterMs: outage.endsAtMs === undefined ? undefined : freshAfterMs(sent.arrived, outage.endsAtMs, FRESH_MS),
      wire: await this.#wan.counters(),
      cpu: cpuUse(before, cpuTimes()),
    };
  }

  async #sendOver(cell: Cell, strategy: Strategy, begin: () => Promise<void>): Promise<Sent> {
    const [a, b] = [this.#a, this.#b];
    const pages = [a, b];
    // The same pages for all cells, emptied: a new one costs a second of both cores, which the neighbouring lanes would feel.
    for (const page of pages) {
      await page.goto('about:blank');
      await page.evaluate(installRig);
    }
    try {
      const count = strategy.connections + Number(strategy.reliable === 'apart');
      const lifeTimeMs = strategy.lifeTimeMs ?? null;
      const open = (page: Page, isOffering: boolean): Promise<string[]> =>
        page.evaluate(([n, ms, offers]) => window.sctpRig.open(n, ms, offers), [count, lifeTimeMs, isOffering] as const);
      const [offers] = await Promise.all([open(a, true), open(b, false)]);
      const answers = await b.evaluate((sdps) => window.sctpRig.answer(sdps), offers);
      await a.evaluate((sdps) => window.sctpRig.accept(sdps), answers);
      await Promise.all(pages.map((page) => page.evaluate(() => window.sctpRig.ready())));
      await begin();
      await Promise.all(pages.map((page) => page.evaluate(() => window.sctpRig.janked())));
      const fromMs = Date.now();
      const { name: _, what: __, ...plan } = strategy;
      const log = await a.evaluate((sent) => window.sctpRig.send(sent), {
        ...plan,
        bytes: cell.bytes,
        rate: cell.rate,
        seconds: cell.seconds,
      });
      const toMs = Date.now();
      await sleep(LINGER_MS);
      const arrived = await b.evaluate(() => window.sctpRig.arrived());
      const janked = await Promise.all(pages.map((page) => page.evaluate(() => window.sctpRig.janked())));
      return { ...log, jankMs: Math.max(...janked), arrived, fromMs, toMs, stallsMs: log.stalls.map(({ lastedMs }) => lastedMs) };
    } finally {
      await Promise.all(pages.map((page) => page.goto('about:blank')));
    }
  }

  async #sendDatagrams(cell: Cell, begin: () => Promise<void>): Promise<Sent> {
    const receiver = this.#spawn('b', ['receive', String(UDP_PORT)]);
    const lines = createInterface(receiver.stdout)[Symbol.asyncIterator]();
    await lines.next();
    await begin();
    const fromMs = Date.now();
    const bytes = cell.bytes + SCTP_OVER_UDP_BYTES;
    const sender = this.#spawn('a', ['send', WAN_ADDRESS.b, String(UDP_PORT), String(bytes), String(cell.rate), String(cell.seconds)]);
    await once(sender, 'exit');
    const toMs = Date.now();
    await sleep(LINGER_MS);
    receiver.stdin.end();
    const { value } = await lines.next();
    const arrived = (JSON.parse(value ?? '[]') as [number, number][]).flat();
    const sent = Math.floor(cell.rate * cell.seconds);
    // The interpreter takes its time to start.
    return { arrived, fromMs: arrived[0] ?? fromMs, toMs, sent, waiting: [0], inFlight: [0], stallsMs: [], rttMs: 0, jankMs: 0 };
  }

  #spawn(side: WanSide, args: readonly string[]): ChildProcessByStdio<Writable, Readable, null> {
    const [command, ...prefix] = this.#wan.prefixFor(side);
    return spawn(command as string, [...prefix, 'python3', UDP_SCRIPT, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  }
}
