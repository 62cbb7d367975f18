/**
 * What lies between the two ends of a link in virtual time: two paths, one each way, and up to four SCTP associations that share
 * them, one a lane. The first also carries control.
 *
 *     send -> window has room? -> chunk -> path -> association there -> arrived -> deliver
 *                  └─ waits in "the browser"        └─ ack -> path back -> window here
 *
 * Acks and time-outs are worked off in order of time whenever anyone sends, looks or reads, up to that moment: what arrives depends
 * on the seed and on when what was sent, never on who polled how often.
 */
import type { ConditionedPath, Conditions, PathSink } from './conditions.ts';
import { SctpEnd, type SctpPacket } from './sctp-end.ts';
import type { SctpMessage, SctpSender } from './sctp-sender.ts';
import { CONTROL_BUFFERED_BYTES_MAX, STATE_LANES_MAX } from './transport.ts';

/** Round trips from dial to open channels: offer and answer, ICE check, DTLS (two), SCTP, greeting. */
const HANDSHAKE_ROUND_TRIPS = 6;
/** Messages that arrived and were not fetched: a minute at 60 Hz and as much control as fits the wire. The newest state is lost then. */
const ARRIVED_MESSAGES_MAX = 8_192;

interface Lane {
  /** When its handshake is done; Infinity: nobody asked for it, or the path went down meanwhile. */
  opensMs: number;
  isOpen: boolean;
  /** Of both sides. */
  readonly ends: readonly [SctpEnd, SctpEnd];
}

type Paths = readonly [ConditionedPath<SctpPacket>, ConditionedPath<SctpPacket>];

export class ConditionedWire {
  /** What side 0 sends to side 1, and what side 1 sends to side 0. */
  readonly directions: readonly [WireDirection, WireDirection];
  readonly #paths: Paths;
  readonly #lanes: Lane[] = [];
  /** Nothing is due before: ends are polled far more often than anything happens. */
  #quietUntilMs = -Infinity;

  constructor(paths: Paths) {
    this.#paths = paths;
    this.directions = [new WireDirection(this, 0), new WireDirection(this, 1)];
    this.#addLane().isOpen = true;
  }

