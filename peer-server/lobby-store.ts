/**
 * Where lobbies are kept: the one interface between the directory's rules and a storage. Every method is one atomic step on
 * one lobby, also when several brokers share the storage. A lobby lives for the store's time to live after its last
 * `createIfAbsent`, `replace` or `touch`; then it is gone. What changes a lobby names the hash of its owner's token, and does
 * nothing to a lobby that has another owner by the time it arrives.
 *
 * Every promise rejects with StoreUnavailableError, within seconds, while the storage cannot be asked.
 */
import type { LobbyDetails, LobbyListing } from '../netcode/wire/lobby-api.ts';

export interface StoredLobby extends LobbyDetails {
  /** Canonical invite code: the key. */
  readonly code: string;
  readonly peerId: string;
  readonly gameId: string;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  /** SHA-256 of the owner token, base64url. Whoever reads the store cannot take lobbies over. */
  readonly ownerTokenHash: string;
}

export interface PublicLobby {
  readonly listing: LobbyListing;
  readonly expiresInMs: number;
}

/** What happened to public lobbies, at whichever broker. Of private ones nothing is ever told. */
export type LobbyChange =
  | ({ readonly kind: 'put' } & PublicLobby)
  | { readonly kind: 'touched' | 'gone'; readonly code: string }
  /** Changes may have been missed: `listPublic` has the truth. */
  | { readonly kind: 'missed' };

export interface LobbyStore {
  /** How long a lobby outlives its last sign of life. */
  readonly ttlMs: number;
  /** The clock by which lobbies expire. Milliseconds since any fixed moment; never goes back. */
  readonly nowMs: () => number;
  /** 'full': the store holds as many lobbies as it may. */
  createIfAbsent(lobby: StoredLobby): Promise<'created' | 'taken' | 'full'>;
  get(code: string): Promise<StoredLobby | undefined>;
  /** Overwrites the lobby of the same code and owner and renews its life. False when there is none (any more). */
  replace(lobby: StoredLobby): Promise<boolean>;
  /** Renews the life of a lobby of this owner. False when there is none (any more). */
  touch(code: string, ownerTokenHash: string): Promise<boolean>;
  /** False when there was none of this owner. */
  delete(code: string, ownerTokenHash: string): Promise<boolean>;
  /** Living lobbies. */
  count(): Promise<number>;
  /** All public lobbies, in any order. */
  listPublic(): Promise<readonly PublicLobby[]>;
  /** One listener at a time; it must not throw. */
  onChange(listener: (change: LobbyChange) => void): void;
  close(): Promise<void>;
}

/** The storage cannot be asked right now. It passes by itself; the caller may try again in seconds. */
export class StoreUnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StoreUnavailableError';
  }
}
