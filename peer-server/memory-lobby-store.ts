/**
 * Lobbies in this process's memory: the default store. A restart forgets them all; hosts then re-register
 * under the code they have (see `LobbyDirectory.reclaim`).
 */
import { listingOf } from '../netcode/wire/lobby-api.ts';
import type { LobbyChange, LobbyStore, PublicLobby, StoredLobby } from './lobby-store.ts';

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
  readonly nowMs: () => number;
  readonly #lobbiesMax: number;
  /** In order of expiry: all live equally long, and whatever is renewed moves to the end. */
  readonly #entries = new Map<string, Entry>();
  #listener: (change: LobbyChange) => void = () => undefined;

  constructor(options: MemoryLobbyStoreOptions) {
    if (!(options.ttlMs > 0)) throw new RangeError(`lobby time to live ${options.ttlMs} ms must be above 0`);
    if (!(options.lobbiesMax >= 1)) throw new RangeError(`lobbies limit ${options.lobbiesMax} must be at least 1`);
    this.ttlMs = options.ttlMs;
    this.nowMs = options.nowMs;
    this.#lobbiesMax = options.lobbiesMax;
  }

  async createIfAbsent(lobby: StoredLobby): Promise<'created' | 'taken' | 'full'> {
    this.#removeExpired();
    if (this.#entries.has(lobby.code)) return 'taken';
    if (this.#entries.size >= this.#lobbiesMax) return 'full';
    this.#write(lobby);
    if (lobby.isPublic) this.#tellPut(lobby);
    return 'created';
  }

  async get(code: string): Promise<StoredLobby | undefined> {
    this.#removeExpired();
    return this.#entries.get(code)?.lobby;
  }

  async replace(lobby: StoredLobby): Promise<boolean> {
    const present = this.#ownedBy(lobby.code, lobby.ownerTokenHash);
    if (present === undefined) return false;
    this.#write(lobby);
    if (lobby.isPublic) this.#tellPut(lobby);
    else if (present.isPublic) this.#listener({ kind: 'gone', code: lobby.code });
    return true;
  }

  async touch(code: string, ownerTokenHash: string): Promise<boolean> {
    const lobby = this.#ownedBy(code, ownerTokenHash);
    if (lobby === undefined) return false;
    this.#write(lobby);
    if (lobby.isPublic) this.#listener({ kind: 'touched', code });
    return true;
  }

  async delete(code: string, ownerTokenHash: string): Promise<boolean> {
    const lobby = this.#ownedBy(code, ownerTokenHash);
    if (lobby === undefined) return false;
    this.#entries.delete(code);
    if (lobby.isPublic) this.#listener({ kind: 'gone', code });
    return true;
  }

  async count(): Promise<number> {
    this.#removeExpired();
    return this.#entries.size;
  }

  async listPublic(): Promise<readonly PublicLobby[]> {
    this.#removeExpired();
    const nowMs = this.nowMs();
    return [...this.#entries.values()]
      .filter(({ lobby }) => lobby.isPublic)
      .map(({ lobby, expiresAtMs }) => ({ listing: listingOf(lobby), expiresInMs: expiresAtMs - nowMs }));
  }

  onChange(listener: (change: LobbyChange) => void): void {
    this.#listener = listener;
  }

  async close(): Promise<void> {
    this.#listener = () => undefined;
  }

  #ownedBy(code: string, ownerTokenHash: string): StoredLobby | undefined {
    this.#removeExpired();
    const lobby = this.#entries.get(code)?.lobby;
    return lobby?.ownerTokenHash === ownerTokenHash ? lobby : undefined;
  }

  #write(lobby: StoredLobby): void {
    this.#entries.delete(lobby.code);
    this.#entries.set(lobby.code, { lobby, expiresAtMs: this.nowMs() + this.ttlMs });
  }

  #tellPut(lobby: StoredLobby): void {
    this.#listener({ kind: 'put', listing: listingOf(lobby), expiresInMs: this.ttlMs });
  }

  /** Every removal was paid for by one creation, so this stays cheap however full the store is. */
  #removeExpired(): void {
    const nowMs = this.nowMs();
    for (const [code, entry] of this.#entries) {
      if (entry.expiresAtMs > nowMs) return;
      this.#entries.delete(code);
      if (entry.lobby.isPublic) this.#listener({ kind: 'gone', code });
    }
  }
}
