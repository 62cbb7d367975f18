/**
 * How many bytes a second a path carries without a queue. Losses say little on wireless paths; what says much is that
 * packets take longer than they need: each ack tells when its packet arrived, and what lies above the usual least is a queue
 * (the idea of LEDBAT, RFC 6817, and of WebRTC's own delay-based control). The rate is cut as soon as one stands, and grows
 * again when it is gone, but only while it is used.
 *
 * It is a bucket: filled at the rate, emptied by what is sent.
 */

import { STATE_PACKET_BYTES_MAX } from '../transport/transport.ts';

/** What each packet costs beside its payload: IP 20 + UDP 8 + DTLS 37 + SCTP 12 + chunk 16 bytes. */
export const PACKET_OVERHEAD_BYTES = 93;
/** Arrival times are told in milliseconds modulo this. */
export const ARRIVAL_MS_MODULO = 4_096;

/** At first: a path that carries less shows it within half a second. */
const FIRST_BYTES_PER_SECOND = 40_000;
/** Below this a match cannot go on: ten packets a second of 200 bytes. */
const BYTES_PER_SECOND_MIN = 3_000;
const BYTES_PER_SECOND_MAX = 4_000_000;
/** How often the rate is looked at. What nothing got by during two such steps stands. */
const STEP_MS = 50;
/** A step lasts until so many packets arrived, or for so long. */
const SAMPLES_MIN = 3;
const STEP_MS_MAX = 300;
/** A standing queue of so much is cut; of less than the other, the rate may grow. Jitter widens the first by twice its size, the second by once. */
const QUEUE_CUT_MS = 15;
const QUEUE_GROW_MS = 4;
const JITTER_SHARE = 2;
const JITTER_GAIN = 1 / 32;
/** What is kept of what the path delivered: usually, and if the queue is deep. */
const CUT = 0.88;
const CUT_DEEP = 0.6;
const QUEUE_DEEP_MS = 40;
/** After a cut there is time for the queue to drain and for the acks to tell of it: beside a round trip and its length. */
const CALM_MS = 100;
/**
 * A cut was in vain if it left more than this of the queue, though the other share of what was sent got through (an overfull path
 * would lose it). After so many in vain the queue is not of our making: it is the path.
 */
const VAIN_QUEUE_SHARE = 0.75;
const VAIN_DELIVERED_SHARE = 0.75;
const VAIN_CUTS_MAX = 2;
/** Growth a step: until the first queue was met; below the rate at which the last one was; about there; and beyond. */
const GROWTH_FIRST = 1.12;
const GROWTH_BELOW = 1.05;
const GROWTH_NEAR = 1.005;
const GROWTH_BEYOND = 1.02;
const NEAR_SHARE = 0.9;
/** The rate grows only while so much of it is used. */
const USED_SHARE = 0.5;
/** Weight of a step in the rates that are sent and delivered. */
const FLOW_GAIN = 1 / 5;
/** How soon a longer delay counts as the usual one; a shorter one does at once. */
const LEAST_RISE_MS = 8_000;
const LEAST_FALL_GAIN = 1 / 16;
/** The bucket holds so many ms of the rate, and one packet at least: a machine that hiccups does not lose its turn. */
const BUCKET_MS = 50;
const BUCKET_BYTES_MIN = STATE_PACKET_BYTES_MAX + PACKET_OVERHEAD_BYTES;

/** The arrivals of one step. */
class Step {
  leastMs = Infinity;
  sumMs = 0;
  samples = 0;

  clear(): void {
    this.leastMs = Infinity;
    this.sumMs = 0;
    this.samples = 0;
  }
}

export class PathRate {
  bytesPerSecond = FIRST_BYTES_PER_SECOND;
  /** What stands before the path, as of the last step; 0 if too little arrived to tell. */
  queueMs = 0;
  /** Times that the rate was cut. */
  cuts = 0;
  #tokens = BUCKET_BYTES_MIN;
  #filledMs: number | undefined;
  /** Delays are told relative to the first: the two clocks have nothing in common. */
  #firstDelayMs: number | undefined;
  #usualLeastMs: number | undefined;
  #jitterMs = 0;
  #stepMs: number | undefined;
  #step = new Step();
  #stepBefore = new Step();
  #isQueueNew = true;
  #sentBytes = 0;
  #ackedBytes = 0;
  #sentPerSecond = 0;
  #deliveredPerSecond = 0;
  #calmUntilMs = -Infinity;
  /** What the last cut was made at; the rate before those that were in vain, and how many these are. */
  #cutAtRate = Infinity;
  #cutAtQueueMs = 0;
  #rateBefore = 0;
  #vainCuts = 0;

