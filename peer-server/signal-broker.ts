/**
 * What signalling clients may do once they are in. The `peer` package registers them, greets them and watches their
 * heartbeats; this file decides who and what reaches it. The package has one extension hook, `createWebSocketServer`: it gets
 * a plain EventEmitter, on which each client appears as a `SignalSocket`. Frames to other clients are checked and relayed
 * here, in one way for clients of this process and of other brokers: the package would parse each of them a second time.
 *
 * What differs from the bare package: frames are capped, checked and counted; an id belongs to its token, at whatever broker,
 * and for a while after its client was lost; a client that comes back replaces its old socket and is greeted with OPEN;
 * nothing is queued for peers that are not there, and who signals to one is told at once (EXPIRE); an ANSWER, CANDIDATE or
 * LEAVE reaches only one with whom there was an OFFER; LEAVE without a destination ends the registration and the socket;
 * the package's own HTTP routes (which check no key) are not served.
 */
import { EventEmitter } from 'node:events';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import express from 'express';
import { ExpressPeerServer, type IClient } from 'peer';
import type { RawData, WebSocketServer } from 'ws';
import type { SocketLease } from './limits/limits.ts';
import type { PeerParams } from './peer-params.ts';
import { hashPeerToken, type PeerRouter, type RoutedFrame } from './peer-router.ts';
import { type PeerFrame, readSignalFrame } from './signal-frame.ts';
import { SignalPairs } from './signal-pairs.ts';
import { type SignalEnd, SignalSocket, type SignalSocketOwner, type SignalWebSocket } from './signal-socket.ts';

export const SIGNALLING_PATH = '/peerjs';
/** The PeerJS client's default key. It is public and keeps nobody out; it only tells a stray client that it is wrong here. */
export const SIGNALLING_KEY = 'peerjs';
/** A client sends a heartbeat every 5 s, but a hidden tab's timers may fire once a minute only. */
const PEER_SILENCE_MAX_MS = 90_000;
/** A PeerJS client never sends a malformed frame. One that sent this many is broken or hostile, and is cut off. */
const MALFORMED_FRAMES_MAX = 100;
/** An offer makes the receiving page build a connection before anyone is asked, so it costs as much as this many frames. */
const OFFER_COST = 10;
/** Frames of one client on their way to other brokers; then it is read no further until some have arrived. */
const ROUTES_PENDING_MAX = 256;
/** WebSocket close codes (RFC 6455, 7.4.1). */
const CLOSE_POLICY_VIOLATION = 1008;
const HEARTBEAT = '{"type":"HEARTBEAT"}';

/** Every counter only grows. */
export interface SignallingCounters {
  /** Frames dropped because of their size, form or type. */
  malformedFrames: number;
  /** Offers, answers and candidates handed to another client. */
  relayedFrames: number;
  /** Well-formed frames to peers that are not there, or with whom there was no offer. */
  unroutableFrames: number;
  /** Frames dropped because the receiver does not read. */
  droppedFrames: number;
}

export interface SignalFrameCounts {
  HEARTBEAT: number;
  OFFER: number;
  ANSWER: number;
  CANDIDATE: number;
  LEAVE: number;
}

export interface SignalBrokerOptions {
  readonly peersMax: number;
  readonly router: PeerRouter;
  readonly onRefused: (reason: 'peer-id-taken' | 'too-many-peers' | 'malformed-flood' | 'slow-consumer') => void;
}

export interface Arrival {
  readonly webSocket: SignalWebSocket;
  readonly connection: Socket;
  readonly lease: SocketLease | undefined;
}

export class SignalBroker implements SignalSocketOwner {
  readonly counters: SignallingCounters = { malformedFrames: 0, relayedFrames: 0, unroutableFrames: 0, droppedFrames: 0 };
  readonly frames: SignalFrameCounts = { HEARTBEAT: 0, OFFER: 0, ANSWER: 0, CANDIDATE: 0, LEAVE: 0 };
  readonly #options: SignalBrokerOptions;
  readonly #router: PeerRouter;
  /** Who is registered, as the PeerJS server tells it. It takes no more than `peersMax`. */
  readonly #clients = new Map<string, SignalSocket>();
  /** Ids with token hashes that the router is asked about, and by how many sockets. */
  readonly #registering = new Map<string, number>();
  /** What the PeerJS server takes for its WebSocketServer. */
  readonly #facade = new EventEmitter();
  #isClosed = false;

