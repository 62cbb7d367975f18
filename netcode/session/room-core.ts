/**
 * What host's and guest's rooms have in common: the lobby as this page sees it, this page's client in the match,
 * listeners, and the figures.
 */
import { RateMeter } from '../channel/rate-meter.ts';
import type { StateChannel } from '../channel/state-channel.ts';
import { Client } from '../client/client.ts';
import type { Clock } from '../core/clock.ts';
import { Emitter } from '../core/emitter.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { Link } from '../transport/transport.ts';
import type { WireLobby } from '../wire/control.ts';
import { readFields } from '../wire/schema.ts';
import type { SimEvent } from '../world/simulation.ts';
import { END_MESSAGES } from './messages.ts';
import type { LobbyState, Notice, RoomEnd, RoomEvents, RoomStats } from './room.ts';

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
}

type Counted = Pick<Link['counters'], 'stateBytesIn' | 'stateBytesOut' | 'controlBytesIn' | 'controlBytesOut'>;

const NO_COUNTS = { stalls: 0, heldBack: 0, repeated: 0, cuts: 0, malformed: 0, stray: 0 };

export class RoomCore {
  readonly emitter = new Emitter<RoomEvents>();
  lobby: LobbyState;
  end: RoomEnd | undefined;
  client: Client | undefined;
  me = 0 as PlayerId;
  readonly game: AnyGame;
  readonly clock: Clock;
  readonly #bytesIn = new RateMeter();
  readonly #bytesOut = new RateMeter();
  readonly #counted = new Map<Counted, { in: number; out: number }>();
  #gone = NO_COUNTS;
  #wireLobby: WireLobby | undefined;
  #isHostSilent = false;
  #input: Record<string, unknown> = {};

  constructor(game: AnyGame, clock: Clock, code: string) {
    this.game = game;
    this.clock = clock;
    this.lobby = { code, phase: 'lobby', players: [], playersMax: game.playersMax, isLocked: false, result: undefined };
  }

  /** Takes over a new state of the lobby and tells the listeners. */
  showLobby(lobby: WireLobby): void {
    this.#wireLobby = lobby;
    const { code, phase, playersMax, isLocked } = lobby;
    const players = lobby.players.map((player) => ({
      ...player,
      isSilent: player.isSilent || (player.isHost && this.#isHostSilent),
      isMe: player.id === this.me,
    }));
    this.lobby = { code, phase, playersMax, isLocked, players, result: phase === 'results' ? lobby.result : undefined };
    this.emitter.emit('lobby', this.lobby);
  }

  /** The host cannot say so of itself. */
  setHostSilent(isSilent: boolean): void {
    this.#isHostSilent = isSilent;
    if (this.#wireLobby !== undefined) this.showLobby(this.#wireLobby);
  }

  /** Takes part in a match from now on. */
  enterMatch(entry: MatchEntry): void {
    this.client = new Client(this.game, {
      channel: entry.channel,
      player: entry.player,
      match: entry.match,
      seed: entry.seed,
      joinTick: entry.tick,
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

  notice(code: Notice['code'], message: string): void {
    this.emitter.emit('notice', { code, message });
  }

  /** Ends the room once; listeners hear why. */
  close(end: RoomEnd): boolean {
    if (this.end !== undefined) return false;
    this.end = end;
    this.leaveMatch();
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
