/**
 * The last resort for requests: what nothing else answered is a 404, and a fault of ours is logged under an id that is also
 * told to the one who met it, without its insides, so that a report can be found in the log.
 */
import { randomBytes } from 'node:crypto';
import type { ErrorRequestHandler, Request, RequestHandler, Response } from 'express';
import type { Logger } from './logger.ts';
import { routeOf } from './metrics.ts';

const REQUEST_ID_BYTES = 6;

export const answerNotFound: RequestHandler = (_request, response) => sendPage(response, 404, 'Nothing is here');

export function answerFailure(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    if (response.headersSent) return next(error);
    const { status } = error as { readonly status?: unknown };
    if (typeof status === 'number' && status >= 400 && status <= 499) return sendPage(response, status, 'That request makes no sense here');
    const requestId = randomBytes(REQUEST_ID_BYTES).toString('hex');
    response.status(500).setHeader('X-Request-Id', requestId);
    logger.error({ requestId, method: request.method, route: routeOf(request, response), status: 500, error }, 'Request failed');
    logger.debug({ requestId, path: request.path }, 'The path of that request');
    if (isForPrograms(request)) {
      response
        .setHeader('Cache-Control', 'no-store')
        .json({ error: 'server-error', message: `Something went wrong on this server (error ${requestId}). Try again later.` });
      return;
    }
    sendPage(response, 500, `Something went wrong on this server (error ${requestId})`);
  };
}

function isForPrograms({ originalUrl }: Request): boolean {
  return /^\/(api|ice|healthz|readyz|metrics)\b/i.test(originalUrl);
}

function sendPage(response: Response, status: number, text: string): void {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${text}</title><h1>${text}</h1><p><a href="/">To the game</a></p></html>\n`;
  response.status(status).setHeader('Cache-Control', 'no-store').type('html').send(page);
}
