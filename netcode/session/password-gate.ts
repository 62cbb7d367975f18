/**
 * Guessing a lobby's password takes time: who was wrong waits before their next word is looked at, longer each time, whether they
 * come back under the same identity or the same address; and all guesses together have a pace that makes trying them out hopeless.
 */

import { Allowance } from './allowance.ts';

/** How long the next word waits, by how many were wrong: a person's slips cost nothing. The answer must come before the guest gives up. */
const WAITS_MS = [0, 0, 0, 1_000, 2_000, 4_000] as const;
/** Who was wrong and is remembered, at most; the oldest is forgotten. */
const WRONG_MAX = 256;
/** Wrong words of everybody that are looked at at once, and the time after which there is one more. */
const WORDS_AT_ONCE = 30;
const MS_PER_WORD = 1_000;

export class PasswordGate {
  /** By identity or address, the oldest first. */
  readonly #wrong = new Map<string, { readonly count: number; readonly dueMs: number }>();
  readonly #words = new Allowance({ atOnce: WORDS_AT_ONCE, msPerOne: MS_PER_WORD, nowMs: 0 });

  /** Whether a word of somebody known by these keys may be looked at now. */
  isOpen(keys: readonly string[], nowMs: number): boolean {
    return this.#words.has(nowMs) && keys.every((key) => (this.#wrong.get(key)?.dueMs ?? -Infinity) <= nowMs);
  }

  /** The word was wrong. */
  refuse(keys: readonly string[], nowMs: number): void {
    this.#words.take(nowMs);
    for (const key of keys) {
      const count = (this.#wrong.get(key)?.count ?? 0) + 1;
      this.#wrong.delete(key);
      this.#wrong.set(key, { count, dueMs: nowMs + WAITS_MS[Math.min(count, WAITS_MS.length - 1)]! });
    }
    for (const key of this.#wrong.keys()) {
      if (this.#wrong.size <= WRONG_MAX) break;
      this.#wrong.delete(key);
    }
  }

  /** The word was right. */
  admit(keys: readonly string[]): void {
    for (const key of keys) this.#wrong.delete(key);
  }
}
