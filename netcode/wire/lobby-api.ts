/**
 * What the browser and the broker agree on over HTTP: the lobby directory's paths, bodies and invite codes, and the checks
 * that both sides apply to what they are told. `netcode/` and `peer-server/` share this file, `relay.ts` and `relay-window.ts`, and no other.
 *
 * POST   /api/lobbies                  CreateLobbyRequest -> 201 CreateLobbyResponse
 * GET    /api/lobbies?LobbyFilter&limit=&cursor=          -> 200 ListLobbiesResponse    (public lobbies, newest first)
 * GET    /api/lobbies/stream?LobbyFilter                  -> 200 text/event-stream      (see LobbyStreamEvents)
 * GET    /api/lobbies/:code                               -> 200 LobbyResponse          | 404
 * PUT    /api/lobbies/:code            CreateLobbyRequest -> 200 CreateLobbyResponse    | 403 | 409   (Bearer token; re-registers after a broker restart)
 * PATCH  /api/lobbies/:code            LobbyUpdate        -> 200 HeartbeatResponse      | 403 | 404   (Bearer token; a heartbeat too)
 * POST   /api/lobbies/:code/heartbeat                     -> 200 HeartbeatResponse      | 403 | 404   (Bearer token)
 * DELETE /api/lobbies/:code                               -> 204                        | 403 | 404   (Bearer token)
 * GET    /api/config                                      -> 200 BrokerConfigResponse
 *
 * Every error has the body LobbyApiError. 503 'unavailable': the directory's storage is away; ask again in seconds.
 */

/** Symbols of an invite code: digits and capitals of which no two look alike (27^6 = 387 million codes). */
export const CODE_ALPHABET = '23456789ACDEFGHJKMNPQRTVWXY';
export const CODE_LENGTH = 6;

/** What people type when they misread a symbol of the alphabet. */
const LOOK_ALIKES: Readonly<Record<string, string>> = { S: '5', Z: '2', B: '8', O: 'Q', '0': 'Q', U: 'V', I: 'J', L: 'J', '1': 'J' };

/**
 * The canonical form of a typed or pasted invite code, or undefined if it can be none.
 * Case, spaces, dashes and look-alikes are forgiven: `normaliseCode(' k7q-x2m ')` is `'K7QX2M'`.
 */
export function normaliseCode(typed: string): string | undefined {
  if (typed.length > 64) return undefined;
  let code = '';
  for (const symbol of typed.toUpperCase().replace(/[\s-]/g, '')) {
    const plain = LOOK_ALIKES[symbol] ?? symbol;
    if (!CODE_ALPHABET.includes(plain)) return undefined;
    code += plain;
  }
  return code.length === CODE_LENGTH ? code : undefined;
}

/** What a host tells about its lobby. All of it may be left out, and changed later. */
export interface LobbyDetails {
  /** Shown in the public list; '' for none. At most `LOBBY_NAME_LENGTH_MAX` UTF-16 units. */
  readonly name: string;
  /** Seats taken now. */
  readonly players: number;
  readonly playersMax: number;
  /** No one else may join. */
  readonly isLocked: boolean;
  /** Whether strangers see it in the list and the stream. Private unless the host says so. */
  readonly isPublic: boolean;
  /** The game's `version`: another one cannot join. */
  readonly gameVersion: number;
  /** Whether a guest that no direct connection reaches may come through the broker's relay. */
  readonly isRelayAllowed: boolean;
  /** What is played, in the game's words; '' for none. At most `LOBBY_MODE_LENGTH_MAX` UTF-16 units. */
  readonly mode: string;
  /** Whether the host asks for a password, which only the host knows. */
  readonly hasPassword: boolean;
  /** Roughly, from the host to the broker and back, in ms; 0: not known. Who adds their own knows at most how far the host is. */
  readonly rttMs: number;
}

export type LobbyUpdate = Partial<LobbyDetails>;

export const DEFAULT_LOBBY_DETAILS: LobbyDetails = {
  name: '',
  players: 1,
  playersMax: 31,
  isLocked: false,
  isPublic: false,
  gameVersion: 0,
  isRelayAllowed: false,
  mode: '',
  hasPassword: false,
  rttMs: 0,
};

/** A line in a list. */
export const LOBBY_NAME_LENGTH_MAX = 48;
/** A few words beside it. */
export const LOBBY_MODE_LENGTH_MAX = 24;
/** Far above any peer-to-peer match; a number beyond is a mistake. */
const LOBBY_PLAYERS_MAX = 255;
/** As `defineGame` demands it. */
const GAME_VERSION_MAX = 65_535;
/** Nobody plays with somebody farther away. */
const RTT_MS_MAX = 10_000;
const GAME_ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,31}$/;
/** Control characters, line separators and those that turn the direction of the text after them: no name needs them, and a list of names breaks on them. */
const UNPRINTABLE_PATTERN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

