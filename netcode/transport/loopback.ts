/**
 * Links within one process, delivered before `send` returns: the host's own player, and tests that want no network at all.
 *
 * Bytes are copied on send, so the sender may reuse its buffer just as with a real channel.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { BoundedQueue, checkControlSize, checkStateSize, LinkInbox } from './inbox.ts';
import { DialError, type DialOptions, type Link, type LinkCounters, type LinkEnd, type Received, type Transport } from './transport.ts';

/** Incoming links not yet accepted; twice the seats of a session, since `accept` is called every tick. */
const ACCEPT_QUEUE_LINKS_MAX = 64;

/** Two ends of one link. */
export function loopbackPair(clock: Clock, idA = 'loopback-a' as PeerId, idB = 'loopback-b' as PeerId): [a: Link, b: Link] {
  const a = new LoopbackLink(clock, idB);
  const b = new LoopbackLink(clock, idA);
  a.attach(b);
  b.attach(a);
  return [a, b];
}

class LoopbackLink implements Link {
  readonly remoteId: PeerId;
  readonly #clock: Clock;
  readonly #inbox = new LinkInbox();
  #remote: LoopbackLink | undefined;
  #end: LinkEnd | undefined;

  constructor(clock: Clock, remoteId: PeerId) {
    this.#clock = clock;
    this.remoteId = remoteId;
  }

  attach(remote: LoopbackLink): void {
    this.#remote = remote;
  }

  get end(): LinkEnd | undefined {
    return this.#end;
  }

  get counters(): Readonly<LinkCounters> {
    return this.#inbox.counters;
  }

  sendControl(bytes: Uint8Array): boolean {
    checkControlSize(bytes);
    const remote = this.#remote;
    if (this.#end !== undefined || remote === undefined) return false;
    this.#inbox.countControlOut(bytes.byteLength);
    if (!remote.#inbox.pushControl(bytes.slice(), this.#clock.nowMs())) remote.#finish('overflow');
    return this.#end === undefined;
  }

  stateBufferedBytes(lane = 0): number {
    return lane === 0 ? 0 : Infinity;
  }

  /** One lane is all there is: nothing stalls here. */
  openLanes(): void {}

  sendState(bytes: Uint8Array, lane = 0): boolean {
    checkStateSize(bytes);
    const remote = this.#remote;
    if (this.#end !== undefined || remote === undefined || lane !== 0) {
      this.#inbox.counters.stateSendRefused += 1;
      return false;
    }
    this.#inbox.countStateOut(bytes.byteLength);
    remote.#inbox.pushState(bytes.slice(), this.#clock.nowMs());
    return true;
  }

  receiveControl(): Received | undefined {
    return this.#inbox.shiftControl();
  }

  receiveState(): Received | undefined {
    return this.#inbox.shiftState();
  }

  close(): void {
    this.#finish('closed-here');
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const remote = this.#remote;
    if (remote !== undefined) remote.#finish('closed-there');
  }
}

/** Transports that reach each other by id within one process. */
export class LoopbackNetwork {
  readonly #clock: Clock;
  readonly #transports = new Map<PeerId, LoopbackTransport>();
  #idsGiven = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  createTransport(id = `loopback-${++this.#idsGiven}` as PeerId): Transport {
    if (this.#transports.has(id)) throw new Error(`peer id '${id}' is taken`);
    const transport = new LoopbackTransport(this.#clock, id, this.#transports);
    this.#transports.set(id, transport);
    return transport;
  }
}

class LoopbackTransport implements Transport {
  readonly localId: PeerId;
  readonly #clock: Clock;
  readonly #network: Map<PeerId, LoopbackTransport>;
  readonly #incoming = new BoundedQueue<Link>(ACCEPT_QUEUE_LINKS_MAX);
  readonly #links = new Set<Link>();
  #isClosed = false;

  constructor(clock: Clock, localId: PeerId, network: Map<PeerId, LoopbackTransport>) {
    this.#clock = clock;
    this.localId = localId;
    this.#network = network;
  }

  get isReachable(): boolean {
    return !this.#isClosed;
  }

  accept(): Link | undefined {
    return this.#incoming.shift();
  }

  async connect(remoteId: PeerId, options: DialOptions): Promise<Link> {
    if (this.#isClosed) throw new DialError('cancelled', 'the transport is closed');
    if (options.signal?.aborted === true) throw new DialError('cancelled', `the dial of '${remoteId}' was cancelled`);
    const remote = this.#network.get(remoteId);
    if (remote === undefined || remote === this) throw new DialError('peer-unknown', `no peer '${remoteId}'`);
    const [here, there] = loopbackPair(this.#clock, this.localId, remoteId);
    if (!remote.#incoming.push(there))
      throw new DialError('unreachable', `peer '${remoteId}' has ${ACCEPT_QUEUE_LINKS_MAX} links waiting already`);
    this.#keep(here);
    remote.#keep(there);
    return here;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#network.delete(this.localId);
    for (const link of this.#links) link.close();
    this.#links.clear();
  }

  /** Remembers a link for `close()`, and forgets those that ended on their own. */
  #keep(link: Link): void {
    for (const old of this.#links) if (old.end !== undefined) this.#links.delete(old);
    this.#links.add(link);
  }
}
