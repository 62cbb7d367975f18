/**
 * PeerJS signalling at the WebSocket path `/peerjs`: the `peer` package does the registering and relaying, this file
 * decides what reaches it. The package has one extension hook, `createWebSocketServer`; it gets a plain EventEmitter,
 * and the real sockets come from our own 'upgrade' listener, each behind a `SignalSocket` that passes on checked frames only.
 *
 * What differs from the bare package: frames are capped, checked and counted; an offer to an unknown peer is answered
 * with EXPIRE at once instead of after 5 s, and nothing is ever queued for peers that are not there; a client that
 * comes back under its id and token replaces its old socket and is greeted with OPEN; LEAVE without a destination ends
 * the registration and the socket; the package's own HTTP routes (which check no key) are not served.
 */
import { EventEmitter } from 'node:events';
import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import express from 'express';
import { ExpressPeerServer, type IClient } from 'peer';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { readPeerParams } from './peer-params.ts';
import { FRAME_BYTES_MAX, readSignalFrame } from './signal-frame.ts';
import { SignalSocket } from './signal-socket.ts';

export const SIGNALLING_PATH = '/peerjs';
/** The PeerJS client's default key. It is public and keeps nobody out; it only tells a stray client that it is wrong here. */
export const SIGNALLING_KEY = 'peerjs';
/** Registered clients. Each costs about 20 KB with its socket, so 5,000 fit a small machine. */
export const PEERS_MAX = 5000;
/** A client sends a heartbeat every 5 s, but a hidden tab's timers may fire once a minute only. */
const PEER_SILENCE_MAX_MS = 90_000;
/** A PeerJS client never sends a malformed frame. One that sent this many is broken or hostile, and is cut off. */
const MALFORMED_FRAMES_MAX = 1000;
/** WebSocket close code "policy violation" (RFC 6455, 7.4.1). */
const CLOSE_POLICY_VIOLATION = 1008;

export interface SignallingOptions {
  readonly peersMax: number;
  /** Upgrades to other paths: 'refuse' them, or 'leave' them to another listener of the same server (Vite's hot reload). */
  readonly otherUpgrades: 'refuse' | 'leave';
}

/** Every counter only grows. */
export interface SignallingCounters {
  /** Frames dropped because of their size, form or type. */
  malformedFrames: number;
  /** Offers, answers and candidates handed to another client. */
  relayedFrames: number;
  /** Well-formed frames to peers that are not there. */
  unroutableFrames: number;
  /** Frames dropped because the receiver does not read. */
  droppedFrames: number;
}

export interface Signalling {
  readonly counters: Readonly<SignallingCounters>;
  /** Registered clients now. */
  readonly peers: number;
  close(): void;
}

/** Serves signalling on `server`. Its sockets end with `close()`; the server itself is the caller's. */
export function startSignalling(server: Server, options: SignallingOptions): Signalling {
  const broker = new SignallingBroker(server, options.peersMax);
  const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const url = readUrl(request);
    if (url?.pathname === SIGNALLING_PATH) broker.accept(request, socket, head, url.searchParams);
    else if (options.otherUpgrades === 'refuse') refuseUpgrade(socket, url === undefined ? 400 : 404);
  };
  server.on('upgrade', onUpgrade);
  return {
    counters: broker.counters,
    get peers() {
      return broker.peers;
    },
    close() {
      server.off('upgrade', onUpgrade);
      broker.close();
    },
  };
}

class SignallingBroker {
  readonly counters: SignallingCounters = { malformedFrames: 0, relayedFrames: 0, unroutableFrames: 0, droppedFrames: 0 };
  /** Who is registered, as the PeerJS server tells it. It takes no more than `peersMax`. */
  readonly #clients = new Map<string, IClient>();
  readonly #webSockets = new WebSocketServer({ noServer: true, maxPayload: FRAME_BYTES_MAX, perMessageDeflate: false });
  /** What the PeerJS server takes for its WebSocketServer. */
  readonly #facade = new EventEmitter();

