/** Shows the screen that belongs to the page's state, one at a time, and puts the focus where the new one begins. */
import type { App, PageState } from '../app.ts';
import { Sounds } from '../audio/sounds.ts';
import type { ArenaRoom } from '../frames.ts';
import type { Stage } from '../scenes/stage.ts';
import { ConnectingScreen } from './connecting.ts';
import { LobbyScreen } from './lobby.ts';
import { MatchScreen } from './match.ts';
import { MenuScreen } from './menu.ts';
import { ResultsScreen } from './results.ts';
import { Roster } from './roster.ts';
import type { Screen } from './screen.ts';
import { Toasts } from './toasts.ts';

export interface ShellParts {
  readonly app: App;
  /** Where screens go. */
  readonly root: HTMLElement;
  readonly toasts: HTMLElement;
  readonly stageElement: HTMLElement;
  readonly loadStage: () => Promise<Stage>;
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
  #roster = new Roster();
  #room: ArenaRoom | undefined;
  #stage: Promise<Stage> | undefined;
  #screen: Screen | undefined;
  #status: PageState['status'] | undefined;

  constructor(parts: ShellParts) {
    this.#parts = parts;
    this.#toasts = new Toasts(parts.toasts);
    this.#menu = new MenuScreen(parts.app);
    for (const type of ['pointerdown', 'keydown']) window.addEventListener(type, () => this.#sounds.unlock());
  }

  start(): void {
    this.#parts.app.listen({ onState: (state) => this.#show(state), onNotice: ({ message }) => this.#toasts.show(message) });
  }

  #show(state: PageState): void {
    if ('room' in state) this.#enterRoom(state.room);
    const isNew = this.#status !== state.status || this.#screen === undefined;
    if (!isNew) {
      this.#screen?.update(state);
      return;
    }
    const hasLeftRoom = state.status === 'menu' && this.#status !== undefined && this.#status !== 'connecting';
    // Who left, was sent out or lost the host does not want to be back in, or host anew, at the next reload.
    if (hasLeftRoom) history.replaceState(null, '', location.pathname);
    this.#status = state.status;
    this.#screen?.close?.();
    const screen = this.#make(state);
    this.#screen = screen;
    screen.update(state);
    document.title = TITLES[state.status];
    this.#parts.root.replaceChildren(screen.element);
    screen.focus();
  }

  #enterRoom(room: ArenaRoom): void {
    if (room !== this.#room) {
      this.#room = room;
      this.#roster = new Roster();
      // While people gather there is time to load what draws the match. Should it fail, the match tries again.
      this.#loadStage().catch(() => undefined);
    }
    this.#roster.learn(room.lobby.players);
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
    switch (state.status) {
      case 'menu':
        return this.#menu;
      case 'connecting':
        return new ConnectingScreen(app);
      case 'lobby':
        return new LobbyScreen(app, state.room, onNotice);
      case 'results':
        return new ResultsScreen(app, state.room, this.#roster);
      case 'playing': {
        if (app.frames === undefined) throw new Error('a match without frames');
        return new MatchScreen({
          app,
          room: state.room,
          frames: app.frames,
          roster: this.#roster,
          sounds: this.#sounds,
          stageElement,
          onNotice,
          stage: () => this.#loadStage(),
        });
      }
    }
  }
}
