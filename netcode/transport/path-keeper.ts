/**
 * What the dialling side of a `PathLink` does to keep it on the best path that works: it goes over to a carrier that speaks, direct before
 * the relay, and opens those that are missing. The other side only follows.
 *
 *     direct silent for a second     ask it again; open the relay, and go over to it when it answers
 *     direct speaks again            back to it; the relay is kept a little, for the case that it breaks again
 *     on the relay                   dial directly from time to time: what blocked it may be gone
 *     silent, and no relay           dial directly: the network may be another one by now
 */
import type { CarrierKind, PathCarrier } from './path-carrier.ts';
import type { PathLink } from './path-link.ts';
import type { Link } from './transport.ts';

/** Waits before direct dials while the relay carries the link; the last one again and again. */
const UPGRADE_WAITS_MS = [5_000, 15_000, 30_000] as const;
/** A direct path that is silent for so long is dialled anew; sooner the relay has it, if there is one. */
const REDIAL_AFTER_MS = 3_000;
const REDIAL_WAIT_MS = 5_000;
/** First wait after a relay did not open, doubled each time. */
const RELAY_WAIT_MS_MIN = 1_000;
const RELAY_WAIT_MS_MAX = 15_000;
/** A relay that is not needed any more stays open so long: a path that just came back may break again. */
const RELAY_KEPT_MS = 5_000;

/** Opens a carrier to the link's other side; undefined when that cannot be tried now. */
export type DialCarrier = (kind: CarrierKind) => Promise<Link> | undefined;

export class PathKeeper {
  readonly #link: PathLink;
  readonly #dial: DialCarrier;
  /** Dials under way; one of a kind at a time. */
  readonly #dialling = new Set<CarrierKind>();
  /** Open, and not yet given to the link. At most one of a kind. */
  readonly #opened: { readonly kind: CarrierKind; readonly carrier: Link }[] = [];
  #isEnded = false;
  #upgrades = 0;
  /** When the next dial of each kind may be. */
  #directDueMs = -Infinity;
  #relayDueMs = -Infinity;
  #relayWaitMs = RELAY_WAIT_MS_MIN;
  /** Since when the direct carrier is used and speaks: what lasts makes what was before it forgotten. */
  #directSinceMs: number | undefined;

  constructor(link: PathLink, dial: DialCarrier) {
    this.#link = link;
    this.#dial = dial;
  }

  /** Waits for a dial that is under way. */
  expect(kind: CarrierKind, dial: Promise<Link>): void {
    this.#dialling.add(kind);
    dial.then(
      (carrier) => {
        this.#dialling.delete(kind);
        if (this.#isEnded) carrier.close();
        else this.#opened.push({ kind, carrier });
      },
      () => this.#dialling.delete(kind),
    );
  }

  /** To be called whenever the link was looked at. */
  update(nowMs: number): void {
    for (const { kind, carrier } of this.#opened.splice(0)) this.#link.add(kind, carrier);
    this.#choose();
    for (const kind of ['direct', 'relay'] as const) {
      const carrier = this.#link.carrier(kind);
      carrier?.askIfSilent({ isCurrent: carrier === this.#link.current });
    }
    this.#dialRelay(nowMs);
    this.#dialDirect(nowMs);
    this.#letRelayGo(nowMs);
  }

  /** The link is over. */
  end(): void {
    this.#isEnded = true;
    for (const { carrier } of this.#opened.splice(0)) carrier.close();
  }

  /** A carrier that speaks, direct before the relay; without any that is used, the newest, unheard. */
  #choose(): void {
    const { current } = this.#link;
    const [direct, relay] = [this.#link.carrier('direct'), this.#link.carrier('relay')];
    // Back only to one that answers: of a path that is walled one way, something is heard now and then for seconds.
    if (speaks(direct) && (direct === current || !direct.isAsked)) this.#link.use(direct);
    else if (speaks(relay)) this.#link.use(relay);
    else if (current === undefined && (direct ?? relay) !== undefined) this.#link.use((direct ?? relay)!);
  }

  #dialRelay(nowMs: number): void {
    if (isUsable(this.#link.current) || isUsable(this.#link.carrier('relay'))) return;
    if (this.#dialling.has('relay') || nowMs < this.#relayDueMs) return;
    if (!this.#begin('relay')) return;
    this.#relayDueMs = nowMs + this.#relayWaitMs;
    this.#relayWaitMs = Math.min(2 * this.#relayWaitMs, RELAY_WAIT_MS_MAX);
  }

  #dialDirect(nowMs: number): void {
    const { current } = this.#link;
    if (current?.kind === 'direct' && current.silentMs < REDIAL_AFTER_MS) return;
    const isRelayed = current?.kind === 'relay' && !current.isSilent;
    if (!isRelayed) this.#directDueMs = Math.min(this.#directDueMs, nowMs + REDIAL_WAIT_MS);
    else if (this.#upgrades === 0) this.#waitForUpgrade(nowMs);
    if (this.#dialling.has('direct') || nowMs < this.#directDueMs || !this.#begin('direct')) return;
    if (isRelayed) this.#waitForUpgrade(nowMs);
    else this.#directDueMs = nowMs + REDIAL_WAIT_MS;
  }

  #waitForUpgrade(nowMs: number): void {
    this.#directDueMs = nowMs + UPGRADE_WAITS_MS[Math.min(this.#upgrades, UPGRADE_WAITS_MS.length - 1)]!;
    this.#upgrades += 1;
  }

  #letRelayGo(nowMs: number): void {
    const { current } = this.#link;
    if (current?.kind !== 'direct' || !current.speaks) {
      this.#directSinceMs = undefined;
      return;
    }
    this.#directSinceMs ??= nowMs;
    if (nowMs - this.#directSinceMs < RELAY_KEPT_MS) return;
    this.#relayWaitMs = RELAY_WAIT_MS_MIN;
    this.#upgrades = 0;
    this.#directDueMs = -Infinity;
    const relay = this.#link.carrier('relay');
    if (relay !== undefined) this.#link.retire(relay);
  }

  #begin(kind: CarrierKind): boolean {
    const dial = this.#dial(kind);
    if (dial === undefined) return false;
    this.expect(kind, dial);
    return true;
  }
}

/** Not known not to work: one that has just opened is given the time to answer. */
function isUsable(carrier: PathCarrier | undefined): boolean {
  return carrier?.isSilent === false;
}

function speaks(carrier: PathCarrier | undefined): carrier is PathCarrier {
  return carrier?.speaks === true;
}
