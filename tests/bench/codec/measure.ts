/**
 * Feeds a trace through a codec under given conditions, checks every decode against the source, and measures: bytes,
 * time to encode and decode, and what each allocates.
 */
import { Sfc32 } from '../../../netcode/core/rng.ts';
import type { Codec, Link } from './codec.ts';
import { CHUNK_BYTES } from './ours.ts';
import { differenceFrom, type Frame, renumbered, type Trace } from './trace.ts';

export interface Conditions {
  /** Frames from sending to knowing that it arrived; 0 and 1 both mean: known before the next is sent. */
  readonly ackDelayFrames: number;
  readonly lossPct: number;
}

export interface Measurement {
  readonly codec: string;
  readonly conditions: Conditions;
  /** Snapshots that count. */
  readonly snapshots: number;
  readonly delivered: number;
  readonly bytes: { readonly mean: number; readonly p50: number; readonly p99: number; readonly max: number };
  /** Packets larger than one SCTP chunk. */
  readonly aboveOneChunk: number;
  /** Entities left to a later packet for want of room, per snapshot. */
  readonly heldBack: number;
  /** Medians, in microseconds. Taking in acks is part of encoding; capture is shared by all clients. */
  readonly encodeUs: number;
  readonly decodeUs: number;
  readonly captureUs: number;
  /** Medians of bytes allocated by one call in steady state; undefined if the process cannot tell. */
  readonly encodeAllocates: number | undefined;
  readonly decodeAllocates: number | undefined;
  /** What was decoded wrong, the first few. Nothing else counts if there is any. */
  readonly wrong: readonly string[];
}

/** The last frames of a trace measure allocation instead of time, since asking for the heap's size takes long. */
const ALLOCATION_FRAMES = 40;
const WRONG_REPORTED_MAX = 3;
const NONE_EXCUSED: ReadonlySet<number> = new Set();

/** Which frames arrive: the same for every codec. Loss is independent from packet to packet. */
function arrivals(trace: Trace, lossPct: number): boolean[] {
  const rng = new Sfc32(7000 + lossPct);
  return trace.frames.map(() => rng.float() * 100 >= lossPct);
}

function heapBytes(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What asking itself allocates. */
function heapBytesOfAsking(): number {
  return median(Array.from({ length: 64 }, () => -heapBytes() + heapBytes()));
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

export const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

/** Traces renumbered for codecs that want small ids, each made once. */
const renumberedTraces = new WeakMap<Trace, Trace>();

function traceFor(codec: Codec, trace: Trace): Trace {
  if (codec.ids === 'real') return trace;
  let small = renumberedTraces.get(trace);
  if (small === undefined) renumberedTraces.set(trace, (small = renumbered(trace)));
  return small;
}

/** One pass of a trace through a link, and all that is noted on the way. */
class Pass {
  readonly bytes: number[] = [];
  readonly heldBack: number[] = [];
  readonly encodeMs: number[] = [];
  readonly decodeMs: number[] = [];
  readonly captureMs: number[] = [];
  readonly encodeHeap: number[] = [];
  readonly decodeHeap: number[] = [];
  readonly wrong: string[] = [];
  delivered = 0;
  readonly #trace: Trace;
  readonly #link: Link;

  constructor(trace: Trace, link: Link) {
    this.#trace = trace;
    this.#link = link;
  }

  /** `ackedIndex` is the frame whose ack comes in now, or undefined. */
  send(frame: Frame, ackedIndex: number | undefined, isArriving: boolean): void {
    const link = this.#link;
    const isCounted = frame.index >= this.#trace.warmUpFrames;
    const isForHeap = frame.index >= this.#trace.frames.length - ALLOCATION_FRAMES;
    const read = isForHeap ? heapBytes : () => performance.now();
    link.load(frame);
    const loadedMs = performance.now();
    link.capture?.();
    const capturedMs = performance.now();
    const start = read();
    if (ackedIndex !== undefined) link.acknowledge?.(ackedIndex);
    const packet = link.encode();
    const encoded = read();
    const held = link.heldBack?.() ?? NONE_EXCUSED;
    if (isCounted) {
      this.bytes.push(packet.length);
      this.heldBack.push(held.size);
      (isForHeap ? this.encodeHeap : this.encodeMs).push(encoded - start);
      this.captureMs.push(capturedMs - loadedMs);
    }
    if (!isArriving) return;
    const decodeStart = read();
    link.decode(packet);
    const decoded = read();
    if (isCounted) {
      this.delivered++;
      (isForHeap ? this.decodeHeap : this.decodeMs).push(decoded - decodeStart);
    }
    const difference = differenceFrom(this.#trace, frame, link.decoded(), held);
    if (difference !== undefined && this.wrong.length < WRONG_REPORTED_MAX) this.wrong.push(difference);
  }
}

export function measure(trace: Trace, codec: Codec, conditions: Conditions): Measurement {
  const source = traceFor(codec, trace);
  const isArriving = arrivals(source, conditions.lossPct);
  const delay = Math.max(1, conditions.ackDelayFrames);
  // A minor one: full collections make V8 forget what it knows of the code, and nothing is fast any more.
  globalThis.gc?.({ type: 'minor' });
  const pass = new Pass(source, codec.open(source));
  for (const frame of source.frames) {
    const ackedIndex = frame.index - delay;
    pass.send(frame, ackedIndex >= 0 && isArriving[ackedIndex] === true ? ackedIndex : undefined, isArriving[frame.index]!);
  }
  const asking = heapBytesOfAsking();
  const allocated = (samples: readonly number[]): number | undefined =>
    globalThis.gc === undefined || samples.length === 0 ? undefined : Math.max(0, median(samples) - asking);
  return {
    codec: codec.name,
    conditions,
    snapshots: pass.bytes.length,
    delivered: pass.delivered,
    bytes: { mean: mean(pass.bytes), p50: median(pass.bytes), p99: quantile(pass.bytes, 0.99), max: Math.max(...pass.bytes) },
    aboveOneChunk: pass.bytes.filter((bytes) => bytes > CHUNK_BYTES).length,
    heldBack: mean(pass.heldBack),
    encodeUs: median(pass.encodeMs) * 1000,
    decodeUs: median(pass.decodeMs) * 1000,
    captureUs: median(pass.captureMs) * 1000,
    encodeAllocates: allocated(pass.encodeHeap),
    decodeAllocates: allocated(pass.decodeHeap),
    wrong: pass.wrong,
  };
}
