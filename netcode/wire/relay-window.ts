/**
 * What goes out over one WebSocket of the relay, and when: both the broker and a player's page keep one for each socket they send
 * into. A WebSocket is a pipe whose buffers hold seconds, and nobody is told how full they are; what is put in after too much else
 * arrives old. So the other side acknowledges what has arrived (kind 2 of `relay.ts`), and whatever cannot leave at once waits here
 * instead: control whole and in order, of state only the newest.
 *
 * How much may be on its way is found out as it goes: it doubles with every round trip while credits come as soon as on the bare path, and
 * when they come late it shrinks to what the path has just carried in that time. Besides, nothing more leaves while the oldest frame on
 * its way is late already. What the bare path takes is the least round trip seen. A path that became longer, as when somebody else
 * begins a download, looks like one that we fill ourselves; so when none as short was seen for some seconds, the window lets the path run
 * empty once and measures anew.
 *
 * No clock and no socket: the caller says what time it is and sends what `next` gives.
 *
 *   offerControl / offerState -> next() until undefined -> socket        credit frame -> acknowledge() -> next() until undefined
 */
import { RELAY_CONTROL, RELAY_STATE_BYTES_MAX } from './relay.ts';

/** Queueing that is put up with beyond the bare path: three state packets at 60 a second, so that a late credit does not leave the path idle. */
const QUEUE_ALLOWANCE_MS = 50;
/** Allowed on its way at first: a few packets of state, and less than half a second of the narrowest path worth playing over. */
const FLIGHT_BYTES_FIRST = 3_000;
/** And at least: one state packet of the largest kind, so that no bad measurement closes the window. */
const FLIGHT_BYTES_MIN = RELAY_STATE_BYTES_MAX;
/** What the bare round trip is taken for until one was measured: far, but not absurdly far, from the broker. */
const ROUND_TRIP_GUESS_MS = 200;
/** The path is measured anew when no round trip as short as the least was seen for so long, */
const ROUND_TRIP_AGE_MAX_MS = 10_000;
/** or when every credit was late for so long. */
const LATE_MAX_MS = 2_000;
/** A round trip this close to the least one counts as seen again: jitter of a good path must not make it run empty. */
const ROUND_TRIP_TOLERANCE_MS = 10;
/** On its way at once, at the very most: four of the largest messages; a third of a second of the most that a pair may send. */
const FLIGHT_BYTES_MAX = 65_536;
/** Two seconds of the fastest state there may be. A power of two: it is a ring. */
const FLIGHT_FRAMES_MAX = 512;
/** One tick's packet and the one after it, which may carry what the first does not. */
const STATE_WAITING_MAX = 2;
/** Sixteen seconds of the fastest control that a pair may send: who is further behind will not catch up. */
const CONTROL_WAITING_BYTES_MAX = 1_048_576;
/** A frame costs some hundred bytes besides its own; the smallest ones are bounded by their number. */
const CONTROL_WAITING_FRAMES_MAX = 8_192;
/** A phone that changes networks, or a page that was busy, is back in less. */
export const RELAY_STUCK_MS = 10_000;

/** Each only grows. */
export interface RelayWindowCounters {
  sentControl: number;
  sentState: number;
  /** State that a newer one took the place of. */
  supersededState: number;
}

export class RelayWindow {
  readonly counters: RelayWindowCounters = { sentControl: 0, sentState: 0, supersededState: 0 };
  readonly #control = new FrameQueue();
  readonly #state: Uint8Array[] = [];
  /** When each frame on its way was sent, and its size; slot by the frame's number. */
  readonly #sentAtMs = new Float64Array(FLIGHT_FRAMES_MAX);
  readonly #sizes = new Uint16Array(FLIGHT_FRAMES_MAX);
  /** Bytes that had been acknowledged when each of them left. */
  readonly #deliveredBefore = new Float64Array(FLIGHT_FRAMES_MAX);
  /** 1 where nothing else was on its way when the frame left, and it was a small one: it shows the bare path. */
  readonly #isLone = new Uint8Array(FLIGHT_FRAMES_MAX);
  /** Frames sent and acknowledged, modulo 2^32. */
  #sent = 0;
  #acknowledged = 0;
  #flightBytes = 0;
  #deliveredBytes = 0;
  /** What may be on its way. */
  #allowedBytes = FLIGHT_BYTES_FIRST;
  /** The first frame that left after the last shrinking: credits for earlier ones tell of the time before it. */
  #roundStart = 0;
  /** Since when something is on its way without an acknowledgement. */
  #quietSinceMs = 0;
  #leastRoundTripMs = ROUND_TRIP_GUESS_MS;
  #leastSeenAtMs = -Infinity;
  /** When a credit came last that was not late. */
  #onTimeAtMs = -Infinity;
  /** Nothing leaves until nothing is on its way: the next frame shows the bare path. */
  #mustRunEmpty = false;
  /** Control and state take turns while both wait, control first. */
  #wasControl = false;

