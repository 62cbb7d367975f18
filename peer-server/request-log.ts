/** Every request, on level debug only: it names addresses, and paths hold invite codes. And what requests tell about a proxy. */
import { BlockList, isIP } from 'node:net';
import type { RequestHandler } from 'express';
import type { Logger } from './logger.ts';
import type { TrustedProxies } from './trusted-proxy.ts';

export function requestLog(logger: Logger, { clientAddressOf }: TrustedProxies): RequestHandler {
  return (request, response, next) => {
    const startedAtMs = performance.now();
    // The connection may be gone at the end, and its address with it.
    const address = clientAddressOf(request);
    const { method, path } = request;
    response.once('close', () => {
      const durationMs = Math.round(performance.now() - startedAtMs);
      logger.debug({ address, method, path, status: response.statusCode, durationMs }, 'Request');
    });
    next();
  };
}

/**
 * Behind a proxy that nobody named, all players seem to come from one address and share its limits. That is warned of once,
 * when a proxy on this machine or network shows itself; from elsewhere anyone could send the header.
 */
export function warnOfUnnamedProxy(logger: Logger, { isProxy }: TrustedProxies): RequestHandler {
  let isWarned = false;
  return (request, _response, next) => {
    const { remoteAddress } = request.socket;
    if (!isWarned && request.headers['x-forwarded-for'] !== undefined && remoteAddress !== undefined) {
      if (isNearby(remoteAddress) && !isProxy(remoteAddress)) {
        isWarned = true;
        logger.warn({}, 'A reverse proxy seems to be in front of this server. Name it in TRUSTED_PROXIES, or all players count as one.');
      }
    }
    next();
  };
}

const NEARBY = new BlockList();
for (const [network, bits] of [
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
] as const)
  NEARBY.addSubnet(network, bits, 'ipv4');
NEARBY.addAddress('::1', 'ipv6');
NEARBY.addSubnet('fc00::', 7, 'ipv6');

function isNearby(address: string): boolean {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  return NEARBY.check(plain, isIP(plain) === 6 ? 'ipv6' : 'ipv4');
}
