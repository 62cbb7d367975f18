/**
 * A guest's part in a room: a link to the host, the lobby as the host tells it, and a client while a match runs. When the host role is
 * passed on, the link is given up for one to the next host; what was said meanwhile is said there. If this page is the heir, it keeps
 * the estate ready until it is told to take over.
 */
import { StateChannel } from '../channel/state-channel.ts';
import type { PeerId } from '../core/ids.ts';
import type { Link, Transport } from '../transport/transport.ts';
import type { WireBan } from '../wire/control-lobby.ts';
import { decodeHostMessage, encodeControl, type GuestMessage, type HostMessage } from '../wire/control.ts';
import { unpackSettings } from '../wire/settings.ts';
import type { Guest } from './greeting.ts';
import { LobbyModel } from './lobby-model.ts';
import { type Arrival, Move } from './move.ts';
import type { RoomEnd } from './room.ts';
import { CONTROL_MESSAGES_PER_UPDATE_MAX, PEER_LOST_MS, PEER_SILENT_MS, relayTicketOf, type RoomCore } from './room-core.ts';
import type { RoomRole } from './room-role.ts';
import type { RoomStats } from './room-stats.ts';

/** Messages from the host that make no sense; beyond that its version is not ours after all. */
const MALFORMED_MESSAGES_MAX = 16;
/** What this page said last, kept in case it must be said to another host: fewer than the host takes in a burst. */
const SAID_MAX = 48;
/** The hello's answer may have waited at the host. A first guess too low is corrected at once, one too high takes seconds. */
const FIRST_RTT_MS_MAX = 250;

/** An heir that has heard nothing for this long will not become the host any more: longer than a host waits for it. */
const HEIR_MS = 10_000;

/** What an heir takes over. */
export interface Inheritance {
  readonly model: LobbyModel;
  readonly ownerToken: string;
  /** What this page said that the old host had not taken in. */
  readonly unheard: readonly GuestMessage[];
}

export interface GuestRoomOptions {
  readonly transport: Transport;
  /** How this page introduces itself to another host. */
  readonly guest: Pick<Guest, 'identity' | 'password'>;
  /** The link to the host, or where the host is to be found: by the one before. */
  readonly host: Arrival | PeerId;
  readonly onInherit: (inheritance: Inheritance) => void;
}

interface HostLink {
  readonly link: Link;
  readonly channel: StateChannel;
  readonly rttMs: number;
}

export class GuestRoom implements RoomRole {
  readonly role = 'guest';
  readonly #core: RoomCore;
  readonly #options: GuestRoomOptions;
  #host: HostLink | undefined;
  #move: Move | undefined;
  /** What was said over this link, or waits for the next one: the first is number `#firstSaid`. */
  #said: GuestMessage[] = [];
  #firstSaid = 0;
  #bans: readonly WireBan[] = [];
  #estate: { readonly model: LobbyModel; readonly ownerToken: string } | undefined;
  #estateMs = -Infinity;
  #heardMs = 0;
  #heardPackets = 0;
  #isSilent = false;
  #malformedMessages = 0;
  #hostAdvantageMs = 0;

  constructor(core: RoomCore, options: GuestRoomOptions) {
    this.#core = core;
    this.#options = options;
    if (typeof options.host === 'string') this.#beginMove(options.host);
    else this.#attach(options.host);
  }

  /** Whether this page may be told to be the host at any moment: whoever dials it then, means that. */
  get isHeir(): boolean {
    return this.#core.clock.nowMs() - this.#estateMs < HEIR_MS;
  }

  setName(name: string): void {
    this.#tell({ type: 'name', name: name.slice(0, 80) });
  }

  setColor(color: number): void {
    this.#tell({ type: 'color', color });
  }

  setReady(isReady: boolean): void {
    this.#tell({ type: 'ready', isReady });
  }

  setTeam(team: number): void {
    this.#tell({ type: 'team', team });
  }

  setSpectating(isSpectating: boolean): void {
    this.#tell({ type: 'spectate', isSpectating });
  }

