/**
 * The host's links: whoever has come and not said hello, whoever is in, and whoever was told to go and is given time to read why.
 * What they say is checked and passed on to the room; what becomes of it is decided there.
 */
import type { PlayerId } from '../core/ids.ts';
import type { Link, Transport } from '../transport/transport.ts';
import { decodeGuestMessage, encodeControl, type Farewell, type GuestMessage, type HostMessage } from '../wire/control.ts';
import { Member } from './member.ts';
import { CONTROL_MESSAGES_PER_UPDATE_MAX, PEER_LOST_MS, PEER_SILENT_MS, type RoomCore } from './room-core.ts';

/** Links whose hello is awaited or being thought about at once; more are turned away until some have been answered. */
export const STRANGERS_MAX = 32;
/** Time a new link has to say hello. */
const HELLO_MS = 5_000;
/** Time after which a hello that could not be answered is of no use: whoever said it has given up. */
const ANSWER_MS = 10_000;
/** Time a refused or dismissed guest has to read why and close, before the host does. */
const FAREWELL_MS = 1_000;

export interface GuestsHandler {
  /** Whether this guest is listened to now; else what they say waits in their link. Of a stranger: whether hellos are answered now. */
  isHearing(member: Member): boolean;
  /** A stranger has said hello, or still waits for an answer: `member.hello`. */
  greet(member: Member, nowMs: number): void;
  handle(member: Member, message: GuestMessage, nowMs: number): void;
  setSilent(player: PlayerId, isSilent: boolean): void;
  /** Their link is gone for good. */
  gone(player: PlayerId): void;
  /** Whether state packets are read by a match. */
  readonly isPlaying: boolean;
}

/** Links that are closed a little later, so that what was said last arrives. */
export class ClosingLinks {
  readonly #links: { readonly link: Link; readonly untilMs: number }[] = [];

  add(link: Link, nowMs: number): void {
    this.#links.push({ link, untilMs: nowMs + FAREWELL_MS });
  }

  update(nowMs: number): void {
    while (this.#links.length > 0 && (this.#links[0]!.untilMs <= nowMs || this.#links[0]!.link.end !== undefined))
      this.#links.shift()!.link.close();
  }
}

export class Guests {
  malformed = 0;
  dropped = 0;
  readonly closing = new ClosingLinks();
  readonly #core: RoomCore;
  readonly #handler: GuestsHandler;
  readonly #members = new Set<Member>();

  constructor(core: RoomCore, handler: GuestsHandler) {
    this.#core = core;
    this.#handler = handler;
  }

  get all(): ReadonlySet<Member> {
    return this.#members;
  }

  /** Those who are in. */
  get seated(): readonly Member[] {
    return [...this.#members].filter(({ player }) => player !== undefined);
  }

  of(player: PlayerId): Member | undefined {
    return [...this.#members].find((member) => member.player === player);
  }

  accept(transport: Transport, nowMs: number): void {
    for (;;) {
      const link = transport.accept();
      if (link === undefined) return;
      if (this.#members.size - this.seated.length >= STRANGERS_MAX) link.close();
      else this.#members.add(new Member(link, nowMs));
    }
  }

  update(nowMs: number): void {
    for (const member of this.#members) {
      this.#read(member, nowMs);
      if (this.#members.has(member)) this.#watch(member, nowMs);
    }
    this.closing.update(nowMs);
    this.#core.countBytes(
      [...this.#members].map(({ link }) => link),
      nowMs,
    );
  }

  /** Tells everyone who is in. */
  tell(message: HostMessage): void {
    const bytes = encodeControl(message);
    for (const { player, link } of this.#members) if (player !== undefined) link.sendControl(bytes);
  }

  refuse(member: Member, answer: HostMessage): void {
    member.say(answer);
    this.#release(member);
  }

  /** Tells a member why their stay is over, and gives them time to read it. */
  dismiss(member: Member, reason: Farewell): void {
    this.refuse(member, { type: 'bye', reason });
  }

  /** Forgets a member whose place another link takes. */
  replace(member: Member): void {
    member.player = undefined;
    this.dismiss(member, 'replaced');
  }

  remove(member: Member): void {
    member.link.close();
    this.#forget(member);
  }

  #read(member: Member, nowMs: number): void {
    for (let i = 0; i < CONTROL_MESSAGES_PER_UPDATE_MAX && this.#members.has(member) && this.#handler.isHearing(member); i++) {
      if (member.player === undefined && member.hello !== undefined) break;
      const received = member.link.receiveControl();
      if (received === undefined) break;
      const message = decodeGuestMessage(received.bytes);
      if (!member.admits(message !== undefined, received.atMs)) this.dismiss(member, 'protocol');
      else if (message !== undefined) this.#handle(member, message, nowMs);
    }
    if (this.#members.has(member) && member.player === undefined && member.hello !== undefined && this.#handler.isHearing(member))
      this.#handler.greet(member, nowMs);
  }

  #handle(member: Member, message: GuestMessage, nowMs: number): void {
    if (member.player === undefined) {
      if (message.type === 'hello') member.hello = message;
      return;
    }
    member.heardMessages++;
    this.#handler.handle(member, message, nowMs);
  }

  #watch(member: Member, nowMs: number): void {
    const { player } = member;
    if (member.link.end !== undefined) {
      this.remove(member);
      return;
    }
    if (player === undefined) {
      if (!this.#handler.isHearing(member)) return;
      if (nowMs - member.arrivedMs > (member.hello === undefined ? HELLO_MS : ANSWER_MS)) this.remove(member);
      return;
    }
    const wasHeard = member.listen(nowMs);
    if (!this.#handler.isPlaying) while (member.channel.receive(nowMs) !== undefined);
    member.channel.update(nowMs);
    if (wasHeard) {
      if (member.isSilent) this.#setSilent(member, false);
    } else if (nowMs - member.heardMs > PEER_LOST_MS) this.dismiss(member, 'host-lost');
    else if (!member.isSilent && nowMs - member.heardMs > PEER_SILENT_MS) this.#setSilent(member, true);
  }

  #setSilent(member: Member, isSilent: boolean): void {
    member.isSilent = isSilent;
    this.#handler.setSilent(member.player!, isSilent);
  }

  /** Forgets a member at once, and closes their link a little later. */
  #release(member: Member): void {
    this.closing.add(member.link, this.#core.clock.nowMs());
    this.#forget(member);
  }

  #forget(member: Member): void {
    if (!this.#members.delete(member)) return;
    this.#core.forgetLink(member.link, member.channel);
    this.malformed += member.malformedMessages + member.link.counters.malformedDropped;
    this.dropped += member.link.counters.stateInboxDropped + member.link.counters.stateSendRefused;
    if (member.player !== undefined) this.#handler.gone(member.player);
  }
}
