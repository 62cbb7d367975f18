/**
 * TURN credentials that end by themselves, as coturn's `use-auth-secret` takes them ("TURN REST API"): the user name is the
 * Unix time of the end and a random name, the password its HMAC-SHA1 under the secret that broker and TURN servers share.
 * A page therefore never holds anything that is of use for long, and the TURN server needs no list of users.
 *
 *   username    1795280000:5f0c2a9be1d04477
 *   credential  base64(HMAC-SHA1(secret, username))
 *
 * The random part says nothing about the player; it lets the TURN server tell users apart for its quotas.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { IceServers } from './ice-servers.ts';

/**
 * Twelve hours: an open page fetches new ones when half of that is over, so it can be without this server for six and still take in a
 * guest. The end is checked when a relay is opened, so a match under way outlives it.
 */
export const TURN_TTL_SECONDS = 43_200;
const NAME_BYTES = 8;

export interface TurnSettings {
  /** `turn:turn.example:3478?transport=udp`, … */
  readonly urls: readonly string[];
  readonly secret: string;
  readonly ttlSeconds: number;
}

export interface TurnCredentials {
  readonly username: string;
  readonly credential: string;
}

/** `unixMs`: the time of day, since the TURN server compares it with its own. `name`: unique for each visitor. */
export function turnCredentials({ secret, ttlSeconds }: TurnSettings, unixMs: number, name = randomName()): TurnCredentials {
  const username = `${Math.floor(unixMs / 1000) + ttlSeconds}:${name}`;
  return { username, credential: createHmac('sha1', secret).update(username).digest('base64') };
}

/** The operator's fixed servers, and behind them the TURN servers with credentials made for this one request. */
export function withTurn(iceServers: IceServers, turn: TurnSettings | undefined, unixMs: number): IceServers {
  if (turn === undefined) return iceServers;
  return [...iceServers, { urls: turn.urls, ...turnCredentials(turn, unixMs) }];
}

function randomName(): string {
  return randomBytes(NAME_BYTES).toString('hex');
}
