/**
 * A game's lobby settings as a form, drawn from their definition alone: a choice is a list, yes or no a box, a number a slider (or a
 * field, where a slider would be too fine). Guests see the same values as text.
 */
import type { NamedSetting } from '../../netcode/index.ts';
import { el, setText } from './dom.ts';

type Value = string | boolean | number;
export type Values = Readonly<Record<string, Value>>;

/** More steps than a thumb can tell apart. */
const SLIDER_STEPS_MAX = 100;

interface Row {
  readonly setting: NamedSetting;
  readonly element: HTMLElement;
  show(value: Value): void;
}

export interface SettingsFormOptions {
  readonly settings: readonly NamedSetting[];
  /** May throw Error with a message to be shown. */
  readonly onChange: (changes: Values) => void;
}

export class SettingsForm {
  readonly element: HTMLElement;
  readonly #rows: readonly Row[];
  readonly #flaw = el('p', { class: 'alert', attributes: { role: 'alert' } });
  readonly #onChange: (changes: Values) => void;
  #values: Values = {};

  constructor({ settings, onChange }: SettingsFormOptions) {
    this.#onChange = onChange;
    this.#rows = settings.map((setting) => rowFor(setting, (value) => this.#change(setting, value)));
    this.#flaw.hidden = true;
    this.element = el('div', { class: 'settings-form' }, ...this.#rows.map(({ element }) => element), this.#flaw);
  }

  /** Shows these values, but not over what is being changed right now. */
  update(values: Values): void {
    this.#values = values;
    for (const row of this.#rows) if (!row.element.contains(document.activeElement)) row.show(values[row.setting.name]!);
  }

  #change(setting: NamedSetting, value: Value): void {
    try {
      this.#onChange({ [setting.name]: value });
      this.#flaw.hidden = true;
    } catch (error) {
      setText(this.#flaw, error instanceof Error ? error.message : 'That is not possible.');
      this.#flaw.hidden = false;
      const row = this.#rows.find((candidate) => candidate.setting === setting);
      row?.show(this.#values[setting.name]!);
    }
  }
}

/** What a value is called on the screen. */
export function wordsFor(setting: NamedSetting, value: Value): string {
  if (setting.type === 'choice') return setting.options.find((option) => option.value === value)?.label ?? String(value);
  return setting.type === 'toggle' ? (value === true ? 'yes' : 'no') : String(value);
}

/** All settings in a line; what is off is left out. */
export function summaryOf(settings: readonly NamedSetting[], values: Values): string {
  return settings
    .filter((setting) => values[setting.name] !== false)
    .map((setting) => {
      if (setting.type === 'toggle') return setting.label;
      const words = wordsFor(setting, values[setting.name]!);
      return setting.type === 'choice' ? words : `${setting.label}: ${words}`;
    })
    .join(' · ');
}

function rowFor(setting: NamedSetting, onValue: (value: Value) => void): Row {
  switch (setting.type) {
    case 'choice':
      return choiceRow(setting, onValue);
    case 'toggle':
      return toggleRow(setting, onValue);
    case 'whole':
      return wholeRow(setting, onValue);
  }
}

const idOf = (setting: NamedSetting): string => `setting-${setting.name}`;

function labelled(setting: NamedSetting, ...controls: HTMLElement[]): HTMLElement {
  return el('div', { class: 'setting' }, el('label', { text: setting.label, attributes: { for: idOf(setting) } }), ...controls);
}

function choiceRow(setting: NamedSetting & { readonly type: 'choice' }, onValue: (value: Value) => void): Row {
  const select = el(
    'select',
    { attributes: { id: idOf(setting) } },
    ...setting.options.map(({ value, label }) => el('option', { text: label, attributes: { value } })),
  );
  select.addEventListener('change', () => onValue(select.value));
  return { setting, element: labelled(setting, select), show: (value) => (select.value = String(value)) };
}

function toggleRow(setting: NamedSetting, onValue: (value: Value) => void): Row {
  const box = el('input', { attributes: { id: idOf(setting), type: 'checkbox' } });
  box.addEventListener('change', () => onValue(box.checked));
  return { setting, element: labelled(setting, box), show: (value) => (box.checked = value === true) };
}

function wholeRow(setting: NamedSetting & { readonly type: 'whole' }, onValue: (value: Value) => void): Row {
  const { min, max, step } = setting;
  const isSlider = (max - min) / step <= SLIDER_STEPS_MAX;
  const limits = { min: String(min), max: String(max), step: String(step) };
  const input = el('input', { attributes: { id: idOf(setting), type: isSlider ? 'range' : 'number', ...limits } });
  const output = el('output', { class: 'setting-value', attributes: { for: idOf(setting) } });
  input.addEventListener('input', () => setText(output, input.value));
  input.addEventListener('change', () => onValue(input.valueAsNumber));
  const show = (value: Value): void => {
    input.value = String(value);
    setText(output, String(value));
  };
  return { setting, element: labelled(setting, input, ...(isSlider ? [output] : [])), show };
}
