/**
 * Keeps invite codes from being tried one after the other. Every look-up is booked as a wrong guess before it is answered
 * (a thousand at the same moment are a thousand), and taken back when it was none. An address has some wrong guesses
 * free, for people mistype; each one beyond doubles the time for which the address is not answered. Wrong guesses are
 * forgiven one by one, slowly: that alone is the rate in the long run. An IPv6 site is counted as a whole as well.
 */
import { addressKey, siteKey } from './address-key.ts';
import { AddressTable } from './address-table.ts';

export interface GuessRule {
  /** Wrong guesses of one address that nobody minds. */
  readonly free: number;
  /** One wrong guess is forgiven in this time. */
  readonly forgiveMs: number;
  /** How long the address waits after the first wrong guess that is not free; doubled by each one after it. */
  readonly delayMs: number;
  /** The longest wait. */
  readonly delayMaxMs: number;
}

/** An IPv6 site has this many times the allowance of one address: it may be a company. */
const SITE_SHARE = 16;

interface GuessRecord {
  /** Wrong guesses not yet forgiven. */
  score: number;
  atMs: number;
  blockedUntilMs: number;
}

export interface Guess {
  /** It was no wrong guess after all. At most once. */
  takeBack(): void;
}

export class GuessGate {
  readonly #rule: GuessRule;
  readonly #nowMs: () => number;
  readonly #records: AddressTable<GuessRecord>;

  constructor(rule: GuessRule, entriesMax: number, nowMs: () => number) {
    if (!(rule.free >= 1)) throw new RangeError(`guesses: ${rule.free} free ones must be at least 1`);
    if (!(rule.forgiveMs > 0) || !(rule.delayMs > 0) || !(rule.delayMaxMs >= rule.delayMs))
      throw new RangeError('guesses: times must be above 0, the longest wait at least the first');
    this.#rule = rule;
    this.#nowMs = nowMs;
    this.#records = new AddressTable({ entriesMax, create: () => ({ score: 0, atMs: nowMs(), blockedUntilMs: Number.NEGATIVE_INFINITY }) });
  }

  /** Parties remembered now. */
  get size(): number {
    return this.#records.size;
  }

  /** Milliseconds for which this address is not to be answered; 0: it may ask. */
  waitMs(address: string | undefined): number {
    const nowMs = this.#nowMs();
    const waits = keysOf(address).map(({ key }) => (this.#records.peek(key)?.blockedUntilMs ?? nowMs) - nowMs);
    return Math.max(0, Math.ceil(Math.max(...waits)));
  }

  /** Books a wrong guess. Only to be called when `waitMs` is 0. */
  book(address: string | undefined): Guess {
    const nowMs = this.#nowMs();
    const booked = keysOf(address).map(({ key, share }) => this.#book(this.#records.get(key), 1 / share, nowMs));
    return {
      takeBack: () => {
        for (const { record, cost, before, until } of booked) {
          record.score = Math.max(0, record.score - cost);
          // Unless a later guess has set another time meanwhile.
          if (record.blockedUntilMs === until) record.blockedUntilMs = before;
        }
      },
    };
  }

  #book(record: GuessRecord, cost: number, nowMs: number): { record: GuessRecord; cost: number; before: number; until: number } {
    const { free, forgiveMs, delayMs, delayMaxMs } = this.#rule;
    const before = record.blockedUntilMs;
    record.score = Math.max(0, record.score - Math.max(0, nowMs - record.atMs) / forgiveMs) + cost;
    record.atMs = Math.max(record.atMs, nowMs);
    const beyond = record.score - free;
    if (beyond > 0) record.blockedUntilMs = Math.max(before, nowMs + Math.min(delayMaxMs, delayMs * 2 ** (Math.ceil(beyond) - 1)) * cost);
    return { record, cost, before, until: record.blockedUntilMs };
  }
}

function keysOf(address: string | undefined): readonly { readonly key: string; readonly share: number }[] {
  const household = { key: addressKey(address), share: 1 };
  const site = siteKey(address);
  return site === undefined ? [household] : [household, { key: site, share: SITE_SHARE }];
}
