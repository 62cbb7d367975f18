/** The contract through a real broker's relay alone, in Node. */
import { afterAll, beforeAll } from 'vitest';
import { createNodePeerTransport, shutdownNodePeerTransports } from '../../netcode/transport/peerjs-node.ts';
import { LIMITS_OFF } from '../../peer-server/app.ts';
import { type RunningServer, startServer } from '../../peer-server/server.ts';
import { relayHarness } from './relay-harness.ts';
import { transportContract } from './transport-contract.ts';

let broker: RunningServer;

beforeAll(async () => {
  broker = await startServer({ host: '127.0.0.1', port: 0, iceServers: [], limits: LIMITS_OFF });
});
afterAll(async () => {
  await broker.close();
  shutdownNodePeerTransports();
});

transportContract('the relay in Node', () => relayHarness(`http://127.0.0.1:${broker.port}`, createNodePeerTransport));
