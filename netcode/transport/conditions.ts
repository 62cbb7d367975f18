/**
 * One direction of a bad network in virtual time: delay, jitter, loss in bursts, duplication, reordering, a rate cap, outage.
 *
 * Nothing runs by itself. `send…` draws at once, from one seeded generator, when (and whether) the bytes arrive; `deliver` hands out
 * what is due. So the same seed and the same calls give the same arrivals bit for bit, however often anyone polls.
 *
 *     state    send -> queue at the bottleneck -> lost? -> delay ± jitter -> sorted by arrival -> deliver
 *     control  send -> queue at the bottleneck -> lost? wait, send again -> delay ± jitter -> never before its elder -> deliver
 */
import type { Rng } from '../core/rng.ts';
import { CONTROL_BUFFERED_BYTES_MAX, STATE_PACKET_BYTES_MAX } from './transport.ts';

/** What a network does to one direction. */
export interface Conditions {
  /** One way, without jitter. */
  readonly delayMs: number;
  /** Each packet's delay is drawn evenly from `delayMs - jitterMs` to `delayMs + jitterMs`. */
  readonly jitterMs: number;
  /** Packets lost, 0 to 100. */
  readonly lossPct: number;
  /** Packets lost in a row, on average (Gilbert-Elliott). 1 or less: each packet is lost or not on its own. */
  readonly burstLength: number;
  /** State packets that arrive twice, 0 to 100. */
  readonly duplicatePct: number;
  /** Whether jitter may let a state packet overtake an older one. */
  readonly reorder: boolean;
  /** The bottleneck's rate in kbit/s; undefined: no bottleneck. */
  readonly rateKbps?: number | undefined;
  /** What may wait at the bottleneck; a packet that finds the queue full is lost. */
  readonly queueBytesMax: number;
  /** Total outage: nothing arrives. Control messages wait for its end. */
  readonly isDown: boolean;
}

/** A cable: no delay, no loss. What `Partial<Conditions>` is completed with. */
export const PERFECT: Conditions = {
  delayMs: 0,
  jitterMs: 0,
  lossPct: 0,
  burstLength: 1,
  duplicatePct: 0,
  reorder: false,
  rateKbps: undefined,
  queueBytesMax: 65_536,
  isDown: false,
};

/** IP 20 + UDP 8 + DTLS record 37 + SCTP header 12 + DATA chunk header 16: what each packet costs at the bottleneck beside its payload. */
const WIRE_OVERHEAD_BYTES = 93;
/** The retransmission time-out of a browser's SCTP before its first doubling. */
const RETRANSMISSION_TIMEOUT_MS = 400;
/** STUN checks, DTLS flights and the signalling's TCP all try again within about this long. */
const HANDSHAKE_RETRY_MS = 300;
/** Doublings are capped so that heavy loss makes control slow, not dead: a real association would give up and end the link. */
const RETRANSMISSIONS_MAX = 5;
/** State packets on their way: 60 Hz for a minute. Only an absurd delay can fill it; the newest is lost then. */
const IN_FLIGHT_PACKETS_MAX = 4_096;

/** Where a path's arrivals go. */
export interface PathSink {
  state(bytes: Uint8Array, atMs: number): void;
  control(bytes: Uint8Array, atMs: number): void;
  /** The other side closed; nothing comes after it. */
  close(): void;
}

interface StatePacket {
  readonly bytes: Uint8Array;
  readonly arrivesMs: number;
}

/** `bytes` undefined marks the close: ordered after all control messages, as in SCTP. */
interface ControlMessage {
  readonly bytes: Uint8Array | undefined;
  readonly arrivesMs: number;
}

export class ConditionedPath {
  readonly #rng: Rng;
  #conditions: Conditions;
  /** Since when this direction is down, or undefined. */
  #downSinceMs: number | undefined;
  /** Sorted by arrival; equals keep the order they were sent in. */
  readonly #state: StatePacket[] = [];
  #lastStateArrivesMs = 0;
  readonly #control: ControlMessage[] = [];
  /** Control that waits for the end of an outage. */
  #held: (Uint8Array | undefined)[] = [];
  #controlBytesQueued = 0;
  #lastControlArrivesMs = 0;
  #closesMs = Infinity;
  #isInLossBurst = false;
  /** When the bottleneck has sent all it holds. */
  #bottleneckFreeMs = 0;
  /** State packets still at the bottleneck, in the order they leave. */
  readonly #unsent: { readonly sizeBytes: number; readonly leavesMs: number }[] = [];

