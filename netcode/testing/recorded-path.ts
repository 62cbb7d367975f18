/**
 * One direction of a network that was recorded: what is sent now meets the fate of the packet that was sent at this
 * moment of the recording. At its end the recording begins again.
 */
import type { PathSink } from '../transport/conditions.ts';

/** A packet of a recording, on one clock: `arrivedMs` undefined if it was lost. */
export interface RecordedPacket {
  readonly sentMs: number;
  readonly arrivedMs: number | undefined;
}

/** What a simulated link needs of one direction; a `WireDirection` is one. */
export interface StatePath {
  /** False: the lane is not open. */
  sendState(bytes: Uint8Array, nowMs: number, lane?: number): boolean;
  /** Infinity: the lane is not open. */
  stateBufferedBytes(nowMs: number, lane?: number): number;
  openLanes(count: number, nowMs: number): void;
  deliver(nowMs: number, sink: PathSink): void;
}

export class RecordedPath implements StatePath {
  readonly #packets: readonly RecordedPacket[];
  readonly #startMs: number;
  readonly #lengthMs: number;
  /** Sorted by arrival. */
  readonly #underWay: { readonly bytes: Uint8Array; readonly arrivesMs: number }[] = [];

  /** `packets` in the order in which they were sent. Throws RangeError on what no recording can hold. */
  constructor(packets: readonly RecordedPacket[]) {
    const first = packets[0];
    const last = packets.at(-1);
    if (first === undefined || last === undefined) throw new RangeError('a recorded network needs one packet at least');
    let sentMs = -Infinity;
    for (const packet of packets) {
      if (!(packet.sentMs >= sentMs && packet.sentMs < Infinity)) throw new RangeError(`sentMs ${packet.sentMs} goes back from ${sentMs}`);
      if (packet.arrivedMs !== undefined && !(packet.arrivedMs >= packet.sentMs && packet.arrivedMs < Infinity))
        throw new RangeError(`a packet sent at ${packet.sentMs} ms cannot arrive at ${packet.arrivedMs} ms`);
      sentMs = packet.sentMs;
    }
    this.#packets = packets;
    this.#startMs = first.sentMs;
    const meanGapMs = packets.length > 1 ? (last.sentMs - first.sentMs) / (packets.length - 1) : 0;
    this.#lengthMs = last.sentMs - first.sentMs + (meanGapMs > 0 ? meanGapMs : 1);
  }

  sendState(bytes: Uint8Array, nowMs: number, lane = 0): boolean {
    if (lane !== 0) return false;
    const { sentMs, arrivedMs } = this.#fateAt(this.#startMs + (nowMs % this.#lengthMs));
    if (arrivedMs === undefined) return true;
    const arrivesMs = nowMs + arrivedMs - sentMs;
    let at = this.#underWay.length;
    while (at > 0 && this.#underWay[at - 1]!.arrivesMs > arrivesMs) at--;
    this.#underWay.splice(at, 0, { bytes: bytes.slice(), arrivesMs });
    return true;
  }

  /** A recording tells when packets arrived, not where they waited. */
  stateBufferedBytes(_nowMs: number, lane = 0): number {
    return lane === 0 ? 0 : Infinity;
  }

  /** A recording is of one connection. */
  openLanes(): void {}

  deliver(nowMs: number, sink: PathSink): void {
    for (let packet = this.#underWay[0]; packet !== undefined && packet.arrivesMs <= nowMs; packet = this.#underWay[0]) {
      this.#underWay.shift();
      sink.state(packet.bytes, packet.arrivesMs, 0);
    }
  }

  /** The last packet sent at this moment or before. */
  #fateAt(sentMs: number): RecordedPacket {
    let low = 0;
    let high = this.#packets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.#packets[middle]!.sentMs <= sentMs) low = middle;
      else high = middle - 1;
    }
    return this.#packets[low]!;
  }
}
