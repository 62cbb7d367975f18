/**
 * How much of something one party may use: a bucket that holds `burst` tokens at most and gains `perSecond` of them.
 * What is asked for is refused when the tokens are missing (`tryTake`); what has happened already is charged, and the
 * bucket goes into debt until time has paid it back (`charge`). Times come from the caller.
 */

export interface BucketRule {
  /** Tokens of a full bucket: what may be used at once. Infinity: no limit. */
  readonly burst: number;
  /** Tokens gained a second: what may be used in the long run. */
  readonly perSecond: number;
}

/** Its state. Below zero it is in debt. */
export interface Bucket {
  tokens: number;
  atMs: number;
}

/** A full one. */
export function createBucket(rule: BucketRule, nowMs: number): Bucket {
  return { tokens: rule.burst, atMs: nowMs };
}

/** Throws RangeError unless the rule lets something through, sooner or later. `name` is for the message. */
export function checkBucketRule(rule: BucketRule, name: string): void {
  if (!(rule.burst >= 1)) throw new RangeError(`${name}: burst ${rule.burst} must be at least 1`);
  if (!(rule.perSecond > 0)) throw new RangeError(`${name}: ${rule.perSecond} a second must be above 0`);
}

/** 0: `cost` tokens were taken. Otherwise none were, and the number is the milliseconds after which they can be. */
export function tryTake(bucket: Bucket, rule: BucketRule, cost: number, nowMs: number): number {
  refill(bucket, rule, nowMs);
  // What costs more than a full bucket holds would wait for ever; it takes a full one.
  const price = Math.min(cost, rule.burst);
  if (bucket.tokens < price) return msFor(price - bucket.tokens, rule);
  bucket.tokens -= price;
  return 0;
}

/** Takes `cost` tokens, there or not. The milliseconds until the debt is paid; 0: none. */
export function charge(bucket: Bucket, rule: BucketRule, cost: number, nowMs: number): number {
  refill(bucket, rule, nowMs);
  bucket.tokens -= cost;
  return bucket.tokens < 0 ? msFor(-bucket.tokens, rule) : 0;
}

function refill(bucket: Bucket, rule: BucketRule, nowMs: number): void {
  const elapsedMs = nowMs - bucket.atMs;
  // A clock that went back gives no tokens, and takes none.
  if (elapsedMs <= 0) return;
  bucket.tokens = Math.min(rule.burst, bucket.tokens + (elapsedMs * rule.perSecond) / 1000);
  bucket.atMs = nowMs;
}

function msFor(tokens: number, rule: BucketRule): number {
  return Math.ceil((tokens * 1000) / rule.perSecond);
}
