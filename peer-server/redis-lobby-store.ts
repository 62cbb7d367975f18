/**
 * Lobbies in Redis or Valkey, shared by all brokers that use it. Each call is one script, which Redis runs as one step: no code
 * is given twice, and nobody's lobby changes but by its owner's hash, however many brokers ask at once.
 *
 *   {volley}:lobby:CODE   hash     the lobby (see lobby-scripts.ts); expires
 *   {volley}:all          zset     code -> moment of expiry, by Redis's clock
 *   {volley}:public       zset     the same, public lobbies only
 *   {volley}:changes      channel  what happens to public lobbies, and which private ones were closed
 *
 * A Redis that was restarted may have forgotten everything; each broker then puts back the lobbies it has heard of lately.
 *
 * Whatever comes back is checked in full. A value that is none of ours is passed over and counted; it never gets further.
 */
import {
  DEFAULT_LOBBY_DETAILS,
  isCanonicalCode,
  isGameId,
  listingOf,
  readLobbyListing,
  readLobbyUpdate,
} from '../netcode/wire/lobby-api.ts';
import { LobbyCopies, type LobbyCopy } from './lobby-copies.ts';
import { COUNT, CREATE, DELETE, PUBLIC_CODES, READ, REPLACE, RESTORE, TOUCH } from './lobby-scripts.ts';
import { type LobbyChange, type LobbyStore, type PublicLobby, StoreUnavailableError, type StoredLobby } from './lobby-store.ts';
import { isPeerId } from './peer-params.ts';
import { type RedisConnection, redisKey } from './redis-connection.ts';

/** Ours are below 1 KB. */
const VALUE_BYTES_MAX = 2_048;
const MESSAGE_LENGTH_MAX = 2_048;
/** Lobbies read in one step: more would hold up Redis, and everybody else, for milliseconds. */
const READ_BATCH = 200;
/** Lobbies put back at once. */
const RESTORE_BATCH = 200;
/** How often the public lobbies are read anew even though nothing seems to have been missed. */
const RESYNC_MS = 60_000;
const OWNER_HASH_PATTERN = /^[A-Za-z0-9_-]{43}$/;

const ALL = redisKey('all');
const PUBLIC = redisKey('public');
const CHANGES = redisKey('changes');

export interface RedisLobbyStoreOptions {
  readonly ttlMs: number;
  /** Of all brokers together. */
  readonly lobbiesMax: number;
}

interface ReadLobby {
  readonly lobby: StoredLobby;
  readonly expiresInMs: number;
}

export class RedisLobbyStore implements LobbyStore {
  readonly ttlMs: number;
  readonly nowMs = (): number => performance.now();
  /** Values and messages passed over because they are none of ours. Only grows. */
  poisonedValues = 0;
  /** Lobbies put back after Redis had forgotten them. Only grows. */
  restoredLobbies = 0;
  readonly #redis: RedisConnection;
  readonly #lobbiesMax: number;
  readonly #resync: NodeJS.Timeout;
  readonly #copies: LobbyCopies;
  /** The Redis that has been given every copy. */
  #knownServer: string | undefined;
  /** While lobbies are put back, calls wait for it. */
  #restoring = Promise.resolve();
  #listener: (change: LobbyChange) => void = () => undefined;

