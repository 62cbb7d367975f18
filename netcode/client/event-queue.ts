/**
 * Events on their way to the screen. Those from the host wait until their tick is drawn; those this player caused show
 * at once, as predicted, and their confirmation from the host is then swallowed.
 */
import { NOBODY, type PlayerId, type Tick } from '../core/ids.ts';
import { nearest16 } from '../core/sequence.ts';
import type { SimEvent } from '../world/simulation.ts';

/** Events waiting to be drawn; the oldest is shown early beyond that. */
const WAITING_MAX = 512;
/** Predicted events waiting for their confirmation. */
const PREDICTED_MAX = 128;
/** A confirmation may differ by this many ticks: the host uses an input that came late for a later tick. */
const MATCH_TICKS = 12;

export class EventQueue {
  readonly #player: PlayerId;
  readonly #show: (event: SimEvent, isPredicted: boolean) => void;
  /** The number of the first event that has not come. */
  #next = 0;
  #waiting: SimEvent[] = [];
  #predicted: { readonly type: number; readonly tick: Tick }[] = [];

  constructor(player: PlayerId, show: (event: SimEvent, isPredicted: boolean) => void) {
    this.#player = player;
    this.#show = show;
  }

  /** An event of the first run of a predicted step. */
  predict(event: SimEvent): void {
    // What is for another alone would be shown here and never confirmed.
    if (event.by !== this.#player || (event.to !== NOBODY && event.to !== this.#player)) return;
    this.#predicted.push({ type: event.type, tick: event.tick });
    if (this.#predicted.length > PREDICTED_MAX) this.#predicted.shift();
    this.#show(event, true);
  }

  /** Events of a snapshot, the first of which has this number (its low 16 bits): those that are news are queued. */
  receive(events: readonly SimEvent[], firstNumber: number): void {
    if (events.length === 0) return;
    const first = nearest16(firstNumber, this.#next);
    // Before the first there is none that the host does not know to have come.
    if (first > this.#next) return;
    for (const event of events.slice(this.#next - first)) {
      this.#next++;
      if (this.#isConfirmation(event)) continue;
      this.#waiting.push(event);
      if (this.#waiting.length > WAITING_MAX) this.#show(this.#waiting.shift()!, false);
    }
  }

  /** Shows what is due at the drawn moment; this player's own unpredicted events at once. */
  release(moment: number): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((event) => event.tick > moment && event.by !== this.#player);
    for (const event of waiting) if (event.tick <= moment || event.by === this.#player) this.#show(event, false);
  }

  #isConfirmation(event: SimEvent): boolean {
    if (event.by !== this.#player) return false;
    const index = this.#predicted.findIndex(({ type, tick }) => type === event.type && Math.abs(tick - event.tick) <= MATCH_TICKS);
    if (index >= 0) this.#predicted.splice(index, 1);
    return index >= 0;
  }
}
