/** The contract over PeerJS and real WebRTC in a page, signalled by the real broker. */
import { inject } from 'vitest';
import { createPeerTransport } from '../../netcode/transport/peerjs.ts';
import { realHarness } from './real-harness.ts';
import { transportContract } from './transport-contract.ts';

const clock = { nowMs: () => performance.now() };
transportContract('PeerJS in a browser', () =>
  realHarness(() => createPeerTransport({ brokerUrl: inject('brokerUrl'), ice: { iceServers: [] }, clock })),
);
