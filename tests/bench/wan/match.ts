/**
 * One match of the real game, played by its bots over the emulated WAN and measured by the recorders in the players' pages. The host and the
 * server are on side a, all guests on side b. Everybody comes in over a clean path, then the network turns bad.
 */
import { type Ages, agesOf, freshAfterMs } from '../sctp/age.ts';
import { cpuTimes, type CpuUse, cpuUse } from '../sctp/cpu.ts';
import { type Crowd, type CrowdKind, openCrowd } from './crowd.ts';
import { deliveriesOf, INPUT, SNAPSHOT, type Stream, streamOf, timesOf, type Waiting, waitingOf } from './deliveries.ts';
import { openPlayer } from './open-player.ts';
import type { Packet, Player, PlayerKind, PlayerLog, PlayerStats } from './player.ts';
import { sleep } from './polling.ts';
import { startServer } from './processes.ts';
import { WAN_PROFILES, type WanProfile, type WanProfileName } from './profiles.ts';
import { openWan, type Wan, type WanCounters, type WanSide } from './wan.ts';

/** On the network under test, not counted. */
export const WARM_UP_MS = 3_000;
export const OUTAGE_MS = 3_000;
/** Of the measured time, when the path goes. */
export const OUTAGE_AT = 0.3;
/** So young a state is fresh again, on a path of 50 ms. */
export const FRESH_MS = 150;
/** Packets under way when the logs begin are of no known age. */
const BEFORE_SPAN_MS = 500;
/** A match that has ended says nothing about networks. */
const STILL_PLAYING_MS = 5_000;
const LOADING_LOOK_MS = 500;
const LOADING_MS_MAX = 20_000;
/** What a host sends one guest, at most: a page that loads takes more. */
const PLAYING_KBIT_MAX = 250;
const NAMES = ['Bob', 'Cyd', 'Dan', 'Eve', 'Fay', 'Gus', 'Hal'];

export interface MatchPlan {
  readonly profile: WanProfileName;
  readonly seed: number;
  readonly seconds: number;
  readonly players: 2 | 8;
  /** The host, and the first guest. */
  readonly pair: readonly [PlayerKind, PlayerKind];
  readonly crowd: CrowdKind;
}

/** How one direction between host and guest fared. */
export interface Direction {
  readonly ages: Ages;
  /** As it arrived. */
  readonly arrived: Stream;
  /** After an outage. */
  readonly freshAfterMs: number | undefined;
}

export interface GuestFigures {
  readonly name: string;
  readonly state: Direction;
  readonly input: Direction;
  readonly waiting: Waiting;
  readonly jankMs: number;
  readonly stats: PlayerStats;
}

export interface MatchResult {
  readonly plan: MatchPlan;
  readonly host: { readonly sent: Stream; readonly waiting: Waiting; readonly jankMs: number; readonly stats: PlayerStats };
  /** The first one has a browser of its own; the others share one, in hidden tabs. */
  readonly guests: readonly GuestFigures[];
  readonly wire: Readonly<Record<WanSide, WanCounters>>;
  readonly wireSeconds: number;
  readonly cpu: CpuUse;
}

/** The network while players come in: as far away, otherwise harmless. */
export function cleanOf(profile: WanProfileName): WanProfile {
  return { ...WAN_PROFILES.lan, delayMs: WAN_PROFILES[profile].delayMs };
}

/** Whoever is opened later is closed earlier. */
export class Closing {
  readonly #closers: (() => Promise<void>)[] = [];

  add<T extends { close(): Promise<void> }>(one: T): T {
    this.#closers.push(() => one.close());
    return one;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close().catch((error: unknown) => console.error(error));
  }
}

export async function playMatch(plan: MatchPlan): Promise<MatchResult> {
  const closing = new Closing();
  try {
    const wan = closing.add(await openWan(cleanOf(plan.profile), plan.seed));
    const { url } = closing.add(await startServer(wan));
    const [hostKind, guestKind] = plan.pair;
    // So many bots are done with each other within a minute: the match begins when all are there.
    const isWaiting = plan.players > 2;
    const host = closing.add(await openPlayer(hostKind, { wan, side: 'a', url, role: 'host', name: 'Ada', isWaiting }));
    const code = await host.code();
    const guest = closing.add(await openPlayer(guestKind, { wan, side: 'b', url, role: 'guest', code, name: NAMES[0] as string }));
    const names = NAMES.slice(1, plan.players - 1);
    const crowd: Crowd | undefined =
      names.length === 0 ? undefined : closing.add(await openCrowd(plan.crowd, { wan, side: 'b', url, code, names }));
    const players = [host, guest, ...(crowd?.players ?? [])];
    if (isWaiting) await host.start();
    await Promise.all(players.map((player) => player.playing()));
    return await measure(plan, wan, players);
  } finally {
    await closing.close();
  }
}

