/**
 * What the browser and the broker agree on over HTTP: the lobby directory's paths, bodies and invite codes.
 * The only file that `netcode/` and `peer-server/` share.
 *
 * POST   /api/lobbies                  CreateLobbyRequest -> 201 CreateLobbyResponse
 * GET    /api/lobbies/:code                               -> 200 LobbyResponse          | 404
 * PUT    /api/lobbies/:code            CreateLobbyRequest -> 200 CreateLobbyResponse    | 403 | 409   (Bearer token; re-registers after a broker restart)
 * POST   /api/lobbies/:code/heartbeat                     -> 200 HeartbeatResponse      | 403 | 404   (Bearer token)
 * DELETE /api/lobbies/:code                               -> 204                        | 403 | 404   (Bearer token)
 * GET    /api/config                                      -> 200 BrokerConfigResponse
 *
 * Every error has the body LobbyApiError.
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

export interface CreateLobbyRequest {
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

export interface LobbyResponse {
  readonly code: string;
  readonly peerId: string;
  readonly gameId: string;
}

export interface HeartbeatResponse {
  readonly expiresInMs: number;
}

export interface BrokerConfigResponse {
  /** STUN and TURN servers for `RTCPeerConnection`. */
  readonly iceServers: readonly { readonly urls: string | readonly string[]; readonly username?: string; readonly credential?: string }[];
}

export type LobbyApiErrorCode = 'bad-request' | 'unknown-code' | 'not-owner' | 'code-taken' | 'too-many-lobbies' | 'too-large';

export interface LobbyApiError {
  readonly error: LobbyApiErrorCode;
  /** For people: what happened and what to do. */
  readonly message: string;
}
