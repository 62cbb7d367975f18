/**
 * What a sender believes of one lane. An unreliable data channel sits on SCTP's congestion control (RFC 9260, 7.2): what
 * its window has no room for waits in the browser and arrives stale, and after a retransmission time-out the lane carries
 * almost nothing for up to seconds. Neither can be asked for. Both can be told from what was acknowledged, since the rules
 * are known; PROTOCOL.md has the measurements behind the numbers.
 */

/** Size of SCTP's packets in browsers; windows count in it. */
export const SCTP_PACKET_BYTES = 1_191;
/** What the window counts of a packet beside its payload: the chunk's header, and padding to four bytes. */
export const CHUNK_OVERHEAD_BYTES = 19;
const FIRST_WINDOW_BYTES = 10 * SCTP_PACKET_BYTES;
/** More is no use: nobody plays at 40 Mbit/s. */
const WINDOW_BYTES_MAX = 512 * 1024;
/** Newer packets of the lane that must have arrived before SCTP takes one for lost. */
const NEWER_FOR_LOSS = 3;
/** Where the make of SCTP matters. */
export interface SctpMake {
  /** After a loss the window is halved, but not below this. */
  readonly lossWindowBytes: number;
  /** The shortest retransmission time-out, and what it allows for the variance of the round trip at least. What is older has been given up. */
  readonly timeOutMs: number;
  readonly timeOutMarginMs: number;
}

/** Of Chromium, and of Firefox from 153 on. */
export const DCSCTP: SctpMake = { lossWindowBytes: 4 * SCTP_PACKET_BYTES, timeOutMs: 400, timeOutMarginMs: 220 };
/** Of Node's libdatachannel. */
export const USRSCTP: SctpMake = { lossWindowBytes: 2 * SCTP_PACKET_BYTES, timeOutMs: 200, timeOutMarginMs: 50 };

/** Weight of a packet in the share that is lost: some fifty count. */
const LOSS_GAIN = 1 / 50;

/** A packet as its sender remembers it. */
export interface SentPacket {
  readonly sequence: number;
  readonly sentAtMs: number;
  readonly sizeBytes: number;
  readonly lane: number;
  /** Which of the link's paths it went over: `pathChanges` then. Undefined: 0. */
  readonly path?: number;
  /** Counts the packets of its lane. */
  readonly laneNumber: number;
  /** The match and tick it was about; below 0: none. */
  readonly match: number;
  readonly tick: number;
}

export class LaneWindow {
  make = DCSCTP;
  /** Bytes that SCTP lets be under way, as far as can be told. */
  windowBytes = FIRST_WINDOW_BYTES;
  /** Bytes that neither arrived nor are given up, as SCTP counts them. */
  flightBytes = 0;
  sentAtMs = -Infinity;
  /** Of the last packets whose fate is known, the share that was lost. */
  lossShare = 0;
  /** Times that nothing was answered for longer than a round trip takes. */
  stalls = 0;
  readonly #flight: SentPacket[] = [];
  #sentCount = 0;
  #newestAcked = 0;
  /** When the first was sent that no ack has answered, not even one for a newer packet: remembered beyond what is given up. */
  #unansweredSinceMs: number | undefined;
  #slowStartBytes = Infinity;
  #shrunkAtMs = -Infinity;
  /** Since the last growth behind `#slowStartBytes`. */
  #ackedBytes = 0;
  #isStalled = false;
  #isTimedOut = false;

  /** The number that the lane's next packet gets. */
  get nextNumber(): number {
    return this.#sentCount + 1;
  }

  /** Nothing was answered for longer than a round trip takes. */
  get isStalled(): boolean {
    return this.#isStalled;
  }

  /** It stalls for so long that SCTP's window is closed by now. */
  get isTimedOut(): boolean {
    return this.#isTimedOut;
  }

  /** Whether anything is under way whose fate is open. */
  get isUnanswered(): boolean {
    return this.#flight.length > 0;
  }

  /** Room for a packet's payload. */
  get roomBytes(): number {
    return this.windowBytes - this.flightBytes - CHUNK_OVERHEAD_BYTES;
  }

