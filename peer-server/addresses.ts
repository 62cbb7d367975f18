/** The addresses at which people can open a listening server: this machine's, and those its network neighbours can use. */
import { networkInterfaces } from 'node:os';

export interface ServerAddresses {
  /** For a browser on this machine. */
  readonly local: string;
  /** For browsers on the same network; empty when only this machine can connect. */
  readonly lan: readonly string[];
}

/** `host` as it was asked for: undefined, '0.0.0.0' or '::' mean all interfaces. */
export function addressesOf(host: string | undefined, port: number): ServerAddresses {
  const isEverywhere = host === undefined || host === '0.0.0.0' || host === '::';
  if (!isEverywhere) return { local: urlOf(host, port), lan: [] };
  return { local: urlOf('localhost', port), lan: lanHosts().map((lanHost) => urlOf(lanHost, port)) };
}

function lanHosts(): string[] {
  // IPv6 addresses are left out: they are long to type, and link-local ones do not work in a browser's address bar.
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.internal && !address.address.startsWith('169.254.'))
    .map((address) => address.address);
}

function urlOf(host: string, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
