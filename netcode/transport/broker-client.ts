/**
 * The lobby directory's client: one method per call of `wire/lobby-api.ts`. It never throws for what the network or the server does;
 * every outcome is a value. What the server answers is checked field by field, since a code or peer id goes straight on the screen
 * or into a dial, and an owner token into a header.
 */
import type { PeerId } from '../core/ids.ts';
import {
  type BrokerConfigResponse,
  type CreateLobbyRequest,
  type CreateLobbyResponse,
  filterParams,
  type HeartbeatResponse,
  isCanonicalCode,
  type ListLobbiesResponse,
  LOBBY_API_ERROR_CODES,
  type LobbyFilter,
  type LobbyUpdate,
  normaliseCode,
  readLobbyUpdate,
} from '../wire/lobby-api.ts';
import type {
  BrokerFailure,
  BrokerResult,
  LobbyAddress,
  LobbyBrowser,
  LobbyDirectory,
  LobbyPageRequest,
  LobbyWatchEvents,
} from './directory.ts';
import { LobbyWatch, readLobbyPage } from './lobby-watch.ts';
import { RoundTrip, watchNetworkTime } from './round-trip.ts';

/** A healthy broker answers within a round trip; a phone on a bad network takes seconds, and a person waits no longer. */
const CALL_TIMEOUT_MS = 8_000;
/** The largest answer is a page of lobbies, about 40 KB. */
const RESPONSE_BYTES_MAX = 65_536;
/** ICE servers beyond a handful only slow the browser's gathering; Chromium warns from five on. */
const ICE_SERVERS_MAX = 16;
const ICE_URLS_MAX = 8;
/** Calls that wait for what the network took: it is told shortly after the answer, or never. */
const TIMINGS_MAX = 4;
/** Longest text field the server may send: ids, tokens, TURN credentials. */
const TEXT_LENGTH_MAX = 1_024;

export interface BrokerClientOptions {
  /** Where the broker is: `https://play.example`, a path included if it has one. */
  readonly brokerUrl: string;
  /** Default: the surroundings' `fetch`. */
  readonly fetch?: typeof fetch;
  /** Gives up all calls: each then fails as 'unreachable'. */
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
  /** Milliseconds since any fixed moment. Default: `performance.now()`. */
  readonly nowMs?: () => number;
  /** Tells what the next fetch of a path took on the network; returns what stops it. Default: what the browser notes, for its own `fetch`. */
  readonly watchNetworkTime?: typeof watchNetworkTime;
}

interface Call<T> {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: CreateLobbyRequest | LobbyUpdate;
  readonly ownerToken?: string;
  readonly keepalive?: boolean;
  /** The value of a good answer's body; undefined if it is none. */
  readonly read: (body: unknown) => T | undefined;
}

export class BrokerClient implements LobbyDirectory, LobbyBrowser {
  readonly #options: BrokerClientOptions;
  readonly #baseUrl: string;
  readonly #roundTrip = new RoundTrip();
  /** Stop the waiting for what the network took, of the latest calls. */
  readonly #timings: (() => void)[] = [];

  constructor(options: BrokerClientOptions) {
    this.#options = options;
    this.#baseUrl = options.brokerUrl.replace(/\/+$/, '');
  }

  get roundTripMs(): number | undefined {
    return this.#roundTrip.ms;
  }

  /** Registers a lobby for this peer. */
  createLobby(request: CreateLobbyRequest): Promise<BrokerResult<CreateLobbyResponse>> {
    return this.#call({ method: 'POST', path: '/api/lobbies', body: request, read: readCreated });
  }

  /** The host behind an invite code. */
  resolveLobby(code: string): Promise<BrokerResult<LobbyAddress>> {
    const read = (body: unknown) => readLobby(body, code);
    return this.#call({ method: 'GET', path: lobbyPath(code), read });
  }

  /** Registers our lobby again under the code it had, after the broker forgot it or our peer id changed. */
  reclaimLobby(code: string, ownerToken: string, request: CreateLobbyRequest): Promise<BrokerResult<CreateLobbyResponse>> {
    return this.#call({ method: 'PUT', path: lobbyPath(code), body: request, ownerToken, read: readCreated });
  }

