/**
 * One direction of a bad network in virtual time: delay, jitter, loss in bursts, duplication, reordering, a rate cap, outage.
 *
 * Nothing runs by itself. `send` draws at once, from one seeded generator, when (and whether) a packet arrives; `take` hands out
 * what is due. So the same seed and the same calls give the same arrivals bit for bit, however often anyone polls.
 *
 *     send -> queue at the bottleneck -> lost? -> delay ± jitter -> sorted by arrival -> take
 *
 * What an association makes of it is in conditioned-wire.ts.
 */
import type { Rng } from '../core/rng.ts';

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
  /** Packets whose state arrives twice, 0 to 100. (A data channel would drop the second; the netcode must not rely on that.) */
  readonly duplicatePct: number;
  /** Whether jitter may let a state packet overtake an older one. */
  readonly reorder: boolean;
  /** The bottleneck's rate in kbit/s; undefined: no bottleneck. */
  readonly rateKbps?: number | undefined;
  /** Bytes that may wait at the bottleneck, in the network; a packet that finds the queue full is lost. */
  readonly queueBytesMax: number;
  /** Total outage: nothing arrives. Control is sent again after it, at the latest when SCTP's time-out has doubled to its cap. */
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

/** IP 20 + UDP 8 + DTLS record 37: what each packet costs at the bottleneck beside what DTLS carries. */
export const DATAGRAM_OVERHEAD_BYTES = 65;
/** SCTP header 12 + DATA chunk header 16: what they cost beside that. */
const SCTP_OVERHEAD_BYTES = 28;
/** A burst is over when nothing was sent for so long: it is a matter of time on a real link, and only counted in packets here. */
const BURST_SILENCE_MS = 200;
/** STUN checks, DTLS flights and the signalling's TCP all try again within about this long. */
const HANDSHAKE_RETRY_MS = 300;
/** Capped so that heavy loss makes a handshake slow, not dead. */
const HANDSHAKE_RETRIES_MAX = 5;
/** Packets on their way: 60 Hz for a minute. Only an absurd delay can fill it; the newest is lost then. */
const IN_FLIGHT_PACKETS_MAX = 4_096;

/** Where arrivals go. */
export interface PathSink {
  /** `lane`: which association it came over. */
  state(bytes: Uint8Array, atMs: number, lane: number): void;
  control(bytes: Uint8Array, atMs: number): void;
  /** The other side closed; nothing comes after it. */
  close(): void;
}

export interface Arrival<P> {
  readonly packet: P;
  readonly atMs: number;
  /** The network made two of one packet, and this is the second. */
  readonly isCopy: boolean;
}

export class ConditionedPath<P = Uint8Array> {
  readonly #rng: Rng;
  #conditions: Conditions;
  /** Since when this direction is down, or undefined. */
  #downSinceMs: number | undefined;
  /** Sorted by arrival; equals keep the order they were sent in. */
  readonly #underWay: Arrival<P>[] = [];
  #lastArrivesMs = 0;
  #isInLossBurst = false;
  #lastSentMs = -Infinity;
  /** When the bottleneck has sent all it holds. */
  #bottleneckFreeMs = 0;

  constructor(rng: Rng, conditions: Conditions, nowMs: number) {
    this.#rng = rng;
    this.#conditions = conditions;
    this.#downSinceMs = conditions.isDown ? nowMs : undefined;
  }

  get downSinceMs(): number | undefined {
    return this.#downSinceMs;
  }

  /** When `take` has the next packet; Infinity: nothing is under way. */
  get arrivesMs(): number {
    return this.#underWay[0]?.atMs ?? Infinity;
  }

  /** Takes effect on what is sent from now on; what is under way keeps its fate. */
  setConditions(conditions: Conditions, nowMs: number): void {
    this.#conditions = conditions;
    this.#downSinceMs = conditions.isDown ? (this.#downSinceMs ?? nowMs) : undefined;
  }

