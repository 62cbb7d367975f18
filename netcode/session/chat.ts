/** Text chat as one page has it: what was said, who is not listened to, and how fast one may speak. */
import type { PlayerId } from '../core/ids.ts';
import { Allowance } from './allowance.ts';
import { CHAT_LENGTH_MAX, CHAT_LINES_MAX, type ChatMessage } from './lobby-state.ts';
import { cleanChat } from './name.ts';

/** Lines that may be said at once, and the time after which there is one more. */
const LINES_AT_ONCE = 5;
const MS_PER_LINE = 1_500;
/** The host lets so many more pass at once: what was said during an outage comes all together. */
const LINES_AT_ONCE_AT_HOST = 10;

/** How much somebody may still say. */
export function chatAllowance(nowMs: number, { isAtHost }: { readonly isAtHost: boolean }): Allowance {
  return new Allowance({ atOnce: isAtHost ? LINES_AT_ONCE_AT_HOST : LINES_AT_ONCE, msPerOne: MS_PER_LINE, nowMs });
}

/** The text as it may be said; undefined if it is empty or too long. */
export function sayable(text: string): string | undefined {
  const clean = cleanChat(text);
  return clean === '' || [...clean].length > CHAT_LENGTH_MAX ? undefined : clean;
}

export class Chat {
  /** Oldest first; a new array with every line. */
  lines: readonly ChatMessage[] = [];
  readonly #muted = new Set<PlayerId>();

  /** Notes what somebody said. False if it is not to be shown here. */
  add(message: ChatMessage): boolean {
    if (this.#muted.has(message.from)) return false;
    this.lines = [...this.lines, message].slice(-CHAT_LINES_MAX);
    return true;
  }

  mute(player: PlayerId, isMuted: boolean): void {
    if (isMuted) this.#muted.add(player);
    else this.#muted.delete(player);
  }

  isMuted(player: PlayerId): boolean {
    return this.#muted.has(player);
  }

  /** Forgets whoever is gone: their seat may be somebody else's next. */
  keepOnly(present: ReadonlySet<PlayerId>): void {
    for (const player of this.#muted) if (!present.has(player)) this.#muted.delete(player);
  }
}
