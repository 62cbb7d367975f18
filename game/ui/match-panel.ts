/** Over a match, on demand: who is here, what may be done to them, voice, and changing between playing and watching. */
import { button, el, setText } from './dom.ts';
import { PlayerList } from './player-list.ts';
import type { RoomParts } from './room-parts.ts';

export class MatchPanel {
  readonly element: HTMLElement;
  readonly players: PlayerList;
  readonly #parts: RoomParts;
  readonly #heading = el('h2', { text: 'Players', attributes: { tabindex: '-1' } });
  readonly #watch: HTMLButtonElement;
  #opener: HTMLButtonElement | undefined;

  constructor(parts: RoomParts, tell: (message: string) => void) {
    this.#parts = parts;
    const { room, voice } = parts;
    this.players = new PlayerList(room, tell);
    this.#watch = button('Only watch', () => room.setSpectating(!this.#isSpectating()), 'quiet');
    this.element = el(
      'section',
      { class: 'panel match-panel', attributes: { role: 'dialog', 'aria-label': 'Players' } },
      el(
        'div',
        { class: 'roster-head' },
        this.#heading,
        this.#watch,
        button('Close', () => this.close(), 'quiet'),
      ),
      this.players.element,
      voice.element,
    );
    this.element.hidden = true;
    this.element.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.close();
    });
  }

  toggle(opener: HTMLButtonElement): void {
    if (!this.element.hidden) return this.close();
    this.#opener = opener;
    opener.setAttribute('aria-expanded', 'true');
    this.element.hidden = false;
    this.update();
    this.#heading.focus();
  }

  close(): void {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#opener?.setAttribute('aria-expanded', 'false');
    this.#opener?.focus();
  }

  update(): void {
    if (this.element.hidden) return;
    this.players.update();
    const { lobby } = this.#parts.room;
    const isSpectating = this.#isSpectating();
    const playing = lobby.players.filter(({ isSpectator }) => !isSpectator).length;
    setText(this.#watch, isSpectating ? 'Play' : 'Only watch');
    this.#watch.disabled = isSpectating && playing >= lobby.playersMax;
  }

  #isSpectating(): boolean {
    return this.#parts.room.lobby.players.some((player) => player.isMe && player.isSpectator);
  }
}
