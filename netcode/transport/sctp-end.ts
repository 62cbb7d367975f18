/**
 * One end of an SCTP association in virtual time: its sending and its receiving half, and the packets that they share. An ack rides
 * on the packet that goes next, as does the word that something is not worth waiting for.
 */
import { SctpReceiver } from './sctp-receiver.ts';
import { SCTP_PACKET_BYTES, type SctpChunk, type SctpMessage, type SctpSack, SctpSender } from './sctp-sender.ts';

const COMMON_HEADER_BYTES = 12;
const PACKET_ROOM_BYTES = Math.floor(SCTP_PACKET_BYTES / 4) * 4 - COMMON_HEADER_BYTES;
const SACK_BYTES = 16;
const GAP_BYTES = 4;
const FORWARD_BYTES = 8;
/** Packets that go in one row at most. */
const BURST_PACKETS_MAX = 4;
/** Below this window the sender asks for every packet to be acknowledged at once. */
const ACK_AT_ONCE_BELOW_BYTES = 10 * SCTP_PACKET_BYTES;

export interface SctpPacket {
  /** Which association of a wire it belongs to. */
  readonly lane: number;
  /** Without IP, UDP and DTLS. */
  readonly sizeBytes: number;
  readonly sack: SctpSack | undefined;
  /** Up to where the receiver is to wait for nothing; 0: not told. */
  readonly forwardTo: number;
  readonly chunks: readonly SctpChunk[] | undefined;
  readonly isUrgent: boolean;
}

export interface SctpEndOptions {
  readonly lane: number;
  send(packet: SctpPacket, nowMs: number): void;
  deliver(message: SctpMessage, atMs: number): void;
}

export class SctpEnd {
  readonly sender = new SctpSender();
  readonly #receiver: SctpReceiver;
  readonly #options: SctpEndOptions;

  constructor(options: SctpEndOptions) {
    this.#options = options;
    this.#receiver = new SctpReceiver(options.deliver);
  }

  /** When `wake` is due. */
  get wakesMs(): number {
    return Math.min(this.sender.timesOutMs, this.#receiver.ackDueMs);
  }

  wake(nowMs: number): void {
    if (this.sender.timesOutMs <= nowMs) {
      this.sender.timeOut(nowMs);
      this.flush(nowMs);
    } else {
      this.#receiver.endAckDelay();
      this.#acknowledge(nowMs);
    }
  }

  /** Sends what the window has room for. */
  flush(nowMs: number): void {
    for (let packet = 0; packet < BURST_PACKETS_MAX; packet++) {
      const sack = packet === 0 ? this.#receiver.takeAck(true) : undefined;
      const forwardTo = packet === 0 ? this.sender.takeForward(nowMs) : 0;
      const extraBytes = sackBytes(sack) + (forwardTo > 0 ? FORWARD_BYTES : 0);
      const chunks = this.sender.take(PACKET_ROOM_BYTES - extraBytes, nowMs);
      if (sack === undefined && forwardTo === 0 && chunks === undefined) return;
      this.#send(extraBytes, { sack, forwardTo, chunks }, nowMs);
    }
  }

  receive({ sack, forwardTo, chunks, isUrgent }: SctpPacket, nowMs: number): void {
    if (sack !== undefined && this.sender.acknowledge(sack, nowMs)) {
      const urgent = this.sender.takeUrgent(PACKET_ROOM_BYTES, nowMs);
      if (urgent !== undefined) this.#send(0, { sack: undefined, forwardTo: 0, chunks: urgent }, nowMs);
      this.flush(nowMs);
    }
    if (forwardTo > 0) this.#receiver.forward(forwardTo);
    if (chunks !== undefined) for (const chunk of chunks) this.#receiver.take(chunk, isUrgent, nowMs);
    this.#receiver.endPacket(nowMs);
    this.#acknowledge(nowMs);
  }

  #acknowledge(nowMs: number): void {
    if (!this.#receiver.isAckDue) return;
    const sack = this.#receiver.takeAck(false);
    this.#send(sackBytes(sack), { sack, forwardTo: 0, chunks: undefined }, nowMs);
  }

  #send(extraBytes: number, { sack, forwardTo, chunks }: Pick<SctpPacket, 'sack' | 'forwardTo' | 'chunks'>, nowMs: number): void {
    let sizeBytes = COMMON_HEADER_BYTES + extraBytes;
    if (chunks !== undefined) for (const chunk of chunks) sizeBytes += chunk.sizeBytes;
    const isUrgent = this.sender.windowBytes < ACK_AT_ONCE_BELOW_BYTES;
    this.#options.send({ lane: this.#options.lane, sizeBytes, sack, forwardTo, chunks, isUrgent }, nowMs);
  }
}

function sackBytes(sack: SctpSack | undefined): number {
  return sack === undefined ? 0 : SACK_BYTES + (sack.gaps.length / 2) * GAP_BYTES;
}
