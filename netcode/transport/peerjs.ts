/**
 * The transport of the real game: direct paths and TURN over WebRTC, signalled by PeerJS (`peerjs-carriers.ts`), and the broker's relay
 * where neither opens (`relay-transport.ts`), behind one interface (`path-transport.ts`).
 */
import type { Peer, PeerOptions } from 'peerjs';
import type { Clock } from '../core/clock.ts';
import type { PeerId } from '../core/ids.ts';
import { IceKeeper, type IceSettings } from './ice-keeper.ts';
import { PathTransport } from './path-transport.ts';
import { PeerBroker } from './peerjs-broker.ts';
import { PeerCarriers } from './peerjs-carriers.ts';
import type { PeerMedia } from './peerjs-media.ts';
import { randomHex } from './random-names.ts';
import { RelayTransport } from './relay-transport.ts';

/** Which ways to others are tried. 'direct' has TURN in it; 'relay' is the broker's relay alone. For tests and measurements. */
export type Paths = 'all' | 'direct' | 'relay';

export interface PeerTransportOptions {
  /** Where the broker is: `https://play.example`, a path included if it has one. */
  readonly brokerUrl: string;
  /** STUN and TURN servers, or how to ask for them: while the broker's socket opens, and again before they run out. */
  readonly ice: IceSettings | (() => Promise<IceSettings>);
  /** Default 'all': the relay for those whom the lobby lets through it. */
  readonly paths?: Paths | undefined;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** PeerJS's Peer, if it is not to be loaded from the package. */
  readonly PeerClass?: new (id: string, options: PeerOptions) => Peer;
}

/** Resolves when the broker has registered us under a fresh random id. Rejects with DialError. */
export async function createPeerTransport(options: PeerTransportOptions): Promise<PeerTransport> {
  const { protocol, hostname, port, pathname } = new URL(options.brokerUrl);
  const isSecure = protocol === 'https:';
  const PeerClass = options.PeerClass ?? (await loadPeerClass());
  const localId = randomHex() as PeerId;
  const { ice } = options;
  const keeper = new IceKeeper(typeof ice === 'function' ? ice : () => Promise.resolve(ice));
  const peer = new PeerClass(localId, {
    host: hostname,
    port: port === '' ? (isSecure ? 443 : 80) : Number(port),
    path: pathname,
    secure: isSecure,
    token: randomHex(),
    config: keeper.configuration,
    debug: 0,
  });
  const carriers = new PeerCarriers({ peer, localId, clock: options.clock, configuration: keeper.configuration });
  const transport = new PeerTransport({ carriers, keeper }, options);
  try {
    const [broker] = await Promise.all([PeerBroker.open(peer, options.brokerUrl, options.signal), keeper.fetch()]);
    carriers.useBroker(broker);
  } catch (error) {
    transport.close();
    throw error;
  }
  return transport;
}

interface PeerTransportParts {
  readonly carriers: PeerCarriers;
  readonly keeper: IceKeeper;
}

export class PeerTransport extends PathTransport {
  /** Voice calls. */
  readonly media: PeerMedia;
  readonly #carriers: PeerCarriers;
  readonly #keeper: IceKeeper;
  readonly #onPageHide = () => this.closeLinks();

  constructor(
    { carriers, keeper }: PeerTransportParts,
    { brokerUrl, clock, paths = 'all' }: Pick<PeerTransportOptions, 'brokerUrl' | 'clock' | 'paths'>,
  ) {
    const relay = new RelayTransport({
      localId: carriers.localId,
      clock,
      brokerUrl,
      isReachable: () => carriers.isReachable && keeper.hasRelay,
      offer: (remoteId, pair) => carriers.offerRelay(remoteId, pair),
    });
    super({
      clock,
      direct: paths === 'relay' ? undefined : carriers,
      relay: paths === 'direct' ? undefined : relay,
      randomHex,
      after: (ms, callback) => {
        const timer = setTimeout(callback, ms);
        return () => clearTimeout(timer);
      },
    });
    this.#carriers = carriers;
    this.#keeper = keeper;
    this.media = carriers.media;
    if (paths !== 'direct') carriers.useRelay(relay);
    // Behind the carriers' own listener, which says goodbye on every direct path; this does on the relay.
    if (typeof globalThis.addEventListener === 'function') globalThis.addEventListener('pagehide', this.#onPageHide);
  }

  /** Frames from the broker that were dropped as malformed or out of place. */
  get malformedSignals(): number {
    return this.#carriers.malformedSignals;
  }

  override close(): void {
    if (typeof globalThis.removeEventListener === 'function') globalThis.removeEventListener('pagehide', this.#onPageHide);
    super.close();
    this.#keeper.close();
    // It is the registration at the broker, too, whichever ways are used.
    this.#carriers.close();
  }
}

/** In a browser the package's module has `Peer`; in Node it is CommonJS and has it below `default`. */
export async function loadPeerClass(): Promise<typeof Peer> {
  const loaded: { readonly Peer?: typeof Peer; readonly default: unknown } = await import('peerjs');
  return loaded.Peer ?? (loaded.default as { readonly Peer: typeof Peer }).Peer;
}
