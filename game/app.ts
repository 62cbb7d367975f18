/**
 * The page's one state: in the menu, on the way into a room, or in a room. It opens and leaves rooms and tells its
 * listeners; it touches no DOM, and the screens (`ui/`) hold nothing that is not here or in the room.
 */
import { host, join, JoinError, type JoinExplanation, type JoinFailure, type Notice, type RoomPhase } from '../netcode/index.ts';
import { type ArenaRoom, Frames } from './frames.ts';
import type { Launch } from './launch.ts';
import { becomeSomebodyElse, identity, rememberedSettings, rememberName } from './memory.ts';
import { arena } from './rules/arena.ts';

export type PageStatus = 'menu' | 'connecting' | RoomPhase;

export interface HostIntent {
  readonly kind: 'host';
  readonly name: string;
}

export interface JoinIntent {
  readonly kind: 'join';
  readonly name: string;
  readonly code: string;
  readonly password?: string;
  readonly isSpectating?: boolean;
}

/** What a player wants: open a room, or enter one. */
export type Intent = HostIntent | JoinIntent;

/** What the menu offers beside its message: the next step from where an attempt ended. */
export type Offer =
  /** The player is in that room already, from another tab: they choose who to be. The seat of a tab that hosts cannot be taken over. */
  | { readonly kind: 'already-in'; readonly intent: Intent; readonly isHostTab: boolean }
  /** The lobby has a password: it is asked for in place. */
  | { readonly kind: 'password'; readonly intent: JoinIntent; readonly mode: EntryMode; readonly isWrong: boolean }
  /** No seat is free, but one may watch. */
  | { readonly kind: 'watch'; readonly intent: JoinIntent }
  /** The same again may well succeed. */
  | { readonly kind: 'retry'; readonly intent: Intent; readonly mode: EntryMode };

export interface Trouble {
  readonly explanation: JoinExplanation;
  readonly report: string;
}

export type PageState =
  | {
      readonly status: 'menu';
      /** Shown as an alert; empty for none. */
      readonly message: string;
      readonly offer: Offer | undefined;
      /** Of a join that failed on its way: which step, what was tried, what to do; and all of it as text for a bug report. */
      readonly trouble: Trouble | undefined;
    }
  | { readonly status: 'connecting'; readonly step: string }
  | { readonly status: RoomPhase; readonly room: ArenaRoom };

/** How to enter: take over one's own seat from the other tab, or as a player of one's own. */
export type EntryMode = 'plain' | 'take-over' | 'somebody-else';

export interface AppListeners {
  onState(state: PageState): void;
  onNotice(notice: Notice): void;
}

const IS_HOST_TAB = 'The other tab of yours hosts this lobby: its place cannot be taken over. Play there, or join here as a second player.';
const MENU = { status: 'menu', message: '', offer: undefined, trouble: undefined } as const satisfies PageState;
/** Room for so many to begin with; the host may raise it to the game's own. */
const PLAYERS_MAX_DEFAULT = 8;
/** Failures that may be over at the next attempt. */
const PASSING_FAILURES: ReadonlySet<JoinFailure> = new Set([
  'full',
  'spectators-full',
  'locked',
  'host-gone',
  'unreachable',
  'broker-unreachable',
]);
/** What people or rules have decided, or the player: of that the message says all. */
const DECIDED: ReadonlySet<JoinFailure> = new Set([
  'cancelled',
  'full',
  'spectators-full',
  'locked',
  'banned',
  'password-needed',
  'wrong-password',
  'already-in',
]);

export class App {
  readonly launch: Launch;
  #state: PageState = MENU;
  #lastError = '';
  #frames: Frames | undefined;
  #listeners: AppListeners | undefined;
  #attempt: AbortController | undefined;
  #hasBecomeReady = false;
  #hasStarted = false;

  constructor(launch: Launch) {
    this.launch = launch;
  }

  get state(): PageState {
    return this.#state;
  }

  get room(): ArenaRoom | undefined {
    return 'room' in this.#state ? this.#state.room : undefined;
  }

  /** The picture of the running match. */
  get frames(): Frames | undefined {
    return this.#state.status === 'playing' ? this.#frames : undefined;
  }

  get lastError(): string {
    return this.#lastError;
  }

