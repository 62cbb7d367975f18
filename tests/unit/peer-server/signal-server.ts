/** Signalling by itself on an http server of its own, for tests that need no page and no directory. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Signalling, type SignallingOptions, type SignalRefusal, startSignalling } from '../../../peer-server/signalling.ts';

export interface SignalServer {
  readonly port: number;
  readonly signalling: Signalling;
  /** What was refused, in order. */
  readonly refusals: readonly SignalRefusal[];
  close(): Promise<void>;
}

export async function startSignalServer(options: Partial<SignallingOptions> = {}): Promise<SignalServer> {
  const server = createServer();
  const refusals: SignalRefusal[] = [];
  const signalling = startSignalling(server, {
    peersMax: 1000,
    otherUpgrades: 'refuse',
    onRefused: (reason) => refusals.push(reason),
    ...options,
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    signalling,
    refusals,
    async close() {
      signalling.close();
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}
