/**
 * Numbers and acks of one end of a link's state channel: numbers the packets it sends, acknowledges those it receives, and
 * tells which of its own arrived, when, and how long the round trip took. Acks ride on every packet, each repeated in the
 * next 32, so a lost packet does not lose them (PROTOCOL.md draws the header).
 */
import { isNewer, SequenceBuffer } from '../core/sequence.ts';
import type { BitSink, BitSource } from '../wire/range-coder.ts';
import type { SentPacket } from './lane-window.ts';
import { ARRIVAL_MS_MODULO } from './path-rate.ts';

/** Packets whose fate is remembered: 4 s at 60 Hz. Acks older than that mean nothing any more. */
const SENT_PACKETS_MAX = 256;
/** Acks repeated behind the newest one. */
const ACK_BITS = 32;
/** A packet whose ack has not come after this many newer ones were acked counts as lost. */
const LOSS_WINDOW = 32;
/** Packets over which loss is told: 2 s at 60 Hz. */
const LOSS_SPAN = 128;
/** The newest packets are left out of the loss: reordering may still bring them. */
const LATE_PACKETS = 8;
/** Weight of a new sample in the smoothed round trip, and in its deviation (RFC 6298). */
const RTT_GAIN = 1 / 8;
const RTT_DEVIATION_GAIN = 1 / 4;
/** Ack delays are told in milliseconds up to this; more than that is no use as a sample. */
const ACK_DELAY_MS_MAX = 255;
const ARRIVAL_BITS = 12;

export interface PacketHeader {
  readonly sequence: number;
  readonly ack: number;
  readonly ackBits: number;
  readonly hasAck: boolean;
  readonly ackDelayMs: number;
  /** When the acknowledged packet arrived on the other side's clock, modulo ARRIVAL_MS_MODULO. */
  readonly arrivedMs: number;
}

/** Hears what became of sent packets. */
export interface AckSink {
  /** In order of their sequence numbers. */
  acked(packet: SentPacket): void;
  /** The newest of them arrived at this moment of the other side's clock, modulo ARRIVAL_MS_MODULO. */
  arrived(packet: SentPacket, arrivedMs: number): void;
}

export class Endpoint {
  /** Smoothed round trip, and its mean deviation; 0 until the first sample. */
  rttMs = 0;
  rttDeviationMs = 0;
  rttSamples = 0;
  packetsLost = 0;
  packetsAcked = 0;
  readonly #sent = new SequenceBuffer<SentPacket>(SENT_PACKETS_MAX);
  readonly #received = new SequenceBuffer<true>(SENT_PACKETS_MAX);
  #nextSequence = 0;
  #newestReceived = -1;
  #newestReceivedAtMs = 0;
  /** Sequence numbers from the first received to the newest. */
  #receivedSpan = 0;
  #newestAcked = -1;
  /** Packets of other paths say nothing of this one's round trip. */
  #path = 0;

  /**
   * Packets go over another path from now on. Numbers and acks go on; the round trip is measured anew, and is taken for the old one until
   * there is a sample.
   */
  changePath(path: number): void {
    this.#path = path;
    this.rttSamples = 0;
  }

  /** The next packet's sequence number, under which `remember` files its content. */
  takeSequence(): number {
    const sequence = this.#nextSequence;
    this.#nextSequence = (sequence + 1) & 0xffff;
    return sequence;
  }

