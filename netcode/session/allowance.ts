/** How often something may be done: so often at once, and once more after each while (a token bucket). */
export class Allowance {
  readonly #atOnce: number;
  readonly #msPerOne: number;
  #left: number;
  #atMs: number;

  constructor({ atOnce, msPerOne, nowMs }: { readonly atOnce: number; readonly msPerOne: number; readonly nowMs: number }) {
    this.#atOnce = atOnce;
    this.#msPerOne = msPerOne;
    this.#left = atOnce;
    this.#atMs = nowMs;
  }

  /** Whether it may be done now. */
  has(nowMs: number): boolean {
    this.#left = Math.min(this.#atOnce, this.#left + Math.max(0, nowMs - this.#atMs) / this.#msPerOne);
    this.#atMs = Math.max(this.#atMs, nowMs);
    return this.#left >= 1;
  }

  /** Whether it may be done now; if so, it counts. */
  take(nowMs: number): boolean {
    if (!this.has(nowMs)) return false;
    this.#left--;
    return true;
  }
}
