/** Trained priors: text and numbers agree, training learns what it was shown, and what ships fits the contexts there are. */
import { expect, test } from 'vitest';
import { PRIORS_COUNT } from '../../../netcode/snapshot/contexts.ts';
import { DEFAULT_PRIORS } from '../../../netcode/snapshot/default-priors.ts';
import { readPriors, writePriors } from '../../../netcode/snapshot/priors.ts';
import { PROBABILITY_ONE } from '../../../netcode/wire/range-coder.ts';

test('[PRI1] what ships has a prior for each context, none of them certain', () => {
  const priors = readPriors(DEFAULT_PRIORS);
  expect(priors).toHaveLength(PRIORS_COUNT);
  for (const prior of priors) expect(prior > 0 && prior < PROBABILITY_ONE).toBe(true);
});

test('[PRI2] without observations the text stays as it is', () => {
  expect(writePriors(new Float64Array(2 * PRIORS_COUNT), readPriors(DEFAULT_PRIORS))).toBe(DEFAULT_PRIORS);
});

test('[PRI3] a prior comes close to what was counted', () => {
  const tally = new Float64Array(2 * PRIORS_COUNT);
  tally[0] = 900;
  tally[1] = 100;
  tally[2] = 1;
  tally[3] = 5000;
  const [first, second] = readPriors(writePriors(tally, readPriors(DEFAULT_PRIORS)));
  expect(Math.abs(first! / PROBABILITY_ONE - 0.1)).toBeLessThan(0.02);
  expect(second! / PROBABILITY_ONE).toBeGreaterThan(0.99);
});

test('[PRI4] a text of another length or alphabet is refused by name', () => {
  expect(() => readPriors('abc')).toThrow(`3 priors, where there are ${PRIORS_COUNT}`);
  expect(() => readPriors('!'.repeat(PRIORS_COUNT))).toThrow("'!' is no prior");
});
