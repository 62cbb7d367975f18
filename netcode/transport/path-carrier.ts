/**
 * One carrier of a `PathLink`: a link of its own over one path, direct or through the relay, and what is known of it: whether it is heard,
 * whether the other side has taken it for this link, and what of its counters has been counted.
 */
import { type PathSign, writeSign } from './path-frames.ts';
import type { Link, LinkCounters } from './transport.ts';

export type CarrierKind = 'direct' | 'relay';

/** A carrier that says nothing for so long is asked whether it works. */
const ASK_AFTER_MS = 500;
/** A carrier that says nothing for so long does not work now: ten heartbeats, and some answers to what it was asked. */
const SILENT_MS = 1_000;
/** A carrier on which nothing seems to arrive, and that has not answered for so long, does not work now, whatever is heard over it. */
const UNANSWERED_MS = 1_000;
/** Of the time between two looks so much counts: a page that was held up has not listened. */
const LISTENED_MS_MAX = 100;

export class PathCarrier {
  readonly kind: CarrierKind;
  readonly link: Link;
  /** The other side has taken it for this link. */
  isTaken = false;
  /** The other side will close it, and the link goes on. */
  isRetired = false;
  /** For how long nothing was heard over it. */
  silentMs = 0;
  /** The last control message that went over it: it is reliable and in order, so none goes twice. */
  sentNumber = 0;
  #lookedMs: number;
  /** For how long it has not answered; undefined: it was not asked, or has answered. */
  #unansweredMs: number | undefined;
  /** Nothing gets through to the other side, until there is an answer. */
  #isDeaf = false;
  #countedPackets = 0;
  #countedBytes = 0;
  #countedMalformed = 0;
  #countedDropped = 0;

  constructor(kind: CarrierKind, link: Link, nowMs: number) {
    this.kind = kind;
    this.link = link;
    this.#lookedMs = nowMs;
  }

  /** Nothing was heard over it for too long, or it knows itself that it does not work now. */
  get isSilent(): boolean {
    return this.silentMs >= SILENT_MS || this.#isDeaf || this.link.end !== undefined || this.link.isTroubled === true;
  }

  /** It works, as far as can be heard. */
  get speaks(): boolean {
    return this.isTaken && !this.isSilent;
  }

  /** It was asked, and the answer is awaited. */
  get isAsked(): boolean {
    return this.#unansweredMs !== undefined;
  }

  say(sign: PathSign): void {
    this.link.sendControl(writeSign(sign));
  }

  /** Something was said over it. */
  hear(): void {
    this.silentMs = 0;
  }

  /** The answer to what it was asked. */
  hearAnswer(): void {
    this.#unansweredMs = undefined;
    this.#isDeaf = false;
  }

  /** It is the current one, and what is sent over it seems not to arrive. A stream that is heard gets through the other way as well, however late it is. */
  doubt(): void {
    if (this.kind === 'relay') return;
    this.#ask(true);
    this.#isDeaf ||= (this.#unansweredMs ?? 0) >= UNANSWERED_MS;
  }

  /** Lets the time pass that nothing was heard, and takes the carrier's counts over into the link's. */
  look(nowMs: number, counters: LinkCounters): void {
    const listenedMs = Math.min(nowMs - this.#lookedMs, LISTENED_MS_MAX);
    this.silentMs += listenedMs;
    if (this.#unansweredMs !== undefined) this.#unansweredMs += listenedMs;
    this.#lookedMs = nowMs;
    const { statePacketsIn, stateBytesIn, malformedDropped, stateInboxDropped } = this.link.counters;
    if (statePacketsIn !== this.#countedPackets) this.hear();
    counters.statePacketsIn += statePacketsIn - this.#countedPackets;
    counters.stateBytesIn += stateBytesIn - this.#countedBytes;
    counters.malformedDropped += malformedDropped - this.#countedMalformed;
    counters.stateInboxDropped += stateInboxDropped - this.#countedDropped;
    this.#countedPackets = statePacketsIn;
    this.#countedBytes = stateBytesIn;
    this.#countedMalformed = malformedDropped;
    this.#countedDropped = stateInboxDropped;
  }

  /** Asks a silent carrier. */
  askIfSilent({ isCurrent }: { readonly isCurrent: boolean }): void {
    if (this.silentMs >= ASK_AFTER_MS) this.#ask(isCurrent);
  }

  /** Once until it answers: control arrives in the end if the path comes back. */
  #ask(isCurrent: boolean): void {
    if (!this.isTaken || this.isAsked) return;
    this.#unansweredMs = 0;
    // A 'use' that another carrier held up may have come behind this one's: then the other side talks into the void.
    if (isCurrent) this.say('use');
    this.say('ask');
  }
}