  /** Frames on their way. */
  get flightFrames(): number {
    return (this.#sent - this.#acknowledged) >>> 0;
  }

  /** What the path takes with nothing queued, as far as is known; undefined until something was acknowledged. */
  get leastRoundTripMs(): number | undefined {
    return this.#leastSeenAtMs > -Infinity ? this.#leastRoundTripMs : undefined;
  }

  /** Control that waits. */
  get waitingControlBytes(): number {
    return this.#control.bytes;
  }

  /** The frame is kept as it is until `next` gives it back. False: too much waits, and the pair is at its end ('overflow'). */
  offerControl(frame: Uint8Array): boolean {
    const { bytes, size } = this.#control;
    if (bytes + frame.length > CONTROL_WAITING_BYTES_MAX || size >= CONTROL_WAITING_FRAMES_MAX) return false;
    this.#control.push(frame);
    return true;
  }

  /** The frame is kept as it is until `next` gives it back, or two newer ones came. */
  offerState(frame: Uint8Array): void {
    if (this.#state.length >= STATE_WAITING_MAX) {
      this.#state.shift();
      this.counters.supersededState++;
    }
    this.#state.push(frame);
  }

  /** The frame to send now, which counts as sent. Undefined: nothing waits, or not yet. To be asked after every offer and every credit. */
  next(nowMs: number): Uint8Array | undefined {
    if (!this.#isOpen(nowMs)) return undefined;
    const isStatesTurn = this.#state.length > 0 && (this.#wasControl || this.#control.size === 0);
    const frame = isStatesTurn ? this.#state.shift() : this.#control.shift();
    if (frame === undefined) return undefined;
    this.#wasControl = frame[0] === RELAY_CONTROL;
    if (this.#wasControl) this.counters.sentControl++;
    else this.counters.sentState++;
    this.#depart(frame.length, nowMs);
    return frame;
  }

  /** The control that waits, in order, when the connection ends in good order and these are its last words. */
  takeControl(): readonly Uint8Array[] {
    return this.#control.takeAll();
  }

  /** `received`: the count in a credit frame. False when it names frames that were never sent: no credit of ours. */
  acknowledge(received: number, nowMs: number): boolean {
    const count = (received - this.#acknowledged) >>> 0;
    if (count > this.flightFrames) return false;
    if (count === 0) return true;
    let bytes = 0;
    for (let i = 0; i < count; i++) bytes += this.#sizes[(this.#acknowledged + i) % FLIGHT_FRAMES_MAX]!;
    this.#flightBytes -= bytes;
    this.#deliveredBytes += bytes;
    const first = this.#acknowledged % FLIGHT_FRAMES_MAX;
    // Of several acknowledged together the last one waited least for it.
    const last = (this.#acknowledged + count - 1) % FLIGHT_FRAMES_MAX;
    this.#acknowledged = (this.#acknowledged + count) >>> 0;
    this.#quietSinceMs = nowMs;
    const roundTripMs = nowMs - this.#sentAtMs[last]!;
    this.#measure(roundTripMs, this.#isLone[first] === 1, nowMs);
    this.#adapt(roundTripMs, bytes, last, nowMs);
    return true;
  }

  /** Whether the other side has acknowledged nothing for RELAY_STUCK_MS though something is on its way to it. */
  isStuck(nowMs: number): boolean {
    return this.flightFrames > 0 && nowMs - this.#quietSinceMs >= RELAY_STUCK_MS;
  }

  #isOpen(nowMs: number): boolean {
    const frames = this.flightFrames;
    if (frames === 0) return true;
    if (frames >= FLIGHT_FRAMES_MAX || this.#flightBytes >= this.#allowedBytes) return false;
    if (this.#mustRunEmpty) return false;
    return nowMs - this.#sentAtMs[this.#acknowledged % FLIGHT_FRAMES_MAX]! < this.#leastRoundTripMs + QUEUE_ALLOWANCE_MS;
  }

  #depart(size: number, nowMs: number): void {
    const slot = this.#sent % FLIGHT_FRAMES_MAX;
    const isFirst = this.flightFrames === 0;
    if (isFirst) {
      this.#quietSinceMs = nowMs;
      this.#mustRunEmpty = false;
    }
    this.#sentAtMs[slot] = nowMs;
    this.#sizes[slot] = size;
    this.#deliveredBefore[slot] = this.#deliveredBytes;
    this.#isLone[slot] = isFirst && size <= RELAY_STATE_BYTES_MAX + 1 ? 1 : 0;
    this.#sent = (this.#sent + 1) >>> 0;
    this.#flightBytes += size;
  }

  #measure(roundTripMs: number, isLone: boolean, nowMs: number): void {
    const isDue = nowMs - this.#leastSeenAtMs > ROUND_TRIP_AGE_MAX_MS || nowMs - this.#onTimeAtMs > LATE_MAX_MS;
    // A long message takes its own time to get through a narrow path; it says nothing of the distance unless it was quick.
    if (roundTripMs < this.#leastRoundTripMs || (isDue && isLone)) this.#leastRoundTripMs = roundTripMs;
    else if (roundTripMs > this.#leastRoundTripMs + ROUND_TRIP_TOLERANCE_MS) {
      this.#mustRunEmpty ||= isDue && this.#leastSeenAtMs > -Infinity;
      return;
    }
    this.#leastSeenAtMs = nowMs;
    this.#mustRunEmpty = false;
  }

  /** `bytes`: acknowledged now, the last of them in `slot`. */
  #adapt(roundTripMs: number, bytes: number, slot: number, nowMs: number): void {
    const onTimeMs = this.#leastRoundTripMs + QUEUE_ALLOWANCE_MS;
    if (roundTripMs <= onTimeMs) {
      this.#onTimeAtMs = nowMs;
      // What was not made use of proves nothing.
      const usedBytes = this.#flightBytes + bytes;
      if (this.#allowedBytes < 2 * usedBytes) this.#allowedBytes = Math.min(FLIGHT_BYTES_MAX, this.#allowedBytes + bytes);
      return;
    }
    // Once a round: until the frames come back that left under the new allowance.
    if (((this.#acknowledged - this.#roundStart) | 0) < 1) return;
    this.#roundStart = this.#sent;
    const carriedBytes = this.#deliveredBytes - this.#deliveredBefore[slot]!;
    this.#allowedBytes = Math.min(this.#allowedBytes, Math.max(FLIGHT_BYTES_MIN, (carriedBytes * onTimeMs) / roundTripMs));
  }
}

/** First in, first out, without moving the rest at every step. */
class FrameQueue {
  bytes = 0;
  #frames: Uint8Array[] = [];
  #first = 0;

  get size(): number {
    return this.#frames.length - this.#first;
  }

  push(frame: Uint8Array): void {
    this.#frames.push(frame);
    this.bytes += frame.length;
  }

  takeAll(): readonly Uint8Array[] {
    const all = this.#frames.slice(this.#first);
    this.#frames = [];
    this.#first = 0;
    this.bytes = 0;
    return all;
  }

  shift(): Uint8Array | undefined {
    if (this.size === 0) return undefined;
    const frame = this.#frames[this.#first]!;
    this.#first++;
    this.bytes -= frame.length;
    // What was given back must not be kept alive; half the array moves at most once for as many steps.
    if (this.#first * 2 >= this.#frames.length) {
      this.#frames = this.#frames.slice(this.#first);
      this.#first = 0;
    }
    return frame;
  }
}
