/** What only lanes over real WebRTC can show: which connections there are, and what happens when one breaks. In Node and in a browser. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Link, STATE_LANES_MAX, type Transport } from '../../netcode/transport/transport.ts';
import { realHarness } from './real-harness.ts';
import type { TransportHarness } from './transport-contract.ts';

/** Notes every connection made from now on, until it is stopped. */
export function recordConnections(): { readonly all: readonly RTCPeerConnection[]; live(): number; stop(): void } {
  const Real = globalThis.RTCPeerConnection;
  const all: RTCPeerConnection[] = [];
  const closed = new Set<RTCPeerConnection>();
  class Recorded extends Real {
    constructor(configuration?: RTCConfiguration) {
      super(configuration);
      all.push(this);
    }

    override close(): void {
      closed.add(this);
      super.close();
    }
  }
  globalThis.RTCPeerConnection = Recorded;
  return { all, live: () => all.length - closed.size, stop: () => (globalThis.RTCPeerConnection = Real) };
}

export function laneContract(name: string, create: () => Promise<Transport>): void {
  describe(`lanes over ${name}`, () => {
    let harness: TransportHarness;
    let connections: ReturnType<typeof recordConnections>;
    let host: Link;
    let guest: Link;

    beforeEach(async () => {
      harness = realHarness(create);
      const [hostTransport, guestTransport] = [await harness.createTransport(), await harness.createTransport()];
      connections = recordConnections();
      guest = await guestTransport.connect(hostTransport.localId, { timeoutMs: 30_000 });
      let accepted: Link | undefined;
      await harness.until(() => (accepted = hostTransport.accept()) !== undefined);
      host = accepted!;
    });
    afterEach(async () => {
      connections.stop();
      await harness.dispose();
    });

    const lanes = Array.from({ length: STATE_LANES_MAX }, (_, lane) => lane);
    const areOpen = () => [host, guest].every((link) => lanes.every((lane) => Number.isFinite(link.stateBufferedBytes(lane))));

    test('dialling makes one connection a side, and each lane asked for one more', async () => {
      expect(connections.all.length).toBe(2);
      guest.openLanes(STATE_LANES_MAX);
      host.openLanes(STATE_LANES_MAX);
      await harness.until(areOpen);
      expect([connections.all.length, connections.live()]).toEqual([8, 8]);
      guest.close();
      await harness.until(() => host.end !== undefined && connections.live() === 0);
      expect(host.end).toBe('closed-there');
    });

    // The dialling side makes its three connections first.
    test.each([
      ['dialling', 2],
      ['accepting', 5],
    ])('one that breaks on the %s side comes back, while the others and the link live on', async (_, broken) => {
      host.openLanes(STATE_LANES_MAX);
      await harness.until(areOpen);
      connections.all[broken]?.close();
      await harness.until(() => host.stateBufferedBytes(1) === Infinity && guest.stateBufferedBytes(1) === Infinity);
      expect([host, guest].map((link) => [2, 3].map((lane) => link.stateBufferedBytes(lane)))).toEqual([
        [0, 0],
        [0, 0],
      ]);
      await harness.until(areOpen);
      for (const [from, to] of [
        [host, guest],
        [guest, host],
      ] as const) {
        from.sendState(Uint8Array.of(42), 1);
        await harness.until(() => to.receiveState()?.bytes[0] === 42);
      }
      expect([host.end, guest.end, connections.all.length, connections.live()]).toEqual([undefined, undefined, 10, 8]);
      expect([host.counters.malformedDropped, guest.counters.malformedDropped]).toEqual([0, 0]);
    });

    test('nothing is left waiting on any lane when all has arrived', async () => {
      guest.openLanes(STATE_LANES_MAX);
      await harness.until(areOpen);
      for (const link of [host, guest]) {
        link.sendControl(new Uint8Array(10_000));
        for (const lane of lanes) link.sendState(new Uint8Array(1_000), lane);
      }
      await harness.until(() => [host, guest].every((link) => lanes.every((lane) => link.stateBufferedBytes(lane) === 0)));
      await harness.until(() => [host, guest].every((link) => link.counters.controlMessagesIn === 1));
    });
  });
}
