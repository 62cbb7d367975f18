/**
 * The state lanes of one link beyond the first: which are wanted, which are open, and what is tried again when.
 *
 * The side that dialled the link offers; the other asks it to. So no two offers ever cross. Lanes are wanted for good once they were
 * asked for; one that breaks is opened anew, later every time that it does not last. Whatever the other side says, there is at most
 * one connection a lane, and a new one only so often.
 */
import type { Clock } from '../core/clock.ts';
import { type LaneOffer, type LaneSignal, type LaneText, readLaneText, writeLaneText } from './state-lane-signals.ts';
import { StateLane } from './state-lane.ts';
import { STATE_LANES_MAX } from './transport.ts';

/** An attempt that has not opened by then never will: on a path that loses 15 % the handshake takes up to some seconds. */
const ATTEMPT_TIMEOUT_MS = 15_000;
/** From a break to the next attempt; twice as long after each that did not last. */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;
/** Open so long, a lane lasted: its next break is a new story. */
const LASTED_MS = 10_000;
/** Offers for one lane that may come in a row, since control may hold some up and hand them over together, and how often beyond. */
const OFFERS_AT_ONCE_MAX = 4;
const OFFER_EVERY_MS = 2_000;
/** What may be said about one attempt: some twenty candidates on a machine with several networks and a relay, and little else. */
const SIGNALS_MAX = 70;

export interface StateLanesParts {
  /** Whether this side dialled the link: then it offers. */
  readonly isDialler: boolean;
  readonly clock: Clock;
  readonly createConnection: () => RTCPeerConnection;
  /** Says it to the other side, reliably and in order. */
  readonly say: (text: string) => void;
  readonly onMessage: (data: unknown) => void;
  readonly onChannel: (channel: RTCDataChannel) => void;
  readonly onMalformed: () => void;
}

/** One lane, through all its attempts. */
interface Slot {
  readonly n: number;
  lane: StateLane | undefined;
  /** The last one begun; 0: none yet. */
  attempt: number;
  /** How much was said about it. */
  signals: number;
  openedAtMs: number | undefined;
  retryMs: number;
  /** The attempt's timeout, or the wait for the next. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Each offer moves it on by OFFER_EVERY_MS, from the present at least; it may lie only so far ahead of the present. */
  offersUntilMs: number;
}

export class StateLanes {
  readonly #parts: StateLanesParts;
  readonly #slots: readonly Slot[];
  #wanted = 1;
  /** By the other side. */
  #asked = 1;
  #isClosed = false;

