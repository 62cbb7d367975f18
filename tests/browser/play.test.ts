/** Two strangers play: two separate browser contexts, everything through the UI, on real WebRTC. */
import type { Browser } from 'playwright';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { distanceBetween, expectToConverge, launchChromium, PlayerPage, startMatch } from '../harness/player-page.ts';

describe('host and join through the UI', () => {
  let browser: Browser;
  let host: PlayerPage;
  let guest: PlayerPage;
  let code: string;

  beforeAll(async () => {
    browser = await launchChromium();
    [host, guest] = await Promise.all([PlayerPage.open(browser, inject('brokerUrl')), PlayerPage.open(browser, inject('brokerUrl'))]);
    code = await startMatch(host, guest);
  });
  afterAll(() => browser.close());

  test('the code is six symbols that do not look alike', () => {
    expect(code).toMatch(/^[23456789ACDEFGHJKMNPQRTVWXY]{6}$/);
  });

  test('the page says who it is', async () => {
    expect(await host.page.evaluate(() => [window.volley.role, window.volley.code])).toEqual(['host', code]);
    expect(await guest.page.evaluate(() => [window.volley.role, window.volley.code])).toEqual(['guest', code]);
  });

  test('both draw both ships, and each has one of its own', async () => {
    for (const player of [host, guest]) {
      await expect.poll(async () => (await player.ships()).length).toBe(2);
      expect((await player.ships()).filter(({ isMine }) => isMine)).toHaveLength(1);
    }
  });

  test('state goes over a channel that is neither ordered nor retransmitted', async () => {
    for (const player of [host, guest]) {
      const made = await player.page.evaluate(() =>
        window.notedChannels
          .filter(({ channel }) => channel.readyState === 'open')
          .map(({ options, channel }) => ({
            asked: options,
            ordered: channel.ordered,
            maxRetransmits: channel.maxRetransmits,
            maxPacketLifeTime: channel.maxPacketLifeTime,
          })),
      );
      expect(made).toContainEqual({
        asked: { negotiated: true, id: 100, ordered: false, maxRetransmits: 0 },
        ordered: false,
        maxRetransmits: 0,
        maxPacketLifeTime: null,
      });
    }
    expect((await guest.stats()).stateChannel).toEqual({ ordered: false, maxRetransmits: 0 });
  });

  test('snapshots and ticks keep coming', async () => {
    const before = await guest.stats();
    await expect.poll(async () => (await guest.stats()).hostTick).toBeGreaterThan(before.hostTick + 60);
    const { snapshotsPerSecond, bytesInPerSecond, bytesOutPerSecond, malformedPackets, stateChannel } = await guest.stats();
    expect(snapshotsPerSecond).toBeGreaterThan(0);
    expect(bytesInPerSecond).toBeGreaterThan(0);
    expect(bytesOutPerSecond).toBeGreaterThan(0);
    expect(malformedPackets).toBe(0);
    expect(stateChannel).toBeDefined();
  });

  test('stats and view are plain JSON', async () => {
    for (const player of [host, guest]) {
      // Serialised inside the page: what the protocol itself would drop on the way cannot hide.
      const [stats, keys] = await player.page.evaluate(() => {
        const live = window.volley.stats() ?? {};
        return [
          JSON.parse(JSON.stringify(live)) as Record<string, unknown>,
          Object.keys(live).filter((key) => key !== 'stateChannel'),
        ] as const;
      });
      for (const key of keys) expect(stats[key], key).not.toBeNull();
      expect(Object.keys(stats)).toEqual(expect.arrayContaining(keys));
      for (const ship of await player.ships()) {
        expect(Object.keys(ship).toSorted()).toEqual(['angle', 'id', 'isMine', 'kind', 'owner', 'x', 'y']);
      }
    }
  });

  test("the host's ship moves on the guest's screen to where the host sees it", async () => {
    const { owner } = await host.myShip();
    const seenBefore = await guest.shipOf(owner);
    await host.flyWith(['ArrowUp'], 60);
    await expect.poll(async () => distanceBetween(seenBefore, await guest.shipOf(owner))).toBeGreaterThan(50);
    await expectToConverge(host, guest);
  });

  test("the guest's ship moves on the host's screen to where the guest sees it", async () => {
    const { owner } = await guest.myShip();
    const seenBefore = await host.shipOf(owner);
    await guest.flyWith(['KeyW', 'KeyD'], 60);
    await expect.poll(async () => distanceBetween(seenBefore, await host.shipOf(owner))).toBeGreaterThan(50);
    await expectToConverge(guest, host);
  });

  test('a shot is seen on both screens', async () => {
    const seen = Promise.all([host.untilBulletSeen(), guest.untilBulletSeen()]);
    // Turning, because a shot at a wall close by is over before it is drawn.
    const keys = ['Space', 'ArrowLeft'];
    for (const key of keys) await guest.page.keyboard.down(key);
    await seen;
    for (const key of keys) await guest.page.keyboard.up(key);
  });

  test('no page logged an error or broke the security policy', () => {
    expect(host.problems).toEqual([]);
    expect(guest.problems).toEqual([]);
  });
});
