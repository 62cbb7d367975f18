/**
 * The relay's front door: which WebSocket upgrades it takes, before anyone has said a word, and how all sockets are sent away. An upgrade
 * is refused with an HTTP status when it comes from a foreign page (403), from an address that has or makes too many (429), while the relay
 * has no room or the server is going down (503), and when it leads nowhere (404).
 */
import { STATUS_CODES, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { RELAY_CONTROL_BYTES_MAX, RELAY_PATH } from '../../netcode/wire/relay.ts';
import type { Limits } from '../limits/limits.ts';
import type { Origins } from '../origins.ts';

/** The kind, and the largest control message. */
const FRAME_BYTES_MAX = 1 + RELAY_CONTROL_BYTES_MAX;
/** Browsers send a frame as one; more parts than this are a way to make us hold thousands of one byte. */
const FRAGMENTS_MAX = 64;
/** A largest frame in TCP segments of 64 bytes, smaller than any network's. */
const CHUNKS_MAX = 512;
/** An end that does not answer our closing within this is gone. */
const CLOSE_TIMEOUT_MS = 2_000;
/** How often a drain sends the next ones away. */
const DRAIN_STEP_MS = 50;

export type RelayEntranceRefusal = 'foreign-origin' | 'too-many-sockets' | 'full' | 'shutting-down' | 'bad-upgrade';

export interface RelayEntranceOptions {
  /** Paths that others see to. */
  readonly otherPaths: readonly string[];
  /** Upgrades to any other path: 'refuse' them, or 'leave' them to another listener of the same server (Vite's hot reload). */
  readonly otherUpgrades: 'refuse' | 'leave';
  readonly origins: Origins;
  /** Undefined: none. */
  readonly limits: Limits | undefined;
  /** Whose connection it is. */
  readonly addressOf: (request: IncomingMessage) => string | undefined;
  readonly socketsMax: number;
  readonly onRefused: (reason: RelayEntranceRefusal) => void;
  readonly onSocket: (webSocket: WebSocket, address: string | undefined) => void;
}

export class RelayEntrance {
  readonly #options: RelayEntranceOptions;
  readonly #webSockets = new WebSocketServer({
    noServer: true,
    maxPayload: FRAME_BYTES_MAX,
    maxFragments: FRAGMENTS_MAX,
    maxBufferedChunks: CHUNKS_MAX,
    closeTimeout: CLOSE_TIMEOUT_MS,
    autoPong: false,
    perMessageDeflate: false,
  } as ConstructorParameters<typeof WebSocketServer>[0]);
  #isDraining = false;

  constructor(options: RelayEntranceOptions) {
    this.#options = options;
  }

  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    const { otherPaths, otherUpgrades } = this.#options;
    const path = (request.url ?? '').split('?', 1)[0]!;
    if (path === RELAY_PATH) this.#accept(request, connection, head);
    else if (otherUpgrades === 'refuse' && !otherPaths.includes(path)) this.#refuse(connection, 404, 'bad-upgrade');
  }

  /** Runs the closings evenly over `spreadMs`, and resolves when the last socket is gone. */
  async drain(closings: readonly (() => void)[], spreadMs: number): Promise<void> {
    this.#isDraining = true;
    const sizePerStep = Math.max(1, Math.ceil(closings.length / Math.max(1, Math.ceil(spreadMs / DRAIN_STEP_MS))));
    for (let start = 0; start < closings.length; start += sizePerStep) {
      for (const close of closings.slice(start, start + sizePerStep)) close();
      if (start + sizePerStep < closings.length) await pause(DRAIN_STEP_MS);
    }
    // Those who do not answer are cut off by ws after CLOSE_TIMEOUT_MS.
    while (this.#webSockets.clients.size > 0) await pause(DRAIN_STEP_MS);
  }

  close(): void {
    this.#isDraining = true;
    for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    this.#webSockets.close();
  }

  #accept(request: IncomingMessage, connection: Duplex, head: Buffer): void {
    const { limits, addressOf, origins, socketsMax, onSocket } = this.#options;
    if (this.#isDraining) return this.#refuse(connection, 503, 'shutting-down');
    const { origin, host } = request.headers;
    if (!origins.isAllowed(origin, host)) return this.#refuse(connection, 403, 'foreign-origin');
    if (this.#webSockets.clients.size >= socketsMax) return this.#refuse(connection, 503, 'full');
    const address = addressOf(request);
    const lease = limits?.openSocket(address);
    if (typeof lease === 'number') return this.#refuse(connection, 429, 'too-many-sockets', lease);
    if (lease !== undefined) connection.once('close', () => lease.release());
    this.#webSockets.handleUpgrade(request, connection, head, (webSocket) => onSocket(webSocket, address));
  }

  #refuse(connection: Duplex, status: 403 | 404 | 429 | 503, reason: RelayEntranceRefusal, waitMs = 1000): void {
    this.#options.onRefused(reason);
    // The other side may be gone already; there is no one left to tell.
    connection.on('error', () => undefined);
    const retry = status === 429 || status === 503 ? `Retry-After: ${Math.ceil(waitMs / 1000)}\r\n` : '';
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n${retry}Content-Length: 0\r\n\r\n`;
    connection.end(head, () => connection.destroy());
  }
}

function pause(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
