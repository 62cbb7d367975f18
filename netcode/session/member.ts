/** The host's end of one guest: their link and its state channel, whether they have been let in, and whether they are still heard. */
import { StateChannel } from '../channel/state-channel.ts';
import type { PlayerId } from '../core/ids.ts';
import type { Link } from '../transport/transport.ts';
import { encodeControl, type HostMessage } from '../wire/control.ts';
import type { Hello } from './admission.ts';
import { Allowance } from './allowance.ts';
import { chatAllowance } from './chat.ts';

/** Messages a guest may send in a burst, and how many a second on top: far above what a hand can click. */
const MESSAGES_BURST_MAX = 60;
const MS_PER_MESSAGE = 50;
/** The host's advantage is told anew when it has changed by so much, and so often at most. */
const ADVANTAGE_STEP_MS = 3;
const ADVANTAGE_INTERVAL_MS = 500;
/** Messages that make no sense before the guest is cut off. */
const MALFORMED_MESSAGES_MAX = 8;

export class Member {
  readonly link: Link;
  readonly channel: StateChannel;
  readonly chat: Allowance;
  /** What they said first; it is answered when it can be. */
  hello: Hello | undefined;
  /** Undefined until the hello was accepted. */
  player: PlayerId | undefined;
  /** Messages taken in since then. */
  heardMessages = 0;
  malformedMessages = 0;
  heardMs: number;
  isSilent = false;
  readonly arrivedMs: number;
  #heardPackets = 0;
  #toldAdvantageMs = 0;
  #toldMs = -Infinity;
  readonly #messages: Allowance;

  constructor(link: Link, nowMs: number) {
    this.link = link;
    this.channel = new StateChannel(link);
    this.chat = chatAllowance(nowMs, { isAtHost: true });
    this.arrivedMs = nowMs;
    this.heardMs = nowMs;
    this.#messages = new Allowance({ atOnce: MESSAGES_BURST_MAX, msPerOne: MS_PER_MESSAGE, nowMs });
  }

  say(message: HostMessage): void {
    this.link.sendControl(encodeControl(message));
  }

  tellAdvantage(hostAdvantageMs: number, nowMs: number): void {
    const isNews = Math.abs(hostAdvantageMs - this.#toldAdvantageMs) >= ADVANTAGE_STEP_MS;
    if (!isNews || nowMs - this.#toldMs < ADVANTAGE_INTERVAL_MS) return;
    this.#toldAdvantageMs = hostAdvantageMs;
    this.#toldMs = nowMs;
    this.say({ type: 'advantage', hostAdvantageMs: Math.round(hostAdvantageMs) });
  }

  /** Notes whether anything arrived since the last call. */
  listen(nowMs: number): boolean {
    const { controlMessagesIn, statePacketsIn } = this.link.counters;
    const heard = controlMessagesIn + statePacketsIn;
    if (heard === this.#heardPackets) return false;
    this.#heardPackets = heard;
    this.heardMs = nowMs;
    return true;
  }

  /** Counts a message; false when the guest has sent too many, or too many that make no sense. */
  admits(isWellFormed: boolean, nowMs: number): boolean {
    if (!isWellFormed) this.malformedMessages++;
    return this.#messages.take(nowMs) && this.malformedMessages <= MALFORMED_MESSAGES_MAX;
  }
}
