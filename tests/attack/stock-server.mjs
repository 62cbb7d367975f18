/**
 * The stock PeerJS server in a process of its own, as its README shows it, for the attack suite to break.
 * Tells its parent the port, and whenever asked what it holds.
 */
import { PeerServer } from 'peer';

PeerServer({ port: 0, host: '127.0.0.1', ...JSON.parse(process.argv[2] ?? '{}') }, (server) => {
  process.on('message', () => {
    server.getConnections((_error, connections) => process.send({ connections, memoryBytes: process.memoryUsage().rss }));
  });
  process.send({ port: server.address().port });
});
