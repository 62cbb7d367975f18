/**
 * Who counts as one party: an IPv4 address, or an IPv6 /64, since a household or a rented server gets a whole /64 and can
 * use any address in it. A site that owns more networks than that is met again at its /48 (`siteKey`), which tunnel
 * brokers give away for nothing.
 */
import { isIP } from 'node:net';

/** Whoever has no address that can be read shares one allowance: nobody gets out of a limit by hiding. */
const UNREADABLE = 'unreadable';
const GROUPS = 8;
const HOUSEHOLD_GROUPS = 4;
const SITE_GROUPS = 3;

/** The party behind an address. IPv4 written as IPv6 (`::ffff:192.0.2.1`) is the IPv4 address. */
export function addressKey(address: string | undefined): string {
  const groups = address === undefined ? undefined : readGroups(address);
  return groups === undefined ? UNREADABLE : typeof groups === 'string' ? groups : prefix(groups, HOUSEHOLD_GROUPS);
}

/** The /48 of an IPv6 address; undefined for all others. */
export function siteKey(address: string | undefined): string | undefined {
  const groups = address === undefined ? undefined : readGroups(address);
  return groups === undefined || typeof groups === 'string' ? undefined : prefix(groups, SITE_GROUPS);
}

function prefix(groups: readonly number[], count: number): string {
  const kept = groups.slice(0, count).map((group) => group.toString(16));
  return `${kept.join(':')}::/${count * 16}`;
}

/** An IPv4 address as it is, the eight groups of an IPv6 address, or undefined. */
function readGroups(address: string): string | readonly number[] | undefined {
  // A link-local address names the interface it came in by: fe80::1%eth0.
  const plain = address.split('%', 1)[0]!;
  const family = isIP(plain);
  if (family === 0) return undefined;
  if (family === 4) return plain;
  const groups = expand(plain);
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? [groups[6]! >> 8, groups[6]! & 255, groups[7]! >> 8, groups[7]! & 255].join('.') : groups;
}

/** A valid IPv6 address only. */
function expand(address: string): number[] {
  const [head = '', tail] = address.split('::');
  const before = readPart(head);
  if (tail === undefined) return before;
  const after = readPart(tail);
  return [...before, ...Array.from<number>({ length: GROUPS - before.length - after.length }).fill(0), ...after];
}

function readPart(part: string): number[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}
