/** Shows the screen that belongs to the page's state, one at a time, and puts the focus where the new one begins. */
import type { App, PageState } from '../app.ts';
import { Sounds } from '../audio/sounds.ts';
import type { ArenaRoom } from '../frames.ts';
import type { Stage } from '../scenes/stage.ts';
import { ConnectingScreen } from './connecting.ts';
import { LobbyScreen } from './lobby.ts';
import { MatchScreen } from './match.ts';
import { MenuScreen } from './menu.ts';
import type { WatchLobbies } from './public-lobbies.ts';
import { ResultsScreen } from './results.ts';
import { RoomParts } from './room-parts.ts';
import type { Screen } from './screen.ts';
import { Toasts } from './toasts.ts';

export interface ShellParts {
  readonly app: App;
  /** Where screens go. */
  readonly root: HTMLElement;
  readonly toasts: HTMLElement;
  readonly stageElement: HTMLElement;
  readonly loadStage: () => Promise<Stage>;
  readonly watchLobbies: WatchLobbies;
}

const TITLES: Readonly<Record<PageState['status'], string>> = {
  menu: 'Volley',
  connecting: 'Connecting – Volley',
  lobby: 'Lobby – Volley',
  playing: 'Match – Volley',
  results: 'Results – Volley',
};

export class Shell {
  readonly #parts: ShellParts;
  readonly #toasts: Toasts;
  readonly #sounds = new Sounds();
  /** Kept for the whole visit: what was typed in the menu is still there after a failed attempt. */
  readonly #menu: MenuScreen;
  #room: RoomParts | undefined;
  #stage: Promise<Stage> | undefined;
  #screen: Screen | undefined;
  #status: PageState['status'] | undefined;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    this.#toasts = new Toasts(parts.toasts);
    this.#menu = new MenuScreen(parts.app, parts.watchLobbies);
    for (const type of ['pointerdown', 'keydown']) window.addEventListener(type, () => this.#sounds.unlock());
  }

  start(): void {
    this.#parts.app.listen({ onState: (state) => this.#show(state), onNotice: ({ message }) => this.#toasts.show(message) });
  }

  #show(state: PageState): void {
    if ('room' in state) this.#enterRoom(state.room);
    else this.#leaveRoom();
    const isNew = this.#status !== state.status || this.#screen === undefined;
    if (!isNew) {
      this.#screen?.update(state);
      return;
    }
    const hasLeftRoom = state.status === 'menu' && this.#status !== undefined && this.#status !== 'connecting';
    // Who left, was sent out or lost the host does not want to be back in, or host anew, at the next reload.
    if (hasLeftRoom) {
      history.replaceState(null, '', location.pathname);
      this.#menu.forgetInvite();
    }
    this.#status = state.status;
    this.#screen?.close?.();
    this.#room?.voice.letGo();
    const screen = this.#make(state);
    this.#screen = screen;
    screen.update(state);
    document.title = TITLES[state.status];
    this.#parts.root.replaceChildren(screen.element, ...(this.#room === undefined ? [] : [this.#room.countdown.element]));
    screen.focus();
  }

  #enterRoom(room: ArenaRoom): void {
    if (room !== this.#room?.room) {
      this.#leaveRoom();
      this.#room = new RoomParts(room);
    }
    this.#room.update();
  }

  #leaveRoom(): void {
    this.#room?.stop();
    this.#room = undefined;
  }

  /** Loads Phaser once; after a failure the next call tries again. */
  #loadStage(): Promise<Stage> {
    this.#stage ??= this.#parts.loadStage().catch((error: unknown) => {
      this.#stage = undefined;
      throw error;
    });
    return this.#stage;
  }

  #make(state: PageState): Screen {
    const { app, stageElement } = this.#parts;
    const onNotice = (message: string): void => this.#toasts.show(message);
    if (state.status === 'menu') return this.#menu;
    if (state.status === 'connecting') {
      // Whoever joins a running match wants to see it at once. Should it fail, it is tried again when it is needed.
      this.#loadStage().catch(() => undefined);
      return new ConnectingScreen(app);
    }
    const parts = this.#room;
    if (parts === undefined) throw new Error(`status '${state.status}' without a room`);
    switch (state.status) {
      case 'lobby':
        return new LobbyScreen(app, parts, onNotice);
      case 'results':
        return new ResultsScreen(app, parts, onNotice);
      case 'playing': {
        if (app.frames === undefined) throw new Error('a match without frames');
        const { frames } = app;
        return new MatchScreen({ app, parts, frames, sounds: this.#sounds, stageElement, onNotice, stage: () => this.#loadStage() });
      }
    }
  }
}
