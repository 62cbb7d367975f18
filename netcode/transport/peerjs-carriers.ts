/**
 * Carriers over WebRTC, with PeerJS for signalling: with `peerjs-broker.ts` and `peerjs.ts`, the only place that knows PeerJS.
 *
 * One PeerJS connection per pair carries the control channel; the state channel is created beside it, negotiated by number, on both ends
 * at once (one of PeerJS's own options gives no channel without retransmission). Messages go through the RTCDataChannels directly, past
 * PeerJS's unbounded queues. Nothing that a stranger sends through the broker reaches PeerJS unread: see `peerjs-signals.ts`.
 */
import type { DataConnection, Peer } from 'peerjs';
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { BoundedQueue } from './inbox.ts';
import type { JoinTrace } from './join-trace.ts';
import { watchConnection } from './join-watch.ts';
import type { PeerBroker } from './peerjs-broker.ts';
import { PeerLink } from './peerjs-link.ts';
import { isMediaSignal, PeerMedia } from './peerjs-media.ts';
import { CONTROL_LABEL, readSignal, relayOffer, type Signal } from './peerjs-signals.ts';
import { STATE_CHANNEL, STATE_CHANNEL_LABEL } from './state-lane.ts';
import { DialError, type DialOptions, type Link, type Transport } from './transport.ts';

/** Incoming connections that have not opened yet: a full lobby joining at the same moment. */
const PENDING_INCOMING_MAX = 16;
/** Of which from one id: a page that reloads mid-dial comes back under a new id, so more than a retry is a flood. */
const PENDING_PER_PEER_MAX = 2;
/** Open links of one peer that dialled: one, one more by which it dials anew, and those that have not noticed their end. */
const OPEN_PER_PEER_MAX = 4;
/** Open incoming links: the seats of a session twice, since a lost player's old link ends seconds after the new one opens. */
const OPEN_INCOMING_MAX = 64;
/** Dials of one transport under way at once; a guest has one, a mesh at most one a seat. */
const DIALS_MAX = 32;
/** Connections tried in one dial: a handshake that breaks early succeeds when repeated. As many as the other side keeps pending of a peer. */
const ATTEMPTS_MAX = PENDING_PER_PEER_MAX;
/** An incoming connection that has not opened by then never will: the dialler gives up before. */
const INCOMING_TIMEOUT_MS = 20_000;
/** A machine with several networks and a relay offers about twenty. */
const CANDIDATES_MAX = 64;

/** Dealt with here: PeerJS knows no relay, and would close open connections that need no broker. */
const FOR_US: ReadonlySet<Signal['type']> = new Set<Signal['type']>(['LEAVE', 'EXPIRE', 'RELAY']);

/** What signalling tells of the relay. */
export interface RelaySignals {
  /** A peer waits at the relay. False when it may not be followed there. */
  takeOffer(remoteId: PeerId, pair: string): boolean;
  /** The broker does not know the peer. */
  forget(remoteId: PeerId): void;
}

export interface PeerCarriersParts {
  readonly peer: Peer;
  readonly localId: PeerId;
  readonly clock: Clock;
  readonly configuration: RTCConfiguration;
}

/** One PeerJS connection, from dial or offer to its release. */
interface Entry {
  readonly remoteId: PeerId;
  readonly connection: DataConnection;
  readonly link: PeerLink;
  readonly isIncoming: boolean;
  isOpen: boolean;
  isAnswered: boolean;
  candidates: number;
  readonly trace: JoinTrace | undefined;
  /** Ends the dial that this is for. */
  fail: (error: DialError) => void;
  /** It ended before it was open. */
  onBroken: () => void;
}

