/**
 * The statistics of a game's snapshots: how each kind is coded, and what its contexts expect before a packet has taught them
 * anything. Every packet starts from the same priors, so packets stay independent: any of them can be lost.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import type { Contexts } from '../wire/range-coder.ts';
import { BirthCoder, makeCounters } from './birth-coder.ts';
import { priorsOf } from './contexts.ts';
import { DEFAULT_PRIORS } from './default-priors.ts';
import { EntityCoder } from './entity-coder.ts';
import { Parents } from './parents.ts';
import { readOwnPriors, readPriors } from './priors.ts';

/** One kind's part of the model. */
export class KindModel {
  readonly kind: Kind;
  /** The contexts of the packet at hand. */
  readonly contexts: Contexts;
  /** Each context's place in the pool. */
  readonly priorOf: Uint16Array;
  readonly entities: EntityCoder;
  readonly births: BirthCoder;
  /** What each context begins a packet with: the pool's priors, or the game's own. */
  readonly priors: Contexts;
  #packet = 0;

  constructor(game: AnyGame, kind: Kind, pool: Contexts) {
    this.kind = kind;
    this.entities = new EntityCoder(game, kind);
    this.births = new BirthCoder(game, kind);
    this.priorOf = priorsOf(kind, this.entities.plan.held);
    this.priors = Uint16Array.from(this.priorOf, (index) => pool[index]!);
    this.contexts = this.priors.slice();
  }

  /** Forgets what another packet taught. */
  begin(packet: number): void {
    if (packet === this.#packet) return;
    this.#packet = packet;
    this.contexts.set(this.priors);
  }
}

export class SnapshotModel {
  readonly kinds: readonly KindModel[];
  /** For the packet at hand: where new entities may come from, and what their ids are expected to be. */
  readonly parents = new Parents();
  readonly nextCounters = makeCounters();
  #packet = 0;

  constructor(game: AnyGame) {
    const pool = readPriors(DEFAULT_PRIORS);
    this.kinds = game.kinds.map((kind) => new KindModel(game, kind, pool));
    if (game.priors !== undefined) this.#take(game.priors);
  }

  /** How many contexts all kinds have. */
  get contextCount(): number {
    return this.kinds.reduce((sum, { contexts }) => sum + contexts.length, 0);
  }

  /** Begins a packet; returns its number, for `KindModel.begin`. */
  begin(): number {
    return ++this.#packet;
  }

  /** The game's own priors instead of the pool's, kind after kind. */
  #take(text: string): void {
    const own = readOwnPriors(text, this.contextCount);
    let at = 0;
    for (const { priors } of this.kinds) {
      priors.set(own.subarray(at, at + priors.length));
      at += priors.length;
    }
  }
}