  /** Keeps our lobby from expiring, and with `update` changes what it says about itself. */
  heartbeat(code: string, ownerToken: string, update?: LobbyUpdate): Promise<BrokerResult<HeartbeatResponse>> {
    if (update !== undefined) return this.#call({ method: 'PATCH', path: lobbyPath(code), body: update, ownerToken, read: readHeartbeat });
    return this.#call({ method: 'POST', path: `${lobbyPath(code)}/heartbeat`, ownerToken, read: readHeartbeat });
  }

  /** Removes our lobby. Goes out even when the page is being closed. */
  closeLobby(code: string, ownerToken: string): Promise<BrokerResult<true>> {
    return this.#call({ method: 'DELETE', path: lobbyPath(code), ownerToken, keepalive: true, read: () => true as const });
  }

  /** One page of the public lobbies, newest first. */
  listLobbies(filter: LobbyFilter = {}, { limit, cursor }: LobbyPageRequest = {}): Promise<BrokerResult<ListLobbiesResponse>> {
    const params = [...filterParams(filter)];
    if (limit !== undefined) params.push(['limit', String(limit)]);
    if (cursor !== undefined) params.push(['cursor', cursor]);
    return this.#call({ method: 'GET', path: `/api/lobbies${queryOf(params)}`, read: readLobbyPage });
  }

  /** Tells of the public lobbies and of every change, until the returned function is called. */
  watchLobbies(filter: LobbyFilter, events: LobbyWatchEvents): () => void {
    const { fetch: ask = fetch, signal } = this.#options;
    const url = `${this.#baseUrl}/api/lobbies/stream${queryOf(filterParams(filter))}`;
    const watch = new LobbyWatch({ url, fetch: ask, events });
    const stop = (): void => watch.stop();
    if (signal?.aborted === true) stop();
    signal?.addEventListener('abort', stop, { once: true });
    return stop;
  }

  getConfig(): Promise<BrokerResult<BrokerConfigResponse>> {
    return this.#call({ method: 'GET', path: '/api/config', read: readConfig });
  }

