/**
 * The lobby in control messages: what everybody is told of it, and what a host hands to its heir. Players travel as short arrays, so
 * that a lobby of 31 stays around 4 KB. Reading is total: what comes out is complete and within its bounds, or nothing does.
 */
import type { PeerId, PlayerId } from '../core/ids.ts';
import { PLAYERS_MAX } from '../core/ids.ts';
import { isCanonicalCode, LOBBY_NAME_LENGTH_MAX } from './lobby-api.ts';
import { SETTING_NUMBER_MAX, SETTINGS_MAX } from './settings.ts';

/** Colours a player can have: an index into a palette that the game draws. */
export const PLAYER_COLORS = 16;
export const TEAMS_MAX = 8;
/** The longest countdown, in ms. */
export const COUNTDOWN_MS_MAX = 60_000;
/** Who is kept out, at most; the oldest is forgiven beyond that. Such a list is one message. */
export const BANS_MAX = 64;
/** Characters of an identity: printable ASCII, so that 31 of them fit into a message. */
export const IDENTITY_LENGTH_MAX = 64;
/** Longest text of a message, in UTF-16 units: a name of 20 characters of up to 7 units each, or an id. */
export const TEXT_MAX = 160;
/** No round trip is longer: the connection is given up before. */
const PING_MS_MAX = 20_000;

export const PHASES = ['lobby', 'playing', 'results'] as const;
export const PLAYER_PATHS = ['local', 'direct', 'turn', 'relay'] as const;

export interface WirePlayer {
  readonly id: PlayerId;
  readonly name: string;
  readonly color: number;
  readonly team: number;
  readonly isReady: boolean;
  readonly isHost: boolean;
  readonly isSpectator: boolean;
  readonly isSilent: boolean;
  readonly isInVoice: boolean;
  readonly pingMs: number | undefined;
  readonly path: (typeof PLAYER_PATHS)[number];
  readonly peerId: PeerId;
}

/** What host and heir must agree on and everybody may know. */
interface LobbyFacts {
  readonly code: string;
  readonly phase: (typeof PHASES)[number];
  readonly playersMax: number;
  readonly spectatorsMax: number;
  readonly isLocked: boolean;
  readonly name: string;
  readonly isPublic: boolean;
  readonly isRelayAllowed: boolean;
  /** As `packSettings` gives them. */
  readonly settings: readonly number[];
  /** Whatever the game's `result` returned; the game judges it. */
  readonly result: unknown;
}

export interface WireLobby extends LobbyFacts {
  readonly players: readonly WirePlayer[];
  readonly hasPassword: boolean;
  readonly countdownMs: number | undefined;
}

export interface WireBan {
  readonly identity: string;
  readonly name: string;
}

/** A whole lobby, but for the bans, which are a message of their own. */
export interface LobbyEstate extends LobbyFacts {
  readonly seats: readonly (WirePlayer & { readonly identity: string })[];
  readonly password: string;
}

type Fields = Readonly<Record<string, unknown>>;

export const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= TEXT_MAX;
export const isCount = (value: unknown, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
export const isBool = (value: unknown): value is boolean => typeof value === 'boolean';
export const isOneOf = <T extends string>(value: unknown, names: readonly T[]): value is T =>
  typeof value === 'string' && (names as readonly string[]).includes(value);
const isObject = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);

/** 1 to IDENTITY_LENGTH_MAX printable ASCII characters. */
export function isIdentity(value: unknown): value is string {
  return typeof value === 'string' && value.length <= IDENTITY_LENGTH_MAX && /^[\x21-\x7e]+$/.test(value);
}

export function isPeerId(value: unknown): value is PeerId {
  return isText(value) && value !== '';
}

/** By bit. */
const FLAGS = ['isReady', 'isHost', 'isSpectator', 'isSilent', 'isInVoice'] as const;

function packPlayer(player: WirePlayer): unknown[] {
  const { id, name, color, team, pingMs = -1, path, peerId } = player;
  const flags = FLAGS.reduce((bits, flag, i) => bits | (Number(player[flag]) << i), 0);
  return [id, name, color, team, flags, Math.min(PING_MS_MAX, Math.round(pingMs)), PLAYER_PATHS.indexOf(path), peerId];
}

