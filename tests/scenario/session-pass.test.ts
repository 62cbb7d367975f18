/** SPEC.md's HOST rules: passing the host role on, and what may go wrong on the way. */
import { describe, expect, test } from 'vitest';
import type { PeerId, PlayerId } from '../../netcode/core/ids.ts';
import type { Room } from '../../netcode/session/room.ts';
import { TestSession } from '../harness/session.ts';
import { markersOf, squadGame } from '../harness/squad-game.ts';

const LAGGY = { delayMs: 40, jitterMs: 10, lossPct: 5, reorder: true };

async function squad(options: Parameters<TestSession['host']>[1] = {}, seed = 21) {
  const session = new TestSession(seed);
  session.network.setDefaultConditions(LAGGY);
  const ada = await session.host(squadGame, { name: 'Ada', identity: 'ada', ...options });
  const { code } = ada.lobby;
  const { password } = options;
  const bob = await session.join(squadGame, code, { name: 'Bob', identity: 'bob', password });
  const cy = await session.join(squadGame, code, { name: 'Cy', identity: 'cy', password });
  const eve = await session.join(squadGame, code, { name: 'Eve', identity: 'eve', password, isSpectating: true });
  await session.run(500);
  return { session, ada, bob, cy, eve, code, all: [ada, bob, cy, eve] };
}

/** Settled or not, and how, without waiting for it. */
function watch(promise: Promise<void>) {
  const outcome = { is: 'open' as 'open' | 'done' | 'failed', message: '' };
  promise.then(
    () => (outcome.is = 'done'),
    (error: Error) => {
      outcome.is = 'failed';
      outcome.message = error.message;
    },
  );
  return outcome;
}

/** Who sits where, as everybody should see it: without what is one page's alone, or still being measured. */
const seatsOf = (room: Room) =>
  room.lobby.players.map(({ isMe: _isMe, pingMs: _pingMs, path: _path, isSilent: _isSilent, isHost: _isHost, ...seat }) => seat);
const hostOf = (room: Room) => room.lobby.players.find(({ isHost }) => isHost)?.name;

