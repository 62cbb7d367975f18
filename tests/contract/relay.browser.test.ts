/** The contract through a real broker's relay alone, in a page. */
import { inject } from 'vitest';
import { createPeerTransport } from '../../netcode/transport/peerjs.ts';
import { relayHarness } from './relay-harness.ts';
import { transportContract } from './transport-contract.ts';

transportContract('the relay in a browser', () => relayHarness(inject('brokerUrl'), createPeerTransport));
