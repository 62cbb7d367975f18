/**
 * The newest picture of the match, shared by everyone who looks: the scene, the HUD, the bot and `window.volley`.
 * The scene takes one each time it draws; in a hidden tab nobody draws, and whoever looks takes one.
 */
import type { RoomFor, ViewOf } from '../netcode/index.ts';
import type { arena } from './rules/arena.ts';

export type ArenaRoom = RoomFor<typeof arena>;
export type ArenaView = ViewOf<typeof arena>;
export type ShipView = Extract<ArenaView, { kind: 'ship' }>;
export type BulletView = Extract<ArenaView, { kind: 'bullet' }>;

/** Older than this, a picture is no longer what is on the screen: the tab is hidden or has just been opened. */
const STALE_MS = 100;

export class Frames {
  readonly #room: ArenaRoom;
  #view: readonly ArenaView[] = [];
  #takenAtMs = Number.NEGATIVE_INFINITY;

  constructor(room: ArenaRoom) {
    this.#room = room;
  }

  /** The picture of this moment; for whoever draws it. The array and its objects are reused by the next. */
  take(): readonly ArenaView[] {
    this.#view = this.#room.view();
    this.#takenAtMs = performance.now();
    return this.#view;
  }

  /** The picture on the screen, or one of this moment if nobody has drawn lately. */
  latest(): readonly ArenaView[] {
    return performance.now() - this.#takenAtMs > STALE_MS ? this.take() : this.#view;
  }
}
