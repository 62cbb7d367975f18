/**
 * Short texts and values of any make, stored as bytes: a length, then three bytes to an integer, so that they lie in the
 * same rows as everything else and are compared, copied and sent by the same code.
 *
 *     stored parts   [length, b0 b1 b2, b3 b4 b5, …]     24 bits each, the first byte uppermost; unused bytes are zero
 *
 * Reading is total. Decoding is remembered, since what is drawn in every frame rarely changes.
 */
import { packValue, unpackValue } from './control.ts';
import { type FieldOptions, partOf, plainMannersOf } from './field-options.ts';
import type { Field, Part, Row } from './schema.ts';

const TEXT_BYTES_MAX = 255;
const ANY_BYTES_MAX = 1024;
/** Bytes in each part after the first, which is how many bytes there are. */
export const BYTES_PER_PART = 3;
export const BYTES_PART_MAX = 0xff_ffff;
/** Decoded values kept for each field: more than usually differ at once. A power of two. */
const DECODED_MAX = 256;

/** Writes bytes into `row[at]…` of a field of `partCount` parts. */
function storeBytes(row: Row, at: number, bytes: Uint8Array, partCount: number): void {
  row[at] = bytes.length;
  for (let part = 1, from = 0; part < partCount; part++, from += BYTES_PER_PART)
    row[at + part] = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
}

/** Values by the integers that they were decoded from: as many as there are slots, the latest of each. */
class DecodedValues<Value> {
  readonly #bytesMax: number;
  readonly #decode: (bytes: Uint8Array) => Value;
  readonly #slots: ({ readonly key: Int32Array; readonly value: Value } | undefined)[] = [];

  constructor(bytesMax: number, decode: (bytes: Uint8Array) => Value) {
    this.#bytesMax = bytesMax;
    this.#decode = decode;
  }

  at(row: ArrayLike<number>, at: number): Value {
    const length = Math.min(this.#bytesMax, Math.max(0, row[at]! | 0));
    const chunks = Math.ceil(length / BYTES_PER_PART);
    let hash = length;
    for (let i = 1; i <= chunks; i++) hash = Math.imul(hash ^ row[at + i]!, 0x9e37_79b1);
    const index = (hash >>> 16) % DECODED_MAX;
    const slot = this.#slots[index];
    if (slot !== undefined && isSame(slot.key, row, at, { length, chunks })) return slot.value;
    const key = Int32Array.from({ length: chunks + 1 }, (_, i) => (i === 0 ? length : row[at + i]!));
    const bytes = Uint8Array.from({ length }, (_, i) => key[1 + Math.floor(i / BYTES_PER_PART)]! >>> (16 - 8 * (i % BYTES_PER_PART)));
    const value = this.#decode(bytes);
    this.#slots[index] = { key, value };
    return value;
  }
}

function isSame(key: Int32Array, row: ArrayLike<number>, at: number, size: { readonly length: number; readonly chunks: number }): boolean {
  if (key[0] !== size.length) return false;
  for (let i = 1; i <= size.chunks; i++) if (key[i] !== row[at + i]) return false;
  return true;
}

function bytesField<Value>(
  bytesMax: number,
  options: FieldOptions,
  codec: { encode(value: Value): Uint8Array; decode(bytes: Uint8Array): Value },
): Field<Value> {
  const chunk = partOf(0, BYTES_PART_MAX, { isBlob: true });
  const parts: Part[] = [partOf(0, bytesMax, { isBlob: true })];
  for (let bytes = 0; bytes < bytesMax; bytes += BYTES_PER_PART) parts.push(chunk);
  const decoded = new DecodedValues<Value>(bytesMax, codec.decode);
  return {
    ...plainMannersOf(options),
    parts,
    initial: parts.map(() => 0),
    read: (row, at) => decoded.at(row, at),
    write: (row, at, value) => storeBytes(row, at, codec.encode(value), parts.length),
  };
}

function requireBytes(name: string, bytesMax: number, limit: number): void {
  if (!Number.isInteger(bytesMax) || bytesMax < 1 || bytesMax > limit)
    throw new RangeError(`${name} of ${bytesMax} bytes: 1 to ${limit} are possible`);
}

const encoder = new TextEncoder();
/** A text may begin with U+FEFF, which a decoder otherwise takes for a mark of the encoding and swallows. */
const DECODER_OPTIONS = { fatal: false, ignoreBOM: true };
const decoder = new TextDecoder('utf-8', DECODER_OPTIONS);

/** UTF-8, cut at the last whole code point within `bytesMax`. */
function encodeText(text: string, bytesMax: number): Uint8Array {
  // Every UTF-16 unit takes a byte at least, so nothing that would be kept is lost, and a long text costs no more than a short one.
  const bytes = encoder.encode(text.slice(0, bytesMax));
  let end = Math.min(bytes.length, bytesMax);
  if (end < bytes.length) while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return bytes.subarray(0, end);
}

/**
 * A short text of at most `bytesMax` bytes (1 to 255) of UTF-8; initially empty. A longer one is cut at a whole code point,
 * as numbers are clamped. Half surrogates become U+FFFD. Throws TypeError on what is no string.
 */
export function text(options: FieldOptions & { readonly bytesMax: number }): Field<string> {
  const { bytesMax } = options;
  requireBytes('text', bytesMax, TEXT_BYTES_MAX);
  return bytesField<string>(bytesMax, options, {
    encode: (value) => {
      if (typeof value !== 'string') throw new TypeError(`field value ${String(value)} is not a string`);
      return encodeText(value, bytesMax);
    },
    decode: (bytes) => decoder.decode(bytes),
  });
}

const NO_BYTES = new Uint8Array(0);

/**
 * A value of any make, of at most `bytesMax` bytes (1 to 1,024) of msgpack: null, true and false, numbers, strings, bytes
 * (Uint8Array), and arrays and plain objects of them; initially undefined. For what is rare and small: all of it is sent
 * whenever any of it changes, and it is neither blended nor expected. Throws RangeError on a value too large, TypeError on what cannot be packed.
 *
 * What is read is frozen: to change it, assign a new value.
 *
 * @example
 * entities: { player: { quest: any<{ name: string; done: number[] }>({ bytesMax: 200 }) } }
 * player.quest = { ...player.quest, done: [...player.quest.done, 7] }
 */
export function any<T = unknown>(options: FieldOptions & { readonly bytesMax: number }): Field<T | undefined> {
  const { bytesMax } = options;
  requireBytes('any', bytesMax, ANY_BYTES_MAX);
  return bytesField<T | undefined>(bytesMax, options, {
    encode: (value) => {
      if (value === undefined) return NO_BYTES;
      const bytes = packValue(value);
      if (bytes.length > bytesMax) throw new RangeError(`field value of ${bytes.length} bytes exceeds ${bytesMax}`);
      return bytes;
    },
    decode: (bytes) => (bytes.length === 0 ? undefined : (unpackValue(bytes) as T | undefined)),
  });
}
