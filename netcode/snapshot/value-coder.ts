/**
 * One description of the entities' format for both directions: each method takes what to write and returns it when
 * encoding, ignores it and returns what was read when decoding. What is built on them cannot be written one way and read
 * another.
 */
import { type NumberContexts, readNumber, writeNumber } from '../wire/number.ts';
import type { Contexts, RangeDecoder, RangeEncoder } from '../wire/range-coder.ts';

export interface ValueCoder {
  readonly isEncoding: boolean;
  /** The contexts of the kind at hand. */
  contexts: Contexts;
  /** More bytes than there may be. */
  readonly isOverrun: boolean;
  /** A bit (0 or 1) in a context. */
  bit(value: number, context: number): number;
  /** A signed number of up to 32 bits. */
  number(value: number, where: NumberContexts): number;
  /** The low `count` bits of a number, count 0 to 32, unmodelled. */
  raw(value: number, count: number): number;
}

const NO_CONTEXTS = new Uint16Array(0);

export class ValueWriter implements ValueCoder {
  readonly isEncoding = true;
  contexts: Contexts = NO_CONTEXTS;
  readonly encoder: RangeEncoder;

  constructor(encoder: RangeEncoder) {
    this.encoder = encoder;
  }

  get isOverrun(): boolean {
    return this.encoder.isOverrun;
  }

  bit(value: number, context: number): number {
    this.encoder.encode(value, this.contexts, context);
    return value;
  }

  number(value: number, where: NumberContexts): number {
    writeNumber(this.encoder, this.contexts, where, value);
    return value;
  }

  raw(value: number, count: number): number {
    this.encoder.bits(value, count);
    return value;
  }
}

export class ValueReader implements ValueCoder {
  readonly isEncoding = false;
  contexts: Contexts = NO_CONTEXTS;
  readonly decoder: RangeDecoder;

  constructor(decoder: RangeDecoder) {
    this.decoder = decoder;
  }

  get isOverrun(): boolean {
    return this.decoder.isOverrun;
  }

  bit(_value: number, context: number): number {
    return this.decoder.decode(this.contexts, context);
  }

  number(_value: number, where: NumberContexts): number {
    return readNumber(this.decoder, this.contexts, where);
  }

  raw(_value: number, count: number): number {
    return this.decoder.bits(count);
  }
}
