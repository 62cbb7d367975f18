/** What goes wrong for people gets its own clear message; what goes wrong on the wire is counted, and nothing else breaks. */
import type { Browser } from 'playwright';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { launchChromium, PlayerPage, startMatch } from '../harness/player-page.ts';
import { ServerProcess } from '../harness/server-process.ts';

/** A peer that vanishes without a word is given up after several seconds of silence. */
const SILENCE_TOLD_WITHIN_MS = 60_000;

let browser: Browser;
beforeAll(async () => {
  browser = await launchChromium();
});
// Matches that go on would take the machine from the next test.
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())));
afterAll(() => browser.close());

const openPage = (): Promise<PlayerPage> => PlayerPage.open(browser, inject('brokerUrl'));

/** The text of the alert once there is one; the page must be back in the menu, ready for another attempt. */
async function alertOf(player: PlayerPage, timeout = 30_000): Promise<string> {
  await expect.poll(async () => (await player.alert.allInnerTexts()).join(' ').trim(), { timeout }).not.toBe('');
  await expect.poll(() => player.status()).toBe('menu');
  await player.button('Host a game').waitFor();
  return (await player.alert.allInnerTexts()).join(' ').trim();
}

describe('in the menu', () => {
  test('a well-formed code that nobody has says so, and one can try again', async () => {
    const player = await openPage();
    await player.askToJoin('K7QX2M', 'Bob');
    const message = await alertOf(player);
    expect(message).toMatch(/code/i);
    expect(message).toBe(await player.page.evaluate(() => window.volley.error));
    await player.host('Bob');
  });

  test('what can be no code says something else', async () => {
    const player = await openPage();
    await player.askToJoin('K7QX2M', 'Bob');
    const unknown = await alertOf(player);
    await player.askToJoin('nonsense!', 'Bob');
    await expect.poll(async () => (await player.alert.allInnerTexts()).join(' ').trim()).not.toBe(unknown);
    expect(await alertOf(player)).toMatch(/code/i);
  });

  test('a wrong code in the address says so too', async () => {
    const player = await PlayerPage.open(browser, `${inject('brokerUrl')}/?join=K7QX2M&name=Bob`);
    expect(await alertOf(player)).toMatch(/code/i);
  });

  test('a code is forgiven its case, spaces and dashes', async () => {
    const [host, guest] = [await openPage(), await openPage()];
    const code = await host.host('Ada');
    await guest.join(` ${code.slice(0, 3).toLowerCase()}-${code.slice(3)} `, 'Bob');
    expect(await guest.page.evaluate(() => window.volley.code)).toBe(code);
  });

  test('a broker out of reach is named as the cause, for host and guest alike', async () => {
    const server = await ServerProcess.start();
    const [host, guest] = await Promise.all([PlayerPage.open(browser, server.url), PlayerPage.open(browser, server.url)]);
    await server.kill();
    await host.textbox('Your name').fill('Ada');
    await host.button('Host a game').click();
    await guest.askToJoin('K7QX2M', 'Bob');
    expect(await alertOf(host)).toMatch(/reach|server|connect/i);
    const guestMessage = await alertOf(guest);
    expect(guestMessage).toMatch(/reach|server|connect/i);
    // The code may well be right: it must not be blamed.
    expect(guestMessage).not.toMatch(/wrong|unknown code|no lobby/i);
  });
});

describe('a name', () => {
  test('with markup and 10,000 characters shows as text, cut, on every screen', async () => {
    const [host, guest] = [await openPage(), await openPage()];
    const markup = `<img src=x onerror="window.isPwned=true"><b>${'x'.repeat(10_000)}`;
    const code = await host.host('Ada');
    await guest.join(code, markup);
    for (const player of [host, guest]) {
      await expect.poll(() => player.players.count()).toBe(2);
      const shown = await player.players.nth(1).locator('bdi').innerText();
      expect(markup.startsWith(shown)).toBe(true);
      expect(shown.length).toBeGreaterThan(0);
      expect([...shown].length).toBeLessThanOrEqual(20);
      expect(await player.players.locator('img, b').count()).toBe(0);
      expect(await player.page.evaluate(() => 'isPwned' in window)).toBe(false);
      expect(player.problems).toEqual([]);
    }
  });
});

