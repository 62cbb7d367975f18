/**
 * A game is one object: its state, its inputs, its events and one pure `step`. Everything else
 * (prediction, snapshots, lobby) is derived from it. All types are inferred from the object.
 */
import { type EntityId, type PlayerId, PLAYERS_MAX, type Tick } from './core/ids.ts';
import { hashText } from './core/hash.ts';
import type { Rng } from './core/rng.ts';
import { TEAMS_MAX } from './wire/control-lobby.ts';
import { type EventType, eventTypesOf, type Kind, type KindMap, type KindPolicy, kindsOf } from './wire/kinds.ts';
import { type InterestRules, interestRules, type Place } from './wire/place.ts';
import { type FieldMap, type InitsOf, layoutOf, type Layout, type ValueOf, type ValuesOf } from './wire/schema.ts';
import {
  defaultSettings,
  type NamedSetting,
  namedSettings,
  type SettingMap,
  type SettingsOf,
  type SettingValues,
  shapeOfSettings,
} from './wire/settings.ts';
import { shapeOfLayout } from './wire/shape.ts';

export { OWNER_PART } from './wire/kinds.ts';
export type { EventType, InterestRules, Kind, KindMap, KindPolicy, Place };

/** An entity during a step. Properties read and write the state. Valid until the step ends; keep `id` instead. */
export type Entity<M extends FieldMap = FieldMap, Kind extends string = string> = {
  readonly id: EntityId;
  readonly kind: Kind;
  owner: PlayerId;
} & { -readonly [K in keyof M]: ValueOf<M[K]> };

/** Any entity of a game, told apart by `kind`. */
export type EntityOf<E extends KindMap> = { [K in keyof E & string]: Entity<E[K], K> }[keyof E & string];

/** The state to look at. What a game is asked about the world (`isVisible`, `priority`, `interest.eye`) must leave it as it is. */
export interface WorldReader<E extends KindMap> {
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
}

/** An entity as a player saw it: to look at. What is to change is the present one, `world.get(seen.id)`. */
export type Seen<T> = { readonly [P in keyof T]: T[P] extends number | string | boolean | undefined ? T[P] : Readonly<T[P]> };
export type SeenEntity<E extends KindMap, K extends keyof E & string> = Seen<Entity<E[K], K>>;

interface SeenQuery<M extends FieldMap, Kind extends string> {
  /** How near to the entity's position counts as touched, in its unit: the sum of both radii, the shot's and the target's. */
  readonly radius: number | ((entity: Seen<Entity<M, Kind>>) => number);
  /** Which entities are meant. Default: all of the kind. */
  readonly where?: (entity: Seen<Entity<M, Kind>>) => boolean;
  /** The field that is the position, a `vec2` or `vec3`. Default 'pos'. */
  readonly by?: keyof M & string;
}
export interface CircleQuery<M extends FieldMap, Kind extends string> extends SeenQuery<M, Kind> {
  /** Without `z` heights do not count. */
  readonly at: Point;
}
export interface SegmentQuery<M extends FieldMap, Kind extends string> extends SeenQuery<M, Kind> {
  /** Without `z` heights do not count. */
  readonly from: Point;
  readonly to: Point;
}
/** What was touched first, `part` (0 to 1) of the way from `from` to `to`: there, at `at`. */
export interface SeenHit<T> {
  readonly entity: T;
  readonly at: Point;
  readonly part: number;
}

/**
 * The world as a player saw it when they pressed what counts in this tick: their own things and those of policy `all` as they are
 * now, everything else where it was drawn on their screen. What lives no more is absent, as is what was not there yet. Fields that are not
 * drawn smoothly (life, health) are of the past as well: rules ask the present entity, too. Good until the step ends.
 */
