/**
 * Volley's public door for games: describe a game, host or join it, draw what `view()` gives.
 * Importing it touches neither DOM nor network, so rules and tests can be run anywhere; `host` and `join` need a browser
 * (in Node, take them from `node.ts`).
 */
import type { Game, KindMap } from './define-game.ts';
import type { HostOptions, JoinOptions, Room } from './session/room.ts';
import type { FieldMap } from './wire/schema.ts';

export { atan2, cos, sin } from './core/trig.ts';
export { type EntityId, NO_ENTITY, NOBODY, type PlayerId, type Tick } from './core/ids.ts';
export type { Rng } from './core/rng.ts';
export { arrayOf, type FixedArray } from './wire/array-field.ts';
export { any, text } from './wire/bytes-fields.ts';
export { angle, bool, enumOf, event, float, int, moment, ref, teleport, u16, u8, vec2, type Vec2, vec3, type Vec3 } from './wire/fields.ts';
export { quat, type Quat } from './wire/quaternion.ts';
export { normaliseCode } from './wire/lobby-api.ts';
export {
  defineGame,
  type EmitOptions,
  type Entity,
  type EntityOf,
  type Game,
  type GameSpec,
  type Inputs,
  type InterestSpec,
  type KindPolicy,
  type Point,
  type SeenEntity,
  type SeenHit,
  type SeenWorld,
  type StepContext,
  type WorldReader,
  type WorldView,
} from './define-game.ts';
export {
  type EventOf,
  type HostOptions,
  JoinError,
  type JoinFailure,
  type JoinOptions,
  type LobbyPlayer,
  type LobbyState,
  NAME_LENGTH_MAX,
  type Notice,
  PLAYER_COLORS,
  type Room,
  type RoomEnd,
  type RoomFor,
  type RoomPhase,
  type RoomStats,
  type ViewOf,
} from './session/room.ts';

/** Opens a room on this page and registers it with the broker. Rejects with JoinError. */
export async function host<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  options: HostOptions,
): Promise<Room<I, E, V, R>> {
  const browser = await import('./platform/browser.ts');
  return browser.host(game, options);
}

/** Enters the room with this invite code. Rejects with JoinError. */
export async function join<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  code: string,
  options: JoinOptions,
): Promise<Room<I, E, V, R>> {
  const browser = await import('./platform/browser.ts');
  return browser.join(game, code, options);
}
