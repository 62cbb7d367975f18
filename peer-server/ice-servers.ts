/**
 * The STUN and TURN servers that players' browsers are told to use. STUN tells a browser its public address;
 * without it only players on the same network find each other.
 */
import type { BrokerConfigResponse } from '../netcode/wire/lobby-api.ts';
import { ConfigError } from './config-error.ts';

export type IceServers = BrokerConfigResponse['iceServers'];

/** Two public STUN servers of different operators, so that one may be down. They carry no game traffic. */
export const DEFAULT_ICE_SERVERS: IceServers = [{ urls: 'stun:stun.cloudflare.com:3478' }, { urls: 'stun:stun.l.google.com:19302' }];

/** A browser asks every server at once, so more than a few only slow connecting down; this many are a mistake. */
const ICE_SERVERS_MAX = 16;
const ICE_URL_PATTERN = /^(?:stuns?|turns?):[^\s/]+$/;
const EXAMPLE = `ICE_SERVERS='[{"urls":"stun:stun.example.org:3478"}]'`;

/** Reads the environment variable ICE_SERVERS. Throws ConfigError naming what is wrong. */
export function parseIceServers(text: string): IceServers {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new ConfigError(`ICE_SERVERS is not valid JSON. It should look like ${EXAMPLE}`);
  }
  if (!Array.isArray(list)) throw new ConfigError(`ICE_SERVERS must be a JSON array, like ${EXAMPLE}`);
  if (list.length > ICE_SERVERS_MAX) throw new ConfigError(`ICE_SERVERS lists ${list.length} servers; the limit is ${ICE_SERVERS_MAX}`);
  return list.map(readIceServer);
}

function readIceServer(entry: unknown, index: number): IceServers[number] {
  const name = `ICE_SERVERS[${index}]`;
  if (typeof entry !== 'object' || entry === null) throw new ConfigError(`${name} must be an object, like ${EXAMPLE}`);
  const { urls, username, credential } = entry as Record<string, unknown>;
  const allUrls: unknown[] = Array.isArray(urls) ? urls : [urls];
  if (allUrls.length === 0 || !allUrls.every(isIceUrl)) {
    throw new ConfigError(`${name}.urls must be a stun:, stuns:, turn: or turns: address or an array of them, like ${EXAMPLE}`);
  }
  if (username !== undefined && typeof username !== 'string') throw new ConfigError(`${name}.username must be a string`);
  if (credential !== undefined && typeof credential !== 'string') throw new ConfigError(`${name}.credential must be a string`);
  const isTurn = allUrls.some((url) => url.startsWith('turn'));
  // A browser throws on the whole list when a TURN server lacks these, and no player could connect.
  if (isTurn && (username === undefined || credential === undefined))
    throw new ConfigError(`${name} is a TURN server and needs username and credential`);
  return {
    urls: Array.isArray(urls) ? allUrls : allUrls[0]!,
    ...(username === undefined ? {} : { username }),
    ...(credential === undefined ? {} : { credential }),
  };
}

function isIceUrl(url: unknown): url is string {
  return typeof url === 'string' && ICE_URL_PATTERN.test(url);
}
