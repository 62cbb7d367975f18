/**
 * The sending half of one SCTP association in virtual time, as Chromium's behaves: what a data channel is congestion-controlled by.
 *
 * A message is cut into chunks, a chunk counts against the window until it is acknowledged or thought lost, and what the window has
 * no room for waits here in order: the browser's `bufferedAmount`. State is never sent twice: what is lost is abandoned, and the
 * receiver is told not to wait for it. Control is sent until it is acknowledged. Rules and figures are of RFC 9260 and RFC 3758 and
 * of the implementation in Chromium; PROTOCOL.md has what was measured of them.
 *
 *     message -> queue -> window has room? -> chunk under way -> acknowledged
 *                                                   └─> missed by 3 acks, or no ack for a time-out -> abandoned (control: again)
 */

/** Largest SCTP packet of Chromium, its header included; windows are counted in these. */
export const SCTP_PACKET_BYTES = 1_191;
export const CHUNK_HEADER_BYTES = 16;
const WINDOW_FIRST_BYTES = 10 * SCTP_PACKET_BYTES;
/** No loss that acks tell of makes the window smaller; only a time-out does. */
const WINDOW_LOSS_BYTES = 4 * SCTP_PACKET_BYTES;
/** Acks that must tell of newer chunks before one is thought lost. */
const MISSES_FOR_LOSS = 3;
const TIME_OUT_FIRST_MS = 500;
const TIME_OUT_MS_MIN = 400;
/** What doubling stops at. */
const TIME_OUT_BACKED_OFF_MS_MAX = 3_000;
const ROUND_TRIP_VARIANCE_MS_MIN = 27.5;
/** How often the receiver is told to skip what is abandoned: every round trip, but not more seldom than this. */
const FORWARD_INTERVAL_MS_MAX = 200;
/** What Chromium lets wait for one channel before `send` throws. */
export const STATE_QUEUE_BYTES_MAX = 16 * 1024 * 1024;

export interface SctpMessage {
  /** Undefined marks the close: ordered after all control. */
  readonly bytes: Uint8Array | undefined;
  readonly sizeBytes: number;
  readonly isReliable: boolean;
  /** Counts reliable messages, which arrive in this order. */
  readonly order: number;
  /** How much of it has become chunks. */
  sentBytes: number;
  /** How much of it has arrived; kept by the receiver. */
  arrivedBytes: number;
}

export interface SctpChunk {
  readonly tsn: number;
  readonly message: SctpMessage;
  readonly payloadBytes: number;
  /** With header, padded to four. */
  readonly sizeBytes: number;
  sentAtMs: number;
  misses: number;
  receipt: 'open' | 'lost' | 'acked';
  fate: 'sent' | 'again' | 'abandoned';
  hasBeenResent: boolean;
}

/** What a receiver has: all numbers up to `cumulative`, and from `gaps[2n]` to `gaps[2n + 1]`. */
export interface SctpSack {
  readonly cumulative: number;
  readonly gaps: readonly number[];
}

const NOTHING: SctpMessage = { bytes: undefined, sizeBytes: 0, isReliable: false, order: 0, sentBytes: 0, arrivedBytes: 0 };

export class SctpSender {
  readonly #state: SctpMessage[] = [];
  readonly #control: SctpMessage[] = [];
  /** Sent and not yet acknowledged in a row, by number: the first is `#cumulative + 1`. */
  readonly #chunks: SctpChunk[] = [];
  /** To be sent again: at once, whatever the window says; and when it has room. */
  #urgent: SctpChunk[] = [];
  #again: SctpChunk[] = [];
  #cumulative = 0;
  #controlSent = 0;
  #wasControl = false;
  #windowBytes = WINDOW_FIRST_BYTES;
  #slowStartBytes = Infinity;
  #ackedBytes = 0;
  #flightBytes = 0;
  /** The number whose ack ends the recovery from a loss; 0: there is none to recover from. */
  #recoversAt = 0;
  #timesOutMs = Infinity;
  #timeOuts = 0;
  #timeOutMs = TIME_OUT_FIRST_MS;
  #roundTripMs = TIME_OUT_FIRST_MS;
  #varianceMs = -1;
  #forwardsFromMs = -Infinity;
  #queuedStateBytes = 0;
  #queuedControlBytes = 0;

  get windowBytes(): number {
    return this.#windowBytes;
  }

  /** Sent, and neither acknowledged nor lost. */
  get flightBytes(): number {
    return this.#flightBytes;
  }

