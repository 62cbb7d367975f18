/** Everything that is measured of one player: what the screen showed, what the timeline did, what the channel carried. */
import type { Client } from '../client/client.ts';
import type { ViewEntity } from '../client/view-builder.ts';
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { RemoteClient } from '../host/remote-client.ts';
import type { LinkCounters } from '../transport/transport.ts';
import { Histogram } from './histogram.ts';
import { Watcher, type WatcherOptions } from './watcher.ts';

export interface Seat {
  readonly player: PlayerId;
  readonly isHost: boolean;
  readonly client: Client;
  readonly counters: Readonly<LinkCounters>;
  /** The host's end. */
  readonly remote: RemoteClient;
}

/** Counters as they stand at one moment. */
interface Counts {
  readonly ms: number;
  readonly hostTick: number;
  readonly snapshots: number;
  readonly corrections: number;
  readonly incompleteSnapshots: number;
  readonly lateInputs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

/** What was counted between two moments, and how often each size of the rest occurred. */
export interface Measured {
  readonly seat: Seat;
  readonly seconds: number;
  readonly ticks: number;
  readonly snapshots: number;
  readonly corrections: number;
  readonly incompleteSnapshots: number;
  readonly lateInputs: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly watcher: Watcher;
  readonly interpolationDelayMs: Histogram;
  readonly drawnDelayMs: Histogram;
  readonly newestAgeMs: Histogram;
  readonly predictionLeadMs: Histogram;
}

export class SeatMeter {
  readonly #seat: Seat;
  readonly #watcher: Watcher;
  readonly #truth: WatcherOptions['truth'];
  readonly #msPerTick: number;
  readonly #interpolationDelayMs = new Histogram();
  readonly #drawnDelayMs = new Histogram();
  readonly #newestAgeMs = new Histogram();
  readonly #predictionLeadMs = new Histogram();
  #begin: Counts | undefined;

  constructor(game: AnyGame, { seat, ...options }: WatcherOptions & { readonly seat: Seat }) {
    this.#seat = seat;
    this.#watcher = new Watcher(game, options);
    this.#truth = options.truth;
    this.#msPerTick = 1000 / game.tickRate;
  }

  /** From now on it counts. */
  begin(nowMs: number): void {
    this.#begin = this.#counts(nowMs);
  }

  draw(view: readonly ViewEntity[], nowMs: number): void {
    const { presentTick, pastTick } = this.#seat.client;
    if (this.#begin === undefined || presentTick === undefined || pastTick === undefined) return;
    this.#watcher.watch(view, presentTick, pastTick);
    const { interpolationDelayMs, hostTick } = this.#seat.client.stats(nowMs);
    this.#interpolationDelayMs.add(interpolationDelayMs);
    // The host's clock began at 0 and never skips here: tick n is due at n ticks' time.
    this.#drawnDelayMs.add(nowMs - pastTick * this.#msPerTick);
    this.#newestAgeMs.add(nowMs - hostTick * this.#msPerTick);
    this.#predictionLeadMs.add(presentTick * this.#msPerTick - nowMs);
  }

  end(nowMs: number): Measured {
    const end = this.#counts(nowMs);
    const begin = this.#begin ?? end;
    return {
      seat: this.#seat,
      seconds: (end.ms - begin.ms) / 1000,
      ticks: end.hostTick - begin.hostTick,
      snapshots: end.snapshots - begin.snapshots,
      corrections: end.corrections - begin.corrections,
      incompleteSnapshots: end.incompleteSnapshots - begin.incompleteSnapshots,
      lateInputs: end.lateInputs - begin.lateInputs,
      bytesIn: end.bytesIn - begin.bytesIn,
      bytesOut: end.bytesOut - begin.bytesOut,
      watcher: this.#watcher,
      interpolationDelayMs: this.#interpolationDelayMs,
      drawnDelayMs: this.#drawnDelayMs,
      newestAgeMs: this.#newestAgeMs,
      predictionLeadMs: this.#predictionLeadMs,
    };
  }

  #counts(nowMs: number): Counts {
    const { client, counters, remote } = this.#seat;
    const { corrections, incompleteSnapshots, malformedPackets, stalePackets } = client.stats(nowMs);
    return {
      ms: nowMs,
      hostTick: this.#truth.tick,
      snapshots: counters.statePacketsIn - malformedPackets - stalePackets,
      corrections,
      incompleteSnapshots,
      lateInputs: remote.inputs.lateInputs,
      bytesIn: counters.stateBytesIn,
      bytesOut: counters.stateBytesOut,
    };
  }
}
