/** SPEC.md's rules of how a match begins and ends in a room: inputs of before, the first guess of the round trip, results nobody can be told. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { bool, defineGame, u8 } from '../../netcode/index.ts';
import { TestSession } from '../harness/session.ts';
import { markersOf, squadGame } from '../harness/squad-game.ts';
import { reasonOf, trio } from '../harness/squad-session.ts';

afterEach(() => vi.restoreAllMocks());

describe('a match that begins', () => {
  test('[SESS23] finds what everybody has held down since before it, guests too, and not what was held in the match before', async () => {
    const { session, host, bob, cy } = await trio({ settings: { limit: 100 } });
    for (const room of [host, bob]) room.setInput({ press: true });
    await session.run(500);
    host.setLobby({ name: 'Ours' });
    cy.setReady(true);
    await session.run(500);
    host.start();
    await session.run(1500);
    expect(markersOf(bob).map(({ points }) => points > 20)).toEqual([true, true, false]);
    await session.run(2000);
    expect(bob.lobby.phase).toBe('results');
    host.start();
    await session.run(1500);
    expect(markersOf(bob).map(({ points }) => points)).toEqual([0, 0, 0]);
  });

  test('[SESS24] believes of a hello that was answered late no more than a quarter of a second: the rest was waiting', async () => {
    const { session, host, code } = await trio({ password: 'tea' });
    host.start();
    await session.run(1000);
    for (const guess of ['a', 'b', 'c'])
      expect(await reasonOf(session.join(squadGame, code, { identity: 'di', password: guess }))).toBe('wrong-password');
    const askedMs = session.clock.nowMs();
    const di = await session.join(squadGame, code, { name: 'Di', identity: 'di', password: 'tea' });
    // Whoever guesses wrong waits.
    expect(session.clock.nowMs() - askedMs).toBeGreaterThan(900);
    const leadsMs: number[] = [];
    for (let n = 0; n < 30; n++) {
      await session.run(50);
      if (di.stats().tick > 0) leadsMs.push(di.stats().inputLeadMs);
    }
    expect(leadsMs.length).toBeGreaterThan(20);
    expect(Math.max(...leadsMs)).toBeLessThan(400);
  });
});

describe('a match that ends', () => {
  const loop: { self?: unknown } = {};
  loop.self = loop;

  test.each([
    ['too large', 'x'.repeat(20_000)],
    ['that cannot be written', loop],
  ])('[SESS25] in a result %s is over for all, without one, and the host can go on', async (_, result) => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const game = defineGame({
      id: 'loud',
      version: 1,
      input: { press: bool() },
      entities: { marker: { points: u8() } },
      onJoin: (world, player) => void world.spawn('marker', { owner: player }),
      step: () => undefined,
      result: () => result,
    });
    const session = new TestSession(3);
    session.network.setDefaultConditions({ delayMs: 40 });
    const host = await session.host(game);
    const guest = await session.join(game, host.lobby.code);
    await session.run(300);
    for (const room of [host, guest]) expect(room.lobby.phase).toBe('lobby');
    host.start();
    await session.run(1000);
    for (const room of [host, guest]) expect([room.lobby.phase, room.lobby.result]).toEqual(['results', null]);
    expect(logged).toHaveBeenCalledTimes(1);
    await session.until(host.passHost(guest.me));
    await session.run(1000);
    expect([host.role, guest.role, host.lobby.phase]).toEqual(['guest', 'host', 'results']);
  });
});
