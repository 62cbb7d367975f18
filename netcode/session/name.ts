/** Makes any text a name that is safe and pleasant to show. */
import { NAME_LENGTH_MAX } from './room.ts';

/** Characters looked at: a name of 10,000 must not cost anything. */
const READ_MAX = 200;
/** Combining marks in a row that stay: enough for every script, too few to climb over the next line. */
const MARKS_MAX = 2;

/**
 * Removes control and formatting characters (also those that turn the writing direction), folds white space, and cuts
 * to NAME_LENGTH_MAX characters. Markup stays: it is text, and is to be shown as text. Empty names become 'Player'.
 */
export function cleanName(text: string): string {
  const plain = text
    .slice(0, READ_MAX)
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
    .replace(/\p{M}+/gu, (marks: string) => [...marks].slice(0, MARKS_MAX).join(''))
    .replace(/\s+/gu, ' ')
    .normalize('NFC')
    .trim();
  return [...plain].slice(0, NAME_LENGTH_MAX).join('').trim() || 'Player';
}

/** `wanted`, or with a number behind it if another player has that name. */
export function uniqueName(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  for (let n = 2; ; n++) {
    const suffix = ` ${n}`;
    const name = [...wanted].slice(0, NAME_LENGTH_MAX - suffix.length).join('') + suffix;
    if (!taken.has(name)) return name;
  }
}
