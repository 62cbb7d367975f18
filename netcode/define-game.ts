/**
 * A game is one object: its state, its inputs, its events and one pure `step`. Everything else
 * (prediction, snapshots, lobby) is derived from it. All types are inferred from the object.
 */
import { type EntityId, type PlayerId, type Tick } from './core/ids.ts';
import type { Rng } from './core/rng.ts';
import { type FieldMap, type InitsOf, layoutOf, type Layout, type Part, type ValueOf, type ValuesOf } from './wire/schema.ts';

export type KindMap = Readonly<Record<string, FieldMap>>;

/**
 * Which time an entity is drawn in.
 * `owner`: in the present on its owner's screen (predicted), in the recent past on others' (interpolated);
 * `all`: predicted on every screen; `none`: interpolated on every screen.
 */
export interface KindPolicy {
  readonly predict?: 'owner' | 'all' | 'none';
}

/** An entity during a step. Properties read and write the state. Valid until the step ends; keep `id` instead. */
export type Entity<M extends FieldMap = FieldMap, Kind extends string = string> = {
  readonly id: EntityId;
  readonly kind: Kind;
  owner: PlayerId;
} & { -readonly [K in keyof M]: ValueOf<M[K]> };

/** Any entity of a game, told apart by `kind`. */
export type EntityOf<E extends KindMap> = { [K in keyof E & string]: Entity<E[K], K> }[keyof E & string];

/** The state as a step sees it. */
export interface WorldView<E extends KindMap> {
  /** All living entities of a kind, in the order of their ids. Spawning and despawning during the loop is safe. */
  all<K extends keyof E & string>(kind: K): Iterable<Entity<E[K], K>>;
  /** The first entity of a kind: for kinds of which there is one. */
  first<K extends keyof E & string>(kind: K): Entity<E[K], K> | undefined;
  /** How many entities of a kind live. */
  count(kind: keyof E & string): number;
  /** The entity with this id, or undefined if it is gone. */
  get(id: EntityId): EntityOf<E> | undefined;
  /** The entity of this kind and id, or undefined if it is gone or of another kind. */
  find<K extends keyof E & string>(kind: K, id: EntityId): Entity<E[K], K> | undefined;
  /**
   * Makes an entity. It is part of the world from the next step on (and of this tick's snapshot).
   * `owner` defaults to NOBODY. Throws RangeError when `entitiesMax` live already.
   */
  spawn<K extends keyof E & string>(kind: K, init?: InitsOf<E[K]> & { readonly owner?: PlayerId }): EntityId;
  /** Removes an entity; loops skip it at once. Unknown ids are ignored. */
  despawn(id: EntityId): void;
}

export interface StepContext<V extends KindMap> {
  readonly tick: Tick;
  /** Seconds per step: `1 / tickRate`. */
  readonly dt: number;
  /** The same numbers for the same match, tick and order of calls, on every peer. */
  readonly rng: Rng;
  /** False when a client replays a tick it has stepped before: sounds and sparks belong to the first time. */
  readonly isFirstTime: boolean;
  /**
   * Tells every player's game that something happened. Events are state's companions: delivered to all, once, at
   * the moment the tick is drawn. With `by`, that player's own client shows it at once, as predicted.
   */
  emit<K extends keyof V & string>(type: K, data: InitsOf<V[K]>, options?: { readonly by?: PlayerId }): void;
}

/** The inputs of one tick. */
export interface Inputs<I extends FieldMap> {
  /** A player's input; neutral if the player is gone or has sent none. */
  of(player: PlayerId): ValuesOf<I>;
}

export interface GameSpec<I extends FieldMap, E extends KindMap, V extends KindMap, R> {
  /** Names the game on the wire: players of different games never meet. */
  readonly id: string;
  /** Raise it with every change of rules or state: players of different versions are told so instead of drifting apart. */
  readonly version: number;
  /** Steps per second. Default 60. */
  readonly tickRate?: number;
  /** Snapshots per second, a divisor of `tickRate`. Default: half the tick rate. */
  readonly sendRate?: number;
  /** Seats, host included. Default 8, at most 31. */
  readonly playersMax?: number;
  /** Living entities at most. Default 1,024, at most 8,192. */
  readonly entitiesMax?: number;
  readonly input: I;
  readonly entities: E;
  readonly events?: V;
  readonly policy?: { readonly [K in keyof E]?: KindPolicy };
  /** Fills the empty world before tick 0. */
  onStart?(world: WorldView<E>, ctx: StepContext<V>): void;
  /** A player entered: spawn what is theirs. Runs at the beginning of a tick. */
  onJoin?(world: WorldView<E>, player: PlayerId, ctx: StepContext<V>): void;
  /** A player left. By default everything they own is despawned. */
  onLeave?(world: WorldView<E>, player: PlayerId, ctx: StepContext<V>): void;
  /** The rules. Pure: depends on its arguments alone, touches nothing but `world`, uses no `Math.random`, no clock, no `Math.sin`. */
  step(world: WorldView<E>, inputs: Inputs<I>, ctx: StepContext<V>): void;
  /** The outcome once the match is over (plain data), or undefined while it goes on. Asked by the host after each step. */
  result?(world: WorldView<E>): R | undefined;
}

