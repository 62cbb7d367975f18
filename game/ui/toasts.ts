/** Short notices at the edge of the screen, read out politely, gone after a while. */
import { el } from './dom.ts';

/** More at once would cover the match; the oldest gives way. */
const TOASTS_MAX = 4;
const SHOWN_MS = 6000;

export class Toasts {
  readonly #region: HTMLElement;

  constructor(region: HTMLElement) {
    this.#region = region;
  }

  show(message: string): void {
    const toast = el('p', { class: 'toast', text: message });
    this.#region.append(toast);
    while (this.#region.childElementCount > TOASTS_MAX) this.#region.firstElementChild?.remove();
    setTimeout(() => toast.remove(), SHOWN_MS);
  }
}
