/** SPEC.md's rules of pages that are reloaded: who comes back is whom they were, and the code leads to a host that is on its way back. */
import { expect, test } from 'vitest';
import { type PeerId, PLAYERS_MAX } from '../../netcode/core/ids.ts';
import { Seats } from '../../netcode/session/seats.ts';
import { squadGame } from '../harness/squad-game.ts';
import { reasonOf, trio } from '../harness/squad-session.ts';

test('[LOBBY22] a reloaded page has its number, colour and team again, but for what somebody else has taken', async () => {
  const { session, host, bob, cy, code } = await trio();
  // Goodbyes arrive.
  session.network.setDefaultConditions({ delayMs: 40 });
  bob.setColor(9);
  bob.setTeam(0);
  bob.setReady(true);
  cy.setTeam(0);
  cy.setColor(12);
  await session.run(2000);
  const seatOf = (name: string) => host.lobby.players.find((player) => player.name === name);
  const [bobs, cys] = [seatOf('Bob')!, seatOf('Cy')!];
  bob.leave();
  cy.leave();
  await session.run(300);
  expect(host.lobby.players).toHaveLength(1);
  // In the other order than they came first.
  const cyBack = await session.join(squadGame, code, { name: 'Cy', identity: 'cy' });
  await session.join(squadGame, code, { name: 'Bob', identity: 'bob' });
  await session.run(300);
  const kept = ({ id, color, team }: typeof bobs) => ({ id, color, team });
  expect(kept(seatOf('Cy')!)).toEqual(kept(cys));
  expect(seatOf('Bob')).toMatchObject({ ...kept(bobs), isReady: false });
  // A stranger's seat is theirs, whoever had it before.
  cyBack.leave();
  await session.run(300);
  const dee = await session.join(squadGame, code, { name: 'Dee', identity: 'dee' });
  dee.setColor(12);
  await session.run(300);
  expect(dee.me).toBe(cys.id);
  const cyAgain = await session.join(squadGame, code, { name: 'Cy', identity: 'cy' });
  await session.run(300);
  expect(cyAgain.me).not.toBe(dee.me);
  expect([seatOf('Cy')!.color === 12, seatOf('Cy')!.team]).toEqual([false, 0]);
});

test('[LOBBY23] who went by themselves comes back into a locked lobby, and needs no password; who was sent away is a stranger', async () => {
  const { session, host, bob, cy, code } = await trio();
  session.network.setDefaultConditions({ delayMs: 40 });
  host.setLobby({ isLocked: true, password: 'tea' });
  bob.leave();
  host.kick(cy.me);
  await session.run(300);
  expect(host.lobby.players).toHaveLength(1);
  const again = await session.join(squadGame, code, { name: 'Bob', identity: 'bob' });
  await session.run(300);
  expect(again.lobby.isLocked).toBe(true);
  expect(await reasonOf(session.join(squadGame, code, { name: 'Cy', identity: 'cy' }))).toBe('locked');
  expect(await reasonOf(session.join(squadGame, code, { name: 'Dee', identity: 'dee' }))).toBe('locked');
  host.setLobby({ isLocked: false });
  expect(await reasonOf(session.join(squadGame, code, { name: 'Cy', identity: 'cy' }))).toBe('password-needed');
});

test('[LOBBY22] as many are remembered as can be in a lobby, the last ones', () => {
  const seats = new Seats(2);
  const come = (identity: string) =>
    seats.add({ name: 'x', identity, isHost: false, isSpectator: false, path: 'direct', peerId: 'x' as PeerId });
  for (let n = 0; n <= PLAYERS_MAX; n++) {
    const seat = come(`p${n}`);
    seats.recolor(seat, 12);
    seats.remove(seat.id);
  }
  expect(come('p1').color).toBe(12);
  expect(come('p0').color).not.toBe(12);
});

test('[SESS19] a host that the code names and nobody can find yet is looked for four seconds, wherever the code leads by then', async () => {
  const { session, host, code } = await trio();
  const known = session.directory.lobbies.get(code)!;
  const lose = () => session.directory.lobbies.set(code, { ...known, peerId: 'lost' as PeerId });
  lose();
  const steps: string[] = [];
  const joining = session.join(squadGame, code, { name: 'Dee', onStep: (text) => steps.push(text) });
  await session.run(3000);
  expect(steps.at(-1)).toBe('Connecting to the host…');
  session.directory.lobbies.set(code, known);
  await session.until(joining);
  await session.run(300);
  expect(host.lobby.players.map(({ name }) => name)).toContain('Dee');
  lose();
  const askedMs = session.clock.nowMs();
  expect(await reasonOf(session.join(squadGame, code))).toBe('host-gone');
  expect(session.clock.nowMs() - askedMs).toBeLessThan(5000);
  // A lobby that is closed meanwhile is not waited for.
  const late = reasonOf(session.join(squadGame, code));
  await session.run(600);
  host.leave();
  const closedMs = session.clock.nowMs();
  expect(await late).toBe('host-gone');
  expect(session.clock.nowMs() - closedMs).toBeLessThan(1000);
});

test('[SESS19] giving up ends the search', async () => {
  const { session, code } = await trio();
  const known = session.directory.lobbies.get(code)!;
  session.directory.lobbies.set(code, { ...known, peerId: 'lost' as PeerId });
  const giveUp = new AbortController();
  const joining = reasonOf(session.join(squadGame, code, { signal: giveUp.signal }));
  await session.run(1000);
  giveUp.abort();
  const abortedMs = session.clock.nowMs();
  expect(await joining).toBe('cancelled');
  expect(session.clock.nowMs() - abortedMs).toBeLessThan(500);
});
