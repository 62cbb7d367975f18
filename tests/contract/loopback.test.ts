/** The contract in memory. */
import { loopbackHarness } from './virtual-harness.ts';
import { transportContract } from './transport-contract.ts';

transportContract('loopback', loopbackHarness);