  /** Tells the listeners the state now and from now on. */
  listen(listeners: AppListeners): void {
    this.#listeners = listeners;
    listeners.onState(this.#state);
  }

  /** Shows a message in the menu. */
  refuse(message: string): void {
    this.#lastError = message;
    this.#become({ ...MENU, message });
  }

  /** Takes message and offer away: the player does something else. */
  dismiss(): void {
    this.#lastError = '';
    if (this.#state.status === 'menu') this.#become(MENU);
  }

  /** Opens or enters a room; the state tells how it went. */
  async open(intent: Intent, mode: EntryMode = 'plain'): Promise<void> {
    this.#attempt?.abort();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#lastError = '';
    rememberName(intent.name);
    this.#become({ status: 'connecting', step: 'Connecting…' });
    try {
      const room = await this.#connect(intent, mode, attempt.signal);
      if (attempt.signal.aborted) room.leave();
      else this.#enter(room, intent);
    } catch (error) {
      if (!attempt.signal.aborted) this.#fail(intent, mode, error);
    }
  }

  /** Gives up an attempt. */
  cancel(): void {
    this.#attempt?.abort();
    if (this.#state.status === 'connecting') this.#become(MENU);
  }

  leave(): void {
    this.room?.leave();
    if (this.room !== undefined) this.#exit('', undefined);
  }

  async #connect(intent: Intent, mode: EntryMode, signal: AbortSignal): Promise<ArenaRoom> {
    const options = {
      name: intent.name,
      identity: mode === 'somebody-else' ? becomeSomebodyElse() : identity(),
      signal,
      onStep: (step: string) => {
        if (!signal.aborted && this.#state.status === 'connecting') this.#become({ status: 'connecting', step });
      },
    };
    if (intent.kind === 'host') {
      return host(arena, {
        ...options,
        playersMax: PLAYERS_MAX_DEFAULT,
        // Strangers see the name only if the host opens the lobby to them.
        listing: { name: `${intent.name}'s game`, isPublic: this.launch.isPublic },
        settings: rememberedSettings(),
        isFair: this.launch.isFair,
      });
    }
    const { code, password = '', isSpectating = false } = intent;
    return join(arena, code, { ...options, password, isSpectating, takeOver: mode === 'take-over' });
  }

  #fail(intent: Intent, mode: EntryMode, error: unknown): void {
    const reason = error instanceof JoinError ? error.reason : undefined;
    // An address that names a player means that player, not the one of the other tab.
    if (reason === 'already-in' && mode === 'plain' && this.launch.name !== undefined) {
      void this.open(intent, 'somebody-else');
      return;
    }
    if (!(error instanceof JoinError)) console.error(error);
    const isHostTab = reason === 'already-in' && mode === 'take-over';
    const message = isHostTab ? IS_HOST_TAB : error instanceof JoinError ? error.message : messageOfDefect(error);
    this.#lastError = reason === 'cancelled' ? '' : message;
    this.#become({ status: 'menu', message: this.#lastError, offer: offerAfter(reason, intent, mode), trouble: troubleOf(error) });
  }

  #enter(room: ArenaRoom, intent: Intent): void {
    this.#attempt = undefined;
    this.#frames = new Frames(room);
    this.#hasBecomeReady = false;
    this.#hasStarted = false;
    room.on('lobby', () => this.#follow(room));
    room.on('role', () => this.#follow(room));
    room.on('notice', (notice) => this.#listeners?.onNotice(notice));
    room.on('closed', ({ end, message }) => {
      if (this.room !== room) return;
      this.#exit(end === 'left' ? '' : message, end === 'host-lost' ? wayBack(room, intent) : undefined);
    });
    this.#become({ status: room.lobby.phase, room });
    this.#follow(room);
  }

  /** Goes where the room goes. */
  #follow(room: ArenaRoom): void {
    if (this.room !== room) return;
    this.#become({ status: room.lobby.phase, room });
    if (this.launch.isAutostart) this.#autostart(room);
  }

  /** Once a room: afterwards people decide, or "End match" would only start the next. */
  #autostart(room: ArenaRoom): void {
    const { phase, players } = room.lobby;
    if (phase !== 'lobby') return;
    if (!this.#hasBecomeReady) {
      this.#hasBecomeReady = true;
      room.setReady(true);
    }
    const playing = players.filter(({ isSpectator }) => !isSpectator);
    if (!this.#hasStarted && room.role === 'host' && playing.length >= 2) {
      this.#hasStarted = true;
      room.start();
    }
  }

  #exit(message: string, offer: Offer | undefined): void {
    this.#lastError = message;
    this.#frames = undefined;
    this.#become({ status: 'menu', message, offer, trouble: undefined });
  }

  #become(state: PageState): void {
    this.#state = state;
    this.#listeners?.onState(state);
  }
}

/** As who one was. The host may not have noticed the loss yet and still keep the seat: it is ours to take. */
function wayBack({ lobby }: ArenaRoom, intent: Intent): Offer | undefined {
  const me = lobby.players.find(({ isMe }) => isMe);
  if (me === undefined) return undefined;
  const { name, isSpectator: isSpectating } = me;
  const known = intent.kind === 'join' && intent.password !== undefined ? { password: intent.password } : {};
  return { kind: 'retry', mode: 'take-over', intent: { kind: 'join', name, code: lobby.code, isSpectating, ...known } };
}

function offerAfter(reason: JoinFailure | undefined, intent: Intent, triedMode: EntryMode): Offer | undefined {
  if (reason === 'already-in') return { kind: 'already-in', intent, isHostTab: triedMode === 'take-over' };
  // Who was made somebody else is that person from then on, and need not become yet another.
  const mode = triedMode === 'take-over' ? 'take-over' : 'plain';
  if (reason === undefined || reason === 'cancelled') return undefined;
  if (intent.kind === 'join') {
    if (reason === 'password-needed' || reason === 'wrong-password')
      return { kind: 'password', intent, mode, isWrong: reason === 'wrong-password' };
    if (reason === 'full') return { kind: 'watch', intent };
  }
  return PASSING_FAILURES.has(reason) ? { kind: 'retry', intent, mode } : undefined;
}

/** What to tell of an error that is no refusal. Browsers word a part of the page that did not arrive differently, but all call it an import. */
function messageOfDefect(error: unknown): string {
  const isPartMissing = error instanceof TypeError && /import/i.test(error.message);
  return isPartMissing
    ? 'The server cannot be reached, and a part of this page is missing. Check your connection, then reload the page.'
    : 'Something went wrong on this page. Reload it and try again.';
}

function troubleOf(error: unknown): Trouble | undefined {
  if (!(error instanceof JoinError) || DECIDED.has(error.reason) || error.explanation?.step === undefined) return undefined;
  return { explanation: error.explanation, report: error.report };
}
