/**
 * The transport whose links always connect, if anything does: directly, through a TURN server, or through the broker's relay, and from one
 * to another while they are open. It is made of two transports whose links are carriers: they know nothing of each other.
 *
 *     dial    direct ----------------> PathLink <---- carriers that its keeper opens later
 *             relay, a little later -->
 *     accept  carriers of both -> the greeting names the link -> a new PathLink, or one more way for an old one
 *
 * A link's name is 128 random bits that the dialling side makes up, and carriers for it are taken from the same peer only, whom signalling
 * vouches for.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { BoundedQueue } from './inbox.ts';
import type { CarrierKind } from './path-carrier.ts';
import { dialPaths } from './path-dial.ts';
import { readPathFrame, writeSign } from './path-frames.ts';
import { PathKeeper } from './path-keeper.ts';
import { PathLink } from './path-link.ts';
import { DialError, type DialOptions, type Link, type RelayPass, type RelayTicket, type Transport } from './transport.ts';

/** Open incoming links: the seats of a session twice, since a lost player's old link ends seconds after the new one opens. */
const INCOMING_LINKS_MAX = 64;
/** Carriers whose greeting is awaited, and for how long: it is the first thing that is said. */
const STRANGERS_MAX = 64;
const GREETING_MS = 5_000;
/** Names of links that are over: a carrier for one of them was dialled before its other side knew. */
const ENDED_LINKS_MAX = 64;
/** Longest wait for a carrier that a link could go on over. */
const CARRIER_TIMEOUT_MS: Readonly<Record<CarrierKind, number>> = { direct: 12_000, relay: 5_000 };

export interface PathTransportParts {
  readonly clock: Clock;
  /** Undefined: relay only. */
  readonly direct: Transport | undefined;
  /** Undefined: never a relay. */
  readonly relay: Transport | undefined;
  /** 128 random bits in hexadecimal. */
  readonly randomHex: () => string;
  readonly after: (ms: number, callback: () => void) => () => void;
}

interface Stranger {
  readonly kind: CarrierKind;
  readonly carrier: Link;
  readonly sinceMs: number;
}

export class PathTransport implements Transport {
  readonly localId: PeerId;
  readonly #parts: PathTransportParts;
  readonly #ways: readonly { readonly kind: CarrierKind; readonly transport: Transport }[];
  readonly #incoming = new BoundedQueue<PathLink>(INCOMING_LINKS_MAX);
  readonly #accepted = new Map<string, PathLink>();
  readonly #dialled = new Set<PathLink>();
  readonly #ended: string[] = [];
  #strangers: Stranger[] = [];
  #strayCarriers = 0;
  #isClosed = false;

