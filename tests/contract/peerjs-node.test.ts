/** The contract over PeerJS and real WebRTC in Node, signalled by the real broker. */
import { afterAll, beforeAll } from 'vitest';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import { type RunningServer, startServer } from '../../peer-server/server.ts';
import { realHarness } from './real-harness.ts';
import { transportContract } from './transport-contract.ts';

let broker: RunningServer;

beforeAll(async () => {
  broker = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
});
afterAll(async () => {
  await broker.close();
  shutdownNodePeerTransports();
});

const clock = { nowMs: () => performance.now() };
transportContract('PeerJS in Node', () =>
  realHarness(() => createNodePeerTransport({ brokerUrl: `http://127.0.0.1:${broker.port}`, ice: { iceServers: [] }, clock })),
);
