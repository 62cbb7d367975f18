/**
 * One description of a format for both directions: `bit` and `raw` take the value to write and return it when encoding,
 * ignore it and return what was read when decoding. Whatever is built on them cannot be written one way and read another.
 */
import type { Contexts, RangeDecoder, RangeEncoder } from './range-coder.ts';

export interface BitCoder {
  readonly isEncoding: boolean;
  /** A bit (0 or 1) in a context. */
  bit(value: number, context: number): number;
  /** The low `count` bits of a number, count 0 to 32, unmodelled. */
  raw(value: number, count: number): number;
}

export class EncodingCoder implements BitCoder {
  readonly isEncoding = true;
  readonly encoder: RangeEncoder;
  readonly #contexts: Contexts;
  readonly #onBit: ((bit: number, context: number) => void) | undefined;

  /** `onBit` sees every modelled bit: for training. */
  constructor(encoder: RangeEncoder, contexts: Contexts, onBit?: (bit: number, context: number) => void) {
    this.encoder = encoder;
    this.#contexts = contexts;
    this.#onBit = onBit;
  }

  bit(value: number, context: number): number {
    this.#onBit?.(value, context);
    this.encoder.encode(value, this.#contexts, context);
    return value;
  }

  raw(value: number, count: number): number {
    this.encoder.bits(value, count);
    return value;
  }
}

export class DecodingCoder implements BitCoder {
  readonly isEncoding = false;
  readonly decoder: RangeDecoder;
  readonly #contexts: Contexts;

  constructor(decoder: RangeDecoder, contexts: Contexts) {
    this.decoder = decoder;
    this.#contexts = contexts;
  }

  bit(_value: number, context: number): number {
    return this.decoder.decode(this.#contexts, context);
  }

  raw(_value: number, count: number): number {
    return this.decoder.bits(count);
  }
}

/** Magnitudes from here on share a context; 2^19 steps is farther than anything jumps every packet. */
export const MAGNITUDES = 20;

/** Contexts of one number's coding, and where they begin. `codeNumber` uses NUMBER_CONTEXTS of them for each scale. */
const SIGN = 1;
const MAGNITUDE = 2;
const TOP = MAGNITUDE + MAGNITUDES;
const NEXT = TOP + MAGNITUDES;
export const NUMBER_CONTEXTS = NEXT + 2 * MAGNITUDES;

/** A signed number of up to 32 bits: zero?, sign, how many digits, the two highest digits in context, the rest as they are. */
export function codeNumber(coder: BitCoder, value: number, base: number): number {
  if (coder.bit(value === 0 ? 1 : 0, base) === 1) return 0;
  const isNegative = coder.bit(value < 0 ? 1 : 0, base + SIGN) === 1;
  const size = Math.abs(value);
  const digits = 31 - Math.clz32(size);
  let n = 0;
  while (n < 31 && coder.bit(n < digits ? 1 : 0, base + MAGNITUDE + Math.min(n, MAGNITUDES - 1)) === 1) n++;
  let result = 1;
  let top = 0;
  const row = Math.min(n, MAGNITUDES - 1);
  if (n > 0) {
    top = coder.bit((size >>> (n - 1)) & 1, base + TOP + row);
    result = result * 2 + top;
  }
  if (n > 1) result = result * 2 + coder.bit((size >>> (n - 2)) & 1, base + NEXT + row * 2 + top);
  if (n > 2) result = result * 2 ** (n - 2) + coder.raw(size & (2 ** (n - 2) - 1), n - 2);
  return isNegative ? -result : result;
}

/** An unsigned number below 2^31 in Exp-Golomb code of order k, unmodelled. */
export function codeCount(coder: BitCoder, value: number, k: number): number {
  const shifted = Math.floor(value / 2 ** k) + 1;
  const length = 31 - Math.clz32(shifted);
  let n = 0;
  while (n < 31 && coder.raw(n < length ? 1 : 0, 1) === 1) n++;
  const high = 2 ** n + coder.raw(shifted & (2 ** n - 1), n);
  return (high - 1) * 2 ** k + coder.raw(value & (2 ** k - 1), k);
}
