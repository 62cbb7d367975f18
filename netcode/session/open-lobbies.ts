/** The list of public lobbies as a page gets it (`watchLobbies`). */
import type { LobbyWatchEvents } from '../transport/directory.ts';
import type { LobbyListing } from '../wire/lobby-api.ts';

export interface OpenLobby extends LobbyListing {
  /** Roughly, there and back to the host; undefined until it is known. A direct path may be shorter. */
  readonly pingMs: number | undefined;
}

export interface OpenLobbyEvents extends Pick<LobbyWatchEvents, 'onLost'> {
  /** All lobbies known now, newest first; again with every change. */
  readonly onLobbies: (lobbies: readonly OpenLobby[]) => void;
}