export interface SeenWorld<E extends KindMap> {
  /** Whether anything is known of what this player saw: on the host of every player, on a client of its own player alone. */
  readonly isKnown: boolean;
  all<K extends keyof E & string>(kind: K): Iterable<SeenEntity<E, K>>;
  first<K extends keyof E & string>(kind: K): SeenEntity<E, K> | undefined;
  count(kind: keyof E & string): number;
  get(id: EntityId): Seen<EntityOf<E>> | undefined;
  find<K extends keyof E & string>(kind: K, id: EntityId): SeenEntity<E, K> | undefined;
  /** The nearest entity that a straight line touches. */
  ray<K extends keyof E & string>(kind: K, query: SegmentQuery<E[K], K>): SeenHit<SeenEntity<E, K>> | undefined;
  /** All entities whose position is within the radius, the nearest first. */
  circle<K extends keyof E & string>(kind: K, query: CircleQuery<E[K], K>): SeenEntity<E, K>[];
  /**
   * What a thing touches first that goes from one place to another in this very tick. Targets move as well: from where they were
   * seen a tick earlier to where they are seen now. However fast both are, nothing passes through.
   */
  sweep<K extends keyof E & string>(kind: K, query: SegmentQuery<E[K], K>): SeenHit<SeenEntity<E, K>> | undefined;
}

/** The state as a step sees it. */
export interface WorldView<E extends KindMap> extends WorldReader<E> {
  /**
   * The world as this player saw it: what looked like a hit on the shooter's screen is one. Of NOBODY, and where a client predicts what
   * others do, it is the present.
   */
  seenBy(player: PlayerId): SeenWorld<E>;
  /**
   * Makes an entity. It is part of the world from the next step on (and of this tick's snapshot).
   * `owner` defaults to NOBODY. Throws RangeError when `entitiesMax` live already.
   */
  spawn<K extends keyof E & string>(kind: K, init?: InitsOf<E[K]> & { readonly owner?: PlayerId }): EntityId;
  /** Removes an entity; loops skip it at once. Unknown ids are ignored. */
  despawn(id: EntityId): void;
}

/** Whom an event concerns. Without options every player hears of it, when its tick is drawn. */
export interface EmitOptions {
  /** Who caused it: that player's own client shows it at once, as predicted. */
  readonly by?: PlayerId;
  /**
   * The entity it is about: players who may not know that entity (`interest`, `isVisible`) do not hear of the event. An event without
   * it goes to everybody: in a game with fog of war, its data must hold nothing that is secret.
   */
  readonly about?: EntityId;
  /** The only player who hears of it; NOBODY (default): all. Narrows `about` further, never widens it. */
  readonly to?: PlayerId;
}

export interface StepContext<V extends KindMap, S extends SettingMap = SettingMap> {
  readonly tick: Tick;
  /** What the host had chosen in the lobby when the match began: the same for the whole match, on every peer. */
  readonly settings: SettingsOf<S>;
  /** Seconds per step: `1 / tickRate`. */
  readonly dt: number;
  /** The same numbers for the same match, tick and order of calls, on every peer. */
  readonly rng: Rng;
  /** False when a client replays a tick it has stepped before: sounds and sparks belong to the first time. */
  readonly isFirstTime: boolean;
  /**
   * True on the host, false where a client predicts: for what only the host may decide, as it must not be taken back (damage, death,
   * scores). Use it sparingly: what depends on it shows a round trip late, and where things are must never depend on it.
   */
  readonly isAuthority: boolean;
  /**
   * Tells the players' games that something happened. Events are state's companions: delivered once, at the moment the tick is
   * drawn, to all whom `options` do not leave out. With `by`, that player's own client shows it at once, as predicted.
   */
  emit<K extends keyof V & string>(type: K, data: InitsOf<V[K]>, options?: EmitOptions): void;
}

export interface JoinContext<V extends KindMap, S extends SettingMap = SettingMap> extends StepContext<V, S> {
  /**
   * The player's team, which stays theirs while they play. Known here alone, as clients do not run `onJoin`: keep it in a field of what is
   * spawned for them, so that it reaches every peer with the state.
   */
  readonly team: number;
}

/** The inputs of one tick. */
export interface Inputs<I extends FieldMap> {
  /** A player's input; neutral if the player is gone or has sent none. */
  of(player: PlayerId): ValuesOf<I>;
}

