/** A report for whoever helps: folded away, to be read or copied as text. */
import { copyFrom } from './copy.ts';
import { button, el, setText } from './dom.ts';

const COPY = 'Copy details';

export class ReportText {
  readonly element: HTMLDetailsElement;
  readonly #text = el('textarea', {
    class: 'report-text',
    attributes: { readonly: '', rows: '8', 'aria-label': 'Details', spellcheck: 'false' },
  });
  readonly #copy: HTMLButtonElement;

  constructor() {
    this.#copy = button(COPY, () => void this.#onCopy(), 'quiet');
    this.element = el('details', { class: 'report' }, el('summary', { text: 'Details for a bug report' }), this.#text, this.#copy);
    this.element.hidden = true;
  }

  /** '' for none. */
  show(text: string): void {
    this.#text.value = text;
    this.element.hidden = text === '';
    setText(this.#copy, COPY);
  }

  async #onCopy(): Promise<void> {
    setText(this.#copy, (await copyFrom(this.#text)) ? 'Copied' : 'Select the text and copy it');
  }
}
