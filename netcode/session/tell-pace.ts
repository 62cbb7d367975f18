/** How often everybody is told what guests changed: each time costs the host's uplink a lobby for each of them, and nobody may cause that again and again. */
import { Allowance } from './allowance.ts';

/** Changes are told together, this far apart: a guest who plays with a button must not flood the others. */
const TELL_INTERVAL_MS = 50;
/** So often at once, and the time after which once more. */
const TELLS_AT_ONCE = 20;
const MS_PER_TELL = 250;

export class TellPace {
  readonly #tells = new Allowance({ atOnce: TELLS_AT_ONCE, msPerOne: MS_PER_TELL, nowMs: 0 });
  #toldMs = -Infinity;

  /** Everybody has just been told, whatever for. */
  told(nowMs: number): void {
    this.#toldMs = nowMs;
  }

  /** Whether they may be told now; if so, it counts. */
  take(nowMs: number): boolean {
    return nowMs - this.#toldMs >= TELL_INTERVAL_MS && this.#tells.take(nowMs);
  }
}
