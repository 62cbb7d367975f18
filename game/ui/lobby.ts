/** The room before a match: the invitation, who is here, what will be played, and getting ready. Host and guest see the same screen, with more or less on it: the role may change hands. */
import type { App, PageState } from '../app.ts';
import type { ArenaRoom } from '../frames.ts';
import { rememberSettings } from '../memory.ts';
import { arena } from '../rules/arena.ts';
import { button, el, setText } from './dom.ts';
import { Invite } from './invite.ts';
import { LobbyOptionsForm, optionsSummary } from './lobby-options.ts';
import { MyPlace } from './my-place.ts';
import { PlayerList } from './player-list.ts';
import type { RoomParts } from './room-parts.ts';
import type { Screen } from './screen.ts';
import { SettingsForm, summaryOf } from './settings-form.ts';
import { StartControls } from './start-controls.ts';

/** A headline that opens what lies under it, with what holds now in small print. */
function folded(title: string, content: HTMLElement): { readonly element: HTMLDetailsElement; readonly summary: HTMLElement } {
  const summary = el('span', { class: 'small' });
  const element = el(
    'details',
    { class: 'panel folded' },
    el('summary', {}, el('span', { class: 'folded-title', text: title }), summary),
    content,
  );
  return { element, summary };
}

export class LobbyScreen implements Screen {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #parts: RoomParts;
  readonly #heading = el('h1', { text: 'Lobby', attributes: { tabindex: '-1' } });
  readonly #title = el('bdi', { class: 'lobby-title' });
  readonly #invite: Invite;
  readonly #players: PlayerList;
  readonly #me: MyPlace;
  readonly #start: StartControls;
  readonly #seats = el('p', { class: 'small' });
  readonly #lock: HTMLButtonElement;
  readonly #settings: SettingsForm;
  readonly #settingsBlock: ReturnType<typeof folded>;
  readonly #rules = el('p', { class: 'panel rules small' });
  readonly #options: LobbyOptionsForm;
  readonly #optionsBlock: ReturnType<typeof folded>;

  constructor(app: App, parts: RoomParts, onNotice: (message: string) => void) {
    const { room, chat, voice } = parts;
    this.#room = room;
    this.#parts = parts;
    this.#invite = new Invite(onNotice);
    this.#players = new PlayerList(parts, onNotice);
    this.#me = new MyPlace(room);
    this.#start = new StartControls({ room, startText: 'Start match', onLeave: () => app.leave(), onNotice });
    this.#lock = button('Lock lobby', () => room.setLocked(!room.lobby.isLocked), 'quiet');
    this.#settings = new SettingsForm({
      settings: arena.settings,
      onChange: (changes) => {
        room.setSettings(changes);
        // What this player chose, not what they inherit with the host's role.
        rememberSettings(room.lobby.settings);
      },
    });
    this.#settingsBlock = folded('Match', this.#settings.element);
    this.#options = new LobbyOptionsForm(room);
    this.#optionsBlock = folded('Lobby', this.#options.element);
    voice.onLevels = (levels) => this.#players.showLevels(levels);
    this.element = el(
      'section',
      { class: 'screen lobby' },
      el('header', {}, this.#heading, this.#title),
      this.#invite.element,
      el(
        'section',
        { class: 'panel roster', attributes: { 'aria-label': 'Who is here' } },
        el('div', { class: 'roster-head' }, this.#seats, this.#lock),
        this.#players.element,
        this.#me.element,
      ),
      el(
        'div',
        { class: 'more-column' },
        this.#rules,
        this.#settingsBlock.element,
        this.#optionsBlock.element,
        el('div', { class: 'panel' }, voice.element),
        el('div', { class: 'panel' }, chat.become('panel')),
      ),
      this.#start.element,
    );
  }

  update(state: PageState): void {
    if (state.status !== 'lobby') return;
    const { lobby, role } = this.#room;
    const isHost = role === 'host';
    this.#invite.update(lobby.code);
    this.#players.update();
    this.#me.update();
    this.#start.update();
    setText(this.#title, lobby.name);
    const playing = lobby.players.filter(({ isSpectator }) => !isSpectator).length;
    setText(this.#seats, `${playing} of ${lobby.playersMax} players${lobby.isLocked ? ' · locked' : ''}`);
    this.#lock.hidden = !isHost;
    setText(this.#lock, lobby.isLocked ? 'Unlock lobby' : 'Lock lobby');
    this.#settingsBlock.element.hidden = !isHost;
    this.#optionsBlock.element.hidden = !isHost;
    this.#rules.hidden = isHost;
    const rules = summaryOf(arena.settings, lobby.settings);
    setText(this.#rules, rules);
    setText(this.#settingsBlock.summary, rules);
    setText(this.#optionsBlock.summary, optionsSummary(lobby));
    if (!isHost) return;
    this.#settings.update(lobby.settings);
    this.#options.update();
  }

  focus(): void {
    this.#parts.chat.settle();
    this.#heading.focus();
  }
}