  /** Sends a packet that DTLS is to carry, of so many bytes. */
  send(packet: P, sizeBytes: number, nowMs: number): void {
    const { isDown, duplicatePct } = this.#conditions;
    if (isDown) return;
    const leavesMs = this.#passBottleneck(sizeBytes + DATAGRAM_OVERHEAD_BYTES, nowMs);
    if (leavesMs === undefined || this.#drawLoss(nowMs)) return;
    this.#insert(packet, leavesMs + this.#drawDelayMs(), false);
    if (duplicatePct > 0 && this.#rng.float() * 100 < duplicatePct) this.#insert(packet, leavesMs + this.#drawDelayMs(), true);
  }

  /** The next packet if it has arrived by now. */
  take(nowMs: number): Arrival<P> | undefined {
    return this.arrivesMs <= nowMs ? this.#underWay.shift() : undefined;
  }

  /** Sends a state packet by itself, without congestion control: what no data channel does, but models and ideals do. */
  sendState(this: ConditionedPath, bytes: Uint8Array, nowMs: number): void {
    this.send(bytes.slice(), bytes.byteLength + SCTP_OVERHEAD_BYTES, nowMs);
  }

  /** Hands out all state packets that are due, each with the time it arrived. */
  deliver(this: ConditionedPath, nowMs: number, sink: PathSink): void {
    for (let arrival = this.take(nowMs); arrival !== undefined; arrival = this.take(nowMs)) sink.state(arrival.packet, arrival.atMs, 0);
  }

  /** How long one message of a handshake takes: its delay, and a flat wait for each time it is lost. */
  drawHandshakeMs(): number {
    let durationMs = this.#drawDelayMs();
    for (let attempt = 0; attempt < HANDSHAKE_RETRIES_MAX && this.#drawLateLoss(); attempt++) durationMs += HANDSHAKE_RETRY_MS;
    return durationMs;
  }

  /** When the packet has left the bottleneck, or undefined if it found the queue full. */
  #passBottleneck(wireBytes: number, nowMs: number): number | undefined {
    const { rateKbps, queueBytesMax } = this.#conditions;
    if (rateKbps === undefined) return nowMs;
    const bytesPerMs = rateKbps / 8;
    const startsMs = Math.max(nowMs, this.#bottleneckFreeMs);
    if ((startsMs - nowMs) * bytesPerMs >= queueBytesMax) return undefined;
    this.#bottleneckFreeMs = startsMs + wireBytes / bytesPerMs;
    return this.#bottleneckFreeMs;
  }

  /** The fate of a packet sent long after the last one: a burst is over by then, the loss on average is not. */
  #drawLateLoss(): boolean {
    return this.#rng.float() * 100 < this.#conditions.lossPct;
  }

  #drawLoss(nowMs: number): boolean {
    const isApart = nowMs - this.#lastSentMs > BURST_SILENCE_MS;
    this.#lastSentMs = nowMs;
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
    if (isApart) this.#isInLossBurst = this.#rng.float() < loss;
    else this.#isInLossBurst = this.#isInLossBurst ? this.#rng.float() >= leave : this.#rng.float() < enter;
    return this.#isInLossBurst;
  }

  #drawDelayMs(): number {
    const { delayMs, jitterMs } = this.#conditions;
    return jitterMs > 0 ? Math.max(0, this.#rng.between(delayMs - jitterMs, delayMs + jitterMs)) : delayMs;
  }

  #insert(packet: P, drawnMs: number, isCopy: boolean): void {
    if (this.#underWay.length >= IN_FLIGHT_PACKETS_MAX) return;
    const atMs = this.#conditions.reorder ? drawnMs : Math.max(drawnMs, this.#lastArrivesMs);
    this.#lastArrivesMs = Math.max(atMs, this.#lastArrivesMs);
    let at = this.#underWay.length;
    while (at > 0 && (this.#underWay[at - 1]?.atMs ?? 0) > atMs) at -= 1;
    if (at === this.#underWay.length) this.#underWay.push({ packet, atMs, isCopy });
    else this.#underWay.splice(at, 0, { packet, atMs, isCopy });
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
