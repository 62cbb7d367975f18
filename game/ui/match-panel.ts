/** Over a match, on demand: who is here, what may be done to them, voice, and changing between playing and watching. */
import { button, el, setText } from './dom.ts';
import { canChangePlace } from './places.ts';
import { PlayerList } from './player-list.ts';
import type { RoomParts } from './room-parts.ts';

export interface MatchPanelOptions {
  readonly parts: RoomParts;
  readonly tell: (message: string) => void;
  /** Gives the keys back to the match. */
  readonly onClose: () => void;
}

export class MatchPanel {
  readonly element: HTMLElement;
  readonly players: PlayerList;
  readonly #parts: RoomParts;
  readonly #heading = el('h2', { text: 'Players', attributes: { tabindex: '-1' } });
  readonly #watch: HTMLButtonElement;
  readonly #onClose: () => void;
  #opener: HTMLButtonElement | undefined;

  constructor({ parts, tell, onClose }: MatchPanelOptions) {
    this.#parts = parts;
    this.#onClose = onClose;
    const { room, voice } = parts;
    this.players = new PlayerList(parts, tell);
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
    this.#onClose();
  }

  update(): void {
    if (this.element.hidden) return;
    this.players.update();
    const { lobby } = this.#parts.room;
    const isSpectating = this.#isSpectating();
    setText(this.#watch, isSpectating ? 'Play' : 'Only watch');
    this.#watch.disabled = !canChangePlace(lobby, isSpectating);
  }

  #isSpectating(): boolean {
    return this.#parts.room.lobby.players.some((player) => player.isMe && player.isSpectator);
  }
}
