/**
 * The present as this player will have made it: the newest state from the host, and on top of it the same step function
 * with this player's inputs that the host has not used yet. After every snapshot the world is rewound and replayed.
 * What other players press is not known: under policy `all` they go on as they last did, else their inputs are neutral,
 * and what their things do here is drawn nowhere.
 *
 * A replay goes through the states of the ticks one by one and overwrites them. If the machine has no time for all of it
 * at once, it stops on the way; until it is through, the newest ticks stay what they were, and go on.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import type { SettingValues } from '../wire/settings.ts';
import type { Sight } from '../world/seen-world.ts';
import { type SimEvent, Simulation } from '../world/simulation.ts';
import { StateHistory, type Table, type WorldState } from '../world/world-state.ts';
import type { InputHistory } from './input-history.ts';
import type { ReplayBudget } from './replay-budget.ts';

/** Ticks predicted beyond the newest snapshot at most: 1 s at 60 Hz. Then the player's things stand still until the host is heard again. */
export const PREDICTED_TICKS_MAX = 60;
/** Predicted states kept: those beyond the newest snapshot, and some more to compare late snapshots with. */
const PREDICTED_STATES = 128;
/** The last ticks of a replay are run in one go: they are drawn, and must be of one world. */
const TICKS_AT_ONCE = 4;

export interface PredictionOptions {
  readonly seed: number;
  readonly settings?: SettingValues | undefined;
  readonly player: PlayerId;
  readonly inputs: InputHistory;
  readonly budget: ReplayBudget;
  /** What this player was shown when their input for a tick was taken. */
  readonly sightAt: (tick: Tick) => Sight | undefined;
}

export class Prediction {
  corrections = 0;
  /** Steps run again for the newest snapshot. */
  replayedTicks = 0;
  /** The newest tick that is predicted. */
  tick = 0 as Tick;
  readonly #options: PredictionOptions;
  readonly #simulation: Simulation;
  readonly #states: StateHistory;
  #authorityTick = -1 as Tick;
  /** The newest tick whose input the host had when it was there: later presses count for its next tick. */
  #heardTick = -1 as Tick;
  /** How far the replay has come; `tick` when it is through. */
  #replayTick = 0 as Tick;
  /** The newest tick that was ever stepped with its own input: its effects are shown. */
  #shownTick = -1 as Tick;
  /** The tick whose state the simulation holds just as `#states` does, or -1. */
  #loadedTick = -1 as Tick;

  constructor(game: AnyGame, options: PredictionOptions) {
    this.#options = options;
    this.#simulation = new Simulation(game, options.seed, options.settings);
    this.#states = new StateHistory(game.kinds, PREDICTED_STATES);
  }

  /** The predicted state of a recent tick, or of the next one as `peek` left it. */
  stateAt(tick: Tick): WorldState | undefined {
    return this.#states.at(tick);
  }

  /** The newest tick that is the host's and not predicted. */
  get authorityTick(): Tick {
    return this.#authorityTick;
  }

  /** Whether a replay is under way: the newest states are still those from before it. */
  get isReplaying(): boolean {
    return this.#replayTick < this.tick;
  }

  /** Rewinds to the host's state; `replay` leads back to the present. The host then had the inputs up to `heardTick`. */
  rewind(authority: WorldState, heardTick: Tick): void {
    const predicted = this.#states.at(authority.tick);
    if (predicted !== undefined && authority.tick <= this.tick && !this.#agreesOnMine(predicted, authority)) this.corrections++;
    this.#states.claim(authority.tick).copyFrom(authority);
    this.#authorityTick = authority.tick;
    this.#heardTick = heardTick;
    this.#replayTick = authority.tick;
    this.#loadedTick = -1 as Tick;
    this.tick = Math.max(this.tick, authority.tick) as Tick;
    this.replayedTicks = this.tick - authority.tick;
  }

  /** Begins anew at the host's state, after prediction was given up. What ticks up to `tick` did is not shown any more. */
  restart(authority: WorldState, heardTick: Tick, tick: Tick): void {
    this.tick = authority.tick;
    this.rewind(authority, heardTick);
    this.#shownTick = tick;
  }

  /** Goes on with a replay while there is time. */
  replay(): void {
    const { budget } = this.#options;
    while (this.isReplaying && (this.tick - this.#replayTick <= TICKS_AT_ONCE || budget.hasTime())) {
      this.#replayTick = (this.#replayTick + 1) as Tick;
      this.#step(this.#replayTick);
    }
  }

  /**
   * Predicts further ticks up to `target`, whose inputs are known: the next one in any case, as it is to be drawn, and more while
   * there is time. `onEvent`: what happened for the first time.
   */
  advance(target: Tick, onEvent: (event: SimEvent) => void): void {
    const isThrough = !this.isReplaying;
    const last = Math.min(target, this.#authorityTick + PREDICTED_TICKS_MAX);
    while (this.tick < last) {
      this.#step((this.tick + 1) as Tick, onEvent);
      this.tick = (this.tick + 1) as Tick;
      if (!this.#options.budget.hasTime()) break;
    }
    if (isThrough) this.#replayTick = this.tick;
  }

  /**
   * Predicts one tick beyond the present with what is held right now, to be drawn between the two. It is stepped again with
   * the input that the tick gets in the end.
   */
  peek(): void {
    this.#step((this.tick + 1) as Tick, undefined, true);
    this.#loadedTick = -1 as Tick;
  }

  #step(tick: Tick, onEvent?: (event: SimEvent) => void, isPeek = false): void {
    const simulation = this.#simulation;
    const { inputs, player, sightAt } = this.#options;
    const before = (tick - 1) as Tick;
    if (this.#loadedTick !== before) simulation.state.copyFrom(this.#states.at(before)!);
    simulation.holdInputs();
    if (isPeek) simulation.inputs.set(player, inputs.held);
    else if (before !== this.#authorityTick) simulation.inputs.set(player, inputs.at(tick));
    else simulation.inputs.set(player, inputs.withLatePresses(tick, this.#heardTick));
    const sight = sightAt(tick);
    const isFirstTime = onEvent !== undefined && tick > this.#shownTick;
    if (isFirstTime) this.#shownTick = tick;
    simulation.step(tick, {
      isFirstTime,
      sightOf: (viewer) => (viewer === player ? sight : undefined),
      ...(isFirstTime && { onEvent }),
    });
    this.#states.claim(tick).copyFrom(simulation.state);
    this.#loadedTick = tick;
  }

  /** Whether two states hold the same things of this player with the same values. */
  #agreesOnMine(a: WorldState, b: WorldState): boolean {
    return a.tables.every((table, k) => ownRows(table, this.#options.player) === ownRows(b.tables[k]!, this.#options.player));
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
