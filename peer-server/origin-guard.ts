/**
 * Which web pages may use the API, as `origins.ts` says, and the headers with which browsers let the pages of other sites
 * read its answers (CORS). The page's own files are for everyone.
 */
import type { RequestHandler } from 'express';
import type { Origins } from './origins.ts';

/** How long a browser remembers that it may ask. */
const PREFLIGHT_SECONDS = 600;
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const HEADERS = 'Authorization, Content-Type, Last-Event-ID';

export function originGuard(rules: Origins, onRefused: () => void): RequestHandler {
  return (request, response, next) => {
    const { origin, host } = request.headers;
    // Caches must not give one page the answer meant for another.
    response.vary('Origin');
    if (!rules.isAllowed(origin, host)) {
      onRefused();
      const message = 'This server does not serve pages of other sites. Its operator can allow them with ALLOWED_ORIGINS.';
      response.status(403).json({ error: 'foreign-origin', message });
      return;
    }
    if (origin === undefined) return next();
    response.setHeader('Access-Control-Allow-Origin', origin);
    response.setHeader('Access-Control-Expose-Headers', 'Location, Retry-After');
    // Lets the page measure how far away we are, without the making of the connection.
    response.setHeader('Timing-Allow-Origin', origin);
    // Otherwise a page that shields itself from others' resources could not read ours.
    response.setHeader('Cross-Origin-Resource-Policy', 'cross-origin');
    // A preflight; any other OPTIONS is a request like others.
    if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined) return next();
    response.setHeader('Access-Control-Allow-Methods', METHODS);
    response.setHeader('Access-Control-Allow-Headers', HEADERS);
    response.setHeader('Access-Control-Max-Age', String(PREFLIGHT_SECONDS));
    response.status(204).end();
  };
}
