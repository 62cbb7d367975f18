/**
 * Who is reachable where: the one interface between signalling and the question whether a peer's socket is at this broker,
 * at another one, or nowhere. `LocalPeerRouter` is one process by itself, the default; `ClusterPeerRouter` (cluster.ts) asks
 * Redis. Signalling calls both alike and never learns which it has.
 *
 * How signalling uses it, in the order of a client's life:
 *
 *   register(id, tokenHash)   before the client is greeted with OPEN; 'taken' -> ID-TAKEN and close
 *   route(dst, frame)         for every checked frame to another client, after the server has set `src`
 *   onFrame(deliver)          hands in what is for a client of this broker; answer false when it is not here
 *   onReplaced(end)           the same id and token has registered at another broker: close the old socket, do not unregister
 *   unregister(id, manner)    when the last socket of that id at this broker is gone
 *
 * A frame that reached another broker and found nobody there is answered by the router with EXPIRE. A `route` that says 'unknown'
 * is the caller's to answer.
 */
import { createHash } from 'node:crypto';

/** EXPIRE is the broker's own word: "whom you called is not there". */
export type RoutedFrameType = 'OFFER' | 'ANSWER' | 'CANDIDATE' | 'LEAVE' | 'EXPIRE';

/** A checked frame on its way. What the receiver gets is `{ type, src, dst, payload }`. */
export interface RoutedFrame {
  readonly type: RoutedFrameType;
  /** Who sent it: set by the server, never by the client. */
  readonly src: string;
  readonly payload?: unknown;
}

export type RegisterAnswer = 'registered' | 'taken';
/** 'sent': on its way to the broker that has the peer. 'unknown': there is no such peer, or it cannot be looked up now. */
export type RouteAnswer = 'delivered-here' | 'sent' | 'unknown';
/** 'left': it said goodbye, its id is free. 'lost': its socket died; the id stays its token's for `ID_HOLD_MS`. */
export type UnregisterManner = 'left' | 'lost';
/** False: no client of that id is at this broker. */
export type DeliverFrame = (dst: string, frame: RoutedFrame) => boolean;

export interface PeerRouter {
  /** What it is told stays in this process: it is given tokens themselves, and nothing needs to be hashed. */
  readonly isAlone?: boolean;
  /**
   * Claims `id` for a client of this broker. 'taken': somebody with another token has it, at whatever broker. Never rejects. A
   * router that need not ask anybody answers at once, so that its client need not wait.
   */
  register(id: string, tokenHash: string): RegisterAnswer | Promise<RegisterAnswer>;
  /** Frames for `id` go nowhere from now on. */
  unregister(id: string, manner: UnregisterManner): void;
  /** Two frames of one sender to one receiver arrive in the order of their calls. Never rejects. */
  route(dst: string, frame: RoutedFrame): Promise<RouteAnswer>;
  /** One callback at a time; it must not throw. */
  onFrame(deliver: DeliverFrame): void;
  /** One callback at a time. Another broker has the client now; its socket here is dead. */
  onReplaced(end: (id: string) => void): void;
  close(): Promise<void>;
}

/** Long enough for a client to come back after its network changed; short enough that a reloaded page with a fixed id is not locked out for long. */
export const ID_HOLD_MS = 15_000;
/** Ids held for clients that were lost, in one of two generations: as many as clients can be registered. The oldest are let go first. */
const HOLDS_MAX = 10_000;

/** What is kept and compared in place of a client's token, so that no store and no other broker ever sees it. */
export function hashPeerToken(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

interface Hold {
  readonly tokenHash: string;
  readonly endsAtMs: number;
}

/**
 * Ids kept for the tokens of clients that were lost. They are forgotten a generation at a time: taking the oldest out of one map
 * over and over would leave holes at its front, which every look for the oldest walks through.
 */
export class IdHolds {
  #young = new Map<string, Hold>();
  #old = new Map<string, Hold>();
  #agesAtMs: number;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#agesAtMs = nowMs() + ID_HOLD_MS;
  }

  add(id: string, tokenHash: string): void {
    const nowMs = this.#nowMs();
    // Then all of the old ones have ended, or there are too many to keep.
    if (nowMs >= this.#agesAtMs || this.#young.size >= HOLDS_MAX) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#agesAtMs = nowMs + ID_HOLD_MS;
    }
    this.#young.set(id, { tokenHash, endsAtMs: nowMs + ID_HOLD_MS });
  }

  /** The token hash for which `id` is kept. */
  ownerOf(id: string): string | undefined {
    const hold = this.#young.get(id) ?? this.#old.get(id);
    return hold !== undefined && hold.endsAtMs > this.#nowMs() ? hold.tokenHash : undefined;
  }

  remove(id: string): void {
    this.#young.delete(id);
    this.#old.delete(id);
  }
}

/** One broker by itself: every peer is here or nowhere. */
export class LocalPeerRouter implements PeerRouter {
  readonly isAlone = true;
  /** Id -> token. As many as signalling lets in. */
  readonly #peers = new Map<string, string>();
  readonly #holds: IdHolds;
  #deliver: DeliverFrame = () => false;

  /** `nowMs`: milliseconds since any fixed moment; never goes back. */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#holds = new IdHolds(nowMs);
  }

  register(id: string, token: string): RegisterAnswer {
    const owner = this.#peers.get(id) ?? this.#holds.ownerOf(id);
    if (owner !== undefined && owner !== token) return 'taken';
    this.#holds.remove(id);
    this.#peers.set(id, token);
    return 'registered';
  }

  unregister(id: string, manner: UnregisterManner): void {
    const token = this.#peers.get(id);
    if (token === undefined) return;
    this.#peers.delete(id);
    if (manner === 'lost') this.#holds.add(id, token);
  }

  route(dst: string, frame: RoutedFrame): Promise<RouteAnswer> {
    return Promise.resolve(this.#peers.has(dst) && this.#deliver(dst, frame) ? 'delivered-here' : 'unknown');
  }

  onFrame(deliver: DeliverFrame): void {
    this.#deliver = deliver;
  }

  /** With one broker nobody can be at another. */
  onReplaced(): void {}

  close(): Promise<void> {
    this.#peers.clear();
    return Promise.resolve();
  }
}
