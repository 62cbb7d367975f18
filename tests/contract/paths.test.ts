/** The contract over links that may go on over another carrier: over each path alone, over both, and while the direct one comes and goes. */
import { pathHarness } from './virtual-harness.ts';
import { transportContract } from './transport-contract.ts';

const SEEDS = [1, 2];

transportContract('a direct path that lasts', () => pathHarness(7, { isChanging: false }));
transportContract('the direct path alone', () => pathHarness(7, { isChanging: false, paths: 'direct' }));
transportContract('the relayed path alone', () => pathHarness(7, { isChanging: false, paths: 'relay' }));
for (const seed of SEEDS) transportContract(`paths that come and go, seed ${seed}`, () => pathHarness(seed, { isChanging: true }));
