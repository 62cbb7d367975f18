/**
 * A small menu at a button: arrows, Home and End move in it, Escape closes it, and the focus goes back to the button. What cannot be
 * undone is asked for twice, in place. On a narrow screen it comes up from the bottom, where the thumb is.
 */
import { button, el, setText } from './dom.ts';

export interface MenuItem {
  readonly label: string;
  /** What the item says when it wants to be pressed again; undefined: once is enough. */
  readonly confirm?: string;
  readonly run: () => void;
}

/** Between menu and button, and between menu and the screen's edge. */
const GAP_PX = 6;

export class PopupMenu {
  readonly #element: HTMLElement;
  readonly #anchor: HTMLElement;
  readonly #items: readonly HTMLButtonElement[];
  readonly #stop = new AbortController();

  constructor(anchor: HTMLElement, title: string, items: readonly MenuItem[]) {
    this.#anchor = anchor;
    this.#items = items.map((item) => this.#button(item));
    this.#element = el(
      'div',
      { class: 'popup-menu' },
      el('p', { class: 'popup-title', text: title, attributes: { 'aria-hidden': 'true' } }),
      el('div', { class: 'popup-items', attributes: { role: 'menu', 'aria-label': title } }, ...this.#items),
    );
    // Inside the screen, so that it goes when the screen goes; beside the list, whose edge would cut it off.
    (anchor.closest('.screen, .match') ?? document.body).append(this.#element);
    this.#place();
    anchor.setAttribute('aria-expanded', 'true');
    const { signal } = this.#stop;
    this.#element.addEventListener('keydown', (event) => this.#onKey(event), { signal });
    const onOutside = (event: Event): void => {
      const { target } = event;
      if (target instanceof Node && !this.#element.contains(target) && !anchor.contains(target)) this.close(false);
    };
    for (const type of ['pointerdown', 'focusin', 'wheel']) document.addEventListener(type, onOutside, { signal, passive: true });
    window.addEventListener('resize', () => this.close(false), { signal });
    this.#items[0]?.focus();
  }

  get isOpen(): boolean {
    return !this.#stop.signal.aborted;
  }

  close(isFocusBack: boolean): void {
    if (!this.isOpen) return;
    this.#stop.abort();
    this.#element.remove();
    this.#anchor.setAttribute('aria-expanded', 'false');
    if (isFocusBack) this.#anchor.focus();
  }

  #button({ label, confirm, run }: MenuItem): HTMLButtonElement {
    let isAsked = confirm === undefined;
    const item = button(
      label,
      () => {
        if (!isAsked) {
          isAsked = true;
          setText(item, confirm ?? label);
          item.classList.add('is-asked');
          return;
        }
        this.close(true);
        run();
      },
      confirm === undefined ? '' : 'danger',
    );
    item.setAttribute('role', 'menuitem');
    item.tabIndex = -1;
    item.addEventListener('blur', () => {
      isAsked = confirm === undefined;
      setText(item, label);
      item.classList.remove('is-asked');
    });
    return item;
  }

  #onKey(event: KeyboardEvent): void {
    const at = this.#items.indexOf(document.activeElement as HTMLButtonElement);
    const last = this.#items.length - 1;
    const targets: Readonly<Record<string, number>> = {
      ArrowDown: at === last ? 0 : at + 1,
      ArrowUp: at <= 0 ? last : at - 1,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (target !== undefined) this.#items[target]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') this.close(true);
    else return;
    // Tab goes on from the button.
    if (event.key !== 'Tab') event.preventDefault();
    event.stopPropagation();
  }

  #place(): void {
    const anchor = this.#anchor.getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.#element;
    const isBelow = anchor.bottom + GAP_PX + offsetHeight <= innerHeight;
    const top = isBelow ? anchor.bottom + GAP_PX : Math.max(anchor.top - GAP_PX - offsetHeight, GAP_PX);
    const left = Math.max(Math.min(anchor.right - offsetWidth, innerWidth - offsetWidth - GAP_PX), GAP_PX);
    // The style sheet of narrow screens overrules both.
    this.#element.style.setProperty('--top', `${top}px`);
    this.#element.style.setProperty('--left', `${left}px`);
  }
}
