/**
 * A game's lobby settings: what the host may choose before a match. Few kinds of them, so that any page can draw them as a form,
 * and both sides can check them: on the wire each is a whole number, in the order of their definition.
 */

/** One of a few words. */
export interface ChoiceSetting<T extends string = string> {
  readonly type: 'choice';
  readonly label: string | undefined;
  readonly options: readonly { readonly value: T; readonly label: string }[];
  readonly default: T;
}

export interface ToggleSetting {
  readonly type: 'toggle';
  readonly label: string | undefined;
  readonly default: boolean;
}

/** A whole number from `min` to `max`, in steps of `step` from `min` on. */
export interface WholeSetting {
  readonly type: 'whole';
  readonly label: string | undefined;
  readonly min: number;
  readonly max: number;
  readonly step: number;
  readonly default: number;
}

export type Setting = ChoiceSetting | ToggleSetting | WholeSetting;
export type SettingMap = Readonly<Record<string, Setting>>;
export type SettingValue = string | boolean | number;

type ValueOfSetting<T> = T extends ChoiceSetting<infer U> ? U : T extends ToggleSetting ? boolean : number;
/** The values of all settings of a game. */
export type SettingsOf<S extends SettingMap> = { readonly [K in keyof S]: ValueOfSetting<S[K]> };

/** A setting as a form draws it. */
export type NamedSetting = Setting & { readonly name: string; readonly label: string };

/** Settings of a game at most: a form that still fits a screen. */
export const SETTINGS_MAX = 32;
/** Words of one choice at most. */
export const CHOICES_MAX = 64;
/** Characters of a label. */
const LABEL_LENGTH_MAX = 60;
/** What a number on the wire may be: whole numbers that every engine holds as such. */
export const SETTING_NUMBER_MAX = 2 ** 31 - 1;
const NAME_PATTERN = /^[a-z][A-Za-z0-9]{0,31}$/;
const UNPRINTABLE_PATTERN = /[\p{C}\p{Zl}\p{Zp}]/u;

interface SettingOptions {
  /** What the form shows. Default: the setting's name, as words. */
  readonly label?: string;
}

/**
 * One of these words.
 *
 * @example choice(['duel', 'teams'], 'duel', { label: 'Mode', labels: { duel: 'Everyone for themselves' } })
 */
export function choice<const T extends string>(
  values: readonly T[],
  initial: NoInfer<T>,
  { label, labels }: SettingOptions & { readonly labels?: { readonly [K in NoInfer<T>]?: string } } = {},
): ChoiceSetting<T> {
  const options = values.map((value) => ({ value, label: labels?.[value] ?? asWords(value) }));
  return { type: 'choice', label, options, default: initial };
}

/** Yes or no. */
export function toggle(initial: boolean, { label }: SettingOptions = {}): ToggleSetting {
  return { type: 'toggle', label, default: initial };
}

/** A whole number. Default: `min`, in steps of 1. */
export function whole({
  min,
  max,
  step = 1,
  default: initial = min,
  label,
}: SettingOptions & { readonly min: number; readonly max: number; readonly step?: number; readonly default?: number }): WholeSetting {
  return { type: 'whole', label, min, max, step, default: initial };
}

/** Checks a game's settings. Throws RangeError or TypeError naming what is wrong. */
export function namedSettings(settings: SettingMap): readonly NamedSetting[] {
  const names = Object.keys(settings);
  if (names.length > SETTINGS_MAX) throw new RangeError(`a game has at most ${SETTINGS_MAX} settings, not ${names.length}`);
  return names.map((name) => {
    if (!NAME_PATTERN.test(name)) throw new TypeError(`setting '${name}' must be 1 to 32 letters and digits, a small letter first`);
    const setting = settings[name]!;
    const named = { ...setting, name, label: setting.label ?? asWords(name) };
    requireLabel(name, named.label);
    requireSense(named);
    return named;
  });
}

function requireLabel(name: string, label: string): void {
  if (label === '' || label.length > LABEL_LENGTH_MAX || UNPRINTABLE_PATTERN.test(label))
    throw new RangeError(`setting '${name}' has the label '${label}': 1 to ${LABEL_LENGTH_MAX} printable characters are possible`);
}