  async #call<T>({ method, path, body, ownerToken, keepalive = false, read }: Call<T>): Promise<BrokerResult<T>> {
    const timeoutMs = this.#options.timeoutMs ?? CALL_TIMEOUT_MS;
    const controller = new AbortController();
    const timer = setTimeout(() => controller.abort(), timeoutMs);
    const onAbort = () => controller.abort();
    this.#options.signal?.addEventListener('abort', onAbort);
    if (this.#options.signal?.aborted === true) onAbort();
    const nowMs = this.#options.nowMs ?? (() => performance.now());
    const stopTiming = this.#time(path);
    const askedAtMs = nowMs();
    try {
      const response = await (this.#options.fetch ?? fetch)(this.#baseUrl + path, {
        method,
        keepalive,
        cache: 'no-store',
        // The broker sets no cookies. But browsers keep calls without credentials apart from the page's own connection, and would make one more.
        credentials: 'same-origin',
        signal: controller.signal,
        headers: {
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(ownerToken === undefined ? {} : { authorization: `Bearer ${ownerToken}` }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      this.#roundTrip.noteCall(askedAtMs, nowMs());
      const answer = await readJson(response);
      if (!response.ok) return readError(answer, response.status);
      const value = read(answer);
      return value === undefined
        ? unreachable('The server gave an answer that makes no sense. Is it the right address?')
        : { ok: true, value };
    } catch {
      stopTiming();
      return unreachable(
        controller.signal.aborted && this.#options.signal?.aborted !== true
          ? `The server did not answer within ${timeoutMs / 1000} s. Check your connection and try again.`
          : 'The server cannot be reached. Check your connection and try again.',
      );
    } finally {
      clearTimeout(timer);
      this.#options.signal?.removeEventListener('abort', onAbort);
    }
  }

  #time(path: string): () => void {
    const { fetch: ask, watchNetworkTime: watch = ask === undefined ? watchNetworkTime : undefined } = this.#options;
    const stop = watch?.(path, (ms) => this.#roundTrip.noteNetwork(ms)) ?? (() => undefined);
    this.#timings.push(stop);
    if (this.#timings.length > TIMINGS_MAX) this.#timings.shift()?.();
    return stop;
  }
}

function lobbyPath(code: string): string {
  return `/api/lobbies/${encodeURIComponent(code)}`;
}

function queryOf(params: readonly (readonly [string, string])[]): string {
  return params.length === 0 ? '' : `?${params.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`;
}

function unreachable(message: string): { readonly ok: false; readonly failure: BrokerFailure; readonly message: string } {
  return { ok: false, failure: 'unreachable', message };
}

/** The body as JSON; undefined if it is none, or longer than any answer of the API. */
async function readJson(response: Response): Promise<unknown> {
  if (response.body === null) return undefined;
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = '';
  let sizeBytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    sizeBytes += value.byteLength;
    if (sizeBytes > RESPONSE_BYTES_MAX) {
      await reader.cancel();
      return undefined;
    }
    text += decoder.decode(value, { stream: true });
  }
  try {
    return JSON.parse(text + decoder.decode());
  } catch {
    return undefined;
  }
}

function readError(body: unknown, status: number): BrokerResult<never> {
  const failure = isObject(body) ? LOBBY_API_ERROR_CODES.find((code) => code === body['error']) : undefined;
  if (!isObject(body) || failure === undefined) return unreachable(`The server answered with an error (HTTP ${status}). Try again later.`);
  return { ok: false, failure, message: isText(body['message']) ? body['message'] : `The server refused (${failure}).` };
}

function readCreated(body: unknown): CreateLobbyResponse | undefined {
  if (!isObject(body)) return undefined;
  const { code, ownerToken, expiresInMs } = body;
  return isCanonicalCode(code) && isToken(ownerToken) && isDurationMs(expiresInMs) ? { code, ownerToken, expiresInMs } : undefined;
}

function readLobby(body: unknown, asked: string): LobbyAddress | undefined {
  if (!isObject(body)) return undefined;
  const { code, peerId, gameId } = body;
  const details = readLobbyUpdate(body);
  if (!isCanonicalCode(code) || code !== normaliseCode(asked) || !isPeerId(peerId) || !isText(gameId) || typeof details === 'string')
    return undefined;
  return { ...details, code, peerId, gameId };
}

function readHeartbeat(body: unknown): HeartbeatResponse | undefined {
  return isObject(body) && isDurationMs(body['expiresInMs']) ? { expiresInMs: body['expiresInMs'] } : undefined;
}

function readConfig(body: unknown): BrokerConfigResponse | undefined {
  if (!isObject(body) || !Array.isArray(body['iceServers']) || body['iceServers'].length > ICE_SERVERS_MAX) return undefined;
  const iceServers: BrokerConfigResponse['iceServers'][number][] = [];
  for (const server of body['iceServers'] as readonly unknown[]) {
    if (!isObject(server)) return undefined;
    const { urls, username, credential } = server;
    const list: readonly unknown[] = Array.isArray(urls) ? urls : [urls];
    if (list.length === 0 || list.length > ICE_URLS_MAX || !list.every(isIceUrl)) return undefined;
    if ((username !== undefined && !isText(username)) || (credential !== undefined && !isText(credential))) return undefined;
    iceServers.push({ urls: list, ...(username === undefined ? {} : { username }), ...(credential === undefined ? {} : { credential }) });
  }
  const { iceTransportPolicy, hasRelay, expiresInSeconds } = body;
  return {
    iceServers,
    ...(iceTransportPolicy === 'relay' && { iceTransportPolicy }),
    ...(hasRelay === true && { hasRelay }),
    ...(typeof expiresInSeconds === 'number' && expiresInSeconds > 0 && { expiresInSeconds }),
  };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH_MAX;
}

/** It goes into a header, where a line break would be another header. */
function isToken(value: unknown): value is string {
  return isText(value) && /^[\x21-\x7e]+$/.test(value);
}

function isPeerId(value: unknown): value is PeerId {
  return typeof value === 'string' && /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(value);
}

function isDurationMs(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function isIceUrl(value: unknown): value is string {
  return isText(value) && /^(stun|stuns|turn|turns):/.test(value);
}
