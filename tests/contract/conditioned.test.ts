/** The contract through simulated networks, from a cable to the worst that is still played on. */
import { conditionedHarness } from './virtual-harness.ts';
import { transportContract } from './transport-contract.ts';

const SEED = 20_261;

transportContract('a perfect cable', () => conditionedHarness(SEED, {}));
transportContract('a clean WAN', () => conditionedHarness(SEED, { delayMs: 50, jitterMs: 5 }));
transportContract('a WAN that loses 5 %', () => conditionedHarness(SEED, { delayMs: 50, jitterMs: 5, lossPct: 5, reorder: true }));
transportContract('a WAN that loses 30 % in bursts, duplicates and reorders', () =>
  conditionedHarness(SEED, { delayMs: 80, jitterMs: 40, lossPct: 30, burstLength: 4, duplicatePct: 5, reorder: true }),
);
transportContract('a narrow link', () => conditionedHarness(SEED, { delayMs: 30, jitterMs: 3, rateKbps: 2_000, queueBytesMax: 32_768 }));