async function measure(plan: MatchPlan, wan: Wan, players: readonly Player[]): Promise<MatchResult> {
  const { profile, seed, seconds } = plan;
  await untilLoaded(wan, plan.players);
  wan.apply(WAN_PROFILES[profile], seed);
  await sleep(WARM_UP_MS);
  const before = cpuTimes();
  await Promise.all(players.map((player) => player.begin()));
  await wan.counters();
  const span = { fromMs: Date.now() + BEFORE_SPAN_MS, toMs: Date.now() + BEFORE_SPAN_MS + seconds * 1000 };
  let pathReturnsMs: number | undefined;
  if (profile === 'outage') {
    await sleep(BEFORE_SPAN_MS + seconds * 1000 * OUTAGE_AT);
    wan.cut(OUTAGE_MS);
    pathReturnsMs = Date.now() + OUTAGE_MS;
  }
  await sleep(span.toMs - Date.now());
  const wire = await wan.counters();
  const cpu = cpuUse(before, cpuTimes());
  const stats = await Promise.all(players.map((player) => player.stats()));
  const logs = await Promise.all(players.map(async (player) => until(span.toMs, await player.log())));
  await stillPlaying(players[0] as Player);

  const [hostLog, ...guestLogs] = logs as [PlayerLog, ...PlayerLog[]];
  const wireSeconds = seconds + BEFORE_SPAN_MS / 1000;
  const directionOf = (from: PlayerLog, to: PlayerLog, type: number): Direction => {
    const deliveries = deliveriesOf(from.sent, to.received, type);
    const times = timesOf(deliveries);
    return {
      ages: agesOf(times, span),
      arrived: streamOf(
        deliveries.map(({ packet }) => packet),
        wireSeconds,
      ),
      freshAfterMs: pathReturnsMs === undefined ? undefined : freshAfterMs(times, pathReturnsMs, FRESH_MS),
    };
  };
  return {
    plan,
    host: {
      sent: streamOf(
        hostLog.sent.filter(({ type }) => type === SNAPSHOT),
        wireSeconds,
      ),
      waiting: waitingOf(hostLog.sent),
      jankMs: hostLog.jankMs,
      stats: stats[0] ?? {},
    },
    guests: guestLogs.map((log, n) => ({
      name: NAMES[n] as string,
      state: directionOf(hostLog, log, SNAPSHOT),
      input: directionOf(log, hostLog, INPUT),
      waiting: waitingOf(log.sent),
      jankMs: log.jankMs,
      stats: stats[n + 1] ?? {},
    })),
    wire,
    wireSeconds,
    cpu,
  };
}

/** The pages' last parts (what draws) are still on their way while the match begins already, over the same path. */
async function untilLoaded(wan: Wan, players: number): Promise<void> {
  const giveUpAtMs = Date.now() + LOADING_MS_MAX;
  await wan.counters();
  do {
    await sleep(LOADING_LOOK_MS);
    const { a } = await wan.counters();
    if ((a.bytes * 8) / LOADING_LOOK_MS < PLAYING_KBIT_MAX * (players - 1)) return;
  } while (Date.now() < giveUpAtMs);
  throw new Error('the pages are still loading');
}

function until(toMs: number, { sent, received, jankMs }: PlayerLog): PlayerLog {
  const isBefore = ({ atMs }: Packet): boolean => atMs < toMs;
  return { sent: sent.filter(isBefore), received: received.filter(isBefore), jankMs };
}

async function stillPlaying(host: Player): Promise<void> {
  const asked = host.playing().then(
    () => true,
    () => false,
  );
  if (!(await Promise.race([asked, sleep(STILL_PLAYING_MS).then(() => false)]))) throw new Error('the match ended while it was measured');
}
