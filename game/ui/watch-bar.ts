/** For who only watches a match: whom they see, the way to the next player by button or arrow key, and the way in. */
import type { ArenaRoom, Frames } from '../frames.ts';
import { button, el, setText } from './dom.ts';
import { icon } from './icons.ts';
import type { Roster } from './roster.ts';
import { Watching } from './watching.ts';

const REFRESH_MS = 200;
const KEYS: Readonly<Record<string, 1 | -1>> = { ArrowLeft: -1, KeyA: -1, ArrowRight: 1, KeyD: 1 };

export interface WatchBarParts {
  readonly room: ArenaRoom;
  readonly frames: Frames;
  readonly roster: Roster;
}

export class WatchBar {
  readonly element: HTMLElement;
  readonly #parts: WatchBarParts;
  readonly #watching = new Watching();
  readonly #whom = el('span', { class: 'watching-whom', attributes: { role: 'status' } });
  readonly #play: HTMLButtonElement;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stop = new AbortController();

  constructor(parts: WatchBarParts) {
    this.#parts = parts;
    const step = (by: 1 | -1, name: string, picture: 'previous' | 'next'): HTMLButtonElement => {
      const made = button('', () => this.#step(by), 'quiet tool');
      made.append(icon(picture));
      made.setAttribute('aria-label', name);
      return made;
    };
    this.#play = button('Play', () => parts.room.setSpectating(false), 'primary');
    this.element = el(
      'section',
      { class: 'watch-bar', attributes: { 'aria-label': 'Watching' } },
      step(-1, 'Previous player', 'previous'),
      this.#whom,
      step(1, 'Next player', 'next'),
      this.#play,
    );
    const onKey = (event: KeyboardEvent): void => {
      const by = KEYS[event.code];
      const isElsewhere = event.target instanceof Element && event.target.closest('input, textarea, select, [role=menu]') !== null;
      if (by === undefined || isElsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      this.#step(by);
    };
    window.addEventListener('keydown', onKey, { signal: this.#stop.signal });
    this.#timer = setInterval(() => this.refresh(), REFRESH_MS);
    this.refresh();
  }

  /** Whose ship the camera follows. */
  get target(): number | undefined {
    this.#watching.look(this.#parts.frames.latest());
    return this.#watching.target;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#stop.abort();
    this.element.remove();
  }

  refresh(): void {
    const { room, roster } = this.#parts;
    const { target } = this;
    setText(this.#whom, target === undefined ? 'Watching' : `Watching ${roster.nameOf(target)}`);
    const playing = room.lobby.players.filter(({ isSpectator }) => !isSpectator).length;
    this.#play.hidden = playing >= room.lobby.playersMax;
  }

  #step(by: 1 | -1): void {
    this.#watching.step(this.#parts.frames.latest(), by);
    this.refresh();
  }
}
