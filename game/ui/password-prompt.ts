/** Asks for a lobby's password where the player is: in the menu, between the click and the room. */
import { PASSWORD_LENGTH_MAX } from '../../netcode/index.ts';
import { button, el, field } from './dom.ts';

export interface PasswordPromptOptions {
  /** One was given, and it was another. */
  readonly isWrong: boolean;
  readonly onEnter: (password: string) => void;
  readonly onCancel: () => void;
}

export function passwordPrompt({ isWrong, onEnter, onCancel }: PasswordPromptOptions): HTMLFormElement {
  const { row, input } = field('join-password', 'Password', {
    maxlength: String(PASSWORD_LENGTH_MAX),
    autocomplete: 'off',
    autocapitalize: 'none',
    spellcheck: 'false',
  });
  if (isWrong) input.setAttribute('aria-invalid', 'true');
  const enter = el('button', { class: 'primary', text: 'Enter', attributes: { type: 'submit' } });
  const form = el(
    'form',
    { class: 'password', attributes: { novalidate: '', 'aria-label': 'Password of the lobby' } },
    row,
    el('div', { class: 'choice' }, enter, button('Cancel', onCancel, 'quiet')),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (input.value === '') input.focus();
    else onEnter(input.value);
  });
  return form;
}
