/** Asks for a lobby's password where the player is: in the menu, between the click and the room. */
import type { App, JoinIntent } from '../app.ts';
import { PASSWORD_LENGTH_MAX } from '../../netcode/index.ts';
import { button, el, field } from './dom.ts';

export class PasswordPrompt {
  readonly element: HTMLElement;
  readonly #field = field('join-password', 'Password', {
    maxlength: String(PASSWORD_LENGTH_MAX),
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
  });

  constructor(app: App, intent: JoinIntent, isWrong: boolean) {
    const form = el(
      'form',
      { class: 'password', attributes: { novalidate: '', 'aria-label': 'Password of the lobby' } },
      this.#field.row,
      el(
        'div',
        { class: 'choice' },
        el('button', { class: 'primary', text: 'Enter', attributes: { type: 'submit' } }),
        button('Cancel', () => app.dismiss(), 'quiet'),
      ),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      const password = this.#field.input.value;
      if (password === '') this.#field.input.focus();
      else void app.open({ ...intent, password });
    });
    if (isWrong) this.#field.input.setAttribute('aria-invalid', 'true');
    this.element = form;
  }

  focus(): void {
    this.#field.input.focus();
  }
}
