/**
 * The lobby directory over HTTP, as written down in `netcode/wire/lobby-api.ts`: reads requests, asks the directory,
 * and puts its answers and refusals into words.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import {
  CODE_LENGTH,
  type CreateLobbyResponse,
  type HeartbeatResponse,
  isGameId,
  LIST_LIMIT_DEFAULT,
  LIST_LIMIT_MAX,
  type ListLobbiesResponse,
  type LobbyApiError,
  type LobbyApiErrorCode,
  type LobbyFilter,
  type LobbyResponse,
  type LobbyUpdate,
  normaliseCode,
  readFilter,
  readLobbyUpdate,
  readWholeNumber,
} from '../netcode/wire/lobby-api.ts';
import type { LobbyAddress, LobbyDirectory, LobbyRefusal } from './lobby-directory.ts';
import { StoreUnavailableError } from './lobby-store.ts';
import { LobbyStreams } from './lobby-stream.ts';
import { OWNER_KNOWN } from './limits/limit-routes.ts';
import { isPeerId } from './peer-params.ts';
import { type LobbyPage, readCursor } from './public-lobbies.ts';

/** The largest request is two short ids and a name in JSON. */
const BODY_BYTES_MAX = 2048;
/** A store that restarts is back within seconds. */
const RETRY_UNAVAILABLE_S = 2;
const RETRY_FULL_S = 60;
const NO_JSON = "Send a JSON body with 'Content-Type: application/json'.";

const REFUSALS: Readonly<Record<LobbyRefusal, { readonly status: number; readonly message: string }>> = {
  'unknown-code': { status: 404, message: 'No lobby has this code. It may have been closed; ask the host for a new one.' },
  'not-owner': { status: 403, message: "Only the lobby's owner may do this: send its token as 'Authorization: Bearer TOKEN'." },
  'code-taken': { status: 409, message: 'Another lobby has this code by now. Create a new lobby to get a new code.' },
  'too-many-lobbies': { status: 503, message: 'This server has no room for another lobby right now. Try again in a minute.' },
};

/** Everything below `/api`. Given `streams`, a shutdown can end them; otherwise they end with their sockets. */
export function lobbyRoutes(directory: LobbyDirectory, streams: LobbyStreams = new LobbyStreams(directory.publicLobbies)): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  router.use(express.json({ limit: BODY_BYTES_MAX, inflate: false }));

  router.get('/lobbies', (request, response) => {
    const filter = readFilterOrRefuse(request, response);
    const page = filter === undefined ? undefined : readPage(request, response);
    if (filter === undefined || page === undefined) return;
    response.json(directory.publicLobbies.list(filter, page) satisfies ListLobbiesResponse);
  });

  router.get('/lobbies/stream', (request, response) => {
    const filter = readFilterOrRefuse(request, response);
    if (filter === undefined || streams.open(response, filter)) return;
    response.setHeader('Retry-After', RETRY_FULL_S);
    sendError(response, 503, 'unavailable', 'Too many are watching the lobbies of this server right now. Try again in a minute.');
  });

  router.post(
    '/lobbies',
    route(async (request, response) => {
      const address = readAddress(request, response);
      if (address === undefined) return;
      const details = readDetails(request, response);
      if (details === undefined) return;
      const outcome = await directory.create(address, details);
      if ('refusal' in outcome) return refuse(response, outcome.refusal);
      response
        .status(201)
        .location(`/api/lobbies/${outcome.value.code}`)
        .json(outcome.value satisfies CreateLobbyResponse);
    }),
  );

  router.get(
    '/lobbies/:code',
    route(async (request, response) => {
      const code = readCode(request, response, 404);
      if (code === undefined) return;
      const outcome = await directory.resolve(code);
      if ('refusal' in outcome) return refuse(response, outcome.refusal);
      const { ownerTokenHash: _secret, createdAtMs: _unasked, ...lobby } = outcome.value;
      response.json(lobby satisfies LobbyResponse);
    }),
  );

  router.put(
    '/lobbies/:code',
    route(async (request, response) => {
      const code = readCode(request, response, 400);
      if (code === undefined) return;
      const address = readAddress(request, response);
      if (address === undefined) return;
      const details = readDetails(request, response);
      if (details === undefined) return;
      const outcome = await directory.reclaim(code, readBearerToken(request), address, details);
      if ('refusal' in outcome) return refuse(response, outcome.refusal);
      if (outcome.isKnown === true) response.locals[OWNER_KNOWN] = true;
      response.json(outcome.value satisfies CreateLobbyResponse);
    }),
  );

  router.patch(
    '/lobbies/:code',
    route(async (request, response) => {
      const code = readCode(request, response, 404);
      if (code === undefined) return;
      const details = readDetails(request, response);
      if (details === undefined) return;
      const outcome = await directory.update(code, readBearerToken(request), details);
      if ('refusal' in outcome) return refuse(response, outcome.refusal);
      response.json(outcome.value satisfies HeartbeatResponse);
    }),
  );

  router.post(
    '/lobbies/:code/heartbeat',
    route(async (request, response) => {
      const code = readCode(request, response, 404);
      if (code === undefined) return;
      const outcome = await directory.heartbeat(code, readBearerToken(request));
      if ('refusal' in outcome) return refuse(response, outcome.refusal);
      response.json(outcome.value satisfies HeartbeatResponse);
    }),
  );

  router.delete(
    '/lobbies/:code',
    route(async (request, response) => {
      const code = readCode(request, response, 404);
      if (code === undefined) return;
      const outcome = await directory.close(code, readBearerToken(request));
      if ('refusal' in outcome) return refuse(response, outcome.refusal);
      response.status(204).end();
    }),
  );

  router.use((request, response) => {
    sendError(response, 404, 'bad-request', `There is no ${request.method} ${request.baseUrl}${request.path} here.`);
  });
  router.use(answerError);
  return router;
}

