/**
 * The broker: one http server that carries the page, the lobby directory and PeerJS signalling, so that a game
 * needs one address and one process. It introduces players to each other; no game traffic passes through it.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';
import { addressesOf, type ServerAddresses } from './addresses.ts';
import { serveBuiltGame, serveGameSources } from './game-files.ts';
import { DEFAULT_ICE_SERVERS, type IceServers } from './ice-servers.ts';
import { LobbyDirectory } from './lobby-directory.ts';
import { lobbyRoutes } from './lobby-routes.ts';
import type { LobbyStore } from './lobby-store.ts';
import { MemoryLobbyStore } from './memory-lobby-store.ts';
import { securityHeaders } from './security-headers.ts';
import { PEERS_MAX, type Signalling, type SignallingCounters, startSignalling } from './signalling.ts';

/** As long as a silent signalling client is kept: a lobby whose host cannot be found is of no use. */
const LOBBY_TTL_MS = 90_000;
/** About 0.3 KB each. Twice as many lobbies as peers can be registered: expired ones take up to LOBBY_TTL_MS to go. */
const LOBBIES_MAX = 10_000;
/** Every peer's WebSocket, and as many connections again that load the page or ask the directory. */
const CONNECTIONS_PER_PEER_MAX = 2;
/** Requests are small, so a client that takes longer than this is holding the connection open on purpose. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_TIMEOUT_MS = 5_000;

export interface ServerOptions {
  /** 0: any free port. */
  readonly port: number;
  /** Default: all interfaces. */
  readonly host?: string | undefined;
  /** The built game, or with `dev` its sources and vite.config.ts. Without it only the broker is served. */
  readonly gameDir?: string;
  /** Serve the game's sources with hot reload, and without a Content-Security-Policy. */
  readonly dev?: boolean;
  /** Default: two public STUN servers. `[]`: players on the same network only. */
  readonly iceServers?: IceServers;
  /** A lobby disappears this long after its last heartbeat. Default 90,000. */
  readonly lobbyTtlMs?: number;
  /** Default 10,000. */
  readonly lobbiesMax?: number;
  /** Default: this process's memory, by the two options above. */
  readonly lobbyStore?: LobbyStore;
  /** Registered signalling clients. Default 5,000. */
  readonly peersMax?: number;
  /** The lobbies' clock. Milliseconds since any fixed moment. */
  readonly nowMs?: () => number;
}

/** The body of `GET /healthz`. Counters only grow. */
export interface Health extends SignallingCounters {
  readonly status: 'ok';
  readonly uptimeSeconds: number;
  /** Registered signalling clients now. */
  readonly peers: number;
  /** Living lobbies now. */
  readonly lobbies: number;
}

export interface RunningServer {
  /** For a browser on this machine: `http://localhost:8080`. No slash at the end. */
  readonly url: string;
  readonly port: number;
  readonly addresses: ServerAddresses;
  /**
   * Ends every connection at once and frees the port. Calling it again is allowed. Two small timers inside the PeerJS
   * server cannot be stopped, so a program that is done must end with `process.exit`.
   */
  close(): Promise<void>;
}

/** Resolves when the server listens. Rejects with Node's error (`code: 'EADDRINUSE'`, ...) when it cannot. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const isDev = options.dev ?? false;
  const server = createServer();
  const peersMax = options.peersMax ?? PEERS_MAX;
  configureLimits(server, peersMax);
  const sockets = trackSockets(server);
  const game = options.gameDir === undefined ? undefined : await (isDev ? serveGameSources : serveBuiltGame)(options.gameDir, server);
  try {
    await listen(server, options.port, options.host);
  } catch (error) {
    await game?.close();
    throw error;
  }
  // Nothing is awaited from here on, so no request can arrive before its handler.
  const signalling = startSignalling(server, { peersMax, otherUpgrades: isDev ? 'leave' : 'refuse' });
  server.on('request', buildApp(options, signalling, game?.handler));

  const { port } = server.address() as AddressInfo;
  const addresses = addressesOf(options.host, port);
  const close = async (): Promise<void> => {
    signalling.close();
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await Promise.all([closed, game?.close()]);
  };
  let closing: Promise<void> | undefined;
  return { url: addresses.local, port, addresses, close: () => (closing ??= close()) };
}

function buildApp(options: ServerOptions, signalling: Signalling, game: RequestHandler | undefined): express.Express {
  const nowMs = options.nowMs ?? (() => performance.now());
  const store =
    options.lobbyStore ??
    new MemoryLobbyStore({ ttlMs: options.lobbyTtlMs ?? LOBBY_TTL_MS, lobbiesMax: options.lobbiesMax ?? LOBBIES_MAX, nowMs });
  const directory = new LobbyDirectory(store);
  const app = express();
  app.disable('x-powered-by');
  app.use(securityHeaders(!options.dev));
  app.get('/healthz', healthRoute(signalling, directory));
  app.use('/api', lobbyRoutes(directory, options.iceServers ?? DEFAULT_ICE_SERVERS));
  if (game !== undefined) app.use(game);
  app.use((_request, response) => sendPage(response, 404, 'Nothing is here'));
  app.use(answerFailure);
  return app;
}

function healthRoute(signalling: Signalling, directory: LobbyDirectory): RequestHandler {
  const startedAtMs = performance.now();
  const answer = async (response: express.Response): Promise<void> => {
    const lobbies = await directory.count();
    const uptimeSeconds = Math.floor((performance.now() - startedAtMs) / 1000);
    response.setHeader('Cache-Control', 'no-store');
    response.json({ status: 'ok', uptimeSeconds, peers: signalling.peers, lobbies, ...signalling.counters } satisfies Health);
  };
  return (_request, response, next) => void answer(response).then(undefined, next);
}

/** The last resort: a fault of ours is logged and shown without its insides. */
const answerFailure: ErrorRequestHandler = (error: unknown, request, response, next) => {
  if (response.headersSent) return next(error);
  const { status } = error as { readonly status?: unknown };
  if (typeof status === 'number' && status >= 400 && status <= 499) return sendPage(response, status, 'That request makes no sense here');
  console.error(`${request.method} ${request.path} failed:`, error);
  sendPage(response, 500, 'Something went wrong on this server');
};

function sendPage(response: express.Response, status: number, text: string): void {
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${text}</title><h1>${text}</h1><p><a href="/">To the game</a></p></html>\n`;
  response.status(status).setHeader('Cache-Control', 'no-store').type('html').send(page);
}

function configureLimits(server: Server, peersMax: number): void {
  server.maxConnections = CONNECTIONS_PER_PEER_MAX * peersMax;
  server.headersTimeout = HEADERS_TIMEOUT_MS;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_TIMEOUT_MS;
  server.on('clientError', (_error: Error, socket: Duplex) => {
    // What arrived is no HTTP, or the other side is gone.
    if (socket.writable) socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () => socket.destroy());
    else socket.destroy();
  });
}

/** Every open connection, upgraded ones too, which `server.close()` would wait for. */
function trackSockets(server: Server): ReadonlySet<Socket> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return sockets;
}

function listen(server: Server, port: number, host: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, () => {
      server.off('error', reject);
      // A connection that could not be accepted (no file descriptors left): that one is lost, the server goes on.
      server.on('error', (error) => console.error(`A connection was not accepted: ${error.message}`));
      resolve();
    });
  });
}
