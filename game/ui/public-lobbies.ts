/** The games that are open to everyone, as a list that keeps itself up to date while it shows. */
import type { OpenLobby, OpenLobbyEvents } from '../../netcode/index.ts';
import { button, el, setText, syncRows } from './dom.ts';
import type { Screen } from './screen.ts';

/** Tells of the lobbies that this version of the game can join, until the returned function is called. */
export type WatchLobbies = (events: OpenLobbyEvents) => () => void;

export interface PublicLobbiesOptions {
  readonly watch: WatchLobbies;
  readonly onEnter: (code: string, isSpectating: boolean) => void;
}

interface Row {
  readonly element: HTMLElement;
  readonly name: HTMLElement;
  readonly facts: HTMLElement;
  readonly enter: HTMLButtonElement;
  lobby: OpenLobby;
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
        this.#status.hidden = false;
        this.#list.classList.add('is-stale');
      },
    });
  }

  stop(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  #show(lobbies: readonly OpenLobby[]): void {
    this.#list.classList.remove('is-stale');
    const text = lobbies.length === 0 ? 'No open games right now. Host one, and open it to everyone in its options.' : '';
    setText(this.#status, text);
    this.#status.hidden = text === '';
    syncRows(this.#list, this.#rows, {
      items: lobbies.slice(0, ROWS_MAX),
      keyOf: ({ code }) => code,
      make: (lobby) => this.#make(lobby),
      update: updateRow,
    });
  }

  #make(lobby: OpenLobby): Row {
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

function updateRow(row: Row, lobby: OpenLobby): void {
  row.lobby = lobby;
  const { name, code, players, playersMax, mode, isLocked, hasPassword, pingMs } = lobby;
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
