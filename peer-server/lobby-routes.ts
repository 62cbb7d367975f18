/**
 * The lobby directory over HTTP, as written down in `netcode/wire/lobby-api.ts`: reads requests, asks the directory,
 * and puts its answers and refusals into words.
 */
import express, { type ErrorRequestHandler, type Request, type RequestHandler, type Response, Router } from 'express';
import {
  type BrokerConfigResponse,
  CODE_LENGTH,
  type CreateLobbyResponse,
  type HeartbeatResponse,
  type LobbyApiError,
  type LobbyApiErrorCode,
  type LobbyResponse,
  normaliseCode,
} from '../netcode/wire/lobby-api.ts';
import type { IceServers } from './ice-servers.ts';
import type { LobbyAddress, LobbyDirectory, LobbyRefusal } from './lobby-directory.ts';
import { isPeerId } from './peer-params.ts';

/** The largest request is two short ids in JSON. */
const BODY_BYTES_MAX = 2048;
/** As `defineGame` demands it. */
const GAME_ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,31}$/;

const REFUSALS: Readonly<Record<LobbyRefusal, { readonly status: number; readonly message: string }>> = {
  'unknown-code': { status: 404, message: 'No lobby has this code. It may have been closed; ask the host for a new one.' },
  'not-owner': { status: 403, message: "Only the lobby's owner may do this: send its token as 'Authorization: Bearer TOKEN'." },
  'code-taken': { status: 409, message: 'Another lobby has this code by now. Create a new lobby to get a new code.' },
  'too-many-lobbies': { status: 503, message: 'This server has no room for another lobby right now. Try again in a minute.' },
};

/** Everything below `/api`. */
export function lobbyRoutes(directory: LobbyDirectory, iceServers: IceServers): Router {
  const router = Router();
  router.use((_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    next();
  });
  router.use(express.json({ limit: BODY_BYTES_MAX, inflate: false }));

  router.get('/config', (_request, response) => {
    response.json({ iceServers } satisfies BrokerConfigResponse);
  });

  router.post(
    '/lobbies',
    route(async (request, response) => {
      const address = readAddress(request, response);
      if (address === undefined) return;
      const outcome = await directory.create(address);
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
      const { peerId, gameId } = outcome.value;
      response.json({ code, peerId, gameId } satisfies LobbyResponse);
    }),
  );

  router.put(
    '/lobbies/:code',
    route(async (request, response) => {
      const code = readCode(request, response, 400);
      if (code === undefined) return;
      const address = readAddress(request, response);
      if (address === undefined) return;
      const outcome = await directory.reclaim(code, readBearerToken(request), address);
      if ('refusal' in outcome) return refuse(response, outcome.refusal);
      response.json(outcome.value satisfies CreateLobbyResponse);
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
  const body: unknown = request.body;
  const { peerId, gameId } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  if (!isPeerId(peerId)) {
    const message = request.is('application/json')
      ? "'peerId' must be 1 to 64 letters, digits, '-' or '_', the first a letter or digit."
      : "Send a JSON body with 'Content-Type: application/json'.";
    sendError(response, 400, 'bad-request', message);
    return undefined;
  }
  if (typeof gameId !== 'string' || !GAME_ID_PATTERN.test(gameId)) {
    sendError(response, 400, 'bad-request', "'gameId' must be 1 to 32 of a-z, 0-9 and '-'.");
    return undefined;
  }
  return { peerId, gameId };
}

function readBearerToken(request: Request): string | undefined {
  return /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
}

function refuse(response: Response, refusal: LobbyRefusal): void {
  const { status, message } = REFUSALS[refusal];
  if (status === 503) response.setHeader('Retry-After', '60');
  sendError(response, status, refusal, message);
}

function sendError(response: Response, status: number, error: LobbyApiErrorCode, message: string): void {
  response.status(status).json({ error, message } satisfies LobbyApiError);
}

/** What express and its body reader report; anything that is not the caller's fault goes on to the server's own handler. */
const answerError: ErrorRequestHandler = (error: unknown, _request, response, next) => {
  const { status, type } = error as { readonly status?: unknown; readonly type?: unknown };
  if (typeof status !== 'number' || status < 400 || status > 499) return next(error);
  if (status === 413) return sendError(response, status, 'too-large', `The request body is larger than ${BODY_BYTES_MAX} bytes.`);
  const message = type === 'entity.parse.failed' ? 'The request body is not valid JSON.' : 'The request could not be read.';
  sendError(response, status, 'bad-request', message);
};
