/** A row of colours to choose from. Those of others cannot be taken. */
import type { LobbyPlayer } from '../../netcode/index.ts';
import { el } from './dom.ts';
import { PALETTE } from './palette.ts';

export class ColorPicker {
  readonly element: HTMLFieldSetElement;
  readonly #choices: readonly HTMLInputElement[];

  constructor(onPick: (color: number) => void) {
    this.#choices = PALETTE.map((color, index) => {
      const input = el('input', { attributes: { type: 'radio', name: 'color', 'aria-label': color.name, title: color.name } });
      input.style.setProperty('--color', color.hex);
      input.addEventListener('change', () => onPick(index));
      return input;
    });
    this.element = el('fieldset', { class: 'colors' }, el('legend', { text: 'Your colour' }), ...this.#choices);
  }

  update(players: readonly LobbyPlayer[]): void {
    this.#choices.forEach((input, index) => {
      // A spectator's colour is free for who plays.
      const owner = players.find((player) => !player.isSpectator && player.color === index);
      input.checked = owner?.isMe ?? false;
      input.disabled = owner !== undefined && !owner.isMe;
    });
  }
}
