/**
 * A link that outlives its carriers. It goes over one at a time, direct or through the broker's relay; when that one breaks, or a better
 * one opens, it goes on over another, and neither the session nor the match has to know:
 *
 * - control messages are numbered and kept until the other side has them (`path-control.ts`), so none is lost, doubled or out of order;
 * - state packets carry the netcode's own numbers, so those that cross during a change do no harm;
 * - the dialling side decides which carrier is used (`path-keeper.ts`) and tells the other by 'use'.
 *
 * Everything is polled, like any link: whoever looks at the link first takes in what its carriers have received.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { checkControlSize, checkStateSize, LinkInbox } from './inbox.ts';
import { type CarrierKind, PathCarrier } from './path-carrier.ts';
import { PathControl } from './path-control.ts';
import { type PathFrame, readPathFrame, writeAck, writeHello } from './path-frames.ts';
import type { Link, LinkCounters, LinkEnd, LinkPath, Received } from './transport.ts';

/** A link without any carrier is given up after this; before the session gives up the player (12 s). */
const CARRIERLESS_MS_MAX = 10_000;
/** Messages of a carrier that make no sense before the link is cut off. */
const MALFORMED_MAX = 8;

export interface PathLinkParts {
  readonly clock: Clock;
  readonly remoteId: PeerId;
  /** 128 random bits in hexadecimal, which only the two sides know. */
  readonly linkId: string;
  /** Whether this side dialled. It alone says which carrier is used. */
  readonly isDialler: boolean;
  /** Called first whenever the link is looked at: brings in carriers that came. */
  readonly onLook: () => void;
  /** Called last whenever the link is looked at, while it is open. */
  readonly onLooked: (nowMs: number) => void;
  /** Called once. */
  readonly onEnd: () => void;
}

export class PathLink implements Link {
  readonly remoteId: PeerId;
  readonly linkId: string;
  readonly #parts: PathLinkParts;
  readonly #control = new PathControl();
  readonly #inbox = new LinkInbox();
  readonly #carriers: PathCarrier[] = [];
  #current: PathCarrier | undefined;
  #path: LinkPath = 'direct';
  #changes = -1;
  #end: LinkEnd | undefined;
  #lanesWanted = 1;
  #owesAck = false;
  #isLooking = false;
  #malformed = 0;
  #carrierlessSinceMs: number;

  constructor(parts: PathLinkParts) {
    this.#parts = parts;
    this.remoteId = parts.remoteId;
    this.linkId = parts.linkId;
    this.#carrierlessSinceMs = parts.clock.nowMs();
  }

  get end(): LinkEnd | undefined {
    this.#look();
    return this.#end;
  }

  get counters(): Readonly<LinkCounters> {
    this.#look();
    return this.#inbox.counters;
  }