function readPlayer(value: unknown): WirePlayer | undefined {
  if (!Array.isArray(value)) return undefined;
  const [id, name, color, team, flags, ping, path, peerId] = value as unknown[];
  if (!isCount(id, PLAYERS_MAX) || id === 0 || !isText(name) || !isPeerId(peerId)) return undefined;
  if (!isCount(color, PLAYER_COLORS - 1) || !isCount(team, TEAMS_MAX - 1) || !isCount(flags, 2 ** FLAGS.length - 1)) return undefined;
  if (!isCount(path, PLAYER_PATHS.length - 1) || (ping !== -1 && !isCount(ping, PING_MS_MAX))) return undefined;
  const [isReady, isHost, isSpectator, isSilent, isInVoice] = FLAGS.map((_, i) => ((flags >> i) & 1) === 1) as [
    boolean,
    boolean,
    boolean,
    boolean,
    boolean,
  ];
  const pingMs = ping === -1 ? undefined : ping;
  const states = { isReady, isHost, isSpectator, isSilent, isInVoice };
  return { id: id as PlayerId, name, color, team, ...states, pingMs, path: PLAYER_PATHS[path]!, peerId };
}

/** Players of different ids, one of them the host; undefined if they are none. */
function readPlayers(value: unknown): WirePlayer[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > PLAYERS_MAX) return undefined;
  const players: WirePlayer[] = [];
  for (const item of value as unknown[]) {
    const player = readPlayer(item);
    if (player === undefined || players.some(({ id }) => id === player.id)) return undefined;
    players.push(player);
  }
  return players.filter(({ isHost }) => isHost).length === 1 ? players : undefined;
}

function readFacts(fields: Fields): LobbyFacts | undefined {
  const { code, phase, playersMax, spectatorsMax, isLocked, name, isPublic, isRelayAllowed, settings, result } = fields;
  if (!isCanonicalCode(code) || !isOneOf(phase, PHASES) || !isCount(playersMax, PLAYERS_MAX) || !isCount(spectatorsMax, PLAYERS_MAX))
    return undefined;
  if (!isBool(isLocked) || !isBool(isPublic) || !isBool(isRelayAllowed)) return undefined;
  if (!isText(name) || name.length > LOBBY_NAME_LENGTH_MAX || !isSettings(settings)) return undefined;
  return { code, phase, playersMax, spectatorsMax, isLocked, name, isPublic, isRelayAllowed, settings, result };
}

/** Which of these numbers a game's settings can be, the game knows. */
export function isSettings(value: unknown): value is readonly number[] {
  const isNumber = (item: unknown): boolean => Number.isInteger(item) && Math.abs(item as number) <= SETTING_NUMBER_MAX;
  return Array.isArray(value) && value.length <= SETTINGS_MAX && (value as unknown[]).every(isNumber);
}

export function packLobby(lobby: WireLobby): Fields {
  return { ...lobby, players: lobby.players.map(packPlayer), countdownMs: lobby.countdownMs ?? -1 };
}

export function readLobby(value: unknown): WireLobby | undefined {
  if (!isObject(value)) return undefined;
  const facts = readFacts(value);
  const players = readPlayers(value['players']);
  const { hasPassword, countdownMs } = value;
  if (facts === undefined || players === undefined || !isBool(hasPassword)) return undefined;
  if (countdownMs !== -1 && !isCount(countdownMs, COUNTDOWN_MS_MAX)) return undefined;
  return { ...facts, players, hasPassword, countdownMs: countdownMs === -1 ? undefined : countdownMs };
}

export function packEstate({ seats, ...rest }: LobbyEstate): Fields {
  return { ...rest, players: seats.map(packPlayer), identities: seats.map(({ identity }) => identity) };
}

export function readEstate(value: unknown): LobbyEstate | undefined {
  if (!isObject(value)) return undefined;
  const facts = readFacts(value);
  const players = readPlayers(value['players']);
  const { identities, password } = value;
  if (facts === undefined || players === undefined || !isText(password)) return undefined;
  if (!Array.isArray(identities) || identities.length !== players.length) return undefined;
  const isKnown = (identity: unknown): identity is string => identity === '' || isIdentity(identity);
  if (!(identities as unknown[]).every(isKnown)) return undefined;
  return { ...facts, password, seats: players.map((player, i) => ({ ...player, identity: identities[i] as string })) };
}

export function packBans(bans: readonly WireBan[]): readonly (readonly [string, string])[] {
  return bans.map(({ identity, name }) => [identity, name] as const);
}

export function readBans(value: unknown): readonly WireBan[] | undefined {
  if (!Array.isArray(value) || value.length > BANS_MAX) return undefined;
  const bans: WireBan[] = [];
  for (const item of value as unknown[]) {
    const [identity, name] = Array.isArray(item) ? (item as unknown[]) : [];
    if (!isIdentity(identity) || !isText(name)) return undefined;
    bans.push({ identity, name });
  }
  return bans;
}
