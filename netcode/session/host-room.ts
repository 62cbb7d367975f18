/**
 * The host's room: lets guests in, keeps the lobby, runs the match. The host's own player goes through a loopback link
 * and the same client as everybody else's.
 */
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { Recording } from '../host/recording.ts';
import type { Link, Transport } from '../transport/transport.ts';
import { decodeGuestMessage, type Farewell, type GuestMessage } from '../wire/control.ts';
import { refusalFor } from './admission.ts';
import type { SessionDeps } from './deps.ts';
import { HostMatch } from './host-match.ts';
import { LobbyModel } from './lobby-model.ts';
import type { LobbyRegistration } from './lobby-registration.ts';
import { Member } from './member.ts';
import type { LobbyState, Room, RoomEnd, RoomEvents, RoomStats } from './room.ts';
import { CONTROL_MESSAGES_PER_UPDATE_MAX, PEER_LOST_MS, PEER_SILENT_MS, RoomCore } from './room-core.ts';

/** Links whose hello is awaited at once; more are turned away until some have spoken. */
const STRANGERS_MAX = 32;
/** Time a new link has to say hello. */
const HELLO_MS = 5_000;
/** Time a refused or dismissed guest has to read why and close, before the host does. */
const FAREWELL_MS = 1_000;

export interface HostRoomOptions {
  readonly deps: SessionDeps;
  readonly transport: Transport;
  readonly code: string;
  readonly name: string;
  readonly identity: string;
  readonly playersMax: number;
  /** Keeps every match's recording for `recording()`. */
  readonly isRecording: boolean;
  readonly isFair: boolean;
  readonly onEnd: () => void;
}

export class HostRoom implements Room {
  readonly role = 'host';
  /** Set right after creation; separate because it reports back to the room. */
  registration: LobbyRegistration | undefined;
  readonly #core: RoomCore;
  readonly #options: HostRoomOptions;
  readonly #model: LobbyModel;
  readonly #members = new Set<Member>();
  readonly #leaving: { readonly link: Link; readonly untilMs: number }[] = [];
  #shownRevision = -1;
  #match: HostMatch | undefined;
  #matchCount = 0;
  #malformed = 0;
  #dropped = 0;
  #wasReachable = true;

  constructor(game: AnyGame, options: HostRoomOptions) {
    this.#options = options;
    this.#core = new RoomCore(game, options.deps.clock, options.code);
    this.#model = new LobbyModel({ code: options.code, playersMax: options.playersMax });
    this.#core.me = this.#model.add({ name: options.name, identity: options.identity, isHost: true });
    this.#showLobby();
  }

  get me(): PlayerId {
    return this.#core.me;
  }

  get lobby(): LobbyState {
    return this.#core.lobby;
  }

  on<K extends keyof RoomEvents>(type: K, listener: (value: RoomEvents[K]) => void): () => void {
    return this.#core.emitter.on(type, listener);
  }

  setName(name: string): void {
    this.#model.setName(this.me, name);
    this.#showLobby();
  }

  setColor(color: number): void {
    this.#model.setColor(this.me, color);
    this.#showLobby();
  }

  setReady(isReady: boolean): void {
    this.#model.setReady(this.me, isReady);
    this.#showLobby();
  }

  setLocked(isLocked: boolean): void {
    this.#model.setLocked(isLocked);
    this.#showLobby();
  }

  setCode(code: string): void {
    this.#model.setCode(code);
    this.#showLobby();
    this.#core.notice('code-changed', `The invite code is ${code} now: the old one was given to another lobby.`);
  }

  notice(code: 'broker-lost' | 'broker-back', message: string): void {
    this.#core.notice(code, message);
  }

  kick(player: PlayerId): void {
    if (player === this.me) throw new RangeError('the host cannot kick themselves; leave() closes the room');
    const member = this.#memberOf(player);
    if (member === undefined) return;
    this.#model.ban(player);
    this.#dismiss(member, 'kicked');
    this.#showLobby();
  }

