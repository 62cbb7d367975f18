/** What the join bench makes of its visits' times. */
import { describe, expect, test } from 'vitest';
import type { ProbeLog } from '../../bench/join/probe.ts';
import { formatWaterfall, quantileOf, STEPS, waterfallOf } from '../../bench/join/waterfall.ts';

/** Every mark of every step, `gapMs` after the one before, in the steps' order. */
function visit(gapMs: number): ProbeLog {
  const marks: Record<string, number> = {};
  let nowMs = 0;
  for (const mark of STEPS.flatMap(({ from, to }) => [...from, ...to])) marks[mark] ??= nowMs += gapMs;
  marks['flies'] = nowMs + gapMs;
  return { marks, scriptBytes: 0, stallMsMax: 0, dtlsVersion: '1.3' };
}

describe('the waterfall', () => {
  test('a quantile is a value that was measured: of twenty, p95 is the second longest', () => {
    const values = Array.from({ length: 20 }, (_, n) => n + 1).toReversed();
    expect([quantileOf(values, 0.5), quantileOf(values, 0.95), quantileOf([7], 0.95), quantileOf([], 0.5)]).toEqual([10, 19, 7, NaN]);
  });

  test('a step is as long as from the latest of what it waits for to the latest of what it brings', () => {
    const log = visit(1);
    const marks = { ...log.marks, 'in-OPEN': 100, 'code-end': 150, 'config-end': 120, 'out-OFFER': 157 };
    const offer = waterfallOf([{ ...log, marks }], 0).steps.find(({ name }) => name === 'offer');
    expect(offer).toMatchObject({ beginP50: 150, p50: 7, p95: 7 });
  });

  test('the floor is counted in round trips, and is nothing on a network without delay', () => {
    const [lan, wan] = [waterfallOf([visit(1)], 0), waterfallOf([visit(1)], 100)];
    expect([lan.floorMs, wan.floorMs]).toEqual([0, 100 * wan.floorRtts]);
    expect(wan.floorRtts).toBe(STEPS.reduce((sum, { floorRtts }) => sum + floorRtts, 0));
  });

  test('a mark that is missing shows as a gap, and spoils no other step', () => {
    const log = visit(10);
    const { match: _gone, ...marks } = log.marks;
    const waterfall = waterfallOf([{ ...log, marks }], 0);
    expect(waterfall.steps.filter(({ p50 }) => Number.isNaN(p50)).map(({ name }) => name)).toEqual(['match', 'snapshot']);
    expect(formatWaterfall(waterfall)).toMatch(/^match +\d+ +- +- /m);
  });

  test('each step has a line of its own, none longer than the table', () => {
    const lines = formatWaterfall(waterfallOf([visit(5), visit(50), visit(500)], 100)).split('\n');
    expect(lines).toHaveLength(STEPS.length + 1);
    for (const line of lines.slice(1)) expect(line.indexOf('█')).toBeGreaterThan(0);
  });
});