  constructor(server: Server, options: SignalBrokerOptions) {
    this.#options = options;
    this.#router = options.router;
    this.#router.onFrame((dst, frame) => this.#deliver(dst, frame));
    this.#router.onReplaced((id) => this.#clients.get(id)?.close(CLOSE_POLICY_VIOLATION, 'replaced', 'replaced'));
    const peerServer = ExpressPeerServer(server, {
      path: '/',
      key: SIGNALLING_KEY,
      concurrent_limit: options.peersMax,
      alive_timeout: PEER_SILENCE_MAX_MS,
      // Only `on` is ever called on it.
      createWebSocketServer: () => this.#facade as unknown as WebSocketServer,
    });
    // What it calls a socket is what it was given as one.
    peerServer.on('connection', (client: IClient) => this.#clients.set(client.getId(), client.getSocket() as unknown as SignalSocket));
    // Without a listener an 'error' would end the process. Checked frames cause none; should one ever, it is a dropped frame.
    peerServer.on('error', () => this.counters.malformedFrames++);
    // The PeerJS server starts when it is mounted. This application is never served, so its HTTP routes are not either.
    express().use(peerServer);
  }

  get peers(): number {
    return this.#clients.size;
  }

  /** A WebSocket whose parameters were checked. */
  attach({ id, token }: PeerParams, { webSocket, connection, lease }: Arrival): void {
    const socket = new SignalSocket({ id, webSocket, connection, owner: this, lease });
    // What PeerJS sends before it is greeted waits until it is known whether it will be.
    socket.hold();
    void this.#register(socket, token);
  }

  /** Ends clients for which something has been waiting since the last call, unread. */
  dropSlowConsumers(): void {
    for (const socket of this.#clients.values()) {
      if (!socket.isStuck()) continue;
      this.#options.onRefused('slow-consumer');
      socket.terminate();
    }
  }

  close(): void {
    this.#isClosed = true;
  }

  onFrame(socket: SignalSocket, data: RawData, isBinary: boolean): void {
    const frame = readSignalFrame(data, isBinary);
    if (frame === undefined) {
      this.counters.malformedFrames++;
      socket.malformedFrames++;
      if (socket.malformedFrames < MALFORMED_FRAMES_MAX) return;
      this.#options.onRefused('malformed-flood');
      socket.close(CLOSE_POLICY_VIOLATION, 'too many malformed frames');
      return;
    }
    this.frames[frame.type]++;
    if (frame.type === 'OFFER') socket.charge(OFFER_COST - 1, 0);
    if (frame.type === 'HEARTBEAT') socket.deliver(HEARTBEAT);
    // The PeerJS server would free the id but keep listening: a ghost that goes on signalling under an id others can take.
    else if (frame.dst === undefined) socket.close(1000, '', 'left');
    else this.#send(socket, frame);
  }

  onDropped(): void {
    this.counters.droppedFrames++;
  }

  onViolation(): void {
    this.counters.malformedFrames++;
  }

  onEnd(socket: SignalSocket, end: SignalEnd): void {
    // Otherwise it was never registered, or another socket has its id now.
    if (this.#clients.get(socket.id) !== socket) return;
    this.#clients.delete(socket.id);
    if (end === 'replaced') return;
    this.#router.unregister(socket.id, end);
    for (const dst of socket.pairs?.unanswered() ?? []) this.#tellGone(dst, socket.id);
  }

  async #register(socket: SignalSocket, token: string): Promise<void> {
    const { id } = socket;
    if (this.#isFullFor(id)) return this.#refuse(socket, 'too-many-peers');
    const tokenHash = hashPeerToken(token);
    const claim = `${id} ${tokenHash}`;
    this.#registering.set(claim, (this.#registering.get(claim) ?? 0) + 1);
    const answer = await this.#router.register(id, tokenHash);
    const others = this.#registering.get(claim)! - 1;
    if (others > 0) this.#registering.set(claim, others);
    else this.#registering.delete(claim);
    if (answer === 'taken') return this.#refuse(socket, 'peer-id-taken');
    const present = this.#clients.get(id);
    const isFull = this.#isFullFor(id);
    if (!socket.isClosed && !this.#isClosed && !isFull) {
      // The same client is back before its old socket was found dead. With the old one gone it registers afresh, and gets its OPEN.
      socket.pairs = present?.pairs;
      present?.close(CLOSE_POLICY_VIOLATION, 'replaced', 'replaced');
      // The PeerJS server reads the parameters from this URL: it must see what was checked, which needs no escaping.
      this.#facade.emit('connection', socket, { url: `${SIGNALLING_PATH}?key=${SIGNALLING_KEY}&id=${id}&token=${token}` });
      socket.letGo();
      return;
    }
    if (present === undefined && others === 0) this.#router.unregister(id, socket.isClosed ? 'lost' : 'left');
    if (isFull) this.#refuse(socket, 'too-many-peers');
  }

  #isFullFor(id: string): boolean {
    return this.#clients.size >= this.#options.peersMax && !this.#clients.has(id);
  }

  #refuse(socket: SignalSocket, reason: 'peer-id-taken' | 'too-many-peers'): void {
    if (socket.isClosed) return;
    this.#options.onRefused(reason);
    socket.send(
      JSON.stringify(
        reason === 'peer-id-taken'
          ? { type: 'ID-TAKEN', payload: { msg: 'ID is taken' } }
          : { type: 'ERROR', payload: { msg: 'Server has reached its concurrent user limit' } },
      ),
    );
    socket.letGo();
    socket.close(CLOSE_POLICY_VIOLATION, reason);
  }

