/**
 * Two players in the real game, in two network namespaces, and a firewall between them that lets UDP through or not: whoever can reach the
 * server plays, over the best way there is, and a way that breaks in the middle of a match costs nobody their ship.
 * Needs Linux and root; elsewhere it is skipped, and says so.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { sleep } from '../bench/wan/polling.ts';
import { type Program, startServer } from '../bench/wan/processes.ts';
import { WAN_PROFILES } from '../bench/wan/profiles.ts';
import { openWan, type Wan, whyNoWan } from '../bench/wan/wan.ts';
import { ensureCoturn } from '../harness/coturn.ts';
import { startCoturnIn, TURN_PORT } from '../net/coturn-in-wan.ts';
import { NetworkedPlayer } from '../net/networked-player.ts';

/** The issue's own figures. */
const PLAYS_WITHIN_MS = 4_000;
const FALLS_BACK_WITHIN_MS = 3_000;
/** One way: players of one continent. */
const DELAY_MS = 25;
const SETTLED_MS = 2_000;

const why = whyNoWan();
if (why !== undefined) console.warn(`SKIPPED: players with a firewall between them. ${why}`);
const turn = ensureCoturn();
if ('why' in turn) console.warn(`SKIPPED: players with a firewall between them, through TURN. ${turn.why}`);

const opened: { close(): Promise<void> }[] = [];

function keep<T extends { close(): Promise<void> }>(one: T): T {
  opened.push(one);
  return one;
}

afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close();
});

interface Scene {
  readonly wan: Wan;
  readonly host: NetworkedPlayer;
  readonly guest: NetworkedPlayer;
  /** From the click on Join to the first of the game that came, and to the match. */
  readonly heardMs: number;
  readonly playsMs: number;
}

/** A match, the guest's page loaded before it joins. */
async function playOver(
  udp: Parameters<Wan['allowUdp']>[0],
  settings?: (wan: Wan) => Promise<Readonly<Record<string, string>>>,
): Promise<Scene> {
  const wan = keep(await openWan({ ...WAN_PROFILES.lan, delayMs: DELAY_MS }));
  wan.allowUdp(udp);
  const server: Program = keep(await startServer(wan, await settings?.(wan)));
  const host = keep(await NetworkedPlayer.open(wan, 'a', `${server.url}/?host&name=Ada&autostart`));
  await host.until('a code', () => host.page.evaluate(() => window.volley.code !== undefined));
  const code = await host.page.evaluate(() => window.volley.code!);
  const guest = keep(await NetworkedPlayer.open(wan, 'b', `${server.url}/?autostart`));
  await guest.page.getByRole('textbox', { name: 'Your name', exact: true }).fill('Bob');
  await guest.page.getByRole('textbox', { name: 'Invite code', exact: true }).fill(code);
  const joined = guest.page.getByRole('button', { name: 'Join', exact: true }).click();
  const heardMs = await guest.until('a word from the host', async () => (await guest.flow()).heardMs > 0 && (await guest.way()) !== 'none');
  await joined;
  const playsMs = heardMs + (await guest.until('a match', async () => (await guest.seen()).status === 'playing'));
  await guest.until('both ships', async () => Object.keys((await guest.seen()).ships).length === 2);
  return { wan, host, guest, heardMs, playsMs };
}

function say(what: string, ms: number): void {
  console.info(`${what}: ${Math.round(ms)} ms`);
}

describe.skipIf(why !== undefined)('a firewall that lets no UDP through', () => {
  test('costs a join nothing but the relay, is left behind when it opens, and when it closes nobody loses their ship', async () => {
    const { wan, host, guest, heardMs, playsMs } = await playOver('none');
    say('blocked: the guest hears the host through the relay after', heardMs);
    say('blocked: and is in the match after', playsMs);
    expect(heardMs).toBeLessThan(PLAYS_WITHIN_MS);
    expect([await host.way(), await guest.way()]).toEqual(['relay', 'relay']);
    await guest.until('the mark', () => guest.isMarked());
    const { ships } = await guest.seen();

    await guest.watchSilence();
    wan.allowUdp('all');
    const upgradedMs = await guest.until('a direct path', async () => (await guest.way()) === 'direct' && (await host.way()) === 'direct');
    say('opened: direct on both sides after', upgradedMs);
    await sleep(SETTLED_MS);
    say('opened: longest silence of the change, guest', (await guest.flow()).longestGapMs);
    expect(await guest.isMarked()).toBe(false);

    await Promise.all([guest.watchSilence(), host.watchSilence()]);
    wan.allowUdp('none');
    await sleep(500);
    const backMs = 500 + (await guest.until('the relay', async () => (await guest.way()) === 'relay' && (await host.way()) === 'relay'));
    say('closed in the match: through the relay on both sides after', backMs);
    const silenceMs = Math.max((await guest.flow()).longestGapMs, (await host.flow()).longestGapMs);
    say('closed in the match: longest silence of the change', silenceMs);
    expect(silenceMs).toBeLessThan(FALLS_BACK_WITHIN_MS);
    await sleep(SETTLED_MS);
    for (const player of [host, guest]) expect(await player.seen()).toEqual({ status: 'playing', error: '', ships });

    wan.allowUdp('all');
    say('opened again: direct after', await guest.until('a direct path', async () => (await guest.way()) === 'direct'));
    await sleep(SETTLED_MS);

    // The guest goes on hearing the host for seconds, and the browsers take as long to notice.
    await host.watchSilence();
    wan.allowUdp('none', 'b');
    await sleep(500);
    await guest.until('the relay', async () => (await guest.way()) === 'relay' && (await host.way()) === 'relay');
    const unheardMs = (await host.flow()).longestGapMs;
    say('closed for what the guest sends: longest silence of the change', unheardMs);
    expect(unheardMs).toBeLessThan(FALLS_BACK_WITHIN_MS);
    await sleep(SETTLED_MS);
    for (const player of [host, guest]) expect(await player.seen()).toEqual({ status: 'playing', error: '', ships });
  });
});

describe.skipIf(why !== undefined || 'why' in turn)('a firewall that lets UDP through to a TURN server alone', () => {
  test('is played through by TURN, within the same time', async () => {
    if ('why' in turn) return;
    const { guest, host, heardMs, playsMs } = await playOver(TURN_PORT, async (wan) => {
      const coturn = keep(await startCoturnIn(wan, turn.path));
      return { TURN_URLS: coturn.url, TURN_SECRET: coturn.secret };
    });
    say('TURN only: the guest hears the host after', heardMs);
    say('TURN only: and is in the match after', playsMs);
    expect(heardMs).toBeLessThan(PLAYS_WITHIN_MS);
    await guest.until('data channels', async () => (await guest.way()) === 'direct' && (await host.way()) === 'direct');
    await guest.until('the mark', () => guest.isMarked());
  });
});

describe.skipIf(why !== undefined)('without a firewall', () => {
  test('no relay is opened', async () => {
    const { guest, host, heardMs } = await playOver('all');
    say('open: the guest hears the host after', heardMs);
    await sleep(SETTLED_MS);
    expect([(await guest.flow()).relays, (await host.flow()).relays]).toEqual([0, 0]);
    expect([await host.way(), await guest.way()]).toEqual(['direct', 'direct']);
  });
});