  writeHeader(writer: BitSink, sequence: number, nowMs: number): void {
    writer.bits(sequence, 16);
    writer.bool(this.#newestReceived >= 0);
    if (this.#newestReceived >= 0) {
      writer.bits(this.#newestReceived, 16);
      let ackBits = 0;
      for (let i = 0; i < ACK_BITS; i++) {
        if (this.#received.get((this.#newestReceived - 1 - i) & 0xffff) !== undefined) ackBits += 2 ** i;
      }
      const isComplete = ackBits === 2 ** ACK_BITS - 1;
      writer.bool(isComplete);
      if (!isComplete) writer.bits(ackBits, ACK_BITS);
      writer.bits(Math.min(ACK_DELAY_MS_MAX, Math.max(0, Math.round(nowMs - this.#newestReceivedAtMs))), 8);
      writer.bits(Math.floor(this.#newestReceivedAtMs) % ARRIVAL_MS_MODULO, ARRIVAL_BITS);
    }
  }

  /** Keeps a sent packet until it is acknowledged or given up. */
  remember(packet: SentPacket): void {
    this.#sent.set(packet.sequence, packet);
  }

  /** Reads a header without acting on it: the packet may still prove malformed. */
  static readHeader(reader: BitSource): PacketHeader {
    const sequence = reader.bits(16);
    const hasAck = reader.bool();
    if (!hasAck) return { sequence, hasAck, ack: 0, ackBits: 0, ackDelayMs: 0, arrivedMs: 0 };
    const ack = reader.bits(16);
    const ackBits = reader.bool() ? 2 ** ACK_BITS - 1 : reader.bits(ACK_BITS);
    return { sequence, hasAck, ack, ackBits, ackDelayMs: reader.bits(8), arrivedMs: reader.bits(ARRIVAL_BITS) };
  }

  /** Whether this packet was received before or is too old to tell. */
  isDuplicate(sequence: number): boolean {
    if (this.#newestReceived < 0) return false;
    if (isNewer(sequence, this.#newestReceived)) return false;
    return ((this.#newestReceived - sequence) & 0xffff) >= SENT_PACKETS_MAX || this.#received.get(sequence) !== undefined;
  }

  /** Takes note of a well-formed packet that is to be acknowledged, and reports what it acknowledges. */
  receive(header: PacketHeader, atMs: number, sink: AckSink): void {
    const { sequence } = header;
    if (this.#newestReceived < 0 || isNewer(sequence, this.#newestReceived)) {
      this.#receivedSpan += this.#newestReceived < 0 ? 1 : (sequence - this.#newestReceived) & 0xffff;
      this.#newestReceived = sequence;
      this.#newestReceivedAtMs = atMs;
    }
    this.#received.set(sequence, true);
    if (header.hasAck) this.#processAcks(header, atMs, sink);
  }

  #processAcks({ ack, ackBits, ackDelayMs, arrivedMs }: PacketHeader, atMs: number, sink: AckSink): void {
    const newest = this.#sent.get(ack);
    const isFirstAck = this.#newestAcked < 0 || isNewer(ack, this.#newestAcked);
    if (newest !== undefined && (newest.path ?? 0) === this.#path && isFirstAck) {
      if (ackDelayMs < ACK_DELAY_MS_MAX) this.#sampleRtt(Math.max(0, atMs - newest.sentAtMs - ackDelayMs));
      sink.arrived(newest, arrivedMs);
    }
    for (let i = ACK_BITS - 1; i >= -1; i--) {
      if (i >= 0 && ((ackBits >>> i) & 1) === 0) continue;
      const sequence = (ack - 1 - i) & 0xffff;
      const packet = this.#sent.get(sequence);
      if (packet === undefined) continue;
      this.#sent.delete(sequence);
      this.packetsAcked++;
      sink.acked(packet);
    }
    if (newest !== undefined && isFirstAck) this.#countLosses(ack);
  }

  /** What is still unacknowledged this far behind the newest ack will not be acknowledged. */
  #countLosses(ack: number): void {
    const from = this.#newestAcked < 0 ? 0 : Math.min(LOSS_WINDOW, (ack - this.#newestAcked) & 0xffff);
    for (let i = 0; i < from; i++) {
      const sequence = (ack - LOSS_WINDOW - i) & 0xffff;
      if (this.#sent.get(sequence) === undefined) continue;
      this.#sent.delete(sequence);
      this.packetsLost++;
    }
    this.#newestAcked = ack;
  }

  /** How many of the last packets from the other side never arrived, in percent. The newest few may only be late. */
  get receivedLossPct(): number {
    const oldest = Math.max(0, this.#receivedSpan - LOSS_SPAN - LATE_PACKETS);
    const count = Math.min(LOSS_SPAN, this.#receivedSpan - LATE_PACKETS - oldest);
    if (count <= 0) return 0;
    let lost = 0;
    for (let i = 0; i < count; i++) if (this.#received.get((this.#newestReceived - LATE_PACKETS - i) & 0xffff) === undefined) lost++;
    return (100 * lost) / count;
  }

  #sampleRtt(rttMs: number): void {
    if (this.rttSamples === 0) {
      this.rttMs = rttMs;
      this.rttDeviationMs = rttMs / 2;
    } else {
      this.rttDeviationMs += (Math.abs(rttMs - this.rttMs) - this.rttDeviationMs) * RTT_DEVIATION_GAIN;
      this.rttMs += (rttMs - this.rttMs) * RTT_GAIN;
    }
    this.rttSamples++;
  }
}