  /** Bytes, overhead included, that may be sent now; below 0 after more was sent than that. */
  allowance(nowMs: number): number {
    const bucketBytes = Math.max(BUCKET_BYTES_MIN, (this.bytesPerSecond * BUCKET_MS) / 1000);
    const passedMs = nowMs - (this.#filledMs ?? nowMs);
    this.#filledMs = nowMs;
    this.#tokens = Math.min(bucketBytes, this.#tokens + (this.bytesPerSecond * passedMs) / 1000);
    return this.#tokens;
  }

  sent(sizeBytes: number): void {
    this.#tokens = Math.max(-BUCKET_BYTES_MIN, this.#tokens - sizeBytes - PACKET_OVERHEAD_BYTES);
    this.#sentBytes += sizeBytes + PACKET_OVERHEAD_BYTES;
  }

  acked(sizeBytes: number): void {
    this.#ackedBytes += sizeBytes + PACKET_OVERHEAD_BYTES;
  }

  /** A packet sent at `sentAtMs` arrived at `arrivedMs` of the other clock, modulo ARRIVAL_MS_MODULO. */
  arrived(sentAtMs: number, arrivedMs: number): void {
    const half = ARRIVAL_MS_MODULO / 2;
    const told = modulo(arrivedMs - sentAtMs, ARRIVAL_MS_MODULO);
    this.#firstDelayMs ??= told;
    const delayMs = modulo(told - this.#firstDelayMs + half, ARRIVAL_MS_MODULO) - half;
    this.#step.leastMs = Math.min(this.#step.leastMs, delayMs);
    this.#step.sumMs += delayMs;
    this.#step.samples++;
  }

  update(nowMs: number, rttMs: number): void {
    this.#stepMs ??= nowMs;
    const passedMs = nowMs - this.#stepMs;
    if (passedMs < (this.#step.samples < SAMPLES_MIN ? STEP_MS_MAX : STEP_MS)) return;
    this.#stepMs = nowMs;
    this.#measure(passedMs);
    const usedPerSecond = (this.#sentBytes * 1000) / passedMs;
    this.#sentPerSecond += (usedPerSecond - this.#sentPerSecond) * FLOW_GAIN;
    this.#deliveredPerSecond += ((this.#ackedBytes * 1000) / passedMs - this.#deliveredPerSecond) * FLOW_GAIN;
    this.#sentBytes = 0;
    this.#ackedBytes = 0;
    const slackMs = this.#jitterMs * JITTER_SHARE;
    const isQueue = this.queueMs > QUEUE_CUT_MS + slackMs;
    // Once may be chance.
    if (isQueue && !this.#isQueueNew) this.#cut(nowMs, rttMs);
    this.#isQueueNew = !isQueue;
    if (this.queueMs > QUEUE_GROW_MS + slackMs / 2) return;
    this.#cutAtQueueMs = 0;
    if (nowMs >= this.#calmUntilMs && usedPerSecond > this.bytesPerSecond * USED_SHARE) this.#grow();
  }

  #measure(passedMs: number): void {
    const { samples } = this.#step;
    if (samples > 1) this.#jitterMs += (this.#step.sumMs / samples - this.#step.leastMs - this.#jitterMs) * JITTER_GAIN;
    const before = this.#stepBefore;
    const least = Math.min(this.#step.leastMs, before.leastMs);
    this.queueMs = 0;
    if (samples > 0) {
      const usual = this.#usualLeastMs ?? least;
      this.queueMs = Math.max(0, least - usual);
      this.#usualLeastMs = usual + (least - usual) * (least < usual ? LEAST_FALL_GAIN : Math.min(1, passedMs / LEAST_RISE_MS));
    }
    this.#stepBefore = this.#step;
    this.#step = before;
    before.clear();
  }

  #cut(nowMs: number, rttMs: number): void {
    if (nowMs < this.#calmUntilMs) return;
    const isVain =
      this.#cutAtQueueMs > 0 &&
      this.queueMs > this.#cutAtQueueMs * VAIN_QUEUE_SHARE &&
      this.#deliveredPerSecond > this.#sentPerSecond * VAIN_DELIVERED_SHARE;
    this.#vainCuts = isVain ? this.#vainCuts + 1 : 0;
    if (this.#vainCuts === 0) this.#rateBefore = this.bytesPerSecond;
    this.#cutAtQueueMs = this.queueMs;
    if (this.#vainCuts === VAIN_CUTS_MAX) {
      this.#usualLeastMs! += this.queueMs;
      this.bytesPerSecond = this.#rateBefore;
      return;
    }
    const kept = this.queueMs > QUEUE_DEEP_MS ? CUT_DEEP : CUT;
    this.#cutAtRate = Math.min(this.bytesPerSecond, this.#deliveredPerSecond);
    this.bytesPerSecond = Math.max(BYTES_PER_SECOND_MIN, this.#cutAtRate * kept);
    this.cuts++;
    this.#calmUntilMs = nowMs + rttMs + CALM_MS + this.queueMs;
  }

  #grow(): void {
    const share = this.bytesPerSecond / this.#cutAtRate;
    const growth =
      this.cuts === 0 ? GROWTH_FIRST : share < NEAR_SHARE ? GROWTH_BELOW : share < 1 / NEAR_SHARE ? GROWTH_NEAR : GROWTH_BEYOND;
    this.bytesPerSecond = Math.min(BYTES_PER_SECOND_MAX, this.bytesPerSecond * growth);
  }
}

const modulo = (value: number, by: number): number => value - by * Math.floor(value / by);
