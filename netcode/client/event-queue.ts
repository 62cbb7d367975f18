/**
 * Events on their way to the screen. Those from the host wait until their tick is drawn; those this player caused show
 * at once, as predicted, and their confirmation from the host is then swallowed. One that the host does not confirm is
 * retracted: it did not happen.
 */
import type { AnyGame } from '../define-game.ts';
import { NOBODY, type PlayerId, type Tick } from '../core/ids.ts';
import { nearest16 } from '../core/sequence.ts';
import type { SimEvent } from '../world/simulation.ts';

/** Events waiting to be drawn; the oldest is shown early beyond that. */
const WAITING_MAX = 512;
/** Predicted events waiting for their confirmation; beyond that the oldest is taken back. */
const PREDICTED_MAX = 128;
/** A confirmation may differ by this many ticks: the host uses an input that came late for a later tick. */
const MATCH_TICKS = 12;

export interface EventListeners {
  /** To be shown now. */
  readonly show: (event: SimEvent, isPredicted: boolean) => void;
  /** Was shown as predicted, and has not happened. */
  readonly retract: (event: SimEvent) => void;
}

export class EventQueue {
  /** Predicted events that were taken back. */
  retracted = 0;
  readonly #player: PlayerId;
  readonly #listeners: EventListeners;
  /** By type: the parts in which a prediction and its confirmation are alike. Numbers that are drawn smoothly may differ. */
  readonly #exactParts: readonly (readonly number[])[];
  /** The number of the first event that has not come. */
  #next = 0;
  #waiting: SimEvent[] = [];
  readonly #predicted: SimEvent[] = [];

  constructor(game: AnyGame, player: PlayerId, listeners: EventListeners) {
    this.#player = player;
    this.#listeners = listeners;
    this.#exactParts = game.eventTypes.map(({ layout }) =>
      layout.entries.flatMap(({ field, at }) => (field.smoothing === 'none' ? field.parts.map((_, i) => at + i) : [])),
    );
  }

  /** An event of the first run of a predicted step. */
  predict(event: SimEvent): void {
    // What is for another alone would be shown here and never confirmed.
    if (event.by !== this.#player || (event.to !== NOBODY && event.to !== this.#player)) return;
    this.#predicted.push(event);
    this.#listeners.show(event, true);
    if (this.#predicted.length > PREDICTED_MAX) this.#retractOldest();
  }

  /** The events of the host's snapshot of a tick, the first of which has this number (its low 16 bits): those that are news are queued. */
  receive(events: readonly SimEvent[], firstNumber: number, hostTick: Tick): void {
    const first = nearest16(firstNumber, this.#next);
    // Before the first there is none that the host does not know to have come.
    if (events.length > 0 && first <= this.#next) {
      for (const event of events.slice(this.#next - first)) {
        this.#next++;
        if (this.#isConfirmation(event)) continue;
        this.#waiting.push(event);
        if (this.#waiting.length > WAITING_MAX) this.#listeners.show(this.#waiting.shift()!, false);
      }
    }
    // What found no room in the packet is younger than what did.
    this.#retractBefore((events.at(-1)?.tick ?? hostTick) - MATCH_TICKS);
  }

  /** Shows what is due at the drawn moment; this player's own unpredicted events at once. */
  release(moment: number): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter((event) => event.tick > moment && event.by !== this.#player);
    for (const event of waiting) if (event.tick <= moment || event.by === this.#player) this.#listeners.show(event, false);
  }

  #isConfirmation(event: SimEvent): boolean {
    if (event.by !== this.#player) return false;
    const index = this.#predicted.findIndex((predicted) => this.#isSame(predicted, event));
    if (index >= 0) this.#predicted.splice(index, 1);
    return index >= 0;
  }

  #isSame(predicted: SimEvent, event: SimEvent): boolean {
    if (predicted.type !== event.type || Math.abs(predicted.tick - event.tick) > MATCH_TICKS) return false;
    return this.#exactParts[event.type]!.every((part) => predicted.row[part] === event.row[part]);
  }

  #retractBefore(tick: number): void {
    while (this.#predicted.length > 0 && this.#predicted[0]!.tick < tick) this.#retractOldest();
  }

  #retractOldest(): void {
    const event = this.#predicted.shift()!;
    this.retracted++;
    this.#listeners.retract(event);
  }
}
