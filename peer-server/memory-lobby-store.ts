/**
 * Lobbies in this process's memory: the default store. A restart forgets them all; hosts then re-register
 * under the code they have (see `LobbyDirectory.reclaim`).
 */
import type { LobbyStore, StoredLobby } from './lobby-store.ts';

export interface MemoryLobbyStoreOptions {
  readonly ttlMs: number;
  readonly lobbiesMax: number;
  /** Milliseconds since any fixed moment; never goes back. */
  readonly nowMs: () => number;
}

interface Entry {
  readonly lobby: StoredLobby;
  readonly expiresAtMs: number;
}

export class MemoryLobbyStore implements LobbyStore {
  readonly ttlMs: number;
  readonly #lobbiesMax: number;
  readonly #nowMs: () => number;
  /** In order of expiry: all live equally long, and whatever is renewed moves to the end. */
  readonly #entries = new Map<string, Entry>();

  constructor(options: MemoryLobbyStoreOptions) {
    if (!(options.ttlMs > 0)) throw new RangeError(`lobby time to live ${options.ttlMs} ms must be above 0`);
    if (!(options.lobbiesMax >= 1)) throw new RangeError(`lobbies limit ${options.lobbiesMax} must be at least 1`);
    this.ttlMs = options.ttlMs;
    this.#lobbiesMax = options.lobbiesMax;
    this.#nowMs = options.nowMs;
  }

  async createIfAbsent(lobby: StoredLobby): Promise<'created' | 'taken' | 'full'> {
    this.#removeExpired();
    if (this.#entries.has(lobby.code)) return 'taken';
    if (this.#entries.size >= this.#lobbiesMax) return 'full';
    this.#write(lobby);
    return 'created';
  }

  async get(code: string): Promise<StoredLobby | undefined> {
    this.#removeExpired();
    return this.#entries.get(code)?.lobby;
  }

  async replace(lobby: StoredLobby): Promise<boolean> {
    this.#removeExpired();
    if (!this.#entries.has(lobby.code)) return false;
    this.#write(lobby);
    return true;
  }

  async touch(code: string): Promise<boolean> {
    this.#removeExpired();
    const entry = this.#entries.get(code);
    if (entry === undefined) return false;
    this.#write(entry.lobby);
    return true;
  }

  async delete(code: string): Promise<boolean> {
    this.#removeExpired();
    return this.#entries.delete(code);
  }

  async count(): Promise<number> {
    this.#removeExpired();
    return this.#entries.size;
  }

  #write(lobby: StoredLobby): void {
    this.#entries.delete(lobby.code);
    this.#entries.set(lobby.code, { lobby, expiresAtMs: this.#nowMs() + this.ttlMs });
  }

  /** Every removal was paid for by one creation, so this stays cheap however full the store is. */
  #removeExpired(): void {
    const nowMs = this.#nowMs();
    for (const [code, entry] of this.#entries) {
      if (entry.expiresAtMs > nowMs) return;
      this.#entries.delete(code);
    }
  }
}