  sent(packet: SentPacket): void {
    this.#sentCount = packet.laneNumber;
    this.sentAtMs = packet.sentAtMs;
    this.flightBytes += chunkBytes(packet);
    this.#unansweredSinceMs ??= packet.sentAtMs;
    this.#flight.push(packet);
  }

  /** One of its packets has arrived. Acks that come together are to be told oldest first. */
  acked(packet: SentPacket, nowMs: number): void {
    const wasFull = this.flightBytes + SCTP_PACKET_BYTES >= this.windowBytes;
    this.#newestAcked = Math.max(this.#newestAcked, packet.laneNumber);
    this.#isStalled = false;
    this.#isTimedOut = false;
    this.lossShare -= this.lossShare * LOSS_GAIN;
    const at = this.#flight.indexOf(packet);
    if (at >= 0) this.#drop(at);
    this.#unansweredSinceMs = this.#flight.find(({ laneNumber }) => laneNumber > this.#newestAcked)?.sentAtMs;
    if (wasFull) this.#grow(chunkBytes(packet));
    while (this.#flight.length > 0 && this.#flight[0]!.laneNumber <= this.#newestAcked - NEWER_FOR_LOSS) {
      this.lossShare += (1 - this.lossShare) * LOSS_GAIN;
      this.#shrink(this.#flight[0]!.sentAtMs, nowMs);
      this.#drop(0);
    }
  }

  /** Gives up what SCTP has given up, and notices a stall: no answer for `patienceMs` longer than the round trip of `rttMs`. */
  watch(nowMs: number, rttMs: number, patienceMs: number): void {
    const waitedMs = nowMs - (this.#unansweredSinceMs ?? nowMs);
    if (!this.#isStalled && waitedMs > rttMs + patienceMs) {
      this.#isStalled = true;
      this.stalls++;
    }
    const timeOutMs = Math.max(this.make.timeOutMs, rttMs + this.make.timeOutMarginMs);
    if (this.#isStalled && waitedMs > timeOutMs && !this.#isTimedOut) {
      this.#isTimedOut = true;
      this.#slowStartBytes = Math.max(this.windowBytes / 2, this.make.lossWindowBytes);
      this.windowBytes = SCTP_PACKET_BYTES;
      this.#shrunkAtMs = nowMs;
    }
    while (this.#flight.length > 0 && nowMs - this.#flight[0]!.sentAtMs > timeOutMs) this.#drop(0);
  }

  /** The lane has another association, or none. */
  restart(): void {
    this.windowBytes = FIRST_WINDOW_BYTES;
    this.flightBytes = 0;
    this.#flight.length = 0;
    this.#slowStartBytes = Infinity;
    this.#unansweredSinceMs = undefined;
    this.#isStalled = false;
    this.#isTimedOut = false;
  }

  #drop(at: number): void {
    const [packet] = this.#flight.splice(at, 1);
    this.flightBytes -= chunkBytes(packet!);
  }

  #grow(ackedBytes: number): void {
    if (this.windowBytes < this.#slowStartBytes) {
      this.windowBytes += Math.min(ackedBytes, SCTP_PACKET_BYTES);
    } else {
      this.#ackedBytes += ackedBytes;
      if (this.#ackedBytes < this.windowBytes) return;
      this.#ackedBytes = 0;
      this.windowBytes += SCTP_PACKET_BYTES;
    }
    this.windowBytes = Math.min(this.windowBytes, WINDOW_BYTES_MAX);
  }

  /** A loss halves the window, once for all that was under way together. */
  #shrink(sentAtMs: number, nowMs: number): void {
    if (sentAtMs <= this.#shrunkAtMs) return;
    this.windowBytes = Math.max(this.windowBytes / 2, this.make.lossWindowBytes);
    this.#slowStartBytes = this.windowBytes;
    this.#shrunkAtMs = nowMs;
  }
}

const chunkBytes = ({ sizeBytes }: SentPacket): number => sizeBytes + CHUNK_OVERHEAD_BYTES;
