/**
 * The present as this player will have made it: the newest state from the host, and on top of it the same step function
 * with this player's inputs that the host has not used yet. After every snapshot the world is rewound and replayed.
 * Other players' inputs are unknown and neutral; what their things do here is drawn only where the policy says so.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { type SimEvent, Simulation } from '../world/simulation.ts';
import { StateHistory, type Table, type WorldState } from '../world/world-state.ts';
import type { InputHistory } from './input-history.ts';

/** Ticks predicted beyond the newest snapshot at most: 1 s at 60 Hz. Then the player's things stand still until the host is heard again. */
export const PREDICTED_TICKS_MAX = 60;
/** Predicted states kept: those beyond the newest snapshot, and some more to compare late snapshots with. */
const PREDICTED_STATES = 128;

export class Prediction {
  corrections = 0;
  /** Steps run again for the newest snapshot. */
  replayedTicks = 0;
  tick = 0 as Tick;
  readonly #player: PlayerId;
  readonly #simulation: Simulation;
  readonly #states: StateHistory;
  readonly #inputs: InputHistory;
  #authorityTick = -1 as Tick;

  constructor(game: AnyGame, options: { readonly seed: number; readonly player: PlayerId; readonly inputs: InputHistory }) {
    this.#player = options.player;
    this.#inputs = options.inputs;
    this.#simulation = new Simulation(game, options.seed);
    this.#states = new StateHistory(game.kinds, PREDICTED_STATES);
  }

  /** The predicted state of a recent tick. */
  stateAt(tick: Tick): WorldState | undefined {
    return this.#states.at(tick);
  }

  /** Rewinds to the host's state and replays up to the present. */
  reconcile(authority: WorldState): void {
    const predicted = this.#states.at(authority.tick);
    if (predicted !== undefined && !this.#agreesOnMine(predicted, authority)) this.corrections++;
    const present = Math.max(this.tick, authority.tick) as Tick;
    this.#authorityTick = authority.tick;
    this.#simulation.state.copyFrom(authority);
    this.#states.claim(authority.tick).copyFrom(authority);
    this.tick = authority.tick;
    this.replayedTicks = present - authority.tick;
    while (this.tick < present) this.#step((this.tick + 1) as Tick, false);
  }

  /** Predicts up to `target`, sampling one input a tick; stops at PREDICTED_TICKS_MAX. Returns whether a tick was added. */
  advance(target: Tick, onEvent: (event: SimEvent) => void): boolean {
    const start = this.tick;
    while (this.tick < target && this.tick - this.#authorityTick < PREDICTED_TICKS_MAX) {
      this.#inputs.sample((this.tick + 1) as Tick);
      this.#step((this.tick + 1) as Tick, true, onEvent);
    }
    return this.tick > start;
  }

  #step(tick: Tick, isFirstTime: boolean, onEvent?: (event: SimEvent) => void): void {
    this.#simulation.inputs.clear();
    this.#simulation.inputs.set(this.#player, this.#inputs.at(tick));
    this.#simulation.step(tick, onEvent === undefined ? { isFirstTime } : { isFirstTime, onEvent });
    this.#states.claim(tick).copyFrom(this.#simulation.state);
    this.tick = tick;
  }

  /** Whether two states hold the same things of this player with the same values. */
  #agreesOnMine(a: WorldState, b: WorldState): boolean {
    return a.tables.every((table, k) => ownRows(table, this.#player) === ownRows(b.tables[k]!, this.#player));
  }
}

/** A hash of the rows a player owns: enough to count disagreements. */
function ownRows(table: Table, player: PlayerId): number {
  let h = 0x811c9dc5;
  for (let row = 0; row < table.count; row++) {
    const at = row * table.stride;
    if (table.data[at] !== player) continue;
    h = Math.imul(h ^ table.ids[row]!, 0x01000193);
    for (let i = 1; i < table.stride; i++) h = Math.imul(h ^ table.data[at + i]!, 0x01000193) ^ (h >>> 15);
  }
  return h;
}