  /** The connection stays the caller's. */
  constructor(redis: RedisConnection, options: RedisLobbyStoreOptions) {
    if (!(options.ttlMs > 0)) throw new RangeError(`lobby time to live ${options.ttlMs} ms must be above 0`);
    if (!(options.lobbiesMax >= 1)) throw new RangeError(`lobbies limit ${options.lobbiesMax} must be at least 1`);
    this.ttlMs = options.ttlMs;
    this.#lobbiesMax = options.lobbiesMax;
    this.#redis = redis;
    this.#copies = new LobbyCopies({ ttlMs: options.ttlMs, copiesMax: options.lobbiesMax, nowMs: this.nowMs });
    redis.subscribe(CHANGES, (text) => this.#hear(text));
    redis.onUp(() => this.#onUp());
    this.#resync = setInterval(() => this.#listener({ kind: 'missed' }), RESYNC_MS).unref();
  }

  async createIfAbsent(lobby: StoredLobby): Promise<'created' | 'taken' | 'full'> {
    await this.#restoring;
    const nowMs = Date.now();
    const answer = await this.#redis.run(CREATE, keysOf(lobby.code), [...writeArgs(lobby, nowMs, this.ttlMs), String(this.#lobbiesMax)]);
    if (answer === 'created') this.#copies.keep(lobby, nowMs);
    if (answer === 'created' || answer === 'taken' || answer === 'full') return answer;
    throw new StoreUnavailableError('Redis gave an answer that makes no sense');
  }

  async get(code: string): Promise<StoredLobby | undefined> {
    await this.#restoring;
    return (await this.#read([code]))[0]?.lobby;
  }

  async replace(lobby: StoredLobby): Promise<boolean> {
    await this.#restoring;
    const updatedAtMs = await this.#redis.run(REPLACE, keysOf(lobby.code), writeArgs(lobby, Date.now(), this.ttlMs));
    if (typeof updatedAtMs !== 'number' || updatedAtMs === 0) return false;
    this.#copies.keep(lobby, updatedAtMs);
    return true;
  }

  async touch(code: string, ownerTokenHash: string): Promise<boolean> {
    await this.#restoring;
    const isNew = !this.#copies.has(code);
    const args = [ownerTokenHash, code, String(this.ttlMs), CHANGES, JSON.stringify({ kind: 'touched', code }), isNew ? '1' : '0'];
    const answer = await this.#redis.run(TOUCH, keysOf(code), args);
    if (answer === 0) return false;
    if (!Array.isArray(answer)) this.#copies.renew(code);
    else this.#remember(code, ownerTokenHash, answer);
    return true;
  }

  async delete(code: string, ownerTokenHash: string): Promise<boolean> {
    await this.#restoring;
    const messages = ['closed', 'gone'].map((kind) => JSON.stringify({ kind, code }));
    return (await this.#redis.run(DELETE, keysOf(code), [ownerTokenHash, code, CHANGES, ...messages])) === 1;
  }

  async count(): Promise<number> {
    await this.#restoring;
    const count = await this.#redis.run(COUNT, keysOf(''), []);
    if (typeof count === 'number') return count;
    throw new StoreUnavailableError('Redis gave an answer that makes no sense');
  }

  async listPublic(): Promise<readonly PublicLobby[]> {
    const answer = await this.#redis.run(PUBLIC_CODES, keysOf(''), ['', '', String(this.#lobbiesMax)]);
    const members: readonly unknown[] = Array.isArray(answer) ? answer : [];
    const codes = members.filter(isCanonicalCode);
    this.poisonedValues += members.length - codes.length;
    const lobbies: PublicLobby[] = [];
    for (let start = 0; start < codes.length; start += READ_BATCH) {
      for (const { lobby, expiresInMs } of await this.#read(codes.slice(start, start + READ_BATCH)))
        if (lobby.isPublic) lobbies.push({ listing: listingOf(lobby), expiresInMs });
    }
    return lobbies;
  }

  onChange(listener: (change: LobbyChange) => void): void {
    this.#listener = listener;
  }

  close(): Promise<void> {
    clearInterval(this.#resync);
    this.#listener = () => undefined;
    return Promise.resolve();
  }

  #onUp(): void {
    const server = this.#redis.serverId ?? '';
    // Whose name is not known may be another one every time.
    const isOther = server === '' || server !== this.#knownServer;
    if (this.#knownServer === undefined) this.#knownServer = server;
    else if (isOther) this.#restoring = this.#restore(server);
    this.#listener({ kind: 'missed' });
  }

  /** Never rejects. What cannot be put back because Redis is away again is tried when it is back. */
  async #restore(server: string): Promise<void> {
    const copies = this.#copies.living();
    let isComplete = true;
    for (let start = 0; start < copies.length && isComplete; start += RESTORE_BATCH) {
      const answers = await Promise.all(copies.slice(start, start + RESTORE_BATCH).map((copy) => this.#putBack(copy)));
      isComplete = answers.every((isDone) => isDone);
    }
    if (isComplete) this.#knownServer = server;
  }

  /** False when Redis could not be asked. */
  async #putBack({ lobby, updatedAtMs, expiresAtMs }: LobbyCopy): Promise<boolean> {
    const leftMs = Math.ceil(expiresAtMs - this.nowMs());
    if (leftMs <= 0) return true;
    const answer = await this.#redis.run(RESTORE, keysOf(lobby.code), writeArgs(lobby, updatedAtMs, leftMs)).catch(() => undefined);
    if (answer === 'restored') this.restoredLobbies++;
    if (answer === 'other') this.#copies.forget(lobby.code);
    return answer !== undefined;
  }

  /** A lobby that another broker has made, and whose owner speaks to this one now. */
  #remember(code: string, ownerTokenHash: string, [value, updated]: readonly unknown[]): void {
    const lobby = readStoredLobby(code, ownerTokenHash, value);
    const updatedAtMs = Number(updated);
    if (lobby !== undefined && Number.isSafeInteger(updatedAtMs)) this.#copies.keep(lobby, updatedAtMs);
    else this.poisonedValues++;
  }

  async #read(codes: readonly string[]): Promise<ReadLobby[]> {
    const answer = await this.#redis.run(
      READ,
      codes.map((code) => lobbyKey(code)),
      [String(VALUE_BYTES_MAX)],
    );
    const fields: readonly unknown[] = Array.isArray(answer) ? answer : [];
    return codes.flatMap((code, index) => {
      const [owner, text, leftMs] = fields.slice(3 * index, 3 * index + 3);
      if (leftMs === -2) return [];
      const lobby = readStoredLobby(code, owner, text);
      // A lobby of ours always has an end.
      if (lobby !== undefined && typeof leftMs === 'number' && leftMs >= 0) return [{ lobby, expiresInMs: leftMs }];
      this.poisonedValues++;
      return [];
    });
  }

  #hear(text: string): void {
    const change = text.length <= MESSAGE_LENGTH_MAX ? readChange(text, this.ttlMs) : undefined;
    if (change === undefined) this.poisonedValues++;
    else if (change.kind === 'closed') this.#copies.forget(change.code);
    else this.#listener(change);
  }
}

function keysOf(code: string): string[] {
  return [lobbyKey(code), ALL, PUBLIC];
}

function lobbyKey(code: string): string {
  return redisKey(`lobby:${code}`);
}

function readStoredLobby(code: string, owner: unknown, text: unknown): StoredLobby | undefined {
  const value = parseObject(text);
  if (value === undefined || typeof owner !== 'string' || !OWNER_HASH_PATTERN.test(owner)) return undefined;
  const { peerId, gameId, createdAtMs } = value;
  if (value['code'] !== code || !isPeerId(peerId) || !isGameId(gameId)) return undefined;
  if (!Number.isSafeInteger(createdAtMs) || (createdAtMs as number) < 0) return undefined;
  const details = readLobbyUpdate(value);
  if (typeof details === 'string') return undefined;
  return { ...DEFAULT_LOBBY_DETAILS, ...details, code, peerId, gameId, createdAtMs: createdAtMs as number, ownerTokenHash: owner };
}

/** `ttlMs`: how long it lives from now on. */
function writeArgs(lobby: StoredLobby, updatedAtMs: number, ttlMs: number): string[] {
  const { ownerTokenHash, code, isPublic, createdAtMs } = lobby;
  const { ownerTokenHash: _apart, ...value } = lobby;
  const messages = [
    { kind: 'put', listing: listingOf(lobby) },
    { kind: 'gone', code },
  ].map((message) => JSON.stringify(message));
  const numbers = [createdAtMs, updatedAtMs, ttlMs].map(String);
  return [ownerTokenHash, code, JSON.stringify(value), isPublic ? '1' : '0', ...numbers, CHANGES, ...messages];
}

function readChange(text: string, ttlMs: number): LobbyChange | { readonly kind: 'closed'; readonly code: string } | undefined {
  const { kind, listing: listed, code } = parseObject(text) ?? {};
  if (kind === 'put') {
    const listing = readLobbyListing(listed);
    return listing === undefined ? undefined : { kind, listing, expiresInMs: ttlMs };
  }
  return (kind === 'touched' || kind === 'gone' || kind === 'closed') && isCanonicalCode(code) ? { kind, code } : undefined;
}

function parseObject(text: unknown): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = typeof text === 'string' ? JSON.parse(text) : undefined;
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
