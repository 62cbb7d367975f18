/**
 * Keeps the room's invite code alive at the broker: heartbeats, and when the broker was away or forgot the code, registers
 * it again. Tells the broker what the lobby says about itself, for the public list. The match does not care; only new guests
 * need the broker.
 */
import type { PeerId } from '../core/ids.ts';
import type { LobbyDirectory } from '../transport/directory.ts';
import { type CreateLobbyRequest, type LobbyUpdate, readLobbyUpdate } from '../wire/lobby-api.ts';

/** Heartbeats in one expiry: two may be lost. */
const HEARTBEATS_PER_EXPIRY = 3;
/** How soon an unreachable broker is tried again: the code should come back to life within seconds. */
const RETRY_MS = 2_000;
/** Changes of the lobby are told together, this far apart: players who come and go, or a host who plays with the lock, must not flood the broker. */
const TELL_INTERVAL_MS = 1_000;

export interface RegistrationEvents {
  readonly onLost: () => void;
  readonly onBack: () => void;
  /** The old code belongs to somebody else now. */
  readonly onCodeChanged: (code: string) => void;
}

export class LobbyRegistration {
  isReachable = true;
  readonly #directory: LobbyDirectory;
  readonly #request: CreateLobbyRequest;
  readonly #events: RegistrationEvents;
  #code: string;
  #ownerToken: string;
  /** The lobby is another peer's at the broker as yet. */
  #isUnclaimed: boolean;
  #dueMs: number;
  #expiresInMs: number;
  /** What the lobby says about itself, and which of it the broker has not heard. */
  #details: LobbyUpdate = {};
  #untold: LobbyUpdate = {};
  #tellableMs = -Infinity;
  #isBusy = false;
  #isClosed = false;
  /** Closed, and nobody else's. */
  #isOver = false;

  constructor(
    directory: LobbyDirectory,
    lobby: {
      readonly code: string;
      readonly ownerToken: string;
      readonly expiresInMs: number;
      readonly peerId: PeerId;
      readonly gameId: string;
      readonly nowMs: number;
      /** What the broker has been told with the registration. */
      readonly details?: LobbyUpdate;
      /** The lobby was another host's: it is claimed with the first `update`. Default false. */
      readonly isUnclaimed?: boolean;
    },
    events: RegistrationEvents,
  ) {
    this.#directory = directory;
    this.#events = events;
    this.#request = { peerId: lobby.peerId, gameId: lobby.gameId };
    this.#code = lobby.code;
    this.#ownerToken = lobby.ownerToken;
    this.#expiresInMs = lobby.expiresInMs;
    this.#details = lobby.details ?? {};
    this.#isUnclaimed = lobby.isUnclaimed ?? false;
    this.#dueMs = this.#isUnclaimed ? -Infinity : lobby.nowMs + lobby.expiresInMs / HEARTBEATS_PER_EXPIRY;
  }

  /** Proves to the broker whose lobby it is: for an heir alone. */
  get ownerToken(): string {
    return this.#ownerToken;
  }

  /**
   * What the lobby says about itself from now on; what is left out stays. The broker hears it with the next `update`s.
   * Throws RangeError for what no lobby may say.
   */
  describe(details: LobbyUpdate): void {
    const checked = readLobbyUpdate(details);
    if (typeof checked === 'string') throw new RangeError(checked);
    const changes = Object.entries(checked).filter(([name, value]) => this.#details[name as keyof LobbyUpdate] !== value);
    if (changes.length === 0) return;
    this.#details = { ...this.#details, ...checked };
    this.#untold = { ...this.#untold, ...(Object.fromEntries(changes) as LobbyUpdate) };
  }

  update(nowMs: number): void {
    if (this.#isClosed || this.#isBusy || (nowMs < this.#dueMs && !this.#hasNews(nowMs))) return;
    this.#isBusy = true;
    this.#dueMs = nowMs + RETRY_MS;
    this.#tellableMs = nowMs + TELL_INTERVAL_MS;
    void this.#renew().then((isAlive) => {
      this.#isBusy = false;
      if (isAlive) this.#dueMs = nowMs + this.#expiresInMs / HEARTBEATS_PER_EXPIRY;
      this.#setReachable(isAlive);
    });
  }

  /** Asks at once instead of at the next heartbeat: the signalling socket has just been lost or found. */
  hurry(): void {
    this.#dueMs = -Infinity;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isOver = true;
    this.#dropIfOver();
  }

  /** Also what was registered anew while it was being closed. */
  #dropIfOver(): void {
    if (this.#isOver) void this.#directory.closeLobby(this.#code, this.#ownerToken);
  }

  /** Leaves the lobby to another peer, who has the token. */
  release(): void {
    this.#isClosed = true;
  }

  /** While the broker is away, news wait for the next retry. */
  #hasNews(nowMs: number): boolean {
    return this.isReachable && nowMs >= this.#tellableMs && Object.keys(this.#untold).length > 0;
  }

  async #renew(): Promise<boolean> {
    const news = this.#untold;
    this.#untold = {};
    const isAlive = await this.#renewWith(news);
    if (!isAlive) this.#untold = { ...news, ...this.#untold };
    return isAlive;
  }

  async #renewWith(news: LobbyUpdate): Promise<boolean> {
    if (!this.#isUnclaimed) {
      const beat = await this.#directory.heartbeat(this.#code, this.#ownerToken, ...(Object.keys(news).length > 0 ? [news] : []));
      if (beat.ok) {
        this.#expiresInMs = beat.value.expiresInMs;
        return true;
      }
      if (beat.failure === 'unreachable' || beat.failure === 'unavailable' || beat.failure === 'too-many-requests') return false;
      // Whoever has left the lobby to somebody else must not take it back.
      if (this.#isClosed) return false;
    }
    const request = { ...this.#details, ...this.#request };
    const again = await this.#directory.reclaimLobby(this.#code, this.#ownerToken, request);
    if (again.ok) {
      this.#isUnclaimed = false;
      this.#ownerToken = again.value.ownerToken;
      this.#expiresInMs = again.value.expiresInMs;
      this.#dropIfOver();
      return true;
    }
    if (this.#isClosed || (again.failure !== 'code-taken' && again.failure !== 'not-owner')) return false;
    const fresh = await this.#directory.createLobby(request);
    if (!fresh.ok) return false;
    this.#isUnclaimed = false;
    this.#code = fresh.value.code;
    this.#ownerToken = fresh.value.ownerToken;
    this.#expiresInMs = fresh.value.expiresInMs;
    if (!this.#isClosed) this.#events.onCodeChanged(this.#code);
    this.#dropIfOver();
    return true;
  }

  #setReachable(isReachable: boolean): void {
    if (this.#isClosed || isReachable === this.isReachable) return;
    this.isReachable = isReachable;
    if (isReachable) this.#events.onBack();
    else this.#events.onLost();
  }
}
