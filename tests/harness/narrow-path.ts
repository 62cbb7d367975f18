/**
 * A path to a server that lets only so many bytes a second through to the client, and buffers whatever else the server has sent, as a
 * slow connection behind a large buffer does: real sockets, real kernel buffers, nothing of the server's own knows.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

const HOST = '127.0.0.1';
/** How often the next bytes go through. */
const STEP_MS = 20;

export class NarrowPath {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #stepping: NodeJS.Timeout;

  private constructor(server: Server, sockets: Set<Socket>, stepping: NodeJS.Timeout) {
    this.#server = server;
    this.#sockets = sockets;
    this.#stepping = stepping;
    this.port = (server.address() as AddressInfo).port;
  }

  static async open(port: number, bytesPerSecond: number): Promise<NarrowPath> {
    const sockets = new Set<Socket>();
    const paths: { readonly from: Socket; readonly to: Socket }[] = [];
    const keep = (socket: Socket): Socket => {
      sockets.add(socket);
      return socket.on('error', () => undefined);
    };
    const server = createServer((client) => {
      const upstream = connect(port, HOST);
      for (const socket of [client, upstream]) keep(socket).setNoDelay();
      client.on('close', () => upstream.destroy());
      upstream.on('end', () => client.end());
      client.pipe(upstream);
      upstream.on('readable', () => undefined);
      paths.push({ from: upstream, to: client });
    });
    await new Promise<void>((done) => server.listen(0, HOST, done));
    let passedMs = performance.now();
    const stepping = setInterval(() => {
      const share = Math.floor(((performance.now() - passedMs) * bytesPerSecond) / 1000);
      passedMs = performance.now();
      for (const { from, to } of paths) {
        const chunk: unknown = from.read(Math.min(share, from.readableLength));
        if (chunk instanceof Buffer) to.write(chunk);
      }
    }, STEP_MS);
    return new NarrowPath(server, sockets, stepping);
  }

  async close(): Promise<void> {
    clearInterval(this.#stepping);
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((done) => this.#server.close(done));
  }
}
