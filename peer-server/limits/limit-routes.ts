/**
 * The limits in front of the HTTP routes, as express middleware. Who is over one is told so with 429 and `Retry-After`.
 *
 * Invite codes are the reason for most of this file. Every answer that tells whether a code exists counts as a guess, not
 * only a failed look-up: 403 and 409 say that it does, and a PUT that registers a code says that it did not. While an
 * address waits for its guesses, requests with an owner's token are still let through, for a token cannot be guessed; but
 * what would give a code away is then answered like everything else, with 429.
 */
import type { IncomingMessage } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { normaliseCode } from '../../netcode/wire/lobby-api.ts';
import type { Limits } from './limits.ts';

/** Who asks. Behind a proxy it takes the operator's list of trusted ones to tell. */
export type AddressOf = (request: IncomingMessage) => string | undefined;

/** A call of the API works on the store, which is shared; a file costs one. */
export const API_REQUEST_COST = 5;

/** An owner's calls set it in `response.locals` when the lobby was there and the token was its own: a PUT that guessed nothing. */
export const OWNER_KNOWN = 'isOwnerKnown';

/** In front of everything. */
export function limitRequests(limits: Limits, addressOf: AddressOf, cost = 1): RequestHandler {
  return (request, response, next) => {
    const waitMs = limits.takeRequest(addressOf(request), cost);
    if (waitMs > 0) refuse(response, waitMs);
    else next();
  };
}

/** In front of the lobby routes, mounted at the same path (`/api`): creations, streams, and everything that names a code. */
export function limitLobbies(limits: Limits, addressOf: AddressOf): RequestHandler {
  return (request, response, next) => {
    const address = addressOf(request);
    const isCreation = request.method === 'POST' && /^\/lobbies\/?$/i.test(request.path);
    if (isCreation) {
      const waitMs = limits.takeLobby(address);
      if (waitMs > 0) return refuse(response, waitMs);
    }
    if (isStream(request)) {
      const lease = limits.openStream(address);
      if (typeof lease === 'number') return refuse(response, lease);
      response.once('close', () => lease.release());
      return next();
    }
    if (!namesCode(request)) return next();
    const guess = limits.takeGuess(address);
    if (typeof guess === 'number') {
      if (!isOwnersCall(request)) return refuse(response, guess);
      hideWhatTells(response, guess);
      return next();
    }
    onStatus(response, (status) => {
      if (!tells(status, request.method, response)) guess.takeBack();
    });
    // A PUT may open a lobby, too; which it did is known afterwards only, so it pays beforehand.
    if (request.method === 'PUT') {
      const waitMs = limits.takeLobby(address);
      if (waitMs > 0) return refuse(response, waitMs);
    }
    next();
  };
}

/** Whether the answer was about a code whose existence the asker had no right to know of. */
function tells(status: number, method: string, response: Response): boolean {
  if (status === 403 || status === 404 || status === 409) return true;
  return method === 'PUT' && status < 300 && response.locals[OWNER_KNOWN] !== true;
}

function namesCode(request: Request): boolean {
  const segment = /^\/lobbies\/([^/]+)/i.exec(request.path)?.[1];
  if (segment === undefined) return false;
  try {
    return normaliseCode(decodeURIComponent(segment)) !== undefined;
  } catch {
    return false;
  }
}

/** `/lobbies/stream` is no look-up, though people's spelling is forgiven so far that 'stream' could be a code. express answers HEAD like GET. */
function isStream(request: Request): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && /^\/lobbies\/stream\/?$/i.test(request.path);
}

/** A PUT may make a lobby out of nothing, so its token proves nothing; and a look-up needs none. */
const OWNERS_METHODS: ReadonlySet<string> = new Set(['POST', 'PATCH', 'DELETE']);

function isOwnersCall(request: Request): boolean {
  return OWNERS_METHODS.has(request.method) && request.get('authorization') !== undefined;
}

function hideWhatTells(response: Response, waitMs: number): void {
  const json = response.json.bind(response);
  response.json = (body: unknown) => {
    const { statusCode } = response;
    if (statusCode !== 403 && statusCode !== 404 && statusCode !== 409) return json(body);
    response.status(429).setHeader('Retry-After', secondsOf(waitMs));
    return json(refusalOf(waitMs));
  };
}

/** Calls back when the status is sent, which for a stream is long before its end. */
function onStatus(response: Response, callback: (status: number) => void): void {
  const writeHead = response.writeHead.bind(response) as (...args: readonly unknown[]) => Response;
  response.writeHead = (...args: readonly unknown[]) => {
    callback(typeof args[0] === 'number' ? args[0] : response.statusCode);
    return writeHead(...args);
  };
}

function refuse(response: Response, waitMs: number): void {
  response.status(429).setHeader('Retry-After', secondsOf(waitMs)).setHeader('Cache-Control', 'no-store').json(refusalOf(waitMs));
}

function refusalOf(waitMs: number): { readonly error: 'too-many-requests'; readonly message: string } {
  return { error: 'too-many-requests', message: `Too much was asked from your network. Try again in ${secondsOf(waitMs)} s.` };
}

function secondsOf(waitMs: number): number {
  return Math.max(1, Math.ceil(waitMs / 1000));
}
