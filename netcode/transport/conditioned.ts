/**
 * A whole network in virtual time, seeded: transports that dial each other, links that share a `ConditionedWire`.
 *
 * Nothing happens between two calls. After it advanced the clock, the simulator calls `network.pump()`, which settles dials and delivers
 * what is due (reading a link delivers to it too), and then lets promise callbacks run. Each link draws from generators of its own,
 * numbered by the order of dialling, so traffic on one link never changes another's fate.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { mix32, Sfc32 } from '../core/rng.ts';
import { ConditionedLink } from './conditioned-link.ts';
import { ConditionedWire } from './conditioned-wire.ts';
import { ConditionedPath, type Conditions, conditionsOf, PERFECT } from './conditions.ts';
import { BoundedQueue } from './inbox.ts';
import type { SctpPacket } from './sctp-end.ts';
import { DialError, type DialOptions, type Link, type Transport } from './transport.ts';

/** Incoming links not yet accepted; twice the seats of a session, since `accept` is called every tick. */
const ACCEPT_QUEUE_LINKS_MAX = 64;
/** Dials of one transport under way at once; a guest has one, a mesh at most one a seat. */
const DIALS_MAX = 32;

interface Dial {
  readonly caller: ConditionedTransport;
  readonly remoteId: PeerId;
  readonly deadlineMs: number;
  readonly connection: Connection;
  /** When the handshake will be done; undefined while the path is down. */
  opensMs: number | undefined;
  readonly settle: (result: Link | DialError) => void;
}

/** The wire between two peers, from the dial to the end of both links. The caller is its side 0. */
interface Connection {
  readonly caller: PeerId;
  readonly remote: PeerId;
  readonly wire: ConditionedWire;
  /** Both ends once the link is open. */
  links: readonly ConditionedLink[];
}

export class ConditionedNetwork {
  readonly #clock: Clock;
  readonly #seed: number;
  readonly #isCarrier: boolean;
  readonly #transports = new Map<PeerId, ConditionedTransport>();
  readonly #conditions = new Map<string, Conditions>();
  readonly #vanished = new Set<PeerId>();
  readonly #connections = new Set<Connection>();
  readonly #dials = new Set<Dial>();
  #defaultConditions = PERFECT;
  #idsGiven = 0;
  #dialsMade = 0;
  #isBrokerUp = true;

  /** `isCarrier`: its links carry other links, and take control messages with their headers. */
  constructor(clock: Clock, seed: number, { isCarrier = false }: { readonly isCarrier?: boolean } = {}) {
    this.#clock = clock;
    this.#seed = seed;
    this.#isCarrier = isCarrier;
  }

  /** Whether transports are reachable and can dial. Open links do not mind. */
  get isBrokerUp(): boolean {
    return this.#isBrokerUp;
  }

  setBrokerUp(isUp: boolean): void {
    this.#isBrokerUp = isUp;
  }

