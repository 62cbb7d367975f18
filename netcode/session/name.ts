/** Makes any text a line that is safe and pleasant to show: names, and what is said in the chat. */
import { LOBBY_MODE_LENGTH_MAX, LOBBY_NAME_LENGTH_MAX } from '../wire/lobby-api.ts';
import { CHAT_LENGTH_MAX, NAME_LENGTH_MAX } from './lobby-state.ts';

/** Characters looked at: a name of 10,000 must not cost anything. */
const READ_MAX = 200;
/** The same of a line of chat; one more than may be said, so that it is not cut unnoticed. */
const CHAT_READ_MAX = 2 * CHAT_LENGTH_MAX + 2;
/** Combining marks in a row that stay: enough for every script, too few to climb over the next line. */
const MARKS_MAX = 2;

/**
 * Removes control and formatting characters (also those that turn the writing direction), folds white space, and cuts
 * to NAME_LENGTH_MAX characters. Markup stays: it is text, and is to be shown as text. Empty names become 'Player'.
 */
export function cleanName(text: string): string {
  const plain = cleanLine(text.slice(0, READ_MAX), /[\p{C}\p{Zl}\p{Zp}]/gu);
  return [...plain].slice(0, NAME_LENGTH_MAX).join('').trim() || 'Player';
}

/**
 * What is said in the chat, without control characters and those that turn the writing direction. The two joiners stay: Persian,
 * Indic scripts and many emoji are written with them. It may be empty, or longer than CHAT_LENGTH_MAX characters.
 */
export function cleanChat(text: string): string {
  return cleanLine(text.slice(0, CHAT_READ_MAX), /(?![\u200c\u200d])[\p{C}\p{Zl}\p{Zp}]/gu);
}

/** The lobby's name as the broker takes it. */
export function cleanLobbyName(text: string): string {
  return cutUnits(cleanLine(text.slice(0, READ_MAX), /[\p{C}\p{Zl}\p{Zp}]/gu), LOBBY_NAME_LENGTH_MAX);
}

/** What is played, as the broker takes it. */
export function cleanMode(text: string): string {
  return cutUnits(cleanLine(text.slice(0, READ_MAX), /[\p{C}\p{Zl}\p{Zp}]/gu), LOBBY_MODE_LENGTH_MAX);
}

function cleanLine(text: string, unwanted: RegExp): string {
  return text
    .normalize('NFC')
    .replace(/\s+/gu, ' ')
    .replace(unwanted, '')
    .replace(/\p{M}+/gu, (marks: string) => [...marks].slice(0, MARKS_MAX).join(''))
    .replace(/\s+/gu, ' ')
    .normalize('NFC')
    .trim();
}

/** At most so many UTF-16 units, without halving a character. */
function cutUnits(text: string, unitsMax: number): string {
  let cut = '';
  for (const character of text) {
    if (cut.length + character.length > unitsMax) break;
    cut += character;
  }
  return cut.trim();
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
