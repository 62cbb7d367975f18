/** The room before a match: the invitation, who is here, and getting ready. */
import type { LobbyState } from '../../netcode/index.ts';
import type { App, PageState } from '../app.ts';
import type { ArenaRoom } from '../frames.ts';
import { tidyName } from '../launch.ts';
import { rememberName } from '../memory.ts';
import { ColorPicker } from './color-picker.ts';
import { button, el, field, setText } from './dom.ts';
import { Invite } from './invite.ts';
import { PlayerList } from './player-list.ts';
import type { Screen } from './screen.ts';

export class LobbyScreen implements Screen {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #heading = el('h1', { text: 'Lobby', attributes: { tabindex: '-1' } });
  readonly #invite: Invite;
  readonly #players: PlayerList;
  readonly #seats = el('p', { class: 'small' });
  readonly #name = field('lobby-name', 'Your name', { maxlength: '40', autocomplete: 'nickname', spellcheck: 'false' });
  readonly #colors: ColorPicker;
  readonly #ready: HTMLButtonElement;
  readonly #start: HTMLButtonElement;
  readonly #lock: HTMLButtonElement;
  readonly #waiting = el('p', { class: 'small waiting', attributes: { role: 'status' } });

  constructor(app: App, room: ArenaRoom, onNotice: (message: string) => void) {
    const isHost = room.role === 'host';
    this.#room = room;
    this.#invite = new Invite(onNotice);
    this.#players = new PlayerList(isHost ? (player) => room.kick(player) : undefined);
    this.#colors = new ColorPicker((color) => room.setColor(color));
    this.#ready = button("I'm ready", () => room.setReady(!this.#isReady()), isHost ? '' : 'primary');
    this.#start = button('Start match', () => room.start(), 'primary');
    this.#lock = button('Lock lobby', () => room.setLocked(!room.lobby.isLocked), 'quiet');
    this.#name.input.addEventListener('change', () => this.#rename());
    this.#name.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#rename();
    });
    this.element = el(
      'section',
      { class: 'screen lobby' },
      this.#heading,
      this.#invite.element,
      el(
        'section',
        { class: 'panel roster', attributes: { 'aria-label': 'Who is here' } },
        el('div', { class: 'roster-head' }, this.#seats, isHost ? this.#lock : undefined),
        this.#players.element,
        el('div', { class: 'me' }, this.#name.row, this.#colors.element),
      ),
      el(
        'div',
        { class: 'actions' },
        this.#waiting,
        el(
          'div',
          { class: 'buttons' },
          button('Leave', () => app.leave(), 'quiet'),
          this.#ready,
          isHost ? this.#start : undefined,
        ),
      ),
    );
    this.#name.input.value = room.lobby.players.find((player) => player.isMe)?.name ?? '';
  }

  update(state: PageState): void {
    if (state.status !== 'lobby') return;
    const { lobby } = state.room;
    this.#invite.update(lobby.code);
    this.#players.update(lobby.players);
    this.#colors.update(lobby.players);
    setText(this.#seats, `${lobby.players.length} of ${lobby.playersMax} players${lobby.isLocked ? ' · locked' : ''}`);
    const isReady = this.#isReady();
    setText(this.#ready, isReady ? 'Not ready' : "I'm ready");
    this.#ready.setAttribute('aria-pressed', String(isReady));
    this.#lock.setAttribute('aria-pressed', String(lobby.isLocked));
    const missing = missingNames(lobby);
    this.#start.disabled = missing.length > 0;
    setText(this.#waiting, this.#waitingText(lobby, missing));
    // The host may have cut or changed the name; while it is being typed it is the player's.
    const me = lobby.players.find((player) => player.isMe);
    if (me !== undefined && document.activeElement !== this.#name.input) this.#name.input.value = me.name;
  }

  focus(): void {
    this.#heading.focus();
  }

  #isReady(): boolean {
    return this.#room.lobby.players.find((player) => player.isMe)?.isReady ?? false;
  }

  #rename(): void {
    const name = tidyName(this.#name.input.value);
    const me = this.#room.lobby.players.find((player) => player.isMe);
    if (name === '' || name === me?.name) {
      this.#name.input.value = me?.name ?? '';
      return;
    }
    rememberName(name);
    this.#room.setName(name);
  }

  #waitingText(lobby: LobbyState, missing: readonly string[]): string {
    if (lobby.players.length === 1) return 'Invite a friend, or start alone to practise.';
    if (missing.length > 0) return `Waiting for ${new Intl.ListFormat('en').format(missing)}`;
    return this.#room.role === 'host' ? 'Everyone is ready.' : 'Waiting for the host to start';
  }
}

/** The guests who are not ready. The host shows readiness by starting. */
function missingNames(lobby: LobbyState): string[] {
  return lobby.players.filter((player) => !player.isReady && !player.isHost).map((player) => player.name);
}
