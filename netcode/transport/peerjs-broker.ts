/**
 * Keeps a PeerJS peer registered at the broker: waits for the first `open`, and when the broker is lost later, tries again for ever,
 * slower and slower. Open links do not depend on it. PeerJS itself reconnects only when told, at once, and never gives up waiting.
 *
 * A socket that a network has forgotten tells nobody: PeerJS's heartbeats ask for no answer, and pages do not see the broker's pings. So
 * from time to time an offer is sent to ourselves, which brokers hand back, or refuse.
 */
import type { Peer } from 'peerjs';
import { relayOffer } from './peerjs-signals.ts';
import { randomBase64 } from './random-names.ts';
import { DialError } from './transport.ts';

/** The broker answers within one round trip; TLS and a cold start take a few more. */
const OPEN_TIMEOUT_MS = 10_000;
/** First wait after a loss, doubled each time, up to the maximum: a restarted broker is found soon, long before a seat is given up, and not stormed. */
const RECONNECT_MS_MIN = 500;
const RECONNECT_MS_MAX = 4_000;
/** How often the broker is asked to hand a frame back, and how many in a row it may owe us. */
const ECHO_EVERY_MS = 15_000;
const ECHOES_OWED_MAX = 2;

export class PeerBroker {
  readonly #peer: Peer;
  #attempts = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #echoTimer = setInterval(() => this.#askForEcho(), ECHO_EVERY_MS);
  #echoesOwed = 0;
  #isClosed = false;

  private constructor(peer: Peer) {
    this.#peer = peer;
    peer.on('open', () => {
      this.#attempts = 0;
      this.#echoesOwed = 0;
      clearTimeout(this.#timer);
    });
    peer.on('disconnected', () => this.#retryLater());
  }

  /** Resolves when the broker has registered the peer. Rejects with DialError, the peer destroyed. */
  static open(peer: Peer, brokerUrl: string, signal?: AbortSignal): Promise<PeerBroker> {
    return new Promise((resolve, reject) => {
      const fail = (error: DialError) => {
        stopWaiting();
        peer.destroy();
        reject(error);
      };
      const onOpen = () => {
        stopWaiting();
        resolve(new PeerBroker(peer));
      };
      const onError = (error: { readonly type: string; readonly message: string }) =>
        fail(new DialError('broker-unreachable', `the broker at ${brokerUrl} refused us: ${error.message} (${error.type})`));
      const onAbort = () => fail(new DialError('cancelled', 'opening the transport was cancelled'));
      const timer = setTimeout(
        () => fail(new DialError('broker-unreachable', `the broker at ${brokerUrl} did not answer within ${OPEN_TIMEOUT_MS / 1000} s`)),
        OPEN_TIMEOUT_MS,
      );
      const stopWaiting = () => {
        clearTimeout(timer);
        peer.off('open', onOpen);
        peer.off('error', onError);
        signal?.removeEventListener('abort', onAbort);
      };
      peer.on('open', onOpen);
      peer.on('error', onError);
      signal?.addEventListener('abort', onAbort);
      if (signal?.aborted === true) onAbort();
    });
  }

  get isReachable(): boolean {
    return !this.#isClosed && this.#peer.open;
  }

  /** A frame came from the broker. */
  hear(): void {
    this.#echoesOwed = 0;
  }

  /** Says goodbye to the broker; the peer's connections live on. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#echoTimer);
    this.#peer.disconnect();
  }

  #askForEcho(): void {
    if (!this.#peer.open) return;
    if (this.#echoesOwed >= ECHOES_OWED_MAX) {
      // Leads to the next attempt, on a socket of its own.
      this.#peer.disconnect();
      return;
    }
    this.#echoesOwed += 1;
    this.#peer.socket.send({ type: 'OFFER', dst: this.#peer.id, payload: relayOffer(randomBase64()) });
  }

  #retryLater(): void {
    if (this.#isClosed) return;
    const waitMs = Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** this.#attempts);
    this.#attempts = Math.min(this.#attempts + 1, 16);
    clearTimeout(this.#timer);
    // Half to all of the wait, so that the guests of a restarted broker do not all come back in the same moment.
    this.#timer = setTimeout(() => this.#retry(), waitMs * (0.5 + randomFraction() / 2));
  }

  #retry(): void {
    if (this.#isClosed || this.#peer.destroyed || !this.#peer.disconnected) return;
    // A broker that accepts the socket and says nothing must not hold us for ever: `disconnect` leads to the next attempt.
    this.#timer = setTimeout(() => {
      if (!this.#peer.open) this.#peer.disconnect();
    }, OPEN_TIMEOUT_MS);
    try {
      this.#peer.reconnect();
    } catch {
      this.#peer.disconnect();
    }
  }
}

function randomFraction(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) / 2 ** 32;
}
