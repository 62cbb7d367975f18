/**
 * One signalling client's WebSocket as the PeerJS server sees it: `on`, `send` and `close`, nothing else.
 * It stands between the two so that only checked frames go in, so that what goes out is bounded, and so that `close`
 * takes effect at once: the PeerJS server frees an id on the 'close' event, which a real WebSocket emits only after
 * a closing handshake that a vanished client never answers.
 *
 * It also keeps its client within its budget: what comes too fast is not read until there is room for it, so that a flood
 * waits at the flooder's end and nobody's frames are thrown away.
 */
import type { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import type { IClient } from 'peer';
import { type RawData, WebSocket } from 'ws';
import type { SocketLease } from './limits/limits.ts';
import type { SignalPairs } from './signal-pairs.ts';

/** Bytes waiting for a client that does not read; frames beyond are dropped, so that flooding a slow peer costs no memory. */
const SEND_BUFFER_BYTES_MAX = 262_144;
/**
 * Frames that had arrived when their client was to be read no further: ws takes apart what it has, some 64 KB, which are no
 * more than 10,000 of the smallest. One that has more is not what we think it is.
 */
const BACKLOG_FRAMES_MAX = 20_000;
const CLOSE_POLICY_VIOLATION = 1008;
/** A client in debt is looked at again after this time at the latest, so that a long debt cannot outlive its socket. */
const PAUSE_MS_MAX = 5_000;
/** Going away, normal closure, and closed without a code: the client said goodbye. Anything else is an accident. */
const GOODBYE_CODES: ReadonlySet<number> = new Set([1000, 1001, 1005]);

/**
 * How a socket ended. 'left': the client said goodbye. 'lost': the connection died or was cut. 'replaced': the client has
 * another socket now.
 */
export type SignalEnd = 'left' | 'lost' | 'replaced';

export interface SignalSocketOwner {
  onFrame(socket: SignalSocket, data: RawData, isBinary: boolean): void;
  /** A frame that was not sent, because the client does not read. */
  onDropped(): void;
  /** It broke the WebSocket protocol, or sent too large a frame. */
  onViolation(): void;
  /** Once, after the PeerJS server was told. */
  onEnd(socket: SignalSocket, end: SignalEnd): void;
}

/** A PeerJS server inside ours. */
export interface PeerRealm {
  /** What it takes for its WebSocketServer. */
  readonly facade: EventEmitter;
  clients: number;
}

interface Arrived {
  readonly data: RawData;
  readonly isBinary: boolean;
}

/** What each WebSocket would have of its own, and never anything in it. Whoever would put something there gets a TypeError. */
const NO_LISTENERS: object = Object.freeze(Object.create(null));
const NO_EXTENSIONS: object = Object.freeze({});

/**
 * A WebSocket that hands its events to its SignalSocket directly and lets nobody else listen: a table of listeners would be the
 * largest part of it, for each of ten thousand idle clients.
 */
export class SignalWebSocket extends WebSocket {
  signalSocket: SignalSocket | undefined = undefined;
  /** Its place among the sockets of its address, given back when it ends. */
  lease: SocketLease | undefined = undefined;
  /** All that have not ended. */
  siblings: Set<SignalWebSocket> | undefined = undefined;

  /** Those of ws. */
  get _extensions(): object {
    return NO_EXTENSIONS;
  }

  set _extensions(_made: object) {}

  /** To be called once ws has made it. The table is Node's. */
  shedListeners(): void {
    Reflect.set(this, '_events', NO_LISTENERS);
  }

  override emit(event: string | symbol, ...values: unknown[]): boolean {
    const socket = this.signalSocket;
    switch (event) {
      case 'message':
        socket?.onMessage(values[0] as RawData, values[1] as boolean);
        return true;
      case 'ping':
        socket?.onPing(values[0] as Buffer);
        return true;
      case 'pong':
        socket?.charge(1, (values[0] as Buffer).length);
        return true;
      case 'error':
        socket?.onError(values[0] as NodeJS.ErrnoException);
        return true;
      case 'close':
        this.siblings?.delete(this);
        this.lease?.release();
        socket?.onClosed(values[0] as number);
        return true;
      default:
        return false;
    }
  }
}

export interface SignalSocketOptions {
  readonly id: string;
  readonly webSocket: SignalWebSocket;
  /** The connection below it. */
  readonly connection: Socket;
  readonly owner: SignalSocketOwner;
}

export class SignalSocket {
  readonly id: string;
  /** As the PeerJS server knows it, once it does, and which of these servers it was given to. */
  client: IClient | undefined = undefined;
  realm: PeerRealm | undefined = undefined;
  /** With whom it signals; made when it first does. */
  pairs: SignalPairs | undefined = undefined;
  malformedFrames = 0;
  /** Frames on their way to another broker. */
  routesPending = 0;
  /** What had gone out to this client when `isStuck` was last asked. */
  #sentBytes = 0;
  readonly #webSocket: SignalWebSocket;
  readonly #connection: Socket;
  readonly #owner: SignalSocketOwner;
  /** What the PeerJS server listens with, in place of an EventEmitter's 400 bytes. */
  #onClose: (() => void) | undefined = undefined;
  /** Reasons for not reading. */
  #holds = 0;
  /** What came all the same; made when something does. */
  #backlog: Arrived[] | undefined = undefined;
  #debtTimer: NodeJS.Timeout | undefined = undefined;
  #isClosed = false;

  constructor({ id, webSocket, connection, owner }: SignalSocketOptions) {
    this.id = id;
    this.#webSocket = webSocket;
    this.#connection = connection;
    this.#owner = owner;
    webSocket.signalSocket = this;
    shedHttp(connection);
  }

  /** As the PeerJS server calls it, once for each event. It hears of no errors, and of no message: those are read before. */
  on(event: 'message' | 'close' | 'error', listener: () => void): void {
    if (event === 'close') this.#onClose = listener;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  send(text: string): void {
    if (this.#isClosed) return;
    if (this.#webSocket.bufferedAmount > SEND_BUFFER_BYTES_MAX) {
      this.#owner.onDropped();
      return;
    }
    // A socket that dies meanwhile reports 'close' by itself.
    writeTogether(this.#connection);
    this.#webSocket.send(text);
  }

  /** Nothing is read, nor passed on, until `letGo`. Nests. */
  hold(): void {
    this.#holds++;
    if (this.#holds === 1) this.#webSocket.pause();
  }

  letGo(): void {
    this.#holds--;
    while (this.#holds === 0 && this.#backlog !== undefined) {
      const { data, isBinary } = this.#backlog.shift()!;
      if (this.#backlog.length === 0) this.#backlog = undefined;
      this.#take(data, isBinary);
    }
    if (this.#holds === 0) this.#webSocket.resume();
  }

  /** Whether something waits for the client and nothing of it went out since the last time this was asked. */
  isStuck(): boolean {
    const { bytesWritten, writableLength } = this.#connection;
    // Node counts as written what waits to be.
    const sentBytes = bytesWritten - writableLength;
    const isStuck = writableLength > 0 && sentBytes === this.#sentBytes;
    this.#sentBytes = sentBytes;
    return isStuck;
  }

  close(code = 1000, reason = '', end: SignalEnd = 'lost'): void {
    this.#webSocket.close(code, reason);
    this.#end(end);
  }

  /** Without a closing handshake. */
  terminate(): void {
    this.#webSocket.terminate();
    this.#end('lost');
  }

  onMessage(data: RawData, isBinary: boolean): void {
    if (this.#isClosed) return;
    if (this.#holds === 0) return this.#take(data, isBinary);
    this.#backlog ??= [];
    if (this.#backlog.length >= BACKLOG_FRAMES_MAX) this.close(CLOSE_POLICY_VIOLATION, 'too many frames');
    else this.#backlog.push({ data, isBinary });
  }

  /** Answered here and not by ws, so that answers to a client that does not read are bounded like everything else. */
  onPing(data: Buffer): void {
    this.charge(1, data.length);
    if (!this.#isClosed && this.#webSocket.bufferedAmount <= SEND_BUFFER_BYTES_MAX) this.#webSocket.pong(data, false, ignore);
  }

  /** Books what has arrived. */
  charge(frames: number, bytes: number): void {
    const waitMs = this.#webSocket.lease?.charge(frames, bytes) ?? 0;
    if (waitMs === 0 || this.#debtTimer !== undefined || this.#isClosed) return;
    this.hold();
    this.#debtTimer = setTimeout(() => this.#payDebt(), Math.min(waitMs, PAUSE_MS_MAX));
  }

  #take(data: RawData, isBinary: boolean): void {
    this.charge(1, (data as Buffer).length);
    if (!this.#isClosed) this.#owner.onFrame(this, data, isBinary);
  }

  #payDebt(): void {
    this.#debtTimer = undefined;
    const waitMs = this.#webSocket.lease?.charge(0, 0) ?? 0;
    if (waitMs === 0) this.letGo();
    else this.#debtTimer = setTimeout(() => this.#payDebt(), Math.min(waitMs, PAUSE_MS_MAX));
  }

  /** ws reports oversized frames and violations of the protocol here, and then closes the socket itself. */
  onError(error: NodeJS.ErrnoException): void {
    if (error.code?.startsWith('WS_ERR_') === true) this.#owner.onViolation();
  }

  onClosed(code: number): void {
    this.#end(GOODBYE_CODES.has(code) ? 'left' : 'lost');
  }

  #end(end: SignalEnd): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#debtTimer);
    this.#debtTimer = undefined;
    this.#backlog = undefined;
    this.#onClose?.();
    this.#owner.onEnd(this, end);
  }
}

const { on, addListener, prependListener, setEncoding } = Socket.prototype;

function ignore(): void {}

/**
 * What is written to a connection within one turn goes out as one: an offer and its candidates mostly arrive together, and each
 * call of the system costs more than all that we do with a frame.
 */
export function writeTogether(connection: Socket): void {
  if (connection.writableCorked > 0) return;
  connection.cork();
  process.nextTick(uncork, connection);
}

function uncork(connection: Socket): void {
  connection.uncork();
}

/** The http server gives each connection four methods of its own, for its parser's sake; after an upgrade there is none. */
function shedHttp(connection: Socket): void {
  connection.on = on;
  connection.addListener = addListener;
  connection.prependListener = prependListener;
  connection.setEncoding = setEncoding;
}