/** A kind of entity, compiled: its number on the wire and the layout of its rows (`owner` first). */
export interface Kind {
  readonly index: number;
  readonly name: string;
  readonly layout: Layout;
  readonly predict: 'owner' | 'all' | 'none';
}

export interface EventType {
  readonly index: number;
  readonly name: string;
  readonly layout: Layout;
}

/** A game ready to run: made by `defineGame` only. */
export interface Game<I extends FieldMap = FieldMap, E extends KindMap = KindMap, V extends KindMap = KindMap, R = unknown> {
  readonly spec: GameSpec<I, E, V, R>;
  readonly id: string;
  readonly version: number;
  readonly tickRate: number;
  readonly sendRate: number;
  readonly playersMax: number;
  readonly entitiesMax: number;
  readonly kinds: readonly Kind[];
  readonly eventTypes: readonly EventType[];
  readonly input: Layout<I>;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a game of any shape, where the shape does not matter
export type AnyGame = Game<any, any, any, any>;

/** Column 0 of every entity's row. */
export const OWNER_PART: Part = { min: 0, max: 31, isCyclic: false };
const RESERVED_NAMES = new Set(['id', 'kind', 'owner', 'isMine']);

function requireInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${name} ${value} must be a whole number from ${min} to ${max}`);
  return value;
}

/**
 * Checks a game's description and compiles its layouts. Throws RangeError or TypeError naming what is wrong.
 *
 * @example
 * const pong = defineGame({
 *   id: 'pong', version: 1,
 *   input: { move: int({ min: -1, max: 1 }) },
 *   entities: { paddle: { y: float({ min: 0, max: 100, step: 0.25 }) } },
 *   onJoin(world, player) { world.spawn('paddle', { owner: player, y: 50 }) },
 *   step(world, inputs, { dt }) {
 *     for (const paddle of world.all('paddle')) paddle.y += inputs.of(paddle.owner).move * 60 * dt
 *   },
 * })
 */
export function defineGame<
  const I extends FieldMap,
  const E extends KindMap,
  const V extends KindMap = Record<never, FieldMap>,
  R = undefined,
>(spec: GameSpec<I, E, V, R>): Game<I, E, V, R> {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(spec.id)) throw new TypeError(`game id '${spec.id}' must be 1 to 32 of a-z, 0-9 and -`);
  const tickRate = requireInteger('tickRate', spec.tickRate ?? 60, 1, 240);
  const sendRate = requireInteger('sendRate', spec.sendRate ?? Math.ceil(tickRate / 2), 1, tickRate);
  if (tickRate % sendRate !== 0) throw new RangeError(`sendRate ${sendRate} must divide tickRate ${tickRate}`);
  const kindNames = Object.keys(spec.entities);
  if (kindNames.length === 0 || kindNames.length > 64) throw new RangeError(`a game has 1 to 64 kinds of entity, not ${kindNames.length}`);
  const kinds = kindNames.map((name, index): Kind => {
    const fields = spec.entities[name]!;
    const reserved = Object.keys(fields).find((field) => RESERVED_NAMES.has(field));
    if (reserved !== undefined) throw new TypeError(`'${name}.${reserved}': every entity has '${reserved}' already`);
    return { index, name, layout: layoutOf(fields, [OWNER_PART]), predict: spec.policy?.[name]?.predict ?? 'owner' };
  });
  const eventNames = Object.keys(spec.events ?? {});
  if (eventNames.length > 64) throw new RangeError(`a game has at most 64 types of event, not ${eventNames.length}`);
  return {
    spec,
    id: spec.id,
    version: requireInteger('version', spec.version, 0, 65_535),
    tickRate,
    sendRate,
    playersMax: requireInteger('playersMax', spec.playersMax ?? 8, 1, 31),
    entitiesMax: requireInteger('entitiesMax', spec.entitiesMax ?? 1024, 1, 8192),
    kinds,
    eventTypes: eventNames.map((name, index) => ({ index, name, layout: layoutOf(spec.events![name]!) })),
    input: layoutOf(spec.input),
  };
}
