/**
 * Transports that reach each other through a real broker's relay alone, for the contract: each has a lobby that allows the relay, and
 * whoever dials it knows the code, as guests do.
 */
import type { PeerId } from '../../netcode/core/ids.ts';
import { BrokerClient } from '../../netcode/transport/broker-client.ts';
import type { PeerTransport, PeerTransportOptions } from '../../netcode/transport/peerjs.ts';
import type { DialOptions, Link, Transport } from '../../netcode/transport/transport.ts';
import { realHarness } from './real-harness.ts';
import type { TransportHarness } from './transport-contract.ts';

const clock = { nowMs: () => performance.now() };
/** A peer that does not exist is in no lobby; this is a code that may be asked for all the same. */
const SOME_CODE = '222222';

export function relayHarness(brokerUrl: string, create: (options: PeerTransportOptions) => Promise<PeerTransport>): TransportHarness {
  const codes = new Map<PeerId, string>();
  const harness = realHarness(async () => {
    const transport = await create({ brokerUrl, ice: { iceServers: [] }, clock, paths: 'relay' });
    const pass = await openLobby(brokerUrl, transport.localId);
    codes.set(transport.localId, pass.code);
    transport.allowRelay(pass);
    return withTicket(transport, (remoteId) => codes.get(remoteId) ?? SOME_CODE);
  });
  return { ...harness, lanesMax: 1 };
}

export async function openLobby(brokerUrl: string, peerId: PeerId): Promise<{ readonly code: string; readonly ownerToken: string }> {
  const created = await new BrokerClient({ brokerUrl }).createLobby({ peerId, gameId: 'contract', isRelayAllowed: true });
  if (!created.ok) throw new Error(created.message);
  const { code, ownerToken } = created.value;
  return { code, ownerToken };
}

/** The transport, with a relay ticket in every dial. */
function withTicket(transport: Transport, codeOf: (remoteId: PeerId) => string): Transport {
  return {
    get localId() {
      return transport.localId;
    },
    get isReachable() {
      return transport.isReachable;
    },
    accept: (): Link | undefined => transport.accept(),
    connect: (remoteId: PeerId, options: DialOptions) => transport.connect(remoteId, { ...options, relay: { code: codeOf(remoteId) } }),
    close: () => transport.close(),
  };
}
