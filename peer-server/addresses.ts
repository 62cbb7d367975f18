/** The addresses at which people can open a listening server: this machine's, and those its network neighbours can use. */
import { networkInterfaces } from 'node:os';

export interface ServerAddresses {
  /** For a browser on this machine. */
  readonly local: string;
  /** For browsers on the same network; empty when only this machine can connect. */
  readonly lan: readonly string[];
}

export interface ListenedAt {
  /** As it was asked for: undefined, '0.0.0.0' or '::' mean all interfaces. */
  readonly host: string | undefined;
  readonly port: number;
  readonly isSecure: boolean;
}

export function addressesOf({ host, port, isSecure }: ListenedAt): ServerAddresses {
  const urlOf = (name: string): string => `${isSecure ? 'https' : 'http'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
  const isEverywhere = host === undefined || host === '0.0.0.0' || host === '::';
  if (!isEverywhere) return { local: urlOf(host), lan: [] };
  return { local: urlOf('localhost'), lan: lanHosts().map(urlOf) };
}

function lanHosts(): string[] {
  // IPv6 addresses are left out: they are long to type, and link-local ones do not work in a browser's address bar.
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter((address) => address.family === 'IPv4' && !address.internal && !address.address.startsWith('169.254.'))
    .map((address) => address.address);
}
