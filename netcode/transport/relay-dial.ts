/**
 * One dial through the relay: attempts, each under a new name, until one opens, the relay refuses for good, or time is up. An attempt may
 * fail for reasons that pass: the other side came late, or its broker was just going down.
 */
import type { PeerId } from '../core/ids.ts';
import type { RelayFailure, RelayLink } from './relay-link.ts';
import { DialError } from './transport.ts';

/** From a failed attempt to the next one. */
const RETRY_MS = 1_000;
/** Refusals that another attempt would meet again. */
const LASTING: ReadonlySet<RelayOutcome> = new Set<RelayFailure>(['bad-request', 'unknown-code', 'not-owner', 'not-allowed']);

export type RelayOutcome = 'open' | RelayFailure;

export interface RelayDialParts {
  readonly remoteId: PeerId;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Opens a socket, and tells once what became of it; not before it has returned. */
  readonly attempt: (onDone: (outcome: RelayOutcome) => void) => RelayLink;
  readonly onSettled: (result: RelayLink | DialError) => void;
}

export class RelayDial {
  readonly remoteId: PeerId;
  readonly #parts: RelayDialParts;
  readonly #onAbort = () => this.settle(new DialError('cancelled', `the dial of '${this.remoteId}' was cancelled`));
  #attempt: RelayLink | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #isSettled = false;

  constructor(parts: RelayDialParts) {
    this.#parts = parts;
    this.remoteId = parts.remoteId;
  }

  start(): void {
    const { timeoutMs, signal, remoteId } = this.#parts;
    const late = new DialError('unreachable', `'${remoteId}' did not come to the relay within ${timeoutMs} ms`);
    this.#timer = setTimeout(() => this.settle(late), timeoutMs);
    signal?.addEventListener('abort', this.#onAbort);
    this.#begin();
  }

  /** Ends it; only the first time counts. */
  settle(result: RelayLink | DialError): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retryTimer);
    this.#parts.signal?.removeEventListener('abort', this.#onAbort);
    if (result instanceof DialError) this.#attempt?.close();
    this.#parts.onSettled(result);
  }

  #begin(): void {
    const link = this.#parts.attempt((outcome) => {
      if (this.#isSettled) return;
      if (outcome === 'open') this.settle(link);
      else if (LASTING.has(outcome)) this.settle(new DialError('unreachable', `the relay refused: ${outcome}`));
      else this.#retryTimer = setTimeout(() => this.#begin(), RETRY_MS);
    });
    this.#attempt = link;
  }
}
