/** SPEC.md's rules of what guests may cost the others: whatever is changed in the lobby is told to everybody, and the host's uplink pays for it. */
import { describe, expect, test } from 'vitest';
import type { Room } from '../../netcode/session/room.ts';
import { squadGame } from '../harness/squad-game.ts';
import { trio } from '../harness/squad-session.ts';

/** As fast as a guest may speak for long. */
const SPEAK_MS = 55;

/** A lobby at rest on a steady network, and what it takes to tell of it. */
async function quiet() {
  const { session, host, bob, cy } = await trio();
  session.network.setDefaultConditions({ delayMs: 40 });
  await session.run(8000);
  const told = (room: Room) => {
    const count = { lobbies: 0 };
    room.on('lobby', () => count.lobbies++);
    return count;
  };
  return { session, host, bob, cy, told };
}

describe('what guests change', () => {
  test('[LOBBY24] is told to nobody if it changes nothing', async () => {
    const { session, bob, cy, told } = await quiet();
    const before = cy.lobby;
    const { color, team } = before.players.find(({ id }) => id === bob.me)!;
    const count = told(cy);
    for (let n = 0; n < 30; n++) {
      bob.setReady(false);
      bob.setColor(color);
      bob.setColor(before.players[0]!.color);
      bob.setTeam(team);
      bob.setName('Bob');
      bob.setInVoice(false);
      bob.setSpectating(false);
      await session.run(7 * SPEAK_MS);
    }
    expect([count.lobbies, cy.lobby]).toEqual([0, before]);
    bob.setReady(true);
    await session.run(200);
    expect([count.lobbies, cy.lobby.players[1]!.isReady]).toEqual([1, true]);
  });

  test('[LOBBY24] again and again is told twenty times, and from then on four times a second, the last state in the end', async () => {
    const { session, host, bob, cy, told } = await quiet();
    const count = told(cy);
    for (let n = 0; n < 160; n++) {
      bob.setReady(n % 2 === 0);
      await session.run(SPEAK_MS);
    }
    // Of 8.8 s; a ping may be told besides.
    expect(count.lobbies).toBeLessThanOrEqual(20 + 9 * 4 + 4);
    expect(count.lobbies).toBeGreaterThan(40);
    // What the host itself says waits for nothing.
    bob.setReady(true);
    await session.run(60);
    host.setLocked(true);
    expect(host.lobby).toMatchObject({ isLocked: true });
    await session.run(600);
    expect([cy.lobby.isLocked, cy.lobby.players[1]!.isReady]).toEqual([true, true]);
    // After a pause a change is told at once.
    await session.run(2000);
    bob.setReady(false);
    await session.run(100);
    expect(cy.lobby.players[1]!.isReady).toBe(false);
  });
});

describe('what cannot be', () => {
  test('[LOBBY25] of colours and teams changes nothing on the host, and is not said by a guest: nonsense would cost the seat', async () => {
    const { session, host, bob, cy, told } = await quiet();
    const before = host.lobby.players;
    const count = told(cy);
    const { malformedPackets } = host.stats();
    for (const room of [host, bob])
      for (const nonsense of [-1, 1.5, NaN, Infinity, 16, 2 ** 40]) {
        room.setColor(nonsense);
        room.setTeam(nonsense);
      }
    await session.run(1000);
    expect(host.lobby.players).toEqual(before);
    expect([count.lobbies, host.stats().malformedPackets]).toEqual([0, malformedPackets]);
  });

  test('[LOBBY25] of a place changes nothing of it: not the one half either', async () => {
    const { session, host, bob } = await trio();
    for (const team of [2, -1, NaN]) expect(() => host.assign(bob.me, { isSpectator: true, team })).toThrow(`team ${team} must be 0 to 1`);
    host.start();
    expect(() => host.assign(bob.me, { isSpectator: true, team: 0 })).toThrow('teams are fixed');
    host.toLobby();
    await session.run(500);
    expect(bob.lobby.players[1]).toMatchObject({ isSpectator: false, team: 1 });
    host.assign(bob.me, { isSpectator: true });
    // To the place and the team that are named, though another team is smaller.
    host.assign(bob.me, { isSpectator: false, team: 0 });
    expect(host.lobby.players[1]).toMatchObject({ isSpectator: false, team: 0 });
  });
});

describe('a listener of the lobby', () => {
  test('[LOBBY26] may change it: all hear of every state, the oldest first, and of what was new in it once', async () => {
    const { session, host } = await trio();
    const heard = session.listen(host);
    host.on('lobby', ({ players, isLocked, name }) => {
      if (players.length > 3 && !isLocked) host.setLocked(true);
      if (isLocked && name === '') host.setLobby({ name: 'Full' });
    });
    const seen: unknown[] = [];
    host.on('lobby', ({ players, isLocked, name }) => seen.push([players.length, isLocked, name]));
    await session.join(squadGame, host.lobby.code, { name: 'Di' });
    expect(seen.slice(0, 3)).toEqual([
      [4, false, ''],
      [4, true, ''],
      [4, true, 'Full'],
    ]);
    expect(heard.notices.filter(({ code }) => code === 'player-joined')).toHaveLength(1);
    expect(seen.filter((state) => JSON.stringify(state) === '[4,false,""]')).toHaveLength(1);
  });

  test('[LOBBY26] that never comes to an end is heard no more than sixteen times in a row, and the room goes on', async () => {
    const { session, host, bob } = await trio();
    let heard = 0;
    const stop = host.on('lobby', ({ isLocked }) => {
      heard++;
      host.setLocked(!isLocked);
    });
    host.setLobby({ name: 'Ours' });
    expect(heard).toBe(16);
    stop();
    host.setLocked(true);
    await session.run(500);
    expect(bob.lobby).toMatchObject({ name: 'Ours', isLocked: true });
  });

  test('[LOBBY27] may send away whoever comes, in a match too', async () => {
    const { session, host, bob, code } = await trio();
    host.start();
    await session.run(1000);
    host.on('lobby', ({ players }) => {
      for (const { id, name } of players) if (name === 'Mal') host.kick(id);
    });
    const mal = await session.join(squadGame, code, { name: 'Mal' });
    const heard = session.listen(mal);
    await session.run(1000);
    expect(heard.closed.map(({ end }) => end)).toEqual(['kicked']);
    expect(bob.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Cy']);
    expect([host.lobby.phase, host.lobby.players.length]).toEqual(['playing', 3]);
  });
});
