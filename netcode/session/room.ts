/**
 * What a game holds after `host()` or `join()`: the lobby, the match and the figures, one object for both roles.
 * The implementations are `host-room.ts` and `guest-room.ts`; a game cannot tell them apart but by `role`.
 */
import type { AnyGame, Game, KindMap } from '../define-game.ts';
import type { EntityId, PlayerId } from '../core/ids.ts';
import type { FieldMap, InitsOf, ValueOf, ValuesOf } from '../wire/schema.ts';

/** Colours a player can have: an index into a palette that the game draws. */
export const PLAYER_COLORS = 16;
/** Characters (not UTF-16 units) of a name; longer ones are cut. */
export const NAME_LENGTH_MAX = 20;

export interface LobbyPlayer {
  readonly id: PlayerId;
  /** Plain text, 1 to NAME_LENGTH_MAX characters, no control characters. Show it as text, never as markup. */
  readonly name: string;
  /** 0 to PLAYER_COLORS - 1, no two alike. */
  readonly color: number;
  readonly isReady: boolean;
  readonly isHost: boolean;
  /** Nothing was heard of them for a second and a half: their connection stalls, or their page is gone. */
  readonly isSilent: boolean;
  readonly isMe: boolean;
}

export type RoomPhase =
  /** Gathering, before a match or after its results were seen. */
  | 'lobby'
  /** A match runs. */
  | 'playing'
  /** The match is over and its result shows; the host goes on with `toLobby()`. */
  | 'results';

export interface LobbyState<R = unknown> {
  /** The invite code, in capitals. */
  readonly code: string;
  readonly phase: RoomPhase;
  readonly players: readonly LobbyPlayer[];
  readonly playersMax: number;
  /** No one else may join. */
  readonly isLocked: boolean;
  /** In phase 'results': what the game's `result` returned. */
  readonly result: R | undefined;
}

/** Why a join was refused or failed. */
export type JoinFailure =
  | 'wrong-version'
  | 'wrong-game'
  | 'full'
  | 'locked'
  | 'kicked'
  | 'already-in'
  | 'bad-code'
  | 'unknown-code'
  | 'host-gone'
  | 'unreachable'
  | 'broker-unreachable'
  | 'protocol'
  | 'cancelled';

/** Rejection of `host()` and `join()`. `message` says what happened and what to do next, ready to be shown. */
export class JoinError extends Error {
  readonly reason: JoinFailure;
  constructor(reason: JoinFailure, message: string) {
    super(message);
    this.name = 'JoinError';
    this.reason = reason;
  }
}

/** Why a room ended. */
export type RoomEnd = 'left' | 'kicked' | 'host-left' | 'host-lost' | 'replaced' | 'protocol';

/** Something worth a line on the screen that ends nothing. `message` is ready to be shown. */
export interface Notice {
  readonly code: 'broker-lost' | 'broker-back' | 'player-joined' | 'player-left' | 'code-changed' | 'peer-silent' | 'peer-back';
  readonly message: string;
}

/** What is drawn now: one object an entity, fields blended between ticks and eased after corrections. */
export type ViewEntityOf<E extends KindMap> = {
  [K in keyof E & string]: {
    readonly id: EntityId;
    readonly kind: K;
    readonly owner: PlayerId;
    /** Whether this page's player owns it. */
    readonly isMine: boolean;
  } & { readonly [F in keyof E[K]]: ValueOf<E[K][F]> };
}[keyof E & string];

/** A game event as it reaches the screen. */
export type GameEventOf<V extends KindMap> = {
  [K in keyof V & string]: {
    readonly type: K;
    readonly data: ValuesOf<V[K]>;
    /** Shown before the host confirmed it. */ readonly isPredicted: boolean;
  };
}[keyof V & string];

