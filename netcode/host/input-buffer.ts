/**
 * One player's inputs at the host, by tick, until they are used. What does not come in time is replaced by the last one
 * known: held keys stay held, presses are not repeated. A press that comes late counts for the next tick, so that no shot
 * is lost with a packet. Nothing a client sends makes it act more often than once a tick, and nothing it sends twice changes
 * what it sent first.
 */
import type { Tick } from '../core/ids.ts';
import { clearEdges } from '../wire/input-edges.ts';
import type { Layout } from '../wire/schema.ts';
import { ViewClaim } from './view-claim.ts';

/** How far ahead of the host a client may live: 1.5 s at 60 Hz. Inputs for later ticks are dropped. */
export const INPUT_LEAD_TICKS_MAX = 90;
const SLOTS = 128;

export class InputBuffer {
  /** Ticks for which no input had come in time. */
  lateInputs = 0;
  /** Inputs for ticks too far in the future. */
  refusedInputs = 0;
  /** Inputs that came again with other content; the first ones count. No honest client sends such. */
  changedInputs = 0;
  readonly #layout: Layout;
  readonly #rows: Int32Array[];
  readonly #ticks = new Int32Array(SLOTS).fill(-1);
  /** What the client claimed of its view with each input. */
  readonly #viewDelays = new Float64Array(SLOTS);
  readonly #view: ViewClaim;
  readonly #last: Int32Array;
  /** Ticks that had to do without their input. */
  readonly #missed = new Int32Array(SLOTS).fill(-1);
  /** Presses that came late and wait for the next tick. */
  readonly #carried: Int32Array;
  #usedTick: Tick;

  /** `usedTick` is the newest tick that has been stepped already. */
  constructor(layout: Layout, { usedTick, tickRate }: { readonly usedTick: Tick; readonly tickRate: number }) {
    this.#layout = layout;
    this.#rows = Array.from({ length: SLOTS }, () => layout.initial.slice());
    this.#last = layout.initial.slice();
    this.#carried = new Int32Array(layout.parts.length);
    this.#view = new ViewClaim(tickRate);
    this.#usedTick = usedTick;
  }

  /** How far behind the present the player saw the others in the tick taken last, so far as that is believed. */
  get viewDelayTicks(): number {
    return this.#view.honouredTicks;
  }

  /** Ticks whose claim of a view delay was not believed. */
  get refusedClaims(): number {
    return this.#view.refusedClaims;
  }

  /** Stores an input. One that is there already or whose tick is over is ignored: it is a resend. */
  store(tick: Tick, row: Int32Array, viewDelayTicks: number): void {
    const slot = tick % SLOTS;
    if (this.#ticks[slot] === tick) {
      if (!isSame(this.#rows[slot]!, row)) this.changedInputs++;
      return;
    }
    if (tick <= this.#usedTick) {
      this.#carryPresses(tick, row);
      return;
    }
    if (tick > this.#usedTick + INPUT_LEAD_TICKS_MAX) {
      this.refusedInputs++;
      return;
    }
    this.#ticks[slot] = tick;
    this.#rows[slot]!.set(row);
    this.#viewDelays[slot] = viewDelayTicks;
  }

  /** The input for a tick, which is over then. */
  take(tick: Tick): Int32Array {
    const slot = tick % SLOTS;
    this.#usedTick = tick;
    if (this.#ticks[slot] === tick) {
      this.#last.set(this.#rows[slot]!);
      this.#view.honour(tick, this.#viewDelays[slot]!);
    } else {
      this.lateInputs++;
      this.#missed[slot] = tick;
      clearEdges(this.#layout, this.#last);
    }
    for (const { field, at } of this.#layout.entries) {
      if (field.isEdge !== true || this.#carried[at] === 0) continue;
      this.#last[at] = 1;
      this.#carried[at] = 0;
    }
    return this.#last;
  }

  /** A tick's input counts once, also when it is late: what was not missed is a resend. */
  #carryPresses(tick: Tick, row: Int32Array): void {
    if (this.#missed[tick % SLOTS] !== tick) return;
    this.#missed[tick % SLOTS] = -1;
    for (const { field, at } of this.#layout.entries) if (field.isEdge === true && row[at] === 1) this.#carried[at] = 1;
  }
}

function isSame(a: Int32Array, b: Int32Array): boolean {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
