/**
 * Keeps the room's invite code alive at the broker: heartbeats, and when the broker was away or forgot the code, registers
 * it again. The match does not care; only new guests need the broker.
 */
import type { PeerId } from '../core/ids.ts';
import type { LobbyDirectory } from '../transport/directory.ts';
import type { CreateLobbyRequest } from '../wire/lobby-api.ts';

/** Heartbeats in one expiry: two may be lost. */
const HEARTBEATS_PER_EXPIRY = 3;
/** How soon an unreachable broker is tried again: the code should come back to life within seconds. */
const RETRY_MS = 2_000;

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
  #dueMs: number;
  #expiresInMs: number;
  #isBusy = false;
  #isClosed = false;

  constructor(
    directory: LobbyDirectory,
    lobby: {
      readonly code: string;
      readonly ownerToken: string;
      readonly expiresInMs: number;
      readonly peerId: PeerId;
      readonly gameId: string;
      readonly nowMs: number;
    },
    events: RegistrationEvents,
  ) {
    this.#directory = directory;
    this.#events = events;
    this.#request = { peerId: lobby.peerId, gameId: lobby.gameId };
    this.#code = lobby.code;
    this.#ownerToken = lobby.ownerToken;
    this.#expiresInMs = lobby.expiresInMs;
    this.#dueMs = lobby.nowMs + lobby.expiresInMs / HEARTBEATS_PER_EXPIRY;
  }

  update(nowMs: number): void {
    if (this.#isClosed || this.#isBusy || nowMs < this.#dueMs) return;
    this.#isBusy = true;
    this.#dueMs = nowMs + RETRY_MS;
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
    void this.#directory.closeLobby(this.#code, this.#ownerToken);
  }

  async #renew(): Promise<boolean> {
    const beat = await this.#directory.heartbeat(this.#code, this.#ownerToken);
    if (beat.ok) {
      this.#expiresInMs = beat.value.expiresInMs;
      return true;
    }
    if (beat.failure === 'unreachable') return false;
    const again = await this.#directory.reclaimLobby(this.#code, this.#ownerToken, this.#request);
    if (again.ok) {
      this.#ownerToken = again.value.ownerToken;
      this.#expiresInMs = again.value.expiresInMs;
      return true;
    }
    if (again.failure !== 'code-taken' && again.failure !== 'not-owner') return false;
    const fresh = await this.#directory.createLobby(this.#request);
    if (!fresh.ok) return false;
    this.#code = fresh.value.code;
    this.#ownerToken = fresh.value.ownerToken;
    this.#expiresInMs = fresh.value.expiresInMs;
    if (!this.#isClosed) this.#events.onCodeChanged(this.#code);
    return true;
  }

  #setReachable(isReachable: boolean): void {
    if (this.#isClosed || isReachable === this.isReachable) return;
    this.isReachable = isReachable;
    if (isReachable) this.#events.onBack();
    else this.#events.onLost();
  }
}
