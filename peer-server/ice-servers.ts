/**
 * The STUN and TURN servers that players' browsers are told to use. STUN tells a browser its public address;
 * without it only players on the same network find each other.
 */
import type { BrokerConfigResponse } from '../netcode/wire/lobby-api.ts';
import { ConfigError } from './config-error.ts';

export type IceServers = BrokerConfigResponse['iceServers'];

/** Two public STUN servers of different operators, so that one may be down. They carry no game traffic. */
export const DEFAULT_ICE_SERVERS: IceServers = [{ urls: 'stun:stun.cloudflare.com:3478' }, { urls: 'stun:stun.l.google.com:19302' }];

/** A browser asks every server at once, so more than a few only slow connecting down; this many are a mistake, and pages refuse more. */
export const ICE_SERVERS_MAX = 16;
/** Addresses of one server; pages refuse more. */
const ICE_URLS_MAX = 8;
const ICE_URL_PATTERN = /^(?:stuns?|turns?):[^\s/]+$/;
const TURN_URL_PATTERN = /^turns?:[^\s/]+$/;

/** Reads a list of servers; `name` is how the operator calls the setting. Throws ConfigError naming what is wrong. */
export function parseIceServers(text: string, name = 'ICE_SERVERS'): IceServers {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    throw new ConfigError(`${name} is not valid JSON. It should look like ${exampleOf(name)}`);
  }
  if (!Array.isArray(list)) throw new ConfigError(`${name} must be a JSON array, like ${exampleOf(name)}`);
  if (list.length > ICE_SERVERS_MAX) throw new ConfigError(`${name} lists ${list.length} servers; the limit is ${ICE_SERVERS_MAX}`);
  return list.map((entry: unknown, index) => readIceServer(entry, `${name}[${index}]`, exampleOf(name)));
}

/** Checks the addresses of the TURN servers that get time-limited credentials. Throws ConfigError. */
export function checkTurnUrls(name: string, urls: readonly string[]): readonly string[] {
  const wrong = urls.find((url) => !TURN_URL_PATTERN.test(url));
  if (wrong !== undefined)
    throw new ConfigError(`${name} '${wrong}' must be like turn:turn.example:3478 or turns:turn.example:5349?transport=tcp`);
  if (urls.length > ICE_URLS_MAX) throw new ConfigError(`${name} lists ${urls.length} addresses; the limit is ${ICE_URLS_MAX}`);
  return urls;
}

export function hasTurnServer(iceServers: IceServers): boolean {
  return iceServers.some(({ urls }) => (typeof urls === 'string' ? [urls] : urls).some((url) => TURN_URL_PATTERN.test(url)));
}

function exampleOf(name: string): string {
  return `${name}${name.startsWith('--') ? ' ' : '='}'[{"urls":"stun:stun.example.org:3478"}]'`;
}

function readIceServer(entry: unknown, name: string, example: string): IceServers[number] {
  if (typeof entry !== 'object' || entry === null) throw new ConfigError(`${name} must be an object, like ${example}`);
  const { urls, username, credential } = entry as Record<string, unknown>;
  const allUrls: unknown[] = Array.isArray(urls) ? urls : [urls];
  if (allUrls.length === 0 || !allUrls.every(isIceUrl)) {
    throw new ConfigError(`${name}.urls must be a stun:, stuns:, turn: or turns: address or an array of them, like ${example}`);
  }
  if (allUrls.length > ICE_URLS_MAX) throw new ConfigError(`${name}.urls lists ${allUrls.length} addresses; the limit is ${ICE_URLS_MAX}`);
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
