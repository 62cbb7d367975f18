/** What a session needs from its surroundings. `platform/` has them for browsers and Node, tests in virtual time. */
import type { Clock, Ticker } from '../core/clock.ts';
import type { LobbyDirectory } from '../transport/directory.ts';
import type { Transport } from '../transport/transport.ts';

export interface SessionDeps {
  readonly clock: Clock;
  readonly ticker: Ticker;
  readonly directory: LobbyDirectory;
  /** Attaches to the broker. Rejects with DialError. */
  openTransport(): Promise<Transport>;
  /** A random 32-bit number that nobody can guess. */
  randomU32(): number;
}
