/**
 * One dial over all the ways there are: directly at once, and through the relay after a head start, so that a blocked path costs little and
 * a good one costs the relay nothing. The first that opens makes the link; what is still under way goes on in the background.
 */
import type { PeerId } from '../core/ids.ts';
import type { CarrierKind } from './path-carrier.ts';
import { DialError, type DialOptions, type Link, type Transport } from './transport.ts';

/** Head start of the direct path. On one network it opens within 300 ms, at a round trip of 100 ms within a second. */
const RELAY_HEAD_START_MS = 700;

export interface PathDialParts {
  readonly remoteId: PeerId;
  readonly direct: Transport | undefined;
  readonly relay: Transport | undefined;
  readonly options: DialOptions;
  /** Calls back after so long; returns how not to. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

export interface OpenedCarrier {
  readonly kind: CarrierKind;
  readonly carrier: Link;
  /** The direct dial, while it is under way. */
  readonly direct: Promise<Link> | undefined;
}

/** Rejects with DialError. */
export function dialPaths(parts: PathDialParts): Promise<OpenedCarrier> {
  return new Promise((resolve, reject) => new PathDial(parts, resolve, reject).start());
}

class PathDial {
  readonly #parts: PathDialParts;
  readonly #resolve: (opened: OpenedCarrier) => void;
  readonly #reject: (error: unknown) => void;
  /** Ends the relay's dial; the direct one ends with the caller's signal alone. */
  readonly #relayAbort = new AbortController();
  #direct: Promise<Link> | undefined;
  /** Why the direct way is closed. */
  #directError: unknown;
  #isRelayBegun = false;
  /** The relay is no way either, or no longer. */
  #isRelayOver: boolean;
  #relayError: unknown;
  #isSettled = false;
  #stopWaiting = (): void => undefined;

  constructor(parts: PathDialParts, resolve: (opened: OpenedCarrier) => void, reject: (error: unknown) => void) {
    this.#parts = parts;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#isRelayOver = parts.relay?.isReachable !== true || parts.options.relay?.code === undefined;
  }

  start(): void {
    const { direct, options, remoteId, after } = this.#parts;
    options.signal?.addEventListener('abort', () => this.#relayAbort.abort());
    if (options.signal?.aborted === true) this.#relayAbort.abort();
    if (direct === undefined) {
      this.#beginRelay(options.timeoutMs);
      return;
    }
    if (!this.#isRelayOver) this.#stopWaiting = after(RELAY_HEAD_START_MS, () => this.#beginRelay(options.timeoutMs - RELAY_HEAD_START_MS));
    this.#direct = direct.connect(remoteId, options);
    this.#direct.then(
      (carrier) => this.#onDirect(carrier),
      (error: unknown) => this.#onDirectFailed(error),
    );
  }

  #beginRelay(timeoutMs: number): void {
    const { relay, options, remoteId } = this.#parts;
    if (this.#isRelayBegun || this.#isSettled) return;
    this.#isRelayBegun = true;
    this.#stopWaiting();
    if (relay === undefined || options.relay?.code === undefined) {
      this.#fail(new DialError('unreachable', `'${remoteId}' is to be reached through the relay alone, and the lobby allows none`));
      return;
    }
    options.trace?.path('relay', 'trying');
    relay.connect(remoteId, { timeoutMs, signal: this.#relayAbort.signal, relay: options.relay }).then(
      (carrier) => this.#onRelay(carrier),
      (error: unknown) => this.#onRelayFailed(error),
    );
  }

  /** When the relay was first, whoever got the link waits for this carrier too. */
  #onDirect(carrier: Link): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#relayAbort.abort();
    this.#resolve({ kind: 'direct', carrier, direct: undefined });
  }

  #onDirectFailed(error: unknown): void {
    this.#direct = undefined;
    this.#directError = error;
    // Only a path that does not open is helped by another one.
    if (!(error instanceof DialError) || error.failure !== 'unreachable' || this.#isRelayOver) this.#fail(error);
    else this.#beginRelay(this.#parts.options.timeoutMs);
  }

  #onRelay(carrier: Link): void {
    if (this.#isSettled) {
      carrier.close();
      return;
    }
    this.#settle();
    this.#parts.options.trace?.path('relay', 'open');
    this.#resolve({ kind: 'relay', carrier, direct: this.#direct });
  }

  #onRelayFailed(error: unknown): void {
    this.#parts.options.trace?.path('relay', 'failed');
    this.#isRelayOver = true;
    this.#relayError = error;
    if (this.#direct === undefined) this.#fail(this.#directError ?? this.#relayError);
  }

  #fail(error: unknown): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#relayAbort.abort();
    this.#reject(error);
  }

  #settle(): void {
    this.#isSettled = true;
    this.#stopWaiting();
  }
}
