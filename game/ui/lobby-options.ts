/** What the host may say about the lobby itself: its name, who sees it, who may come in, and who may come back. */
import { type LobbyBan, type LobbyOptions, PASSWORD_LENGTH_MAX } from '../../netcode/index.ts';
import type { ArenaRoom } from '../frames.ts';
import { arena } from '../rules/arena.ts';
import { button, el, field, setText } from './dom.ts';

/** The name's own limit, in units: the session cuts what is longer. */
const LOBBY_NAME_UNITS_MAX = '48';

export class LobbyOptionsForm {
  readonly element: HTMLElement;
  readonly #room: ArenaRoom;
  readonly #name = field('lobby-title', 'Name of the lobby', { maxlength: LOBBY_NAME_UNITS_MAX, autocomplete: 'off' });
  readonly #password = field('lobby-password', 'Password', {
    maxlength: String(PASSWORD_LENGTH_MAX),
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
    placeholder: 'None',
  });
  readonly #removePassword: HTMLButtonElement;
  readonly #public: HTMLInputElement;
  readonly #relay: HTMLInputElement;
  readonly #seats = el('select', { attributes: { id: 'lobby-seats' } });
  readonly #flaw = el('p', { class: 'alert', attributes: { role: 'alert' } });
  readonly #bans = el('ul', { class: 'bans', attributes: { 'aria-label': 'Banned' } });
  readonly #bansBlock: HTMLElement;
  #shownBans = '';

  constructor(room: ArenaRoom) {
    this.#room = room;
    this.#public = check('lobby-public');
    this.#relay = check('lobby-relay');
    this.#flaw.hidden = true;
    for (let seats = 1; seats <= arena.playersMax; seats++)
      this.#seats.append(el('option', { text: String(seats), attributes: { value: String(seats) } }));
    this.#public.addEventListener('change', () => this.#set({ isPublic: this.#public.checked }));
    this.#relay.addEventListener('change', () => this.#set({ isRelayAllowed: this.#relay.checked }));
    this.#seats.addEventListener('change', () => this.#set({ playersMax: Number(this.#seats.value) }));
    this.#name.input.addEventListener('change', () => this.#set({ name: this.#name.input.value.trim() }));
    this.#password.input.addEventListener('change', () => this.#set({ password: this.#password.input.value }));
    // An empty field does not change when it is left empty, and it is empty for who has not typed the password here.
    this.#removePassword = button('Remove password', () => this.#forgetPassword(), 'quiet');
    this.#bansBlock = el('div', { class: 'field' }, el('p', { class: 'small', text: 'May not come back' }), this.#bans);
    this.element = el(
      'div',
      { class: 'options-form' },
      row(this.#public, 'Open to everyone: shown in the list of games'),
      this.#name.row,
      this.#password.row,
      this.#removePassword,
      el('div', { class: 'setting' }, el('label', { text: 'Players at most', attributes: { for: 'lobby-seats' } }), this.#seats),
      row(this.#relay, 'Let players in through the server when no direct connection works'),
      this.#flaw,
      this.#bansBlock,
    );
  }

  update(): void {
    const { lobby } = this.#room;
    showUnlessFocused(this.#name.input, lobby.name);
    // The password is known to this page only as long as it stands in the field.
    if (!lobby.hasPassword) showUnlessFocused(this.#password.input, '');
    this.#password.input.placeholder = lobby.hasPassword ? 'Set; type to change it' : 'None';
    this.#removePassword.hidden = !lobby.hasPassword;
    this.#public.checked = lobby.isPublic;
    this.#relay.checked = lobby.isRelayAllowed;
    const playing = lobby.players.filter(({ isSpectator }) => !isSpectator).length;
    for (const option of this.#seats.options) option.disabled = Number(option.value) < playing;
    if (document.activeElement !== this.#seats) this.#seats.value = String(lobby.playersMax);
    this.#showBans(lobby.bans);
  }

  #forgetPassword(): void {
    this.#password.input.value = '';
    this.#set({ password: '' });
    // The button is gone with it.
    this.#password.input.focus();
  }

  #set(options: LobbyOptions): void {
    try {
      this.#room.setLobby(options);
      this.#flaw.hidden = true;
    } catch (error) {
      setText(this.#flaw, error instanceof Error ? error.message : 'That is not possible.');
      this.#flaw.hidden = false;
      this.#seats.value = String(this.#room.lobby.playersMax);
    }
  }

  #showBans(bans: readonly LobbyBan[]): void {
    this.#bansBlock.hidden = bans.length === 0;
    const shown = JSON.stringify(bans);
    if (shown === this.#shownBans) return;
    this.#shownBans = shown;
    this.#bans.replaceChildren(
      ...bans.map(({ identity, name }) => {
        const back = button('Let back in', () => this.#room.unban(identity), 'quiet');
        back.setAttribute('aria-label', `Let back in: ${name}`);
        return el('li', {}, el('bdi', { text: name }), back);
      }),
    );
  }
}

/** The lobby's options in a line. */
export function optionsSummary({ isPublic, hasPassword, playersMax }: ArenaRoom['lobby']): string {
  return [isPublic ? 'open to everyone' : 'private', hasPassword ? 'with password' : 'no password', `${playersMax} players at most`].join(
    ' · ',
  );
}

const check = (id: string): HTMLInputElement => el('input', { attributes: { id, type: 'checkbox' } });

const row = (box: HTMLInputElement, text: string): HTMLElement =>
  el('div', { class: 'setting' }, el('label', { text, attributes: { for: box.id } }), box);

function showUnlessFocused(input: HTMLInputElement, value: string): void {
  if (document.activeElement !== input && input.value !== value) input.value = value;
}
