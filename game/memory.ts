/**
 * What a browser remembers between visits: the player's name, who they are, whether sound is off, and how they last set up a match.
 * Storage may be forbidden or full; then a visit simply starts fresh.
 */
import type { NamedSetting } from '../netcode/index.ts';
import { arena } from './rules/arena.ts';
import type { ArenaSettings } from './rules/settings.ts';

const NAME_KEY = 'volley.name';
const IDENTITY_KEY = 'volley.identity';
const MUTED_KEY = 'volley.muted';
const SETTINGS_KEY = 'volley.settings';
const IDENTITY_BYTES = 16;

function read(storage: () => Storage, key: string): string | undefined {
  try {
    return storage().getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}

function write(storage: () => Storage, key: string, value: string): void {
  try {
    storage().setItem(key, value);
  } catch {
    // Nothing is lost but the convenience.
  }
}

const local = (): Storage => localStorage;
const session = (): Storage => sessionStorage;

export const rememberedName = (): string => read(local, NAME_KEY) ?? '';
export const rememberName = (name: string): void => write(local, NAME_KEY, name);
export const isMutedRemembered = (): boolean => read(local, MUTED_KEY) === 'yes';
export const rememberMuted = (isMuted: boolean): void => write(local, MUTED_KEY, isMuted ? 'yes' : 'no');

export const rememberSettings = (settings: ArenaSettings): void => write(local, SETTINGS_KEY, JSON.stringify(settings));

/** What the player last chose as host, as far as this version of the game knows it. */
export function rememberedSettings(): Partial<ArenaSettings> {
  let kept: unknown;
  try {
    kept = JSON.parse(read(local, SETTINGS_KEY) ?? '{}');
  } catch {
    return {};
  }
  if (typeof kept !== 'object' || kept === null) return {};
  const known = arena.settings.flatMap((setting) => {
    const value = (kept as Readonly<Record<string, unknown>>)[setting.name];
    return isPossible(setting, value) ? [[setting.name, value] as const] : [];
  });
  return Object.fromEntries(known);
}

function isPossible(setting: NamedSetting, value: unknown): boolean {
  switch (setting.type) {
    case 'choice':
      return setting.options.some((option) => option.value === value);
    case 'toggle':
      return typeof value === 'boolean';
    case 'whole': {
      const { min, max, step } = setting;
      return Number.isInteger(value) && Number(value) >= min && Number(value) <= max && (Number(value) - min) % step === 0;
    }
  }
}

/** Random hex. `crypto.randomUUID` would be shorter, but a page served over plain http on a LAN does not have it. */
function randomIdentity(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(IDENTITY_BYTES));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Who this player is: the same in every tab of the browser, unless this tab was made a player of its own. */
export function identity(): string {
  const known = read(session, IDENTITY_KEY) ?? read(local, IDENTITY_KEY);
  if (known !== undefined) return known;
  const made = randomIdentity();
  write(local, IDENTITY_KEY, made);
  return made;
}

/** Makes this tab a player of its own, also after a reload. */
export function becomeSomebodyElse(): string {
  const made = randomIdentity();
  write(session, IDENTITY_KEY, made);
  return made;
}
