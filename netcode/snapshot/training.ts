/**
 * Trains priors: writes the snapshots of matches for clients whose acks come with the next frame and for others whose acks
 * come 100 ms late, and counts what the codec meets. The pool that ships and a game's own priors are counted by this alike.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { BitWriter } from '../wire/bits.ts';
import type { SimEvent } from '../world/simulation.ts';
import { World } from '../world/world.ts';
import type { WorldState } from '../world/world-state.ts';
import { Baselines, HISTORY_TICKS } from './baselines.ts';
import { Captures } from './capture.ts';
import type { InterestGrid } from './interest-grid.ts';
import { Interest, interestGridOf, priorityOf } from './interest.ts';
import { writePriors } from './priors.ts';
import { SnapshotModel } from './snapshot-model.ts';
import { type Recipient, SnapshotWriter } from './snapshot-writer.ts';
import { TallyingEncoder } from './tally.ts';

/** Ack delays that a real player may have; 0: it is known before the next snapshot is sent. */
const ACK_DELAYS_SECONDS = [0, 0.1];
const NO_EVENTS: readonly SimEvent[] = [];

/** The clients of one ack delay, and a writer of their own, so that no body is counted for only one delay of two. */
interface Lane {
  readonly delaySnapshots: number;
  readonly writer: SnapshotWriter;
  readonly recipients: readonly Recipient[];
}

export interface TrainingMatchOptions {
  /** The state to be captured tick by tick, as the simulation or whoever else keeps it. */
  readonly state: WorldState;
  readonly players: readonly PlayerId[];
  readonly snapshotsPerSecond: number;
}

/** One training: any number of matches of a game, one after the other. */
export class Training {
  readonly #game: AnyGame;
  readonly #encoder: TallyingEncoder;
  readonly #model: SnapshotModel;
  readonly #packet: BitWriter;
  readonly #bytesMax: number;

  /** Packets hold at most `bytesMax`. The game's own priors, should it have any, play no part: training starts from the pool. */
  constructor(game: AnyGame, bytesMax: number) {
    this.#game = { ...game, priors: undefined };
    this.#bytesMax = bytesMax;
    this.#model = new SnapshotModel(this.#game);
    this.#encoder = new TallyingEncoder(bytesMax, this.#model);
    this.#packet = new BitWriter(bytesMax);
  }

  /** A match, whose clients know nothing yet. */
  match(options: TrainingMatchOptions): TrainingMatch {
    const [encoder, packet] = [this.#encoder, this.#packet];
    return new TrainingMatch(this.#game, { ...options, encoder, packet, model: this.#model, bytesMax: this.#bytesMax });
  }

  /** What was counted, by the pool's priors: zeros and ones of each. */
  pooled(): Float64Array {
    return this.#encoder.pooled();
  }

  /** The text of the game's own priors. */
  ownPriors(): string {
    const before = new Uint16Array(this.#model.contextCount);
    let at = 0;
    for (const { priors } of this.#model.kinds) {
      before.set(priors, at);
      at += priors.length;
    }
    return writePriors(this.#encoder.counts, before);
  }
}

interface MatchParts extends TrainingMatchOptions {
  readonly model: SnapshotModel;
  readonly encoder: TallyingEncoder;
  readonly packet: BitWriter;
  readonly bytesMax: number;
}

export class TrainingMatch {
  readonly #parts: MatchParts;
  readonly #captures: Captures;
  readonly #world: World;
  readonly #grid: InterestGrid | undefined;
  readonly #interests: readonly Interest[];
  readonly #lanes: readonly Lane[];
  readonly #sentTicks: Tick[] = [];

  constructor(game: AnyGame, parts: MatchParts) {
    const { state, players, snapshotsPerSecond } = parts;
    this.#parts = parts;
    this.#captures = new Captures(game, HISTORY_TICKS);
    this.#world = new World(game, state);
    this.#grid = interestGridOf(game);
    this.#interests = this.#grid === undefined ? [] : players.map((player) => new Interest(game, player));
    const interval = game.tickRate / game.sendRate;
    this.#lanes = ACK_DELAYS_SECONDS.map((seconds) => ({
      delaySnapshots: Math.max(1, Math.round(seconds * snapshotsPerSecond)),
      writer: this.#writer(game),
      recipients: players.map((player, i) => {
        return { player, baselines: new Baselines(game.kinds.length, interval), interest: this.#interests[i] };
      }),
    }));
  }

  /** Takes the state as it stands: in every tick, as a host does. */
  capture(): void {
    this.#captures.capture(this.#parts.state);
  }

  /** Writes the snapshots of the tick last captured, and counts them. */
  send(): void {
    const { encoder, packet, state } = this.#parts;
    this.#grid?.rebuild(state);
    for (const interest of this.#interests) interest.update(this.#grid!, this.#world);
    for (const { delaySnapshots, writer, recipients } of this.#lanes) {
      const ackedTick = this.#sentTicks[this.#sentTicks.length - delaySnapshots];
      for (const to of recipients) {
        if (ackedTick !== undefined) to.baselines.acknowledge(ackedTick);
        packet.reset();
        writer.write(packet, to, NO_EVENTS);
        encoder.commit();
      }
    }
    this.#sentTicks.push(state.tick);
  }

  #writer(game: AnyGame): SnapshotWriter {
    const { model, encoder, bytesMax } = this.#parts;
    const hook = priorityOf(game, this.#world);
    return new SnapshotWriter(game, {
      model,
      captures: this.#captures,
      bytesMax,
      encoder,
      ...(hook !== undefined && { priorityOf: hook }),
    });
  }
}
