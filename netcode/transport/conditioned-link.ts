/**
 * One end of a link in virtual time: the two directions of a `ConditionedWire`. Looking at the link in any way first takes in what
 * is due, so what a reader sees depends on the clock alone.
 */
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import type { WireDirection } from './conditioned-wire.ts';
import { checkControlSize, checkStateSize, LinkInbox } from './inbox.ts';
import {
  CARRIER_CONTROL_BYTES_MAX,
  CONTROL_MESSAGE_BYTES_MAX,
  type Link,
  type LinkCounters,
  type LinkEnd,
  type Received,
} from './transport.ts';

/** How long a path may be down before a browser calls the connection failed (15 to 17 s measured). */
const PATH_LOST_AFTER_MS = 16_000;

export interface ConditionedLinkParts {
  readonly outgoing: WireDirection;
  readonly incoming: WireDirection;
  /** Whether it carries another link, and takes control messages with its headers. */
  readonly isCarrier: boolean;
}

export class ConditionedLink implements Link {
  readonly remoteId: PeerId;
  readonly #clock: Clock;
  readonly #outgoing: WireDirection;
  readonly #incoming: WireDirection;
  readonly #controlBytesMax: number;
  readonly #inbox: LinkInbox;
  #end: LinkEnd | undefined;

  constructor(clock: Clock, remoteId: PeerId, { outgoing, incoming, isCarrier }: ConditionedLinkParts) {
    this.#clock = clock;
    this.#controlBytesMax = isCarrier ? CARRIER_CONTROL_BYTES_MAX : CONTROL_MESSAGE_BYTES_MAX;
    this.#inbox = new LinkInbox({ isCarrier });
    this.remoteId = remoteId;
    this.#outgoing = outgoing;
    this.#incoming = incoming;
  }

  get end(): LinkEnd | undefined {
    this.poll();
    return this.#end;
  }

  get counters(): Readonly<LinkCounters> {
    this.poll();
    return this.#inbox.counters;
  }

  stateBufferedBytes(lane = 0): number {
    this.poll();
    if (this.#end !== undefined) return lane === 0 ? 0 : Infinity;
    return this.#outgoing.stateBufferedBytes(this.#clock.nowMs(), lane);
  }

  openLanes(count: number): void {
    this.poll();
    if (this.#end === undefined) this.#outgoing.openLanes(count, this.#clock.nowMs());
  }

  sendControl(bytes: Uint8Array): boolean {
    checkControlSize(bytes, this.#controlBytesMax);
    this.poll();
    if (this.#end !== undefined) return false;
    if (!this.#outgoing.sendControl(bytes, this.#clock.nowMs())) {
      this.#finish('overflow');
      return false;
    }
    this.#inbox.countControlOut(bytes.byteLength);
    return true;
  }

  sendState(bytes: Uint8Array, lane = 0): boolean {
    checkStateSize(bytes);
    this.poll();
    if (this.#end !== undefined || !this.#outgoing.sendState(bytes, this.#clock.nowMs(), lane)) {
      this.#inbox.counters.stateSendRefused += 1;
      return false;
    }
    this.#inbox.countStateOut(bytes.byteLength);
    return true;
  }

  receiveControl(): Received | undefined {
    this.poll();
    return this.#inbox.shiftControl();
  }

  receiveState(): Received | undefined {
    this.poll();
    return this.#inbox.shiftState();
  }

  close(): void {
    this.poll();
    this.#finish('closed-here');
  }

  /** Takes in all that is due, and the end of the link if that is. */
  poll(): void {
    if (this.#end !== undefined) return;
    const nowMs = this.#clock.nowMs();
    this.#incoming.deliver(nowMs, {
      state: (bytes, atMs) => this.#inbox.pushState(bytes, atMs),
      control: (bytes, atMs) => {
        if (this.#end === undefined && !this.#inbox.pushControl(bytes, atMs)) this.#finish('overflow');
      },
      close: () => this.#finish('closed-there'),
    });
    // ICE asks and answers: with either direction gone, neither side hears the other's answer.
    if (nowMs - this.#outgoing.downSinceMs >= PATH_LOST_AFTER_MS) this.#finish('lost');
  }

  #finish(end: LinkEnd): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    if (end === 'closed-here' || end === 'overflow') this.#outgoing.sendClose(this.#clock.nowMs());
  }
}
