/**
 * The bare http or https server: what it takes from anybody before a request is understood, which connections it has, and
 * how it ends.
 */
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from './logger.ts';
import type { TlsMaterial } from './tls.ts';

/** Requests are small, so a client that takes longer than this is holding the connection open on purpose. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const HANDSHAKE_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;
/** How long answers on their way may take once nothing new is accepted. */
const END_GRACE_MS = 1_000;
/** TLS 1.2 still serves browsers of 2014; what is older is broken. */
const TLS_VERSION_MIN = 'TLSv1.2';

export interface ListenerOptions {
  /** Undefined: plain http. */
  readonly tls: TlsMaterial | undefined;
  readonly connectionsMax: number;
  readonly logger: Logger;
}

/** How often Node looks for requests that take too long; its default of 30 s would make time-outs of 10 s mean up to 40. */
const CHECKS = { connectionsCheckingInterval: 2_000 };

export class Listener {
  readonly server: Server;
  readonly #tlsServer: TlsServer | undefined;
  readonly #logger: Logger;
  /** Every open connection, upgraded ones too, which `server.close()` would wait for. */
  readonly #sockets = new Set<Socket>();

  constructor({ tls, connectionsMax, logger }: ListenerOptions) {
    this.#logger = logger;
    this.#tlsServer =
      tls === undefined
        ? undefined
        : createTlsServer({ ...tls, ...CHECKS, minVersion: TLS_VERSION_MIN, handshakeTimeout: HANDSHAKE_TIMEOUT_MS });
    this.server = this.#tlsServer ?? createServer(CHECKS);
    this.#limit(connectionsMax);
    // Of an https server these are the bare connections, before and below TLS.
    const sockets = this.#sockets;
    // One listener for all: one for each would cost 250 bytes a connection.
    function forget(this: Socket): void {
      sockets.delete(this);
    }
    this.server.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('close', forget);
    });
  }

  /** TCP connections now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Rejects with Node's error (`code: 'EADDRINUSE'`, …). */
  listen(port: number, host: string | undefined): Promise<void> {
    const { server } = this;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
        server.off('error', reject);
        // A connection that could not be accepted (no file descriptors left): that one is lost, the server goes on.
        server.on('error', (error) => this.#logger.warn({ error }, 'A connection was not accepted'));
        resolve();
      });
    });
  }

  /** New connections use this certificate; those that are open keep theirs. */
  renewTls(tls: TlsMaterial): void {
    this.#tlsServer?.setSecureContext({ ...tls, minVersion: TLS_VERSION_MIN });
  }

  /** Accepts nothing new, lets answers on their way be finished, and ends. */
  async end(): Promise<void> {
    const closed = this.#stopAccepting();
    this.server.closeIdleConnections();
    const timer = setTimeout(() => this.#destroySockets(), END_GRACE_MS);
    await closed;
    clearTimeout(timer);
  }

  /** Ends every connection at once. */
  async endNow(): Promise<void> {
    const closed = this.#stopAccepting();
    this.#destroySockets();
    await closed;
  }

  #stopAccepting(): Promise<void> {
    return new Promise((resolve) => void this.server.close(() => resolve()));
  }

  #destroySockets(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #limit(connectionsMax: number): void {
    const { server } = this;
    server.maxConnections = connectionsMax;
    server.headersTimeout = HEADERS_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
    server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
      // What arrived is no HTTP, or the other side is gone. Who has asked nothing in time is told nothing: browsers open connections
      // to have them ready, and would take these words for the answer to their next question.
      if (socket.writable && error.code !== 'ERR_HTTP_REQUEST_TIMEOUT')
        socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () => socket.destroy());
      else socket.destroy();
    });
  }
}
