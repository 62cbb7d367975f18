/**
 * This player's inputs: what is held now, and what was sent for each recent tick. A tick's input is sampled once and
 * then never changes: it is replayed after every snapshot and resent until the host has it.
 */
import type { Tick } from '../core/ids.ts';
import { clearEdges } from '../wire/input-edges.ts';
import { type Layout, writeFields } from '../wire/schema.ts';

/** Ticks remembered: more than are ever replayed or resent. */
const INPUT_HISTORY_TICKS = 128;

export class InputHistory {
  readonly #layout: Layout;
  readonly #held: Int32Array;
  readonly #rows: Int32Array[];
  readonly #ticks = new Int32Array(INPUT_HISTORY_TICKS).fill(-1);

  constructor(layout: Layout) {
    this.#layout = layout;
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

  /** Fixes a tick's input; presses are used up by it. */
  sample(tick: Tick): Int32Array {
    const slot = tick % INPUT_HISTORY_TICKS;
    const row = this.#rows[slot]!;
    row.set(this.#held);
    this.#ticks[slot] = tick;
    clearEdges(this.#layout, this.#held);
    return row;
  }

  /** A tick's input; neutral if it was never sampled. */
  at(tick: Tick): Int32Array {
    const slot = tick % INPUT_HISTORY_TICKS;
    return this.#ticks[slot] === tick ? this.#rows[slot]! : this.#layout.initial;
  }
}
