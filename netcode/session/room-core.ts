/**
 * What a room is whoever is the host: the lobby as this page sees it, this page's client in the match, the chat, listeners, and the
 * figures. It outlives the host's role and the guest's, which come and go with `passHost`.
 */
import { RateMeter } from '../channel/rate-meter.ts';
import type { StateChannel } from '../channel/state-channel.ts';
import { Client } from '../client/client.ts';
import type { Clock } from '../core/clock.ts';
import { Emitter } from '../core/emitter.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { Link, RelayTicket } from '../transport/transport.ts';
import type { WireBan, WireLobby } from '../wire/control-lobby.ts';
import { readFields } from '../wire/schema.ts';
import { type SettingValues, unpackSettings } from '../wire/settings.ts';
import type { SimEvent } from '../world/simulation.ts';
import { Chat, sayable } from './chat.ts';
import { noticesBetween } from './lobby-notices.ts';
import type { LobbyState } from './lobby-state.ts';
import { END_MESSAGES } from './messages.ts';
import { cleanLobbyName, cleanName } from './name.ts';
import type { Notice, RoomEnd, RoomEvents } from './room.ts';
import type { RoomStats } from './room-stats.ts';

/** A peer that says nothing for this long is shown as silent: fifteen heartbeats. */
export const PEER_SILENT_MS = 1_500;
/** A peer that says nothing for this long is gone: longer than a tunnel, shorter than patience. */
export const PEER_LOST_MS = 12_000;
/** Messages handled from one peer in one update; the rest wait in the link's bounded inbox. */
export const CONTROL_MESSAGES_PER_UPDATE_MAX = 16;

export interface MatchEntry {
  readonly channel: StateChannel;
  readonly player: PlayerId;
  readonly match: number;
  readonly seed: number;
  readonly tick: Tick;
  readonly rttMs: number;
  readonly settings: SettingValues;
}

type Counted = Pick<Link['counters'], 'stateBytesIn' | 'stateBytesOut' | 'controlBytesIn' | 'controlBytesOut'>;

/** Changes of the lobby by those who hear of its change, one after the other: beyond that they answer themselves for ever. */
const RETOLD_MAX = 16;

const NO_COUNTS = { stalls: 0, heldBack: 0, repeated: 0, cuts: 0, malformed: 0, stray: 0 };

export class RoomCore {
  readonly emitter = new Emitter<RoomEvents>();
  readonly chat = new Chat();
  lobby: LobbyState;
  end: RoomEnd | undefined;
  client: Client | undefined;
  me = 0 as PlayerId;
  readonly game: AnyGame;
  readonly clock: Clock;
  readonly #onEnd: () => void;
  readonly #bytesIn = new RateMeter();
  readonly #bytesOut = new RateMeter();
  readonly #counted = new Map<Counted, { in: number; out: number }>();
  #gone = NO_COUNTS;
  #told: { readonly lobby: WireLobby; readonly bans: readonly WireBan[]; readonly atMs: number } | undefined;
  #isHostSilent = false;
  /** The lobby as listeners have heard of it. */
  #heard: LobbyState | undefined;
  #isTelling = false;
  #input: Record<string, unknown> = {};

  /** `onEnd` is called once when the room is over. */
  constructor(game: AnyGame, options: { readonly clock: Clock; readonly onEnd: () => void } & Pick<LobbyState, 'code' | 'isRelayAllowed'>) {
    this.game = game;
    this.clock = options.clock;
    this.#onEnd = options.onEnd;
    this.lobby = emptyLobby(game, options);
  }

  /** Takes over a new state of the lobby and tells the listeners. False if its settings are none of the game's. */
  showLobby(lobby: WireLobby, bans: readonly WireBan[] = []): boolean {
    const settings = unpackSettings(this.game.settings, lobby.settings);
    if (settings === undefined) return false;
    this.#told = { lobby, bans, atMs: this.clock.nowMs() };
    this.#show(settings);
    return true;
  }

