/**
 * Whatever people do in a lobby, in whatever order, on a bad network: once it is quiet, all pages show the same lobby, and its rules
 * hold. Every run is named by its seed.
 */
import { expect, test } from 'vitest';
import { Sfc32 } from '../../netcode/core/rng.ts';
import type { SessionRoom } from '../../netcode/session/session-room.ts';
import { JoinError } from '../../netcode/session/room.ts';
import { TestSession } from '../harness/session.ts';
import { squadGame } from '../harness/squad-game.ts';

const LAGGY = { delayMs: 40, jitterMs: 20, lossPct: 8, reorder: true };
const STEPS = 24;
/** Long enough for whatever was said to arrive, and for everyone to find the new host. */
const QUIET_MS = 4_000;
/** Long enough for a seat to be given up. */
const LOST_MS = 13_000;

class Crowd {
  readonly session: TestSession;
  readonly rng: Sfc32;
  readonly rooms: SessionRoom[] = [];
  readonly did: string[] = [];
  code = '';
  isPassing = false;
  #count = 0;

  constructor(seed: number) {
    this.session = new TestSession(seed);
    this.session.network.setDefaultConditions(LAGGY);
    this.rng = new Sfc32(seed);
  }

  async open(): Promise<void> {
    const host = await this.session.host(squadGame, { name: 'P0', identity: 'p0', playersMax: 3, spectatorsMax: 3, password: 'tea' });
    this.#keep(host);
    this.code = host.lobby.code;
    for (let n = 0; n < 3; n++) await this.join();
  }

  get host(): SessionRoom | undefined {
    return this.rooms.find(({ role }) => role === 'host');
  }

  async join(): Promise<void> {
    const name = `P${++this.#count}`;
    const options = { name, identity: name.toLowerCase(), password: 'tea', isSpectating: this.rng.below(3) === 0 };
    try {
      this.#keep(await this.session.join(squadGame, this.code, options));
    } catch (error) {
      expect(error).toBeInstanceOf(JoinError);
    }
  }

  /** Several things at once, by anybody. */
  async act(): Promise<void> {
    const room = this.rooms[this.rng.below(this.rooms.length)]!;
    const other = this.rooms[this.rng.below(this.rooms.length)]!;
    const { host, rng } = this;
    const acts: readonly [string, () => unknown][] = [
      ['name', () => room.setName(`N${rng.below(4)}`)],
      ['color', () => room.setColor(rng.below(18))],
      ['ready', () => room.setReady(rng.below(2) === 0)],
      ['team', () => room.setTeam(rng.below(3))],
      ['spectate', () => room.setSpectating(rng.below(2) === 0)],
      ['voice', () => room.setInVoice(rng.below(2) === 0)],
      ['say', () => room.say(`line ${this.did.length}`)],
      ['leave', () => room.role === 'guest' && this.rooms.length > 2 && room.leave()],
      ['kick', () => other.role === 'guest' && this.rooms.length > 2 && host?.kick(other.me)],
      ['settings', () => host?.lobby.phase !== 'playing' && host?.setSettings({ limit: 10 * (1 + rng.below(9)) })],
      ['lobby', () => host?.setLobby({ name: `L${rng.below(3)}`, isPublic: rng.below(2) === 0 })],
      ['start', () => host?.lobby.phase !== 'playing' && !this.isPassing && host?.start({ countdownMs: rng.below(2) * 800 })],
      ['cancel', () => host?.cancelStart()],
      ['back', () => host?.toLobby()],
      ['back', () => host?.toLobby()],
      ['pass', () => this.#pass(other)],
      ['pass', () => this.#pass(other)],
      ['press', () => room.setInput({ press: true })],
    ];
    const [what, act] = acts[rng.below(acts.length)]!;
    this.did.push(`${what} ${room.me}/${other.me}`);
    act();
    if (rng.below(3) === 0) await this.join();
    if (rng.below(2) === 0) await this.session.run(rng.below(400));
  }

  #pass(heir: SessionRoom): void {
    if (this.host === undefined || this.isPassing) return;
    this.isPassing = true;
    const settle = (): void => {
      this.isPassing = false;
    };
    this.host.passHost(heir.me).then(settle, settle);
  }

  #keep(room: SessionRoom): void {
    this.rooms.push(room);
    room.on('closed', () => this.rooms.splice(this.rooms.indexOf(room), 1));
  }

  /** Nothing is under way any more. Whoever left on the way to a new host is missed for a while. */
  async quiet(): Promise<void> {
    do await this.session.run(QUIET_MS);
    while (this.isPassing);
    if (this.host?.lobby.players.length !== this.rooms.length) await this.session.run(LOST_MS);
  }

  /** The lobby as a room shows it, without what is its own or still being measured. */
  static shown(room: SessionRoom): unknown {
    const { bans: _bans, countdownMs: _countdownMs, result: _result, players, ...lobby } = room.lobby;
    return { ...lobby, players: players.map(({ isMe: _isMe, pingMs: _pingMs, ...player }) => player) };
  }

  check(): void {
    const { host } = this;
    expect(host).toBeDefined();
    expect(this.rooms.filter(({ role }) => role === 'host')).toHaveLength(1);
    for (const room of this.rooms) {
      expect(Crowd.shown(room)).toEqual(Crowd.shown(host!));
      const mine = room.lobby.players.filter(({ isMe }) => isMe);
      expect(mine.map(({ id, peerId, isHost }) => ({ id, peerId, isHost }))).toEqual([
        { id: room.me, peerId: this.session.peerIdOf(room), isHost: room === host },
      ]);
    }
    const { players } = host!.lobby;
    expect(players).toHaveLength(this.rooms.length);
    const playing = players.filter(({ isSpectator }) => !isSpectator);
    expect(playing.length).toBeLessThanOrEqual(3);
    expect(players.length - playing.length).toBeLessThanOrEqual(3);
    const unlike: readonly (readonly unknown[])[] = [playing.map(({ color }) => color), players.map(({ name }) => name)];
    for (const list of unlike) expect(new Set(list).size).toBe(list.length);
    for (const { team, isReady, isSpectator, isSilent } of players)
      expect([team < 2, isReady && isSpectator, isSilent]).toEqual([true, false, false]);
    expect(this.session.directory.lobbies.get(this.code)).toMatchObject({
      peerId: this.session.peerIdOf(host!),
      players: playing.length,
      name: host!.lobby.name,
      isPublic: host!.lobby.isPublic,
    });
  }
}

test.each(Array.from({ length: 8 }, (_, seed) => [seed + 1]))(
  '[LOBBY18] all pages agree once it is quiet, seed %i',
  async (seed) => {
    const crowd = new Crowd(seed);
    await crowd.open();
    for (let step = 0; step < STEPS; step++) {
      for (let n = crowd.rng.below(4); n >= 0; n--) await crowd.act();
      await crowd.quiet();
      try {
        crowd.check();
      } catch (error) {
        throw new Error(`seed ${seed}, step ${step}, after ${crowd.did.slice(-8).join(', ')}`, { cause: error });
      }
    }
  },
  120_000,
);
