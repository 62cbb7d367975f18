/** The state channel of one guest in a simulated match: two ends, a path each way, and a clock that the simulator sets. */
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

export class SimLink implements StateLink {
  readonly #clock: SimClock;
  readonly #outgoing: StatePath;
  readonly #incoming: StatePath;
  readonly #inbox = new LinkInbox();

  constructor(clock: SimClock, outgoing: StatePath, incoming: StatePath) {
    this.#clock = clock;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
  }

  get counters(): LinkInbox['counters'] {
    return this.#inbox.counters;
  }

  get stateBufferedBytes(): number {
    return this.#outgoing.stateBufferedBytes(this.#clock.ms);
  }

  sendState(bytes: Uint8Array): boolean {
    checkStateSize(bytes);
    this.#outgoing.sendState(bytes, this.#clock.ms);
    this.#inbox.countStateOut(bytes.byteLength);
    return true;
  }

  receiveState(): Received | undefined {
    this.#incoming.deliver(this.#clock.ms, {
      state: (bytes, atMs) => this.#inbox.pushState(bytes, atMs),
      control: () => undefined,
      close: () => undefined,
    });
    return this.#inbox.shiftState();
  }
}