  start(): void {
    if (this.#core.end !== undefined) throw new Error('the room is closed');
    if (this.#model.phase === 'playing') throw new Error('a match is running already; toLobby() ends it');
    const { isFair, isRecording, deps } = this.#options;
    const match = new HostMatch(this.#core.game, {
      number: ++this.#matchCount,
      seed: deps.randomU32(),
      clock: deps.clock,
      isFair,
      isRecording,
    });
    this.#match = match;
    this.#model.enter('playing');
    this.#showLobby();
    const tick = match.host.addPlayer(this.me, match.hostsChannel);
    this.#core.enterMatch({ channel: match.ownChannel, player: this.me, match: match.number, seed: match.seed, tick, rttMs: 0 });
    for (const member of this.#members) this.#letIntoMatch(member);
  }

  toLobby(): void {
    if (this.#model.phase === 'lobby') return;
    this.#endMatch();
    this.#model.enter('lobby');
    this.#showLobby();
  }

  setInput(input: Readonly<Record<string, unknown>>): void {
    this.#core.setInput(input);
  }

  view(): readonly never[] {
    return (this.#core.client?.view(this.#options.deps.clock.nowMs()) ?? []) as readonly never[];
  }

  /** The last match as data, if the room was opened with `isRecording`. */
  recording(): Recording | undefined {
    return this.#match?.recorder?.recording();
  }

  stats(): RoomStats {
    const counts = this.#match?.counts();
    let malformed = this.#malformed + (counts?.malformed ?? 0);
    let dropped = this.#dropped + (counts?.dropped ?? 0);
    for (const { link, malformedMessages } of this.#members) {
      malformed += malformedMessages + link.counters.malformedDropped;
      dropped += link.counters.stateInboxDropped + link.counters.stateSendRefused;
    }
    const channels = [...this.#members].map(({ channel }) => channel);
    return this.#core.stats(channels, {
      role: 'host',
      ...(this.#match !== undefined && { hostTick: this.#match.host.tick }),
      connectedPeers: [...this.#members].filter((member) => member.player !== undefined).length,
      isBrokerReachable: this.#isBrokerReachable(),
      lateInputs: counts?.late ?? 0,
      refusedClaims: counts?.refusedClaims ?? 0,
      hostAdvantageMs: this.#match?.handicap.advantageMs ?? 0,
      skippedTicks: this.#match?.host.skippedTicks ?? 0,
      droppedEvents: this.#match?.host.droppedEvents ?? 0,
      stateChannel: [...this.#members].find((member) => member.link.stateChannel !== undefined)?.link.stateChannel,
      malformed,
      dropped,
    });
  }

  leave(): void {
    this.#finish('left', 'host-left');
  }

  /** The room's pulse. */
  update(): void {
    if (this.#core.end !== undefined) return;
    const nowMs = this.#options.deps.clock.nowMs();
    this.#acceptLinks(nowMs);
    for (const member of this.#members) this.#updateMember(member, nowMs);
    this.#updateMatch(nowMs);
    this.#watchBroker(nowMs);
    while (this.#leaving.length > 0 && (this.#leaving[0]!.untilMs <= nowMs || this.#leaving[0]!.link.end !== undefined))
      this.#leaving.shift()!.link.close();
    this.#core.countBytes(
      [...this.#members].map((member) => member.link),
      nowMs,
    );
    if (this.#model.revision !== this.#shownRevision) this.#showLobby();
  }

  #isBrokerReachable(): boolean {
    return this.#options.transport.isReachable && (this.registration?.isReachable ?? true);
  }

  #watchBroker(nowMs: number): void {
    const { isReachable } = this.#options.transport;
    if (isReachable !== this.#wasReachable) this.registration?.hurry();
    this.#wasReachable = isReachable;
    this.registration?.update(nowMs);
  }

  #acceptLinks(nowMs: number): void {
    for (;;) {
      const link = this.#options.transport.accept();
      if (link === undefined) return;
      const strangers = [...this.#members].filter((member) => member.player === undefined).length;
      if (strangers >= STRANGERS_MAX) link.close();
      else this.#members.add(new Member(link, nowMs));
    }
  }

  #updateMember(member: Member, nowMs: number): void {
    for (let i = 0; i < CONTROL_MESSAGES_PER_UPDATE_MAX && this.#members.has(member); i++) {
      const received = member.link.receiveControl();
      if (received === undefined) break;
      const message = decodeGuestMessage(received.bytes);
      if (!member.admits(message !== undefined, nowMs)) this.#dismiss(member, 'protocol');
      else if (message !== undefined) this.#handle(member, message);
    }
    if (!this.#members.has(member)) return;
    if (member.link.end !== undefined) {
      this.#remove(member);
      return;
    }
    if (member.player === undefined) {
      if (nowMs - member.arrivedMs > HELLO_MS) this.#remove(member);
      return;
    }
    member.tellAdvantage(this.#match?.handicap.advantageMs ?? 0, nowMs);
    const wasHeard = member.listen(nowMs);
    if (this.#model.phase !== 'playing') while (member.channel.receive(nowMs) !== undefined);
    member.channel.update(nowMs);
    if (wasHeard) {
      if (member.isSilent) this.#setSilent(member, false, 'peer-back', `${this.#nameOf(member.player)} is back.`);
    } else if (nowMs - member.heardMs > PEER_LOST_MS) {
      this.#remove(member);
    } else if (!member.isSilent && nowMs - member.heardMs > PEER_SILENT_MS) {
      this.#setSilent(
        member,
        true,
        'peer-silent',
        `${this.#nameOf(member.player)} does not answer. Waiting for the connection to come back…`,
      );
    }
  }

  #setSilent(member: Member, isSilent: boolean, ...notice: Parameters<RoomCore['notice']>): void {
    member.isSilent = isSilent;
    this.#model.setSilent(member.player!, isSilent);
    this.#core.notice(...notice);
  }

  #handle(member: Member, message: GuestMessage): void {
    const { player } = member;
    if (player === undefined) {
      if (message.type === 'hello') this.#greet(member, message);
      return;
    }
    switch (message.type) {
      case 'name':
        this.#model.setName(player, message.name);
        return;
      case 'color':
        this.#model.setColor(player, message.color);
        return;
      case 'ready':
        this.#model.setReady(player, message.isReady);
        return;
      case 'leave':
        this.#remove(member);
        return;
      case 'hello':
        return;
    }
  }

  #greet(member: Member, hello: Extract<GuestMessage, { type: 'hello' }>): void {
    const refusal = refusalFor(hello, { game: this.#core.game, model: this.#model, hostSeat: this.me });
    if (refusal !== undefined) {
      member.say({ type: 'refuse', reason: refusal });
      this.#release(member);
      return;
    }
    const seat = this.#model.seatOf(hello.identity);
    const previous = seat === undefined ? undefined : this.#memberOf(seat);
    if (previous !== undefined) this.#dismiss(previous, 'replaced');
    const player = this.#model.add({ name: hello.name, identity: hello.identity, isHost: false });
    member.player = player;
    member.say({ type: 'welcome', me: player });
    this.#showLobby();
    this.#letIntoMatch(member);
    this.#core.notice('player-joined', `${this.#nameOf(player)} joined.`);
  }

  #letIntoMatch(member: Member): void {
    if (this.#match === undefined || this.#model.phase !== 'playing' || member.player === undefined) return;
    const { host, number, seed } = this.#match;
    // A listener of the lobby's change may have started the match, and let everyone in, before we come to this.
    if (host.clients.has(member.player)) return;
    const tick = host.addPlayer(member.player, member.channel);
    member.say({ type: 'match', match: number, seed, tick });
  }

  #updateMatch(nowMs: number): void {
    this.#core.client?.update(nowMs);
    if (this.#match === undefined || this.#model.phase !== 'playing') return;
    this.#match.update(nowMs, this.me);
    const { result } = this.#match.host;
    if (result === undefined) return;
    this.#core.leaveMatch();
    this.#model.enter('results', result.value);
  }

  #endMatch(): void {
    this.#core.leaveMatch();
    const counts = this.#match?.counts();
    this.#malformed += counts?.malformed ?? 0;
    this.#dropped += counts?.dropped ?? 0;
    this.#match = undefined;
  }

  /** Tells a member why their stay is over, and gives them time to read it. */
  #dismiss(member: Member, reason: Farewell): void {
    member.say({ type: 'bye', reason });
    this.#release(member);
  }

  /** Forgets a member at once, and closes their link a little later. */
  #release(member: Member): void {
    this.#leaving.push({ link: member.link, untilMs: this.#options.deps.clock.nowMs() + FAREWELL_MS });
    this.#forget(member);
  }

  #remove(member: Member): void {
    member.link.close();
    this.#forget(member);
  }

  #forget(member: Member): void {
    if (!this.#members.delete(member)) return;
    this.#core.forgetLink(member.link, member.channel);
    this.#malformed += member.malformedMessages + member.link.counters.malformedDropped;
    this.#dropped += member.link.counters.stateInboxDropped + member.link.counters.stateSendRefused;
    if (member.player === undefined) return;
    this.#match?.host.removePlayer(member.player);
    const player = this.#model.remove(member.player);
    if (player !== undefined && this.#core.end === undefined) this.#core.notice('player-left', `${player.name} left.`);
  }

  #memberOf(player: PlayerId): Member | undefined {
    return [...this.#members].find((member) => member.player === player);
  }

  #nameOf(player: PlayerId): string {
    return this.#model.players.find(({ id }) => id === player)?.name ?? 'Someone';
  }

  /** Shows the lobby here and tells everyone who is in it. */
  #showLobby(): void {
    this.#shownRevision = this.#model.revision;
    const lobby = this.#model.toWire();
    for (const member of this.#members) if (member.player !== undefined) member.say({ type: 'lobby', lobby });
    this.#core.showLobby(lobby);
  }

  #finish(end: RoomEnd, farewell: Farewell): void {
    if (this.#core.end !== undefined) return;
    for (const member of this.#members) member.say({ type: 'bye', reason: farewell });
    this.registration?.close();
    this.#options.transport.close();
    this.#options.onEnd();
    this.#core.close(end);
  }
}
