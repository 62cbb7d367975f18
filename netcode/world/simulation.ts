/**
 * One deterministic step of a game: (state, inputs, who came and went) -> state. The host runs it as the authority,
 * every client runs the same code to predict, and a replay runs it again: nothing here depends on which of these it is.
 */
import type { AnyGame, EmitOptions, Inputs, JoinContext, KindMap, WorldView } from '../define-game.ts';
import { type EntityId, NO_ENTITY, NOBODY, type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { mix32, Sfc32 } from '../core/rng.ts';
import type { SettingValues } from '../wire/settings.ts';
import { type Accessor, accessorClass, type FieldMap, type Layout, writeFields } from '../wire/schema.ts';
import { HeldInputs } from './held-inputs.ts';
import type { SightOf } from './seen-world.ts';
import { World } from './world.ts';
import { WorldState } from './world-state.ts';

/** A game event as it leaves a step: integers, ready for the wire. */
export interface SimEvent {
  readonly tick: Tick;
  readonly type: number;
  /** NOBODY unless someone may predict it. */
  readonly by: PlayerId;
  /** Only clients that know this entity may hear of it; NO_ENTITY: no such condition. */
  readonly about: EntityId;
  /** Only this player may hear of it; NOBODY: no such condition. */
  readonly to: PlayerId;
  readonly row: Int32Array;
}

/** Events one step may emit; more are dropped and counted, since a runaway rule must not fill the wire. */
export const EVENTS_PER_TICK_MAX = 64;

/** The inputs of all seats for one tick, as rows of integers. */
export class InputTable {
  readonly data: Int32Array;
  readonly stride: number;
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
    this.stride = layout.parts.length;
    this.data = new Int32Array((PLAYERS_MAX + 1) * this.stride);
    this.clear();
  }

  /** Everybody neutral. */
  clear(): void {
    for (let player = 0; player <= PLAYERS_MAX; player++) this.data.set(this.#layout.initial, player * this.stride);
  }

  set(player: PlayerId, row: Int32Array): void {
    this.data.set(row, player * this.stride);
  }

  row(player: PlayerId): Int32Array {
    return this.data.subarray(player * this.stride, (player + 1) * this.stride);
  }
}

export interface StepOptions {
  readonly isFirstTime: boolean;
  /** Whether what this step says is so: on the host, and where its match is played again. Default false. */
  readonly isAuthority?: boolean;
  /** What players saw when they pressed what counts in this step: an input like others. Undefined: everybody saw the present. */
  readonly sightOf?: SightOf;
  readonly joined?: readonly PlayerId[];
  /** The team of each who joined. Default: 0. */
  readonly teams?: readonly number[];
  readonly left?: readonly PlayerId[];
  readonly onEvent?: (event: SimEvent) => void;
}

export class Simulation {
  readonly game: AnyGame;
  readonly state: WorldState;
  readonly inputs: InputTable;
  droppedEvents = 0;
  readonly #world: World;
  readonly #view: WorldView<KindMap>;
  readonly #seed: number;
  readonly #rng = new Sfc32(0);
  readonly #inputViews: Accessor[] = [];
  readonly #held: HeldInputs | undefined;
  #tick = 0 as Tick;
  #isFirstTime = true;
  #isAuthority = false;
  /** The team of whoever joins right now. */
  #team = 0;
  #eventCount = 0;
  #onEvent: ((event: SimEvent) => void) | undefined;
  readonly #context: JoinContext<Record<string, FieldMap>>;
  readonly #inputsOf: Inputs<FieldMap>;

  /** `settings` are what was chosen in the lobby. */
  constructor(game: AnyGame, seed: number, settings: SettingValues = game.defaultSettings) {
    this.game = game;
    this.#seed = seed;
    this.state = new WorldState(game.kinds);
    this.inputs = new InputTable(game.input);
    this.#world = new World(game, this.state);
    this.#view = this.#world.view;
    this.#held = HeldInputs.of(game);
    const InputView = accessorClass(game.input);
    for (let player = 0; player <= PLAYERS_MAX; player++) {
      this.#inputViews.push(new InputView({ rows: this.inputs, base: player * this.inputs.stride }));
    }
    this.#inputsOf = { of: (player) => this.#inputViews[player] ?? this.#inputViews[NOBODY]! };
    this.#context = this.#makeContext(settings);
  }

  /** Empties the world and lets the game fill it: the state before tick 1. */
  start(): void {
    this.state.clear();
    this.#begin(0 as Tick, { isFirstTime: true, isAuthority: true });
    this.game.spec.onStart?.(this.#view, this.#context);
    this.#world.commit();
  }

  /**
   * Fills `inputs` with what players hold according to the state: neutral, but for games with a kind of policy `all`. Presses are
   * not held.
   */
  holdInputs(): void {
    this.inputs.clear();
    this.#held?.hold(this.state, this.inputs);
  }

  /** Advances the state from `tick - 1` to `tick` with what stands in `inputs`. */
  step(tick: Tick, options: StepOptions): void {
    const { spec } = this.game;
    this.#begin(tick, options);
    for (const player of options.left ?? []) {
      if (spec.onLeave === undefined) this.#world.despawnOwnedBy(player);
      else spec.onLeave(this.#view, player, this.#context);
      this.#held?.leave(this.state, player);
    }
    for (const [i, player] of (options.joined ?? []).entries()) {
      this.#held?.join(this.state, player, this.#world.takeId(player), tick);
      this.#team = options.teams?.[i] ?? 0;
      spec.onJoin?.(this.#view, player, this.#context);
    }
    this.#team = 0;
    if (options.joined !== undefined || options.left !== undefined) this.#world.commit(tick);
    spec.step(this.#view, this.#inputsOf, this.#context);
    this.#world.commit(tick);
    this.#held?.keep(this.state, this.inputs);
    this.state.tick = tick;
  }

  /** The game's outcome, or undefined while the match goes on. */
  result(): unknown {
    return this.game.spec.result?.(this.#view);
  }

  #begin(tick: Tick, options: StepOptions): void {
    this.#tick = tick;
    this.#isFirstTime = options.isFirstTime;
    this.#isAuthority = options.isAuthority ?? false;
    this.#onEvent = options.onEvent;
    this.#eventCount = 0;
    this.#rng.reseed(mix32(this.#seed, tick));
    this.#world.begin(tick, options.sightOf);
  }

  #makeContext(settings: SettingValues): JoinContext<Record<string, FieldMap>> {
    // oxlint-disable-next-line typescript/no-this-alias -- the context's getters read the simulation's current step
    const simulation = this;
    return {
      get tick() {
        return simulation.#tick;
      },
      dt: 1 / this.game.tickRate,
      rng: this.#rng,
      settings,
      get team() {
        return simulation.#team;
      },
      get isFirstTime() {
        return simulation.#isFirstTime;
      },
      get isAuthority() {
        return simulation.#isAuthority;
      },
      emit(name, data, options) {
        simulation.#emit(name, data, options);
      },
    };
  }

  #emit(name: string, data: Readonly<Record<string, unknown>>, options: EmitOptions = {}): void {
    const type = this.game.eventTypes.find((candidate) => candidate.name === name);
    if (type === undefined) throw new TypeError(`there is no event '${name}'`);
    if (++this.#eventCount > EVENTS_PER_TICK_MAX) {
      this.droppedEvents++;
      return;
    }
    if (this.#onEvent === undefined) return;
    const row = type.layout.initial.slice();
    writeFields(type.layout, row, 0, data);
    const { by = NOBODY, about = NO_ENTITY, to = NOBODY } = options;
    this.#onEvent({ tick: this.#tick, type: type.index, by, about, to, row });
  }
}
