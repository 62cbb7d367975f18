/** SPEC.md's LOBBY rules for those who only watch. */
import { describe, expect, test } from 'vitest';
import { findDivergence } from '../../netcode/host/recording.ts';
import { bool, defineGame, vec2 } from '../../netcode/index.ts';
import { TestSession } from '../harness/session.ts';
import { markersOf, squadGame } from '../harness/squad-game.ts';
import { reasonOf, trio } from '../harness/squad-session.ts';

describe('spectators', () => {
  test("[LOBBY10] who watches has a seat and a name, takes no player's place, and sees the match without a part in it", async () => {
    const { session, host, bob, code } = await trio({ playersMax: 3 });
    expect(await reasonOf(session.join(squadGame, code))).toBe('full');
    const eve = await session.join(squadGame, code, { name: 'Eve', isSpectating: true });
    await session.run(300);
    expect(bob.lobby.players.at(-1)).toMatchObject({ name: 'Eve', isSpectator: true, id: 31, isReady: false });
    eve.setReady(true);
    host.start();
    await session.run(1500);
    expect(markersOf(eve).map(({ owner }) => owner)).toEqual([1, 2, 3]);
    const before = { corrections: eve.stats().corrections, late: host.stats().lateInputs };
    eve.setInput({ press: true });
    bob.setInput({ press: true });
    await session.run(2000);
    bob.setInput({ press: false });
    await session.run(1000);
    expect(host.lobby.players.at(-1)!.isReady).toBe(false);
    expect(host.stats().lateInputs - before.late).toBeLessThan(60);
    expect(eve.stats().snapshotsPerSecond).toBeGreaterThan(20);
    // Heartbeats alone: ten a second of a few bytes.
    expect(eve.stats().bytesOutPerSecond).toBeLessThan(400);
    expect(eve.stats().corrections).toBe(before.corrections);
    expect(markersOf(eve).map(({ points, isMine }) => [points > 50, isMine])).toEqual([
      [false, false],
      [true, false],
      [false, false],
    ]);
    expect(findDivergence(squadGame, structuredClone(host.recording()!))).toBeUndefined();
    eve.leave();
    await session.run(500);
    expect(host.lobby.players).toHaveLength(3);
  });

  test('[LOBBY11] in a match a spectator plays on request if there is room, and a player watches; both keep their seats', async () => {
    const { session, host, bob, code } = await trio();
    const eve = await session.join(squadGame, code, { name: 'Eve', isSpectating: true });
    host.start();
    await session.run(1500);
    eve.setSpectating(false);
    await session.run(800);
    eve.setInput({ press: true });
    await session.run(1000);
    const mine = markersOf(eve).find(({ isMine }) => isMine)!;
    expect(mine).toMatchObject({ owner: 31, team: 1 });
    expect(mine.points).toBeGreaterThan(40);
    bob.setSpectating(true);
    await session.run(1000);
    for (const room of [host, bob, eve]) expect(markersOf(room).map(({ owner }) => owner)).toEqual([1, 3, 31]);
    bob.setInput({ press: true });
    bob.setSpectating(false);
    await session.run(1500);
    expect(markersOf(host).map(({ owner }) => owner)).toEqual([1, 2, 3, 31]);
    expect(markersOf(host).find(({ owner }) => owner === 2)!.points).toBeGreaterThan(30);
    expect(findDivergence(squadGame, structuredClone(host.recording()!))).toBeUndefined();
  });

  test('[LOBBY12] of two who want the last place one gets it; the host is told when there is none', async () => {
    const { session, host, bob, code } = await trio({ playersMax: 4, spectatorsMax: 2 });
    const eve = await session.join(squadGame, code, { name: 'Eve', isSpectating: true });
    const fay = await session.join(squadGame, code, { name: 'Fay', isSpectating: true });
    expect(await reasonOf(session.join(squadGame, code, { isSpectating: true }))).toBe('spectators-full');
    eve.setSpectating(false);
    fay.setSpectating(false);
    await session.run(500);
    expect(host.lobby.players.filter(({ isSpectator }) => isSpectator)).toHaveLength(1);
    expect(host.lobby.players.filter(({ isSpectator }) => !isSpectator)).toHaveLength(4);
    const watcher = host.lobby.players.find(({ isSpectator }) => isSpectator)!;
    expect(() => host.assign(watcher.id, { isSpectator: false })).toThrow(`There is no room for ${watcher.name} to play.`);
    host.assign(bob.me, { isSpectator: true });
    host.assign(watcher.id, { isSpectator: false, team: 1 });
    await session.run(500);
    expect(bob.lobby.players.find(({ isMe }) => isMe)!.isSpectator).toBe(true);
    expect(bob.lobby.players.find(({ id }) => id === watcher.id)).toMatchObject({ isSpectator: false, team: 1 });
    // Colours are the players' own: no two of them alike.
    const colors = host.lobby.players.filter(({ isSpectator }) => !isSpectator).map(({ color }) => color);
    expect(new Set(colors).size).toBe(4);
  });

  test('[LOBBY13] the host may watch, and the match goes on around them', async () => {
    const { session, host, bob } = await trio();
    host.setSpectating(true);
    host.start();
    await session.run(1500);
    bob.setInput({ press: true });
    await session.run(1000);
    expect(markersOf(host).map(({ owner }) => owner)).toEqual([2, 3]);
    expect(markersOf(host)[0]!.points).toBeGreaterThan(40);
    host.setSpectating(false);
    await session.run(500);
    host.setInput({ press: true });
    await session.run(500);
    expect(markersOf(host).find(({ isMine }) => isMine)!.points).toBeGreaterThan(20);
  });

  test('[LOBBY19] who watches sees all of a large world, but nothing that a rule hides', async () => {
    for (const isHiding of [false, true]) {
      const plain = {
        id: 'wide',
        version: 1,
        input: { go: bool() },
        entities: { dot: { pos: vec2({ min: 0, max: 10_000, step: 1 }) } },
        interest: { enter: 100 },
        onJoin: (world: { spawn(kind: 'dot', init: object): unknown }, player: number) =>
          void world.spawn('dot', { owner: player as never, pos: { x: player * 2000, y: 0 } }),
        step: () => undefined,
      } as const;
      const wide = isHiding ? defineGame({ ...plain, isVisible: () => false }) : defineGame(plain);
      const session = new TestSession(6);
      const host = await session.host(wide);
      const bob = await session.join(wide, host.lobby.code);
      const eve = await session.join(wide, host.lobby.code, { isSpectating: true });
      host.start();
      await session.run(1500);
      expect([host, bob, eve].map((room) => room.view().length)).toEqual([1, 1, isHiding ? 0 : 2]);
      eve.setSpectating(false);
      await session.run(1500);
      expect(eve.view()).toHaveLength(1);
      eve.setSpectating(true);
      await session.run(1500);
      expect(eve.view()).toHaveLength(isHiding ? 0 : 2);
    }
  });

  test('[LOBBY14] sixteen play and fifteen watch, and all see the same', async () => {
    const crowd = defineGame({ ...squadGame.spec, playersMax: 16 });
    const session = new TestSession(8);
    const host = await session.host(crowd, { spectatorsMax: 15 });
    const rooms = [host];
    for (let n = 1; n < 31; n++) rooms.push(await session.join(crowd, host.lobby.code, { name: `P${n}`, isSpectating: n >= 16 }));
    expect(await reasonOf(session.join(crowd, host.lobby.code, { isSpectating: true }))).toBe('spectators-full');
    host.start();
    await session.run(3000);
    for (const room of rooms) expect([room.lobby.players.length, markersOf(room).length]).toEqual([31, 16]);
  });
});
