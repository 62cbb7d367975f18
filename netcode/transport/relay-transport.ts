/**
 * Carriers through the broker's relay. The dialling side makes a name up for the pair, tells it to the other by signalling, which vouches
 * for the sender, and both open a socket to the relay under it. The accepting side comes only while it allows a relay.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { RELAY_PATH, RELAY_VERSION, type RelayHello } from '../wire/relay.ts';
import { BoundedQueue } from './inbox.ts';
import { randomBase64 } from './random-names.ts';
import { RelayDial, type RelayOutcome } from './relay-dial.ts';
import { RelayLink } from './relay-link.ts';
import { DialError, type DialOptions, type Link, type RelayPass, type Transport } from './transport.ts';

/** Sockets of the accepting side that wait for the other end: as many as direct connections may be pending. */
const PENDING_MAX = 16;
/** Of which for one peer: one, and the next when that one broke. */
const PENDING_PER_PEER_MAX = 2;
/** The next one of a peer is taken so much later: a dial begins its next attempt a second after the last. */
const PEER_OFFER_EVERY_MS = 500;
/** Offers taken at once, a full lobby falling back together, and how often beyond: the broker counts our sockets. */
const OFFERS_AT_ONCE_MAX = 64;
const OFFER_EVERY_MS = 500;
/** Open sockets of the accepting side: one a seat, and those that have not noticed their end. */
const OPEN_MAX = 64;
/** Dials of one transport under way at once; a guest has one, a mesh at most one a seat. */
const DIALS_MAX = 32;

export interface RelayTransportParts {
  readonly localId: PeerId;
  readonly clock: Clock;
  /** Where the broker is. */
  readonly brokerUrl: string;
  readonly isReachable: () => boolean;
  /** Asks the peer, by signalling, to come to the relay under this name. */
  readonly offer: (remoteId: PeerId, pair: string) => void;
}

export class RelayTransport implements Transport {
  readonly localId: PeerId;
  readonly #parts: RelayTransportParts;
  readonly #url: string;
  readonly #links = new Set<RelayLink>();
  /** And when each was opened. */
  readonly #pending = new Map<RelayLink, number>();
  readonly #incoming = new BoundedQueue<Link>(OPEN_MAX);
  readonly #dials = new Set<RelayDial>();
  /** Each offer moves it on by OFFER_EVERY_MS, from the present at least; it may lie only so far ahead of the present. */
  #offersUntilMs = -Infinity;
  #pass: RelayPass | undefined;
  #isClosed = false;

  constructor(parts: RelayTransportParts) {
    this.#parts = parts;
    this.localId = parts.localId;
    this.#url = `${parts.brokerUrl.replace(/^http/, 'ws').replace(/\/+$/, '')}${RELAY_PATH}`;
  }

  get isReachable(): boolean {
    return !this.#isClosed && this.#parts.isReachable();
  }

  accept(): Link | undefined {
    return this.#incoming.shift();
  }

  allowRelay(pass: RelayPass | undefined): void {
    this.#pass = pass;
  }

  connect(remoteId: PeerId, { timeoutMs, signal, relay }: DialOptions): Promise<Link> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed || signal?.aborted === true) throw new DialError('cancelled', `the dial of '${remoteId}' was cancelled`);
      if (!this.isReachable) throw new DialError('broker-unreachable', 'the broker is out of reach');
      if (remoteId === this.localId) throw new DialError('peer-unknown', 'a peer cannot dial itself');
      const code = relay?.code;
      if (code === undefined) throw new DialError('unreachable', `the lobby of '${remoteId}' allows no relay`);
      if (this.#dials.size >= DIALS_MAX) throw new RangeError(`more dials at once than ${DIALS_MAX}`);
      const dial = new RelayDial({
        remoteId,
        timeoutMs,
        signal,
        attempt: (onDone) => this.#call(remoteId, code, onDone),
        onSettled: (result) => {
          this.#dials.delete(dial);
          if (result instanceof DialError) reject(result);
          else resolve(result);
        },
      });
      this.#dials.add(dial);
      dial.start();
    });
  }

  /** A peer waits at the relay. False when it may not be followed there. */
  takeOffer(remoteId: PeerId, pair: string): boolean {
    const pass = this.#pass;
    if (pass === undefined || this.#isClosed) return false;
    const nowMs = this.#parts.clock.nowMs();
    const theirs = [...this.#pending].filter(([link]) => link.remoteId === remoteId);
    if (theirs.some(([, sinceMs]) => nowMs - sinceMs < PEER_OFFER_EVERY_MS)) return false;
    const [oldest] = theirs;
    // Whoever asks again has given the first one up.
    if (oldest !== undefined && theirs.length >= PENDING_PER_PEER_MAX) this.#giveUp(oldest[0]);
    if (this.#pending.size >= PENDING_MAX || this.#links.size >= OPEN_MAX || !this.#isOfferDue(nowMs)) return false;
    const hello: RelayHello = { v: RELAY_VERSION, role: 'host', pair, ...pass };
    const link = this.#open(remoteId, hello, (outcome) => {
      this.#pending.delete(link);
      if (outcome === 'open' && !this.#incoming.push(link)) link.close();
    });
    this.#pending.set(link, nowMs);
    return true;
  }

  #giveUp(link: RelayLink): void {
    this.#pending.delete(link);
    link.close();
  }

  #isOfferDue(nowMs: number): boolean {
    const untilMs = Math.max(this.#offersUntilMs, nowMs) + OFFER_EVERY_MS;
    if (untilMs > nowMs + OFFERS_AT_ONCE_MAX * OFFER_EVERY_MS) return false;
    this.#offersUntilMs = untilMs;
    return true;
  }

  /** The broker does not know the peer. */
  forget(remoteId: PeerId): void {
    for (const dial of this.#dials)
      if (dial.remoteId === remoteId) dial.settle(new DialError('peer-unknown', `the broker does not know '${remoteId}'`));
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const dial of this.#dials) dial.settle(new DialError('cancelled', 'the transport is closing'));
    for (const link of this.#links) link.close();
  }

  #call(remoteId: PeerId, code: string, onDone: (outcome: RelayOutcome) => void): RelayLink {
    const pair = randomBase64();
    const link = this.#open(remoteId, { v: RELAY_VERSION, role: 'guest', code, pair }, onDone);
    this.#parts.offer(remoteId, pair);
    return link;
  }

  #open(remoteId: PeerId, hello: RelayHello, onDone: (outcome: RelayOutcome) => void): RelayLink {
    const link = new RelayLink({
      url: this.#url,
      hello,
      remoteId,
      clock: this.#parts.clock,
      onOpen: () => onDone('open'),
      onFailed: onDone,
      onGone: () => this.#links.delete(link),
    });
    this.#links.add(link);
    return link;
  }
}