export interface CreateLobbyRequest extends LobbyUpdate {
  /** The host's address at the signalling broker. */
  readonly peerId: string;
  /** Which game is played; a join with another game's page is refused early. */
  readonly gameId: string;
}

export interface CreateLobbyResponse {
  readonly code: string;
  /** Proves ownership in `Authorization: Bearer …`. Never shown to guests. */
  readonly ownerToken: string;
  /** The lobby disappears this long after its last heartbeat. */
  readonly expiresInMs: number;
}

/** The details are missing in the answer of an older broker. */
export interface LobbyResponse extends LobbyUpdate {
  readonly code: string;
  readonly peerId: string;
  readonly gameId: string;
}

export interface HeartbeatResponse {
  readonly expiresInMs: number;
}

/** A public lobby as strangers see it. Its code leads to the host like any other. */
export interface LobbyListing extends Omit<LobbyDetails, 'isPublic'> {
  readonly code: string;
  readonly gameId: string;
  /** Milliseconds since 1970 by the broker's clock. */
  readonly createdAtMs: number;
}

/** Which public lobbies are wanted; in the query string under these names, booleans as `true` or `false`. Left out: any. */
export interface LobbyFilter {
  readonly gameId?: string;
  readonly gameVersion?: number;
  /** Seats left. */
  readonly hasRoom?: boolean;
  /** Not locked. */
  readonly isOpen?: boolean;
  /** Part of the name, in any case. */
  readonly text?: string;
}

export interface ListLobbiesResponse {
  /** Newest first. */
  readonly lobbies: readonly LobbyListing[];
  /** For the next page; missing on the last. */
  readonly nextCursor?: string;
}

/**
 * The events of the change stream, by name. A `snapshot` opens it, and may come again: it replaces all that was known.
 * `lobby` is new or changed, `gone` is closed, private by now, or no longer what the filter asks for.
 */
export interface LobbyStreamEvents {
  readonly snapshot: ListLobbiesResponse;
  readonly lobby: LobbyListing;
  readonly gone: { readonly code: string };
}

/** Entries in one answer: about 40 KB at most. */
export const LIST_LIMIT_MAX = 100;
export const LIST_LIMIT_DEFAULT = 50;

export interface BrokerConfigResponse {
  /** 'relay': connect through TURN only, for testing it. Default 'all'. */
  readonly iceTransportPolicy?: 'all' | 'relay';
  /** STUN and TURN servers for `RTCPeerConnection`. */
  readonly iceServers: readonly { readonly urls: string | readonly string[]; readonly username?: string; readonly credential?: string }[];
  /** The broker relays for pairs that cannot connect, at RELAY_PATH; left out when it does not. */
  readonly hasRelay?: boolean;
  /** TURN credentials are good for this long; left out where there are none. */
  readonly expiresInSeconds?: number;
}

export const LOBBY_API_ERROR_CODES = [
  'bad-request',
  'unknown-code',
  'not-owner',
  'code-taken',
  'too-many-lobbies',
  'too-many-requests',
  'too-large',
  'unavailable',
] as const;
export type LobbyApiErrorCode = (typeof LOBBY_API_ERROR_CODES)[number];

export interface LobbyApiError {
  readonly error: LobbyApiErrorCode;
  /** For people: what happened and what to do. */
  readonly message: string;
}

export function isGameId(value: unknown): value is string {
  return typeof value === 'string' && GAME_ID_PATTERN.test(value);
}

interface Rule<T> {
  readonly accepts: (value: unknown) => value is T;
  /** What is allowed, to follow the field's name. */
  readonly says: string;
}

const isBoolean = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount =
  (min: number, max: number) =>
  (value: unknown): value is number =>
    Number.isInteger(value) && (value as number) >= min && (value as number) <= max;

const isLine =
  (lengthMax: number) =>
  (value: unknown): value is string =>
    typeof value === 'string' && value.length <= lengthMax && !UNPRINTABLE_PATTERN.test(value);
const isLobbyName = isLine(LOBBY_NAME_LENGTH_MAX);

const DETAIL_RULES: { readonly [K in keyof LobbyDetails]: Rule<LobbyDetails[K]> } = {
  name: { accepts: isLobbyName, says: `must be text of at most ${LOBBY_NAME_LENGTH_MAX} characters without control characters` },
  players: { accepts: isCount(0, LOBBY_PLAYERS_MAX), says: `must be a whole number from 0 to ${LOBBY_PLAYERS_MAX}` },
  playersMax: { accepts: isCount(1, LOBBY_PLAYERS_MAX), says: `must be a whole number from 1 to ${LOBBY_PLAYERS_MAX}` },
  isLocked: { accepts: isBoolean, says: 'must be true or false' },
  isPublic: { accepts: isBoolean, says: 'must be true or false' },
  gameVersion: { accepts: isCount(0, GAME_VERSION_MAX), says: `must be a whole number from 0 to ${GAME_VERSION_MAX}` },
  isRelayAllowed: { accepts: isBoolean, says: 'must be true or false' },
  mode: {
    accepts: isLine(LOBBY_MODE_LENGTH_MAX),
    says: `must be text of at most ${LOBBY_MODE_LENGTH_MAX} characters without control characters`,
  },
  hasPassword: { accepts: isBoolean, says: 'must be true or false' },
  rttMs: { accepts: isCount(0, RTT_MS_MAX), says: `must be a whole number from 0 to ${RTT_MS_MAX}` },
};
const DETAIL_NAMES = Object.keys(DETAIL_RULES) as (keyof LobbyDetails)[];

