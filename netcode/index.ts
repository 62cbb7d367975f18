/**
 * Volley's public door for games: describe a game, host or join it, draw what `view()` gives.
 * Importing it touches neither DOM nor network, so rules and tests can be run anywhere; `host` and `join` need a browser
 * (in Node, take them from `node.ts`).
 */
import type { Game, KindMap } from './define-game.ts';
import type { HostOptions, JoinOptions, Room } from './session/room.ts';
import type { ConnectionReport, ConnectionTestOptions } from './transport/connection-report.ts';
import type { OpenLobbyEvents } from './session/open-lobbies.ts';
import type { LobbyFilter } from './wire/lobby-api.ts';
import type { FieldMap } from './wire/schema.ts';
import type { SettingMap, SettingsOf } from './wire/settings.ts';

export { atan2, cos, sin } from './core/trig.ts';
export { type EntityId, NO_ENTITY, NOBODY, type PlayerId, type Tick } from './core/ids.ts';
export type { Rng } from './core/rng.ts';
export { arrayOf, type FixedArray } from './wire/array-field.ts';
export { any, text } from './wire/bytes-fields.ts';
export { angle, bool, enumOf, event, float, int, moment, ref, teleport, u16, u8, vec2, type Vec2, vec3, type Vec3 } from './wire/fields.ts';
export { quat, type Quat } from './wire/quaternion.ts';
export { normaliseCode } from './wire/lobby-api.ts';
export { choice, type NamedSetting, type Setting, type SettingMap, type SettingsOf, toggle, whole } from './wire/settings.ts';
export {
  defineGame,
  type EmitOptions,
  type Entity,
  type EntityOf,
  type Game,
  type GameSpec,
  type Inputs,
  type InterestSpec,
  type JoinContext,
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
  CHAT_LENGTH_MAX,
  CHAT_LINES_MAX,
  type ChatMessage,
  COUNTDOWN_MS_MAX,
  type LobbyBan,
  type LobbyOptions,
  type LobbyPlayer,
  type LobbyState,
  NAME_LENGTH_MAX,
  PASSWORD_LENGTH_MAX,
  PLAYER_COLORS,
  type PlayerPath,
  type RoomPhase,
  SPECTATORS_MAX_DEFAULT,
} from './session/lobby-state.ts';
export type { RoomStats } from './session/room-stats.ts';
export {
  type EventOf,
  type GameSettings,
  type HostOptions,
  JoinError,
  type JoinFailure,
  type JoinOptions,
  type Notice,
  type Room,
  type RoomEnd,
  type RoomFor,
  type ViewOf,
} from './session/room.ts';

export {
  type Voice,
  VOICE_PLAYERS_MAX,
  VoiceError,
  type VoiceFailure,
  type VoiceMode,
  type VoicePlayer,
  type VoiceState,
} from './voice/voice.ts';
export type { CheckName, CheckResult, CheckState, ConnectionReport, ConnectionTestOptions } from './transport/connection-report.ts';
export type { JoinExplanation } from './transport/join-report.ts';
export type { LobbyFilter, LobbyListing } from './wire/lobby-api.ts';
export type { OpenLobby, OpenLobbyEvents } from './session/open-lobbies.ts';

/** Opens a room on this page and registers it with the broker. Rejects with JoinError. */
export async function host<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  options: HostOptions<SettingsOf<S>>,
): Promise<Room<I, E, V, R, S>> {
  const browser = await import('./platform/browser.ts');
  return browser.host(game, options);
}

/** Enters the room with this invite code. Rejects with JoinError. */
export async function join<I extends FieldMap, E extends KindMap, V extends KindMap, R, S extends SettingMap>(
  game: Game<I, E, V, R, S>,
  code: string,
  options: JoinOptions,
): Promise<Room<I, E, V, R, S>> {
  const browser = await import('./platform/browser.ts');
  return browser.join(game, code, options);
}

/** Looks at all that a join needs, without a host. Never rejects for what the network does. */
export async function testConnection(options: ConnectionTestOptions): Promise<ConnectionReport> {
  return (await import('./platform/connection-test.ts')).testConnection(options);
}

/**
 * Tells of the public lobbies that match the filter and of every change, until the returned function is called.
 * `brokerUrl`: where page and broker are; default: the page's own origin.
 */
export function watchLobbies(filter: LobbyFilter, events: OpenLobbyEvents, options: { readonly brokerUrl?: string } = {}): () => void {
  const isOver = new AbortController();
  void import('./platform/browser.ts').then(
    (browser) => browser.watchLobbies(filter, events, { ...options, signal: isOver.signal }),
    () => events.onLost?.('The page could not be loaded in full. Reload it.'),
  );
  return () => isOver.abort();
}
