/**
 * Two pages over an emulated WAN: a stream of states from a to b as a host sends them, and voices between a and b that are turned on and off
 * while it runs, so that both are measured in the same minute, on the same machine, over the same network.
 */
import { resolve } from 'node:path';
import { chromium, type Page } from 'playwright';
import { build } from 'vite';
import { CHROMIUM_FLAGS, ensureChromium } from '../../harness/chromium.ts';
import { type Ages, agesOf, quantile, type Span } from '../sctp/age.ts';
import { BENCH_FLAGS } from '../wan/chromium-player.ts';
import { cleanOf, Closing } from '../wan/match.ts';
import { sleep } from '../wan/polling.ts';
import { startRelay, startServer } from '../wan/processes.ts';
import { WAN_PROFILES, type WanProfileName } from '../wan/profiles.ts';
import { installStreams } from '../wan/stream-page.ts';
import { openWan, type Wan, type WanSide } from '../wan/wan.ts';

/** Seen from the project's root, where npm runs its scripts. */
const ENTRY = 'tests/bench/voice/voice-page.ts';
const RATE = 60;
/** Spare lanes open in the background, and calls connect. */
const SETTLE_MS = 4_000;
const CONNECT_TIMEOUT_MS = 30_000;
const AUTOPLAY_FLAG = '--autoplay-policy=no-user-gesture-required';

export interface VoiceCell {
  readonly profile: WanProfileName;
  /** Of side b: with how many a talks. */
  readonly voices: number;
  readonly bytes: number;
  readonly seconds: number;
  /** How often voice is turned on, and off. */
  readonly rounds: number;
  readonly seed: number;
}

export interface Phase {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly gaps: number;
  /** What side a put on the wire, IP headers included. */
  readonly kbitFromA: number;
  /** Longest queue before the cap that a's packets met, the median. */
  readonly queueMsP50: number;
  /** Delivered too late by the emulator: noise of the machine. */
  readonly lateShare: number;
}

export interface VoiceResult {
  readonly cell: VoiceCell;
  readonly off: Phase;
  readonly on: Phase;
  /** Of one voice on its way to one listener, as its page counts it: RTP and its headers, without UDP and IP. */
  readonly voiceKbit: number;
  readonly voicePacketsPerSecond: number;
  readonly jankMs: number;
}

interface Measured {
  readonly span: Span;
  readonly isOn: boolean;
  readonly bytes: number;
  readonly queueMsP50: number;
  readonly late: number;
  readonly delivered: number;
}

export async function measureVoice(cell: VoiceCell): Promise<VoiceResult> {
  const closing = new Closing();
  try {
    const wan = closing.add(await openWan(cleanOf(cell.profile), cell.seed));
    const server = closing.add(await startServer(wan));
    const relay = closing.add(await startRelay(wan));
    const script = await pageScript();
    const openPage = async (side: WanSide): Promise<Page> => {
      const executablePath = wan.wrapperFor(side, ensureChromium());
      const browser = await chromium.launch({ executablePath, args: [...CHROMIUM_FLAGS, ...BENCH_FLAGS, AUTOPLAY_FLAG], headless: true });
      closing.add(browser);
      const page = await browser.newPage();
      await page.goto(relay.url);
      await page.evaluate(installStreams);
      await page.addScriptTag({ content: script });
      return page;
    };
    const [a, b] = [await openPage('a'), await openPage('b')];
    const [address] = await Promise.all([b, a].map((page) => page.evaluate((url) => window.oursPage.register(url), server.url)));
    const isCalled = b.evaluate(() => window.oursPage.connect(undefined));
    await Promise.all([isCalled, a.evaluate((callee) => window.oursPage.connect(callee), address)]);
    const open = (page: Page, count: number): Promise<string[]> =>
      page.evaluate(([url, count]) => window.voiceBench.open(url, count), [server.url, count] as const);
    const others = { a: await open(b, cell.voices), b: await open(a, 1) };
    await sleep(SETTLE_MS);
    return await measure({ cell, wan, a, b, others });
  } finally {
    await closing.close();
  }
}

interface Rig {
  readonly cell: VoiceCell;
  readonly wan: Wan;
  readonly a: Page;
  readonly b: Page;
  readonly others: { readonly a: readonly string[]; readonly b: readonly string[] };
}

