/** Elements without markup strings: text goes in as text, so a name can never become an element. */

type Child = Node | string | undefined;

interface Options {
  readonly class?: string;
  readonly text?: string;
  readonly attributes?: Readonly<Record<string, string>>;
  readonly on?: Readonly<Record<string, (event: Event) => void>>;
}

/** Makes an element with its class, text, attributes, listeners and children. */
export function el<K extends keyof HTMLElementTagNameMap>(tag: K, options: Options = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  if (options.class !== undefined) element.className = options.class;
  if (options.text !== undefined) element.textContent = options.text;
  for (const [name, value] of Object.entries(options.attributes ?? {})) element.setAttribute(name, value);
  for (const [type, listener] of Object.entries(options.on ?? {})) element.addEventListener(type, listener);
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

/** A button that is no submit button unless it says so. */
export function button(text: string, onClick: () => void, className = ''): HTMLButtonElement {
  return el('button', { class: className, text, attributes: { type: 'button' }, on: { click: onClick } });
}

export interface AskingButton {
  readonly text: string;
  /** What a screen reader calls it, if the text is only part of that. */
  readonly name?: string;
  /** What it wants to be pressed a second time for; undefined: once is enough. */
  readonly question: () => string | undefined;
  readonly onClick: () => void;
}

/** A button that may want to be pressed a second time, before the focus leaves it. */
export function askingButton({ text, name = text, question, onClick }: AskingButton): HTMLButtonElement {
  let isAsked = false;
  const show = (asks: string | undefined): void => {
    isAsked = asks !== undefined;
    setText(made, asks ?? text);
    made.setAttribute('aria-label', asks ?? name);
    made.classList.toggle('is-asked', isAsked);
  };
  const made = button(
    text,
    () => {
      const asks = isAsked ? undefined : question();
      show(asks);
      if (asks === undefined) onClick();
    },
    'quiet',
  );
  show(undefined);
  made.addEventListener('blur', () => show(undefined));
  return made;
}

/** A text field with its label above it. */
export function field(
  id: string,
  label: string,
  attributes: Readonly<Record<string, string>>,
): { readonly row: HTMLElement; readonly input: HTMLInputElement } {
  const input = el('input', { attributes: { id, type: 'text', ...attributes } });
  return { row: el('div', { class: 'field' }, el('label', { text: label, attributes: { for: id } }), input), input };
}

/** Sets text only if it differs: a live region speaks at every change, and layout is not free. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Brings a list of rows in line with the items they show: known rows are updated in place (focus stays), others are made
 * or removed.
 */
export function syncRows<T, Key extends number | string, Row extends { readonly element: HTMLElement }>(
  list: HTMLElement,
  rows: Map<Key, Row>,
  source: {
    readonly items: readonly T[];
    readonly keyOf: (item: T) => Key;
    readonly make: (item: T) => Row;
    readonly update: (row: Row, item: T) => void;
  },
): void {
  const keys = new Set(source.items.map((item) => source.keyOf(item)));
  // First, so that those below move up by themselves: a row that is put in again loses the focus.
  for (const [key, row] of rows) {
    if (keys.has(key)) continue;
    row.element.remove();
    rows.delete(key);
  }
  source.items.forEach((item, index) => {
    const key = source.keyOf(item);
    const row = rows.get(key) ?? source.make(item);
    rows.set(key, row);
    source.update(row, item);
    if (list.children[index] !== row.element) list.insertBefore(row.element, list.children[index] ?? null);
  });
}
