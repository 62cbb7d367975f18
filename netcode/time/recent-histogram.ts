/**
 * How often each value occurred of late: what percentiles are taken from without sorting. Four windows follow one another;
 * when one has taken its mass the oldest is forgotten, so that an old network leaves no trace. Values lie on a line that its
 * owner may move under them (`shift`). Nothing is allocated after the construction.
 */

const WINDOWS = 4;
const BINS = 1024;
/** Bins below zero, for values that are: an input may be needed by less than no lead. */
const BINS_BELOW = 256;
/** Where the line may come to lie, in bins, before everything is forgotten: further away, values would leave the bins. */
const SHIFT_BINS_MAX = 128;

export class RecentHistogram {
  readonly #windows = Array.from({ length: WINDOWS }, () => new Float64Array(BINS));
  readonly #sum = new Float64Array(BINS);
  readonly #binTicks: number;
  readonly #windowMass: number;
  #window = 0;
  /** Of the window that is being filled. */
  #massHere = 0;
  /** Of all windows. */
  #mass = 0;
  /** No bin above holds anything. */
  #top = 0;
  /** How far the values have been moved since they were put where they are, in ticks. */
  #moved = 0;

  /** `binTicks` is how finely values are told apart; `windowMass` a quarter of what is remembered. */
  constructor({ binTicks, windowMass }: { readonly binTicks: number; readonly windowMass: number }) {
    this.#binTicks = binTicks;
    this.#windowMass = windowMass;
  }

  /** What is remembered: values added, and lengths of ramps. */
  get mass(): number {
    return this.#mass;
  }

  /** Takes one value. */
  add(value: number): void {
    this.#put(Math.floor(Math.min(BINS - 1, Math.max(0, this.#place(value)))), 1);
    this.#turn();
  }

  /** Takes all values between two, each as often: a mass of as many ticks as lie between them. */
  addRamp(from: number, to: number): void {
    const begin = Math.min(BINS, Math.max(0, this.#place(from)));
    const end = Math.min(BINS, Math.max(0, this.#place(to)));
    for (let bin = Math.floor(begin); bin < end; bin++) {
      this.#put(bin, (Math.min(end, bin + 1) - Math.max(begin, bin)) * this.#binTicks);
    }
    this.#turn();
  }

  /** The value that this part of the mass lies below, or undefined if there is none. */
  quantile(part: number): number | undefined {
    if (this.#mass === 0) return undefined;
    let above = this.#mass * (1 - part);
    let bin = this.#top;
    while (bin > 0 && this.#sum[bin]! <= above) above -= this.#sum[bin--]!;
    const held = this.#sum[bin]!;
    const within = held > 0 ? Math.max(0, 1 - above / held) : 0;
    return (bin - BINS_BELOW + within) * this.#binTicks + this.#moved;
  }

  /** Moves all values by so many ticks: what they were measured against has moved. */
  shift(ticks: number): void {
    this.#moved += ticks;
    if (Math.abs(this.#moved) > SHIFT_BINS_MAX * this.#binTicks) this.clear();
  }

  clear(): void {
    for (const window of this.#windows) window.fill(0);
    this.#sum.fill(0);
    this.#massHere = 0;
    this.#mass = 0;
    this.#top = 0;
    this.#moved = 0;
  }

  #place(value: number): number {
    return (value - this.#moved) / this.#binTicks + BINS_BELOW;
  }

  #put(bin: number, mass: number): void {
    this.#windows[this.#window]![bin]! += mass;
    this.#sum[bin]! += mass;
    this.#massHere += mass;
    this.#mass += mass;
    if (bin > this.#top) this.#top = bin;
  }

  /** Begins the next window when this one is full. Sums are made anew: subtracting would leave rests of rounding. */
  #turn(): void {
    if (this.#massHere < this.#windowMass) return;
    this.#massHere = 0;
    this.#window = (this.#window + 1) % WINDOWS;
    this.#windows[this.#window]!.fill(0);
    const top = this.#top;
    this.#mass = 0;
    this.#top = 0;
    for (let bin = 0; bin <= top; bin++) {
      let held = 0;
      for (const window of this.#windows) held += window[bin]!;
      this.#sum[bin] = held;
      this.#mass += held;
      if (held > 0) this.#top = bin;
    }
  }
}
