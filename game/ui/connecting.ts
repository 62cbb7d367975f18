/** What is being done while a room is opened or entered, and a way out of it. */
import type { App, PageState } from '../app.ts';
import { button, el, setText } from './dom.ts';
import type { Screen } from './screen.ts';

export class ConnectingScreen implements Screen {
  readonly element: HTMLElement;
  readonly #status = el('p', { class: 'step', attributes: { role: 'status' } });
  readonly #cancel: HTMLButtonElement;

  constructor(app: App) {
    this.#cancel = button('Cancel', () => app.cancel());
    this.element = el(
      'section',
      { class: 'screen' },
      el(
        'div',
        { class: 'panel connecting' },
        el('div', { class: 'spinner', attributes: { 'aria-hidden': 'true' } }),
        this.#status,
        this.#cancel,
      ),
    );
  }

  update(state: PageState): void {
    if (state.status === 'connecting') setText(this.#status, state.step);
  }

  focus(): void {
    this.#cancel.focus();
  }
}
