/** SPEC.md's SESS rules: hosting, joining, every refusal, and what happens when somebody or the broker goes. */
import { describe, expect, test } from 'vitest';
import { defineGame, int } from '../../netcode/index.ts';
import { JoinError } from '../../netcode/session/room.ts';
import { encodeControl } from '../../netcode/wire/control.ts';
import { PROTOCOL_VERSION } from '../../netcode/wire/packet.ts';
import { findDivergence } from '../../netcode/host/recording.ts';
import { skiffGame } from '../harness/skiff-game.ts';
import { TestSession } from '../harness/session.ts';

/** What a guest of the skiff game says first. */
const HELLO = {
  type: 'hello',
  protocol: PROTOCOL_VERSION,
  game: 'skiff',
  version: 1,
  shape: skiffGame.shape,
  name: 'x',
  identity: '',
  takeOver: false,
  password: '',
  isSpectating: false,
} as const;

const LAGGY = { delayMs: 40, jitterMs: 10, lossPct: 5, reorder: true };

async function failureOf(joining: Promise<unknown>): Promise<JoinError> {
  const error: unknown = await joining.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(JoinError);
  return error as JoinError;
}

async function pair(seed = 3) {
  const session = new TestSession(seed);
  session.network.setDefaultConditions(LAGGY);
  const host = await session.host(skiffGame, { name: 'Ada', identity: 'ada' });
  const guest = await session.join(skiffGame, host.lobby.code, { name: 'Bob', identity: 'bob' });
  await session.run(500);
  return { session, host, guest };
}

