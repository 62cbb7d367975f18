/**
 * The way from one host to the next: dials the new one, says hello, and tries again for as long as the seat is kept. Polled like
 * everything else; what a dial brings too late is closed.
 */
import type { PeerId, PlayerId } from '../core/ids.ts';
import type { AnyGame } from '../define-game.ts';
import type { Link, RelayTicket, Transport } from '../transport/transport.ts';
import { Greeting, type Guest } from './greeting.ts';

/** How long one attempt to reach the new host may take. */
const DIAL_TIMEOUT_MS = 8_000;
/** Between two attempts: the broker, or the new host, may need a moment. */
const RETRY_MS = 400;

export interface MoveOptions {
  readonly transport: Transport;
  readonly to: PeerId;
  readonly guest: Guest;
  readonly relay: RelayTicket;
  /** When the seat is not kept any longer. */
  readonly untilMs: number;
}

export interface Arrival {
  readonly link: Link;
  readonly me: PlayerId;
  readonly rttMs: number;
}

export class Move {
  readonly #game: AnyGame;
  readonly #options: MoveOptions;
  #to: PeerId;
  #isDialling = false;
  #isOver = false;
  #retryMs = -Infinity;
  #link: Link | undefined;
  #greeting: Greeting | undefined;

  constructor(game: AnyGame, options: MoveOptions) {
    this.#game = game;
    this.#options = options;
    this.#to = options.to;
  }

  /** The new host's link and the seat there; 'failed' when it is of no use any more; undefined while it is under way. */
  update(nowMs: number): Arrival | 'failed' | undefined {
    if (this.#greeting !== undefined) return this.#listen(this.#greeting, nowMs);
    if (this.#link !== undefined) {
      this.#greeting = new Greeting(this.#link, this.#game, { guest: this.#options.guest, nowMs });
    } else if (nowMs >= this.#options.untilMs) {
      this.close();
      return 'failed';
    } else if (!this.#isDialling && nowMs >= this.#retryMs) {
      this.#dial(Math.min(DIAL_TIMEOUT_MS, this.#options.untilMs - nowMs));
      this.#retryMs = nowMs + RETRY_MS;
    }
    return undefined;
  }

  close(): void {
    this.#isOver = true;
    this.#link?.close();
    this.#link = undefined;
  }

  #dial(timeoutMs: number): void {
    const { transport, relay } = this.#options;
    this.#isDialling = true;
    transport.connect(this.#to, { timeoutMs, relay }).then(
      (link) => {
        this.#isDialling = false;
        if (this.#isOver) link.close();
        else this.#link = link;
      },
      () => {
        this.#isDialling = false;
      },
    );
  }

  #listen(greeting: Greeting, nowMs: number): Arrival | 'failed' | undefined {
    const answer = greeting.poll(nowMs);
    if (answer === undefined) return undefined;
    const link = this.#link!;
    this.#greeting = undefined;
    this.#link = undefined;
    if (answer.type === 'welcome') return { link, me: answer.me, rttMs: answer.rttMs };
    link.close();
    if (answer.type === 'refuse' || answer.type === 'nonsense') return 'failed';
    if (answer.type === 'moved') this.#to = answer.peerId;
    this.#retryMs = nowMs + RETRY_MS;
    return undefined;
  }
}
