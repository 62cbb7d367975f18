/** How the text of each setting becomes a value. Every reader throws ConfigError with one line: what was set, and what is allowed. */
import { readFileSync } from 'node:fs';
import { ConfigError } from './config-error.ts';
import type { Given } from './config-options.ts';

const PORT_MAX = 65_535;
/** A list setting longer than this is a mistake, and would be looked through at every request. */
const LIST_ITEMS_MAX = 100;
const SECRET_FILE_BYTES_MAX = 4_096;

export function readPort(given: Given | undefined, fallback: number): number {
  if (given === undefined) return fallback;
  const port = Number(given.text);
  if (!/^\d+$/.test(given.text) || port > PORT_MAX)
    throw new ConfigError(`${given.name} '${given.text}' is not a port number; choose one from 1 to ${PORT_MAX} (0 for any free one)`);
  return port;
}

export interface CountRange {
  readonly min: number;
  readonly max: number;
  readonly fallback: number;
}

export function readCount(given: Given | undefined, { min, max, fallback }: CountRange): number {
  if (given === undefined) return fallback;
  const count = Number(given.text);
  if (!/^\d+$/.test(given.text) || count < min || count > max)
    throw new ConfigError(`${given.name} '${given.text}' must be a whole number from ${min} to ${max}`);
  return count;
}

export function readSwitch(given: Given | undefined): boolean {
  if (given === undefined) return false;
  switch (given.text.toLowerCase()) {
    case '1':
    case 'true':
      return true;
    case '0':
    case 'false':
      return false;
    default:
      throw new ConfigError(`${given.name} '${given.text}' must be 1, true, 0 or false`);
  }
}

export function readChoice<T extends string>(given: Given | undefined, choices: readonly T[], fallback: T): T {
  if (given === undefined) return fallback;
  const chosen = choices.find((choice) => choice === given.text);
  if (chosen === undefined) throw new ConfigError(`${given.name} '${given.text}' must be one of: ${choices.join(', ')}`);
  return chosen;
}

/** Separated by commas. */
export function readList(given: Given | undefined): string[] {
  if (given === undefined) return [];
  const items = given.text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
  if (items.length > LIST_ITEMS_MAX) throw new ConfigError(`${given.name} has ${items.length} entries; the limit is ${LIST_ITEMS_MAX}`);
  return items;
}

/** `https://play.example` or `http://10.0.0.5:8080`, as browsers write an Origin. */
export function readOrigin(name: string, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.pathname === '/' && url.search === '' && url.hash === '';
  if (!isPlain || url.username !== '' || url.password !== '')
    throw new ConfigError(`${name} '${text}' must be like https://play.example or http://10.0.0.5:8080, without a path`);
  return url.origin;
}

export function readOrigins(given: Given | undefined): string[] {
  return readList(given).map((item) => (item === '*' ? item : readOrigin(given!.name, item)));
}

export function readRedisUrl(given: Given | undefined): string | undefined {
  if (given === undefined) return undefined;
  // The text may hold a password, so it is not repeated.
  if (!URL.canParse(given.text) || !/^rediss?:$/.test(new URL(given.text).protocol) || new URL(given.text).hostname === '')
    throw new ConfigError(`${given.name} must be like redis://HOST:6379 or rediss://USER:PASSWORD@HOST:6379/0`);
  return given.text;
}

export interface SecretRule {
  readonly lengthMin: number;
  /** Why so many characters. */
  readonly why: string;
}

/** From a variable or a file, not both. Messages never show the secret. */
export function readSecret(given: Given | undefined, file: Given | undefined, { lengthMin, why }: SecretRule): string | undefined {
  if (given !== undefined && file !== undefined) throw new ConfigError(`Set ${given.name} or ${file.name}, not both`);
  const source = given ?? file;
  if (source === undefined) return undefined;
  const secret = file === undefined ? source.text : readSecretFile(file);
  if (!/^[\x21-\x7e]*$/.test(secret)) throw new ConfigError(`${source.name} must be printable ASCII without spaces, on one line`);
  if (secret.length < lengthMin)
    throw new ConfigError(`${source.name} has ${secret.length} characters; it needs at least ${lengthMin}, because ${why}`);
  return secret;
}

function readSecretFile(file: Given): string {
  const text = readTextFile(file);
  if (text.length > SECRET_FILE_BYTES_MAX)
    throw new ConfigError(`${file.name} '${file.text}' is larger than ${SECRET_FILE_BYTES_MAX} bytes`);
  return text.trim();
}

export function readTextFile({ name, text: path }: Given): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why =
      code === 'ENOENT' ? 'does not exist' : code === 'EACCES' ? 'may not be read by this user' : `cannot be read (${code ?? 'unknown'})`;
    throw new ConfigError(`${name} '${path}' ${why}`);
  }
}
