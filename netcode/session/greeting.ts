/** The guest's side of the handshake: says hello over a fresh link and waits for the answer. Whatever follows it stays in the link. */
import type { PeerId, PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { Link } from '../transport/transport.ts';
import { decodeHostMessage, encodeControl, type Refusal } from '../wire/control.ts';
import { PROTOCOL_VERSION } from '../wire/packet.ts';

/** Longest wait for the host's answer. */
const ANSWER_TIMEOUT_MS = 8_000;
/** Characters of a name that are told; the host cuts them further. */
const NAME_TOLD_MAX = 80;

/** Who wants in. */
export interface Guest {
  readonly name: string;
  readonly identity: string;
  readonly takeOver: boolean;
  readonly password: string;
  readonly isSpectating: boolean;
}

export type Answer =
  | { readonly type: 'welcome'; readonly me: PlayerId; readonly rttMs: number }
  | { readonly type: 'refuse'; readonly reason: Refusal }
  /** The lobby has another host: its address. */
  | { readonly type: 'moved'; readonly peerId: PeerId }
  | { readonly type: 'nonsense' }
  | { readonly type: 'gone' }
  | { readonly type: 'silence' };

export class Greeting {
  readonly #link: Link;
  readonly #startMs: number;

  constructor(link: Link, game: AnyGame, { guest, nowMs }: { readonly guest: Guest; readonly nowMs: number }) {
    this.#link = link;
    this.#startMs = nowMs;
    const { id, version, shape } = game;
    const name = guest.name.slice(0, NAME_TOLD_MAX);
    link.sendControl(encodeControl({ type: 'hello', protocol: PROTOCOL_VERSION, game: id, version, shape, ...guest, name }));
  }

  /** The answer once there is one: to be asked again and again, and not any more after it. */
  poll(nowMs: number): Answer | undefined {
    const received = this.#link.receiveControl();
    if (received === undefined) {
      if (this.#link.end !== undefined) return { type: 'gone' };
      return nowMs - this.#startMs > ANSWER_TIMEOUT_MS ? { type: 'silence' } : undefined;
    }
    const message = decodeHostMessage(received.bytes);
    switch (message?.type) {
      case 'welcome':
        return { ...message, rttMs: nowMs - this.#startMs };
      case 'refuse':
      case 'moved':
        return message;
      case undefined:
        return { type: 'nonsense' };
      default:
        return undefined;
    }
  }
}
