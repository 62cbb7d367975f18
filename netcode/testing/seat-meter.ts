/** Everything that is measured of one player: what the screen showed, what the timeline did, what the channel carried. */
import type { Client } from '../client/client.ts';
import type { ViewEntity } from '../client/view-builder.ts';
import type { PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { RemoteClient } from '../host/remote-client.ts';
import type { LinkCounters } from '../transport/transport.ts';
import { Histogram } from './histogram.ts';
import type { HitTally } from './hit-tally.ts';
import { Watcher, type WatcherOptions } from './watcher.ts';

export interface Seat {
  readonly player: PlayerId;
  readonly isHost: boolean;
  readonly client: Client;
  readonly counters: Readonly<LinkCounters>;
  /** The host's end. */
  readonly remote: RemoteClient;
  /** Undefined unless it was said which event is a hit. */
  readonly hits: HitTally | undefined;
}

/** One moment by two clocks: the host's, which judges, and the player's own. */
export interface SeatMoment {
  readonly nowMs: number;
  readonly localMs: number;
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
  readonly viewDelayMs: Histogram;
  readonly droppedFrames: number;
  readonly unpredictedFrames: number;
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
  readonly #viewDelayMs = new Histogram();
  #droppedFrames = 0;
  #unpredictedFrames = 0;
  #begin: Counts | undefined;

  constructor(game: AnyGame, { seat, ...options }: WatcherOptions & { readonly seat: Seat }) {
    this.#seat = seat;
    this.#watcher = new Watcher(game, options);
    this.#truth = options.truth;
    this.#msPerTick = 1000 / game.tickRate;
  }

  /** From now on it counts. */
  begin(moment: SeatMoment): void {
    this.#begin = this.#counts(moment);
    this.#seat.hits?.begin(this.#seat.client.presentTick ?? 0);
  }

  /** A frame that a busy machine did not draw. */
  dropFrame(): void {
    if (this.#begin !== undefined) this.#droppedFrames++;
  }

  draw(view: readonly ViewEntity[], { nowMs, localMs }: SeatMoment): void {
    const { presentTick, pastTick } = this.#seat.client;
    if (this.#begin === undefined || presentTick === undefined || pastTick === undefined) return;
    const { interpolationDelayMs, hostTick, isPredicting } = this.#seat.client.stats(localMs);
    if (!isPredicting) this.#unpredictedFrames++;
    this.#watcher.watch({ view, atMs: nowMs, present: isPredicting ? presentTick : pastTick, past: pastTick });
    this.#interpolationDelayMs.add(interpolationDelayMs);
    // The host's clock began at 0 and never skips here: tick n is due at n ticks' time.
    this.#drawnDelayMs.add(nowMs - pastTick * this.#msPerTick);
    this.#newestAgeMs.add(nowMs - hostTick * this.#msPerTick);
    this.#predictionLeadMs.add(presentTick * this.#msPerTick - nowMs);
    this.#viewDelayMs.add((presentTick - pastTick) * this.#msPerTick);
  }

  end(moment: SeatMoment): Measured {
    const end = this.#counts(moment);
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
      viewDelayMs: this.#viewDelayMs,
      droppedFrames: this.#droppedFrames,
      unpredictedFrames: this.#unpredictedFrames,
    };
  }

  #counts({ nowMs, localMs }: SeatMoment): Counts {
    const { client, counters, remote } = this.#seat;
    const { corrections, incompleteSnapshots, malformedPackets, stalePackets } = client.stats(localMs);
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
