/** What a player says about themselves in the lobby: name, colour or team, and whether they play or watch. */
import type { ArenaRoom } from '../frames.ts';
import { tidyName } from '../launch.ts';
import { rememberName } from '../memory.ts';
import { ColorPicker } from './color-picker.ts';
import { button, el, field, setText } from './dom.ts';
import { TEAM_NAMES, teamOf } from './palette.ts';
import { canChangePlace } from './places.ts';

export class MyPlace {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #name = field('lobby-name', 'Your name', { maxlength: '40', autocomplete: 'nickname', spellcheck: 'false' });
  readonly #colors: ColorPicker;
  readonly #teams: readonly HTMLInputElement[];
  readonly #teamPicker: HTMLElement;
  readonly #watch: HTMLButtonElement;

  constructor(room: ArenaRoom) {
    this.#room = room;
    this.#colors = new ColorPicker((color) => room.setColor(color));
    this.#teams = TEAM_NAMES.map((_, team) => {
      const input = el('input', { attributes: { type: 'radio', name: 'team', value: String(team) } });
      input.addEventListener('change', () => room.setTeam(team));
      return input;
    });
    this.#teamPicker = el(
      'fieldset',
      { class: 'teams' },
      el('legend', { text: 'Your team' }),
      ...this.#teams.map((input, team) => {
        const label = el('label', { class: 'team-choice' }, input, TEAM_NAMES[team]);
        label.style.setProperty('--color', teamOf(team).hex);
        return label;
      }),
    );
    this.#watch = button('Only watch', () => room.setSpectating(!this.#isSpectating()), 'quiet');
    this.#name.input.addEventListener('change', () => this.#rename());
    this.#name.input.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') this.#rename();
    });
    this.#name.input.value = this.#me()?.name ?? '';
    this.element = el(
      'div',
      { class: 'me' },
      el('div', { class: 'me-row' }, this.#name.row, this.#watch),
      this.#colors.element,
      this.#teamPicker,
    );
  }

  update(): void {
    const { lobby } = this.#room;
    const me = this.#me();
    const hasTeams = lobby.settings.mode === 'teams';
    const isSpectating = this.#isSpectating();
    this.#colors.update(lobby.players);
    this.#colors.element.hidden = hasTeams || isSpectating;
    this.#teamPicker.hidden = !hasTeams || isSpectating;
    this.#teams.forEach((input, team) => {
      input.checked = me?.team === team;
    });
    setText(this.#watch, isSpectating ? 'Play' : 'Only watch');
    this.#watch.disabled = !canChangePlace(lobby, isSpectating);
    // The host may have cut or changed the name; while it is being typed it is the player's.
    if (me !== undefined && document.activeElement !== this.#name.input) this.#name.input.value = me.name;
  }

  #me() {
    return this.#room.lobby.players.find((player) => player.isMe);
  }

  #isSpectating(): boolean {
    return this.#me()?.isSpectator ?? false;
  }

  #rename(): void {
    const name = tidyName(this.#name.input.value);
    const me = this.#me();
    if (name === '' || name === me?.name) {
      this.#name.input.value = me?.name ?? '';
      return;
    }
    rememberName(name);
    this.#room.setName(name);
  }
}
