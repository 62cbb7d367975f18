/**
 * The host's part in a room: lets guests in, keeps the lobby, runs the match. The host's own player goes through a loopback link
 * and the same client as everybody else's.
 */
import type { PeerId, PlayerId } from '../core/ids.ts';
import type { Recording } from '../host/recording.ts';
import type { Transport } from '../transport/transport.ts';
import type { GuestMessage } from '../wire/control.ts';
import { refusalFor } from './admission.ts';
import { Awaited } from './awaited.ts';
import { BrokerDesk, type RegisteredLobby } from './broker-desk.ts';
import { sayable } from './chat.ts';
import type { SessionDeps } from './deps.ts';
import { Guests, type GuestsHandler } from './guests.ts';
import { HostPass, whyNotPass } from './host-pass.ts';
import { HostPlay } from './host-play.ts';
import type { LobbyModel } from './lobby-model.ts';
import { COUNTDOWN_MS_MAX, type LobbyOptions } from './lobby-state.ts';
import type { Member } from './member.ts';
import { PasswordGate } from './password-gate.ts';
import type { RoomCore } from './room-core.ts';
import type { RoomRole } from './room-role.ts';
import type { RoomStats } from './room-stats.ts';
import { TellPace } from './tell-pace.ts';

/** How often pings are looked at. */
const PING_INTERVAL_MS = 2_000;

export interface HostRoomOptions {
  readonly deps: SessionDeps;
  readonly transport: Transport;
  readonly model: LobbyModel;
  readonly registered: RegisteredLobby;
  /** Keeps every match's recording for `recording()`. */
  readonly isRecording: boolean;
  readonly isFair: boolean;
  /** The room has another host from now on. */
  readonly onPassed: (heir: PeerId) => void;
}

export class HostRoom implements RoomRole, GuestsHandler {
  readonly role = 'host';
  readonly #core: RoomCore;
  readonly #options: HostRoomOptions;
  readonly #model: LobbyModel;
  readonly #guests: Guests;
  readonly #play: HostPlay;
  readonly #gate = new PasswordGate();
  readonly #desk: BrokerDesk;
  readonly #awaited: Awaited;
  #shownRevision = -1;
  readonly #pace = new TellPace();
  #pingsMs = -Infinity;
  #pass: HostPass | undefined;
  /** Where the lobby is, once the role is passed on. */
  #heir: PeerId | undefined;

