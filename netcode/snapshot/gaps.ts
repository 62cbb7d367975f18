/**
 * Which few of many: the gaps between them in Golomb-Rice code, its parameter always that of those still to come. Costs what
 * the places are worth, within a few percent, without a bit for each that is not meant. (Rice 1979)
 */
import { readCount, writeCount } from '../wire/count.ts';
import type { RangeDecoder, RangeEncoder } from '../wire/range-coder.ts';

/** The low bits of a gap when `left` are to be found in `places`. */
function riceBits(places: number, left: number): number {
  return Math.max(0, 31 - Math.clz32(Math.floor(places / (left + 1)) | 1));
}

export class GapWriter {
  #places = 0;
  #left = 0;
  #next = 0;

  /** `count` of `places` will be written. */
  begin(encoder: RangeEncoder, places: number, count: number): void {
    this.#places = places;
    this.#left = count;
    this.#next = 0;
    writeCount(encoder, count, 0);
  }

  /** Writes the next place, counted from 0. */
  write(encoder: RangeEncoder, place: number): void {
    const gap = place - this.#next;
    const low = riceBits(this.#places, this.#left);
    for (let n = gap >> low; n > 0; n--) encoder.bits(1, 1);
    encoder.bits(0, 1);
    encoder.bits(gap, low);
    this.#places -= gap + 1;
    this.#left--;
    this.#next = place + 1;
  }
}

export class GapReader {
  #places = 0;
  #left = 0;
  #gap = -1;

  /** False if more are to be hit than there are places. */
  begin(decoder: RangeDecoder, places: number): boolean {
    this.#places = places;
    this.#left = readCount(decoder, 0);
    if (this.#left > places) return false;
    return this.#next(decoder);
  }

  /** Whether the next place is hit; undefined if no encoder writes such bits. */
  take(decoder: RangeDecoder): boolean | undefined {
    if (this.#left === 0) return false;
    if (this.#gap-- > 0) return false;
    this.#left--;
    return this.#next(decoder) ? true : undefined;
  }

  #next(decoder: RangeDecoder): boolean {
    if (this.#left === 0) return true;
    const low = riceBits(this.#places, this.#left);
    let high = 0;
    while (decoder.bits(1) === 1) if (++high << low > this.#places) return false;
    this.#gap = (high << low) | decoder.bits(low);
    this.#places -= this.#gap + 1;
    return this.#places >= 0;
  }
}