  setInVoice(isOn: boolean): void {
    this.#tell({ type: 'voice', isOn });
  }

  say(text: string): void {
    this.#tell({ type: 'chat', text });
  }

  start(): never {
    throw hostOnly('start');
  }

  cancelStart(): never {
    throw hostOnly('cancelStart');
  }

  toLobby(): never {
    throw hostOnly('toLobby');
  }

  kick(): never {
    throw hostOnly('kick');
  }

  ban(): never {
    throw hostOnly('ban');
  }

  unban(): never {
    throw hostOnly('unban');
  }

  assign(): never {
    throw hostOnly('assign');
  }

  setSettings(): never {
    throw hostOnly('setSettings');
  }

  setLobby(): never {
    throw hostOnly('setLobby');
  }

  passHost(): Promise<never> {
    return Promise.reject(hostOnly('passHost'));
  }

  stats(): RoomStats {
    const link = this.#host?.link;
    return this.#core.stats(this.#host === undefined ? [] : [this.#host.channel], {
      role: 'guest',
      connectedPeers: link !== undefined && link.end === undefined ? 1 : 0,
      isBrokerReachable: this.#options.transport.isReachable,
      lateInputs: 0,
      refusedClaims: 0,
      hostAdvantageMs: this.#hostAdvantageMs,
      skippedTicks: 0,
      droppedEvents: 0,
      stateChannel: link?.stateChannel,
      malformed: this.#malformedMessages + (link?.counters.malformedDropped ?? 0),
      dropped: (link?.counters.stateInboxDropped ?? 0) + (link?.counters.stateSendRefused ?? 0),
    });
  }

  leave(): void {
    this.#tell({ type: 'leave' });
    this.#finish('left');
  }

  update(nowMs: number): void {
    if (this.#move !== undefined) this.#goOn(this.#move, nowMs);
    const host = this.#host;
    if (host === undefined) return;
    const { link, channel } = host;
    // What came before the end is read to the last, and bounded: it may say why.
    for (let i = 0; i < CONTROL_MESSAGES_PER_UPDATE_MAX || link.end !== undefined; i++) {
      const received = link.receiveControl();
      if (received === undefined) break;
      const message = decodeHostMessage(received.bytes);
      if (message === undefined || !this.#handle(host, message)) this.#countMalformed();
      if (this.#core.end !== undefined || this.#host !== host) return;
    }
    if (link.end !== undefined) {
      this.#finish(link.end === 'closed-there' ? 'host-left' : link.end === 'overflow' ? 'protocol' : 'host-lost');
      return;
    }
    this.#watch(link, nowMs);
    if (this.#core.client === undefined) while (channel.receive(nowMs) !== undefined);
    else this.#core.client.update(nowMs);
    channel.update(nowMs);
    this.#core.countBytes([link], nowMs);
  }

  /** False if the message makes no sense for this game. */
  #handle(host: HostLink, message: HostMessage): boolean {
    switch (message.type) {
      case 'lobby':
        if (message.lobby.phase !== 'playing' && this.#core.client !== undefined) this.#core.leaveMatch();
        return this.#core.showLobby(message.lobby);
      case 'match': {
        const settings = unpackSettings(this.#core.game.settings, message.settings);
        if (settings === undefined) return false;
        const { channel } = host;
        const rttMs = channel.hasRtt ? channel.rttMs : Math.min(host.rttMs, FIRST_RTT_MS_MAX);
        this.#core.enterMatch({ ...message, channel, player: this.#core.me, rttMs, settings });
        return true;
      }
      case 'chat':
        this.#core.hear(message.from, message.text);
        return true;
      case 'bans':
        this.#bans = message.bans;
        return true;
      case 'inherit':
        return this.#prepare(message);
      case 'moved':
        return this.#follow(message);
      case 'bye':
        this.#finish(message.reason);
        return true;
      case 'advantage':
        this.#hostAdvantageMs = message.hostAdvantageMs;
        return true;
      case 'welcome':
      case 'refuse':
        return true;
    }
  }

  #countMalformed(): void {
    if (++this.#malformedMessages > MALFORMED_MESSAGES_MAX) this.#finish('protocol');
  }

  /** Keeps the estate ready; the host is told once it is whole. */
  #prepare({ revision, ownerToken, lobby }: Extract<HostMessage, { type: 'inherit' }>): boolean {
    const model = LobbyModel.inherit(this.#core.game, lobby, this.#bans, this.#core.me);
    if (model === undefined) return false;
    this.#estate = { model, ownerToken };
    this.#estateMs = this.#core.clock.nowMs();
    // The others may dial before this page itself is told to take over.
    this.#options.transport.listen?.();
    this.#tell({ type: 'inherited', revision });
    return true;
  }

  /** The lobby goes on elsewhere, or here. */
  #follow({ peerId, heard }: Extract<HostMessage, { type: 'moved' }>): boolean {
    if (this.#core.lobby.phase === 'playing') return false;
    this.#said.splice(0, Math.max(0, heard - this.#firstSaid));
    this.#firstSaid = 0;
    if (peerId !== this.#options.transport.localId) {
      this.#detach();
      this.#beginMove(peerId);
      return true;
    }
    if (this.#estate === undefined) return false;
    this.#detach();
    this.#options.onInherit({ ...this.#estate, unheard: this.#said });
    return true;
  }

  #beginMove(to: PeerId): void {
    const { lobby, me, clock, game } = this.#core;
    const { name = '', isSpectator: isSpectating = false } = lobby.players.find(({ id }) => id === me) ?? {};
    this.#move = new Move(game, {
      transport: this.#options.transport,
      to,
      guest: { ...this.#options.guest, name, takeOver: true, isSpectating },
      relay: relayTicketOf(this.#core),
      untilMs: clock.nowMs() + PEER_LOST_MS,
    });
  }

  #goOn(move: Move, nowMs: number): void {
    const arrival = move.update(nowMs);
    if (arrival === undefined) return;
    this.#move = undefined;
    if (arrival === 'failed') {
      this.#finish('host-lost');
      return;
    }
    this.#attach(arrival);
    for (const message of this.#said) arrival.link.sendControl(encodeControl(message));
  }

  #attach({ link, me, rttMs }: Arrival): void {
    this.#core.me = me;
    this.#host = { link, channel: new StateChannel(link), rttMs };
    this.#heardMs = this.#core.clock.nowMs();
    this.#heardPackets = 0;
    this.#isSilent = false;
  }

  #detach(): void {
    if (this.#host === undefined) return;
    const { link, channel } = this.#host;
    this.#malformedMessages += link.counters.malformedDropped;
    this.#core.leaveMatch();
    this.#core.forgetLink(link, channel);
    this.#core.setHostSilent(false);
    link.close();
    this.#host = undefined;
  }

  /** Notices when the host is not heard any more. */
  #watch(link: Link, nowMs: number): void {
    const { controlMessagesIn, statePacketsIn } = link.counters;
    if (controlMessagesIn + statePacketsIn > this.#heardPackets) {
      this.#heardPackets = controlMessagesIn + statePacketsIn;
      this.#heardMs = nowMs;
      this.#setSilent(false);
    } else if (nowMs - this.#heardMs > PEER_LOST_MS) this.#finish('host-lost');
    else if (nowMs - this.#heardMs > PEER_SILENT_MS) this.#setSilent(true);
  }

  #setSilent(isSilent: boolean): void {
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    this.#core.setHostSilent(isSilent);
  }

  #tell(message: GuestMessage): void {
    if (this.#core.end !== undefined) return;
    this.#said.push(message);
    if (this.#said.length > SAID_MAX) {
      this.#said.shift();
      if (this.#host !== undefined) this.#firstSaid++;
    }
    this.#host?.link.sendControl(encodeControl(message));
  }

  #finish(end: RoomEnd): void {
    if (this.#core.end !== undefined) return;
    this.#move?.close();
    this.#host?.link.close();
    this.#core.close(end);
  }
}

function hostOnly(name: string): Error {
  return new Error(`${name}() is for the host only; this room's role is 'guest'`);
}