describe('joining', () => {
  test('[SESS1] both see the same lobby', async () => {
    const { host, guest } = await pair();
    const plain = (room: typeof host) =>
      room.lobby.players.map(({ id, name, color, isReady, isHost }) => ({ id, name, color, isReady, isHost }));
    expect(plain(guest)).toEqual(plain(host));
    expect(plain(host)).toEqual([
      { id: 1, name: 'Ada', color: 0, isReady: false, isHost: true },
      { id: 2, name: 'Bob', color: 1, isReady: false, isHost: false },
    ]);
    expect(guest.lobby.players.find((player) => player.isMe)?.name).toBe('Bob');
  });

  test('[SESS2] codes may be typed in lower case, with spaces and look-alikes', async () => {
    const { session, host } = await pair();
    const sloppy = ` ${host.lobby.code
      .toLowerCase()
      .replaceAll('5', 's')
      .replaceAll('8', 'b')
      .replace(/^(...)/, '$1-')} `;
    await expect(session.join(skiffGame, sloppy, { name: 'Cy' })).resolves.toBeDefined();
  });

  test('[SESS3] what is no code, and what is no lobby, is told apart', async () => {
    const session = new TestSession(1);
    expect((await failureOf(session.join(skiffGame, 'hello!'))).reason).toBe('bad-code');
    expect((await failureOf(session.join(skiffGame, 'K7QX2M'))).reason).toBe('unknown-code');
  });

  test('[SESS4] a full lobby refuses', async () => {
    const session = new TestSession(1);
    const host = await session.host(skiffGame, { playersMax: 2 });
    await session.join(skiffGame, host.lobby.code);
    expect((await failureOf(session.join(skiffGame, host.lobby.code))).reason).toBe('full');
    expect(host.lobby.players).toHaveLength(2);
  });

  test('[SESS5] a locked lobby refuses until it is unlocked', async () => {
    const session = new TestSession(1);
    const host = await session.host(skiffGame);
    host.setLocked(true);
    expect((await failureOf(session.join(skiffGame, host.lobby.code))).reason).toBe('locked');
    host.setLocked(false);
    await expect(session.join(skiffGame, host.lobby.code)).resolves.toBeDefined();
  });

  test('[SESS6] another version or shape and another game are refused, each with its reason', async () => {
    const session = new TestSession(1);
    const host = await session.host(skiffGame);
    const spec = { entities: { dot: { x: int({ min: 0, max: 1 }) } }, input: {}, step: () => undefined };
    expect((await failureOf(session.join(defineGame({ ...spec, id: 'skiff', version: 2 }), host.lobby.code))).reason).toBe('wrong-version');
    // The same version by name, but not by its fields, or not by what its snapshots expect.
    expect((await failureOf(session.join(defineGame({ ...spec, id: 'skiff', version: 1 }), host.lobby.code))).reason).toBe('wrong-version');
    const trained = defineGame({ ...skiffGame.spec, priors: 'another' });
    expect((await failureOf(session.join(trained, host.lobby.code))).reason).toBe('wrong-version');
    await expect(session.join(defineGame({ ...skiffGame.spec }), host.lobby.code)).resolves.toBeDefined();
    expect((await failureOf(session.join(defineGame({ ...spec, id: 'chess', version: 1 }), host.lobby.code))).reason).toBe('wrong-game');
  });

  test('[SESS7] a peer that speaks another protocol is told so', async () => {
    const session = new TestSession(1);
    const host = await session.host(skiffGame);
    const stranger = session.network.createTransport();
    const dialling = stranger.connect(session.peerIdOf(host), { timeoutMs: 5000 });
    await session.run(100);
    const link = await dialling;
    link.sendControl(encodeControl({ ...HELLO, protocol: 999 }));
    await session.run(100);
    expect(new TextDecoder().decode(link.receiveControl()!.bytes)).toContain('wrong-version');
  });

  test('[SESS8] the host gone, the broker gone and no path are told apart', async () => {
    const session = new TestSession(1);
    const host = await session.host(skiffGame);
    session.network.setDefaultConditions({ isDown: true });
    expect((await failureOf(session.join(skiffGame, host.lobby.code))).reason).toBe('unreachable');
    session.network.setDefaultConditions({});
    session.vanish(host);
    expect((await failureOf(session.join(skiffGame, host.lobby.code))).reason).toBe('host-gone');
    session.directory.isUp = false;
    expect((await failureOf(session.join(skiffGame, host.lobby.code))).reason).toBe('broker-unreachable');
    session.network.setBrokerUp(false);
    expect((await failureOf(session.host(skiffGame))).reason).toBe('broker-unreachable');
  });

  test('[SESS9] the same identity is told it is in already, and may take its seat over', async () => {
    const { session, host, guest } = await pair();
    const heard = session.listen(guest);
    const error = await failureOf(session.join(skiffGame, host.lobby.code, { name: 'Bob', identity: 'bob' }));
    expect(error.reason).toBe('already-in');
    expect(host.lobby.players).toHaveLength(2);
    const again = await session.join(skiffGame, host.lobby.code, { name: 'Bob', identity: 'bob', takeOver: true });
    await session.run(500);
    expect(heard.closed.map(({ end }) => end)).toEqual(['replaced']);
    expect(again.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob']);
    expect((await failureOf(session.join(skiffGame, host.lobby.code, { identity: 'ada', takeOver: true }))).reason).toBe('already-in');
  });

  test('[SESS10] giving up is no error of anybody else', async () => {
    const session = new TestSession(1);
    const host = await session.host(skiffGame);
    session.network.setDefaultConditions({ isDown: true });
    const controller = new AbortController();
    const joining = failureOf(session.join(skiffGame, host.lobby.code, { signal: controller.signal }));
    await session.run(100);
    controller.abort();
    expect((await joining).reason).toBe('cancelled');
    expect(host.lobby.players).toHaveLength(1);
  });
});

describe('in the lobby', () => {
  test('[LOB1] names are made safe, cut and kept apart', async () => {
    const { session, host, guest } = await pair();
    guest.setName(`<b>Bob</b>${'x'.repeat(10_000)}`);
    await session.run(300);
    expect(host.lobby.players[1]!.name).toBe('<b>Bob</b>xxxxxxxxxx');
    guest.setName('  A\u202Ed\u0000a\n');
    await session.run(300);
    expect(guest.lobby.players[1]!.name).toBe('Ada 2');
    guest.setName('\u200B\u200B');
    await session.run(300);
    expect(guest.lobby.players[1]!.name).toBe('Player');
  });

  test('[LOB2] a colour has one player; readiness is seen by all and cleared by a match', async () => {
    const { session, host, guest } = await pair();
    guest.setColor(0);
    guest.setReady(true);
    await session.run(300);
    expect(host.lobby.players.map(({ color, isReady }) => [color, isReady])).toEqual([
      [0, false],
      [1, true],
    ]);
    guest.setColor(9);
    await session.run(300);
    expect(host.lobby.players[1]!.color).toBe(9);
    host.start();
    host.toLobby();
    await session.run(300);
    expect(guest.lobby.players[1]!.isReady).toBe(false);
  });

  test('[LOB3] only the host starts, locks, kicks, bans, moves others, sets and passes on', async () => {
    const { guest } = await pair();
    const acts = [
      () => guest.start(),
      () => guest.cancelStart(),
      () => guest.toLobby(),
      () => guest.kick(guest.me),
      () => guest.ban(guest.me),
      () => guest.unban('x'),
      () => guest.setLocked(true),
      () => guest.setLobby({ name: 'Mine' }),
      () => guest.setSettings({}),
      () => guest.assign(guest.me, { team: 1 }),
    ];
    for (const act of acts) expect(act).toThrow(/host only/);
    await expect(guest.passHost(guest.me)).rejects.toThrow(/host only/);
  });

  test('[LOB4] whoever was kicked is told so and may come back; who was banned may not, until that is taken back', async () => {
    const { session, host, guest } = await pair();
    const heard = session.listen(guest);
    host.kick(guest.me);
    await session.run(500);
    expect(heard.closed.map(({ end }) => end)).toEqual(['kicked']);
    const again = await session.join(skiffGame, host.lobby.code, { name: 'Bob', identity: 'bob' });
    await session.run(200);
    host.ban(again.me);
    expect(host.lobby.bans).toEqual([{ identity: 'bob', name: 'Bob' }]);
    await session.run(500);
    expect((await failureOf(session.join(skiffGame, host.lobby.code, { identity: 'bob', takeOver: true }))).reason).toBe('banned');
    await expect(session.join(skiffGame, host.lobby.code, { identity: 'cy' })).resolves.toBeDefined();
    host.unban('bob');
    expect(host.lobby.bans).toEqual([]);
    await expect(session.join(skiffGame, host.lobby.code, { identity: 'bob' })).resolves.toBeDefined();
    expect(() => host.ban(host.me)).toThrow(/cannot be banned by themselves/);
  });

  test('[LOB5] nonsense and floods on the control channel cost the sender the seat, and nobody else anything', async () => {
    for (const nonsense of [new Uint8Array([0xc1, 1, 2, 3]), encodeControl({ type: 'ready', isReady: true })]) {
      const { session, host, guest } = await pair();
      const stranger = session.network.createTransport();
      const dialling = stranger.connect(session.peerIdOf(host), { timeoutMs: 5000 });
      await session.run(1500);
      const link = await dialling;
      link.sendControl(encodeControl({ ...HELLO, name: 'Mallory', identity: 'm' }));
      await session.run(1500);
      expect(host.lobby.players).toHaveLength(3);
      for (let i = 0; i < 200; i++) link.sendControl(nonsense);
      await session.run(8000);
      expect(host.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Bob']);
      expect(guest.lobby.players).toHaveLength(2);
    }
  });
});

describe('in a match', () => {
  test('[SESS11] everyone plays the same match, and its recording replays to the same hashes', async () => {
    const { session, host, guest } = await pair();
    host.start();
    await session.run(1000);
    host.setInput({ thrust: true, turn: 1 });
    guest.setInput({ thrust: true, turn: -1, fire: true });
    await session.run(3000);
    for (const room of [host, guest]) {
      room.setInput({ thrust: false, turn: 0 });
      expect(room.lobby.phase).toBe('playing');
      expect(room.stats()).toMatchObject({ malformedPackets: 0, connectedPeers: 1, isBrokerReachable: true });
    }
    await session.run(6000);
    const skiffs = (room: typeof host) =>
      (room.view() as readonly { id: number; kind: string; pos: { x: number; y: number } }[])
        .filter(({ kind }) => kind === 'skiff')
        .map(({ id, pos }) => ({ id, ...pos }))
        .sort((a, b) => a.id - b.id);
    expect(skiffs(host)).toHaveLength(2);
    expect(skiffs(guest)).toEqual(skiffs(host));
    const recording = host.recording()!;
    expect(recording.ticks.length).toBeGreaterThan(500);
    expect(findDivergence(skiffGame, structuredClone(recording))).toBeUndefined();
  });

  test('[SESS12] who comes late plays too, and who goes takes their things along', async () => {
    const { session, host, guest } = await pair();
    host.start();
    await session.run(1000);
    const late = await session.join(skiffGame, host.lobby.code, { name: 'Cy' });
    await session.run(2000);
    const countSkiffs = (room: typeof guest) => (room.view() as readonly { kind: string }[]).filter(({ kind }) => kind === 'skiff').length;
    expect([countSkiffs(guest), countSkiffs(late)]).toEqual([3, 3]);
    late.leave();
    await session.run(1500);
    expect(countSkiffs(guest)).toBe(2);
    expect(host.lobby.players).toHaveLength(2);
  });

  test('[SESS13] a guest that dies without a word is missed, then given up; the others play on', async () => {
    const { session, host, guest } = await pair();
    const other = await session.join(skiffGame, host.lobby.code, { name: 'Cy' });
    const heard = session.listen(host);
    host.start();
    await session.run(500);
    session.vanish(guest);
    await session.run(1300);
    expect(heard.notices.map(({ code }) => code)).not.toContain('peer-silent');
    await session.run(700);
    expect(heard.notices.map(({ code }) => code)).toContain('peer-silent');
    // Everybody sees it.
    for (const room of [host, other]) expect(room.lobby.players.map(({ isSilent }) => isSilent)).toEqual([false, true, false]);
    await session.run(13_000);
    expect(host.lobby.players.map(({ name }) => name)).toEqual(['Ada', 'Cy']);
    expect(other.stats().snapshotsPerSecond).toBeGreaterThan(40);
  });

  test('[SESS14] a host that leaves is told to the guests at once, one that dies after a while', async () => {
    const { session, host, guest } = await pair();
    const heard = session.listen(guest);
    host.start();
    await session.run(500);
    host.leave();
    await session.run(1000);
    expect(heard.closed.map(({ end }) => end)).toEqual(['host-left']);
    expect(session.directory.lobbies.size).toBe(0);
    const second = await pair(4);
    const heardToo = second.session.listen(second.guest);
    second.session.vanish(second.host);
    await second.session.run(15_000);
    expect(heardToo.closed.map(({ end }) => end)).toEqual(['host-lost']);
  });

  test('[SESS15] an outage of three seconds ends nothing', async () => {
    const { session, host, guest } = await pair();
    host.start();
    await session.run(1000);
    session.network.setDefaultConditions({ ...LAGGY, isDown: true });
    await session.run(2000);
    for (const room of [host, guest]) {
      const silent = room.lobby.players.filter((player) => player.isSilent);
      expect(silent.map(({ isMe }) => isMe)).toEqual([false]);
    }
    await session.run(1000);
    session.network.setDefaultConditions(LAGGY);
    await session.run(400);
    // Fresh long before control traffic is through again.
    expect(guest.stats().snapshotAgeMs).toBeLessThan(200);
    await session.run(1600);
    expect(host.lobby.players.concat(guest.lobby.players).some(({ isSilent }) => isSilent)).toBe(false);
    expect(guest.lobby.phase).toBe('playing');
    expect(guest.stats().snapshotAgeMs).toBeLessThan(200);
    expect(guest.stats().snapshotsPerSecond).toBeGreaterThan(40);
    expect(host.lobby.players).toHaveLength(2);
  });

  test('[SESS16] the broker may die during a match: nobody notices, and the code comes back with it', async () => {
    const { session, host, guest } = await pair();
    const heard = session.listen(host);
    const { code } = host.lobby;
    host.start();
    await session.run(1000);
    session.network.setBrokerUp(false);
    session.directory.isUp = false;
    session.directory.lobbies.clear();
    await session.run(10_000);
    expect(guest.stats().snapshotsPerSecond).toBeGreaterThan(40);
    expect(heard.notices.map((notice) => notice.code)).toEqual(['broker-lost']);
    expect(host.stats().isBrokerReachable).toBe(false);
    session.network.setBrokerUp(true);
    session.directory.isUp = true;
    await session.run(5000);
    expect(heard.notices.map((notice) => notice.code)).toEqual(['broker-lost', 'broker-back']);
    expect(host.lobby.code).toBe(code);
    const third = await session.join(skiffGame, code, { name: 'Cy' });
    await session.run(1000);
    expect(third.lobby.players).toHaveLength(3);
  });

  test('[SESS17] a code that somebody else has meanwhile is replaced, and everyone is shown the new one', async () => {
    const { session, host, guest } = await pair();
    const heard = session.listen(host);
    const { code } = host.lobby;
    session.directory.lobbies.set(code, { ...session.directory.lobbies.get(code)!, token: 'of somebody else' });
    session.directory.heartbeat = () => Promise.resolve({ ok: false, failure: 'not-owner', message: 'not yours' });
    await session.run(10_000);
    expect(heard.notices.map((notice) => notice.code)).toContain('code-changed');
    expect(host.lobby.code).not.toBe(code);
    expect(guest.lobby.code).toBe(host.lobby.code);
  });

  test('[SESS18] a game that names a result ends in it, and a new match can follow', async () => {
    const race = defineGame({
      id: 'race',
      version: 1,
      input: { go: int({ min: 0, max: 1 }) },
      entities: { car: { x: int({ min: 0, max: 1000 }) } },
      onJoin: (world, player) => void world.spawn('car', { owner: player }),
      step(world, inputs) {
        for (const car of world.all('car')) car.x += inputs.of(car.owner).go;
      },
      result(world) {
        const winner = [...world.all('car')].find((car) => car.x >= 60);
        return winner === undefined ? undefined : { winner: winner.owner };
      },
    });
    const session = new TestSession(9);
    session.network.setDefaultConditions(LAGGY);
    const host = await session.host(race);
    const guest = await session.join(race, host.lobby.code);
    for (const round of [1, 2]) {
      host.start();
      await session.run(1000);
      guest.setInput({ go: 1 });
      await session.run(3000);
      expect([round, guest.lobby.phase, guest.lobby.result]).toEqual([round, 'results', { winner: 2 }]);
    }
    host.toLobby();
    await session.run(500);
    expect([guest.lobby.phase, guest.lobby.result]).toEqual(['lobby', undefined]);
  });
});
