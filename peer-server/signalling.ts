/**
 * PeerJS signalling at the WebSocket path `/peerjs`: who may come in, and how it ends. What clients say to each other is
 * `signal-broker.ts`.
 *
 * An upgrade is refused with an HTTP status before a WebSocket exists when it comes from a foreign page (403), from an
 * address that has or makes too many (429), or while the server is going down (503).
 */
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { Limits } from './limits/limits.ts';
import { type Origins, origins } from './origins.ts';
import { readPeerParams } from './peer-params.ts';
import { LocalPeerRouter, type PeerRouter } from './peer-router.ts';
import { SignalBroker, SIGNALLING_KEY, SIGNALLING_PATH, type SignalFrameCounts, type SignallingCounters } from './signal-broker.ts';
import { FRAME_BYTES_MAX } from './signal-frame.ts';
import { SignalWebSocket, writeTogether } from './signal-socket.ts';

export { SIGNALLING_KEY, SIGNALLING_PATH, type SignallingCounters } from './signal-broker.ts';

/** Registered clients. Each costs about 20 KB with its socket, so 5,000 fit a small machine. */
export const PEERS_MAX = 5000;
/** Frames are small and browsers send each as one; more parts than this are a way to make us hold 65,536 of one byte. */
const FRAGMENTS_MAX = 64;
/** A largest frame in TCP segments of 64 bytes, smaller than any network's. */
const CHUNKS_MAX = 1024;
/** A client that does not answer our closing within this is gone. */
const CLOSE_TIMEOUT_MS = 2_000;
/** A client for which something waits, and that has read nothing of it for one to two times this, is dropped. */
const SLOW_CONSUMER_MS = 20_000;
/** WebSocket close codes (RFC 6455, 7.4.1 and its registry). */
const CLOSE_POLICY_VIOLATION = 1008;
const CLOSE_SERVICE_RESTART = 1012;
/** How often a drain sends the next ones away. */
const DRAIN_STEP_MS = 50;

export interface SignallingOptions {
  readonly peersMax: number;
  /** Upgrades to other paths: 'refuse' them, or 'leave' them to another listener of the same server (Vite's hot reload). */
  readonly otherUpgrades: 'refuse' | 'leave';
  /** Where peers are. Default: at this process or nowhere. It is the caller's to close. */
  readonly router?: PeerRouter | undefined;
  /** Default: none. */
  readonly limits?: Limits | undefined;
  /** Pages that may connect. Default: those of this server. Clients that name none are no browsers, and pass. */
  readonly origins?: Origins | undefined;
  /** Whose connection it is. Default: the TCP connection's other end. */
  readonly addressOf?: ((request: IncomingMessage) => string) | undefined;
  /** Called with a word for everything that is refused; see `SignalRefusal`. */
  readonly onRefused?: ((reason: SignalRefusal) => void) | undefined;
  /** Default 20,000. */
  readonly slowConsumerMs?: number | undefined;
}

/** For counting. The first four are answered with an HTTP status, the others over the WebSocket. */
export type SignalRefusal =
  | 'bad-upgrade'
  | 'foreign-origin'
  | 'too-many-sockets'
  | 'shutting-down'
  | 'bad-peer-parameters'
  | 'peer-id-taken'
  | 'too-many-peers'
  | 'malformed-flood'
  | 'slow-consumer';

export interface Signalling {
  readonly counters: Readonly<SignallingCounters>;
  /** Well-formed frames received, by type. */
  readonly frames: Readonly<SignalFrameCounts>;
  /** Registered clients now. */
  readonly peers: number;
  /**
   * Takes nobody in from now on and sends the clients away with close code 1012, "service restart", evenly over `spreadMs`,
   * so that they do not all come to the next broker at once. Resolves when the last one is gone.
   */
  drain(spreadMs: number): Promise<void>;
  /** Ends every socket at once. */
  close(): void;
}

/** Serves signalling on `server`. Its sockets end with `close()`; the server itself is the caller's. */
export function startSignalling(server: Server, options: SignallingOptions): Signalling {
  const entrance = new Entrance(server, options);
  const onUpgrade = (request: IncomingMessage, connection: Duplex, head: Buffer): void => {
    const [path, query] = splitUrl(request.url ?? '');
    if (path === SIGNALLING_PATH) entrance.accept(request, connection, head, query);
    else if (options.otherUpgrades === 'refuse') entrance.refuse(connection, 404, 'bad-upgrade');
  };
  server.on('upgrade', onUpgrade);
  return {
    counters: entrance.broker.counters,
    frames: entrance.broker.frames,
    get peers() {
      return entrance.broker.peers;
    },
    drain: (spreadMs) => entrance.drain(spreadMs),
    close() {
      server.off('upgrade', onUpgrade);
      entrance.close();
    },
  };
}

