/** Counts amounts per second over a sliding window of the last second, in tenths. */
const SLOT_MS = 100;
const SLOTS = 10;

export class RateMeter {
  readonly #amounts = new Float64Array(SLOTS);
  #slot = 0;

  count(nowMs: number, amount = 1): void {
    this.#roll(nowMs);
    this.#amounts[this.#slot % SLOTS] = this.#amounts[this.#slot % SLOTS]! + amount;
  }

  perSecond(nowMs: number): number {
    this.#roll(nowMs);
    const coveredMs = (SLOTS - 1) * SLOT_MS + (nowMs % SLOT_MS);
    return (this.#amounts.reduce((sum, amount) => sum + amount, 0) * 1000) / coveredMs;
  }

  #roll(nowMs: number): void {
    const slot = Math.floor(nowMs / SLOT_MS);
    if (slot - this.#slot >= SLOTS) this.#amounts.fill(0);
    else for (let s = this.#slot + 1; s <= slot; s++) this.#amounts[s % SLOTS] = 0;
    if (slot > this.#slot) this.#slot = slot;
  }
}