/** A place in the world, in the unit of the position fields. Without `z` heights do not count. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly z?: number;
}

/**
 * Who is near enough to know what. Two distances instead of one, so that what stands at the border does not come and go.
 * An entity without the position field is known to everybody, one's own entities always are to oneself.
 */
export interface InterestSpec<E extends KindMap> {
  /** The name of the position field, a `vec2` or `vec3`, of the kinds it applies to. Default 'pos'. */
  readonly by?: NoInfer<FieldName<E>>;
  /** An entity becomes known to a player when it is nearer to their eye than this, in the position's unit. */
  readonly enter: number;
  /** It is forgotten when it is farther than this from all their eyes. Default: a quarter more than `enter`. */
  readonly leave?: number;
  /**
   * Where a player looks from. Default: from each of their own entities that have a position (projectiles too: give a function if those
   * should not see). While there is no eye (undefined; all of one's own gone) the last ones stay; who never had one knows
   * just the kinds without a position. A point that is not finite throws TypeError.
   */
  eye?(world: WorldReader<E>, player: PlayerId): Point | undefined;
}

type FieldName<E extends KindMap> = { [K in keyof E]: keyof E[K] }[keyof E] & string;

export interface GameSpec<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap = SettingMap> {
  /** Names the game on the wire: players of different games never meet. */
  readonly id: string;
  /** Raise it with every change of rules or state: players of different versions are told so instead of drifting apart. */
  readonly version: number;
  /** Steps per second. Default 60. */
  readonly tickRate?: number;
  /** Snapshots per second, a divisor of `tickRate`. Default: half the tick rate. */
  readonly sendRate?: number;
  /** Who plays, host included. Default 8, at most 31. Spectators do not count. */
  readonly playersMax?: number;
  /** Teams that players are in, 2 to 8. Default 0: none. */
  readonly teams?: number;
  /** What the host may choose in the lobby, by name: `choice`, `toggle`, `whole`. At most 32. */
  readonly settings?: S;
  /** What strangers read in the list of public lobbies about these settings: at most 24 printable characters, the rest is cut. */
  mode?(settings: SettingsOf<S>): string;
  /** Living entities at most. Default 1,024, at most 8,192. */
  readonly entitiesMax?: number;
  readonly input: I;
  readonly entities: E;
  readonly events?: V;
  readonly policy?: { readonly [K in keyof E]?: KindPolicy };
  /** Fills the empty world before tick 0. */
  onStart?(world: WorldView<E>, ctx: StepContext<V, S>): void;
  /** A player entered, or a spectator plays from now on: spawn what is theirs. Runs at the beginning of a tick, on the host alone. */
  onJoin?(world: WorldView<E>, player: PlayerId, ctx: JoinContext<V, S>): void;
  /** A player left, or only watches from now on. By default everything they own is despawned. */
  onLeave?(world: WorldView<E>, player: PlayerId, ctx: StepContext<V, S>): void;
  /** The rules. Pure: depends on its arguments alone, touches nothing but `world`, uses no `Math.random`, no clock, no `Math.sin`. */
  step(world: WorldView<E>, inputs: Inputs<I>, ctx: StepContext<V, S>): void;
  /** The outcome once the match is over (plain data), or undefined while it goes on. Asked by the host after each step. */
  result?(world: WorldView<E>): R | undefined;
  /** Sends each player only what is near them. Without it everything is near. */
  readonly interest?: InterestSpec<E>;
  /**
   * Fog of war. Asked by the host before each snapshot, for every player and each entity in their range that is not their own. While it
   * is false the player's client never hears of the entity, and forgets it if it knew it: no cheating client can show it.
   */
  isVisible?(world: WorldReader<E>, player: PlayerId, entity: Readonly<EntityOf<E>>): boolean;
  /**
   * How urgent news of an entity are to a player when not everything fits into a packet: 1 is usual, 2 twice as urgent, 0.1 seldom.
   * Clamped to 1/16 and 16, so that nothing starves. NaN throws TypeError.
   */
  priority?(world: WorldReader<E>, player: PlayerId, entity: Readonly<EntityOf<E>>): number;
  /**
   * What snapshots expect of this very game, as `trainPriors` (in `node.ts`) wrote it: makes packets smaller. Without it, what all games
   * have in common. Kinds or fields that come or go need a new training: a text for another shape throws RangeError when a match starts.
   */
  readonly priors?: string;
}

