/**
 * The page's one state: in the menu, on the way into a room, or in a room. It opens and leaves rooms and tells its
 * listeners; it touches no DOM, and the screens (`ui/`) hold nothing that is not here or in the room.
 */
import { host, join, JoinError, type Notice, type RoomPhase } from '../netcode/index.ts';
import { type ArenaRoom, Frames } from './frames.ts';
import type { Launch } from './launch.ts';
import { becomeSomebodyElse, identity, rememberName } from './memory.ts';
import { arena } from './rules/arena.ts';

export type PageStatus = 'menu' | 'connecting' | RoomPhase;

/** What a player wants: open a room, or enter one. */
export type Intent =
  | { readonly kind: 'host'; readonly name: string }
  | { readonly kind: 'join'; readonly name: string; readonly code: string };

export type PageState =
  | {
      readonly status: 'menu';
      /** Shown as an alert; empty for none. */
      readonly message: string;
      /** The player is in that room already, from another tab: they choose who to be. */
      readonly alreadyIn: Intent | undefined;
    }
  | { readonly status: 'connecting'; readonly step: string }
  | { readonly status: RoomPhase; readonly room: ArenaRoom };

/** How to enter: take over one's own seat from the other tab, or as a player of one's own. */
export type EntryMode = 'plain' | 'take-over' | 'somebody-else';

export interface AppListeners {
  onState(state: PageState): void;
  onNotice(notice: Notice): void;
}

const MENU = { status: 'menu', message: '', alreadyIn: undefined } as const satisfies PageState;

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
      else this.#enter(room);
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
    if (this.room !== undefined) this.#exit('');
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
    if (intent.kind === 'host') return host(arena, { ...options, isFair: this.launch.isFair });
    return join(arena, intent.code, { ...options, takeOver: mode === 'take-over' });
  }

  #fail(intent: Intent, mode: EntryMode, error: unknown): void {
    const isAlreadyIn = error instanceof JoinError && error.reason === 'already-in';
    // An address that names a player means that player, not the one of the other tab.
    if (isAlreadyIn && mode === 'plain' && this.launch.name !== undefined) {
      void this.open(intent, 'somebody-else');
      return;
    }
    if (!(error instanceof JoinError)) console.error(error);
    const isCancelled = error instanceof JoinError && error.reason === 'cancelled';
    const message = error instanceof JoinError ? error.message : messageOfDefect(error);
    this.#lastError = isCancelled ? '' : message;
    this.#become({ status: 'menu', message: this.#lastError, alreadyIn: isAlreadyIn ? intent : undefined });
  }

  #enter(room: ArenaRoom): void {
    this.#attempt = undefined;
    this.#frames = new Frames(room);
    this.#hasBecomeReady = false;
    this.#hasStarted = false;
    room.on('lobby', () => this.#follow(room));
    room.on('notice', (notice) => this.#listeners?.onNotice(notice));
    room.on('closed', ({ end, message }) => {
      if (this.room === room) this.#exit(end === 'left' ? '' : message);
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
    if (!this.#hasStarted && room.role === 'host' && players.length >= 2) {
      this.#hasStarted = true;
      room.start();
    }
  }

  #exit(message: string): void {
    this.#lastError = message;
    this.#frames = undefined;
    this.#become({ ...MENU, message });
  }

  #become(state: PageState): void {
    this.#state = state;
    this.#listeners?.onState(state);
  }
}

/** What to tell of an error that is no refusal. Browsers word a part of the page that did not arrive differently, but all call it an import. */
function messageOfDefect(error: unknown): string {
  const isPartMissing = error instanceof TypeError && /import/i.test(error.message);
  return isPartMissing
    ? 'The server cannot be reached, and a part of this page is missing. Check your connection, then reload the page.'
    : 'Something went wrong on this page. Reload it and try again.';
}
