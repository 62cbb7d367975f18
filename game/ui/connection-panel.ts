/** "Test my connection": what the page can find out by itself, check by check, with what to do about it, and as text for a bug report. */
import { type CheckResult, type CheckState, testConnection } from '../../netcode/index.ts';
import { button, el, setText } from './dom.ts';
import { ReportText } from './report-text.ts';

const STATE_NAMES: Readonly<Record<CheckState, string>> = {
  ok: 'works',
  warn: 'works in part',
  failed: 'does not work',
  skipped: 'not tested',
};

export class ConnectionPanel {
  readonly element: HTMLElement;
  readonly #heading = el('h2', { text: 'Test my connection', attributes: { id: 'connection-heading', tabindex: '-1' } });
  readonly #status = el('p', { class: 'small', attributes: { role: 'status' } });
  readonly #results = el('ul', { class: 'checks', attributes: { 'aria-label': 'Results' } });
  readonly #again: HTMLButtonElement;
  readonly #report = new ReportText();
  readonly #onClosed: () => void;
  #running: AbortController | undefined;

  constructor(onClosed: () => void) {
    this.#onClosed = onClosed;
    this.#again = button('Test again', () => void this.run());
    this.element = el(
      'section',
      { class: 'panel connection', attributes: { 'aria-labelledby': 'connection-heading' } },
      this.#heading,
      this.#status,
      this.#results,
      this.#report.element,
      el(
        'div',
        { class: 'offer' },
        this.#again,
        button('Close', () => this.close(), 'quiet'),
      ),
    );
    this.element.hidden = true;
  }

  async run(): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    this.element.hidden = false;
    this.#again.hidden = true;
    this.#results.replaceChildren();
    this.#report.show('');
    this.#heading.focus();
    const report = await testConnection({
      brokerUrl: location.origin,
      signal: running.signal,
      onStep: (title) => running.signal.aborted || setText(this.#status, `${title}…`),
      onResult: (result) => running.signal.aborted || this.#results.append(row(result)),
    });
    if (running.signal.aborted) return;
    setText(this.#status, report.summary);
    this.#report.show(report.asText());
    this.#again.hidden = false;
  }

  close(): void {
    this.#running?.abort();
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.#onClosed();
  }
}

function row({ title, state, detail, advice }: CheckResult): HTMLElement {
  return el(
    'li',
    { class: `check is-${state}` },
    el('span', { class: 'check-title', text: title }),
    el('span', { class: 'check-state', text: STATE_NAMES[state] }),
    el('span', { class: 'small', text: advice === '' ? detail : `${detail} ${advice}` }),
  );
}
