/** A room's lobby as voice looks at it. By shape alone, so that voice knows nothing of sessions, nor they of calls. */
import type { RosterPlayer, VoiceRoster } from './voice-ports.ts';

export interface LobbyRoom {
  readonly lobby: { readonly players: readonly RosterPlayer[] };
  on(type: 'lobby', listener: () => void): () => void;
  setInVoice(isInVoice: boolean): void;
}

export function rosterOf(room: LobbyRoom): VoiceRoster {
  return {
    get players() {
      return room.lobby.players;
    },
    onChange: (listener) => room.on('lobby', listener),
    announce: (isInVoice) => room.setInVoice(isInVoice),
  };
}