describe('passing the host role on', () => {
  test('[HOST1] another page becomes the host; everybody keeps seat, number, name, colour, team and readiness, and the room object', async () => {
    const { session, ada, bob, cy, eve, all, code } = await squad({ listing: { name: 'Ours', isPublic: true }, settings: { limit: 500 } });
    bob.setColor(9);
    bob.setReady(true);
    cy.setTeam(1);
    cy.setInVoice(true);
    ada.setLocked(true);
    await session.run(1500);
    const before = { ...bob.lobby };
    const seats = seatsOf(ada);
    const ears = all.map((room) => session.listen(room));
    const ids = all.map(({ me }) => me);
    await session.until(ada.passHost(bob.me));
    await session.run(3000);
    expect(all.map(({ role }) => role)).toEqual(['guest', 'host', 'guest', 'guest']);
    expect(ears.map(({ roles }) => roles)).toEqual([['guest'], ['host'], [], []]);
    expect(all.map(({ me }) => me)).toEqual(ids);
    for (const room of all) {
      expect(seatsOf(room)).toEqual(seats);
      expect(hostOf(room)).toBe('Bob');
      expect(room.lobby.players.some(({ isSilent }) => isSilent)).toBe(false);
      expect(room.lobby).toMatchObject({ name: 'Ours', isPublic: true, isLocked: true, settings: before.settings, phase: 'lobby', code });
    }
    expect(ears[2]!.notices.map(({ message }) => message)).toEqual(['Bob is the host now.']);
    expect(ears[1]!.notices.map(({ message }) => message)).toEqual(['You are the host now.']);
    expect(ears.every(({ closed }) => closed.length === 0)).toBe(true);
    // The broker knows the new address, and strangers see the lobby as it was.
    expect(session.directory.lobbies.get(code)).toMatchObject({ peerId: session.peerIdOf(bob), name: 'Ours', players: 3, isLocked: true });
    expect(bob.lobby.players.find(({ isMe }) => isMe)).toMatchObject({ path: 'local', pingMs: undefined });
    expect(() => ada.start()).toThrow(/host only/);
    eve.leave();
  });

  test('[HOST2] the new host is one in full: lets in, refuses, sets, plays; and hands on in turn', async () => {
    const { session, ada, bob, cy, eve, all, code } = await squad({ password: 'tea' });
    const mallory = await session.join(squadGame, code, { name: 'Mal', identity: 'mallory', password: 'tea' });
    await session.run(300);
    ada.ban(mallory.me);
    await session.until(ada.passHost(cy.me));
    await session.run(2500);
    expect(cy.lobby.bans).toEqual([{ identity: 'mallory', name: 'Mal' }]);
    expect([ada.lobby.bans, bob.lobby.bans]).toEqual([[], []]);
    await expect(session.join(squadGame, code, { identity: 'mallory', password: 'tea' })).rejects.toMatchObject({ reason: 'banned' });
    await expect(session.join(squadGame, code)).rejects.toMatchObject({ reason: 'password-needed' });
    const di = await session.join(squadGame, code, { name: 'Di', password: 'tea' });
    cy.setSettings({ mode: 'teams' });
    cy.start();
    await session.run(2000);
    ada.setInput({ press: true });
    await session.run(2000);
    for (const room of [...all, di]) expect(markersOf(room).map(({ owner }) => owner)).toEqual([1, 2, 3, 4]);
    expect(markersOf(bob)[0]!.points).toBeGreaterThan(100);
    expect(() => ada.toLobby()).toThrow(/host only/);
    cy.toLobby();
    await session.run(500);
    await session.until(cy.passHost(eve.me));
    await session.run(2500);
    await session.until(eve.passHost(ada.me));
    await session.run(2500);
    expect([ada.role, bob.role, cy.role, eve.role, di.role]).toEqual(['host', 'guest', 'guest', 'guest', 'guest']);
    for (const room of [...all, di]) expect(seatsOf(room)).toEqual(seatsOf(ada));
    expect(ada.lobby.players).toHaveLength(5);
    expect(ada.lobby.bans).toHaveLength(1);
    ada.leave();
    await session.run(1000);
    expect(session.directory.lobbies.size).toBe(0);
  });

  test('[HOST3] what was said meanwhile is heard once, by one host or the other: chat, names, readiness', async () => {
    const { session, ada, bob, cy, eve, all } = await squad();
    const said = all.map((room) => `${room.me}:before`);
    for (const room of all) expect(room.say(`${room.me}:before`)).toBe(true);
    await session.run(2000);
    const passing = watch(ada.passHost(bob.me));
    for (let n = 0; passing.is === 'open' || n < 40; n++) {
      // One line of each in turn, slow enough for all of them to be said.
      const room = all[n % 4]!;
      if (n % 8 < 4 && room.say(`${room.me}:${n}`)) said.push(`${room.me}:${n}`);
      cy.setName(`Cy${n}`);
      eve.setName(`Eve${n}`);
      bob.setReady(n % 2 === 1);
      await session.run(95);
    }
    await session.run(2500);
    expect(passing.is).toBe('done');
    for (const room of all) expect(room.chat.map(({ text }) => text).toSorted()).toEqual(said.toSorted());
    for (const room of all) expect(seatsOf(room)).toEqual(seatsOf(bob));
    expect(bob.lobby.players.map(({ name, isReady }) => [name, isReady]).slice(1)).toEqual([
      ['Bob', true],
      ['Cy39', false],
      ['Eve39', false],
    ]);
  });

  test("[HOST4] in results, too: they stay on show, and the rematch is the new host's", async () => {
    const { session, ada, bob, cy } = await squad({ settings: { limit: 10 } });
    ada.start();
    await session.run(1000);
    await expect(ada.passHost(bob.me)).rejects.toThrow('A match is running.');
    cy.setInput({ press: true });
    await session.run(1500);
    await session.until(ada.passHost(bob.me));
    await session.run(2500);
    for (const room of [ada, bob, cy]) expect(room.lobby).toMatchObject({ phase: 'results', result: { winner: 3 } });
    bob.start({ countdownMs: 1000 });
    await session.run(2500);
    for (const room of [ada, bob, cy]) expect(room.lobby.phase).toBe('playing');
    expect(markersOf(ada).map(({ owner }) => owner)).toEqual([1, 2, 3]);
  });

  test('[HOST5] whoever comes by the old address while the broker does not know the new one is sent on', async () => {
    const { session, ada, bob, code } = await squad();
    session.directory.isUp = false;
    const heard = session.listen(bob);
    await session.until(ada.passHost(bob.me));
    await session.run(2500);
    expect(bob.role).toBe('host');
    expect(heard.notices.map(({ code: notice }) => notice)).toContain('broker-lost');
    // The broker's answer is the old one, as before its restart.
    session.directory.isUp = true;
    const reclaim = session.directory.reclaimLobby;
    session.directory.reclaimLobby = () => Promise.resolve({ ok: false, failure: 'unavailable', message: 'later' });
    expect(session.directory.lobbies.get(code)!.peerId).toBe(session.peerIdOf(ada));
    const di = await session.join(squadGame, code, { name: 'Di' });
    await session.run(500);
    expect(di.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Cy', 'Di', 'Eve']);
    session.directory.reclaimLobby = reclaim;
    await session.run(5000);
    expect(session.directory.lobbies.get(code)!.peerId).toBe(session.peerIdOf(bob));
    expect(heard.notices.map(({ code: notice }) => notice)).toContain('broker-back');
    // The old host has not taken it back, however long one waits.
    await session.run(30_000);
    expect(session.directory.lobbies.get(code)!.peerId).toBe(session.peerIdOf(bob));
  });
});

test('[HOST14] to and fro without a pause: everybody ends up where the host is', async () => {
  const { session, ada, bob, all } = await squad();
  const seats = seatsOf(ada);
  for (let n = 0; n < 6; n++) {
    const [from, to] = n % 2 === 0 ? [ada, bob] : [bob, ada];
    // As soon as all have arrived.
    for (let isDone = false; !isDone;) {
      isDone = await session.until(
        from.passHost(to.me).then(
          () => true,
          () => false,
        ),
      );
      await session.run(20);
    }
  }
  await session.run(3000);
  expect(all.map(({ role }) => role)).toEqual(['host', 'guest', 'guest', 'guest']);
  for (const room of all) expect(seatsOf(room)).toEqual(seats);
});

test('[HOST15] who finds the heir before the heir knows waits there, even if it was the host before', async () => {
  const { session, ada, bob, cy, all } = await squad();
  const seats = seatsOf(ada);
  await session.until(ada.passHost(bob.me));
  await session.run(2500);
  await session.until(bob.passHost(ada.me));
  await session.run(2500);
  session.network.setConditions(session.peerIdOf(ada), session.peerIdOf(bob), { ...LAGGY, delayMs: 900 });
  await session.until(ada.passHost(bob.me));
  await session.run(700);
  expect([bob.role, cy.role]).toEqual(['guest', 'guest']);
  await session.run(5000);
  expect(all.map(({ role }) => role)).toEqual(['guest', 'host', 'guest', 'guest']);
  for (const room of all) expect(seatsOf(room)).toEqual(seats);
});

test('[HOST16] nobody can hinder it by changing something all the time', async () => {
  const { session, ada, bob } = await squad();
  // Without losses there is never a pause in what is said.
  session.network.setDefaultConditions({ delayMs: 60 });
  const mallory = await session.stranger(ada);
  mallory.hello(squadGame, { name: 'Mal', identity: 'm' });
  await session.run(1000);
  const passing = watch(ada.passHost(bob.me));
  for (let n = 0; n < 80; n++) {
    mallory.say({ type: 'ready', isReady: n % 2 === 0 });
    await session.run(25);
  }
  expect(passing.is).toBe('done');
  expect(bob.role).toBe('host');
});

describe('what may go wrong', () => {
  test('[HOST6] it is refused by name where it makes no sense, and nothing changes', async () => {
    const { session, ada, bob } = await squad();
    await expect(ada.passHost(ada.me)).rejects.toThrow('You are the host already.');
    await expect(ada.passHost(30 as PlayerId)).rejects.toThrow('They are not connected.');
    ada.start({ countdownMs: 5000 });
    await expect(ada.passHost(bob.me)).rejects.toThrow('The match is about to start.');
    ada.cancelStart();
    session.network.setBrokerUp(false);
    await expect(ada.passHost(bob.me)).rejects.toThrow('The server cannot be reached');
    session.network.setBrokerUp(true);
    const first = watch(ada.passHost(bob.me));
    await expect(ada.passHost(bob.me)).rejects.toThrow('being passed on already');
    expect(() => ada.start()).toThrow(/being passed on/);
    await session.run(3000);
    expect(first.is).toBe('done');
  });

  test('[HOST7] an heir that does not answer in eight seconds, or leaves, or is kicked, leaves everything as it was', async () => {
    for (const mishap of ['silence', 'leave', 'kick', 'ban'] as const) {
      const { session, ada, bob, cy, eve } = await squad();
      const seats = seatsOf(ada).filter(({ name }) => name !== 'Bob');
      if (mishap === 'silence') session.vanish(bob);
      if (mishap === 'leave') bob.leave();
      const passing = watch(ada.passHost(bob.me));
      if (mishap === 'kick') ada.kick(bob.me);
      if (mishap === 'ban') ada.ban(bob.me);
      // Heard again as soon as it has failed, and nothing of what was said meanwhile is lost.
      cy.setReady(true);
      cy.say('still here');
      await session.run(9000);
      expect([mishap, passing.is]).toEqual([mishap, 'failed']);
      expect(passing.message).toMatch(mishap === 'silence' ? /do not answer/ : /They have left/);
      await session.run(4500);
      expect([ada.role, cy.role, eve.role]).toEqual(['host', 'guest', 'guest']);
      for (const room of [ada, cy, eve]) {
        expect(seatsOf(room).map(({ isReady: _isReady, ...seat }) => seat)).toEqual(seats.map(({ isReady: _isReady, ...seat }) => seat));
        expect(room.lobby.players.find(({ name }) => name === 'Cy')!.isReady).toBe(true);
        expect(room.chat.map(({ text }) => text)).toEqual(['still here']);
      }
      ada.start();
      await session.run(1000);
      expect(cy.lobby.phase).toBe('playing');
    }
  });

  test('[HOST8] who is kicked or banned meanwhile is not in the lobby that is passed on; who leaves neither', async () => {
    const { session, ada, bob, cy, eve } = await squad();
    const passing = watch(ada.passHost(bob.me));
    const heard = session.listen(cy);
    ada.ban(cy.me);
    eve.leave();
    await session.run(4000);
    expect(passing.is).toBe('done');
    for (const room of [ada, bob]) expect(room.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob']);
    expect(bob.lobby.bans.map(({ identity }) => identity)).toEqual(['cy']);
    expect(heard.closed.map(({ end }) => end)).toEqual(['banned']);
  });

  test('[HOST9] a seat is kept for whoever is on the way, and given up after twelve seconds', async () => {
    const { session, ada, bob, cy, eve } = await squad();
    await session.until(ada.passHost(bob.me));
    session.vanish(cy);
    await session.run(1500);
    expect(bob.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Cy', 'Eve']);
    await session.run(1500);
    expect(eve.lobby.players.find(({ name }) => name === 'Cy')!.isSilent).toBe(true);
    // Passing on again would lose them: it has to wait.
    await expect(bob.passHost(ada.me)).rejects.toThrow('on their way');
    await session.run(11_000);
    for (const room of [ada, bob, eve]) expect(room.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob', 'Eve']);
    await session.until(bob.passHost(ada.me));
    await session.run(2000);
    expect(ada.role).toBe('host');
  });

  test('[HOST10] an outage of the broker in the very moment costs nobody the seat', async () => {
    const { session, ada, bob, cy, eve, all } = await squad();
    const seats = seatsOf(ada);
    await session.until(ada.passHost(bob.me));
    session.network.setBrokerUp(false);
    await session.run(6000);
    expect(bob.role).toBe('host');
    expect(cy.lobby.players).toHaveLength(4);
    session.network.setBrokerUp(true);
    await session.run(2500);
    for (const room of all) expect(seatsOf(room)).toEqual(seats);
    expect(eve.lobby.players.some(({ isSilent }) => isSilent)).toBe(false);
  });

  test('[HOST11] an heir that dies in the last moment ends the room, and says so', async () => {
    const { session, ada, bob, cy } = await squad();
    const ears = [ada, cy].map((room) => session.listen(room));
    await session.until(ada.passHost(bob.me));
    session.vanish(bob);
    await session.run(25_000);
    expect(ears.map(({ closed }) => closed.map(({ end }) => end))).toEqual([['host-lost'], ['host-lost']]);
  });

  test('[HOST12] nobody but the host makes another one: what a guest says of it counts for nothing', async () => {
    const { session, ada, bob, cy } = await squad();
    const mallory = await session.stranger(ada);
    mallory.hello(squadGame, { name: 'Mal', identity: 'm' });
    await session.run(300);
    const passing = watch(ada.passHost(bob.me));
    for (let revision = 0; revision < 20; revision++) mallory.say({ type: 'inherited', revision });
    await session.run(3000);
    expect(passing.is).toBe('done');
    expect(hostOf(cy)).toBe('Bob');
    // The one who claimed to be the heir was told where the lobby is, like everyone, and was not told its secrets.
    const types = mallory.listen().map(({ type }) => type);
    expect(types).toContain('moved');
    expect(types).not.toContain('inherit');
    expect(types).not.toContain('bans');
  });

  test('[HOST13] a host that sends its guests to nowhere, or hands over what is no lobby, gets nobody into trouble but the room', async () => {
    const session = new TestSession(5);
    const host = await session.host(squadGame);
    const guest = await session.join(squadGame, host.lobby.code, { name: 'Bob' });
    const other = await session.join(squadGame, host.lobby.code, { name: 'Cy' });
    await session.run(300);
    const heard = [guest, other].map((room) => session.listen(room));
    session.tamper(host, guest, { type: 'moved', peerId: 'nowhere' as PeerId, heard: 2 ** 40 });
    // Told to take over what it was never given.
    for (let n = 0; n < 20; n++) session.tamper(host, other, { type: 'moved', peerId: session.peerIdOf(other), heard: 0 });
    await session.run(15_000);
    expect(heard.map(({ closed }) => closed.map(({ end }) => end))).toEqual([['host-lost'], ['protocol']]);
  });
});
