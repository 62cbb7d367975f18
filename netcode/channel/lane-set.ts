/**
 * The lanes of a link as their sender sees them: which is open, which stalls, what each has room for, and which is next. Several
 * associations have several windows and do not stall together, so packets go over them in turn.
 */
import { STATE_LANES_MAX, STATE_PACKET_BYTES_MAX } from '../transport/transport.ts';
import { DCSCTP, LaneWindow, type SentPacket, USRSCTP } from './lane-window.ts';
import type { StateLink } from './state-link.ts';

/** A stalled lane is asked this often. So all that it is asked in SCTP's longest time-out (3 s) fits its smallest window. */
const PROBE_MS = 100;
/** Where the window is full, what may be lost is noticed only by what is sent after it. */
const HELD_PROBE_MS = 20;
/** Less room than this is none: no snapshot fits. */
const HELD_BYTES = 200;
/** Of each window, kept free for probes. */
const PROBE_ROOM_BYTES = 300;

export class LaneSet {
  /** The lane used last. */
  last = 0;
  readonly #link: StateLink;
  readonly #windows = Array.from({ length: STATE_LANES_MAX }, () => new LaneWindow());
  /** When a stalled lane was asked last. */
  #askedMs = -Infinity;

  constructor(link: StateLink) {
    this.#link = link;
  }

  get openCount(): number {
    return this.#windows.reduce((count, _, lane) => count + Number(this.#isOpen(lane)), 0);
  }

  /** Times that a lane stalled. */
  get stalls(): number {
    return this.#windows.reduce((sum, { stalls }) => sum + stalls, 0);
  }

  /** The share of packets that is lost on the lane that loses most. */
  get lossShare(): number {
    return this.#windows.reduce((most, { lossShare }) => Math.max(most, lossShare), 0);
  }

  windowOf(lane: number): LaneWindow {
    return this.#windows[lane]!;
  }

  /** The link is over another path now: all associations are others. */
  restart(): void {
    this.last = 0;
    this.#askedMs = -Infinity;
    for (const window of this.#windows) window.restart();
  }

  sent(packet: SentPacket): void {
    if (!this.#isStream) this.#windows[packet.lane]!.sent(packet);
  }

  acked(packet: SentPacket, nowMs: number): void {
    if (!this.#isStream) this.#windows[packet.lane]!.acked(packet, nowMs);
  }

  /** Bytes that a packet may have on this lane. */
  roomOf(lane: number): number {
    if (this.#isStream) return STATE_PACKET_BYTES_MAX;
    return Math.floor(this.#windows[lane]!.roomBytes) - PROBE_ROOM_BYTES;
  }

  /** What each of so many packets may have, so that the windows last for all of them. */
  spreadBytes(packets: number): number {
    if (this.#isStream) return STATE_PACKET_BYTES_MAX;
    const room = this.#windows.reduce(
      (sum, { windowBytes }, lane) => (this.#isAwake(lane) ? sum + windowBytes - PROBE_ROOM_BYTES : sum),
      0,
    );
    return Math.floor(room / packets);
  }

  /**
   * The lane that is next for a packet that needs `bytesMin`, or undefined: one that is awake. If none is, one whose window is not closed
   * yet; if all are, any that was not used since the other side was heard.
   */
  choose(bytesMin: number, heardMs: number): number | undefined {
    let stalled: number | undefined;
    let timedOut: number | undefined;
    for (let n = 1; n <= STATE_LANES_MAX; n++) {
      const lane = (this.last + n) % STATE_LANES_MAX;
      if (!this.#isFree(lane)) continue;
      const window = this.#windows[lane]!;
      if (window.isTimedOut) {
        if (heardMs > window.sentAtMs) timedOut ??= lane;
      } else if (this.roomOf(lane) >= bytesMin) {
        if (!window.isStalled) return lane;
        stalled ??= lane;
      }
    }
    return this.#windows.some((_, lane) => this.#isAwake(lane)) ? undefined : (stalled ?? timedOut);
  }

  /** Whether a window, and not a machine that is behind, leaves no room for a packet of `bytesMin`. */
  isWindowFull(bytesMin: number): boolean {
    return this.#windows.some(({ isStalled }, lane) => !isStalled && this.#isFree(lane) && this.roomOf(lane) < bytesMin);
  }

  /** The next lane for a packet of a few bytes; one that does not stall if there is any. */
  chooseForHeartbeat(): number | undefined {
    let stalled: number | undefined;
    for (let n = 1; n <= STATE_LANES_MAX; n++) {
      const lane = (this.last + n) % STATE_LANES_MAX;
      if (!this.#isFree(lane)) continue;
      if (!this.#windows[lane]!.isStalled) return lane;
      stalled ??= lane;
    }
    return stalled;
  }

  /** Notices what became of the lanes' packets. A stall is no answer for `patienceMs` longer than a round trip. */
  watch(nowMs: number, rttMs: number, patienceMs: number): void {
    for (let lane = 0; lane < STATE_LANES_MAX; lane++) {
      const window = this.#windows[lane]!;
      window.make = this.#link.hidesQueue === true ? USRSCTP : DCSCTP;
      if (this.#isOpen(lane)) window.watch(nowMs, rttMs, patienceMs);
      // If it opens again, it is another association.
      else window.restart();
    }
  }

  /** A lane whose state cannot be told but by asking, or undefined. */
  nextToAsk(nowMs: number): number | undefined {
    for (let lane = 0; lane < STATE_LANES_MAX; lane++) {
      const { isStalled, isUnanswered, sentAtMs } = this.#windows[lane]!;
      if (!this.#isFree(lane)) continue;
      const isHeld = !isStalled && isUnanswered && this.roomOf(lane) < HELD_BYTES;
      if (isHeld && nowMs - sentAtMs >= HELD_PROBE_MS) return lane;
      // Lanes that stall together are asked one after the other: one of them finds out sooner that the path is back.
      if (!isStalled || nowMs - sentAtMs < PROBE_MS || nowMs - this.#askedMs < PROBE_MS / this.openCount) continue;
      this.#askedMs = nowMs;
      return lane;
    }
    return undefined;
  }

  /** A stream has a window of its own, and no losses to learn from. */
  get #isStream(): boolean {
    return this.#link.isStream === true;
  }

  #isOpen(lane: number): boolean {
    return this.#link.stateBufferedBytes(lane) !== Infinity;
  }

  /** It is open, and nothing waits there. */
  #isFree(lane: number): boolean {
    return this.#link.stateBufferedBytes(lane) === 0;
  }

  #isAwake(lane: number): boolean {
    return !this.#windows[lane]!.isStalled && this.#isOpen(lane);
  }
}
