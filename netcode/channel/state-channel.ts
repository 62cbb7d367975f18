/**
 * One end of a link's state channel, from the link's opening to its end: what is to be sent goes through it, and it decides
 * when, over which lane, and how large. Nothing stale ever waits in a send buffer: a packet goes only when there is room for
 * it, and then it is made of the newest state.
 *
 *   receive -> header -> (heartbeat: taken) -> the match's client or host reads the body -> accept -> acks
 *   room    -> a lane with room, bytes that path and window carry -> the packet is written -> send
 *   update  -> rate, stalls, probes, heartbeat, lanes
 *
 * A lane that stalls is left alone and asked by packets that are headers and nothing else: few bytes, so that they never fill
 * what is left of its window, and the first that comes through ends the stall (PROTOCOL.md, "What the wire does").
 */
import type { Tick } from '../core/ids.ts';
import { STATE_LANES_MAX, STATE_PACKET_BYTES_MAX } from '../transport/transport.ts';
import { BitReader, BitWriter } from '../wire/bits.ts';
import { HEARTBEAT_PACKET, readPreamble, sameMatch, writePreamble } from '../wire/packet.ts';
import { type AckSink, Endpoint, type PacketHeader } from './endpoint.ts';
import { LaneSet } from './lane-set.ts';
import type { SentPacket } from './lane-window.ts';
import { PACKET_OVERHEAD_BYTES, PathRate } from './path-rate.ts';
import type { StateLink } from './state-link.ts';

/** A side says something this often: silence means that it or the path is gone. */
export const HEARTBEAT_MS = 100;
/** A lane stalls when an answer takes so much longer than a round trip, or four mean deviations if that is more. */
const STALL_MARGIN_MS = 100;
/** The other side answers with its next packet; it is given so much time for it at most. */
const HEARD_GAP_MS_MAX = 200;
/** Smaller snapshots are no use: rather fewer of them. */
const SNAPSHOT_BYTES_MIN = 200;
/** What an input packet may need. */
const INPUT_BYTES_MIN = 100;
/** A spare lane is opened so long after the first packet: not while everything else begins. */
const SPARE_LANE_MS = 1_000;
const LANES_AT_FIRST = 2;
/** How often it is asked whether windows held packets back, and the share of packets from which on another lane is opened. */
const LANES_LOOK_MS = 2_000;
const HELD_SHARE = 0.1;
/**
 * Who sends less often than this, on a path that loses more than the share, says everything twice: the copy goes half-way to the next
 * packet, over the next lane. Large packets are too dear for that.
 */
const REPEATED_GAP_MS = 25;
const REPEATED_LOSS_SHARE = 0.03;
const REPEATED_BYTES_MAX = 500;
/** A gap between packets of this player is no measure of their rate when it is longer. */
const SENT_GAP_MS_MAX = 100;
const GAP_GAIN = 1 / 16;
/**
 * No ack for so long, and so many packets sent since the last: the path may be walled one way. Then the other side's packets go on coming
 * for seconds, and the browser's own checks of the path take as long.
 */
const UNHEARD_MS = 500;
const UNHEARD_PACKETS = 3;

/** A packet of this match, its header read. */
export interface ArrivedPacket {
  readonly bytes: Uint8Array;
  /** Stands behind the header. */
  readonly reader: BitReader;
  readonly type: number;
  readonly header: PacketHeader;
  readonly atMs: number;
}