async function measure({ cell, wan, a, b, others }: Rig): Promise<VoiceResult> {
  const { seconds, rounds, bytes } = cell;
  wan.apply(WAN_PROFILES[cell.profile], cell.seed);
  const sendSeconds = 2 * rounds * (seconds + SETTLE_MS / 1000 + CONNECT_TIMEOUT_MS / 1000);
  void a.evaluate((plan) => window.streamPage.send(plan), { bytes, rate: RATE, seconds: sendSeconds }).catch(() => undefined);
  await sleep(SETTLE_MS);
  const measured: Measured[] = [];
  let voice = { packets: 0, bytes: 0 };
  for (let n = 0; n < 2 * rounds; n++) {
    const isOn = n % 2 === 1;
    if (isOn) await talk(a, b, others);
    else for (const page of [a, b]) await page.evaluate(() => window.voiceBench.leave());
    await sleep(SETTLE_MS);
    await wan.counters();
    const before = await a.evaluate(() => window.voiceBench.calls());
    const fromMs = Date.now();
    await sleep(seconds * 1000);
    const span = { fromMs, toMs: Date.now() };
    const counters = (await wan.counters()).a;
    const after = await a.evaluate(() => window.voiceBench.calls());
    if (isOn) voice = { packets: voice.packets + after.packets - before.packets, bytes: voice.bytes + after.bytes - before.bytes };
    measured.push({ span, isOn, ...counters });
  }
  const { times, jankMs } = await b.evaluate(() => window.streamPage.arrived());
  const perVoice = rounds * seconds * cell.voices;
  return {
    cell,
    off: phaseOf(
      measured.filter(({ isOn }) => !isOn),
      times,
    ),
    on: phaseOf(
      measured.filter(({ isOn }) => isOn),
      times,
    ),
    voiceKbit: (voice.bytes * 8) / 1000 / perVoice,
    voicePacketsPerSecond: voice.packets / perVoice,
    jankMs,
  };
}

/** Turns voice on at both ends, and waits until each hears each. */
async function talk(a: Page, b: Page, others: Rig['others']): Promise<void> {
  await Promise.all([a.evaluate((to) => window.voiceBench.join(to), others.a), b.evaluate((to) => window.voiceBench.join(to), others.b)]);
  const giveUpAtMs = Date.now() + CONNECT_TIMEOUT_MS;
  for (;;) {
    const [here, there] = await Promise.all([a, b].map((page) => page.evaluate(() => window.voiceBench.calls())));
    if (here?.connected === others.a.length && there?.connected === others.a.length) return;
    if (Date.now() > giveUpAtMs) throw new Error(`of ${others.a.length} calls ${here?.connected} and ${there?.connected} connected`);
    await sleep(100);
  }
}

function phaseOf(measured: readonly Measured[], times: readonly number[]): Phase {
  const ages: Ages[] = measured.map(({ span }) => agesOf(times, span));
  const sorted = Float64Array.from(ages.flatMap(({ sorted: some }) => [...some])).sort();
  const sum = (of: (one: Measured) => number): number => measured.reduce((total, one) => total + of(one), 0);
  return {
    p50Ms: quantile(sorted, 0.5),
    p99Ms: quantile(sorted, 0.99),
    gaps: ages.reduce((total, { gaps }) => total + gaps, 0),
    kbitFromA: (sum(({ bytes }) => bytes) * 8) / sum(({ span }) => span.toMs - span.fromMs),
    queueMsP50: Math.max(...measured.map(({ queueMsP50 }) => queueMsP50)),
    lateShare:
      sum(({ late }) => late) /
      Math.max(
        1,
        sum(({ delivered }) => delivered),
      ),
  };
}

async function pageScript(): Promise<string> {
  const built = await build({
    configFile: false,
    root: process.cwd(),
    logLevel: 'warn',
    build: {
      write: false,
      minify: false,
      target: 'es2022',
      lib: { entry: resolve(ENTRY), formats: ['iife'], name: 'voices' },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const outputs = Array.isArray(built) ? built : [built];
  const chunk = outputs.flatMap((one) => ('output' in one ? one.output : [])).find(({ type }) => type === 'chunk');
  if (chunk?.type !== 'chunk') throw new Error(`${ENTRY} was bundled into nothing`);
  return chunk.code;
}