  constructor(core: RoomCore, options: HostRoomOptions) {
    this.#core = core;
    this.#options = options;
    this.#model = options.model;
    this.#guests = new Guests(core, this);
    this.#play = new HostPlay(core, options);
    this.#desk = new BrokerDesk(core, { ...options, onCodeChanged: (code) => this.#model.setCode(code) });
    this.#awaited = new Awaited(
      this.#model.players.map(({ id }) => id).filter((id) => id !== core.me),
      core.clock.nowMs(),
    );
  }

  get isPlaying(): boolean {
    return this.#model.phase === 'playing';
  }

  setName(name: string): void {
    this.#changeOwn({ type: 'name', name });
  }

  setColor(color: number): void {
    this.#changeOwn({ type: 'color', color });
  }

  setReady(isReady: boolean): void {
    this.#changeOwn({ type: 'ready', isReady });
  }

  setTeam(team: number): void {
    this.#changeOwn({ type: 'team', team });
  }

  setSpectating(isSpectating: boolean): void {
    this.#changeOwn({ type: 'spectate', isSpectating });
  }

  setInVoice(isOn: boolean): void {
    this.#changeOwn({ type: 'voice', isOn });
  }

  say(text: string): void {
    this.#spread(this.#core.me, text);
  }

  setLobby(options: LobbyOptions): void {
    this.#model.setLobby(options);
    this.#showLobby();
  }

  setSettings(changes: object): void {
    if (this.isPlaying) throw new Error('a match is running: its settings are fixed; toLobby() ends it');
    this.#model.setSettings(changes);
    this.#showLobby();
  }

  assign(player: PlayerId, { team, isSpectator }: { readonly team?: number; readonly isSpectator?: boolean }): void {
    const { name } = this.#seatOf(player);
    if (team !== undefined) this.#model.requireTeam(team);
    if (isSpectator !== undefined && !this.#setSpectating(player, isSpectator))
      throw new Error(`There is no room for ${name} ${isSpectator ? 'to watch' : 'to play'}.`);
    if (team !== undefined) this.#model.setTeam(player, team);
    this.#showLobby();
  }

  kick(player: PlayerId): void {
    this.#sendAway(player, 'kicked');
  }

  ban(player: PlayerId): void {
    if (player !== this.#core.me) this.#model.ban(player);
    this.#sendAway(player, 'banned');
  }

  unban(identity: string): void {
    this.#model.unban(identity);
    this.#showLobby();
  }

  start({ countdownMs = 0 }: { readonly countdownMs?: number } = {}): void {
    if (this.#core.end !== undefined) throw new Error('the room is closed');
    if (this.isPlaying) throw new Error('a match is running already; toLobby() ends it');
    if (this.#pass !== undefined) throw new Error('the host role is being passed on; wait for passHost()');
    if (!(countdownMs >= 0 && countdownMs <= COUNTDOWN_MS_MAX))
      throw new RangeError(`countdownMs ${countdownMs} must be 0 to ${COUNTDOWN_MS_MAX}`);
    if (countdownMs === 0) this.#begin();
    else this.#model.setStart(this.#core.clock.nowMs() + countdownMs);
    if (this.#model.revision !== this.#shownRevision) this.#showLobby();
  }

  cancelStart(): void {
    if (this.#model.startsAtMs === undefined) return;
    this.#model.setStart(undefined);
    this.#showLobby();
  }

  toLobby(): void {
    if (this.#model.phase === 'lobby') return;
    this.#play.end();
    this.#model.enter('lobby');
    this.#showLobby();
  }

  passHost(player: PlayerId): Promise<void> {
    const member = this.#guests.of(player);
    const why = whyNotPass(player, {
      core: this.#core,
      model: this.#model,
      isPassing: this.#pass !== undefined,
      isAwaiting: !this.#awaited.isEmpty,
      isReachable: this.#options.transport.isReachable,
    });
    if (why !== undefined || member === undefined) return Promise.reject(new Error(why ?? 'They are not connected. Choose someone else.'));
    // Whoever has not heard yet that the match is over would not move.
    if (this.#model.revision !== this.#shownRevision) this.#showLobby();
    this.#pass = new HostPass(member, this.#core.clock.nowMs());
    return this.#pass.promise;
  }

  /** The last match as data, if the room was opened with `isRecording`. */
  recording(): Recording | undefined {
    return this.#play.recording();
  }

  stats(): RoomStats {
    return this.#play.stats(this.#guests, this.#desk.isReachable);
  }

  leave(): void {
    this.#guests.tell({ type: 'bye', reason: 'host-left' });
    this.#failPass('You left.');
    this.#desk.close();
    this.#core.close('left');
  }

  update(nowMs: number): void {
    if (this.#pass === undefined) this.#guests.accept(this.#options.transport, nowMs);
    this.#guests.update(nowMs);
    this.#awaited.update(this.#model, nowMs, (player) => this.gone(player));
    this.#updatePass(nowMs);
    if (this.#heir !== undefined) return;
    this.#updatePings(nowMs);
    if (this.#model.startsAtMs !== undefined && nowMs >= this.#model.startsAtMs) this.#begin();
    this.#updateMatch(nowMs);
    this.#desk.update(nowMs);
    if (this.#model.revision !== this.#shownRevision && this.#pace.take(nowMs)) this.#showLobby();
  }

  /** For a while after the role was passed on: whoever still comes here is sent to the heir, unless it is this page that they mean. */
  forward(nowMs: number, isAccepting: boolean): void {
    if (isAccepting) this.#guests.accept(this.#options.transport, nowMs);
    this.#guests.update(nowMs);
  }

  /** While the role is passed on, only the heir is heard: what others say waits, for this host or for the next. */
  isHearing(member: Member): boolean {
    return this.#pass === undefined || this.#pass.isTo(member);
  }

  setSilent(player: PlayerId, isSilent: boolean): void {
    this.#model.setSilent(player, isSilent);
  }

  gone(player: PlayerId): void {
    if (this.#heir !== undefined) return;
    this.#awaited.delete(player);
    this.#play.remove(player);
    this.#model.remove(player);
    if (this.#pass?.to === player) this.#failPass('They have left. You are still the host.');
  }

  /** Begins, with what this page said as a guest and the host before had not taken in. */
  open(messages: readonly GuestMessage[]): void {
    for (const message of messages) {
      if (message.type === 'chat') this.#spread(this.#core.me, message.text);
      else this.#change(this.#core.me, message);
    }
    this.#showLobby();
  }

  handle(member: Member, message: GuestMessage, nowMs: number): void {
    switch (message.type) {
      case 'chat':
        if (member.chat.take(nowMs)) this.#spread(member.player!, message.text);
        return;
      case 'inherited':
        this.#pass?.held(member, message.revision);
        return;
      case 'leave':
        this.#guests.remove(member);
        return;
      default:
        this.#change(member.player!, message);
    }
  }

  greet(member: Member, nowMs: number): void {
    const hello = member.hello!;
    if (this.#heir !== undefined) {
      this.#guests.refuse(member, { type: 'moved', peerId: this.#heir, heard: 0 });
      return;
    }
    const { game, me } = this.#core;
    const caller = { address: member.link.remoteId, nowMs };
    const refusal = refusalFor(hello, { game, model: this.#model, hostSeat: me, gate: this.#gate }, caller);
    if (refusal === undefined) this.#letIn(member);
    else if (refusal !== 'later') this.#guests.refuse(member, { type: 'refuse', reason: refusal });
  }

  #sendAway(player: PlayerId, reason: 'kicked' | 'banned'): void {
    if (player === this.#core.me) throw new RangeError(`the host cannot be ${reason} by themselves; leave() closes the room`);
    const member = this.#guests.of(player);
    this.#model.sendAway(player);
    if (member !== undefined) this.#guests.dismiss(member, reason);
    else if (this.#awaited.has(player)) this.gone(player);
    this.#showLobby();
  }

  #changeOwn(message: GuestMessage): void {
    this.#change(this.#core.me, message);
    this.#showLobby();
  }

  /** What everybody may change of themselves. */
  #change(player: PlayerId, message: GuestMessage): void {
    if (message.type === 'spectate') this.#setSpectating(player, message.isSpectating);
    else this.#model.grant(player, message);
  }

  #letIn(member: Member): void {
    // Whoever has just left and whoever comes now are two, though they may have the same seat.
    if (this.#model.revision !== this.#shownRevision) this.#showLobby();
    const { name, identity, isSpectating } = member.hello!;
    const { remoteId: peerId, path = 'direct' } = member.link;
    const seat = this.#model.seatOf(identity);
    if (seat !== undefined) {
      const previous = this.#guests.of(seat);
      if (previous !== undefined) {
        this.#play.remove(seat);
        this.#guests.replace(previous);
        if (this.#pass?.to === seat) this.#failPass('They have come over another connection. You are still the host: try again.');
      }
      this.#model.reseat(seat, { name, path, peerId });
    }
    const player = seat ?? this.#model.add({ name, identity, isHost: false, isSpectator: isSpectating, path, peerId });
    member.player = player;
    member.say({ type: 'welcome', me: player });
    this.#showLobby();
    for (const line of this.#awaited.delete(player)) member.say({ type: 'chat', ...line });
    this.#letIntoMatch(member);
  }

  #letIntoMatch(member: Member): void {
    // A listener of the lobby's change may have sent them away.
    const seat = member.player === undefined ? undefined : this.#model.seat(member.player);
    if (this.isPlaying && seat !== undefined) this.#play.letIn(member, seat);
  }

  #begin(): void {
    this.#model.enter('playing');
    this.#play.begin(this.#model.settings, this.#seatOf(this.#core.me));
    this.#showLobby();
    for (const member of this.#guests.all) this.#letIntoMatch(member);
  }

  #updateMatch(nowMs: number): void {
    this.#core.client?.update(nowMs);
    if (!this.isPlaying) return;
    const result = this.#play.update(nowMs, this.#guests);
    if (result !== undefined) this.#model.enter('results', result.value);
  }

  /** False if there is no room. */
  #setSpectating(player: PlayerId, isSpectator: boolean): boolean {
    const was = this.#model.seat(player)?.isSpectator;
    if (!this.#model.setSpectating(player, isSpectator)) return false;
    if (was !== isSpectator && this.isPlaying) this.#play.setPlace(player, this.#seatOf(player));
    return true;
  }

  #spread(from: PlayerId, text: string): void {
    const clean = sayable(text);
    if (clean === undefined) return;
    // Whoever says something is known to everyone before.
    if (this.#model.revision !== this.#shownRevision) this.#showLobby();
    this.#guests.tell({ type: 'chat', from, text: clean });
    this.#awaited.note(from, clean);
    this.#core.hear(from, clean);
  }

  #updatePings(nowMs: number): void {
    // While the lobby is handed over, nothing changes that can wait.
    if (nowMs - this.#pingsMs < PING_INTERVAL_MS || this.#pass !== undefined) return;
    this.#pingsMs = nowMs;
    for (const { player, channel, link } of this.#guests.seated) {
      if (channel.hasRtt) this.#model.setPing(player!, channel.rttMs);
      this.#model.setPath(player!, link.path ?? 'direct');
    }
  }

  #updatePass(nowMs: number): void {
    const outcome = this.#pass?.update(this.#model, this.#desk.ownerToken, nowMs);
    if (outcome === true) this.#handOver();
    else if (outcome !== undefined) this.#failPass(outcome);
  }

  #failPass(why: string): void {
    const pass = this.#pass;
    this.#pass = undefined;
    pass?.fail(why);
  }

  #handOver(): void {
    const pass = this.#pass!;
    const heir = (this.#heir = this.#guests.of(pass.to)!.link.remoteId);
    this.#pass = undefined;
    this.#play.end();
    this.#desk.release();
    for (const member of this.#guests.seated) this.#guests.refuse(member, { type: 'moved', peerId: heir, heard: member.heardMessages });
    this.#options.onPassed(heir);
    pass.succeed();
  }

  #seatOf(player: PlayerId): NonNullable<ReturnType<LobbyModel['seat']>> {
    const seat = this.#model.seat(player);
    if (seat === undefined) throw new RangeError(`player ${player} is not in the lobby`);
    return seat;
  }

  /** Shows the lobby here, tells everyone who is in it, and the broker. */
  #showLobby(): void {
    if (this.#core.end !== undefined || this.#heir !== undefined) return;
    const nowMs = this.#core.clock.nowMs();
    this.#pace.told(nowMs);
    this.#shownRevision = this.#model.revision;
    const lobby = this.#model.toWire(nowMs);
    this.#desk.describe(this.#model);
    this.#guests.tell({ type: 'lobby', lobby });
    this.#core.showLobby(lobby, this.#model.bans);
  }
}