export class PeerCarriers implements Transport {
  readonly localId: PeerId;
  /** Voice calls, which share the registration at the broker and nothing else. */
  readonly media: PeerMedia;
  readonly #peer: Peer;
  readonly #clock: Clock;
  readonly #configuration: RTCConfiguration;
  readonly #entries = new Set<Entry>();
  /** Open and not yet accepted. */
  readonly #incoming = new BoundedQueue<Link>(OPEN_INCOMING_MAX);
  readonly #onPageHide = () => this.#closeLinksNow();
  #broker: PeerBroker | undefined;
  #relay: RelaySignals | undefined;
  #malformedSignals = 0;
  #isListening = false;
  #isClosed = false;

  constructor({ peer, localId, clock, configuration }: PeerCarriersParts) {
    this.#peer = peer;
    this.localId = localId;
    this.#clock = clock;
    this.#configuration = configuration;
    this.media = new PeerMedia(peer, localId);
    this.#guardSignals();
    peer.on('disconnected', () => this.#failUnanswered());
    peer.on('connection', (connection) => this.#onIncoming(connection));
    // PeerJS reports WebRTC's own failures here; the dial's timeout and the link's end tell the same story.
    peer.on('error', () => undefined);
    if (typeof globalThis.addEventListener === 'function') globalThis.addEventListener('pagehide', this.#onPageHide);
  }

  useBroker(broker: PeerBroker): void {
    this.#broker = broker;
  }

  useRelay(relay: RelaySignals): void {
    this.#relay = relay;
  }

  /** Asks the peer to come to the relay under this name. */
  offerRelay(remoteId: PeerId, pair: string): void {
    this.#peer.socket.send({ type: 'OFFER', dst: remoteId, payload: relayOffer(pair) });
  }

  get isReachable(): boolean {
    return this.#broker?.isReachable ?? false;
  }

  /** Frames from the broker that were dropped as malformed or out of place. */
  get malformedSignals(): number {
    return this.#malformedSignals;
  }

  /** A page that only dials answers nobody: its address is nobody's business, and its links nobody would read. */
  listen(): void {
    this.#isListening = true;
  }

  accept(): Link | undefined {
    return this.#incoming.shift();
  }

  connect(remoteId: PeerId, { timeoutMs, signal, trace }: DialOptions): Promise<PeerLink> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed || signal?.aborted === true) throw new DialError('cancelled', `the dial of '${remoteId}' was cancelled`);
      if (!this.isReachable) throw new DialError('broker-unreachable', 'the broker is out of reach');
      if (remoteId === this.localId) throw new DialError('peer-unknown', 'a peer cannot dial itself');
      if (this.#count((entry) => !entry.isIncoming && !entry.isOpen) >= DIALS_MAX)
        throw new RangeError(`more dials at once than ${DIALS_MAX}`);
      let attempts = 0;
      let entry: Entry | undefined;
      const settle = (result: PeerLink | DialError) => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        if (!(result instanceof DialError)) {
          resolve(result);
          return;
        }
        trace?.path('direct', 'failed');
        reject(result);
        if (entry !== undefined) entry.onBroken = () => undefined;
        entry?.link.closeNow();
      };
      const onAbort = () => settle(new DialError('cancelled', `the dial of '${remoteId}' was cancelled`));
      const timer = setTimeout(
        () => settle(new DialError('unreachable', `no path to '${remoteId}' opened within ${timeoutMs} ms`)),
        timeoutMs,
      );
      const attempt = () => {
        attempts += 1;
        try {
          const dialled = this.#dial(remoteId, trace, () => settle(dialled.link));
          dialled.fail = settle;
          dialled.onBroken = () => {
            if (attempts < ATTEMPTS_MAX && this.isReachable) attempt();
            else settle(new DialError('unreachable', `the connection to '${remoteId}' broke before it was open`));
          };
          entry = dialled;
        } catch (error) {
          settle(new DialError('unreachable', `no connection could be made: ${String(error)}`));
        }
      };
      signal?.addEventListener('abort', onAbort);
      attempt();
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (typeof globalThis.removeEventListener === 'function') globalThis.removeEventListener('pagehide', this.#onPageHide);
    this.#broker?.close();
    this.media.close();
    this.#cancelDials();
    for (const entry of this.#entries) entry.link.close();
    this.#destroyWhenIdle();
  }

  #dial(remoteId: PeerId, trace: JoinTrace | undefined, onOpen: () => void): Entry {
    trace?.path('direct', 'trying');
    trace?.begin('answer');
    const connection = this.#peer.connect(remoteId, { reliable: true, serialization: 'raw', label: CONTROL_LABEL });
    const entry = this.#adopt(connection, { isIncoming: false, onOpen, trace });
    if (trace !== undefined) watchConnection(connection.peerConnection, trace);
    entry.link.attachControl(connection.dataChannel);
    connection.peerConnection.ondatachannel = ({ channel }) => entry.link.refuseChannel(channel);
    return entry;
  }

  #onIncoming(connection: DataConnection): void {
    const onOpen = (): void => {
      clearTimeout(timer);
      if (!this.#incoming.push(entry.link)) entry.link.close();
    };
    const entry = this.#adopt(connection, { isIncoming: true, onOpen, trace: undefined });
    const timer = setTimeout(() => entry.link.closeNow(), INCOMING_TIMEOUT_MS);
    entry.onBroken = () => clearTimeout(timer);
    const { peerConnection } = connection;
    const takeByPeerJs = peerConnection.ondatachannel;
    peerConnection.ondatachannel = (event) => {
      const { channel } = event;
      const isControl =
        channel.label === CONTROL_LABEL && channel.ordered && channel.maxRetransmits === null && channel.maxPacketLifeTime === null;
      if (connection.dataChannel !== undefined || !isControl) {
        // PeerJS would put it in the place of the first one, and mix their messages.
        entry.link.refuseChannel(channel);
        return;
      }
      takeByPeerJs?.call(peerConnection, event);
      entry.link.attachControl(channel);
    };
  }

  #adopt(connection: DataConnection, { isIncoming, onOpen, trace }: Pick<Entry, 'isIncoming' | 'trace'> & { onOpen(): void }): Entry {
    const { peerConnection } = connection;
    const remoteId = connection.peer as PeerId;
    const link = new PeerLink({
      remoteId,
      peerConnection,
      clock: this.#clock,
      isDialler: !isIncoming,
      createConnection: () => new RTCPeerConnection(this.#configuration),
      stateChannel: peerConnection.createDataChannel(STATE_CHANNEL_LABEL, STATE_CHANNEL),
      onOpen: () => {
        entry.isOpen = true;
        trace?.done('channels');
        trace?.path('direct', 'open');
        onOpen();
      },
      onEnd: () => {
        if (!entry.isOpen) entry.onBroken();
      },
      release: () => this.#release(entry),
    });
    const entry: Entry = {
      remoteId,
      connection,
      link,
      isIncoming,
      isOpen: false,
      isAnswered: false,
      candidates: 0,
      trace,
      fail: () => undefined,
      onBroken: () => undefined,
    };
    this.#entries.add(entry);
    connection.on('error', (error) => {
      if (error.type === 'negotiation-failed') link.fail();
    });
    connection.on('close', () => link.onConnectionClosed());
    return entry;
  }

  #release(entry: Entry): void {
    entry.connection.close();
    // PeerJS reports what fails after the close to a provider that it has just forgotten, and throws where nobody catches it.
    entry.connection.provider = this.#peer;
    this.#entries.delete(entry);
    if (this.#isClosed) this.#destroyWhenIdle();
  }

  #destroyWhenIdle(): void {
    if (this.#entries.size === 0) this.#peer.destroy();
  }

  /** Whoever was dialled, and has not answered yet, cannot any more. */
  #failUnanswered(): void {
    for (const entry of this.#entries) {
      if (entry.isIncoming || entry.isOpen || entry.isAnswered) continue;
      entry.trace?.fail('answer');
      entry.fail(new DialError('broker-unreachable', `the connection to the broker was lost before '${entry.remoteId}' answered`));
    }
  }

  #cancelDials(): void {
    for (const entry of this.#entries) if (!entry.isOpen) entry.fail(new DialError('cancelled', 'the transport or its page is closing'));
  }

  #closeLinksNow(): void {
    this.media.close();
    this.#cancelDials();
    for (const entry of this.#entries) entry.link.closeNow();
  }

  /** Puts itself between the broker's socket and PeerJS. */
  #guardSignals(): void {
    const { socket } = this.#peer;
    const handlers = socket.listeners('message');
    socket.removeAllListeners('message');
    socket.on('message', (frame: unknown) => {
      this.#broker?.hear();
      const signal = readSignal(frame);
      if (signal === undefined || !this.#admit(signal)) {
        this.#malformedSignals += 1;
        return;
      }
      if (FOR_US.has(signal.type)) return;
      try {
        for (const handle of handlers) handle(signal);
      } catch {
        // PeerJS could not make a connection of the offer, say because the browser's limit on connections is reached.
        this.#malformedSignals += 1;
      }
    });
  }

