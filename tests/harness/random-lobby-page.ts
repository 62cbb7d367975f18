/** A page with the session's public door and the demo's rules, and nothing to look at: a reload costs little, and tests/browser drives many. */
import { arena } from '../../game/rules/arena.ts';
import { host, type HostOptions, join, JoinError, type JoinFailure, type JoinOptions } from '../../netcode/index.ts';
import { HeldRoom, type RoomCalls } from './held-room.ts';

export interface LobbyPage {
  readonly held: HeldRoom;
  host(options: Omit<HostOptions, 'settings'>): Promise<string>;
  join(code: string, options: JoinOptions): Promise<JoinFailure | 'in'>;
}

declare global {
  interface Window {
    lobbyPage: LobbyPage;
  }
}

const held = new HeldRoom();

window.lobbyPage = {
  held,
  async host(options) {
    const room = await host(arena, options);
    held.enter(room as unknown as RoomCalls);
    return room.lobby.code;
  },
  async join(code, options) {
    try {
      held.enter((await join(arena, code, options)) as unknown as RoomCalls);
      return 'in';
    } catch (error) {
      if (error instanceof JoinError) return error.reason;
      throw error;
    }
  },
};
