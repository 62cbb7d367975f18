/**
 * The room that a game holds. What it does as host or guest is done by its role, which may change (`passHost`); lobby, chat, match and
 * listeners stay, so the game keeps one object from the first click to the last.
 */
import type { PeerId, PlayerId } from '../core/ids.ts';
import type { Recording } from '../host/recording.ts';
import type { Transport } from '../transport/transport.ts';
import { rosterOf } from '../voice/room-roster.ts';
import type { RoomVoice } from '../voice/voice.ts';
import { noVoice } from '../voice/no-voice.ts';
import type { Allowance } from './allowance.ts';
import { chatAllowance, sayable } from './chat.ts';
import type { SessionDeps } from './deps.ts';
import type { Guest } from './greeting.ts';
import { GuestRoom, type Inheritance } from './guest-room.ts';
import { HostRoom } from './host-room.ts';
import { type ChatMessage, type LobbyOptions, type LobbyState, PLAYER_COLORS } from './lobby-state.ts';
import type { Room, RoomEvents } from './room.ts';
import type { RoomCore } from './room-core.ts';
import type { RoomRole } from './room-role.ts';
import type { RoomStats } from './room-stats.ts';
import { isIndex } from './seats.ts';

/** How long a host that was sends on whoever still comes to it: by then the broker has told everybody the new address. */
const FORWARD_MS = 30_000;

export interface SessionRoomOptions {
  readonly core: RoomCore;
  readonly deps: SessionDeps;
  readonly transport: Transport;
  /** How this page introduces itself to another host. */
  readonly guest: Pick<Guest, 'identity' | 'password'>;
  readonly isRecording: boolean;
  readonly isFair: boolean;
}

type HostStart = Pick<ConstructorParameters<typeof HostRoom>[1], 'model' | 'registered'>;
type GuestStart = ConstructorParameters<typeof GuestRoom>[1]['host'];

export class SessionRoom implements Room {
  readonly voice: RoomVoice;
  readonly #options: SessionRoomOptions;
  readonly #core: RoomCore;
  readonly #chatAllowance: Allowance;
  #role: RoomRole;
  #former: { readonly host: HostRoom; readonly untilMs: number } | undefined;

  constructor(options: SessionRoomOptions, start: { readonly asHost: HostStart } | { readonly asGuest: GuestStart }) {
    this.#options = options;
    this.#core = options.core;
    this.#chatAllowance = chatAllowance(options.deps.clock.nowMs(), { isAtHost: false });
    this.#role = 'asHost' in start ? this.#hostRole(start.asHost) : this.#guestRole(start.asGuest);
    const { createVoice, clock } = options.deps;
    this.voice = createVoice?.(this, options.transport) ?? noVoice(rosterOf(this), clock);
    this.on('closed', () => this.voice.close());
    if (this.#role instanceof HostRoom) this.#role.open([]);
  }

  get role(): 'host' | 'guest' {
    return this.#role.role;
  }

  get me(): PlayerId {
    return this.#core.me;
  }

  get lobby(): LobbyState<never> {
    return this.#core.lobby as LobbyState<never>;
  }

  get chat(): readonly ChatMessage[] {
    return this.#core.chat.lines;
  }

  on<K extends keyof RoomEvents>(type: K, listener: (value: RoomEvents[K]) => void): () => void {
    return this.#core.emitter.on(type, listener);
  }

  setName(name: string): void {
    this.#role.setName(name);
  }

  setColor(color: number): void {
    if (isIndex(color, PLAYER_COLORS)) this.#role.setColor(color);
  }

  setReady(isReady: boolean): void {
    this.#role.setReady(isReady);
  }

  setTeam(team: number): void {
    if (isIndex(team, this.#core.game.teams)) this.#role.setTeam(team);
  }

  setSpectating(isSpectating: boolean): void {
    this.#role.setSpectating(isSpectating);
  }

  setInVoice(isOn: boolean): void {
    this.#role.setInVoice(isOn);
  }

  start(options?: { readonly countdownMs?: number }): void {
    this.#role.start(options);
  }

  cancelStart(): void {
    this.#role.cancelStart();
  }

  toLobby(): void {
    this.#role.toLobby();
  }

  kick(player: PlayerId): void {
    this.#role.kick(player);
  }

  ban(player: PlayerId): void {
    this.#role.ban(player);
  }

  unban(identity: string): void {
    this.#role.unban(identity);
  }

  assign(player: PlayerId, place: { readonly team?: number; readonly isSpectator?: boolean }): void {
    this.#role.assign(player, place);
  }

  setSettings(changes: object): void {
    this.#role.setSettings(changes);
  }

  setLobby(options: LobbyOptions): void {
    this.#role.setLobby(options);
  }

  setLocked(isLocked: boolean): void {
    this.#role.setLobby({ isLocked });
  }

  passHost(player: PlayerId): Promise<void> {
    return this.#role.passHost(player);
  }

  say(text: string): boolean {
    const clean = sayable(text);
    if (clean === undefined || this.#core.end !== undefined || !this.#chatAllowance.take(this.#core.clock.nowMs())) return false;
    this.#role.say(clean);
    return true;
  }

  mute(player: PlayerId, isMuted: boolean): void {
    if (player !== this.me) this.#core.chat.mute(player, isMuted);
  }

  isMuted(player: PlayerId): boolean {
    return this.#core.chat.isMuted(player);
  }

  setInput(input: Readonly<Record<string, unknown>>): void {
    this.#core.setInput(input);
  }

  view(): readonly never[] {
    return (this.#core.client?.view(this.#core.clock.nowMs()) ?? []) as readonly never[];
  }

  stats(): RoomStats {
    return this.#role.stats();
  }

  /** The last match as data, if this page is the host and the room was opened with `isRecording`. */
  recording(): Recording | undefined {
    return this.#role instanceof HostRoom ? this.#role.recording() : undefined;
  }

  leave(): void {
    if (this.#core.end === undefined) this.#role.leave();
  }

  /** The room's pulse. */
  update(): void {
    if (this.#core.end !== undefined) return;
    const nowMs = this.#core.clock.nowMs();
    this.#role.update(nowMs);
    if (this.#former === undefined || this.#core.end !== undefined) return;
    this.#former.host.forward(nowMs, this.#role instanceof GuestRoom && !this.#role.isHeir);
    if (nowMs >= this.#former.untilMs) this.#former = undefined;
  }

  #hostRole(start: HostStart): HostRoom {
    const { deps, transport, isFair, isRecording } = this.#options;
    const host: HostRoom = new HostRoom(this.#core, {
      ...start,
      deps,
      transport,
      isFair,
      isRecording,
      onPassed: (heir) => this.#becomeGuest(host, heir),
    });
    return host;
  }

  #guestRole(host: GuestStart): GuestRoom {
    const { transport, guest } = this.#options;
    return new GuestRoom(this.#core, { transport, guest, host, onInherit: (inheritance) => this.#becomeHost(inheritance) });
  }

  #becomeGuest(host: HostRoom, heir: PeerId): void {
    this.#former = { host, untilMs: this.#core.clock.nowMs() + FORWARD_MS };
    this.#role = this.#guestRole(heir);
    this.#core.emitter.emit('role', 'guest');
  }

  #becomeHost({ model, ownerToken, unheard }: Inheritance): void {
    const role = this.#hostRole({ model, registered: { ownerToken, expiresInMs: undefined } });
    this.#role = role;
    role.open(unheard);
    this.#core.emitter.emit('role', 'host');
  }
}