  constructor(parts: StateLanesParts) {
    this.#parts = parts;
    this.#slots = Array.from({ length: STATE_LANES_MAX - 1 }, (_, index) => ({
      n: index + 1,
      lane: undefined,
      attempt: 0,
      signals: 0,
      openedAtMs: undefined,
      retryMs: RETRY_MS_MIN,
      timer: undefined,
      offersUntilMs: -Infinity,
    }));
  }

  /** Wants `count` lanes from now on, the link's own included; fewer than before changes nothing. */
  want(count: number): void {
    const wanted = Math.min(Math.floor(count), STATE_LANES_MAX);
    if (this.#isClosed || !(wanted > this.#wanted)) return;
    const fresh = this.#slots.slice(this.#wanted - 1, wanted - 1);
    this.#wanted = wanted;
    if (this.#parts.isDialler) for (const slot of fresh) this.#offer(slot);
    else this.#say({ kind: 'lanes', count: wanted });
  }

  /** The lane's channel while it is open. Lane 0 is the link's own, and not here. */
  openChannel(n: number): RTCDataChannel | undefined {
    return this.#slots[n - 1]?.lane?.openChannel;
  }

  /** Takes a text from the other side. */
  hear(text: string): void {
    if (this.#isClosed) return;
    const said = readLaneText(text);
    if (said === undefined || !this.#take(said)) this.#parts.onMalformed();
  }

  /** Closes all, for good. */
  close(): void {
    this.#isClosed = true;
    for (const slot of this.#slots) this.#clear(slot);
  }

  /** Returns false when it was not for this side to hear, or not now. */
  #take(said: LaneText): boolean {
    if (said.kind === 'lanes') {
      if (!this.#parts.isDialler || said.count <= this.#asked) return false;
      this.#asked = said.count;
      this.want(said.count);
      return true;
    }
    const slot = this.#slots[said.n - 1];
    if (slot === undefined) return false;
    return said.kind === 'offer' ? this.#takeOffer(slot, said) : this.#takeSignal(slot, said);
  }

  #takeOffer(slot: Slot, { attempt, sdp }: LaneOffer): boolean {
    if (this.#parts.isDialler || attempt <= slot.attempt || !this.#isOfferDue(slot)) return false;
    // The other side knows better whether the one before still lives.
    this.#begin(slot, attempt, (lane) => lane.answer(sdp));
    return true;
  }

  #takeSignal(slot: Slot, signal: LaneSignal): boolean {
    if (signal.kind === 'answer' && !this.#parts.isDialler) return false;
    if (signal.attempt > slot.attempt) return false;
    slot.signals += 1;
    if (slot.signals > SIGNALS_MAX) return false;
    // Said before the other side knew that this attempt is over.
    if (signal.attempt < slot.attempt || slot.lane === undefined) return true;
    switch (signal.kind) {
      case 'answer':
        return slot.lane.takeAnswer(signal.sdp);
      case 'candidate':
        return slot.lane.takeCandidate(signal.candidate);
      case 'gone':
        this.#clear(slot);
        this.#retryLater(slot);
        return true;
    }
  }

  #isOfferDue(slot: Slot): boolean {
    const nowMs = this.#parts.clock.nowMs();
    const untilMs = Math.max(slot.offersUntilMs, nowMs) + OFFER_EVERY_MS;
    if (untilMs > nowMs + OFFERS_AT_ONCE_MAX * OFFER_EVERY_MS) return false;
    slot.offersUntilMs = untilMs;
    return true;
  }

  #offer(slot: Slot): void {
    this.#begin(slot, slot.attempt + 1, (lane) => lane.offer());
  }

  #begin(slot: Slot, attempt: number, start: (lane: StateLane) => Promise<void>): void {
    if (this.#isClosed) return;
    this.#clear(slot);
    slot.attempt = attempt;
    slot.signals = 0;
    slot.openedAtMs = undefined;
    const lane = this.#createLane(slot, attempt);
    if (lane === undefined) {
      this.#onBroken(slot);
      return;
    }
    slot.lane = lane;
    slot.timer = setTimeout(() => this.#onBroken(slot), ATTEMPT_TIMEOUT_MS);
    void start(lane);
  }

  /** Undefined when the browser makes no more connections. A lane tells nothing once it was closed, so what it tells is of now. */
  #createLane(slot: Slot, attempt: number): StateLane | undefined {
    const { n } = slot;
    const { createConnection, onMessage, onChannel, onMalformed } = this.#parts;
    try {
      return new StateLane({
        peerConnection: createConnection(),
        onDescription: (kind, sdp) => this.#say({ kind, n, attempt, sdp }),
        onCandidate: (candidate) => this.#say({ kind: 'candidate', n, attempt, candidate }),
        onOpen: () => {
          clearTimeout(slot.timer);
          slot.openedAtMs = this.#parts.clock.nowMs();
        },
        onBroken: () => this.#onBroken(slot),
        onMessage,
        onChannel,
        onMalformed,
      });
    } catch {
      return undefined;
    }
  }

  #onBroken(slot: Slot): void {
    this.#clear(slot);
    this.#say({ kind: 'gone', n: slot.n, attempt: slot.attempt });
    this.#retryLater(slot);
  }

  #retryLater(slot: Slot): void {
    if (this.#isClosed || !this.#parts.isDialler) return;
    const { openedAtMs } = slot;
    if (openedAtMs !== undefined && this.#parts.clock.nowMs() - openedAtMs >= LASTED_MS) slot.retryMs = RETRY_MS_MIN;
    slot.timer = setTimeout(() => this.#offer(slot), slot.retryMs);
    slot.retryMs = Math.min(slot.retryMs * 2, RETRY_MS_MAX);
  }

  #clear(slot: Slot): void {
    clearTimeout(slot.timer);
    slot.lane?.close();
    slot.lane = undefined;
  }

  #say(said: LaneText): void {
    this.#parts.say(writeLaneText(said));
  }
}
