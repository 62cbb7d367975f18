/**
 * Where lobbies are kept: the one interface between the directory's rules and a storage. Every method is one atomic
 * step on one key, so that a store shared by several brokers can follow with single commands (SET NX PX, GET, PEXPIRE, DEL).
 * A lobby lives for the store's time to live after its last `createIfAbsent`, `replace` or `touch`; then it is gone.
 */
export interface StoredLobby {
  /** Canonical invite code: the key. */
  readonly code: string;
  readonly peerId: string;
  readonly gameId: string;
  /** SHA-256 of the owner token, base64url. Whoever reads the store cannot take lobbies over. */
  readonly ownerTokenHash: string;
}

export interface LobbyStore {
  /** How long a lobby outlives its last sign of life. */
  readonly ttlMs: number;
  /** 'full': the store holds as many lobbies as it may. */
  createIfAbsent(lobby: StoredLobby): Promise<'created' | 'taken' | 'full'>;
  get(code: string): Promise<StoredLobby | undefined>;
  /** Overwrites the lobby of the same code and renews its life. False when there is none (any more). */
  replace(lobby: StoredLobby): Promise<boolean>;
  /** Renews the life of a lobby. False when there is none (any more). */
  touch(code: string): Promise<boolean>;
  /** False when there was none. */
  delete(code: string): Promise<boolean>;
  /** Living lobbies. */
  count(): Promise<number>;
}