  get queuedStateBytes(): number {
    return this.#queuedStateBytes;
  }

  get queuedControlBytes(): number {
    return this.#queuedControlBytes;
  }

  /** When `timeOut` is due; Infinity: nothing is under way. */
  get timesOutMs(): number {
    return this.#timesOutMs;
  }

  /** Queues bytes, which now belong to the sender. False: too much waits already. */
  queueState(bytes: Uint8Array): boolean {
    if (this.#queuedStateBytes + bytes.byteLength > STATE_QUEUE_BYTES_MAX) return false;
    this.#state.push({ bytes, sizeBytes: bytes.byteLength, isReliable: false, order: 0, sentBytes: 0, arrivedBytes: 0 });
    this.#queuedStateBytes += bytes.byteLength;
    return true;
  }

  /** Queues a reliable message; undefined: the close. The caller bounds what waits. */
  queueControl(bytes: Uint8Array | undefined): void {
    const sizeBytes = bytes?.byteLength ?? 1;
    this.#control.push({ bytes, sizeBytes, isReliable: true, order: ++this.#controlSent, sentBytes: 0, arrivedBytes: 0 });
    this.#queuedControlBytes += sizeBytes;
  }

  /** Chunks for one packet with so much room left, as far as the window allows; undefined: none. */
  take(roomBytes: number, nowMs: number): SctpChunk[] | undefined {
    let room = floor4(Math.min(Math.max(0, this.#windowBytes - this.#flightBytes), roomBytes));
    let chunks = this.#again.length === 0 ? undefined : this.#takeAgain(this.#again, room, nowMs);
    if (chunks !== undefined) for (const { sizeBytes } of chunks) room -= sizeBytes;
    while (room > CHUNK_HEADER_BYTES) {
      const chunk = this.#cut(room - CHUNK_HEADER_BYTES, nowMs);
      if (chunk === undefined) break;
      room -= chunk.sizeBytes;
      if (chunks === undefined) chunks = [chunk];
      else chunks.push(chunk);
    }
    if (chunks !== undefined) this.#startTimer(nowMs);
    return chunks;
  }

  /** Control that acks have just told of as lost, for one packet beside the window; undefined: none. The rest waits for room. */
  takeUrgent(roomBytes: number, nowMs: number): SctpChunk[] | undefined {
    if (this.#urgent.length === 0) return undefined;
    const chunks = this.#takeAgain(this.#urgent, roomBytes, nowMs);
    this.#again = [...this.#again, ...this.#urgent].sort((a, b) => a.tsn - b.tsn);
    this.#urgent = [];
    if (chunks?.[0]?.tsn === this.#cumulative + 1) this.#timesOutMs = Infinity;
    this.#startTimer(nowMs);
    return chunks;
  }

  /** The number up to which the receiver is to wait for nothing, if it is to be told now; else 0. */
  takeForward(nowMs: number): number {
    if (this.#chunks[0]?.fate !== 'abandoned' || nowMs < this.#forwardsFromMs) return 0;
    let count = 1;
    while (this.#chunks[count]?.fate === 'abandoned') count += 1;
    this.#forwardsFromMs = nowMs + Math.min(FORWARD_INTERVAL_MS_MAX, this.#roundTripMs);
    return this.#cumulative + count;
  }

  /** Takes an ack; false: it is older than one before. */
  acknowledge(sack: SctpSack, nowMs: number): boolean {
    const before = this.#cumulative;
    if (sack.cumulative < before) return false;
    const wasFlightBytes = this.#flightBytes;
    if (sack.gaps.length === 0) this.#measureRoundTrip(this.#chunkAt(sack.cumulative), nowMs);
    if (sack.cumulative >= this.#recoversAt) this.#recoversAt = 0;
    let ackedBytes = 0;
    while (this.#cumulative < sack.cumulative) {
      ackedBytes += this.#settle(this.#chunks.shift()!);
      this.#cumulative += 1;
    }
    let hasLoss = false;
    if (sack.gaps.length > 0) {
      const told = this.#acknowledgeGaps(sack, before);
      ackedBytes += told.ackedBytes;
      hasLoss = told.hasLoss;
    }
    if (this.#cumulative > before) {
      this.#timesOutMs = Infinity;
      this.#grow(wasFlightBytes, ackedBytes);
    }
    if (hasLoss) this.#shrink();
    if (this.#chunks.length > 0) this.#startTimer(nowMs);
    return true;
  }

  /** No ack moved on for a time-out: whatever is under way counts as lost, and the window is one packet. */
  timeOut(nowMs: number): void {
    this.#timeOuts += 1;
    this.#timesOutMs = nowMs + Math.min(TIME_OUT_BACKED_OFF_MS_MAX, this.#timeOutMs * 2 ** Math.min(this.#timeOuts, 8));
    this.#slowStartBytes = Math.max(this.#windowBytes / 2, WINDOW_LOSS_BYTES);
    this.#windowBytes = SCTP_PACKET_BYTES;
    this.#ackedBytes = 0;
    // Giving up a message may add a chunk behind these.
    const count = this.#chunks.length;
    for (let n = 0; n < count; n++) {
      const chunk = this.#chunks[n]!;
      if (chunk.receipt !== 'acked') this.#miss(chunk, { isLost: true, isUrgent: false });
    }
  }

  #chunkAt(tsn: number): SctpChunk | undefined {
    return this.#chunks[tsn - this.#cumulative - 1];
  }

  /** The next chunk of what waits: a message begun is finished first, then state and control take turns. */
  #cut(payloadBytesMax: number, nowMs: number): SctpChunk | undefined {
    const state = this.#state[0];
    const control = this.#control[0];
    const isControl =
      control !== undefined && (state === undefined || control.sentBytes > 0 || (state.sentBytes === 0 && !this.#wasControl));
    const message = isControl ? control : state;
    if (message === undefined) return undefined;
    const payloadBytes = Math.min(payloadBytesMax, message.sizeBytes - message.sentBytes);
    message.sentBytes += payloadBytes;
    if (isControl) this.#queuedControlBytes -= payloadBytes;
    else this.#queuedStateBytes -= payloadBytes;
    if (message.sentBytes === message.sizeBytes) {
      (isControl ? this.#control : this.#state).shift();
      this.#wasControl = isControl;
    }
    const chunk = this.#number(message, payloadBytes, nowMs);
    this.#flightBytes += chunk.sizeBytes;
    return chunk;
  }

  #number(message: SctpMessage, payloadBytes: number, sentAtMs: number): SctpChunk {
    const chunk: SctpChunk = {
      tsn: this.#cumulative + this.#chunks.length + 1,
      message,
      payloadBytes,
      sizeBytes: floor4(CHUNK_HEADER_BYTES + payloadBytes + 3),
      sentAtMs,
      misses: 0,
      receipt: 'open',
      fate: 'sent',
      hasBeenResent: false,
    };
    this.#chunks.push(chunk);
    return chunk;
  }

  /** Moves what fits from a list of chunks to be sent again. */
  #takeAgain(from: SctpChunk[], roomBytes: number, nowMs: number): SctpChunk[] | undefined {
    let room = roomBytes;
    let taken: SctpChunk[] | undefined;
    for (let n = 0; n < from.length;) {
      const chunk = from[n]!;
      if (chunk.sizeBytes > room) {
        n += 1;
        continue;
      }
      from.splice(n, 1);
      room -= chunk.sizeBytes;
      this.#flightBytes += chunk.sizeBytes;
      Object.assign(chunk, { fate: 'sent', receipt: 'open', misses: 0, hasBeenResent: true, sentAtMs: nowMs });
      (taken ??= []).push(chunk);
    }
    return taken;
  }

  #acknowledgeGaps({ cumulative, gaps }: SctpSack, before: number): { readonly ackedBytes: number; readonly hasLoss: boolean } {
    let ackedBytes = 0;
    let newest = cumulative;
    for (let n = 0; n < gaps.length; n += 2) {
      for (let tsn = gaps[n]!; tsn <= gaps[n + 1]!; tsn++) {
        const chunk = this.#chunkAt(tsn);
        if (chunk === undefined || chunk.receipt === 'acked') continue;
        ackedBytes += this.#settle(chunk);
        newest = tsn;
      }
    }
    // An ack is a miss for what is older than anything it newly tells of; during a recovery also whenever it moves on.
    const isRecovering = this.#recoversAt > 0;
    if (isRecovering && cumulative > before) newest = gaps.at(-1)!;
    let hasLoss = false;
    let from = cumulative + 1;
    for (let n = 0; n < gaps.length; n += 2) {
      for (let tsn = from; tsn < gaps[n]! && tsn <= newest; tsn++) {
        const chunk = this.#chunkAt(tsn);
        if (chunk !== undefined && this.#miss(chunk, { isLost: false, isUrgent: !isRecovering })) hasLoss = true;
      }
      from = gaps[n + 1]! + 1;
    }
    return { ackedBytes, hasLoss };
  }

  /** A chunk has come, or need not come any more. Returns the bytes that this is news of. */
  #settle(chunk: SctpChunk): number {
    if (chunk.receipt === 'acked') return 0;
    if (chunk.receipt === 'open') this.#flightBytes -= chunk.sizeBytes;
    if (chunk.fate === 'again') {
      this.#again = this.#again.filter((other) => other !== chunk);
      this.#urgent = this.#urgent.filter((other) => other !== chunk);
      chunk.fate = 'sent';
    }
    chunk.receipt = 'acked';
    return chunk.sizeBytes;
  }

  /** One ack more without it. Returns whether it is lost by that; until then it counts as under way. */
  #miss(chunk: SctpChunk, { isLost, isUrgent }: { readonly isLost: boolean; readonly isUrgent: boolean }): boolean {
    chunk.misses += 1;
    if (chunk.receipt !== 'open' || (!isLost && chunk.misses < MISSES_FOR_LOSS)) return false;
    if (!chunk.message.isReliable) {
      this.#abandon(chunk.message);
      return true;
    }
    chunk.receipt = 'lost';
    chunk.fate = 'again';
    this.#flightBytes -= chunk.sizeBytes;
    (isUrgent ? this.#urgent : this.#again).push(chunk);
    return true;
  }

  /** A message that lacks one chunk is no use: none of them is waited for, and the rest is not sent. */
  #abandon(message: SctpMessage): void {
    for (const chunk of this.#chunks) {
      if (chunk.message !== message) continue;
      if (chunk.receipt === 'open') {
        this.#flightBytes -= chunk.sizeBytes;
        chunk.receipt = 'lost';
      }
      chunk.fate = 'abandoned';
    }
    if (this.#state[0] !== message) return;
    this.#state.shift();
    this.#queuedStateBytes -= message.sizeBytes - message.sentBytes;
    // Stands for the end of the message, so that the receiver can be told to skip that, too.
    Object.assign(this.#number(NOTHING, 0, 0), { receipt: 'acked', fate: 'abandoned' });
  }

  #grow(wasFlightBytes: number, ackedBytes: number): void {
    const wasUsed = wasFlightBytes + SCTP_PACKET_BYTES >= this.#windowBytes;
    if (this.#windowBytes <= this.#slowStartBytes) {
      if (wasUsed && this.#recoversAt === 0) this.#windowBytes += Math.min(ackedBytes, SCTP_PACKET_BYTES);
      return;
    }
    this.#ackedBytes += ackedBytes;
    if (!wasUsed || this.#ackedBytes < this.#windowBytes) return;
    this.#ackedBytes -= this.#windowBytes;
    this.#windowBytes += SCTP_PACKET_BYTES;
  }

  /** A loss: half the window, once for all that was under way together. */
  #shrink(): void {
    if (this.#recoversAt > 0) return;
    this.#windowBytes = Math.max(this.#windowBytes / 2, WINDOW_LOSS_BYTES);
    this.#slowStartBytes = this.#windowBytes;
    this.#ackedBytes = 0;
    this.#recoversAt = this.#cumulative + this.#chunks.length;
  }

  /** An ack that was late because its chunk was skipped measures, too, and makes the time-out long: so it is in Chromium. */
  #measureRoundTrip(chunk: SctpChunk | undefined, nowMs: number): void {
    if (chunk === undefined || chunk.hasBeenResent || chunk.message === NOTHING) return;
    const measuredMs = nowMs - chunk.sentAtMs;
    const isFirst = this.#varianceMs < 0;
    const varianceMs = isFirst ? measuredMs / 2 : this.#varianceMs + (Math.abs(this.#roundTripMs - measuredMs) - this.#varianceMs) / 4;
    this.#roundTripMs = isFirst ? measuredMs : this.#roundTripMs + (measuredMs - this.#roundTripMs) / 8;
    this.#varianceMs = Math.max(varianceMs, ROUND_TRIP_VARIANCE_MS_MIN);
    this.#timeOutMs = Math.max(TIME_OUT_MS_MIN, this.#roundTripMs + 4 * this.#varianceMs);
  }

  #startTimer(nowMs: number): void {
    if (this.#timesOutMs < Infinity) return;
    this.#timeOuts = 0;
    this.#timesOutMs = nowMs + this.#timeOutMs;
  }
}

function floor4(bytes: number): number {
  return Math.floor(bytes / 4) * 4;
}
