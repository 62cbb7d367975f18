/**
 * Watches the broker's public lobbies: reads the change stream of `wire/lobby-api.ts` with `fetch` (EventSource does not exist
 * everywhere that `fetch` does), keeps the list up to date, and connects again when the stream ends or falls silent. Nothing
 * the server says is believed unchecked, and nothing it says can make this grow without bound.
 */
import { isCanonicalCode, type ListLobbiesResponse, LIST_LIMIT_MAX, type LobbyListing, readLobbyListing } from '../wire/lobby-api.ts';
import type { LobbyWatchEvents } from './directory.ts';

/** Lobbies kept: more than anyone scrolls through. The oldest are forgotten first. */
const LOBBIES_MAX = 500;
/** The largest event is a snapshot, about 40 KB. Counted in UTF-16 units. */
const EVENT_LENGTH_MAX = 262_144;
/** The server says something every 15 s at least. */
const SILENCE_MAX_MS = 40_000;
/** First wait before connecting again; it doubles with every failure up to the longest. Half of it is chance, so that a thousand watchers of a restarted broker do not come at once. */
const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 15_000;
const CURSOR_LENGTH_MAX = 64;

export interface LobbyWatchOptions {
  readonly url: string;
  readonly fetch: typeof fetch;
  readonly events: LobbyWatchEvents;
}

export class LobbyWatch {
  readonly #options: LobbyWatchOptions;
  readonly #lobbies = new Map<string, LobbyListing>();
  #attempt = new AbortController();
  #retry: ReturnType<typeof setTimeout> | undefined;
  #silence: ReturnType<typeof setTimeout> | undefined;
  #retryMs = RETRY_MIN_MS;
  #isStopped = false;

  constructor(options: LobbyWatchOptions) {
    this.#options = options;
    void this.#connect();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    this.#attempt.abort();
  }

  async #connect(): Promise<void> {
    if (this.#isStopped) return;
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#expectSound();
    const problem = await this.#read(attempt.signal).catch(() => 'The server cannot be reached. Check your connection.');
    clearTimeout(this.#silence);
    attempt.abort();
    if (this.#isStopped) return;
    this.#retry = setTimeout(() => void this.#connect(), this.#retryMs * (0.5 + Math.random() / 2));
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    this.#options.events.onLost?.(problem);
  }

  /** Resolves to what went wrong when the stream is over. */
  async #read(signal: AbortSignal): Promise<string> {
    // A browser's `fetch` refuses to be called as somebody's method.
    const { fetch: ask, url } = this.#options;
    const response = await ask(url, {
      signal,
      cache: 'no-store',
      credentials: 'omit',
      headers: { accept: 'text/event-stream' },
    });
    if (!response.ok || response.body === null) return `The server does not show its lobbies right now (HTTP ${response.status}).`;
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    const parser = new EventParser((name, data) => this.#receive(name, data));
    for (;;) {
      const { done, value } = await reader.read();
      if (done || this.#isStopped) return 'The server ended the connection.';
      this.#expectSound();
      if (!parser.push(decoder.decode(value, { stream: true }))) return 'The server sends what makes no sense. Is it the right address?';
    }
  }

  #expectSound(): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#attempt.abort(), SILENCE_MAX_MS);
  }

  #receive(name: string, data: string): void {
    if (this.#isStopped) return;
    const value = parseJson(data);
    if (name === 'snapshot') {
      const page = readLobbyPage(value);
      if (page === undefined) return;
      this.#retryMs = RETRY_MIN_MS;
      this.#lobbies.clear();
      for (const lobby of page.lobbies) this.#lobbies.set(lobby.code, lobby);
    } else if (name === 'lobby') {
      const lobby = readLobbyListing(value);
      if (lobby === undefined) return;
      this.#lobbies.set(lobby.code, lobby);
    } else if (name === 'gone') {
      const code = (value as { readonly code?: unknown } | null | undefined)?.code;
      if (!isCanonicalCode(code) || !this.#lobbies.delete(code)) return;
    } else {
      return;
    }
    const lobbies = [...this.#lobbies.values()].sort((a, b) => b.createdAtMs - a.createdAtMs || (a.code < b.code ? -1 : 1));
    for (const { code } of lobbies.splice(LOBBIES_MAX)) this.#lobbies.delete(code);
    this.#options.events.onLobbies(lobbies);
  }
}

/** Takes a stream of Server-Sent Events apart. Comments, ids and retry times are passed over. */
export class EventParser {
  readonly #onEvent: (name: string, data: string) => void;
  #rest = '';
  #name = '';
  #data = '';

  constructor(onEvent: (name: string, data: string) => void) {
    this.#onEvent = onEvent;
  }

  /** False when a line or an event is longer than any that the server sends; nothing may be pushed any more. */
  push(text: string): boolean {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
      if (this.#data.length > EVENT_LENGTH_MAX) return false;
    }
    return this.#rest.length <= EVENT_LENGTH_MAX;
  }

  #line(line: string): void {
    if (line === '') {
      if (this.#data !== '') this.#onEvent(this.#name, this.#data);
      this.#name = '';
      this.#data = '';
    } else if (line.startsWith('event:')) {
      this.#name = line.slice('event:'.length).trim();
    } else if (line.startsWith('data:')) {
      this.#data += line.slice('data:'.length).trim();
    }
  }
}

/** A page of lobbies; undefined if the value is none. */
export function readLobbyPage(body: unknown): ListLobbiesResponse | undefined {
  if (typeof body !== 'object' || body === null) return undefined;
  const { lobbies, nextCursor } = body as { readonly lobbies?: unknown; readonly nextCursor?: unknown };
  if (!Array.isArray(lobbies) || lobbies.length > LIST_LIMIT_MAX) return undefined;
  const listings = lobbies.map(readLobbyListing);
  if (!listings.every((listing) => listing !== undefined)) return undefined;
  if (nextCursor === undefined) return { lobbies: listings };
  return typeof nextCursor === 'string' && nextCursor !== '' && nextCursor.length <= CURSOR_LENGTH_MAX
    ? { lobbies: listings, nextCursor }
    : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
