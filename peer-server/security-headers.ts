/**
 * Headers that make the browser enforce what the page may do. They hold over plain http on a LAN, so nothing here asks
 * for https (no HSTS, no upgrade-insecure-requests).
 */
import type { RequestHandler } from 'express';

/** WebRTC, to STUN servers and other players, is not governed by a Content-Security-Policy. */
const POLICY_BEFORE_CONNECT = "default-src 'self'; script-src 'self'; worker-src 'self'; style-src 'self'";
/** Phaser draws its built-in textures from data: URLs and its loaded ones from blob: URLs. */
const POLICY_AFTER_CONNECT =
  "img-src 'self' data: blob:; media-src 'self' data: blob:; object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'";
/** A name or IPv4 address and perhaps a port: what a policy can name. The header is the client's word, so nothing else gets in. */
const PLAIN_HOST_PATTERN = /^[A-Za-z0-9.-]{1,253}(?::\d{1,5})?$/;

/** `hasPolicy` is false in development, where Vite injects inline scripts and styles. */
export function securityHeaders(hasPolicy: boolean): RequestHandler {
  return (request, response, next) => {
    if (hasPolicy) response.setHeader('Content-Security-Policy', policyFor(request.headers.host));
    response.setHeader('X-Content-Type-Options', 'nosniff');
    response.setHeader('X-Frame-Options', 'SAMEORIGIN');
    // The page's address holds the invite code; links to other sites must not carry it there.
    response.setHeader('Referrer-Policy', 'no-referrer');
    response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
    response.setHeader('Permissions-Policy', 'camera=(), microphone=(self), geolocation=()');
    next();
  };
}

/** `connect-src 'self'` covers the signalling WebSocket, but not in older Safaris (WebKit bug 201591), which need its address spelt out. */
function policyFor(host: string | undefined): string {
  const webSockets = host !== undefined && PLAIN_HOST_PATTERN.test(host) ? ` ws://${host} wss://${host}` : '';
  return `${POLICY_BEFORE_CONNECT}; connect-src 'self'${webSockets}; ${POLICY_AFTER_CONNECT}`;
}
