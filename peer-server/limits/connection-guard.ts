/**
 * Ends TCP connections beyond what their address may have, before a byte of theirs is read: idle ones cost memory and file
 * descriptors too, and a request sent drop by drop holds one for seconds.
 */
import type { Server } from 'node:http';
import type { Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Lease, Limits } from './limits.ts';

/** Where a connection keeps its place. One listener then serves all of them; a listener for each would cost ten times as much. */
const LEASE = Symbol('lease');

interface GuardedSocket extends Socket {
  [LEASE]?: Lease;
}

/** `isExempt`: addresses of the operator's own proxies, behind which everybody is. */
export function guardConnections(server: Server | TlsServer, limits: Limits, isExempt: (address: string) => boolean = () => false): void {
  server.prependListener('connection', (socket: GuardedSocket) => {
    // An https server reports each connection twice: as it comes, and once TLS is agreed on.
    if ('encrypted' in socket) return;
    const address = socket.remoteAddress;
    if (address !== undefined && isExempt(address)) return;
    const lease = limits.openConnection(address);
    if (lease === undefined) {
      socket.destroy();
      return;
    }
    socket[LEASE] = lease;
    socket.on('close', giveBack);
  });
}

function giveBack(this: GuardedSocket): void {
  this[LEASE]?.release();
}