export class StateChannel implements AckSink {
  /** Packets that are none: cut off, of no known type. */
  malformedPackets = 0;
  /** Packets of another match, and duplicates. */
  strayPackets = 0;
  /** Packets sent a second time, because the path loses some. */
  repeatedPackets = 0;
  /** Times that a packet had to wait for room. */
  heldBackPackets = 0;
  readonly #link: StateLink;
  readonly #isPaced: boolean;
  readonly #endpoint = new Endpoint();
  readonly #lanes: LaneSet;
  #rate = new PathRate();
  readonly #reader = new BitReader(new Uint8Array(0));
  readonly #writer = new BitWriter(STATE_PACKET_BYTES_MAX);
  /** Which of the link's paths all this was learnt of. */
  #path: number;
  #hasRtt = false;
  #rateCutsBefore = 0;
  #match = -1;
  #onAcked: ((tick: Tick) => void) | undefined;
  #nowMs = 0;
  #sequence = 0;
  #sentMs = -Infinity;
  /** When something was acknowledged last, and the packets sent since. */
  #ackedMs: number | undefined;
  #sentSinceAck = 0;
  #heardMs = -Infinity;
  #firstHeardMs: number | undefined;
  /** There was no room when it was asked for last. */
  #isHeldBack = false;
  /** Usual times between two packets. */
  #sentGapMs = SENT_GAP_MS_MAX;
  #heardGapMs = HEARTBEAT_MS;
  #lanesWanted = 1;
  #lanesLookMs = -Infinity;
  #asked = 0;
  #held = 0;
  /** The last packet of client or host, until it is repeated. */
  readonly #last = new Uint8Array(REPEATED_BYTES_MAX);
  #lastSize = 0;
  #lastMs = 0;
  /** What the windows left of the packet that is being written. */
  #windowBytes = STATE_PACKET_BYTES_MAX;

  /** `isPaced: false` for a link without a network. */
  constructor(link: StateLink, { isPaced = true }: { readonly isPaced?: boolean } = {}) {
    this.#link = link;
    this.#lanes = new LaneSet(link);
    this.#isPaced = isPaced;
    this.#path = link.pathChanges ?? 0;
    this.#endpoint.changePath(this.#path);
  }

  get rttMs(): number {
    return this.#endpoint.rttMs;
  }

  get hasRtt(): boolean {
    return this.#hasRtt || this.#endpoint.rttSamples > 0;
  }

  get receivedLossPct(): number {
    return this.#endpoint.receivedLossPct;
  }

  /** What stands in the path's queue of what this side sent. */
  get queueMs(): number {
    return this.#rate.queueMs;
  }

  /** Times that the rate was cut. */
  get rateCuts(): number {
    return this.#rateCutsBefore + this.#rate.cuts;
  }

  /** Bytes a second that this side may send, overhead included. */
  get bytesPerSecond(): number {
    return this.#rate.bytesPerSecond;
  }

  get lanesOpen(): number {
    return this.#lanes.openCount;
  }

  /** Times that a lane stalled. */
  get stalls(): number {
    return this.#lanes.stalls;
  }

  /** From now on packets are of this match, and acks of its ticks go to `onAcked`. */
  enterMatch(match: number, onAcked: (tick: Tick) => void): void {
    this.#match = match;
    this.#onAcked = onAcked;
  }

  leaveMatch(): void {
    this.#match = -1;
    this.#onAcked = undefined;
  }