/** The details in a body, other fields left aside; or what is wrong with them, ready to be shown. Never throws. */
export function readLobbyUpdate(body: Readonly<Record<string, unknown>>): LobbyUpdate | string {
  const update: Record<string, unknown> = {};
  for (const name of DETAIL_NAMES) {
    const value = body[name];
    if (value === undefined) continue;
    if (!DETAIL_RULES[name].accepts(value)) return `'${name}' ${DETAIL_RULES[name].says}.`;
    update[name] = value;
  }
  return update;
}

/** A listing with its known fields only; undefined if the value is none. Never throws. */
export function readLobbyListing(value: unknown): LobbyListing | undefined {
  if (!isObject(value)) return undefined;
  const { code, gameId, createdAtMs } = value;
  if (!isCanonicalCode(code) || !isGameId(gameId) || !isCount(0, Number.MAX_SAFE_INTEGER)(createdAtMs)) return undefined;
  const details = readLobbyUpdate({ ...value, isPublic: undefined });
  if (typeof details === 'string') return undefined;
  return listingOf({ ...DEFAULT_LOBBY_DETAILS, ...details, code, gameId, createdAtMs });
}

/** What strangers may see of a lobby, and nothing else that the object holds. */
export function listingOf(lobby: LobbyListing): LobbyListing {
  const { code, gameId, gameVersion, name, players, playersMax, isLocked, isRelayAllowed, mode, hasPassword, rttMs, createdAtMs } = lobby;
  return { code, gameId, gameVersion, name, players, playersMax, isLocked, isRelayAllowed, mode, hasPassword, rttMs, createdAtMs };
}

export function isCanonicalCode(value: unknown): value is string {
  return typeof value === 'string' && normaliseCode(value) === value;
}

export function matchesFilter(lobby: LobbyListing, filter: LobbyFilter): boolean {
  const { gameId, gameVersion, hasRoom, isOpen, text } = filter;
  if (gameId !== undefined && lobby.gameId !== gameId) return false;
  if (gameVersion !== undefined && lobby.gameVersion !== gameVersion) return false;
  if (hasRoom !== undefined && lobby.players < lobby.playersMax !== hasRoom) return false;
  if (isOpen !== undefined && !lobby.isLocked !== isOpen) return false;
  return text === undefined || lobby.name.toLowerCase().includes(text.toLowerCase());
}

/** The filter as the query string holds it: names and values to be escaped. */
export function filterParams(filter: LobbyFilter): readonly (readonly [string, string])[] {
  return Object.entries(filter).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)] as const]));
}

/** Reads back what `filterParams` wrote; or what is wrong with it, ready to be shown. Never throws. */
export function readFilter(query: Readonly<Record<string, unknown>>): LobbyFilter | string {
  const { gameId, gameVersion, hasRoom, isOpen, text } = query;
  if (gameId !== undefined && !isGameId(gameId)) return "'gameId' must be 1 to 32 of a-z, 0-9 and '-'.";
  const version = gameVersion === undefined ? undefined : readWholeNumber(gameVersion, GAME_VERSION_MAX);
  if (gameVersion !== undefined && version === undefined) return `'gameVersion' ${DETAIL_RULES.gameVersion.says}.`;
  if (text !== undefined && !isLobbyName(text)) return `'text' ${DETAIL_RULES.name.says}.`;
  for (const [name, value] of [['hasRoom', hasRoom] as const, ['isOpen', isOpen] as const])
    if (value !== undefined && value !== 'true' && value !== 'false') return `'${name}' must be true or false.`;
  return {
    ...(gameId !== undefined && { gameId }),
    ...(version !== undefined && { gameVersion: version }),
    ...(hasRoom !== undefined && { hasRoom: hasRoom === 'true' }),
    ...(isOpen !== undefined && { isOpen: isOpen === 'true' }),
    ...(text !== undefined && text !== '' && { text }),
  };
}

/** The number that a text of up to nine digits says, if it is not above `max`. */
export function readWholeNumber(text: unknown, max: number): number | undefined {
  return typeof text === 'string' && /^\d{1,9}$/.test(text) && Number(text) <= max ? Number(text) : undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
