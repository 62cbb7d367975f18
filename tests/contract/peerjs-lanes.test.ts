/** Lanes over real WebRTC in Node. */
import { afterAll, beforeAll } from 'vitest';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import { type RunningServer, startServer } from '../../peer-server/server.ts';
import { laneContract } from './lane-contract.ts';

let broker: RunningServer;

beforeAll(async () => {
  broker = await startServer({ host: '127.0.0.1', port: 0, iceServers: [] });
});
afterAll(async () => {
  await broker.close();
  shutdownNodePeerTransports();
});

const clock = { nowMs: () => performance.now() };
laneContract('PeerJS in Node', () =>
  createNodePeerTransport({ brokerUrl: `http://127.0.0.1:${broker.port}`, ice: { iceServers: [] }, clock }),
);
