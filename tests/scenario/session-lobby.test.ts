/** SPEC.md's LOBBY rules: listing, passwords, settings, teams, the broker away, countdown. */
import { describe, expect, test } from 'vitest';
import { findDivergence } from '../../netcode/host/recording.ts';
import type { RelayTicket } from '../../netcode/transport/transport.ts';
import { type Stranger, TestSession } from '../harness/session.ts';
import { markersOf, squadGame } from '../harness/squad-game.ts';
import { reasonOf, trio } from '../harness/squad-session.ts';

describe('what the lobby says about itself', () => {
  test('[LOBBY1] all see its name, whether it is public, locked, has a password, its settings; and so does the broker, but for secrets', async () => {
    const { session, host, bob, code } = await trio({ listing: { name: ' Friday\u202e night ', isPublic: true }, password: 'Pässwörd' });
    const about = { name: 'Friday night', isPublic: true, isLocked: false, hasPassword: true, isRelayAllowed: true, playersMax: 4 };
    expect(bob.lobby).toMatchObject({ ...about, spectatorsMax: 8, settings: { mode: 'duel', limit: 1000, isFriendly: false } });
    expect(host.lobby).toMatchObject(about);
    await session.run(1500);
    expect(session.directory.lobbies.get(code)).toMatchObject({ ...about, players: 3, mode: 'duel, 1000', gameVersion: 1 });
    expect(JSON.stringify([...session.directory.lobbies])).not.toContain('Pässwörd');
    host.setLobby({ name: 'x'.repeat(99), isPublic: false, isLocked: true, password: '', playersMax: 3, isRelayAllowed: false });
    host.setSettings({ limit: 50 });
    await session.run(2500);
    expect(bob.lobby).toMatchObject({ isPublic: false, isLocked: true, hasPassword: false, isRelayAllowed: false, playersMax: 3 });
    expect(bob.lobby.name).toBe('x'.repeat(48));
    expect(session.directory.lobbies.get(code)).toMatchObject({ isPublic: false, isLocked: true, hasPassword: false, mode: 'duel, 50' });
  });

  test('[LOBBY2] a public lobby is in the list from its first moment, with all it says', async () => {
    const session = new TestSession(1);
    const host = await session.host(squadGame, {
      listing: { name: 'Mine', isPublic: true, isRelayAllowed: false },
      playersMax: 2,
      settings: { mode: 'teams' },
    });
    const known = session.directory.lobbies.get(host.lobby.code);
    expect(known).toMatchObject({ name: 'Mine', isPublic: true, isRelayAllowed: false, players: 1, playersMax: 2, mode: 'teams, 1000' });
    const quiet = await session.host(squadGame);
    expect(session.directory.lobbies.get(quiet.lobby.code)).toMatchObject({ name: '', isPublic: false, isRelayAllowed: true });
  });

  test('[LOBBY3] what cannot be is refused by name, and nothing changes', async () => {
    const { session, host } = await trio();
    const before = host.lobby;
    expect(() => host.setLobby({ name: 'New', playersMax: 2 })).toThrow("playersMax 2 must be from 3, who play already, to the game's 4");
    expect(() => host.setLobby({ name: 'New', password: 'x'.repeat(65) })).toThrow('a password has at most 64 characters, not 65');
    expect(() => host.setSettings({ limit: 20, mode: 'chess' })).toThrow("setting 'mode' cannot be 'chess': one of 'duel', 'teams'");
    expect(() => host.setSettings({ limit: 15 })).toThrow(
      "setting 'limit' cannot be 15: a whole number from 10 to 1000, 10 plus steps of 10",
    );
    expect(() => host.setSettings({ isFriendly: 1 })).toThrow("setting 'isFriendly' cannot be 1: true or false");
    expect(() => host.setSettings({ speed: 1 })).toThrow("there is no setting 'speed'");
    expect(host.lobby).toEqual(before);
    await expect(session.host(squadGame, { settings: { limit: 5 } })).rejects.toThrow("setting 'limit' cannot be 5");
    await expect(session.host(squadGame, { playersMax: 5 })).rejects.toThrow('playersMax 5');
    await expect(session.host(squadGame, { spectatorsMax: 32 })).rejects.toThrow('spectatorsMax 32');
    await expect(session.host(squadGame, { identity: 'ä' })).rejects.toThrow('identity');
  });
});

