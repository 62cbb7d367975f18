/**
 * Seats that are kept for those who are on their way from the host before: missed after a while, and given up in the end. What is said
 * meanwhile is kept for them.
 */
import type { PlayerId } from '../core/ids.ts';
import type { LobbyModel } from './lobby-model.ts';
import { CHAT_LINES_MAX } from './lobby-state.ts';
import { PEER_LOST_MS, PEER_SILENT_MS } from './room-core.ts';

interface Line {
  readonly from: PlayerId;
  readonly text: string;
}

export class Awaited {
  readonly #players: Set<PlayerId>;
  readonly #silentMs: number;
  readonly #untilMs: number;
  readonly #missed: Line[] = [];

  constructor(players: Iterable<PlayerId>, nowMs: number) {
    this.#players = new Set(players);
    this.#silentMs = nowMs + PEER_SILENT_MS;
    this.#untilMs = nowMs + PEER_LOST_MS;
  }

  get isEmpty(): boolean {
    return this.#players.size === 0;
  }

  has(player: PlayerId): boolean {
    return this.#players.has(player);
  }

  /** They are here, or will not come. What was said while they were away. */
  delete(player: PlayerId): readonly Line[] {
    return this.#players.delete(player) ? this.#missed : [];
  }

  /** Somebody said something. */
  note(from: PlayerId, text: string): void {
    if (!this.isEmpty && this.#missed.length < CHAT_LINES_MAX) this.#missed.push({ from, text });
  }

  /** Shows in the lobby who is missing; `giveUp` is called for whoever does not come any more. */
  update(model: LobbyModel, nowMs: number, giveUp: (player: PlayerId) => void): void {
    for (const player of this.#players) {
      if (nowMs >= this.#untilMs) giveUp(player);
      else if (nowMs >= this.#silentMs && model.seat(player)?.isSilent === false) model.setSilent(player, true);
    }
  }
}