/** Express 4 does not await its handlers: a rejection has to be passed on. */
function route(handler: (request: Request, response: Response) => Promise<void>): RequestHandler {
  return (request, response, next) => void handler(request, response).then(undefined, next);
}

/** Answers the request when the code in the path can be none. */
function readCode(request: Request, response: Response, badStatus: 400 | 404): string | undefined {
  const code = normaliseCode(request.params['code'] ?? '');
  if (code !== undefined) return code;
  const message = `That is no invite code: a code has ${CODE_LENGTH} letters and digits, like K7Q-X2M.`;
  sendError(response, badStatus, badStatus === 404 ? 'unknown-code' : 'bad-request', message);
  return undefined;
}

/** Answers the request when its body is not a CreateLobbyRequest. */
function readAddress(request: Request, response: Response): LobbyAddress | undefined {
  const { peerId, gameId } = bodyOf(request);
  if (!isPeerId(peerId)) {
    const message = request.is('application/json')
      ? "'peerId' must be 1 to 64 letters, digits, '-' or '_', the first a letter or digit."
      : NO_JSON;
    sendError(response, 400, 'bad-request', message);
    return undefined;
  }
  if (!isGameId(gameId)) {
    sendError(response, 400, 'bad-request', "'gameId' must be 1 to 32 of a-z, 0-9 and '-'.");
    return undefined;
  }
  return { peerId, gameId };
}

/** Answers the request when its body has a detail that is none. */
function readDetails(request: Request, response: Response): LobbyUpdate | undefined {
  const details = request.is('application/json') ? readLobbyUpdate(bodyOf(request)) : NO_JSON;
  if (typeof details !== 'string') return details;
  sendError(response, 400, 'bad-request', details);
  return undefined;
}

function bodyOf(request: Request): Readonly<Record<string, unknown>> {
  const body: unknown = request.body;
  return (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
}

/** Answers the request when its query asks for what cannot be. */
function readFilterOrRefuse(request: Request, response: Response): LobbyFilter | undefined {
  const filter = readFilter(request.query);
  if (typeof filter !== 'string') return filter;
  sendError(response, 400, 'bad-request', filter);
  return undefined;
}

/** Answers the request when its query names a page that cannot be. */
function readPage(request: Request, response: Response): LobbyPage | undefined {
  const { limit: limitText, cursor: cursorText } = request.query;
  const limit = limitText === undefined ? LIST_LIMIT_DEFAULT : readWholeNumber(limitText, LIST_LIMIT_MAX);
  if (limit === undefined || limit === 0) {
    sendError(response, 400, 'bad-request', `'limit' must be a whole number from 1 to ${LIST_LIMIT_MAX}.`);
    return undefined;
  }
  const cursor = cursorText === undefined ? undefined : readCursor(cursorText);
  if (cursor !== undefined || cursorText === undefined) return { limit, cursor };
  sendError(response, 400, 'bad-request', "'cursor' must be the 'nextCursor' of an earlier answer.");
  return undefined;
}

function readBearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
}

function refuse(response: Response, refusal: LobbyRefusal): void {
  const { status, message } = REFUSALS[refusal];
  if (status === 503) response.setHeader('Retry-After', RETRY_FULL_S);
  sendError(response, status, refusal, message);
}

function sendError(response: Response, status: number, error: LobbyApiErrorCode, message: string): void {
  response.status(status).json({ error, message } satisfies LobbyApiError);
}

/** What express and its body reader report; anything that is not the caller's fault goes on to the server's own handler. */
const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  if (error instanceof StoreUnavailableError) {
    response.setHeader('Retry-After', RETRY_UNAVAILABLE_S);
    return sendError(response, 503, 'unavailable', 'The list of lobbies cannot be reached right now. Try again in a few seconds.');
  }
  const { status, type } = error as { readonly status?: unknown; readonly type?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return next(error);
  if (status === 413) return sendError(response, status, 'too-large', `The request body is larger than ${BODY_BYTES_MAX} bytes.`);
  const message = type === 'entity.parse.failed' ? 'The request body is not valid JSON.' : 'The request could not be read.';
  sendError(response, status, 'bad-request', message);
};
