/**
 * How fast one end of a pair may send. State beyond its rate is dropped, since a newer packet is on its way already. Control must not be
 * lost, so what comes too fast is not read until the debt is paid: a flood waits in the flooder's own network stack. Everything else
 * that arrives, dropped state too, is charged like control, so that nothing can be sent for nothing.
 */
import { type Bucket, type BucketRule, charge, createBucket, tryTake } from '../limits/token-bucket.ts';

/** Two packets a tick at 120 ticks a second; a second's worth at once, as after a stall. */
const STATE_FRAMES: BucketRule = { burst: 240, perSecond: 240 };
/** 120 packets of a kilobyte a second: more than any game here sends to one player. */
const STATE_BYTES: BucketRule = { burst: 131_072, perSecond: 131_072 };
/** Joins and chat need a fraction of it; the burst holds what a join transfers at once. */
const CONTROL_BYTES: BucketRule = { burst: 262_144, perSecond: 65_536 };
/** What handling a frame costs us is worth at least this, however short it is: 1,000 frames a second in the long run, 4,000 at once. */
const FRAME_COST_BYTES_MIN = 64;

export class RelayBudget {
  readonly #stateFrames: Bucket;
  readonly #stateBytes: Bucket;
  readonly #controlBytes: Bucket;

  constructor(nowMs: number) {
    this.#stateFrames = createBucket(STATE_FRAMES, nowMs);
    this.#stateBytes = createBucket(STATE_BYTES, nowMs);
    this.#controlBytes = createBucket(CONTROL_BYTES, nowMs);
  }

  /** Whether a state frame of this size may pass. */
  takeState(bytes: number, nowMs: number): boolean {
    return tryTake(this.#stateFrames, STATE_FRAMES, 1, nowMs) === 0 && tryTake(this.#stateBytes, STATE_BYTES, bytes, nowMs) === 0;
  }

  /** Books anything else. Milliseconds for which the socket is to be left unread; 0: none. */
  charge(bytes: number, nowMs: number): number {
    return charge(this.#controlBytes, CONTROL_BYTES, Math.max(bytes, FRAME_COST_BYTES_MIN), nowMs);
  }

  /** Milliseconds until the debt is paid; 0: there is none. */
  debtMs(nowMs: number): number {
    return charge(this.#controlBytes, CONTROL_BYTES, 0, nowMs);
  }
}
