/** SPEC.md's rules of how a stay ends, and of who gives up before it began: what a page that slept, or was flooded, is told. */
import { describe, expect, test } from 'vitest';
import type { SessionRoom } from '../../netcode/session/session-room.ts';
import { TestSession } from '../harness/session.ts';
import { squadGame } from '../harness/squad-game.ts';
import { reasonOf, trio } from '../harness/squad-session.ts';

/** More than a room handles in one update. */
const MESSAGES = 40;

/** The page's machine sleeps: what comes waits in its links. Returns what wakes it. */
function sleep(room: SessionRoom): () => void {
  const update = room.update.bind(room);
  room.update = () => undefined;
  return () => (room.update = update);
}

/** Says a lot to everybody. */
function change(host: SessionRoom): void {
  for (let n = 0; n < MESSAGES; n++) host.setLobby({ name: `${n}` });
}

describe('a page that slept', () => {
  test('[SESS20] longer than it was waited for is told that the connection was lost, not that the lobby is closed, and may come again', async () => {
    const { session, host, bob, code } = await trio();
    const heard = session.listen(bob);
    const wake = sleep(bob);
    await session.run(14_500);
    expect(host.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Cy']);
    wake();
    await session.run(100);
    expect(heard.closed.map(({ end }) => end)).toEqual(['host-lost']);
    const again = await session.join(squadGame, code, { name: 'Bob', identity: 'bob' });
    expect(again.me).toBe(bob.me);
  });

  test('[SESS21] reads all that came before the end: a kick behind more than it handles at once is a kick', async () => {
    const { session, host, bob } = await trio();
    const heard = session.listen(bob);
    const wake = sleep(bob);
    change(host);
    host.kick(bob.me);
    await session.run(3000);
    wake();
    await session.run(100);
    expect(heard.closed.map(({ end }) => end)).toEqual(['kicked']);
  });

  test('[SESS21] and finds the next host behind all that the host before has said', async () => {
    const { session, host, bob, cy } = await trio();
    const heard = session.listen(bob);
    const wake = sleep(bob);
    change(host);
    await session.until(host.passHost(cy.me));
    await session.run(3000);
    wake();
    await session.run(3000);
    expect(heard.closed).toEqual([]);
    expect(cy.lobby.players.map(({ name, isHost, isSilent }) => [name, isHost, isSilent])).toEqual([
      ['Ada', false, false],
      ['Bob', false, false],
      ['Cy', true, false],
    ]);
  });
});

describe('whoever gives up', () => {
  test('[SESS22] while the code is being made leaves no lobby behind', async () => {
    const session = new TestSession(1);
    const giveUp = new AbortController();
    const create = session.directory.createLobby;
    session.directory.createLobby = async (request) => {
      const created = await create(request);
      giveUp.abort();
      return created;
    };
    expect(await reasonOf(session.host(squadGame, { signal: giveUp.signal }))).toBe('cancelled');
    expect(session.directory.lobbies.size).toBe(0);
  });

  test('[SESS22] while the code is looked up waits for no answer', async () => {
    const { session, code } = await trio();
    let answer = (): void => undefined;
    session.directory.resolveLobby = () =>
      new Promise((done) => (answer = () => done({ ok: false, failure: 'unreachable', message: 'Too late.' })));
    const giveUp = new AbortController();
    let reason: string | undefined;
    const joining = reasonOf(session.join(squadGame, code, { signal: giveUp.signal })).then((told) => (reason = told));
    await session.run(200);
    const before = reason;
    giveUp.abort();
    await session.run(50);
    const soon = reason;
    // It comes to an end in any case, or time would pass for ever.
    answer();
    await joining;
    expect([before, soon, reason]).toEqual([undefined, 'cancelled', 'cancelled']);
  });
});
