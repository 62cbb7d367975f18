/**
 * The lobbies whose owners this broker has heard lately. When Redis restarts and has forgotten them, the brokers put them back
 * before their hosts' next heartbeats would: no code leads nowhere for half a minute, and nobody can register another's code
 * in that time. A copy lives as long as the lobby would.
 */
import type { StoredLobby } from './lobby-store.ts';

export interface LobbyCopy {
  readonly lobby: StoredLobby;
  /** When the owner last changed it, in milliseconds since 1970: of two brokers' copies the later one is right. */
  readonly updatedAtMs: number;
  readonly expiresAtMs: number;
}

export class LobbyCopies {
  readonly #ttlMs: number;
  readonly #copiesMax: number;
  readonly #nowMs: () => number;
  /** In order of expiry. */
  readonly #copies = new Map<string, LobbyCopy>();

  constructor(options: { readonly ttlMs: number; readonly copiesMax: number; readonly nowMs: () => number }) {
    this.#ttlMs = options.ttlMs;
    this.#copiesMax = options.copiesMax;
    this.#nowMs = options.nowMs;
  }

  has(code: string): boolean {
    return this.#copies.has(code);
  }

  keep(lobby: StoredLobby, updatedAtMs: number): void {
    this.#removeExpired();
    this.#copies.delete(lobby.code);
    // The oldest would end first anyway.
    const oldest = this.#copies.keys().next();
    if (this.#copies.size >= this.#copiesMax && !oldest.done) this.#copies.delete(oldest.value);
    this.#copies.set(lobby.code, { lobby, updatedAtMs, expiresAtMs: this.#nowMs() + this.#ttlMs });
  }

  renew(code: string): void {
    const copy = this.#copies.get(code);
    if (copy !== undefined) this.keep(copy.lobby, copy.updatedAtMs);
  }

  forget(code: string): void {
    this.#copies.delete(code);
  }

  living(): readonly LobbyCopy[] {
    this.#removeExpired();
    return [...this.#copies.values()];
  }

  #removeExpired(): void {
    const nowMs = this.#nowMs();
    for (const [code, { expiresAtMs }] of this.#copies) {
      if (expiresAtMs > nowMs) return;
      this.#copies.delete(code);
    }
  }
}
