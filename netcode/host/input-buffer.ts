/**
 * One player's inputs at the host, by tick, until they are used. What does not come in time is replaced by the last one
 * known: held keys stay held, presses are not repeated. Nothing a client sends makes it act more often than once a tick.
 */
import type { Tick } from '../core/ids.ts';
import { clearEdges } from '../wire/input-edges.ts';
import type { Layout } from '../wire/schema.ts';

/** How far ahead of the host a client may live: 1.5 s at 60 Hz. Inputs for later ticks are dropped. */
export const INPUT_LEAD_TICKS_MAX = 90;
const SLOTS = 128;

export class InputBuffer {
  /** Ticks for which no input had come in time. */
  lateInputs = 0;
  /** Inputs for ticks too far in the future. */
  refusedInputs = 0;
  readonly #layout: Layout;
  readonly #rows: Int32Array[];
  readonly #ticks = new Int32Array(SLOTS).fill(-1);
  readonly #last: Int32Array;
  #usedTick: Tick;

  /** `usedTick` is the newest tick that has been stepped already. */
  constructor(layout: Layout, usedTick: Tick) {
    this.#layout = layout;
    this.#rows = Array.from({ length: SLOTS }, () => layout.initial.slice());
    this.#last = layout.initial.slice();
    this.#usedTick = usedTick;
  }

  /** Stores an input. One that is there already or whose tick is over is ignored: it is a resend. */
  store(tick: Tick, row: Int32Array): void {
    if (tick <= this.#usedTick) return;
    if (tick > this.#usedTick + INPUT_LEAD_TICKS_MAX) {
      this.refusedInputs++;
      return;
    }
    const slot = tick % SLOTS;
    if (this.#ticks[slot] === tick) return;
    this.#ticks[slot] = tick;
    this.#rows[slot]!.set(row);
  }

  /** The input for a tick, which is over then. */
  take(tick: Tick): Int32Array {
    const slot = tick % SLOTS;
    this.#usedTick = tick;
    if (this.#ticks[slot] === tick) {
      this.#last.set(this.#rows[slot]!);
      return this.#rows[slot]!;
    }
    this.lateInputs++;
    clearEdges(this.#layout, this.#last);
    return this.#last;
  }
}
