/**
 * Seeded random numbers with nothing but 32-bit integer arithmetic: the same on every engine.
 * A step's generator is derived from (match seed, tick), so replaying a tick draws the same numbers
 * and no generator state has to travel.
 */
export interface Rng {
  /** A 32-bit unsigned integer. */
  u32(): number;
  /** A real number in [0, 1). */
  float(): number;
  /** A whole number from 0 to `count - 1`. */
  below(count: number): number;
  /** A real number in [min, max). */
  between(min: number, max: number): number;
}

/** Mixes two 32-bit numbers into one (the finaliser of MurmurHash3, Appleby 2011). */
export function mix32(a: number, b: number): number {
  let h = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(b + 0x7f4a7c15, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** sfc32 (Doty-Humphrey, PractRand): 128 bits of state, passes BigCrush. Can be re-seeded without allocating. */
export class Sfc32 implements Rng {
  #a = 0;
  #b = 0;
  #c = 0;
  #counter = 1;

  constructor(seed: number) {
    this.reseed(seed);
  }

  reseed(seed: number): void {
    this.#a = seed | 0;
    this.#b = mix32(seed, 1) | 0;
    this.#c = mix32(seed, 2) | 0;
    this.#counter = 1;
    for (let i = 0; i < 12; i++) this.u32();
  }

  u32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    this.#c |= 0;
    return sum >>> 0;
  }

  float(): number {
    return this.u32() / 4_294_967_296;
  }

  below(count: number): number {
    return Math.floor(this.float() * count);
  }

  between(min: number, max: number): number {
    return min + this.float() * (max - min);
  }
}