  get path(): LinkPath {
    if (this.#current !== undefined) this.#path = this.#current.kind === 'relay' ? 'relay' : (this.#current.link.path ?? 'direct');
    return this.#path;
  }

  get pathChanges(): number {
    return Math.max(0, this.#changes);
  }

  get isStream(): boolean {
    return this.#current?.link.isStream === true;
  }

  get hidesQueue(): boolean {
    return this.#current?.link.hidesQueue === true;
  }

  get stateChannel(): Link['stateChannel'] {
    return this.#current?.link.stateChannel;
  }

  /** What it goes over now. Undefined while there is nothing. */
  get current(): PathCarrier | undefined {
    return this.#current;
  }

  carrier(kind: CarrierKind): PathCarrier | undefined {
    return this.#carriers.find((carrier) => carrier.kind === kind);
  }

  stateBufferedBytes(lane = 0): number {
    if (this.#end !== undefined) return lane === 0 ? 0 : Infinity;
    return this.#current?.link.stateBufferedBytes(lane) ?? Infinity;
  }

  openLanes(count: number): void {
    this.#lanesWanted = Math.max(this.#lanesWanted, count);
    if (this.#end === undefined) this.#current?.link.openLanes(count);
  }

  sendControl(bytes: Uint8Array): boolean {
    checkControlSize(bytes);
    if (this.#end !== undefined) return false;
    const frame = this.#control.push(bytes);
    if (frame === undefined) {
      this.#finish('overflow');
      return false;
    }
    this.#inbox.countControlOut(bytes.byteLength);
    this.#owesAck = false;
    if (this.#current !== undefined) {
      this.#current.link.sendControl(frame);
      this.#current.sentNumber = this.#control.lastNumber;
    }
    return true;
  }

  sendState(bytes: Uint8Array, lane = 0): boolean {
    checkStateSize(bytes);
    if (this.#end !== undefined || this.#current?.link.sendState(bytes, lane) !== true) {
      this.#inbox.counters.stateSendRefused += 1;
      return false;
    }
    this.#inbox.countStateOut(bytes.byteLength);
    return true;
  }

  doubt(): void {
    if (this.#parts.isDialler) this.#current?.doubt();
  }

  receiveControl(): Received | undefined {
    this.#look();
    return this.#inbox.shiftControl();
  }

  receiveState(): Received | undefined {
    this.#look();
    for (const { link } of this.#carriers) {
      const packet = link.receiveState();
      if (packet !== undefined) return packet;
    }
    return undefined;
  }

  close(): void {
    this.#finish('closed-here');
  }

  /** Takes a carrier that opened, and greets over it. It takes the place of another of its kind. */
  add(kind: CarrierKind, link: Link): PathCarrier {
    const carrier = new PathCarrier(kind, link, this.#parts.clock.nowMs());
    if (this.#end !== undefined) {
      carrier.say('end');
      link.close();
      return carrier;
    }
    const old = this.carrier(kind);
    if (old !== undefined) this.retire(old);
    this.#carriers.push(carrier);
    link.sendControl(writeHello(this.linkId, this.#control.received));
    return carrier;
  }

  /** The accepting side's `add`, when the other side's greeting was read: it says what the other side has. */
  take(kind: CarrierKind, link: Link, received: number): void {
    const carrier = this.add(kind, link);
    this.#takeHello(carrier, received);
    // `#goOver` minds that a link which is over took none.
    if (this.#current === undefined) this.#goOver(carrier);
  }

  /** The dialling side goes over to this carrier, and the other is told to. */
  use(carrier: PathCarrier): void {
    if (carrier === this.#current || this.#end !== undefined) return;
    carrier.say('use');
    this.#goOver(carrier);
  }

  /** Closes a carrier; the link goes on. */
  retire(carrier: PathCarrier): void {
    carrier.say('retire');
    carrier.link.close();
    this.#remove(carrier);
  }

  #look(): void {
    if (this.#isLooking || this.#end !== undefined) return;
    this.#isLooking = true;
    this.#parts.onLook();
    const nowMs = this.#parts.clock.nowMs();
    for (const carrier of [...this.#carriers]) this.#read(carrier, nowMs);
    if (this.#carriers.length > 0) this.#carrierlessSinceMs = nowMs;
    else if (nowMs - this.#carrierlessSinceMs > CARRIERLESS_MS_MAX) this.#finish('lost');
    if (this.#end === undefined) this.#parts.onLooked(nowMs);
    if (this.#owesAck && this.#end === undefined && this.#current !== undefined) {
      this.#owesAck = false;
      this.#current.link.sendControl(writeAck(this.#control.received));
    }
    this.#isLooking = false;
  }

  #read(carrier: PathCarrier, nowMs: number): void {
    carrier.look(nowMs, this.#inbox.counters);
    const isOver = carrier.link.end;
    for (;;) {
      const received = this.#end === undefined ? carrier.link.receiveControl() : undefined;
      if (received === undefined) break;
      carrier.hear();
      const frame = readPathFrame(received.bytes);
      if (frame === undefined) this.#countMalformed();
      else this.#handle(carrier, frame, received.atMs);
    }
    if (isOver !== undefined && this.#end === undefined) this.#onCarrierEnd(carrier, isOver);
  }

  #handle(carrier: PathCarrier, frame: PathFrame, atMs: number): void {
    switch (frame.kind) {
      case 'hello':
        if (frame.linkId === this.linkId && !carrier.isTaken) this.#takeHello(carrier, frame.received);
        else this.#countMalformed();
        return;
      case 'data':
        this.#takeAck(frame.received);
        this.#takeData(frame.number, { bytes: frame.message, atMs });
        return;
      case 'ack':
        this.#takeAck(frame.received);
        return;
      case 'use':
        if (this.#parts.isDialler) this.#countMalformed();
        else this.#goOver(carrier);
        return;
      case 'ask':
        carrier.say('here');
        return;
      case 'here':
        carrier.hearAnswer();
        return;
      case 'retire':
        carrier.isRetired = true;
        return;
      case 'end':
        this.#finish('closed-there');
        return;
    }
  }

  #takeHello(carrier: PathCarrier, received: number): void {
    carrier.isTaken = true;
    this.#takeAck(received);
  }

  #takeAck(received: number): void {
    if (!this.#control.acknowledge(received)) this.#countMalformed();
  }

  #takeData(number: number, message: Received): void {
    this.#owesAck = true;
    const verdict = this.#control.take(number);
    if (verdict === 'wrong') this.#countMalformed();
    else if (verdict === 'next' && !this.#inbox.pushControl(message.bytes, message.atMs)) this.#finish('overflow');
  }

  /** What the other side may lack goes out again behind what was said on this carrier before. */
  #goOver(carrier: PathCarrier): void {
    if (carrier === this.#current || !this.#carriers.includes(carrier)) return;
    this.#current = carrier;
    this.#changes += 1;
    this.#owesAck = true;
    for (const frame of this.#control.again(carrier.sentNumber)) carrier.link.sendControl(frame);
    carrier.sentNumber = this.#control.lastNumber;
    carrier.link.openLanes(this.#lanesWanted);
  }

  #onCarrierEnd(carrier: PathCarrier, end: LinkEnd): void {
    // Who closes the link says 'end' wherever it can. A carrier that is closed without it while another is open was turned away, or broke there.
    if (this.#carriers.length > 1 || carrier.isRetired || end === 'closed-here' || end === 'lost') this.#remove(carrier);
    else this.#finish(end);
  }

  #remove(carrier: PathCarrier): void {
    const at = this.#carriers.indexOf(carrier);
    if (at >= 0) this.#carriers.splice(at, 1);
    if (this.#current !== carrier) return;
    // Read the path while it is known.
    void this.path;
    this.#current = undefined;
    const other = this.#carriers[0];
    if (!this.#parts.isDialler && other !== undefined) this.#goOver(other);
  }

  #countMalformed(): void {
    this.#inbox.counters.malformedDropped += 1;
    this.#malformed += 1;
    if (this.#malformed > MALFORMED_MAX) this.#finish('overflow');
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    // What was sent before goes first: so the end is told where that went. Where nothing gets through, it is told everywhere.
    const isHeard = this.#current?.speaks === true;
    for (const carrier of this.#carriers) {
      if (end !== 'closed-there') carrier.say(isHeard && carrier !== this.#current ? 'retire' : 'end');
      carrier.link.close();
    }
    this.#parts.onEnd();
  }
}