/** A game ready to run: made by `defineGame` only. */
export interface Game<
  I extends FieldMap = FieldMap,
  E extends KindMap = KindMap,
  V extends KindMap = KindMap,
  R = unknown,
  S extends SettingMap = SettingMap,
> {
  readonly spec: GameSpec<I, E, V, R, S>;
  readonly id: string;
  readonly version: number;
  readonly tickRate: number;
  readonly sendRate: number;
  readonly playersMax: number;
  /** 0: none. */
  readonly teams: number;
  /** The lobby's settings, to be drawn as a form, in their order. */
  readonly settings: readonly NamedSetting[];
  readonly defaultSettings: SettingValues;
  /** Rows of a state at most: what the game may spawn, and what is hidden. */
  readonly entitiesMax: number;
  readonly kinds: readonly Kind[];
  readonly eventTypes: readonly EventType[];
  readonly input: Layout<I>;
  readonly interest: InterestRules | undefined;
  readonly priors: string | undefined;
  /**
   * 32 bits of all that two peers must agree on to read each other's packets: kinds, fields, ranges, events, input, rates, priors.
   * Peers whose shapes differ refuse each other in the hello, as if their `version` did.
   */
  readonly shape: number;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a game of any shape, where the shape does not matter
export type AnyGame = Game<any, any, any, any, any>;

function requireInteger(name: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${name} ${value} must be a whole number from ${min} to ${max}`);
  return value;
}

type Shaped = Pick<AnyGame, 'kinds' | 'eventTypes' | 'input' | 'tickRate' | 'sendRate' | 'entitiesMax' | 'priors' | 'settings' | 'teams'>;

function shapeOf({ kinds, eventTypes, input, tickRate, sendRate, entitiesMax, priors = '', settings, teams }: Shaped): number {
  const layouts = (list: readonly (Kind | EventType)[]): unknown => list.map(({ name, layout }) => [name, shapeOfLayout(layout)]);
  const lobby = [shapeOfSettings(settings), teams];
  return hashText(
    JSON.stringify([layouts(kinds), layouts(eventTypes), shapeOfLayout(input), tickRate, sendRate, entitiesMax, priors, lobby]),
  );
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
  const S extends SettingMap = Record<never, never>,
>(spec: GameSpec<I, E, V, R, S>): Game<I, E, V, R, S> {
  if (!/^[a-z0-9][a-z0-9-]{0,31}$/.test(spec.id)) throw new TypeError(`game id '${spec.id}' must be 1 to 32 of a-z, 0-9 and -`);
  const tickRate = requireInteger('tickRate', spec.tickRate ?? 60, 1, 240);
  const sendRate = requireInteger('sendRate', spec.sendRate ?? Math.ceil(tickRate / 2), 1, tickRate);
  if (tickRate % sendRate !== 0) throw new RangeError(`sendRate ${sendRate} must divide tickRate ${tickRate}`);
  const kinds = kindsOf(spec, tickRate);
  const shaped = {
    tickRate,
    sendRate,
    entitiesMax: requireInteger('entitiesMax', spec.entitiesMax ?? 1024, 1, 8192) + (kinds.at(-1)!.isHidden ? PLAYERS_MAX : 0),
    kinds,
    eventTypes: eventTypesOf(spec.events ?? {}),
    input: layoutOf(spec.input),
    priors: spec.priors,
    settings: namedSettings(spec.settings ?? {}),
    teams: requireInteger('teams', spec.teams ?? 0, 0, TEAMS_MAX),
  };
  return {
    ...shaped,
    spec,
    id: spec.id,
    version: requireInteger('version', spec.version, 0, 65_535),
    playersMax: requireInteger('playersMax', spec.playersMax ?? 8, 1, PLAYERS_MAX),
    defaultSettings: defaultSettings(shaped.settings),
    interest: interestRules(spec.interest, kinds),
    shape: shapeOf(shaped),
  };
}