  constructor(server: Server, peersMax: number) {
    const peerServer = ExpressPeerServer(server, {
      path: '/',
      key: SIGNALLING_KEY,
      concurrent_limit: peersMax,
      alive_timeout: PEER_SILENCE_MAX_MS,
      // Only `on` is ever called on it.
      createWebSocketServer: () => this.#facade as unknown as WebSocketServer,
    });
    peerServer.on('connection', (client: IClient) => this.#clients.set(client.getId(), client));
    peerServer.on('disconnect', (client: IClient) => this.#clients.delete(client.getId()));
    // Without a listener an 'error' would end the process. Checked frames cause none; should one ever, it is a dropped frame.
    peerServer.on('error', () => this.counters.malformedFrames++);
    // The PeerJS server starts when it is mounted. This application is never served, so its HTTP routes are not either.
    express().use(peerServer);
  }

  get peers(): number {
    return this.#clients.size;
  }

  accept(request: IncomingMessage, rawSocket: Duplex, head: Buffer, query: URLSearchParams): void {
    this.#webSockets.handleUpgrade(request, rawSocket, head, (webSocket) => this.#attach(webSocket, query));
  }

  close(): void {
    for (const webSocket of this.#webSockets.clients) webSocket.terminate();
    this.#webSockets.close();
  }

  #attach(webSocket: WebSocket, query: URLSearchParams): void {
    const socket = new SignalSocket(webSocket, () => this.counters.droppedFrames++);
    // ws reports oversized frames and violations of the WebSocket protocol here, and then closes the socket itself.
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code?.startsWith('WS_ERR_')) this.counters.malformedFrames++;
    });
    const params = readPeerParams(query);
    if (typeof params === 'string') {
      socket.send(JSON.stringify({ type: 'ERROR', payload: { msg: params } }));
      socket.close(CLOSE_POLICY_VIOLATION, 'bad parameters');
      return;
    }
    const { id, token, key } = params;
    let malformedFrames = 0;
    webSocket.on('message', (data, isBinary) => {
      if (socket.isClosed || this.#receive(id, socket, data, isBinary)) return;
      this.counters.malformedFrames++;
      malformedFrames++;
      if (malformedFrames >= MALFORMED_FRAMES_MAX) socket.close(CLOSE_POLICY_VIOLATION, 'too many malformed frames');
    });
    // The same client is back before its old socket was found dead. With the old one gone it registers afresh, and gets its OPEN.
    const present = this.#clients.get(id);
    if (key === SIGNALLING_KEY && present?.getToken() === token) present.getSocket()?.close();
    // The PeerJS server reads the parameters from this URL again, last value first: it must see what was checked.
    this.#facade.emit('connection', socket, { url: `${SIGNALLING_PATH}?${new URLSearchParams({ id, token, key })}` });
  }

  /** False when the frame is malformed. */
  #receive(id: string, socket: SignalSocket, data: RawData, isBinary: boolean): boolean {
    const frame = readSignalFrame(data, isBinary);
    if (frame === undefined) return false;
    if (frame.type === 'HEARTBEAT') {
      socket.deliver(data as Buffer);
    } else if (frame.dst === undefined) {
      // The PeerJS server would free the id but keep listening: a ghost that goes on signalling under an id others can take.
      socket.close();
    } else if (this.#clients.has(frame.dst)) {
      this.counters.relayedFrames++;
      socket.deliver(data as Buffer);
    } else {
      this.counters.unroutableFrames++;
      if (frame.type === 'OFFER') socket.send(JSON.stringify({ type: 'EXPIRE', src: frame.dst, dst: id }));
    }
    return true;
  }
}

function readUrl(request: IncomingMessage): URL | undefined {
  // Only path and query matter, so any base will do.
  const base = 'http://broker';
  return request.url !== undefined && URL.canParse(request.url, base) ? new URL(request.url, base) : undefined;
}

function refuseUpgrade(socket: Duplex, status: 400 | 404): void {
  // The other side may be gone already; there is no one left to tell.
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy());
}