test('[PATH10] whether the relay may be dialled is what the lobby allows at that moment, not what it allowed at the join', async () => {
  const session = new TestSession(5);
  const tickets: (RelayTicket | undefined)[] = [];
  const createTransport = session.network.createTransport.bind(session.network);
  session.network.createTransport = (id) => {
    const transport = createTransport(id);
    const connect = transport.connect.bind(transport);
    transport.connect = (to, options) => {
      tickets.push(options.relay);
      return connect(to, options);
    };
    return transport;
  };
  const host = await session.host(squadGame, { listing: { isRelayAllowed: false } });
  const { code } = host.lobby;
  await session.join(squadGame, code, { name: 'Bob' });
  const codes: (string | undefined)[] = [];
  for (const isRelayAllowed of [false, true, false, true]) {
    host.setLobby({ isRelayAllowed });
    await session.run(300);
    codes.push(tickets[0]!.code);
  }
  expect([tickets.length, codes]).toEqual([1, [undefined, code, undefined, code]]);
});

describe('passwords', () => {
  test('[LOBBY4] a lobby with a password asks for it; its owner may change it, and it does not matter how letters were composed', async () => {
    const session = new TestSession(2);
    const host = await session.host(squadGame, { password: 'caf\u00e9' });
    const { code } = host.lobby;
    expect(await reasonOf(session.join(squadGame, code))).toBe('password-needed');
    expect(await reasonOf(session.join(squadGame, code, { password: 'cafe' }))).toBe('wrong-password');
    await expect(session.join(squadGame, code, { password: 'cafe\u0301' })).resolves.toBeDefined();
    host.setLobby({ password: 'tea' });
    expect(await reasonOf(session.join(squadGame, code, { password: 'café' }))).toBe('wrong-password');
    host.setLobby({ password: '' });
    await expect(session.join(squadGame, code)).resolves.toBeDefined();
  });

  test('[LOBBY5] who was let in takes their seat over without the password, as it is theirs', async () => {
    const { session, bob, code } = await trio({ password: 'tea' });
    session.vanish(bob);
    const again = await session.join(squadGame, code, { name: 'Bob', identity: 'bob', takeOver: true });
    expect(again.me).toBe(bob.me);
  });

  test('[LOBBY6] guesses under one identity cost more and more time; others get in meanwhile', async () => {
    const session = new TestSession(3);
    const host = await session.host(squadGame, { password: 'tea' });
    const { code } = host.lobby;
    const tookMs: number[] = [];
    for (let n = 0; n < 6; n++) {
      const startMs = session.clock.nowMs();
      expect(await reasonOf(session.join(squadGame, code, { identity: 'mallory', password: `tea${n}` }))).toBe('wrong-password');
      tookMs.push(session.clock.nowMs() - startMs);
    }
    expect(Math.max(...tookMs.slice(0, 3))).toBeLessThan(500);
    expect(tookMs[3]).toBeGreaterThanOrEqual(900);
    expect(tookMs[4]).toBeGreaterThan(tookMs[3]! + 500);
    expect(tookMs[5]).toBeGreaterThan(tookMs[4]! + 1000);
    const guessing = reasonOf(session.join(squadGame, code, { identity: 'mallory', password: 'tea6' }));
    const startMs = session.clock.nowMs();
    await expect(session.join(squadGame, code, { identity: 'bob', password: 'tea' })).resolves.toBeDefined();
    expect(session.clock.nowMs() - startMs).toBeLessThan(500);
    expect(await guessing).toBe('wrong-password');
  });

  test('[LOBBY7] guesses under ever new names and addresses have a pace, too', async () => {
    const session = new TestSession(4);
    const host = await session.host(squadGame, { password: 'tea' });
    let answered = 0;
    for (let round = 0; round < 10; round++) {
      const strangers: Stranger[] = [];
      for (let n = 0; n < 16; n++) strangers.push(await session.stranger(host));
      strangers.forEach((stranger, n) => stranger.hello(squadGame, { identity: `m${round}-${n}`, password: `guess${n}` }));
      await session.run(100);
      answered += strangers.filter((stranger) => stranger.listen().some(({ type }) => type === 'refuse')).length;
      for (const stranger of strangers) stranger.link.close();
    }
    // Thirty at once and one a second: the rest was given up by whoever asked.
    expect(answered).toBeLessThanOrEqual(30 + Math.ceil(session.clock.nowMs() / 1000));
    await session.run(3000);
    await expect(session.join(squadGame, host.lobby.code, { password: 'tea' })).resolves.toBeDefined();
  });
});

