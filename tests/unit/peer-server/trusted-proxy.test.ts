/** Whose request it is: what an honest proxy says is believed, what anybody else says is not. */
import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { trustedProxies } from '../../../peer-server/trusted-proxy.ts';

function address(trusted: readonly string[], from: string | undefined, forwarded?: string | string[]): string {
  const request = { socket: { remoteAddress: from }, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } };
  return trustedProxies(trusted).clientAddressOf(request as unknown as IncomingMessage);
}

describe('the client address', () => {
  const proxies = ['127.0.0.1', '10.0.0.0/8', 'fd00::/8'];

  test.each<[string, string | undefined, string | undefined, string]>([
    ['is that of the connection, whatever it says', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['is what a trusted proxy says', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['is the last that no trusted proxy has', '10.1.2.3', '6.6.6.6, 198.51.100.1, 10.9.9.9', '198.51.100.1'],
    ['is the first of a chain of trusted proxies', '10.1.2.3', '10.9.9.9, 127.0.0.1', '10.9.9.9'],
    ['is the proxy when it says nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['is the proxy when it says nonsense', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['is the last good one before nonsense', '10.1.2.3', '198.51.100.1, <script>, 10.9.9.9', '10.9.9.9'],
    ['is read from IPv4 in IPv6', '::ffff:10.1.2.3', '::ffff:198.51.100.1', '198.51.100.1'],
    ['loses its port', '127.0.0.1', '198.51.100.1:4711', '198.51.100.1'],
    ['loses brackets and port', '127.0.0.1', '[2001:DB8::1]:4711', '2001:db8::1'],
    ['has one form', 'fd00::5', '2001:0db8:0:0:0:0:0:1', '2001:db8::1'],
    ['loses its interface', 'fe80::1%eth0', undefined, 'fe80::1'],
    ['is unknown when the connection is gone', undefined, '198.51.100.1', 'unknown'],
  ])('%s', (_rule, from, forwarded, expected) => {
    expect(address(proxies, from, forwarded)).toBe(expected);
  });

  test('looks through a bounded number of proxies', () => {
    const chain = Array.from({ length: 1000 }, () => '10.0.0.1').join(',');
    expect(address(proxies, '10.0.0.2', `6.6.6.6,${chain}`)).toBe('10.0.0.1');
  });

  test('cannot be chosen by who is no proxy', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.string({ unit: 'binary' }), (from, forwarded) => {
        fc.pre(!from.startsWith('10.') && from !== '127.0.0.1');
        expect(address(proxies, from, forwarded)).toBe(from);
      }),
    );
  });

  test('behind a proxy is never what stands before the address that the proxy added', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.ipV4(), (forged, client) => {
        fc.pre(!client.startsWith('10.') && client !== '127.0.0.1');
        expect(address(proxies, '10.0.0.1', `${forged}, ${client}`)).toBe(client);
      }),
    );
  });
});

test("a proxy's own connections are known", () => {
  const { isProxy } = trustedProxies(['10.0.0.0/8', '::1']);
  expect(['10.1.1.1', '::ffff:10.1.1.1', '::1', '11.1.1.1', '::2', 'x', ''].map(isProxy)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
