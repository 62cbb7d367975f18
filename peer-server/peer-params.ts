/**
 * Who a signalling client says it is. Ids travel through query strings, JSON and the lobby directory, so they are
 * kept to characters that need no escaping anywhere.
 */

/** Longest id and token: a UUID with a prefix, or 48 random bytes in base64url. */
const NAME_LENGTH_MAX = 64;
const PEER_ID_PATTERN = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{0,${NAME_LENGTH_MAX - 1}}$`);
const PEER_TOKEN_PATTERN = new RegExp(`^[A-Za-z0-9_.-]{1,${NAME_LENGTH_MAX}}$`);

export interface PeerParams {
  readonly id: string;
  readonly token: string;
  readonly key: string;
}

export function isPeerId(value: unknown): value is string {
  return typeof value === 'string' && PEER_ID_PATTERN.test(value);
}

/** The parameters of a signalling URL, or what is wrong with them, ready to be shown. */
export function readPeerParams(query: URLSearchParams): PeerParams | string {
  const id = query.get('id');
  const token = query.get('token');
  const key = query.get('key');
  if (!id || !token || !key) return 'No id, token, or key supplied to websocket server';
  if (!isPeerId(id)) return `The id must be 1 to ${NAME_LENGTH_MAX} letters, digits, '-' or '_', the first a letter or digit`;
  if (!PEER_TOKEN_PATTERN.test(token)) return `The token must be 1 to ${NAME_LENGTH_MAX} letters, digits, '-', '_' or '.'`;
  return { id, token, key };
}
