/**
 * Links over two carriers each in virtual time, for the contract: a direct network and a relay's, both seeded, of which one at a time may
 * be down. So the whole contract holds while links change their paths in the middle of it.
 */
import { VirtualClock } from '../../netcode/core/clock.ts';
import type { PeerId } from '../../netcode/core/ids.ts';
import { mix32, Sfc32 } from '../../netcode/core/rng.ts';
import { ConditionedNetwork } from '../../netcode/transport/conditioned.ts';
import type { Conditions } from '../../netcode/transport/conditions.ts';
import { PathTransport } from '../../netcode/transport/path-transport.ts';
import type { DialOptions, Transport } from '../../netcode/transport/transport.ts';

const DIRECT: Partial<Conditions> = { delayMs: 20, jitterMs: 4, lossPct: 3, reorder: true };
const RELAY: Partial<Conditions> = { delayMs: 45, jitterMs: 5 };
/** A path that is down is so for this long, and up for as long in between: longer than it takes to notice. */
const DOWN_MS = { min: 200, max: 6_000 };
const UP_MS = { min: 500, max: 5_000 };

interface Due {
  readonly atMs: number;
  readonly callback: () => void;
}

/** Both networks, their clock, and whatever waits for a moment. */
export class TwoPaths {
  readonly clock = new VirtualClock();
  readonly direct: ConditionedNetwork;
  readonly relay: ConditionedNetwork;
  readonly #rng: Sfc32;
  #due: Due[] = [];
  #changesMs = 0;
  #isChanging = false;
  #idsGiven = 0;
  #linksGiven = 0;

  constructor(seed: number) {
    this.#rng = new Sfc32(mix32(seed, 3));
    this.direct = new ConditionedNetwork(this.clock, mix32(seed, 1), { isCarrier: true });
    this.relay = new ConditionedNetwork(this.clock, mix32(seed, 2), { isCarrier: true });
    this.set('direct', true);
    this.set('relay', true);
  }

  createTransport(paths: 'all' | 'direct' | 'relay' = 'all'): PathTransport {
    const id = `paths-${++this.#idsGiven}` as PeerId;
    return new PathTransport({
      clock: this.clock,
      direct: paths === 'relay' ? undefined : this.direct.createTransport(id),
      relay: paths === 'direct' ? undefined : this.relay.createTransport(id),
      randomHex: () => (++this.#linksGiven).toString(16).padStart(32, '0'),
      after: (ms, callback) => {
        const due = { atMs: this.clock.nowMs() + ms, callback };
        this.#due.push(due);
        return () => (this.#due = this.#due.filter((other) => other !== due));
      },
    });
  }

  set(path: 'direct' | 'relay', isUp: boolean): void {
    this[path].setDefaultConditions({ ...(path === 'direct' ? DIRECT : RELAY), isDown: !isUp });
  }

  /** From now on the direct path comes and goes as the seed will have it; the relay stays. */
  changeAtRandom(): void {
    this.#isChanging = true;
    this.#changesMs = this.clock.nowMs();
  }

  /** After the clock went on. */
  pump(): void {
    const nowMs = this.clock.nowMs();
    if (this.#isChanging && nowMs >= this.#changesMs) this.#change(nowMs);
    const due = this.#due.filter(({ atMs }) => atMs <= nowMs);
    this.#due = this.#due.filter(({ atMs }) => atMs > nowMs);
    for (const { callback } of due) callback();
    this.direct.pump();
    this.relay.pump();
  }

  #isUp = true;

  #change(nowMs: number): void {
    this.#isUp = !this.#isUp;
    this.set('direct', this.#isUp);
    const { min, max } = this.#isUp ? UP_MS : DOWN_MS;
    this.#changesMs = nowMs + this.#rng.between(min, max);
  }
}

/** The transport with a ticket for the relay in every dial. */
export function withTicket(transport: Transport): Transport {
  return {
    localId: transport.localId,
    get isReachable() {
      return transport.isReachable;
    },
    accept: () => transport.accept(),
    connect: (remoteId: PeerId, options: DialOptions) => transport.connect(remoteId, { ...options, relay: { code: 'K7QX2M' } }),
    close: () => transport.close(),
  };
}