function requireSense(setting: NamedSetting): void {
  const { name } = setting;
  if (setting.type === 'choice') {
    const values = setting.options.map(({ value }) => value);
    if (values.length === 0 || values.length > CHOICES_MAX)
      throw new RangeError(`setting '${name}' has ${values.length} choices: 1 to ${CHOICES_MAX} are possible`);
    if (new Set(values).size !== values.length) throw new TypeError(`setting '${name}' has the same choice twice`);
    for (const { label } of setting.options) requireLabel(name, label);
  }
  if (setting.type === 'whole') {
    const { min, max, step } = setting;
    const isWhole = (value: number): boolean => Number.isInteger(value) && Math.abs(value) <= SETTING_NUMBER_MAX;
    if (!isWhole(min) || !isWhole(max) || !isWhole(step) || min > max || step < 1)
      throw new RangeError(`setting '${name}' goes from ${min} to ${max} by ${step}: whole numbers, in order, are possible`);
  }
  const flaw = flawOfSetting(setting, setting.default);
  if (flaw !== undefined) throw new RangeError(`default of ${flaw}`);
}

/** What is wrong with a value, naming it and what is possible; undefined if nothing is. */
export function flawOfSetting(setting: NamedSetting, value: unknown): string | undefined {
  return numberOf(setting, value) === undefined ? `setting '${setting.name}' cannot be ${shown(value)}: ${possible(setting)}` : undefined;
}

function shown(value: unknown): string {
  if (typeof value === 'string') return `'${value.slice(0, LABEL_LENGTH_MAX)}'`;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value;
}

function possible(setting: NamedSetting): string {
  switch (setting.type) {
    case 'choice':
      return `one of ${setting.options.map(({ value }) => `'${value}'`).join(', ')}`;
    case 'toggle':
      return 'true or false';
    case 'whole':
      return `a whole number from ${setting.min} to ${setting.max}${setting.step === 1 ? '' : `, ${setting.min} plus steps of ${setting.step}`}`;
  }
}

/** The number that stands for a value; undefined if the setting cannot be that. */
function numberOf(setting: NamedSetting, value: unknown): number | undefined {
  switch (setting.type) {
    case 'choice': {
      const at = setting.options.findIndex((option) => option.value === value);
      return at < 0 ? undefined : at;
    }
    case 'toggle':
      return typeof value === 'boolean' ? Number(value) : undefined;
    case 'whole': {
      const { min, max, step } = setting;
      const isPossible = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max && (value - min) % step === 0;
      return isPossible ? value : undefined;
    }
  }
}

function valueOf(setting: NamedSetting, number: number): SettingValue | undefined {
  switch (setting.type) {
    case 'choice':
      return setting.options[number]?.value;
    case 'toggle':
      return number === 0 || number === 1 ? number === 1 : undefined;
    case 'whole':
      return numberOf(setting, number);
  }
}

export type SettingValues = Readonly<Record<string, SettingValue>>;

/** What holds where the host has chosen nothing. */
export function defaultSettings(settings: readonly NamedSetting[]): SettingValues {
  return Object.freeze(Object.fromEntries(settings.map((setting) => [setting.name, setting.default])));
}

/** `values` with some of them changed. Throws RangeError naming what cannot be. */
export function changedSettings(settings: readonly NamedSetting[], values: SettingValues, changes: object): SettingValues {
  const next: Record<string, SettingValue> = { ...values };
  for (const [name, value] of Object.entries(changes)) {
    const setting = settings.find((candidate) => candidate.name === name);
    if (setting === undefined) throw new RangeError(`there is no setting '${name.slice(0, LABEL_LENGTH_MAX)}'`);
    if (value === undefined) continue;
    const flaw = flawOfSetting(setting, value);
    if (flaw !== undefined) throw new RangeError(flaw);
    next[name] = value as SettingValue;
  }
  return Object.freeze(next);
}

/** All values as numbers, in the order of definition. */
export function packSettings(settings: readonly NamedSetting[], values: SettingValues): number[] {
  return settings.map((setting) => numberOf(setting, values[setting.name])!);
}

/** What `packSettings` packed; undefined if a value is missing, too many or not possible. */
export function unpackSettings(settings: readonly NamedSetting[], numbers: readonly number[]): SettingValues | undefined {
  if (numbers.length !== settings.length) return undefined;
  const values: Record<string, SettingValue> = {};
  for (const [i, setting] of settings.entries()) {
    const value = valueOf(setting, numbers[i]!);
    if (value === undefined) return undefined;
    values[setting.name] = value;
  }
  return Object.freeze(values);
}

/** What two peers must agree on: names, kinds and what is possible. Labels and defaults are each page's own. */
export function shapeOfSettings(settings: readonly NamedSetting[]): unknown {
  return settings.map((setting) => {
    if (setting.type === 'choice') return [setting.name, setting.options.map(({ value }) => value)];
    return setting.type === 'toggle' ? [setting.name] : [setting.name, setting.min, setting.max, setting.step];
  });
}

/** `scoreLimit` as `Score limit`. */
function asWords(name: string): string {
  const words = name
    .replace(/[-_]/g, ' ')
    .replace(/([a-z0-9])([A-Z])/g, (_, before: string, after: string) => `${before} ${after.toLowerCase()}`);
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
