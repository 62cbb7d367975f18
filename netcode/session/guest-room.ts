/** A guest's room: a link to the host, the lobby as the host tells it, and a client while a match runs. */
import { StateChannel } from '../channel/state-channel.ts';
import { type Clock } from '../core/clock.ts';
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { Link, Transport } from '../transport/transport.ts';
import { decodeHostMessage, encodeControl, type GuestMessage, type HostMessage } from '../wire/control.ts';
import type { LobbyState, Room, RoomEnd, RoomEvents, RoomStats } from './room.ts';
import { CONTROL_MESSAGES_PER_UPDATE_MAX, PEER_LOST_MS, PEER_SILENT_MS, RoomCore } from './room-core.ts';

/** Messages from the host that make no sense; beyond that its version is not ours after all. */
const MALFORMED_MESSAGES_MAX = 16;

export interface GuestRoomOptions {
  readonly clock: Clock;
  readonly transport: Transport;
  readonly link: Link;
  readonly me: PlayerId;
  readonly code: string;
  /** Round trip seen in the handshake. */
  readonly rttMs: number;
  /** Called once when the room has ended: stop the pulse. */
  readonly onEnd: () => void;
}

export class GuestRoom implements Room {
  readonly role = 'guest';
  readonly #core: RoomCore;
  readonly #options: GuestRoomOptions;
  readonly #link: Link;
  readonly #channel: StateChannel;
  #heardMs: number;
  #heardPackets = 0;
  #isSilent = false;
  #malformedMessages = 0;
  #hostAdvantageMs = 0;

  constructor(game: AnyGame, options: GuestRoomOptions) {
    this.#core = new RoomCore(game, options.clock, options.code);
    this.#core.me = options.me;
    this.#options = options;
    this.#link = options.link;
    this.#channel = new StateChannel(options.link);
    this.#heardMs = options.clock.nowMs();
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
    this.#say({ type: 'name', name: name.slice(0, 80) });
  }

  setColor(color: number): void {
    this.#say({ type: 'color', color });
  }

  setReady(isReady: boolean): void {
    this.#say({ type: 'ready', isReady });
  }

  start(): never {
    throw hostOnly('start');
  }

  toLobby(): never {
    throw hostOnly('toLobby');
  }

  kick(): never {
    throw hostOnly('kick');
  }

  setLocked(): never {
    throw hostOnly('setLocked');
  }

  setInput(input: Readonly<Record<string, unknown>>): void {
    this.#core.setInput(input);
  }

  view(): readonly never[] {
    return (this.#core.client?.view(this.#options.clock.nowMs()) ?? []) as readonly never[];
  }

  stats(): RoomStats {
    const { counters } = this.#link;
    return this.#core.stats([this.#channel], {
      role: 'guest',
      connectedPeers: this.#link.end === undefined ? 1 : 0,
      isBrokerReachable: this.#options.transport.isReachable,
      lateInputs: 0,
      refusedClaims: 0,
      hostAdvantageMs: this.#hostAdvantageMs,
      skippedTicks: 0,
      droppedEvents: 0,
      stateChannel: this.#link.stateChannel,
      malformed: this.#malformedMessages + counters.malformedDropped,
      dropped: counters.stateInboxDropped + counters.stateSendRefused,
    });
  }

  leave(): void {
    this.#say({ type: 'leave' });
    this.#finish('left');
  }

  /** The room's pulse. */
  update(): void {
    if (this.#core.end !== undefined) return;
    const nowMs = this.#options.clock.nowMs();
    for (let i = 0; i < CONTROL_MESSAGES_PER_UPDATE_MAX; i++) {
      const received = this.#link.receiveControl();
      if (received === undefined) break;
      const message = decodeHostMessage(received.bytes);
      if (message !== undefined) this.#handle(message);
      else if (++this.#malformedMessages > MALFORMED_MESSAGES_MAX) this.#finish('protocol');
      if (this.#core.end !== undefined) return;
    }
    if (this.#link.end !== undefined) {
      this.#finish(this.#link.end === 'closed-there' ? 'host-left' : this.#link.end === 'overflow' ? 'protocol' : 'host-lost');
      return;
    }
    this.#watch(nowMs);
    if (this.#core.client === undefined) while (this.#channel.receive(nowMs) !== undefined);
    else this.#core.client.update(nowMs);
    this.#channel.update(nowMs);
    this.#core.countBytes([this.#link], nowMs);
  }

  #handle(message: HostMessage): void {
    switch (message.type) {
      case 'lobby':
        if (message.lobby.phase !== 'playing') this.#core.leaveMatch();
        this.#core.showLobby(message.lobby);
        return;
      case 'match':
        this.#core.enterMatch({ ...message, channel: this.#channel, player: this.me, rttMs: this.#options.rttMs });
        return;
      case 'bye':
        this.#finish(message.reason);
        return;
      case 'advantage':
        this.#hostAdvantageMs = message.hostAdvantageMs;
        return;
      case 'welcome':
      case 'refuse':
        return;
    }
  }

  /** Notices when the host is not heard any more. */
  #watch(nowMs: number): void {
    const { controlMessagesIn, statePacketsIn } = this.#link.counters;
    if (controlMessagesIn + statePacketsIn > this.#heardPackets) {
      this.#heardPackets = controlMessagesIn + statePacketsIn;
      this.#heardMs = nowMs;
      if (this.#isSilent) this.#setSilent(false, 'peer-back', 'The connection is back.');
    } else if (nowMs - this.#heardMs > PEER_LOST_MS) {
      this.#finish('host-lost');
    } else if (!this.#isSilent && nowMs - this.#heardMs > PEER_SILENT_MS) {
      this.#setSilent(true, 'peer-silent', 'The host does not answer. Waiting for the connection to come back…');
    }
  }

  #setSilent(isSilent: boolean, ...notice: Parameters<RoomCore['notice']>): void {
    this.#isSilent = isSilent;
    this.#core.setHostSilent(isSilent);
    this.#core.notice(...notice);
  }

  #say(message: GuestMessage): void {
    if (this.#core.end !== undefined) return;
    this.#link.sendControl(encodeControl(message));
  }

  #finish(end: RoomEnd): void {
    if (this.#core.end !== undefined) return;
    this.#link.close();
    this.#options.transport.close();
    this.#options.onEnd();
    this.#core.close(end);
  }
}

function hostOnly(name: string): Error {
  return new Error(`${name}() is for the host only; this room's role is 'guest'`);
}
