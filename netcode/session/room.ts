/**
 * What a game holds after `host()` or `join()`: the lobby, the match and the figures, one object for both roles.
 * The implementations are `host-room.ts` and `guest-room.ts`; a game cannot tell them apart but by `role`.
 */
import type { AnyGame, Game, KindMap } from '../define-game.ts';
import type { EntityId, PlayerId } from '../core/ids.ts';
import type { JoinExplanation } from '../transport/join-report.ts';
import type { Voice } from '../voice/voice.ts';
import type { FieldMap, InitsOf, ValueOf, ValuesOf } from '../wire/schema.ts';
import type { SettingMap, SettingsOf, SettingValues } from '../wire/settings.ts';
import type { ChatMessage, LobbyOptions, LobbyState } from './lobby-state.ts';
import type { RoomStats } from './room-stats.ts';

/** Why a join was refused or failed. */
export type JoinFailure =
  | 'wrong-version'
  | 'wrong-game'
  | 'full'
  | 'spectators-full'
  | 'locked'
  | 'banned'
  | 'password-needed'
  | 'wrong-password'
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
  /** Which step failed, what was tried and what to do; undefined before anything was tried. */
  explanation: JoinExplanation | undefined;
  /** The join step by step, as text for a bug report: without addresses, names and codes. */
  report = '';
  constructor(reason: JoinFailure, message: string) {
    super(message);
    this.name = 'JoinError';
    this.reason = reason;
  }
}

/** Why a room ended. */
export type RoomEnd = 'left' | 'kicked' | 'banned' | 'host-left' | 'host-lost' | 'replaced' | 'protocol';