  #show(settings: SettingValues): void {
    const { lobby, bans, atMs } = this.#told!;
    const countdownMs = lobby.countdownMs === undefined ? undefined : Math.max(0, lobby.countdownMs - (this.clock.nowMs() - atMs));
    const players = lobby.players
      .map((player) => ({
        ...player,
        // A host may say what it likes; here it is safe to show.
        name: cleanName(player.name),
        isSilent: player.isSilent || (player.isHost && this.#isHostSilent),
        isMe: player.id === this.me,
      }))
      .sort((a, b) => a.id - b.id);
    const result = lobby.phase === 'results' ? lobby.result : undefined;
    this.lobby = { ...lobby, name: cleanLobbyName(lobby.name), players, result, settings, bans, countdownMs };
    this.chat.keepOnly(new Set(players.map(({ id }) => id)));
    const mine = players.find(({ isMe }) => isMe);
    if (mine !== undefined) this.client?.setSpectating(mine.isSpectator);
    this.#tellListeners();
  }

  /** A listener may change the lobby: what comes of it is told when all have heard of what was before. */
  #tellListeners(): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    for (let i = 0; this.#heard !== this.lobby && i < RETOLD_MAX; i++) {
      const [before, now] = [this.#heard, this.lobby];
      this.#heard = now;
      this.emitter.emit('lobby', now);
      if (before !== undefined) for (const notice of noticesBetween(before, now)) this.emitter.emit('notice', notice);
    }
    this.#isTelling = false;
  }

  /** The host cannot say so of itself. */
  setHostSilent(isSilent: boolean): void {
    if (this.#isHostSilent === isSilent) return;
    this.#isHostSilent = isSilent;
    if (this.#told !== undefined) this.#show(this.lobby.settings);
  }

  /** Takes part in a match from now on. */
  enterMatch(entry: MatchEntry): void {
    this.client = new Client(this.game, {
      channel: entry.channel,
      player: entry.player,
      match: entry.match,
      seed: entry.seed,
      joinTick: entry.tick,
      settings: entry.settings,
      isSpectating: this.lobby.players.find(({ isMe }) => isMe)?.isSpectator ?? false,
      rttMs: entry.rttMs,
      onEvent: (event, isPredicted) => this.emitter.emit('event', this.#gameEvent(event, isPredicted)),
      onRetract: (event) => this.emitter.emit('retract', this.#gameEvent(event, true)),
      measureMs: () => this.clock.nowMs(),
    });
    this.client.setInput(this.#input);
  }

  leaveMatch(): void {
    this.client?.close();
    this.client = undefined;
    this.#input = {};
  }

  setInput(input: Readonly<Record<string, unknown>>): void {
    // Kept for a match that begins later; presses are not: they belong to the moment.
    for (const { name, field } of this.game.input.entries)
      if (field.isEdge !== true && input[name] !== undefined) this.#input[name] = input[name];
    this.client?.setInput(input);
  }

  /** Somebody said something: it is shown unless they are muted here, or it is nothing that may be said. */
  hear(from: PlayerId, text: string): void {
    const clean = sayable(text);
    if (clean === undefined) return;
    const name = this.lobby.players.find(({ id }) => id === from)?.name ?? 'Someone';
    const message = { from, name, text: clean, atMs: this.clock.nowMs(), isMine: from === this.me };
    if (this.chat.add(message)) this.emitter.emit('chat', message);
  }

  notice(code: Notice['code'], message: string): void {
    this.emitter.emit('notice', { code, message });
  }

  /** Ends the room once; listeners hear why. */
  close(end: RoomEnd): boolean {
    if (this.end !== undefined) return false;
    this.end = end;
    this.leaveMatch();
    this.#onEnd();
    this.emitter.emit('closed', { end, message: END_MESSAGES[end] });
    return true;
  }

  /** Feeds the byte rates from the counters of the links that are open now. */
  countBytes(links: Iterable<{ readonly counters: Counted }>, nowMs: number): void {
    for (const { counters } of links) {
      const seen = this.#counted.get(counters) ?? { in: 0, out: 0 };
      const bytesIn = counters.stateBytesIn + counters.controlBytesIn;
      const bytesOut = counters.stateBytesOut + counters.controlBytesOut;
      this.#bytesIn.count(nowMs, bytesIn - seen.in);
      this.#bytesOut.count(nowMs, bytesOut - seen.out);
      this.#counted.set(counters, { in: bytesIn, out: bytesOut });
    }
  }

  /** What a link's channel has counted stays counted. */
  forgetLink({ counters }: { readonly counters: Counted }, channel: StateChannel): void {
    this.#counted.delete(counters);
    this.#gone = countsOf([channel], this.#gone);
  }

  /** The figures of this page's client; the room adds what it knows of links and broker. */
  stats(
    channels: readonly StateChannel[],
    extra: Pick<
      RoomStats,
      | 'role'
      | 'connectedPeers'
      | 'isBrokerReachable'
      | 'lateInputs'
      | 'skippedTicks'
      | 'droppedEvents'
      | 'stateChannel'
      | 'hostAdvantageMs'
      | 'refusedClaims'
    > & {
      hostTick?: number;
      malformed: number;
      dropped: number;
    },
  ): RoomStats {
    const nowMs = this.clock.nowMs();
    const own = this.client?.stats(nowMs);
    const { hostTick, malformed, dropped, ...rest } = extra;
    const counts = countsOf(channels, this.#gone);
    return {
      ...rest,
      stateLanes: channels.reduce((sum, { lanesOpen }) => sum + lanesOpen, 0),
      laneStalls: counts.stalls,
      heldBackPackets: counts.heldBack,
      repeatedPackets: counts.repeated,
      rateCuts: counts.cuts,
      queueMs: Math.max(0, ...channels.map(({ queueMs }) => queueMs)),
      paceBytesPerSecond: channels.length === 0 ? 0 : Math.min(...channels.map(({ bytesPerSecond }) => bytesPerSecond)),
      tick: own?.tick ?? 0,
      hostTick: hostTick ?? own?.hostTick ?? 0,
      rttMs: own?.rttMs ?? 0,
      jitterMs: own?.jitterMs ?? 0,
      lossPct: own?.lossPct ?? 0,
      snapshotsPerSecond: own?.snapshotsPerSecond ?? 0,
      incompleteSnapshots: own?.incompleteSnapshots ?? 0,
      bytesInPerSecond: this.#bytesIn.perSecond(nowMs),
      bytesOutPerSecond: this.#bytesOut.perSecond(nowMs),
      snapshotAgeMs: own?.snapshotAgeMs ?? 0,
      interpolationDelayMs: own?.interpolationDelayMs ?? 0,
      inputLeadMs: own?.inputLeadMs ?? 0,
      viewDelayMs: own?.viewDelayMs ?? 0,
      clockDriftPpm: own?.clockDriftPpm ?? 0,
      clockSnaps: own?.clockSnaps ?? 0,
      predictedTicks: own?.predictedTicks ?? 0,
      corrections: own?.corrections ?? 0,
      isPredicting: own?.isPredicting ?? true,
      overloads: own?.overloads ?? 0,
      retractedEvents: own?.retractedEvents ?? 0,
      malformedPackets: malformed + counts.malformed + (own?.malformedPackets ?? 0),
      droppedPackets: dropped + counts.stray + (own?.stalePackets ?? 0),
    };
  }

  #gameEvent({ type, row }: SimEvent, isPredicted: boolean): RoomEvents['event'] {
    const { name, layout } = this.game.eventTypes[type]!;
    return { type: name, data: readFields(layout, row, 0), isPredicted };
  }
}

/** For dials of as long as the room lasts: its code, and whether it allows a relay, may change meanwhile. */
export function relayTicketOf(core: Pick<RoomCore, 'lobby'>): RelayTicket {
  return {
    get code() {
      return core.lobby.isRelayAllowed ? core.lobby.code : undefined;
    },
  };
}

function emptyLobby(game: AnyGame, { code, isRelayAllowed }: Pick<LobbyState, 'code' | 'isRelayAllowed'>): LobbyState {
  return {
    code,
    phase: 'lobby',
    players: [],
    playersMax: game.playersMax,
    spectatorsMax: 0,
    isLocked: false,
    result: undefined,
    name: '',
    isPublic: false,
    hasPassword: false,
    isRelayAllowed,
    settings: game.defaultSettings,
    countdownMs: undefined,
    bans: [],
  };
}

/** What these channels counted, on top of `before`. */
function countsOf(channels: readonly StateChannel[], before: typeof NO_COUNTS): typeof NO_COUNTS {
  return channels.reduce(
    ({ stalls, heldBack, repeated, cuts, malformed, stray }, channel) => ({
      stalls: stalls + channel.stalls,
      heldBack: heldBack + channel.heldBackPackets,
      repeated: repeated + channel.repeatedPackets,
      cuts: cuts + channel.rateCuts,
      malformed: malformed + channel.malformedPackets,
      stray: stray + channel.strayPackets,
    }),
    before,
  );
}
