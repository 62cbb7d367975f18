/** The bucket never lets through more than its rule, whatever is asked and whenever. */
import { array, assert, double, integer, property, record } from 'fast-check';
import { expect, test } from 'vitest';
import { charge, checkBucketRule, createBucket, tryTake } from '../../../peer-server/limits/token-bucket.ts';

const RULE = { burst: 10, perSecond: 2 };

test('a burst passes at once, then one token a time', () => {
  const bucket = createBucket(RULE, 0);
  for (let i = 0; i < 10; i++) expect(tryTake(bucket, RULE, 1, 0)).toBe(0);
  expect(tryTake(bucket, RULE, 1, 0)).toBe(500);
  expect(tryTake(bucket, RULE, 1, 250)).toBe(250);
  expect(tryTake(bucket, RULE, 1, 500)).toBe(0);
  expect(tryTake(bucket, RULE, 1, 500)).toBe(500);
});

test('an idle hour saves up no more than one burst', () => {
  const bucket = createBucket(RULE, 0);
  for (let i = 0; i < 10; i++) expect(tryTake(bucket, RULE, 1, 3_600_000)).toBe(0);
  expect(tryTake(bucket, RULE, 1, 3_600_000)).toBe(500);
});

test('what costs more than a full bucket takes a full one', () => {
  const bucket = createBucket(RULE, 0);
  expect(tryTake(bucket, RULE, 1000, 0)).toBe(0);
  expect(tryTake(bucket, RULE, 1000, 0)).toBe(5000);
});

test('a debt takes its time to be paid, and is told', () => {
  const bucket = createBucket(RULE, 0);
  expect(charge(bucket, RULE, 10, 0)).toBe(0);
  expect(charge(bucket, RULE, 4, 0)).toBe(2000);
  expect(charge(bucket, RULE, 0, 1500)).toBe(500);
  expect(charge(bucket, RULE, 0, 2000)).toBe(0);
});

test('a clock that goes back gives nothing and breaks nothing', () => {
  const bucket = createBucket(RULE, 1000);
  for (let i = 0; i < 10; i++) expect(tryTake(bucket, RULE, 1, 500)).toBe(0);
  expect(tryTake(bucket, RULE, 1, 0)).toBe(500);
  expect(tryTake(bucket, RULE, 1, 1500)).toBe(0);
});

test('no limit is a rule too', () => {
  const rule = { burst: Number.POSITIVE_INFINITY, perSecond: Number.POSITIVE_INFINITY };
  const bucket = createBucket(rule, 0);
  expect(charge(bucket, rule, 1e9, 0)).toBe(0);
  expect(charge(bucket, rule, 1e9, 5)).toBe(0);
  expect(tryTake(bucket, rule, 1e9, 5)).toBe(0);
});

test('a rule that lets nothing through is refused by name', () => {
  expect(() => checkBucketRule({ burst: 0, perSecond: 1 }, 'limits: lobbies')).toThrow('limits: lobbies: burst 0 must be at least 1');
  expect(() => checkBucketRule({ burst: 1, perSecond: 0 }, 'x')).toThrow('x: 0 a second must be above 0');
  expect(() => checkBucketRule({ burst: Number.NaN, perSecond: 1 }, 'x')).toThrow(RangeError);
});

test('never more passes than burst + rate x time, and the wait that is told is enough', () => {
  const step = record({ waitMs: integer({ min: 0, max: 3000 }), cost: double({ min: 0.1, max: 12, noNaN: true }) });
  const rule = record({ burst: integer({ min: 1, max: 50 }), perSecond: double({ min: 0.05, max: 20, noNaN: true }) });
  assert(
    property(rule, array(step, { maxLength: 60 }), (rule, steps) => {
      const bucket = createBucket(rule, 0);
      let nowMs = 0;
      let taken = 0;
      for (const { waitMs, cost } of steps) {
        nowMs += waitMs;
        const againInMs = tryTake(bucket, rule, cost, nowMs);
        if (againInMs === 0) taken += Math.min(cost, rule.burst);
        expect(taken).toBeLessThanOrEqual(rule.burst + (rule.perSecond * nowMs) / 1000 + 1e-6);
        if (againInMs > 0) {
          nowMs += againInMs;
          expect(tryTake(bucket, rule, cost, nowMs)).toBe(0);
          taken += Math.min(cost, rule.burst);
        }
      }
    }),
  );
});