  /** At least one of the two ways must be there; both have the same `localId`. */
  constructor(parts: PathTransportParts) {
    const { direct, relay } = parts;
    const any = direct ?? relay;
    if (any === undefined) throw new RangeError('a transport needs a way to others: direct, relay or both');
    this.#parts = parts;
    this.localId = any.localId;
    this.#ways = [
      ...(direct === undefined ? [] : [{ kind: 'direct' as const, transport: direct }]),
      ...(relay === undefined ? [] : [{ kind: 'relay' as const, transport: relay }]),
    ];
  }

  get isReachable(): boolean {
    return !this.#isClosed && this.#ways.some(({ transport }) => transport.isReachable);
  }

  /** Carriers that were turned away: no greeting, or one for a link of somebody else. */
  get strayCarriers(): number {
    return this.#strayCarriers;
  }

  accept(): Link | undefined {
    this.#takeCarriers();
    return this.#incoming.shift();
  }

  /** The relay has a door of its own: `allowRelay`. */
  listen(): void {
    this.#parts.direct?.listen?.();
  }

  allowRelay(pass: RelayPass | undefined): void {
    this.#parts.relay?.allowRelay?.(pass);
  }

  async connect(remoteId: PeerId, options: DialOptions): Promise<PathLink> {
    const { direct, relay, after, randomHex } = this.#parts;
    if (this.#isClosed) throw new DialError('cancelled', `the dial of '${remoteId}' was cancelled`);
    const opened = await dialPaths({ remoteId, direct, relay, options, after });
    if (this.#isClosed) {
      opened.carrier.close();
      throw new DialError('cancelled', `the dial of '${remoteId}' was cancelled`);
    }
    const { link, keeper } = this.#createLink(remoteId, randomHex(), options.relay);
    this.#dialled.add(link);
    if (opened.direct !== undefined) keeper.expect('direct', opened.direct);
    link.use(link.add(opened.kind, opened.carrier));
    return link;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.closeLinks();
    for (const { carrier } of this.#strangers.splice(0)) carrier.close();
    for (const { transport } of this.#ways) transport.close();
  }

  /** Ends every link; the transport stays. */
  closeLinks(): void {
    for (const link of [...this.#dialled, ...this.#accepted.values()]) link.close();
  }

  #createLink(remoteId: PeerId, linkId: string, ticket: RelayTicket | undefined): { link: PathLink; keeper: PathKeeper } {
    const link = new PathLink({
      remoteId,
      linkId,
      isDialler: true,
      clock: this.#parts.clock,
      onLook: () => undefined,
      onLooked: (nowMs) => keeper.update(nowMs),
      onEnd: () => {
        keeper.end();
        this.#dialled.delete(link);
      },
    });
    const keeper = new PathKeeper(link, (kind) => this.#dialCarrier(kind, remoteId, ticket));
    return { link, keeper };
  }

  #dialCarrier(kind: CarrierKind, remoteId: PeerId, ticket: RelayTicket | undefined): Promise<Link> | undefined {
    const transport = this.#parts[kind];
    if (transport?.isReachable !== true || (kind === 'relay' && ticket?.code === undefined)) return undefined;
    return transport.connect(remoteId, { timeoutMs: CARRIER_TIMEOUT_MS[kind], relay: ticket });
  }

  /** Takes in what both ways accepted, and hands over those that have said for which link they are. */
  #takeCarriers(): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const { kind, transport } of this.#ways) {
      for (let carrier = transport.accept(); carrier !== undefined; carrier = transport.accept()) {
        if (this.#strangers.length < STRANGERS_MAX) this.#strangers.push({ kind, carrier, sinceMs: nowMs });
        else this.#turnAway(carrier);
      }
    }
    if (this.#strangers.length === 0) return;
    this.#strangers = this.#strangers.filter((stranger) => !this.#isDone(stranger, nowMs));
  }

  #isDone(stranger: Stranger, nowMs: number): boolean {
    const { carrier, sinceMs } = stranger;
    const message = carrier.receiveControl();
    if (message !== undefined) this.#greet(stranger, message.bytes);
    else if (nowMs - sinceMs > GREETING_MS) this.#turnAway(carrier);
    else return carrier.end !== undefined;
    return true;
  }

  #greet({ kind, carrier }: Stranger, bytes: Uint8Array): void {
    const frame = readPathFrame(bytes);
    if (frame?.kind !== 'hello') {
      this.#turnAway(carrier);
      return;
    }
    const { linkId, received } = frame;
    const known = this.#accepted.get(linkId);
    if (known !== undefined) {
      if (known.remoteId === carrier.remoteId) known.take(kind, carrier, received);
      else this.#turnAway(carrier);
    } else if (this.#ended.includes(linkId)) {
      carrier.sendControl(writeSign('end'));
      carrier.close();
    } else {
      this.#begin(linkId, carrier.remoteId).take(kind, carrier, received);
    }
  }

  #begin(linkId: string, remoteId: PeerId): PathLink {
    const link = new PathLink({
      remoteId,
      linkId,
      isDialler: false,
      clock: this.#parts.clock,
      onLook: () => this.#takeCarriers(),
      onLooked: () => undefined,
      onEnd: () => {
        this.#accepted.delete(linkId);
        this.#ended.push(linkId);
        if (this.#ended.length > ENDED_LINKS_MAX) this.#ended.shift();
      },
    });
    this.#accepted.set(linkId, link);
    if (this.#accepted.size > INCOMING_LINKS_MAX || !this.#incoming.push(link)) link.close();
    return link;
  }

  #turnAway(carrier: Link): void {
    this.#strayCarriers += 1;
    carrier.close();
  }
}
