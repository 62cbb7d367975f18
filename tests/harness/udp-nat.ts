/**
 * A NAT for UDP, for one test: what is sent to one of its doors leaves from another port for the server behind that door, and the answers find
 * back. `symmetric`: from a port of its own for each server, as some routers do; else from one port for all.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';

export class UdpNat {
  /** The ports to send to, in the order of the servers. */
  readonly ports: readonly number[];
  readonly #sockets: readonly Socket[];

  private constructor(doors: readonly Socket[], sockets: readonly Socket[]) {
    this.ports = doors.map((door) => door.address().port);
    this.#sockets = sockets;
  }

  /** `serverPorts`: of UDP servers on this machine. */
  static async open(kind: 'symmetric' | 'one port', serverPorts: readonly number[]): Promise<UdpNat> {
    const doors = await Promise.all(serverPorts.map(bound));
    const outside = kind === 'symmetric' ? await Promise.all(serverPorts.map(bound)) : [await bound()];
    doors.forEach((door, n) => {
      const exit = outside[n % outside.length] as Socket;
      // One client: the test's browser, which asks from one socket.
      let client: { readonly address: string; readonly port: number } | undefined;
      door.on('message', (message, from) => {
        client = from;
        exit.send(message, serverPorts[n], HOST);
      });
      exit.on('message', (message, { port }) => {
        if (port === serverPorts[n] && client !== undefined) door.send(message, client.port, client.address);
      });
    });
    return new UdpNat(doors, [...doors, ...outside]);
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}