/** Something worth a line on the screen that ends nothing. `message` is ready to be shown. */
export interface Notice {
  readonly code:
    | 'broker-lost'
    | 'broker-back'
    | 'code-changed'
    | 'player-joined'
    | 'player-left'
    | 'peer-silent'
    | 'peer-back'
    | 'spectating'
    | 'playing'
    | 'countdown'
    | 'countdown-cancelled'
    | 'host-changed';
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

export interface RoomEvents<V extends KindMap = KindMap, R = unknown, S = SettingValues> extends Record<string, unknown> {
  /** Something of the lobby's state changed. */
  lobby: LobbyState<R, S>;
  /** Somebody said something, this page's player included; not who is muted here. */
  chat: ChatMessage;
  /** This page became the host, or is no longer it: `passHost`. */
  role: 'host' | 'guest';
  /** A game event, at the moment it belongs on the screen. */
  event: GameEventOf<V>;
  /** An event that was shown as predicted and did not happen: what it began on the screen may be ended. */
  retract: GameEventOf<V>;
  notice: Notice;
  /** The room is over; nothing works any more. `message` is ready to be shown. */
  closed: { readonly end: RoomEnd; readonly message: string };
}

export type RoomEventName = 'lobby' | 'chat' | 'role' | 'event' | 'retract' | 'notice' | 'closed';

export interface Room<
  I extends FieldMap = FieldMap,
  E extends KindMap = KindMap,
  V extends KindMap = KindMap,
  R = unknown,
  S extends SettingMap = SettingMap,
> {
  /** Talking with the others in the room. Off until this page's player joins it. */
  readonly voice: Voice;
  /** Changes when the host role is passed on. */
  readonly role: 'host' | 'guest';
  readonly me: PlayerId;
  readonly lobby: LobbyState<R, SettingsOf<S>>;
  on<K extends RoomEventName>(type: K, listener: (value: RoomEvents<V, R, SettingsOf<S>>[K]) => void): () => void;

  /** Any of these may be refused by the host; the lobby state tells what became of it. */
  setName(name: string): void;
  setColor(color: number): void;
  setReady(isReady: boolean): void;
  /** In phases 'lobby' and 'results'. */
  setTeam(team: number): void;
  /** From playing to watching and back, if there is room; during a match too. */
  setSpectating(isSpectating: boolean): void;
  /** Tells the others whether this page takes part in the voice chat. */
  setInVoice(isOn: boolean): void;

  /**
   * Host only (throw Error on a guest). `start` needs phase 'lobby' or 'results' (a rematch); it does not wait for everyone to be ready.
   * With `countdownMs` (at most COUNTDOWN_MS_MAX) the match starts so much later, whoever comes, goes or is not ready meanwhile.
   */
  start(options?: { readonly countdownMs?: number }): void;
  cancelStart(): void;
  /** From 'results' or 'playing' back to 'lobby'. Readiness is cleared, a countdown ends. */
  toLobby(): void;
  /** Sends someone away; they may come back. */
  kick(player: PlayerId): void;
  /** Sends someone away, who may not come back under that identity until `unban`. */
  ban(player: PlayerId): void;
  unban(identity: string): void;
  /** Moves somebody. The team only in phases 'lobby' and 'results'. Throws Error where there is no room. */
  assign(player: PlayerId, place: { readonly team?: number; readonly isSpectator?: boolean }): void;
  /** In phases 'lobby' and 'results'. Throws RangeError naming what cannot be. */
  setSettings(changes: Partial<SettingsOf<S>>): void;
  /** Throws RangeError naming what cannot be. */
  setLobby(options: LobbyOptions): void;
  setLocked(isLocked: boolean): void;
  /**
   * Makes somebody else's page the host; this one stays as a guest. In phases 'lobby' and 'results', while no countdown runs. Everybody
   * keeps their seat, and this object stays the same. Rejects with an Error whose message can be shown; then nothing has changed.
   */
  passHost(player: PlayerId): Promise<void>;

  /** Chat. False if the text is empty, longer than CHAT_LENGTH_MAX characters, or comes too soon (five at once, one in 1.5 s on top). */
  say(text: string): boolean;
  /** What was said since this page came, oldest first, at most CHAT_LINES_MAX. */
  readonly chat: readonly ChatMessage[];
  /** Whether to hear what this player says; on this page only. */
  mute(player: PlayerId, isMuted: boolean): void;
  isMuted(player: PlayerId): boolean;

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
export type RoomFor<G extends AnyGame> = G extends Game<infer I, infer E, infer V, infer R, infer S> ? Room<I, E, V, R, S> : never;
export type ViewOf<G extends AnyGame> = G extends Game<infer _I, infer E, infer _V, infer _R, infer _S> ? ViewEntityOf<E> : never;
export type EventOf<G extends AnyGame> = G extends Game<infer _I, infer _E, infer V, infer _R, infer _S> ? GameEventOf<V> : never;
/** The values of a game's lobby settings. */
export type GameSettings<G extends AnyGame> = G extends Game<infer _I, infer _E, infer _V, infer _R, infer S> ? SettingsOf<S> : never;

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

export interface HostOptions<S = SettingValues> extends SessionOptions {
  /** Who plays, at most. Default: the game's `playersMax`. */
  readonly playersMax?: number;
  /** Who only watches, at most; 31 come in at all. Default SPECTATORS_MAX_DEFAULT; 0: nobody. */
  readonly spectatorsMax?: number;
  /** What strangers are told of the lobby. Default: nothing, it is private. */
  readonly listing?: { readonly name?: string; readonly isPublic?: boolean; readonly isRelayAllowed?: boolean };
  /** Who wants in must know it. Never leaves the host but to whom the host role is passed. Default '': none. */
  readonly password?: string;
  /** Default: each setting's own. */
  readonly settings?: Partial<S>;
  /**
   * Whether the host's own player, who has no network to cross, is held back (by 150 ms each way at most) until they see the others as
   * late as the median guest does. Default false. `stats().hostAdvantageMs` tells what is left, or what it would take away.
   */
  readonly isFair?: boolean;
}

export interface JoinOptions extends SessionOptions {
  /** If the same identity is in the room already: take its seat (`true`) or fail with 'already-in' (default). */
  readonly takeOver?: boolean;
  /** For a lobby that has one. Fails with 'password-needed' or 'wrong-password'. */
  readonly password?: string | undefined;
  /** Only watches. Default false. */
  readonly isSpectating?: boolean | undefined;
}
