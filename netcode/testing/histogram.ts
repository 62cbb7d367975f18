/**
 * Many numbers in little room: counts by size, in bins that are less than 1 % wide, so that hours of drawn frames take
 * no more memory than a second's. A bin is the upper half of a number's 32-bit float: no logarithm, the same everywhere.
 */

const BINS = 1 << 15;
const FRACTION_BITS = 16;
const asFloat = new Float32Array(1);
const asBits = new Uint32Array(asFloat.buffer);

/** How large the numbers were. All 0 if there were none. */
export interface Spread {
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

export class Histogram {
  count = 0;
  readonly #bins = new Uint32Array(BINS);
  #sum = 0;
  #max = 0;

  /** Takes a number from 0 up; what is below counts as 0. */
  add(value: number): void {
    const positive = value > 0 ? value : 0;
    asFloat[0] = positive;
    const bin = asBits[0]! >>> FRACTION_BITS;
    this.#bins[bin] = this.#bins[bin]! + 1;
    this.count++;
    this.#sum += positive;
    if (positive > this.#max) this.#max = positive;
  }

  addAll(other: Histogram): void {
    for (let bin = 0; bin < BINS; bin++) this.#bins[bin] = this.#bins[bin]! + other.#bins[bin]!;
    this.count += other.count;
    this.#sum += other.#sum;
    this.#max = Math.max(this.#max, other.#max);
  }

  /** What this part (0 to 1) of the numbers stays at or below, rounded up to the end of its bin. */
  quantile(part: number): number {
    const rank = Math.max(1, Math.ceil(this.count * part));
    let seen = 0;
    for (let bin = 0; bin < BINS; bin++) {
      seen += this.#bins[bin]!;
      if (seen < rank) continue;
      if (bin === 0) return 0;
      asBits[0] = (bin + 1) << FRACTION_BITS;
      return Math.min(asFloat[0]!, this.#max);
    }
    return 0;
  }

  spread(): Spread {
    const mean = this.count === 0 ? 0 : this.#sum / this.count;
    return { mean, p50: this.quantile(0.5), p95: this.quantile(0.95), p99: this.quantile(0.99), max: this.#max };
  }
}