  constructor(rng: Rng, conditions: Conditions, nowMs: number) {
    this.#rng = rng;
    this.#conditions = conditions;
    this.#downSinceMs = conditions.isDown ? nowMs : undefined;
  }

  get downSinceMs(): number | undefined {
    return this.#downSinceMs;
  }

  /** Takes effect on what is sent from now on; what is under way keeps its fate. */
  setConditions(conditions: Conditions, nowMs: number): void {
    this.#conditions = conditions;
    if (conditions.isDown) {
      this.#downSinceMs ??= nowMs;
      return;
    }
    if (this.#downSinceMs === undefined) return;
    this.#downSinceMs = undefined;
    const held = this.#held;
    this.#held = [];
    // The sender finds out that the path is back with its next retransmission.
    for (const bytes of held) this.#schedule(bytes, nowMs + RETRANSMISSION_TIMEOUT_MS);
  }

  /** Bytes of state that wait at the bottleneck: what a browser reports as `bufferedAmount`. */
  stateBufferedBytes(nowMs: number): number {
    for (let packet = this.#unsent[0]; packet !== undefined && packet.leavesMs <= nowMs; packet = this.#unsent[0]) this.#unsent.shift();
    return this.#unsent.reduce((sum, packet) => sum + packet.sizeBytes, 0);
  }

  sendState(bytes: Uint8Array, nowMs: number): void {
    const { isDown, duplicatePct } = this.#conditions;
    if (isDown) return;
    const leavesMs = this.#passBottleneck(bytes.byteLength, nowMs);
    if (leavesMs === undefined) return;
    if (leavesMs > nowMs) {
      this.stateBufferedBytes(nowMs);
      this.#unsent.push({ sizeBytes: bytes.byteLength, leavesMs });
    }
    if (this.#drawLoss()) return;
    this.#insertState(bytes.slice(), leavesMs + this.#drawDelayMs());
    if (duplicatePct > 0 && this.#rng.float() * 100 < duplicatePct) this.#insertState(bytes.slice(), leavesMs + this.#drawDelayMs());
  }

  /** Returns false when more than `CONTROL_BUFFERED_BYTES_MAX` would be under way: the link must end with `overflow`. */
  sendControl(bytes: Uint8Array, nowMs: number): boolean {
    if (this.#controlBytesQueued + bytes.byteLength > CONTROL_BUFFERED_BYTES_MAX) return false;
    this.#controlBytesQueued += bytes.byteLength;
    const copy = bytes.slice();
    if (this.#conditions.isDown) this.#held.push(copy);
    else this.#schedule(copy, nowMs);
    return true;
  }

  /** Tells the other side, after all control sent before, that this side closed. */
  sendClose(nowMs: number): void {
    if (this.#conditions.isDown) this.#held.push(undefined);
    else this.#schedule(undefined, nowMs);
  }

  /** How long one message of a handshake takes: its delay, and a flat wait for each time it is lost. */
  drawHandshakeMs(): number {
    let durationMs = this.#drawDelayMs();
    for (let attempt = 0; attempt < RETRANSMISSIONS_MAX && this.#drawLateLoss(); attempt++) durationMs += HANDSHAKE_RETRY_MS;
    return durationMs;
  }

  /** Hands out all that is due at `nowMs`, each with the time it arrived. State that would arrive after the close never does. */
  deliver(nowMs: number, sink: PathSink): void {
    const untilMs = Math.min(nowMs, this.#closesMs);
    for (let packet = this.#state[0]; packet !== undefined && packet.arrivesMs <= untilMs; packet = this.#state[0]) {
      this.#state.shift();
      sink.state(packet.bytes, packet.arrivesMs);
    }
    for (let message = this.#control[0]; message !== undefined && message.arrivesMs <= nowMs; message = this.#control[0]) {
      this.#control.shift();
      if (message.bytes === undefined) {
        sink.close();
        return;
      }
      this.#controlBytesQueued -= message.bytes.byteLength;
      sink.control(message.bytes, message.arrivesMs);
    }
  }

  #schedule(bytes: Uint8Array | undefined, nowMs: number): void {
    const sizeBytes = bytes?.byteLength ?? 1;
    // A full queue costs control a retransmission, not the message.
    const leavesMs = this.#passBottleneck(sizeBytes, nowMs) ?? Math.max(nowMs + RETRANSMISSION_TIMEOUT_MS, this.#bottleneckFreeMs);
    const arrivesMs = Math.max(leavesMs + this.#drawDelayMs() + this.#drawRetransmissionMs(sizeBytes), this.#lastControlArrivesMs);
    this.#lastControlArrivesMs = arrivesMs;
    if (bytes === undefined) this.#closesMs = arrivesMs;
    this.#control.push({ bytes, arrivesMs });
  }

  /** When the packet has left the bottleneck, or undefined if it found the queue full. */
  #passBottleneck(sizeBytes: number, nowMs: number): number | undefined {
    const { rateKbps, queueBytesMax } = this.#conditions;
    if (rateKbps === undefined) return nowMs;
    const bytesPerMs = rateKbps / 8;
    const startsMs = Math.max(nowMs, this.#bottleneckFreeMs);
    if ((startsMs - nowMs) * bytesPerMs >= queueBytesMax) return undefined;
    const packets = Math.max(1, Math.ceil(sizeBytes / STATE_PACKET_BYTES_MAX));
    this.#bottleneckFreeMs = startsMs + (sizeBytes + packets * WIRE_OVERHEAD_BYTES) / bytesPerMs;
    return this.#bottleneckFreeMs;
  }

  /** Extra time a message of this size loses to retransmissions. */
  #drawRetransmissionMs(sizeBytes: number): number {
    let extraMs = 0;
    let lost = 0;
    for (let packets = Math.max(1, Math.ceil(sizeBytes / STATE_PACKET_BYTES_MAX)); packets > 0; packets--) if (this.#drawLoss()) lost += 1;
    for (let attempt = 0; attempt < RETRANSMISSIONS_MAX && lost > 0; attempt++) {
      extraMs += RETRANSMISSION_TIMEOUT_MS * 2 ** attempt;
      let lostAgain = 0;
      for (let packets = lost; packets > 0; packets--) if (this.#drawLateLoss()) lostAgain += 1;
      lost = lostAgain;
    }
    return extraMs;
  }

  /** The fate of a packet sent long after the last one: a burst is over by then, the loss on average is not. */
  #drawLateLoss(): boolean {
    return this.#rng.float() * 100 < this.#conditions.lossPct;
  }

  #drawLoss(): boolean {
    const { lossPct, burstLength } = this.#conditions;
    const loss = lossPct / 100;
    if (loss <= 0 || loss >= 1) {
      this.#isInLossBurst = false;
      return loss >= 1;
    }
    if (burstLength <= 1) return this.#rng.float() < loss;
    // Two states: a burst, in which all is lost, and calm. Leaving with 1/L gives bursts of L; entering this often gives `loss` over all.
    const leave = 1 / burstLength;
    const enter = (loss * leave) / (1 - loss);
    this.#isInLossBurst = this.#isInLossBurst ? this.#rng.float() >= leave : this.#rng.float() < enter;
    return this.#isInLossBurst;
  }

  #drawDelayMs(): number {
    const { delayMs, jitterMs } = this.#conditions;
    return jitterMs > 0 ? Math.max(0, this.#rng.between(delayMs - jitterMs, delayMs + jitterMs)) : delayMs;
  }

  #insertState(bytes: Uint8Array, drawnMs: number): void {
    if (this.#state.length >= IN_FLIGHT_PACKETS_MAX) return;
    const arrivesMs = this.#conditions.reorder ? drawnMs : Math.max(drawnMs, this.#lastStateArrivesMs);
    this.#lastStateArrivesMs = Math.max(arrivesMs, this.#lastStateArrivesMs);
    let at = this.#state.length;
    while (at > 0 && (this.#state[at - 1]?.arrivesMs ?? 0) > arrivesMs) at -= 1;
    this.#state.splice(at, 0, { bytes, arrivesMs });
  }
}

/** Completes and checks conditions. Throws RangeError for what no network can do. */
export function conditionsOf(partial: Partial<Conditions>): Conditions {
  const conditions = { ...PERFECT, ...partial };
  const { delayMs, jitterMs, lossPct, burstLength, duplicatePct, rateKbps, queueBytesMax } = conditions;
  for (const [name, value] of Object.entries({ delayMs, jitterMs, burstLength, queueBytesMax })) {
    if (!(value >= 0 && Number.isFinite(value))) throw new RangeError(`${name} ${value} is not a finite number from 0`);
  }
  for (const [name, value] of Object.entries({ lossPct, duplicatePct })) {
    if (!(value >= 0 && value <= 100)) throw new RangeError(`${name} ${value} is not from 0 to 100`);
  }
  if (rateKbps !== undefined && !(rateKbps > 0)) throw new RangeError(`rateKbps ${rateKbps} is not above 0`);
  if (burstLength > 1 && lossPct < 100 && lossPct / 100 / (burstLength * (1 - lossPct / 100)) > 1) {
    throw new RangeError(`lossPct ${lossPct} cannot come in bursts as short as ${burstLength}`);
  }
  return conditions;
}