test('[LOBBY21] who comes and says nothing is sent away after five seconds, so that silence keeps nobody out', async () => {
  const { session, host, code } = await trio();
  const silent: Stranger[] = [];
  for (let n = 0; n < 40; n++) silent.push(await session.stranger(host));
  await session.run(6000);
  expect(silent.every(({ link }) => link.end !== undefined)).toBe(true);
  await expect(session.join(squadGame, code, { name: 'Di' })).resolves.toBeDefined();
});

describe('teams and settings', () => {
  test("[LOBBY8] newcomers fill the smaller team; everyone may change theirs, the host anybody's, in the lobby", async () => {
    const { session, host, bob, cy } = await trio();
    expect(host.lobby.players.map(({ team }) => team)).toEqual([0, 1, 0]);
    bob.setTeam(0);
    cy.setTeam(2);
    host.setTeam(1);
    await session.run(1_000);
    expect(cy.lobby.players.map(({ team }) => team)).toEqual([1, 0, 0]);
    host.assign(cy.me, { team: 1 });
    await session.run(1_000);
    expect(bob.lobby.players.map(({ team }) => team)).toEqual([1, 0, 1]);
    expect(() => host.assign(cy.me, { team: 2 })).toThrow('team 2 must be 0 to 1');
    expect(() => host.assign(31 as never, { team: 1 })).toThrow('player 31 is not in the lobby');
  });

  test('[LOBBY9] a match has the teams and settings of its start, for all who predict it, late joiners, and its recording', async () => {
    const { session, host, bob, cy, code } = await trio();
    host.setSettings({ mode: 'teams', limit: 500 });
    bob.setTeam(0);
    await session.run(300);
    host.start();
    await session.run(1000);
    expect(() => host.setSettings({ limit: 10 })).toThrow(/fixed/);
    expect(() => host.assign(bob.me, { team: 1 })).toThrow(/fixed/);
    cy.setTeam(1);
    const late = await session.join(squadGame, code, { name: 'Di' });
    await session.run(1500);
    const corrections = cy.stats().corrections;
    for (const room of [bob, cy, late]) room.setInput({ press: true });
    await session.run(1000);
    for (const room of [bob, cy, late]) room.setInput({ press: false });
    await session.run(1500);
    const teams = [
      [1, 0],
      [2, 0],
      [3, 0],
      [4, 1],
    ];
    for (const room of [host, bob, cy, late]) expect(markersOf(room).map(({ owner, team }) => [owner, team])).toEqual(teams);
    // Two points a tick, as all predicted: a client that reckoned with another setting would be corrected all the time.
    expect(markersOf(host)[1]!.points).toBeGreaterThan(100);
    expect(markersOf(cy)).toEqual(markersOf(host).map((marker) => ({ ...marker, isMine: marker.owner === 3 })));
    expect(cy.stats().corrections - corrections).toBeLessThan(5);
    const recording = host.recording()!;
    expect(recording.settings).toEqual({ mode: 'teams', limit: 500, isFriendly: false });
    expect(findDivergence(squadGame, structuredClone(recording))).toBeUndefined();
    expect(
      findDivergence(squadGame, { ...structuredClone(recording), settings: { mode: 'duel', limit: 500, isFriendly: false } }),
    ).toBeDefined();
  });
});