describe('in a room', () => {
  test('a host who closes the tab is missed by name of the role, in the menu', async () => {
    const [host, guest] = [await openPage(), await openPage()];
    await startMatch(host, guest);
    await host.page.close({ runBeforeUnload: true });
    expect(await alertOf(guest, SILENCE_TOLD_WITHIN_MS)).toMatch(/host/i);
  });

  test('a second tab of the same player is offered the choice; taking over moves the seat', async () => {
    const [host, first] = [await openPage(), await openPage()];
    const code = await host.host('Ada');
    await first.join(code, 'Bob');
    const second = await PlayerPage.openTab(first.page.context(), inject('brokerUrl'));
    await second.askToJoin(code, 'Bob');
    expect(await alertOf(second)).toMatch(/already|another tab/i);
    expect(await first.status()).toBe('lobby');
    await second.button('Play here instead').click();
    await expect.poll(() => second.status()).toBe('lobby');
    expect(await alertOf(first)).not.toBe('');
    await expect.poll(() => host.players.count()).toBe(2);
  });

  test('a second tab may also be a player of its own', async () => {
    const [host, first] = [await openPage(), await openPage()];
    const code = await host.host('Ada');
    await first.join(code, 'Bob');
    const second = await PlayerPage.openTab(first.page.context(), inject('brokerUrl'));
    await second.askToJoin(code, 'Bob too');
    await alertOf(second);
    await second.button('Join as a second player').click();
    await expect.poll(() => second.status()).toBe('lobby');
    await expect.poll(() => host.players.count()).toBe(3);
    expect(await first.status()).toBe('lobby');
  });
});

/** `cut short` and `stretched` are packets of the running match that lose a byte or gain some on their way out. */
const HOSTILE_KINDS = ['unknown type', 'cut short', 'stretched', 'empty', 'oversized', 'text'] as const;

/** Sends through the page's own state channel what its netcode never would. Runs in the page. */
function sendHostile(kind: (typeof HOSTILE_KINDS)[number]): void {
  const noted = window.notedChannels.find(({ channel }) => channel.maxRetransmits === 0 && channel.readyState === 'open');
  if (noted === undefined) throw new Error('this page has no open state channel');
  switch (kind) {
    case 'unknown type':
      return noted.channel.send(new Uint8Array(64).fill(0xff));
    case 'empty':
      return noted.channel.send(new Uint8Array(0));
    case 'oversized':
      return noted.channel.send(new Uint8Array(20_000).fill(1));
    case 'text':
      return noted.channel.send('<script>alert(1)</script>');
    case 'cut short':
    case 'stretched':
      noted.spoil = { kind, messages: 5 };
  }
}

describe('on the wire', () => {
  test('a state packet that is bad, in whatever way, is counted, and nothing breaks', async () => {
    const [host, guest] = [await openPage(), await openPage()];
    await startMatch(host, guest);
    for (const kind of HOSTILE_KINDS) await sendBothWays(kind, [host, guest]);
    await guest.flyWith(['ArrowUp'], 20);
  });
});

async function sendBothWays(kind: (typeof HOSTILE_KINDS)[number], [host, guest]: readonly [PlayerPage, PlayerPage]): Promise<void> {
  for (const [sender, receiver] of [
    [guest, host],
    [host, guest],
  ] as const) {
    const before = await receiver.stats();
    const bad = async (): Promise<number> => {
      const { malformedPackets, droppedPackets } = await receiver.stats();
      // What is of another type may as well be a straggler of another match: dropped rather than malformed.
      return kind === 'unknown type' ? malformedPackets + droppedPackets : malformedPackets;
    };
    const badBefore = await bad();
    await sender.page.evaluate(sendHostile, kind);
    await expect.poll(bad, { message: kind }).toBeGreaterThan(badBefore);
    await expect.poll(async () => (await receiver.stats()).hostTick).toBeGreaterThan(before.hostTick + 60);
    expect(await receiver.status()).toBe('playing');
    expect(await sender.status()).toBe('playing');
    expect(receiver.problems).toEqual([]);
  }
}