  /** The next packet of the match, or undefined. Its reader is reused by the next call. */
  receive(nowMs: number): ArrivedPacket | undefined {
    this.#nowMs = nowMs;
    for (;;) {
      const received = this.#link.receiveState();
      if (received === undefined) return undefined;
      const atMs = Math.min(received.atMs, nowMs);
      this.#hear(atMs);
      const { bytes } = received;
      const reader = this.#reader;
      reader.open(bytes);
      const { type, match } = readPreamble(reader);
      const header = Endpoint.readHeader(reader);
      if (reader.isOverrun) this.malformedPackets++;
      else if (this.#endpoint.isDuplicate(header.sequence)) this.strayPackets++;
      else if (type !== HEARTBEAT_PACKET) {
        if (this.#match >= 0 && sameMatch(match, this.#match)) return { bytes, reader, type, header, atMs };
        this.strayPackets++;
      } else if (reader.isAtEnd) this.#endpoint.receive(header, atMs, this);
      else this.malformedPackets++;
    }
  }

  /** Acknowledges a packet whose body made sense, and takes its acks. */
  accept({ header, atMs }: ArrivedPacket): void {
    this.#endpoint.receive(header, atMs, this);
  }

  /** Bytes that an input packet may have now; 0: it has to wait. */
  roomForInput(nowMs: number): number {
    return this.#room(nowMs, INPUT_BYTES_MIN, -STATE_PACKET_BYTES_MAX);
  }

  /** Bytes that a snapshot packet may have now; 0: it has to wait. */
  roomForSnapshot(nowMs: number): number {
    return this.#room(nowMs, SNAPSHOT_BYTES_MIN, SNAPSHOT_BYTES_MIN + PACKET_OVERHEAD_BYTES);
  }

  /** Begins the packet that there is room for, and writes its header. */
  begin(type: number, nowMs: number): BitWriter {
    return this.#begin(type, this.#lanes.last, nowMs);
  }

  /** Sends the packet that was begun. `tick` is what `onAcked` hears when it arrived. */
  send(tick: Tick, nowMs: number): void {
    const bytes = this.#writer.finish();
    if (this.#windowBytes < STATE_PACKET_BYTES_MAX && bytes.byteLength > this.#windowBytes * 0.8) this.#held++;
    this.#sentGapMs += (Math.min(SENT_GAP_MS_MAX, nowMs - this.#sentMs) - this.#sentGapMs) * GAP_GAIN;
    this.#send(tick, nowMs);
    this.#lastSize = bytes.byteLength <= REPEATED_BYTES_MAX ? bytes.byteLength : 0;
    this.#last.set(bytes.subarray(0, this.#lastSize));
    this.#lastMs = nowMs;
  }

  /** To be called now and then, in and out of matches: as often as packets may be sent. */
  update(nowMs: number): void {
    this.#nowMs = nowMs;
    if (!this.#isPaced) return;
    if ((this.#link.pathChanges ?? 0) !== this.#path) this.#changePath();
    const { rttMs } = this.#endpoint;
    this.#rate.update(nowMs, rttMs);
    this.#lanes.watch(nowMs, rttMs, this.#patienceMs());
    this.#repeat(nowMs);
    for (let count = 0; count < STATE_LANES_MAX; count++) {
      const asked = this.#lanes.nextToAsk(nowMs);
      if (asked !== undefined) this.#sayHeartbeat(asked, nowMs);
    }
    const idle = nowMs - this.#sentMs >= HEARTBEAT_MS ? this.#lanes.chooseForHeartbeat() : undefined;
    if (idle !== undefined) this.#sayHeartbeat(idle, nowMs);
    this.#wantLanes(nowMs);
    if (this.#ackedMs !== undefined && nowMs - this.#ackedMs >= UNHEARD_MS && this.#sentSinceAck >= UNHEARD_PACKETS) this.#link.doubt?.();
  }

  acked(packet: SentPacket): void {
    if ((packet.path ?? 0) === this.#path) {
      this.#ackedMs = this.#nowMs;
      this.#sentSinceAck = 0;
      this.#lanes.acked(packet, this.#nowMs);
      this.#rate.acked(packet.sizeBytes);
    }
    if (packet.match === this.#match && packet.tick >= 0) this.#onAcked?.(packet.tick as Tick);
  }

  arrived(packet: SentPacket, arrivedMs: number): void {
    this.#rate.arrived(packet.sentAtMs, arrivedMs);
  }

  #hear(atMs: number): void {
    this.#firstHeardMs ??= atMs;
    this.#heardGapMs += (Math.min(HEARD_GAP_MS_MAX, Math.max(0, atMs - this.#heardMs)) - this.#heardGapMs) * GAP_GAIN;
    this.#heardMs = Math.max(this.#heardMs, atMs);
  }

  /** How much longer than a round trip an answer may take: the other side answers with its next packet. */
  #patienceMs(): number {
    return this.#endpoint.rttSamples > 0 ? this.#heardGapMs + Math.max(STALL_MARGIN_MS, 4 * this.#endpoint.rttDeviationMs) : Infinity;
  }

  /** Numbers, acks and the match go on; what was learnt of the old path is forgotten. */
  #changePath(): void {
    this.#path = this.#link.pathChanges ?? 0;
    this.#hasRtt = this.hasRtt;
    this.#rateCutsBefore = this.rateCuts;
    this.#endpoint.changePath(this.#path);
    this.#rate = new PathRate();
    this.#lanes.restart();
    this.#lastSize = 0;
    this.#lanesWanted = 1;
    this.#firstHeardMs = undefined;
    this.#asked = 0;
    this.#held = 0;
    // The other side is there, as the old path has shown: what is sent now should be answered soon.
    if (this.#ackedMs !== undefined) this.#ackedMs = this.#nowMs;
    this.#sentSinceAck = 0;
  }

  #room(nowMs: number, bytesMin: number, allowanceMin: number): number {
    if (!this.#isPaced) return this.#link.stateBufferedBytes() === 0 ? STATE_PACKET_BYTES_MAX : 0;
    const allowance = this.#rate.allowance(nowMs);
    const lane = allowance < allowanceMin ? undefined : this.#lanes.choose(bytesMin, this.#heardMs);
    if (lane === undefined) {
      if (!this.#isHeldBack) this.heldBackPackets++;
      this.#isHeldBack = true;
      if (allowance >= allowanceMin && this.#lanes.isWindowFull(bytesMin)) {
        this.#asked++;
        this.#held++;
      }
      return 0;
    }
    this.#isHeldBack = false;
    this.#asked++;
    this.#lanes.last = lane;
    const packets = (this.#endpoint.rttMs + this.#heardGapMs) / this.#sentGapMs + 1;
    const windowBytes = Math.min(this.#lanes.spreadBytes(packets), this.#lanes.roomOf(lane));
    this.#windowBytes = Math.min(STATE_PACKET_BYTES_MAX, Math.max(bytesMin, windowBytes));
    return Math.min(this.#windowBytes, Math.max(bytesMin, Math.floor(allowance - PACKET_OVERHEAD_BYTES)));
  }

  /** The copy has the packet's own number: whoever has that one drops it. It is not in the lane's window, since no ack can be told its. */
  #repeat(nowMs: number): void {
    const size = this.#lastSize;
    if (size === 0 || this.#sentGapMs < REPEATED_GAP_MS || nowMs - this.#lastMs < this.#sentGapMs / 2) return;
    this.#lastSize = 0;
    if (this.#lanes.lossShare < REPEATED_LOSS_SHARE) return;
    const lane = this.#rate.allowance(nowMs) < 2 * (size + PACKET_OVERHEAD_BYTES) ? undefined : this.#lanes.choose(size, this.#heardMs);
    if (lane === undefined || !this.#link.sendState(this.#last.subarray(0, size), lane)) return;
    this.#rate.sent(size);
    this.repeatedPackets++;
  }

  #sayHeartbeat(lane: number, nowMs: number): void {
    this.#begin(HEARTBEAT_PACKET, lane, nowMs);
    this.#send(-1, nowMs);
  }

  #begin(type: number, lane: number, nowMs: number): BitWriter {
    this.#lanes.last = lane;
    this.#sequence = this.#endpoint.takeSequence();
    this.#writer.reset();
    writePreamble(this.#writer, type, Math.max(0, this.#match));
    this.#endpoint.writeHeader(this.#writer, this.#sequence, nowMs);
    return this.#writer;
  }

  #send(tick: number, nowMs: number): void {
    const bytes = this.#writer.finish();
    const lane = this.#lanes.last;
    if (!this.#link.sendState(bytes, lane)) return;
    const packet: SentPacket = {
      sequence: this.#sequence,
      sentAtMs: nowMs,
      sizeBytes: bytes.byteLength,
      lane,
      path: this.#path,
      laneNumber: this.#lanes.windowOf(lane).nextNumber,
      match: this.#match,
      tick,
    };
    this.#endpoint.remember(packet);
    this.#lanes.sent(packet);
    this.#rate.sent(packet.sizeBytes);
    this.#sentMs = nowMs;
    this.#sentSinceAck++;
  }

  /** A spare for the first stall; more where windows, and not the path, hold packets back. */
  #wantLanes(nowMs: number): void {
    if (nowMs - this.#lanesLookMs < LANES_LOOK_MS && this.#lanesWanted > 1) return;
    if (this.#firstHeardMs === undefined || nowMs - this.#firstHeardMs < SPARE_LANE_MS) return;
    const isHeld = this.#asked > 0 && this.#held / this.#asked > HELD_SHARE && this.#lanes.openCount >= this.#lanesWanted;
    this.#lanesWanted = Math.min(STATE_LANES_MAX, Math.max(LANES_AT_FIRST, this.#lanesWanted + Number(isHeld)));
    this.#lanesLookMs = nowMs;
    this.#asked = 0;
    this.#held = 0;
    this.#link.openLanes(this.#lanesWanted);
  }
}