  /** Since when either direction is down; Infinity: none is. */
  get downSinceMs(): number {
    return Math.min(this.#paths[0].downSinceMs ?? Infinity, this.#paths[1].downSinceMs ?? Infinity);
  }

  setConditions(side: 0 | 1, conditions: Conditions, nowMs: number): void {
    this.advance(nowMs);
    this.#paths[side].setConditions(conditions, nowMs);
    if (!conditions.isDown) return;
    // A handshake does not outlive the path. Whoever wants the lane asks again.
    for (const lane of this.#lanes) lane.opensMs = Infinity;
  }

  /** How long a dial takes: each round trip has a delay there and one back, and more where messages are lost. */
  drawHandshakeMs(): number {
    let durationMs = 0;
    for (let trip = 0; trip < HANDSHAKE_ROUND_TRIPS; trip++) for (const path of this.#paths) durationMs += path.drawHandshakeMs();
    return durationMs;
  }

  /** Starts the handshakes of lanes that are not open yet. While the path is down nothing happens. */
  openLanes(count: number, nowMs: number): void {
    if (count <= this.#lanes.length && this.#lanes.every(({ isOpen, opensMs }) => isOpen || opensMs < Infinity)) return;
    this.advance(nowMs);
    if (this.downSinceMs < Infinity) return;
    const wanted = Math.min(count, STATE_LANES_MAX);
    while (this.#lanes.length < wanted) this.#addLane();
    for (const lane of this.#lanes.slice(0, wanted)) {
      if (!lane.isOpen && lane.opensMs === Infinity) lane.opensMs = nowMs + this.drawHandshakeMs();
    }
    this.#quietUntilMs = -Infinity;
    this.advance(nowMs);
  }

  /** The sending half of a lane that is open. */
  sender(side: 0 | 1, lane: number): SctpSender | undefined {
    const of = this.#lanes[lane];
    return of?.isOpen === true ? of.ends[side].sender : undefined;
  }

  /** Lets go what was queued on a lane, as far as its window has room. */
  flush(side: 0 | 1, lane: number, nowMs: number): void {
    this.#lanes[lane]!.ends[side].flush(nowMs);
    this.#quietUntilMs = -Infinity;
  }

  /** Works off what is due up to `nowMs`, in order. Throws RangeError for a time that never comes: time-outs would go on for ever. */
  advance(nowMs: number): void {
    if (nowMs < this.#quietUntilMs) return;
    if (!(nowMs < Infinity)) throw new RangeError(`nothing can be worked off up to ${nowMs} ms`);
    while (this.#step(nowMs));
  }

  /** The next event, if one is due. */
  #step(untilMs: number): boolean {
    const [there, back] = this.#paths;
    let dueMs = Math.min(there.arrivesMs, back.arrivesMs);
    let opening: Lane | undefined;
    let waking: SctpEnd | undefined;
    for (const lane of this.#lanes) {
      if (!lane.isOpen) {
        if (lane.opensMs >= dueMs) continue;
        dueMs = lane.opensMs;
        opening = lane;
        waking = undefined;
        continue;
      }
      for (const end of lane.ends) {
        if (end.wakesMs >= dueMs) continue;
        dueMs = end.wakesMs;
        waking = end;
        opening = undefined;
      }
    }
    if (dueMs > untilMs) {
      this.#quietUntilMs = dueMs;
      return false;
    }
    if (waking !== undefined) waking.wake(dueMs);
    else if (opening !== undefined) opening.isOpen = true;
    else this.#arrive(there.arrivesMs === dueMs ? 0 : 1, dueMs);
    return true;
  }

  #arrive(from: 0 | 1, nowMs: number): void {
    const { packet, isCopy } = this.#paths[from].take(nowMs)!;
    if (!isCopy) this.#lanes[packet.lane]!.ends[from === 0 ? 1 : 0].receive(packet, nowMs);
    else
      for (const { message, payloadBytes } of packet.chunks ?? [])
        this.directions[from].copied(message, { payloadBytes, lane: packet.lane }, nowMs);
  }

  #addLane(): Lane {
    const number = this.#lanes.length;
    const endOf = (side: 0 | 1): SctpEnd =>
      new SctpEnd({
        lane: number,
        send: (packet, nowMs) => this.#paths[side].send(packet, packet.sizeBytes, nowMs),
        deliver: (message, atMs) => this.directions[side === 0 ? 1 : 0].arrived(message, number, atMs),
      });
    const lane: Lane = { opensMs: Infinity, isOpen: false, ends: [endOf(0), endOf(1)] };
    this.#lanes.push(lane);
    return lane;
  }
}

interface ArrivedMessage {
  readonly bytes: Uint8Array;
  readonly isControl: boolean;
  readonly atMs: number;
  readonly lane: number;
}

/** What one side sends and the other reads. */
export class WireDirection {
  readonly #wire: ConditionedWire;
  readonly #side: 0 | 1;
  #arrived: ArrivedMessage[] = [];
  #controlBytesUnderWay = 0;
  #isClosed = false;
  #isCloseTold = false;

  constructor(wire: ConditionedWire, side: 0 | 1) {
    this.#wire = wire;
    this.#side = side;
  }

  /** Since when the wire is down in either direction; Infinity: it is not. */
  get downSinceMs(): number {
    return this.#wire.downSinceMs;
  }

  openLanes(count: number, nowMs: number): void {
    this.#wire.openLanes(count, nowMs);
  }

  /** Bytes that wait for the window of a lane; Infinity: it is not open. Queues of the network are not among them. */
  stateBufferedBytes(nowMs: number, lane = 0): number {
    const sender = this.senderAt(nowMs, lane);
    return sender === undefined ? Infinity : sender.queuedStateBytes + sender.queuedControlBytes;
  }

  /** Sends a state packet once. False: the lane is not open, or holds all that a browser would. */
  sendState(bytes: Uint8Array, nowMs: number, lane = 0): boolean {
    if (this.senderAt(nowMs, lane)?.queueState(bytes.slice()) !== true) return false;
    this.#wire.flush(this.#side, lane, nowMs);
    return true;
  }

  /** Returns false when more than `CONTROL_BUFFERED_BYTES_MAX` would be under way: the link must end with `overflow`. */
  sendControl(bytes: Uint8Array, nowMs: number): boolean {
    this.#wire.advance(nowMs);
    if (this.#controlBytesUnderWay + bytes.byteLength > CONTROL_BUFFERED_BYTES_MAX) return false;
    this.#controlBytesUnderWay += bytes.byteLength;
    this.#queueControl(bytes.slice(), nowMs);
    return true;
  }

  /** Tells the other side, after all control sent before, that this side closed. */
  sendClose(nowMs: number): void {
    this.#queueControl(undefined, nowMs);
  }

  /** Hands out all that arrived by `nowMs`, each with the time it did. State that would arrive after the close never does. */
  deliver(nowMs: number, sink: PathSink): void {
    this.#wire.advance(nowMs);
    if (this.#arrived.length > 0) {
      const arrived = this.#arrived;
      this.#arrived = [];
      for (const { bytes, isControl, atMs, lane } of arrived) {
        if (isControl) sink.control(bytes, atMs);
        else sink.state(bytes, atMs, lane);
      }
    }
    if (!this.#isClosed || this.#isCloseTold) return;
    this.#isCloseTold = true;
    sink.close();
  }

  /** The sending half of a lane at this moment; undefined: the lane is not open. */
  senderAt(nowMs: number, lane: number): SctpSender | undefined {
    this.#wire.advance(nowMs);
    return this.#wire.sender(this.#side, lane);
  }

  /** For the wire: a message is whole at the other side. */
  arrived({ bytes, isReliable }: SctpMessage, lane: number, atMs: number): void {
    if (bytes === undefined) this.#isClosed = true;
    if (this.#isClosed || bytes === undefined) return;
    if (isReliable) this.#controlBytesUnderWay -= bytes.byteLength;
    else if (this.#arrived.length >= ARRIVED_MESSAGES_MAX) return;
    this.#arrived.push({ bytes, isControl: isReliable, atMs, lane });
  }

  /** For the wire: the network brought so much of a message once more. */
  copied(message: SctpMessage, { payloadBytes, lane }: { readonly payloadBytes: number; readonly lane: number }, atMs: number): void {
    const isWhole = payloadBytes === message.sizeBytes;
    if (!message.isReliable && isWhole) this.arrived({ ...message, bytes: message.bytes?.slice() }, lane, atMs);
  }

  #queueControl(bytes: Uint8Array | undefined, nowMs: number): void {
    this.senderAt(nowMs, 0)!.queueControl(bytes);
    this.#wire.flush(this.#side, 0, nowMs);
  }
}
