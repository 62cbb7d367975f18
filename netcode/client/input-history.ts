/**
 * This player's inputs: what is held now, and what was sent for each recent tick. A tick's input is sampled once and
 * then never changes: it is replayed after every snapshot and resent until the host has it. With it stay the clocks of that
 * moment: what the host reports of an input, and what it judges a shot by, is about then and not about now.
 */
import type { Tick } from '../core/ids.ts';
import { clearEdges } from '../wire/input-edges.ts';
import { toldViewDelay } from '../wire/input-packet.ts';
import { type Layout, writeFields } from '../wire/schema.ts';

/** Ticks remembered: more than are ever replayed or resent. */
const INPUT_HISTORY_TICKS = 128;

/** How this player's clocks stood when a tick's input was fixed. */
export interface SamplingMoment {
  /** How far the predicted present was ahead of the timeline; undefined if that says nothing, since the clock had just jumped. */
  readonly leadTicks: number | undefined;
  /** How far behind the predicted present the others were drawn. */
  readonly viewDelayTicks: number;
}

export class InputHistory {
  readonly #layout: Layout;
  readonly #held: Int32Array;
  readonly #rows: Int32Array[];
  readonly #ticks = new Int32Array(INPUT_HISTORY_TICKS).fill(-1);
  /** NaN: unknown. */
  readonly #leads = new Float64Array(INPUT_HISTORY_TICKS);
  readonly #viewDelays = new Float64Array(INPUT_HISTORY_TICKS);

  readonly #presses: readonly number[];
  readonly #late: Int32Array;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.#presses = layout.entries.flatMap(({ field, at }) => (field.isEdge === true ? [at] : []));
    this.#late = layout.initial.slice();
    this.#held = layout.initial.slice();
    this.#rows = Array.from({ length: INPUT_HISTORY_TICKS }, () => layout.initial.slice());
  }

  /** Changes what is held from now on. Throws TypeError on unknown fields or values of the wrong type. */
  hold(input: Readonly<Record<string, unknown>>): void {
    const before = this.#held.slice();
    writeFields(this.#layout, this.#held, 0, input);
    // A press that no tick has seen yet is not undone by its release.
    for (const { field, at } of this.#layout.entries) if (field.isEdge === true && before[at] === 1) this.#held[at] = 1;
  }

  /** What is held now: the input of a tick that has none yet. */
  get held(): Int32Array {
    return this.#held;
  }

  /** Fixes a tick's input; presses are used up by it, unless they are to wait for a later tick. */
  sample(tick: Tick, { leadTicks, viewDelayTicks }: SamplingMoment, doPressesWait = false): Int32Array {
    const slot = tick % INPUT_HISTORY_TICKS;
    const row = this.#rows[slot]!;
    row.set(this.#held);
    this.#ticks[slot] = tick;
    this.#leads[slot] = leadTicks ?? NaN;
    this.#viewDelays[slot] = toldViewDelay(viewDelayTicks);
    clearEdges(this.#layout, doPressesWait ? row : this.#held);
    return row;
  }

  /** A tick's input; neutral if it was never sampled. */
  at(tick: Tick): Int32Array {
    const slot = tick % INPUT_HISTORY_TICKS;
    return this.#ticks[slot] === tick ? this.#rows[slot]! : this.#layout.initial;
  }

  /**
   * A tick's input, and with it the presses of the ticks behind `since` up to the one before: what the host has not had in time counts
   * for its next tick. Reused by the next call.
   */
  withLatePresses(tick: Tick, since: Tick): Int32Array {
    const row = this.#late;
    row.set(this.at(tick));
    for (let late = Math.max(since + 1, tick - INPUT_HISTORY_TICKS + 1); late < tick; late++) {
      const pressed = this.at(late as Tick);
      for (let i = 0; i < this.#presses.length; i++) {
        const at = this.#presses[i]!;
        if (pressed[at] === 1) row[at] = 1;
      }
    }
    return row;
  }

  /** The lead that a tick's input was sampled with, or undefined. */
  leadAt(tick: Tick): number | undefined {
    const slot = tick % INPUT_HISTORY_TICKS;
    const lead = this.#leads[slot]!;
    return this.#ticks[slot] !== tick || Number.isNaN(lead) ? undefined : lead;
  }

  /** A tick's view delay exactly as the host is told; 0 if it was never sampled. */
  viewDelayAt(tick: Tick): number {
    const slot = tick % INPUT_HISTORY_TICKS;
    return this.#ticks[slot] === tick ? this.#viewDelays[slot]! : 0;
  }

  /** The timeline moved forwards by so many ticks (backwards if negative): every lead on it was so much less. */
  shiftLeads(ticks: number): void {
    for (let slot = 0; slot < INPUT_HISTORY_TICKS; slot++) this.#leads[slot]! -= ticks;
  }
}