class Entrance {
  readonly broker: SignalBroker;
  readonly #options: SignallingOptions;
  readonly #pages: Origins;
  readonly #webSockets = new Set<SignalWebSocket>();
  readonly #handshakes = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    WebSocket: SignalWebSocket,
    maxPayload: FRAME_BYTES_MAX,
    maxFragments: FRAGMENTS_MAX,
    maxBufferedChunks: CHUNKS_MAX,
    closeTimeout: CLOSE_TIMEOUT_MS,
    autoPong: false,
    perMessageDeflate: false,
  } as ConstructorParameters<typeof WebSocketServer<typeof SignalWebSocket>>[0]);
  readonly #sweep: NodeJS.Timeout;
  #isDraining = false;

  constructor(server: Server, options: SignallingOptions) {
    const { peersMax, router = new LocalPeerRouter(), slowConsumerMs = SLOW_CONSUMER_MS } = options;
    this.#options = options;
    this.#pages = options.origins ?? origins({ allowed: [] });
    const onRefused = (reason: SignalRefusal): void => options.onRefused?.(reason);
    this.broker = new SignalBroker(server, { peersMax, router, onRefused });
    this.#sweep = setInterval(() => this.broker.dropSlowConsumers(), slowConsumerMs).unref();
  }

  accept(request: IncomingMessage, connection: Duplex, head: Buffer, query: string): void {
    const { limits, addressOf } = this.#options;
    if (this.#isDraining) return this.refuse(connection, 503, 'shutting-down');
    const { origin, host } = request.headers;
    if (!this.#pages.isAllowed(origin, host)) return this.refuse(connection, 403, 'foreign-origin');
    const lease = limits?.openSocket(addressOf?.(request) ?? request.socket.remoteAddress);
    if (typeof lease === 'number') return this.refuse(connection, 429, 'too-many-sockets', lease);
    // A server's connections are sockets.
    const socket = connection as Socket;
    // The answer to the handshake and OPEN.
    writeTogether(socket);
    let isWebSocket = false;
    this.#handshakes.handleUpgrade(request, socket, head, (webSocket) => {
      isWebSocket = true;
      webSocket.shedListeners();
      webSocket.lease = lease;
      webSocket.siblings = this.#webSockets;
      this.#webSockets.add(webSocket);
      this.#admit(webSocket, socket, query);
    });
    // The callback has been called already, or never will be. A WebSocket gives the place back when it ends.
    if (!isWebSocket) lease?.release();
  }

  refuse(connection: Duplex, status: 403 | 404 | 429 | 503, reason: SignalRefusal, waitMs = 1000): void {
    this.#options.onRefused?.(reason);
    // The other side may be gone already; there is no one left to tell.
    connection.on('error', () => undefined);
    const retry = status === 429 || status === 503 ? `Retry-After: ${Math.ceil(waitMs / 1000)}\r\n` : '';
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${retry}Content-Length: 0\r\n\r\n`;
    connection.end(head, () => connection.destroy());
  }

  async drain(spreadMs: number): Promise<void> {
    this.#isDraining = true;
    const leaving = [...this.#webSockets];
    const steps = Math.max(1, Math.ceil(spreadMs / DRAIN_STEP_MS));
    const sizePerStep = Math.max(1, Math.ceil(leaving.length / steps));
    while (leaving.length > 0) {
      for (const webSocket of leaving.splice(0, sizePerStep)) webSocket.close(CLOSE_SERVICE_RESTART, 'service restart');
      if (leaving.length > 0) await pause(DRAIN_STEP_MS);
    }
    // Those who do not answer are cut off by ws after CLOSE_TIMEOUT_MS.
    while (this.#webSockets.size > 0) await pause(DRAIN_STEP_MS);
  }

  close(): void {
    this.#isDraining = true;
    clearInterval(this.#sweep);
    for (const webSocket of this.#webSockets) webSocket.terminate();
    this.#handshakes.close();
    this.broker.close();
  }

  #admit(webSocket: SignalWebSocket, connection: Socket, query: string): void {
    const params = readPeerParams(query);
    const problem = typeof params === 'string' ? params : params.key === SIGNALLING_KEY ? undefined : 'Invalid key provided';
    if (typeof params !== 'string' && problem === undefined) {
      this.broker.attach(params, { webSocket, connection });
      return;
    }
    this.#options.onRefused?.('bad-peer-parameters');
    webSocket.send(JSON.stringify({ type: 'ERROR', payload: { msg: problem } }), () => undefined);
    webSocket.close(CLOSE_POLICY_VIOLATION, 'bad parameters');
  }
}

/** Path and query, as they stand there: no client has a reason to write the path in another way. */
function splitUrl(url: string): readonly [string, string] {
  const mark = url.indexOf('?');
  return mark < 0 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
