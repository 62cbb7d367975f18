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
import type { PeerParams } from './peer-params.ts';
import { hashPeerToken, type PeerRouter, type RegisterAnswer, type RoutedFrame } from './peer-router.ts';
import { type PeerFrame, readSignalFrame } from './signal-frame.ts';
import { SignalPairs } from './signal-pairs.ts';
import { type PeerRealm, type SignalEnd, SignalSocket, type SignalSocketOwner, type SignalWebSocket } from './signal-socket.ts';

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
/** The PeerJS server lists all of its clients whenever one comes, so a large one gets slow: there are several small ones. */
const REALM_CLIENTS_MAX = 512;
/** WebSocket close codes (RFC 6455, 7.4.1). */
const CLOSE_POLICY_VIOLATION = 1008;

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
  readonly #server: Server;
  /** No more than `peersMax` fill. */
  readonly #realms: PeerRealm[] = [];
  /** So far. */
  #registrations = 0;
  #isClosed = false;

  constructor(server: Server, options: SignalBrokerOptions) {
    this.#server = server;
    this.#options = options;
    this.#router = options.router;
    this.#router.onFrame((dst, frame) => this.#deliver(dst, frame));
    this.#router.onReplaced((id) => this.#clients.get(id)?.close(CLOSE_POLICY_VIOLATION, 'replaced', 'replaced'));
  }

  get peers(): number {
    return this.#clients.size;
  }

  /** A WebSocket whose parameters were checked. */
  attach({ id, token }: PeerParams, { webSocket, connection }: Arrival): void {
    const socket = new SignalSocket({ id, webSocket, connection, owner: this });
    if (this.#isFullFor(id)) return this.#refuse(socket, 'too-many-peers');
    const secret = this.#router.isAlone === true ? token : hashPeerToken(token);
    const answer = this.#router.register(id, secret);
    if (answer === 'registered') return this.#greet(socket);
    if (answer === 'taken') return this.#refuse(socket, 'peer-id-taken');
    // What PeerJS sends before it is greeted waits until it is known whether it will be.
    socket.hold();
    void this.#greetLater(socket, `${id} ${secret}`, answer);
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
    if (frame.type === 'HEARTBEAT') socket.client?.setLastPing(Date.now());
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
    socket.realm!.clients--;
    if (end === 'replaced') return;
    this.#router.unregister(socket.id, end);
    for (const dst of socket.pairs?.unanswered() ?? []) this.#tellGone(dst, socket.id);
  }

  /** Once the router has answered. */
  async #greetLater(socket: SignalSocket, claim: string, answering: Promise<RegisterAnswer>): Promise<void> {
    const { id } = socket;
    this.#registering.set(claim, (this.#registering.get(claim) ?? 0) + 1);
    const answer = await answering;
    const others = this.#registering.get(claim)! - 1;
    if (others > 0) this.#registering.set(claim, others);
    else this.#registering.delete(claim);
    if (answer === 'taken') {
      this.#refuse(socket, 'peer-id-taken');
      return socket.letGo();
    }
    const isFull = this.#isFullFor(id);
    if (!socket.isClosed && !this.#isClosed && !isFull) {
      this.#greet(socket);
      return socket.letGo();
    }
    if (!this.#clients.has(id) && others === 0) this.#router.unregister(id, socket.isClosed ? 'lost' : 'left');
    if (!isFull) return;
    this.#refuse(socket, 'too-many-peers');
    socket.letGo();
  }

  /** Its id is its own. */
  #greet(socket: SignalSocket): void {
    const { id } = socket;
    const present = this.#clients.get(id);
    // The same client is back before its old socket was found dead. With the old one gone it registers afresh, and gets its OPEN.
    socket.pairs = present?.pairs;
    present?.close(CLOSE_POLICY_VIOLATION, 'replaced', 'replaced');
    // The PeerJS server reads the parameters from this URL. It knows each registration by a number: whose the id is was decided
    // before, and a long id would be a part of the URL, and keep all of it for as long as the client stays.
    const number = (++this.#registrations).toString(36);
    const realm = this.#realmWithRoom();
    realm.clients++;
    socket.realm = realm;
    realm.facade.emit('connection', socket, { url: `/?key=${SIGNALLING_KEY}&token=-&id=${number}` });
  }

  #realmWithRoom(): PeerRealm {
    const present = this.#realms.find(({ clients }) => clients < REALM_CLIENTS_MAX);
    if (present !== undefined) return present;
    const realm: PeerRealm = { facade: new EventEmitter(), clients: 0 };
    const peerServer = ExpressPeerServer(this.#server, {
      path: '/',
      key: SIGNALLING_KEY,
      concurrent_limit: REALM_CLIENTS_MAX,
      alive_timeout: PEER_SILENCE_MAX_MS,
      // Only `on` is ever called on it.
      createWebSocketServer: () => realm.facade as unknown as WebSocketServer,
    });
    // What it calls a socket is what it was given as one.
    peerServer.on('connection', (client: IClient) => this.#onRegistered(client, client.getSocket() as unknown as SignalSocket));
    // Without a listener an 'error' would end the process. Checked frames cause none; should one ever, it is a dropped frame.
    peerServer.on('error', () => this.counters.malformedFrames++);
    // The PeerJS server starts when it is mounted. This application is never served, so its HTTP routes are not either.
    express().use(peerServer);
    this.#realms.push(realm);
    return realm;
  }

  #onRegistered(client: IClient, socket: SignalSocket): void {
    socket.client = client;
    this.#clients.set(socket.id, socket);
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

/** As the PeerJS server writes it. Ids need no escaping. */
function frameText({ type, dst, payload, payloadText }: Omit<PeerFrame, 'type'> & { readonly type: string }, src: string): string {
  if (payloadText === undefined) return JSON.stringify({ type, src, dst, payload });
  return `{"type":"${type}","src":"${src}","dst":"${dst}","payload":${payloadText}}`;
}

function expiry(gone: string, dst: string): string {
  return `{"type":"EXPIRE","src":"${gone}","dst":"${dst}"}`;
}
