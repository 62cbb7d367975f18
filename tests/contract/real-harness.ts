/** Transports over real WebRTC for the contract: time passes by itself, and conditions are looked at every few milliseconds. */
import { vi } from 'vitest';
import { STATE_LANES_MAX, type Transport } from '../../netcode/transport/transport.ts';
import type { TransportHarness } from './transport-contract.ts';

/** An ICE and DTLS handshake on a machine busy with other tests takes a second or two. */
const PATIENCE_MS = 25_000;

export function realHarness(create: () => Promise<Transport>): TransportHarness {
  const transports: Transport[] = [];
  return {
    // On one machine nothing is lost, but an unordered channel promises no order and drops what it has no room for.
    isPerfect: false,
    lanesMax: STATE_LANES_MAX,
    createTransport: async () => {
      const transport = await create();
      transport.listen?.();
      transports.push(transport);
      return transport;
    },
    until: (isTrue) =>
      vi.waitFor(
        () => {
          if (!isTrue()) throw new Error('still not so');
        },
        { timeout: PATIENCE_MS, interval: 2 },
      ),
    settled: (promise) => promise,
    dispose: async () => transports.forEach((transport) => transport.close()),
  };
}
