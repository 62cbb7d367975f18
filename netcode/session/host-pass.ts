/**
 * Passing the host role on, as the old host sees it. The heir is sent the whole lobby, and again whenever it changes, until it says that
 * it holds the newest state. Only then is everybody told to move; until then this host is the host, and nothing is lost if the heir
 * says nothing.
 */
import type { PlayerId } from '../core/ids.ts';
import { CONTROL_MESSAGE_BYTES_MAX } from '../transport/transport.ts';
import type { WireBan } from '../wire/control-lobby.ts';
import { encodeControl } from '../wire/control.ts';
import type { LobbyModel } from './lobby-model.ts';
import type { Member } from './member.ts';
import type { RoomCore } from './room-core.ts';

/** How long the heir has to answer. */
const PASS_TIMEOUT_MS = 8_000;

export interface PassState {
  readonly core: RoomCore;
  readonly model: LobbyModel;
  readonly isPassing: boolean;
  /** Players are on their way from the host before this one. */
  readonly isAwaiting: boolean;
  /** Others can be told where this peer is, and it where they are. */
  readonly isReachable: boolean;
}

/** Why the role cannot be passed on now, ready to be shown. */
export function whyNotPass(player: PlayerId, { core, model, isPassing, isAwaiting, isReachable }: PassState): string | undefined {
  if (core.end !== undefined) return 'The room is closed.';
  if (model.phase === 'playing') return 'A match is running. Go back to the lobby first.';
  if (model.startsAtMs !== undefined) return 'The match is about to start. Cancel the start first.';
  if (isPassing) return 'The host role is being passed on already.';
  if (player === core.me) return 'You are the host already.';
  if (isAwaiting) return 'Some players are still on their way here. Try again in a moment.';
  return isReachable ? undefined : 'The server cannot be reached, and without it nobody finds the new host. Try again later.';
}

export class HostPass {
  readonly to: PlayerId;
  /** Settles when the role is passed on, or is not. */
  readonly promise: Promise<void>;
  readonly #member: Member;
  readonly #untilMs: number;
  #resolve: () => void = () => undefined;
  #reject: (error: Error) => void = () => undefined;
  #toldBans: readonly WireBan[] | undefined;
  #toldRevision = -1;
  #heldRevision = -1;

  constructor(member: Member, nowMs: number) {
    this.#member = member;
    this.to = member.player!;
    this.#untilMs = nowMs + PASS_TIMEOUT_MS;
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  isTo(member: Member): boolean {
    return member === this.#member;
  }

  /** Somebody says that they hold the lobby as of this revision: it counts if it is the heir. */
  held(member: Member, revision: number): void {
    if (this.isTo(member)) this.#heldRevision = revision;
  }

  /** Tells the heir what is new. Why it cannot go on, true once the heir holds everything, undefined while it does not. */
  update(model: LobbyModel, ownerToken: string, nowMs: number): string | true | undefined {
    if (this.#heldRevision === model.revision && this.#toldRevision === model.revision) return true;
    if (nowMs >= this.#untilMs) return 'They do not answer. You are still the host: try again, or choose someone else.';
    if (this.#toldRevision === model.revision) return undefined;
    if (this.#toldBans !== model.bans) this.#member.say({ type: 'bans', bans: model.bans });
    this.#toldBans = model.bans;
    const { revision } = model;
    const bytes = encodeControl({ type: 'inherit', revision, ownerToken, lobby: model.estate() });
    if (bytes.byteLength > CONTROL_MESSAGE_BYTES_MAX) return 'The result on show is too large to hand over. Go back to the lobby first.';
    this.#member.link.sendControl(bytes);
    this.#toldRevision = revision;
    return undefined;
  }

  succeed(): void {
    this.#resolve();
  }

  fail(why: string): void {
    this.#reject(new Error(why));
  }
}
