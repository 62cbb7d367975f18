/**
 * The public lobbies as this broker knows them: a copy in memory, fed by the store's changes and read anew whenever some may
 * have been missed. Lists, pages and streams are answered from it, so that a thousand visitors cost the store nothing and
 * every broker shows the same lobbies, whichever of them the host is registered with.
 */
import {
  isCanonicalCode,
  type ListLobbiesResponse,
  type LobbyFilter,
  type LobbyListing,
  matchesFilter,
} from '../netcode/wire/lobby-api.ts';
import type { LobbyChange, LobbyStore, PublicLobby } from './lobby-store.ts';

/** About 1 KB each. Twice what the store holds by default: only a store that somebody tampers with says more. */
const PUBLIC_LOBBIES_MAX = 20_000;
/** How soon the store is asked again after it could not be read. */
const RESYNC_RETRY_MS = 1_000;

/** `before` undefined: new. `after` undefined: gone. */
export interface PublicLobbyChange {
  readonly code: string;
  readonly before: LobbyListing | undefined;
  readonly after: LobbyListing | undefined;
}

/** Where a page begins: behind this lobby, which may be gone by now. */
export type LobbyCursor = Pick<LobbyListing, 'createdAtMs' | 'code'>;

export interface LobbyPage {
  readonly limit: number;
  readonly cursor?: LobbyCursor | undefined;
}

interface Entry {
  readonly listing: LobbyListing;
  readonly expiresAtMs: number;
}

export class PublicLobbies {
  readonly #store: LobbyStore;
  /** In order of expiry: all live equally long, and whatever is renewed moves to the end. */
  readonly #entries = new Map<string, Entry>();
  /** Newest first. */
  readonly #sorted: LobbyListing[] = [];
  #listener: (change: PublicLobbyChange) => void = () => undefined;
  /** Codes told about while the store is being read: what was told is newer than what is read. Undefined: nothing is being read. */
  #toldMeanwhile: Set<string> | undefined;
  #isResyncWanted = false;
  #isClosed = false;

  constructor(store: LobbyStore) {
    this.#store = store;
    store.onChange((change) => this.#apply(change));
    this.#resync();
  }

  /** One listener at a time; it must not throw. */
  onChange(listener: (change: PublicLobbyChange) => void): void {
    this.#listener = listener;
  }

  get(code: string): LobbyListing | undefined {
    return this.#entries.get(code)?.listing;
  }

  list(filter: LobbyFilter, page: LobbyPage): ListLobbiesResponse {
    this.removeExpired();
    const lobbies: LobbyListing[] = [];
    for (let i = page.cursor === undefined ? 0 : this.#indexBehind(page.cursor); i < this.#sorted.length; i++) {
      const listing = this.#sorted[i]!;
      if (!matchesFilter(listing, filter)) continue;
      if (lobbies.length === page.limit) return { lobbies, nextCursor: writeCursor(lobbies.at(-1)!) };
      lobbies.push(listing);
    }
    return { lobbies };
  }

  removeExpired(): void {
    const nowMs = this.#store.nowMs();
    for (const [code, entry] of this.#entries) {
      if (entry.expiresAtMs > nowMs) return;
      this.#set(code, undefined);
    }
  }

  close(): void {
    this.#isClosed = true;
    this.#listener = () => undefined;
  }

  #apply(change: LobbyChange): void {
    if (this.#isClosed) return;
    if (change.kind === 'missed') return this.#resync();
    const code = change.kind === 'put' ? change.listing.code : change.code;
    this.#toldMeanwhile?.add(code);
    switch (change.kind) {
      case 'put':
        return this.#set(code, { listing: change.listing, expiresAtMs: this.#store.nowMs() + this.#store.ttlMs });
      case 'gone':
        return this.#set(code, undefined);
      case 'touched': {
        const entry = this.#entries.get(code);
        if (entry === undefined) return;
        this.#entries.delete(code);
        this.#entries.set(code, { listing: entry.listing, expiresAtMs: this.#store.nowMs() + this.#store.ttlMs });
      }
    }
  }

  #set(code: string, next: Entry | undefined): void {
    const before = this.#entries.get(code)?.listing;
    if (next !== undefined && before === undefined && this.#entries.size >= PUBLIC_LOBBIES_MAX) return;
    this.#entries.delete(code);
    if (next !== undefined) this.#entries.set(code, next);
    const after = next?.listing;
    if (before === undefined && after === undefined) return;
    if (before !== undefined && after !== undefined && isSame(before, after)) return;
    if (before !== undefined) this.#sorted.splice(this.#indexBehind(before) - 1, 1);
    if (after !== undefined) this.#sorted.splice(this.#indexBehind(after), 0, after);
    this.#listener({ code, before, after });
  }

  /** The number of lobbies that are listed up to and including this place. */
  #indexBehind(place: LobbyCursor): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(this.#sorted[middle]!, place) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #resync(): void {
    this.#isResyncWanted = true;
    if (this.#toldMeanwhile !== undefined) return;
    void this.#resyncWhileWanted();
  }

  async #resyncWhileWanted(): Promise<void> {
    while (this.#isResyncWanted && !this.#isClosed) {
      this.#isResyncWanted = false;
      const told = new Set<string>();
      this.#toldMeanwhile = told;
      try {
        this.#replaceAll(await this.#store.listPublic(), told);
      } catch {
        // The store is away: what is known stays, until it expires.
        setTimeout(() => this.#resync(), RESYNC_RETRY_MS).unref();
      } finally {
        this.#toldMeanwhile = undefined;
      }
    }
  }

  #replaceAll(lobbies: readonly PublicLobby[], told: ReadonlySet<string>): void {
    const nowMs = this.#store.nowMs();
    const read = new Set(lobbies.map(({ listing }) => listing.code));
    for (const code of [...this.#entries.keys()]) if (!read.has(code) && !told.has(code)) this.#set(code, undefined);
    const news = lobbies.filter(({ listing }) => !told.has(listing.code));
    for (const { listing, expiresInMs } of news)
      this.#set(listing.code, { listing, expiresAtMs: nowMs + Math.min(expiresInMs, this.#store.ttlMs) });
    const inOrder = [...this.#entries].sort(([, a], [, b]) => a.expiresAtMs - b.expiresAtMs);
    this.#entries.clear();
    for (const [code, entry] of inOrder) this.#entries.set(code, entry);
  }
}

/** Newest first; of two made in the same millisecond, by code. */
function compare(a: LobbyCursor, b: LobbyCursor): number {
  if (a.createdAtMs !== b.createdAtMs) return b.createdAtMs - a.createdAtMs;
  if (a.code === b.code) return 0;
  return a.code < b.code ? -1 : 1;
}

function isSame(a: LobbyListing, b: LobbyListing): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function writeCursor({ createdAtMs, code }: LobbyCursor): string {
  return `${createdAtMs}-${code}`;
}

/** What `nextCursor` said; undefined if it is none of ours. */
export function readCursor(text: unknown): LobbyCursor | undefined {
  const match = typeof text === 'string' ? /^(\d{1,15})-([0-9A-Z]{1,16})$/.exec(text) : null;
  if (match === null || !isCanonicalCode(match[2])) return undefined;
  return { createdAtMs: Number(match[1]), code: match[2] };
}