  createTransport(id = `conditioned-${++this.#idsGiven}` as PeerId): Transport {
    if (this.#transports.has(id)) throw new Error(`peer id '${id}' is taken`);
    const transport = new ConditionedTransport(this, id);
    this.#transports.set(id, transport);
    return transport;
  }

  /** Conditions of every direction that has none of its own, open links included. */
  setDefaultConditions(conditions: Partial<Conditions>): void {
    this.pump();
    this.#defaultConditions = conditionsOf(conditions);
    this.#applyConditions();
  }

  /** Conditions of one direction, open links included. */
  setConditions(from: PeerId, to: PeerId, conditions: Partial<Conditions>): void {
    this.pump();
    this.#conditions.set(directionKey(from, to), conditionsOf(conditions));
    this.#applyConditions();
  }

  /** The peer dies without a word, as a killed tab or a sleeping laptop does: its links go silent and later `lost`. */
  vanish(id: PeerId): void {
    this.pump();
    this.#transports.delete(id);
    this.#vanished.add(id);
    this.#applyConditions();
  }

  /** Settles the dials and delivers the bytes that are due now. */
  pump(): void {
    for (const dial of this.#dials) this.#progress(dial);
    for (const connection of this.#connections) {
      for (const link of connection.links) link.poll();
      if (connection.links.length > 0 && connection.links.every((link) => link.end !== undefined)) this.#connections.delete(connection);
    }
  }

  /** Starts a dial; `settle` is called once, from `pump` or before this returns. */
  dial(caller: ConditionedTransport, remoteId: PeerId, timeoutMs: number, settle: Dial['settle']): Dial {
    const nowMs = this.#clock.nowMs();
    const index = this.#dialsMade++;
    const pathOf = (from: PeerId, to: PeerId, number: number) =>
      new ConditionedPath<SctpPacket>(new Sfc32(mix32(this.#seed, number)), this.#conditionsOf(from, to), nowMs);
    const connection: Connection = {
      caller: caller.localId,
      remote: remoteId,
      links: [],
      wire: new ConditionedWire([pathOf(caller.localId, remoteId, index * 2), pathOf(remoteId, caller.localId, index * 2 + 1)]),
    };
    const dial: Dial = { caller, remoteId, deadlineMs: nowMs + timeoutMs, connection, opensMs: undefined, settle };
    this.#dials.add(dial);
    this.#connections.add(connection);
    this.#progress(dial);
    return dial;
  }

  endDial(dial: Dial, result: Link | DialError): void {
    if (!this.#dials.delete(dial)) return;
    if (result instanceof DialError) this.#connections.delete(dial.connection);
    dial.settle(result);
  }

  forget(transport: ConditionedTransport): void {
    if (this.#transports.get(transport.localId) === transport) this.#transports.delete(transport.localId);
    for (const dial of this.#dials)
      if (dial.caller === transport) this.endDial(dial, new DialError('cancelled', 'the transport is closed'));
  }

  #progress(dial: Dial): void {
    const nowMs = this.#clock.nowMs();
    const remote = this.#transports.get(dial.remoteId);
    if (dial.opensMs === undefined && !this.#isBrokerUp) {
      this.endDial(dial, new DialError('broker-unreachable', 'the broker is down'));
      return;
    }
    if (remote === undefined || remote === dial.caller) {
      this.endDial(dial, new DialError('peer-unknown', `no peer '${dial.remoteId}'`));
      return;
    }
    const { wire } = dial.connection;
    if (wire.downSinceMs < Infinity) dial.opensMs = undefined;
    else dial.opensMs ??= nowMs + wire.drawHandshakeMs();
    if ((dial.opensMs ?? Infinity) > Math.min(nowMs, dial.deadlineMs)) {
      if (nowMs >= dial.deadlineMs) this.endDial(dial, new DialError('unreachable', `no path to '${dial.remoteId}' opened in time`));
      return;
    }
    const [there, back] = wire.directions;
    const isCarrier = this.#isCarrier;
    const here = new ConditionedLink(this.#clock, dial.remoteId, { outgoing: there, incoming: back, isCarrier });
    const remoteEnd = new ConditionedLink(this.#clock, dial.caller.localId, { outgoing: back, incoming: there, isCarrier });
    if (!remote.take(remoteEnd)) {
      this.endDial(dial, new DialError('unreachable', `peer '${dial.remoteId}' has ${ACCEPT_QUEUE_LINKS_MAX} links waiting already`));
      return;
    }
    dial.caller.keep(here);
    dial.connection.links = [here, remoteEnd];
    this.endDial(dial, here);
  }

  #conditionsOf(from: PeerId, to: PeerId): Conditions {
    const conditions = this.#conditions.get(directionKey(from, to)) ?? this.#defaultConditions;
    return this.#vanished.has(from) || this.#vanished.has(to) ? { ...conditions, isDown: true } : conditions;
  }

  #applyConditions(): void {
    const nowMs = this.#clock.nowMs();
    for (const { caller, remote, wire } of this.#connections) {
      wire.setConditions(0, this.#conditionsOf(caller, remote), nowMs);
      wire.setConditions(1, this.#conditionsOf(remote, caller), nowMs);
    }
  }
}

class ConditionedTransport implements Transport {
  readonly localId: PeerId;
  readonly #network: ConditionedNetwork;
  readonly #incoming = new BoundedQueue<Link>(ACCEPT_QUEUE_LINKS_MAX);
  readonly #links = new Set<ConditionedLink>();
  #dialsOpen = 0;
  #isClosed = false;

  constructor(network: ConditionedNetwork, localId: PeerId) {
    this.#network = network;
    this.localId = localId;
  }

  get isReachable(): boolean {
    return !this.#isClosed && this.#network.isBrokerUp;
  }

  accept(): Link | undefined {
    this.#network.pump();
    return this.#incoming.shift();
  }

  connect(remoteId: PeerId, { timeoutMs, signal }: DialOptions): Promise<Link> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed || signal?.aborted === true) throw new DialError('cancelled', `the dial of '${remoteId}' was cancelled`);
      if (this.#dialsOpen >= DIALS_MAX) throw new RangeError(`${this.#dialsOpen + 1} dials at once exceed ${DIALS_MAX}`);
      this.#dialsOpen += 1;
      const onAbort = () => this.#network.endDial(dial, new DialError('cancelled', `the dial of '${remoteId}' was cancelled`));
      const dial = this.#network.dial(this, remoteId, timeoutMs, (result) => {
        this.#dialsOpen -= 1;
        signal?.removeEventListener('abort', onAbort);
        if (result instanceof DialError) reject(result);
        else resolve(result);
      });
      signal?.addEventListener('abort', onAbort);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#network.forget(this);
    for (const link of this.#links) link.close();
    this.#links.clear();
  }

  /** An incoming link; false when too many wait. */
  take(link: ConditionedLink): boolean {
    if (!this.#incoming.push(link)) return false;
    this.keep(link);
    return true;
  }

  /** Remembers a link for `close()`, and forgets those that ended on their own. */
  keep(link: ConditionedLink): void {
    for (const old of this.#links) if (old.end !== undefined) this.#links.delete(old);
    this.#links.add(link);
  }
}

function directionKey(from: PeerId, to: PeerId): string {
  return `${from}\n${to}`;
}
