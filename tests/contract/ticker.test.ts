/** Node's ticker. */
import { createNodeTicker } from '../../netcode/platform/node-ticker.ts';
import { tickerContract } from './ticker-contract.ts';

tickerContract('Node', createNodeTicker);
