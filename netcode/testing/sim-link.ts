/** The state channels of one guest in a simulated match: two ends, a path each way, and a clock that the simulator sets. */
import type { StateLink } from '../channel/state-link.ts';
import { checkStateSize, LinkInbox } from '../transport/inbox.ts';
import type { Received } from '../transport/transport.ts';
import type { StatePath } from './recorded-path.ts';

/** Set by the simulator: each client's moments lie between two of the host's. */
export class SimClock {
  ms = 0;

  nowMs(): number {
    return this.ms;
  }
}

/** A machine's own clock, fast or slow by so many millionths. At 0 the host's read 0, too. */
export class LocalClock {
  readonly #rate: number;

  constructor(driftPpm: number) {
    this.#rate = 1 + driftPpm / 1e6;
  }

  localMs(hostMs: number): number {
    return hostMs * this.#rate;
  }

  hostMs(localMs: number): number {
    return localMs / this.#rate;
  }
}

export class SimLink implements StateLink {
  readonly #clock: SimClock;
  /** Of the machine at this end: says when packets came. */
  readonly #local: LocalClock;
  readonly #outgoing: StatePath;
  readonly #incoming: StatePath;
  readonly #inbox = new LinkInbox();

  constructor(clocks: { readonly clock: SimClock; readonly local: LocalClock }, outgoing: StatePath, incoming: StatePath) {
    this.#clock = clocks.clock;
    this.#local = clocks.local;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
  }

  get counters(): LinkInbox['counters'] {
    return this.#inbox.counters;
  }

  stateBufferedBytes(lane = 0): number {
    return this.#outgoing.stateBufferedBytes(this.#clock.ms, lane);
  }

  openLanes(count: number): void {
    this.#outgoing.openLanes(count, this.#clock.ms);
  }

  sendState(bytes: Uint8Array, lane = 0): boolean {
    checkStateSize(bytes);
    if (!this.#outgoing.sendState(bytes, this.#clock.ms, lane)) {
      this.#inbox.counters.stateSendRefused += 1;
      return false;
    }
    this.#inbox.countStateOut(bytes.byteLength);
    return true;
  }

  receiveState(): Received | undefined {
    this.#incoming.deliver(this.#clock.ms, {
      state: (bytes, atMs) => this.#inbox.pushState(bytes, this.#local.localMs(atMs)),
      control: () => undefined,
      close: () => undefined,
    });
    return this.#inbox.shiftState();
  }
}