describe('without the broker', () => {
  test('[LOBBY20] a lobby lives on while the broker is away, and its code comes back to life by itself', async () => {
    const { session, host, bob, cy, code } = await trio({ listing: { name: 'Ours', isPublic: true } });
    const heard = session.listen(host);
    session.network.setBrokerUp(false);
    session.directory.isUp = false;
    session.directory.lobbies.clear();
    await session.run(10_000);
    cy.setReady(true);
    bob.say('still here');
    host.setLobby({ name: 'Still ours' });
    await session.run(1000);
    for (const room of [host, bob, cy]) {
      expect(room.lobby.players.map(({ isReady, isSilent }) => [isReady, isSilent])).toEqual([
        [false, false],
        [false, false],
        [true, false],
      ]);
      expect([room.lobby.name, room.chat.at(-1)!.text]).toEqual(['Still ours', 'still here']);
    }
    session.network.setBrokerUp(true);
    session.directory.isUp = true;
    await session.run(5000);
    expect(heard.notices.map((notice) => notice.code)).toEqual(['broker-lost', 'broker-back']);
    expect(session.directory.lobbies.get(code)).toMatchObject({ name: 'Still ours', isPublic: true, players: 3, mode: 'duel, 1000' });
    await expect(session.join(squadGame, code, { name: 'Di' })).resolves.toBeDefined();
  });
});

describe('the way to a match', () => {
  test('[LOBBY15] a countdown is seen by all and ends in the match, whoever comes, goes or is not ready', async () => {
    const { session, host, bob, cy, code } = await trio();
    const heard = session.listen(bob);
    host.start({ countdownMs: 3000 });
    expect(host.lobby.countdownMs).toBe(3000);
    await session.run(500);
    expect(bob.lobby.phase).toBe('lobby');
    expect(bob.lobby.countdownMs).toBeGreaterThan(2000);
    bob.setReady(false);
    cy.leave();
    const late = await session.join(squadGame, code, { name: 'Di' });
    await session.run(500);
    expect(late.lobby.countdownMs).toBeLessThan(2500);
    await session.run(2500);
    for (const room of [host, bob, late]) expect([room.lobby.phase, room.lobby.countdownMs]).toEqual(['playing', undefined]);
    expect(heard.notices.map(({ code: notice }) => notice)).toEqual(expect.arrayContaining(['countdown', 'player-left', 'player-joined']));
    expect(heard.notices.map(({ code: notice }) => notice)).not.toContain('countdown-cancelled');
    expect(() => host.start({ countdownMs: 60_001 })).toThrow(/already/);
  });

  test('[LOBBY16] it can be called off; a rematch can have one, too', async () => {
    const { session, host, bob } = await trio({ settings: { limit: 10 } });
    expect(() => host.start({ countdownMs: 60_001 })).toThrow('countdownMs 60001 must be 0 to 60000');
    expect(() => host.start({ countdownMs: NaN })).toThrow(RangeError);
    const heard = session.listen(bob);
    host.start({ countdownMs: 2000 });
    await session.run(500);
    host.cancelStart();
    await session.run(3000);
    expect([bob.lobby.phase, bob.lobby.countdownMs]).toEqual(['lobby', undefined]);
    expect(heard.notices.map(({ code }) => code)).toEqual(['countdown', 'countdown-cancelled']);
    host.start();
    await session.run(1000);
    bob.setInput({ press: true });
    await session.run(1500);
    expect(bob.lobby).toMatchObject({ phase: 'results', result: { winner: 2 } });
    host.start({ countdownMs: 1000 });
    await session.run(500);
    expect(bob.lobby).toMatchObject({ phase: 'results', result: { winner: 2 } });
    await session.run(1000);
    expect(bob.lobby.phase).toBe('playing');
    expect(markersOf(bob).every(({ points }) => points < 10)).toBe(true);
  });

  test('[LOBBY17] pings, paths and addresses are told, roughly and seldom', async () => {
    const { session, host, bob, cy } = await trio();
    await session.run(3000);
    let changes = 0;
    cy.on('lobby', () => changes++);
    const [ada, seen] = cy.lobby.players;
    expect(ada).toMatchObject({ pingMs: undefined, path: 'local', peerId: session.peerIdOf(host) });
    expect(seen).toMatchObject({ path: 'direct', peerId: session.peerIdOf(bob) });
    expect(seen!.pingMs).toBeGreaterThan(70);
    expect(seen!.pingMs).toBeLessThan(150);
    await session.run(20_000);
    expect(changes).toBeLessThanOrEqual(10);
    bob.setInVoice(true);
    await session.run(300);
    expect(cy.lobby.players.map(({ isInVoice }) => isInVoice)).toEqual([false, true, false]);
  });
});