  /** Whether a signal is due now. */
  #admit(signal: Signal): boolean {
    if (isMediaSignal(signal)) return !this.#isClosed && this.media.admit(signal);
    switch (signal.type) {
      case 'OPEN':
      case 'ERROR':
      case 'ID-TAKEN':
      case 'INVALID-KEY':
        return true;
      case 'LEAVE':
      case 'EXPIRE':
        for (const entry of this.#entries) {
          if (entry.remoteId !== signal.src || entry.isIncoming || entry.isOpen || entry.isAnswered) continue;
          entry.trace?.fail('answer');
          entry.fail(new DialError('peer-unknown', `the broker does not know '${signal.src}'`));
        }
        this.#relay?.forget(signal.src as PeerId);
        this.media.onUnknown(signal.src);
        return true;
      case 'RELAY':
        // Our own offer is only to hear whether the broker is there.
        return signal.src === this.localId || (this.#relay?.takeOffer(signal.src as PeerId, signal.pair) ?? false);
      case 'OFFER':
        return this.#isListening && !this.#isClosed && this.#entryOf(signal) === undefined && this.#hasRoomFor(signal.src);
      case 'ANSWER': {
        const entry = this.#entryOf(signal);
        if (entry === undefined || entry.isIncoming || entry.isAnswered) return false;
        entry.isAnswered = true;
        entry.trace?.done('answer');
        entry.trace?.begin('ice');
        return true;
      }
      case 'CANDIDATE': {
        const entry = this.#entryOf(signal);
        if (entry === undefined) return false;
        entry.candidates += 1;
        entry.trace?.candidate('remote', signal.payload.candidate.candidate);
        return entry.candidates <= CANDIDATES_MAX;
      }
    }
  }

  #hasRoomFor(remoteId: string): boolean {
    const isPending = (entry: Entry) => entry.isIncoming && !entry.isOpen;
    return (
      this.#count(isPending) < PENDING_INCOMING_MAX &&
      this.#count((entry) => isPending(entry) && entry.remoteId === remoteId) < PENDING_PER_PEER_MAX &&
      this.#count((entry) => entry.isIncoming && entry.remoteId === remoteId) < OPEN_PER_PEER_MAX &&
      this.#count((entry) => entry.isIncoming) < OPEN_INCOMING_MAX
    );
  }

  #entryOf({ src, payload }: Extract<Signal, { type: 'OFFER' | 'ANSWER' | 'CANDIDATE' }>): Entry | undefined {
    for (const entry of this.#entries) {
      if (entry.remoteId === src && entry.connection.connectionId === payload.connectionId) return entry;
    }
    return undefined;
  }

  #count(matches: (entry: Entry) => boolean): number {
    let count = 0;
    for (const entry of this.#entries) if (matches(entry)) count += 1;
    return count;
  }
}
