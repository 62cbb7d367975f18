/**
 * A signed number of up to 32 bits in contexts: zero?, sign, how many binary digits, the two digits behind the first; the
 * digits behind those as they are. How many digits is told as a walk from the usual count, up or down: few decisions where
 * the usual count is known.
 */
import type { Contexts, RangeDecoder, RangeEncoder } from './range-coder.ts';

/** Counts of digits from here on share a context. */
const DIGITS = 16;
/** Contexts of one number's coding, and where they begin. The sign's are elsewhere, chosen by the caller. */
const UP = 1;
const DOWN = UP + DIGITS;
const TOP = DOWN + DIGITS;
const NEXT = TOP + DIGITS;
export const NUMBER_CONTEXTS = NEXT + 2 * DIGITS;

/** Which contexts a number is coded in. One object is filled anew for each number. */
export interface NumberContexts {
  /** The first of NUMBER_CONTEXTS. */
  base: number;
  /** The usual count of digits behind the first one. */
  usualDigits: number;
  sign: number;
  /** 1 if the sign is told as the opposite of what it is: contexts are for "as expected". */
  flip: number;
}

export function writeNumber(encoder: RangeEncoder, contexts: Contexts, where: NumberContexts, value: number): void {
  const { base, usualDigits, sign, flip } = where;
  if (value === 0) {
    encoder.encode(1, contexts, base);
    return;
  }
  encoder.encode(0, contexts, base);
  encoder.encode((value < 0 ? 1 : 0) ^ flip, contexts, sign);
  const size = value < 0 ? -value : value;
  const digits = 31 - Math.clz32(size);
  let n = usualDigits;
  if (digits > n) {
    encoder.encode(1, contexts, base + UP + n);
    for (n++; n < digits; n++) encoder.encode(1, contexts, base + UP + (n < DIGITS ? n : DIGITS - 1));
    if (n < 31) encoder.encode(0, contexts, base + UP + (n < DIGITS ? n : DIGITS - 1));
  } else {
    encoder.encode(0, contexts, base + UP + n);
    for (; n > digits; n--) encoder.encode(1, contexts, base + DOWN + n);
    if (n > 0) encoder.encode(0, contexts, base + DOWN + n);
  }
  if (digits === 0) return;
  const row = digits < DIGITS ? digits : DIGITS - 1;
  const top = (size >>> (digits - 1)) & 1;
  encoder.encode(top, contexts, base + TOP + row);
  if (digits === 1) return;
  encoder.encode((size >>> (digits - 2)) & 1, contexts, base + NEXT + row * 2 + top);
  if (digits > 2) encoder.bits(size, digits - 2);
}

export function readNumber(decoder: RangeDecoder, contexts: Contexts, where: NumberContexts): number {
  const { base, usualDigits, sign, flip } = where;
  if (decoder.decode(contexts, base) === 1) return 0;
  const isNegative = (decoder.decode(contexts, sign) ^ flip) === 1;
  let n = usualDigits;
  if (decoder.decode(contexts, base + UP + n) === 1) {
    n++;
    while (n < 31 && decoder.decode(contexts, base + UP + (n < DIGITS ? n : DIGITS - 1)) === 1) n++;
  } else while (n > 0 && decoder.decode(contexts, base + DOWN + n) === 1) n--;
  let size = 1;
  if (n > 0) {
    const row = n < DIGITS ? n : DIGITS - 1;
    const top = decoder.decode(contexts, base + TOP + row);
    size = 2 + top;
    if (n > 1) {
      size = size * 2 + decoder.decode(contexts, base + NEXT + row * 2 + top);
      if (n > 2) size = size * 2 ** (n - 2) + decoder.bits(n - 2);
    }
  }
  return isNegative ? -size : size;
}
