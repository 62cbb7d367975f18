/** What a session needs from its surroundings. `platform/` has them for browsers and Node, tests in virtual time. */
import type { Clock, Ticker } from '../core/clock.ts';
import type { LobbyDirectory } from '../transport/directory.ts';
import type { JoinTrace } from '../transport/join-trace.ts';
import type { Transport } from '../transport/transport.ts';
import type { LobbyRoom } from '../voice/room-roster.ts';
import type { RoomVoice } from '../voice/voice.ts';

export interface SessionDeps {
  readonly clock: Clock;
  readonly ticker: Ticker;
  readonly directory: LobbyDirectory;
  /** Attaches to the broker. Rejects with DialError. */
  openTransport(): Promise<Transport>;
  /** A random 32-bit number that nobody can guess. */
  randomU32(): number;
  /** Voice for a room on this transport. Undefined: there is none here, as in Node. */
  readonly createVoice?: ((room: LobbyRoom, transport: Transport) => RoomVoice) | undefined;
  /** Notes what becomes of a join. */
  readonly trace?: JoinTrace | undefined;
}
