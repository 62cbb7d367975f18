/**
 * The lobby directory's rules, without HTTP: an invite code leads to the host's address at the signalling broker,
 * and only the holder of the owner token may keep the lobby alive, move it or close it.
 *
 * Codes and tokens come from the operating system's random source: a code cannot be foreseen from earlier ones,
 * and a token has 256 bits, so its plain SHA-256 can be stored.
 */
import { createHash, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';
import { CODE_ALPHABET, CODE_LENGTH, DEFAULT_LOBBY_DETAILS, type LobbyUpdate } from '../netcode/wire/lobby-api.ts';
import type { LobbyStore, StoredLobby } from './lobby-store.ts';
import { PublicLobbies } from './public-lobbies.ts';

/** A fresh code is taken once in 38,000 times when 10,000 lobbies are open; five in a row mean a broken store, not bad luck. */
const CODE_ATTEMPTS_MAX = 5;
const OWNER_TOKEN_BYTES = 32;
/** What a token of ours looks like: 32 bytes in base64url. Anything else is refused unread. */
const OWNER_TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/;

export interface LobbyAddress {
  readonly peerId: string;
  readonly gameId: string;
}

export interface OwnedLobby {
  readonly code: string;
  readonly ownerToken: string;
  readonly expiresInMs: number;
}

/** Why the directory refused; the names are those of LobbyApiError. */
export type LobbyRefusal = 'unknown-code' | 'not-owner' | 'code-taken' | 'too-many-lobbies';
/** What was asked for, or why not. */
export type LobbyOutcome<T> = { readonly value: T } | { readonly refusal: LobbyRefusal };

/** One random symbol after the other; the default of `LobbyDirectory`. */
export function randomCode(): string {
  let code = '';
  for (let i = 0; i < CODE_LENGTH; i++) code += CODE_ALPHABET[randomInt(CODE_ALPHABET.length)];
  return code;
}

/** While the store is away, every promise rejects with StoreUnavailableError. */
export class LobbyDirectory {
  /** What strangers may see, in this process's memory: listing and watching cost the store nothing. */
  readonly publicLobbies: PublicLobbies;
  readonly #store: LobbyStore;
  readonly #drawCode: () => string;
  readonly #wallClockMs: () => number;

  /** `wallClockMs`: milliseconds since 1970. */
  constructor(store: LobbyStore, drawCode: () => string = randomCode, wallClockMs: () => number = Date.now) {
    this.#store = store;
    this.#drawCode = drawCode;
    this.#wallClockMs = wallClockMs;
    this.publicLobbies = new PublicLobbies(store);
  }

  /** Opens a lobby under a code that no other lobby has. */
  async create(address: LobbyAddress, details: LobbyUpdate = {}): Promise<LobbyOutcome<OwnedLobby>> {
    const ownerToken = randomBytes(OWNER_TOKEN_BYTES).toString('base64url');
    const ownerTokenHash = hashOf(ownerToken);
    for (let attempt = 0; attempt < CODE_ATTEMPTS_MAX; attempt++) {
      const lobby = { ...this.#fresh(address, details), code: this.#drawCode(), ownerTokenHash };
      const answer = await this.#store.createIfAbsent(lobby);
      if (answer === 'created') return this.#owned(lobby.code, ownerToken);
      if (answer === 'full') break;
    }
    return { refusal: 'too-many-lobbies' };
  }

  /** The lobby behind a canonical code. */
  async resolve(code: string): Promise<LobbyOutcome<StoredLobby>> {
    const lobby = await this.#store.get(code);
    return lobby === undefined ? { refusal: 'unknown-code' } : { value: lobby };
  }

  /**
   * Registers a code that its owner already has, with the token it already has: after a broker restart, when the
   * directory has forgotten both, or with a new address while the lobby lives, which then keeps the details not given.
   * A code that someone else's lobby holds by now is 'code-taken'; the host then needs a new one.
   */
  async reclaim(
    code: string,
    ownerToken: string | undefined,
    address: LobbyAddress,
    details: LobbyUpdate = {},
  ): Promise<LobbyOutcome<OwnedLobby> & { readonly isKnown?: boolean }> {
    if (!isOwnerToken(ownerToken)) return { refusal: 'not-owner' };
    const lobby = { ...this.#fresh(address, details), code, ownerTokenHash: hashOf(ownerToken) };
    const answer = await this.#store.createIfAbsent(lobby);
    if (answer === 'full') return { refusal: 'too-many-lobbies' };
    if (answer === 'created') return this.#owned(code, ownerToken);
    const present = await this.#store.get(code);
    if (present === undefined || !isOwner(present, ownerToken)) return { refusal: 'code-taken' };
    if (!(await this.#store.replace({ ...present, ...address, ...details }))) return { refusal: 'code-taken' };
    return { ...this.#owned(code, ownerToken), isKnown: true };
  }

  /** Keeps a lobby alive for another `expiresInMs`. */
  async heartbeat(code: string, ownerToken: string | undefined): Promise<LobbyOutcome<{ readonly expiresInMs: number }>> {
    const found = await this.#resolveOwned(code, ownerToken);
    if ('refusal' in found) return found;
    return (await this.#store.touch(code, found.value.ownerTokenHash))
      ? { value: { expiresInMs: this.#store.ttlMs } }
      : { refusal: 'unknown-code' };
  }

  /** Changes what the lobby says about itself, and keeps it alive. Of two updates at once the later one's view of the rest wins. */
  async update(
    code: string,
    ownerToken: string | undefined,
    details: LobbyUpdate,
  ): Promise<LobbyOutcome<{ readonly expiresInMs: number }>> {
    const found = await this.#resolveOwned(code, ownerToken);
    if ('refusal' in found) return found;
    const isDone = await this.#store.replace({ ...found.value, ...details });
    return isDone ? { value: { expiresInMs: this.#store.ttlMs } } : { refusal: 'unknown-code' };
  }

  /** Closes a lobby: its code leads nowhere from now on. */
  async close(code: string, ownerToken: string | undefined): Promise<LobbyOutcome<true>> {
    const found = await this.#resolveOwned(code, ownerToken);
    if ('refusal' in found) return found;
    return (await this.#store.delete(code, found.value.ownerTokenHash)) ? { value: true } : { refusal: 'unknown-code' };
  }

  /** Living lobbies. */
  count(): Promise<number> {
    return this.#store.count();
  }

  #fresh(address: LobbyAddress, details: LobbyUpdate): Omit<StoredLobby, 'code' | 'ownerTokenHash'> {
    return { ...DEFAULT_LOBBY_DETAILS, ...details, ...address, createdAtMs: this.#wallClockMs() };
  }

  async #resolveOwned(code: string, ownerToken: string | undefined): Promise<LobbyOutcome<StoredLobby>> {
    const found = await this.resolve(code);
    if ('refusal' in found) return found;
    return isOwnerToken(ownerToken) && isOwner(found.value, ownerToken) ? found : { refusal: 'not-owner' };
  }

  #owned(code: string, ownerToken: string): LobbyOutcome<OwnedLobby> {
    return { value: { code, ownerToken, expiresInMs: this.#store.ttlMs } };
  }
}

function isOwnerToken(token: string | undefined): token is string {
  return token !== undefined && OWNER_TOKEN_PATTERN.test(token);
}

function isOwner(lobby: StoredLobby, ownerToken: string): boolean {
  // Both are hashes of equal length, so the comparison takes the same time wherever they differ.
  return timingSafeEqual(Buffer.from(hashOf(ownerToken)), Buffer.from(lobby.ownerTokenHash));
}

function hashOf(ownerToken: string): string {
  return createHash('sha256').update(ownerToken).digest('base64url');
}