/** Plain JSON; every counter only grows. Rates are over the last second. */
export interface RoomStats {
  readonly role: 'host' | 'guest';
  /** The tick this page's player lives in: ahead of the host's on a guest, so that inputs arrive in time. */
  readonly tick: number;
  /** The newest tick simulated (host) or received (guest). */
  readonly hostTick: number;
  /** Round trip to the host over the state channel, smoothed; 0 on the host. */
  readonly rttMs: number;
  readonly jitterMs: number;
  /** Snapshots that never arrived, of the last 128, in percent. */
  readonly lossPct: number;
  readonly snapshotsPerSecond: number;
  /** Snapshots so far, received by this page's player, that had no room for everything and left some of it to the next ones. */
  readonly incompleteSnapshots: number;
  readonly bytesInPerSecond: number;
  readonly bytesOutPerSecond: number;
  /** State lanes that are open, over all links: each is an association of its own. */
  readonly stateLanes: number;
  /** Times that a lane stalled: its packets went unanswered for longer than a round trip. */
  readonly laneStalls: number;
  /** Times that a packet had to wait, because path or window had no room for it; it was then made of newer state. */
  readonly heldBackPackets: number;
  /** Packets sent a second time over another lane, because the path loses some. */
  readonly repeatedPackets: number;
  /** Times that a path's rate was cut, because a queue stood before it. */
  readonly rateCuts: number;
  /** The queue that stands before the slowest path, as far as what this page sends meets it. */
  readonly queueMs: number;
  /** Bytes a second, overhead included, that this page may send on the path that carries least; 0 without a path. */
  readonly paceBytesPerSecond: number;
  /** How old the newest received snapshot's state is now. */
  readonly snapshotAgeMs: number;
  /** How far in the past others are drawn, behind the newest that could have arrived. */
  readonly interpolationDelayMs: number;
  /** How far this player lives ahead of the snapshots that arrive now: the round trip, and what lateness of inputs asks for. */
  readonly inputLeadMs: number;
  /** How far the others on the screen lie behind the player's own things: what the host goes back by to judge a shot. */
  readonly viewDelayMs: number;
  /** How much faster the host's clock runs than this page's, in millionths. */
  readonly clockDriftPpm: number;
  /** Times that a clock was set instead of steered. */
  readonly clockSnaps: number;
  /** Ticks replayed for the newest snapshot. */
  readonly predictedTicks: number;
  /** Snapshots that disagreed with the prediction. */
  readonly corrections: number;
  /** False while this machine is too slow to predict: then everything is drawn as it was received. */
  readonly isPredicting: boolean;
  /** How often prediction was given up for a while, because this machine was too slow. */
  readonly overloads: number;
  /** Predicted events that did not happen after all (`retract`). */
  readonly retractedEvents: number;
  /** How much older (in ms) what the median guest sees of others is than what the host's own player sees; on a guest as the host says. */
  readonly hostAdvantageMs: number;
  /** Ticks of guests and own player that had to do without their input; 0 on a guest. */
  readonly lateInputs: number;
  /** Ticks of players whose claim of what they saw was not believed as it was; 0 on a guest. */
  readonly refusedClaims: number;
  /** Ticks the host never ran, because its machine slept or was too slow; 0 on a guest. */
  readonly skippedTicks: number;
  /** Events dropped because a rule emitted too many in one tick, or too many waited for a player; 0 on a guest. */
  readonly droppedEvents: number;
  readonly malformedPackets: number;
  readonly droppedPackets: number;
  readonly connectedPeers: number;
  readonly isBrokerReachable: boolean;
  /** The state channel as the browser reports it; undefined on the host's own loopback. */
  readonly stateChannel: { readonly ordered: boolean; readonly maxRetransmits: number | null } | undefined;
}

export interface RoomEvents<V extends KindMap = KindMap, R = unknown> extends Record<string, unknown> {
  /** Players, phase, code or lock changed. */
  lobby: LobbyState<R>;
  /** A game event, at the moment it belongs on the screen. */
  event: GameEventOf<V>;
  /** An event that was shown as predicted and did not happen: what it began on the screen may be ended. */
  retract: GameEventOf<V>;
  notice: Notice;
  /** The room is over; nothing works any more. `message` is ready to be shown. */
  closed: { readonly end: RoomEnd; readonly message: string };
}

export interface Room<I extends FieldMap = FieldMap, E extends KindMap = KindMap, V extends KindMap = KindMap, R = unknown> {
  readonly role: 'host' | 'guest';
  readonly me: PlayerId;
  readonly lobby: LobbyState<R>;
  on<K extends keyof RoomEvents<V, R> & ('lobby' | 'event' | 'retract' | 'notice' | 'closed')>(
    type: K,
    listener: (value: RoomEvents<V, R>[K]) => void,
  ): () => void;

  /** Any of these may be refused by the host; the lobby state tells what became of it. */
  setName(name: string): void;
  setColor(color: number): void;
  setReady(isReady: boolean): void;

  /** Host only (throw Error on a guest). `start` needs phase 'lobby' or 'results'; it does not wait for everyone to be ready. */
  start(): void;
  /** From 'results' or 'playing' back to 'lobby'. Readiness is cleared. */
  toLobby(): void;
  kick(player: PlayerId): void;
  setLocked(isLocked: boolean): void;

  /**
   * What this page's player does from now on. Held fields last until changed; `event()` fields reach exactly one tick.
   * Fields not named keep their value.
   */
  setInput(input: InitsOf<I>): void;
  /** What to draw now. Call it once a frame; the array and its objects are reused by the next call. */
  view(): readonly ViewEntityOf<E>[];
  stats(): RoomStats;
  /** Says goodbye and ends the room. */
  leave(): void;
}

/** The room type of a game: `RoomFor<typeof arena>`. */
export type RoomFor<G extends AnyGame> = G extends Game<infer I, infer E, infer V, infer R> ? Room<I, E, V, R> : never;
export type ViewOf<G extends AnyGame> = G extends Game<infer _I, infer E, infer _V, infer _R> ? ViewEntityOf<E> : never;
export type EventOf<G extends AnyGame> = G extends Game<infer _I, infer _E, infer V, infer _R> ? GameEventOf<V> : never;

export interface SessionOptions {
  readonly name: string;
  /** Where page and broker are: `https://play.example`. Default in a browser: the page's own origin. */
  readonly brokerUrl?: string;
  /** Tells the same player from another one, across tabs and reloads. Default: a fresh random one. */
  readonly identity?: string;
  /** Gives up with JoinError 'cancelled'. */
  readonly signal?: AbortSignal;
  /** What is being done, ready to be shown: 'Looking up the code…'. */
  readonly onStep?: (text: string) => void;
}

export interface HostOptions extends SessionOptions {
  /** Default: the game's `playersMax`. */
  readonly playersMax?: number;
  /**
   * Whether the host's own player, who has no network to cross, is held back (by 150 ms each way at most) until they see the others as
   * late as the median guest does. Default false. `stats().hostAdvantageMs` tells what is left, or what it would take away.
   */
  readonly isFair?: boolean;
}

export interface JoinOptions extends SessionOptions {
  /** If the same identity is in the room already: take its seat (`true`) or fail with 'already-in' (default). */
  readonly takeOver?: boolean;
}
