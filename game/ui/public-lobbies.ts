/** The games that are open to everyone, as a list that keeps itself up to date while it shows. */
import { button, el, setText } from './dom.ts';
import type { Screen } from './screen.ts';

/** What a stranger learns of a lobby. */
export interface PublicLobby {
  readonly code: string;
  /** '' for none. */
  readonly name: string;
  readonly players: number;
  readonly playersMax: number;
  /** '' for none. */
  readonly mode?: string;
  readonly isLocked: boolean;
  readonly hasPassword?: boolean;
  readonly gameVersion: number;
  /** Roughly, there and back to the host; undefined if it is not known. */
  readonly pingMs?: number | undefined;
}

/** Tells of the lobbies of this game until the returned function is called. */
export type WatchLobbies = (events: {
  readonly onLobbies: (lobbies: readonly PublicLobby[]) => void;
  readonly onLost: (message: string) => void;
}) => () => void;

export interface PublicLobbiesOptions {
  readonly watch: WatchLobbies;
  readonly gameVersion: number;
  readonly onEnter: (code: string, isSpectating: boolean) => void;
}

interface Row {
  readonly element: HTMLElement;
  readonly name: HTMLElement;
  readonly facts: HTMLElement;
  readonly enter: HTMLButtonElement;
  lobby: PublicLobby;
}

/** More rows than anyone scrolls through only make the page slow. */
const ROWS_MAX = 60;

export class PublicLobbies implements Pick<Screen, 'element'> {
  readonly element: HTMLElement;
  readonly #options: PublicLobbiesOptions;
  readonly #list = el('ul', { class: 'lobbies', attributes: { 'aria-label': 'Open games' } });
  readonly #status = el('p', { class: 'small', attributes: { role: 'status' } });
  readonly #rows = new Map<string, Row>();
  #stop: (() => void) | undefined;

  constructor(options: PublicLobbiesOptions) {
    this.#options = options;
    this.element = el(
      'section',
      { class: 'panel public', attributes: { 'aria-labelledby': 'public-heading' } },
      el('h2', { text: 'Open games', attributes: { id: 'public-heading' } }),
      this.#status,
      this.#list,
    );
    setText(this.#status, 'Looking for games…');
  }

  /** Watches from now on. Nothing is asked of the server while the list is not on the screen. */
  start(): void {
    this.#stop ??= this.#options.watch({
      onLobbies: (lobbies) => this.#show(lobbies),
      onLost: (message) => {
        setText(this.#status, message);
        this.#list.classList.add('is-stale');
      },
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #show(lobbies: readonly PublicLobby[]): void {
    this.#list.classList.remove('is-stale');
    // Another version of the game could not be joined.
    const joinable = lobbies.filter(({ gameVersion }) => gameVersion === this.#options.gameVersion).slice(0, ROWS_MAX);
    const text = joinable.length === 0 ? 'No open games right now. Host one, and open it to everyone in its options.' : '';
    setText(this.#status, text);
    this.#status.hidden = text === '';
    const gone = new Set(this.#rows.keys());
    joinable.forEach((lobby, index) => {
      gone.delete(lobby.code);
      const row = this.#rows.get(lobby.code) ?? this.#make(lobby);
      this.#rows.set(lobby.code, row);
      updateRow(row, lobby);
      if (this.#list.children[index] !== row.element) this.#list.insertBefore(row.element, this.#list.children[index] ?? null);
    });
    for (const code of gone) {
      this.#rows.get(code)?.element.remove();
      this.#rows.delete(code);
    }
  }

  #make(lobby: PublicLobby): Row {
    const name = el('bdi', { class: 'name' });
    const facts = el('span', { class: 'small facts' });
    const enter = button('Join', () => {
      const { code, players, playersMax } = row.lobby;
      this.#options.onEnter(code, players >= playersMax);
    });
    const element = el('li', {}, el('span', { class: 'lobby-what' }, name, facts), enter);
    const row: Row = { element, name, facts, enter, lobby };
    return row;
  }
}

function updateRow(row: Row, lobby: PublicLobby): void {
  row.lobby = lobby;
  const { name, code, players, playersMax, mode = '', isLocked, hasPassword = false, pingMs } = lobby;
  const title = name === '' ? `Game ${code}` : name;
  const isFull = players >= playersMax;
  setText(row.name, title);
  const facts = [
    `${players} of ${playersMax} players`,
    mode,
    pingMs === undefined ? '' : `about ${Math.max(Math.round(pingMs / 10) * 10, 10)} ms`,
    hasPassword ? 'password' : '',
    isLocked ? 'locked' : '',
  ];
  setText(row.facts, facts.filter((fact) => fact !== '').join(' · '));
  setText(row.enter, isFull ? 'Watch' : 'Join');
  row.enter.setAttribute('aria-label', isFull ? `Watch ${title}` : `Join ${title}`);
  row.enter.disabled = isLocked;
}
