/**
 * What others ask about this process. `/healthz`: is it alive (if not, start it again)? `/readyz`: should new clients be sent
 * here? A broker whose store is away, or that is about to end, is alive but not ready.
 */
import type { RequestHandler } from 'express';
import type { Relay } from './relay/relay.ts';
import type { Signalling, SignallingCounters } from './signalling.ts';

/** A store that needs longer is as good as away: those who ask would not wait either. */
const STORE_TIMEOUT_MS = 2_000;

/** The body of `GET /healthz`. Counters only grow. */
export interface Health extends SignallingCounters {
  readonly status: 'ok';
  readonly uptimeSeconds: number;
  /** Registered signalling clients now. */
  readonly peers: number;
  /** Living lobbies now; null while the store does not answer. */
  readonly lobbies: number | null;
  /** Pairs of players between whom this broker relays now. */
  readonly relayedPairs: number;
}

/** The body of `GET /readyz`, with status 200 for 'ready' and 503 for the others. */
export interface Readiness {
  readonly status: 'ready' | 'store-unreachable' | 'shutting-down';
}

export class Vitals {
  readonly #countLobbies: () => Promise<number>;
  readonly #startedAtMs = performance.now();
  #counting: Promise<number | undefined> | undefined;
  #isShuttingDown = false;

  /** `countLobbies` rejects, or never answers, while the store is away. */
  constructor(countLobbies: () => Promise<number>) {
    this.#countLobbies = countLobbies;
  }

  get isShuttingDown(): boolean {
    return this.#isShuttingDown;
  }

  /** From now on this process is not ready, and never will be again. */
  shutDown(): void {
    this.#isShuttingDown = true;
  }

  /** Undefined while the store does not answer. However many ask at the same time, the store is asked once. */
  lobbies(): Promise<number | undefined> {
    this.#counting ??= within(STORE_TIMEOUT_MS, this.#countLobbies).finally(() => (this.#counting = undefined));
    return this.#counting;
  }

  async health({ peers, counters }: Signalling, relayedPairs: number): Promise<Health> {
    const lobbies = (await this.lobbies()) ?? null;
    const uptimeSeconds = Math.floor((performance.now() - this.#startedAtMs) / 1000);
    return { status: 'ok', uptimeSeconds, peers, lobbies, relayedPairs, ...counters };
  }

  async readiness(): Promise<Readiness> {
    if (this.#isShuttingDown) return { status: 'shutting-down' };
    return { status: (await this.lobbies()) === undefined ? 'store-unreachable' : 'ready' };
  }
}

/** `relay` undefined: there is none. */
export function healthRoute(vitals: Vitals, signalling: Signalling, relay: Relay | undefined): RequestHandler {
  return (_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    vitals.health(signalling, relay?.pairs ?? 0).then((health) => response.json(health), next);
  };
}

export function readyRoute(vitals: Vitals): RequestHandler {
  return (_request, response, next) => {
    response.setHeader('Cache-Control', 'no-store');
    vitals.readiness().then((readiness) => response.status(readiness.status === 'ready' ? 200 : 503).json(readiness), next);
  };
}

/** Undefined when it fails or is late. */
async function within<T>(timeoutMs: number, ask: () => Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
  });
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
