/**
 * The lobby's truth, kept by the host: who is here, what was chosen, who is kept out. Plain data behind a few rules, so that it can be
 * handed over to another host (`estate`) and go on there as if nothing had happened.
 */
import { VOICE_PLAYERS_MAX } from '../voice/voice.ts';
import type { PeerId, PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import { BANS_MAX, type LobbyEstate, type WireBan, type WireLobby } from '../wire/control-lobby.ts';
import type { GuestMessage } from '../wire/control.ts';
import { changedSettings, packSettings, type SettingValues, unpackSettings } from '../wire/settings.ts';
import { type LobbyOptions, PASSWORD_LENGTH_MAX, type PlayerPath, type RoomPhase } from './lobby-state.ts';
import { cleanLobbyName, cleanName } from './name.ts';
import { isIndex, type Newcomer, type Seat, Seats } from './seats.ts';

/** A ping is told anew when it has changed by more than this part, and by so much. */
const PING_CHANGE_SHARE = 0.2;
const PING_CHANGE_MS = 5;

export interface LobbyStart {
  readonly code: string;
  readonly playersMax: number;
  readonly spectatorsMax: number;
  readonly name: string;
  readonly isPublic: boolean;
  readonly isRelayAllowed: boolean;
  readonly password: string;
  readonly settings: SettingValues;
}

export class LobbyModel {
  phase: RoomPhase = 'lobby';
  isLocked = false;
  code: string;
  name: string;
  isPublic: boolean;
  isRelayAllowed: boolean;
  password: string;
  playersMax: number;
  settings: SettingValues;
  result: unknown;
  /** When the match starts, if a countdown runs. */
  startsAtMs: number | undefined;
  /** Rises with every change, so that the session knows when to tell. */
  revision = 0;
  bans: readonly WireBan[] = [];
  readonly spectatorsMax: number;
  readonly #game: AnyGame;
  readonly #seats: Seats;

  constructor(game: AnyGame, start: LobbyStart, seats: readonly Seat[] = []) {
    this.#game = game;
    this.code = start.code;
    this.playersMax = start.playersMax;
    this.spectatorsMax = start.spectatorsMax;
    this.name = cleanLobbyName(start.name);
    this.isPublic = start.isPublic;
    this.isRelayAllowed = start.isRelayAllowed;
    this.password = passwordOf(start.password);
    this.settings = start.settings;
    this.#seats = new Seats(game.teams, seats);
  }

  /** A lobby that another host had, whose settings this game understands; undefined if it does not. The host is `heir` now. */
  static inherit(game: AnyGame, estate: LobbyEstate, bans: readonly WireBan[], heir: PlayerId): LobbyModel | undefined {
    const settings = unpackSettings(game.settings, estate.settings);
    if (settings === undefined || estate.phase === 'playing') return undefined;
    if (estate.playersMax < 1 || estate.playersMax > game.playersMax) return undefined;
    if (!estate.seats.every(({ team }) => isIndex(team, Math.max(1, game.teams)))) return undefined;
    if (!estate.seats.some(({ id }) => id === heir) || [...estate.password].length > PASSWORD_LENGTH_MAX) return undefined;
    const seats = estate.seats.map((seat): Seat => {
      const isHost = seat.id === heir;
      return { ...seat, name: cleanName(seat.name), isHost, isSilent: false, pingMs: undefined, path: isHost ? 'local' : 'direct' };
    });
    const model = new LobbyModel(game, { ...estate, settings }, seats);
    model.phase = estate.phase;
    model.isLocked = estate.isLocked;
    model.result = estate.result;
    model.bans = bans;
    return model;
  }

  get players(): readonly Seat[] {
    return this.#seats.all;
  }

  get playerCount(): number {
    return this.#seats.players.length;
  }

  seat(id: PlayerId): Seat | undefined {
    return this.#seats.get(id);
  }

  isBanned(identity: string): boolean {
    return identity !== '' && this.bans.some((ban) => ban.identity === identity);
  }

  /** The seat that someone with this identity has, or undefined. */
  seatOf(identity: string): PlayerId | undefined {
    return this.#seats.of(identity)?.id;
  }

  /** Whether one more may come in as such. */
  hasRoom(isSpectator: boolean): boolean {
    if (this.#seats.isFull) return false;
    return this.#hasPlace(isSpectator);
  }

  /** The caller has asked `hasRoom`. */
  add(newcomer: Newcomer): PlayerId {
    this.revision++;
    return this.#seats.add(newcomer).id;
  }

  /**
   * The same person comes over another link, perhaps under another name: the seat stays theirs. Of the same page nothing else changes;
   * another one (`takeOver`) is neither ready nor heard yet.
   */
  reseat(id: PlayerId, { name, path, peerId }: { readonly name: string; readonly path: PlayerPath; readonly peerId: PeerId }): void {
    this.#change(id, (seat) => {
      this.#seats.rename(seat, name);
      if (seat.peerId !== peerId) Object.assign(seat, { isReady: false, isInVoice: false });
      Object.assign(seat, { path, peerId, pingMs: undefined, isSilent: false });
    });
  }

  remove(id: PlayerId): void {
    if (this.#seats.remove(id)) this.revision++;
  }

  /** Whether they were here, and went by themselves: a page that is reloaded has. */
  wasHere(identity: string): boolean {
    return this.#seats.wasHere(identity);
  }

  /** Their seat is free, and they are as good as strangers. */
  sendAway(id: PlayerId): void {
    const { identity } = this.#seats.get(id) ?? { identity: '' };
    this.remove(id);
    this.#seats.forget(identity);
  }

  ban(id: PlayerId): void {
    const { identity, name } = this.#seats.get(id) ?? { identity: '', name: '' };
    if (identity === '') return;
    this.bans = [...this.bans.filter((ban) => ban.identity !== identity), { identity, name }].slice(-BANS_MAX);
    this.revision++;
  }

  unban(identity: string): void {
    this.bans = this.bans.filter((ban) => ban.identity !== identity);
    this.revision++;
  }

  /** What somebody wants to be: name, colour, readiness, team, voice. Where it cannot be, nothing changes. */
  grant(id: PlayerId, wish: GuestMessage): void {
    switch (wish.type) {
      case 'name':
        return this.#change(id, (seat) => this.#seats.rename(seat, wish.name));
      case 'color':
        return this.#change(id, (seat) => this.#seats.recolor(seat, wish.color));
      case 'ready':
        return this.#change(id, (seat) => (seat.isReady = wish.isReady && !seat.isSpectator));
      case 'voice':
        if (wish.isOn && this.players.filter((seat) => seat.isInVoice && seat.id !== id).length >= VOICE_PLAYERS_MAX) return;
        return this.#change(id, (seat) => (seat.isInVoice = wish.isOn));
      case 'team':
        this.setTeam(id, wish.team);
        return;
      case 'spectate':
      case 'hello':
      case 'chat':
      case 'inherited':
      case 'leave':
    }
  }

  setSilent(id: PlayerId, isSilent: boolean): void {
    this.#change(id, (seat) => (seat.isSilent = isSilent));
  }

  /** Throws, ready to be told to the host's game, where nobody can be put into this team now. */
  requireTeam(team: number): void {
    if (this.phase === 'playing') throw new Error('a match is running: teams are fixed; toLobby() ends it');
    const { teams } = this.#game;
    if (!isIndex(team, teams)) throw new RangeError(`team ${team} must be 0 to ${Math.max(0, teams - 1)}`);
  }

  /** False where there is no such team, and during a match. */
  setTeam(id: PlayerId, team: number): boolean {
    let isTheirs = false;
    if (this.phase !== 'playing') this.#change(id, (seat) => (isTheirs = this.#seats.setTeam(seat, team)));
    return isTheirs;
  }

  /** False if there is no room; true if they are what they should be. */
  setSpectating(id: PlayerId, isSpectator: boolean): boolean {
    const seat = this.#seats.get(id);
    if (seat === undefined) return false;
    if (seat.isSpectator === isSpectator) return true;
    if (!this.#hasPlace(isSpectator)) return false;
    this.#seats.setSpectating(seat, isSpectator);
    this.revision++;
    return true;
  }

  /** What was measured of somebody's connection: news only if it is some. */
  setPath(id: PlayerId, path: PlayerPath): void {
    if (this.#seats.get(id)?.path !== path) this.#change(id, (seat) => (seat.path = path));
  }

  setPing(id: PlayerId, pingMs: number): void {
    const told = this.#seats.get(id)?.pingMs;
    const isNews = told === undefined || Math.abs(pingMs - told) > Math.max(PING_CHANGE_MS, told * PING_CHANGE_SHARE);
    if (isNews) this.#change(id, (seat) => (seat.pingMs = Math.round(pingMs)));
  }

  setCode(code: string): void {
    this.code = code;
    this.revision++;
  }

  /** Throws RangeError naming what cannot be; then nothing has changed. */
  setLobby({ name, isPublic, isLocked, password, playersMax, isRelayAllowed }: LobbyOptions): void {
    const nextPassword = password === undefined ? this.password : passwordOf(password);
    if (playersMax !== undefined) this.#requirePlayersMax(playersMax);
    this.password = nextPassword;
    this.playersMax = playersMax ?? this.playersMax;
    this.name = name === undefined ? this.name : cleanLobbyName(name);
    this.isPublic = isPublic ?? this.isPublic;
    this.isLocked = isLocked ?? this.isLocked;
    this.isRelayAllowed = isRelayAllowed ?? this.isRelayAllowed;
    this.revision++;
  }

  /** Throws RangeError naming what cannot be; then nothing has changed. */
  setSettings(changes: object): void {
    this.settings = changedSettings(this.#game.settings, this.settings, changes);
    this.revision++;
  }

  setStart(startsAtMs: number | undefined): void {
    this.startsAtMs = startsAtMs;
    this.revision++;
  }

  enter(phase: RoomPhase, result?: unknown): void {
    this.phase = phase;
    this.result = result;
    this.startsAtMs = undefined;
    for (const seat of this.#seats.all) seat.isReady = false;
    this.revision++;
  }

  toWire(nowMs: number): WireLobby {
    const players = this.#seats.all.map(({ identity: _identity, ...player }) => player);
    const countdownMs = this.startsAtMs === undefined ? undefined : Math.max(0, Math.round(this.startsAtMs - nowMs));
    return { ...this.#facts(), players, hasPassword: this.password !== '', countdownMs };
  }

  /** All that another host needs, but for the bans. */
  estate(): LobbyEstate {
    return { ...this.#facts(), seats: this.#seats.all, password: this.password };
  }

  #facts() {
    const { code, phase, playersMax, spectatorsMax, isLocked, name, isPublic, isRelayAllowed } = this;
    const settings = packSettings(this.#game.settings, this.settings);
    return { code, phase, playersMax, spectatorsMax, isLocked, name, isPublic, isRelayAllowed, settings, result: this.result ?? null };
  }

  #hasPlace(isSpectator: boolean): boolean {
    return isSpectator ? this.#seats.spectatorCount < this.spectatorsMax : this.playerCount < this.playersMax;
  }

  #requirePlayersMax(playersMax: number): void {
    const min = Math.max(1, this.playerCount);
    if (!Number.isInteger(playersMax) || playersMax < min || playersMax > this.#game.playersMax)
      throw new RangeError(`playersMax ${playersMax} must be from ${min}, who play already, to the game's ${this.#game.playersMax}`);
  }

  #change(id: PlayerId, change: (seat: Seat) => void): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    const before = { ...seat };
    change(seat);
    // What changes nothing is no news for anybody.
    if ((Object.keys(before) as (keyof Seat)[]).some((key) => before[key] !== seat[key])) this.revision++;
  }
}

/** One way to write the same letters, on every machine. Throws RangeError on a word that is too long. */
export function passwordOf(typed: string): string {
  const password = typed.normalize('NFC');
  if ([...password].length > PASSWORD_LENGTH_MAX)
    throw new RangeError(`a password has at most ${PASSWORD_LENGTH_MAX} characters, not ${[...password].length}`);
  return password;
}
