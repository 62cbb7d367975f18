/** SPEC.md's HOST rules of those who move from one host to the next: what they say on the way, as whom they come, and what they hear. */
import { describe, expect, test } from 'vitest';
import type { SessionRoom } from '../../netcode/session/session-room.ts';
import { TestSession } from '../harness/session.ts';
import { squadGame } from '../harness/squad-game.ts';

/** Without losses and near by, so that what is said in one moment arrives in one moment. */
const NEAR = { delayMs: 5 };

async function squad(conditions = NEAR) {
  const session = new TestSession(31);
  session.network.setDefaultConditions(conditions);
  const ada = await session.host(squadGame, { name: 'Ada', identity: 'ada', settings: { limit: 10 } });
  const { code } = ada.lobby;
  const bob = await session.join(squadGame, code, { name: 'Bob', identity: 'bob' });
  const cy = await session.join(squadGame, code, { name: 'Cy', identity: 'cy' });
  const eve = await session.join(squadGame, code, { name: 'Eve', identity: 'eve', isSpectating: true });
  await session.run(500);
  return { session, ada, bob, cy, eve };
}

const seatOf = (room: SessionRoom, name: string) => room.lobby.players.find((player) => player.name === name);

describe('what is said', () => {
  test('[HOST18] on the way to the next host costs nobody the seat, however much it is; the newest of it is heard', async () => {
    const { session, ada, bob, cy } = await squad();
    await session.until(ada.passHost(bob.me));
    // Nobody finds anybody for a while.
    session.network.setBrokerUp(false);
    await session.run(1000);
    const heard = session.listen(cy);
    for (let n = 0; n <= 200; n++) cy.setTeam(n % 2);
    cy.setColor(11);
    cy.setReady(true);
    session.network.setBrokerUp(true);
    await session.run(3000);
    expect([heard.closed, bob.role]).toEqual([[], 'host']);
    expect(seatOf(bob, 'Cy')).toMatchObject({ team: 0, color: 11, isReady: true, isSilent: false });
  });

  test('[HOST19] while an heir keeps everybody waiting, and waits with them, is no flood when it is read at last', async () => {
    const { session, ada, bob, cy } = await squad();
    const heard = session.listen(cy);
    session.vanish(bob);
    let outcome = '';
    ada.passHost(bob.me).catch(({ message }: Error) => (outcome = message));
    // Slower than anybody has to be, and more than may be said at once.
    for (let n = 0; n < 78; n++) {
      cy.setReady(n % 2 === 0);
      await session.run(100);
    }
    cy.setColor(11);
    await session.run(1000);
    expect(outcome).toContain('They do not answer.');
    expect(heard.closed).toEqual([]);
    expect(seatOf(ada, 'Cy')).toMatchObject({ color: 11, isReady: false });
  });
});

describe('whoever moves', () => {
  test('[HOST20] has heard before that the match is over, however soon the role is passed on', async () => {
    const { session, ada, bob, cy, eve } = await squad();
    ada.start();
    await session.run(500);
    bob.setInput({ press: true });
    let refused = 0;
    for (let isPassing = false; !isPassing;) {
      // Told this moment, so what comes of the next tick is not told at once.
      ada.setLobby({ name: `${refused}` });
      await session.run(5);
      isPassing = true;
      ada.passHost(bob.me).catch(() => {
        isPassing = false;
        refused++;
      });
      await Promise.resolve();
    }
    expect(refused).toBeGreaterThan(10);
    await session.run(3000);
    for (const room of [ada, bob, cy, eve]) {
      expect(room.lobby).toMatchObject({ phase: 'results', result: { winner: bob.me } });
      expect(room.lobby.players.map(({ name, isHost }) => [name, isHost])).toEqual([
        ['Ada', false],
        ['Bob', true],
        ['Cy', false],
        ['Eve', false],
      ]);
    }
  });

  test('[HOST21] whoever becomes the host is it when the first lobby under it is heard of: a listener may act at once', async () => {
    const { session, ada, bob, cy } = await squad();
    const seen: string[] = [];
    bob.on('lobby', ({ players, isLocked }) => {
      const isHost = players.some((player) => player.isMe && player.isHost);
      seen.push(`${isHost} ${bob.role}`);
      if (isHost && !isLocked) bob.setLocked(true);
    });
    bob.on('role', (role) => seen.push(role));
    await session.until(ada.passHost(bob.me));
    await session.run(2000);
    expect(new Set(seen)).toEqual(new Set(['true host', 'host']));
    expect(cy.lobby).toMatchObject({ isLocked: true });
  });

  test('[HOST22] to watch comes to watch, though the seat was given up before', async () => {
    const { session, ada, bob, eve } = await squad();
    const heard = session.listen(eve);
    await session.until(ada.passHost(bob.me));
    // The page sleeps on its way.
    const update = eve.update.bind(eve);
    eve.update = () => undefined;
    await session.run(12_600);
    expect(seatOf(bob, 'Eve')).toBeUndefined();
    eve.update = update;
    await session.run(2000);
    expect(heard.closed).toEqual([]);
    expect(seatOf(bob, 'Eve')).toMatchObject({ isSpectator: true, isSilent: false });
  });
});