  /** A well-formed frame of a registered client to another. */
  #send(socket: SignalSocket, frame: PeerFrame): void {
    const { type, dst } = frame;
    const pairs = (socket.pairs ??= new SignalPairs());
    if (dst === socket.id || !isDue(pairs, frame)) return this.#onUnroutable(socket, frame);
    if (type === 'OFFER') pairs.offer(dst);
    const receiver = this.#clients.get(dst);
    if (receiver === undefined) {
      void this.#route(socket, frame);
      return;
    }
    if (type === 'OFFER') (receiver.pairs ??= new SignalPairs()).beOffered(socket.id);
    this.counters.relayedFrames++;
    // Past the PeerJS server, which would parse it again.
    receiver.send(frameText(frame, socket.id));
  }

  async #route(socket: SignalSocket, frame: PeerFrame): Promise<void> {
    socket.routesPending++;
    if (socket.routesPending === ROUTES_PENDING_MAX) socket.hold();
    const answer = await this.#router.route(frame.dst, { type: frame.type, src: socket.id, payload: frame.payload });
    if (socket.routesPending === ROUTES_PENDING_MAX) socket.letGo();
    socket.routesPending--;
    if (answer === 'unknown') this.#onUnroutable(socket, frame);
    else this.counters.relayedFrames++;
  }

  /**
   * EXPIRE, whatever it was: the client learns that the dial has failed. LEAVE would say more than we know. PeerJS closes
   * every connection to that peer on it, open ones too, and a peer that has only left the broker goes on playing.
   */
  #onUnroutable(socket: SignalSocket, { type, dst }: PeerFrame): void {
    this.counters.unroutableFrames++;
    if (type === 'LEAVE') return;
    const isNews = socket.pairs?.tell(dst) ?? true;
    if (type === 'OFFER' || isNews) socket.send(expiry(dst, socket.id));
  }

  /** Tells `dst`, at whatever broker, that its offer will not be answered. */
  #tellGone(dst: string, gone: string): void {
    const receiver = this.#clients.get(dst);
    if (receiver === undefined) void this.#router.route(dst, { type: 'EXPIRE', src: gone });
    else if (receiver.pairs?.tell(gone) === true) receiver.send(expiry(gone, dst));
  }

  /** A frame from another broker, where it was checked. */
  #deliver(dst: string, frame: RoutedFrame): boolean {
    const { type, src, payload } = frame;
    const receiver = this.#clients.get(dst);
    if (receiver === undefined) return false;
    const pairs = (receiver.pairs ??= new SignalPairs());
    if (type === 'OFFER') pairs.beOffered(src);
    // One for each of twenty candidates may come back.
    if (type === 'EXPIRE' && !pairs.tell(src)) return true;
    receiver.send(frameText({ type, dst, payload }, src));
    return true;
  }
}

/** Whether it fits what went before. */
function isDue(pairs: SignalPairs, { type, dst }: PeerFrame): boolean {
  switch (type) {
    case 'OFFER':
      return true;
    case 'ANSWER':
      return pairs.answer(dst);
    case 'CANDIDATE':
    case 'LEAVE':
      return pairs.has(dst);
  }
}

/** As the PeerJS server writes it. */
function frameText({ type, dst, payload }: Omit<PeerFrame, 'type'> & { readonly type: string }, src: string): string {
  return JSON.stringify({ type, src, dst, payload });
}

function expiry(gone: string, dst: string): string {
  return JSON.stringify({ type: 'EXPIRE', src: gone, dst });
}
