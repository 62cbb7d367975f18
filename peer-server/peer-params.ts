/**
 * Who a signalling client says it is. Ids travel through query strings, JSON and the lobby directory, so they are
 * kept to characters that need no escaping anywhere.
 */

/** Longest id and token: a UUID with a prefix, or 48 random bytes in base64url. */
const NAME_LENGTH_MAX = 64;
const PEER_ID_PATTERN = new RegExp(`^[A-Za-z0-9][A-Za-z0-9_-]{0,${NAME_LENGTH_MAX - 1}}$`);
const PEER_TOKEN_PATTERN = new RegExp(`^[A-Za-z0-9_.-]{1,${NAME_LENGTH_MAX}}$`);

/** As PeerJS writes it, with nothing in it that has to be decoded: much faster than taking any query apart. */
const PEERJS_QUERY = /^key=([\w-]+)&id=([\w-]+)&token=([\w.-]+)(?:&version=[\w.-]*)?$/;

export interface PeerParams {
  readonly id: string;
  readonly token: string;
  readonly key: string;
}

export function isPeerId(value: unknown): value is string {
  return typeof value === 'string' && PEER_ID_PATTERN.test(value);
}

function isPeerToken(value: unknown): value is string {
  return typeof value === 'string' && PEER_TOKEN_PATTERN.test(value);
}

/** The parameters of a signalling URL's query, or what is wrong with them, ready to be shown. */
export function readPeerParams(text: string): PeerParams | string {
  const [, plainKey, plainId, plainToken] = PEERJS_QUERY.exec(text) ?? [];
  if (plainKey !== undefined && isPeerId(plainId) && isPeerToken(plainToken))
    return { key: plainKey, id: copyOf(plainId), token: copyOf(plainToken) };
  const query = new URLSearchParams(text);
  const id = query.get('id');
  const token = query.get('token');
  const key = query.get('key');
  if (!id || !token || !key) return 'No id, token, or key supplied to websocket server';
  if (!isPeerId(id)) return `The id must be 1 to ${NAME_LENGTH_MAX} letters, digits, '-' or '_', the first a letter or digit`;
  if (!isPeerToken(token)) return `The token must be 1 to ${NAME_LENGTH_MAX} letters, digits, '-', '_' or '.'`;
  return { id: copyOf(id), token: copyOf(token), key };
}

/** They are kept for as long as the client stays; a part of the URL would keep all of it. Nothing in them needs escaping. */
function copyOf(text: string): string {
  return JSON.parse(`"${text}"`) as string;
}
