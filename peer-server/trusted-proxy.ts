/**
 * Whose request this is. Behind a reverse proxy every connection comes from the proxy, which writes the client's address into
 * X-Forwarded-For; but so can any client. The header is therefore read from its end, where our own proxies wrote, and only as
 * far as each address that vouches for the next is one the operator trusts.
 *
 *   X-Forwarded-For: forged, client, proxy-1      from proxy-2      ->  client, if both proxies are trusted
 */
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { ConfigError } from './config-error.ts';

/** Proxies in a row that are looked through. More are no deployment but a long forged header. */
const HOPS_MAX = 16;
/** A request whose connection is gone already has no address. */
const NO_ADDRESS = 'unknown';

export interface TrustedProxies {
  /** Whether connections from this address are the operator's own proxy's, and so everybody's. */
  readonly isProxy: (address: string) => boolean;
  /** Whose request it is; always the same text for the same address. */
  readonly clientAddressOf: (request: IncomingMessage) => string;
}

/** Checks addresses and subnets (`10.0.0.0/8`, `::1`) and returns them. Throws ConfigError. */
export function parseSubnets(name: string, items: readonly string[]): readonly string[] {
  for (const item of items) {
    const { address, bits } = splitSubnet(item);
    const bitsMax = { 4: 32, 6: 128 }[isIP(address)];
    if (bitsMax === undefined || bits > bitsMax || !(bits >= 0))
      throw new ConfigError(`${name} '${item}' is not an address or subnet like 127.0.0.1, 10.0.0.0/8 or fd00::/8`);
    if (bits === 0) throw new ConfigError(`${name} '${item}' would let everyone choose the address they come from; name the proxies`);
  }
  return items;
}

/** `trusted` as `parseSubnets` returned it. With none, the address is always that of the connection. */
export function trustedProxies(trusted: readonly string[]): TrustedProxies {
  const proxies = new BlockList();
  for (const item of trusted) {
    const { address, bits } = splitSubnet(item);
    proxies.addSubnet(address, bits, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  const isTrusted = (address: string): boolean => proxies.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  const isProxy = (text: string): boolean => {
    const address = plainAddress(text);
    return address !== undefined && isTrusted(address);
  };
  const clientAddressOf = (request: IncomingMessage): string => {
    const { remoteAddress } = request.socket;
    let address = remoteAddress === undefined ? undefined : plainAddress(remoteAddress);
    if (address === undefined) return NO_ADDRESS;
    if (!isTrusted(address)) return address;
    const forwarded = forwardedFor(request);
    for (let hop = 0; hop < HOPS_MAX && isTrusted(address); hop++) {
      const next = plainAddress(forwarded.pop() ?? '');
      // Nothing more, or nothing that an honest proxy writes.
      if (next === undefined) break;
      address = next;
    }
    return address;
  };
  return { isProxy, clientAddressOf };
}

function forwardedFor(request: IncomingMessage): string[] {
  const header = request.headers['x-forwarded-for'];
  return (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',');
}

/** The same address always as the same text: no IPv4 in IPv6 clothes, no port, no brackets, no interface. */
function plainAddress(text: string): string | undefined {
  let address = text.trim();
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(address)?.[1];
  if (bracketed !== undefined) address = bracketed;
  else if (/^[^:]+:\d+$/.test(address)) address = address.slice(0, address.indexOf(':'));
  address = address.replace(/%.*$/, '').toLowerCase();
  if (address.startsWith('::ffff:') && isIP(address.slice(7)) === 4) return address.slice(7);
  switch (isIP(address)) {
    case 4:
      return address;
    case 6:
      // The URL parser writes every IPv6 address in its one canonical form.
      return new URL(`http://[${address}]`).hostname.slice(1, -1);
    default:
      return undefined;
  }
}

function splitSubnet(item: string): { readonly address: string; readonly bits: number } {
  const [address = '', bits, ...more] = item.split('/');
  const whole = isIP(address) === 6 ? 128 : 32;
  if (bits === undefined) return { address, bits: whole };
  return { address, bits: more.length === 0 && /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN };
}
