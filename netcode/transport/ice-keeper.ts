/**
 * Keeps the STUN and TURN servers that new connections use. The broker hands out TURN credentials that run out: a page that stays open
 * for a day fetches fresh ones in time. Connections that are open need none.
 */

export interface IceSettings {
  /** Empty: only direct paths within one network. */
  readonly iceServers: readonly RTCIceServer[];
  /** 'relay': through TURN servers only. Default 'all'. */
  readonly iceTransportPolicy?: RTCIceTransportPolicy;
  /** Whether the broker relays for those who cannot connect. Default true. */
  readonly hasRelay?: boolean;
  /** How long the credentials can be used; undefined: for ever. */
  readonly goodForMs?: number | undefined;
}

/** Fetched anew when half of their time is over, so that there is as much again to get through to the broker. */
const RENEW_AFTER = 0.5;
/** A broker that is away is asked again after this. */
const RETRY_MS = 60_000;
/** Not more often, whatever the broker says. */
const RENEW_MS_MIN = 10_000;
/** The longest a timer can wait is 24 days. */
const RENEW_MS_MAX = 7 * 24 * 3_600_000;

export class IceKeeper {
  /** One object for as long as the keeper lives: PeerJS and the lanes read it for each new connection. */
  readonly configuration: RTCConfiguration = { iceServers: [] };
  hasRelay = true;
  readonly #ask: () => Promise<IceSettings>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;

  constructor(ask: () => Promise<IceSettings>) {
    this.#ask = ask;
  }

  /** Resolves when `configuration` is good. Rejects as the asking does. */
  async fetch(): Promise<void> {
    const { iceServers, iceTransportPolicy = 'all', hasRelay = true, goodForMs } = await this.#ask();
    this.configuration.iceServers = [...iceServers];
    this.configuration.iceTransportPolicy = iceTransportPolicy;
    this.hasRelay = hasRelay;
    if (goodForMs !== undefined) this.#renewIn(Math.min(RENEW_MS_MAX, Math.max(RENEW_MS_MIN, goodForMs * RENEW_AFTER)));
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #renewIn(ms: number): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => void this.fetch().catch(() => this.#renewIn(RETRY_MS)), ms);
  }
}
