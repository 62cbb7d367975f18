/** The lobby as a page sees it: who is here and what the host has chosen. New objects with every change; nothing in them changes. */
import type { PeerId, PlayerId } from '../core/ids.ts';
import type { SettingValues } from '../wire/settings.ts';

export { COUNTDOWN_MS_MAX, PLAYER_COLORS } from '../wire/control-lobby.ts';

/** Characters (not UTF-16 units) of a name; longer ones are cut. */
export const NAME_LENGTH_MAX = 20;
/** Characters (not UTF-16 units) of a line of chat; longer ones are refused. */
export const CHAT_LENGTH_MAX = 240;
/** Lines of chat that a room remembers. */
export const CHAT_LINES_MAX = 100;
/** Characters of a lobby's password; longer ones are refused. */
export const PASSWORD_LENGTH_MAX = 64;
/** Who only watches, at most, where the host has not said otherwise. */
export const SPECTATORS_MAX_DEFAULT = 8;

/** How someone reaches the host; 'local' is the host's own player. 'turn' and 'relay' cost time and somebody's traffic. */
export type PlayerPath = 'local' | 'direct' | 'turn' | 'relay';

export interface LobbyPlayer {
  /** Stays the same for the whole stay, also when the host role is passed on. */
  readonly id: PlayerId;
  /** Plain text, 1 to NAME_LENGTH_MAX characters, no control characters. Show it as text, never as markup. */
  readonly name: string;
  /** 0 to PLAYER_COLORS - 1, no two players alike; a spectator's may be anybody's. */
  readonly color: number;
  /** 0 to `teams - 1` of the game; 0 where it has none. */
  readonly team: number;
  readonly isReady: boolean;
  readonly isHost: boolean;
  /** Sees the match and takes no part in it: nothing in the world is theirs, and no input of theirs counts. */
  readonly isSpectator: boolean;
  /** Nothing was heard of them for a second and a half: their connection stalls, or their page is gone. */
  readonly isSilent: boolean;
  readonly isInVoice: boolean;
  readonly isMe: boolean;
  /** Roughly, there and back to the host; undefined for the host and until it is measured. */
  readonly pingMs: number | undefined;
  readonly path: PlayerPath;
  /** Their address at the signalling broker. */
  readonly peerId: PeerId;
}

export type RoomPhase =
  /** Gathering, before a match or after its results were seen. */
  | 'lobby'
  /** A match runs. */
  | 'playing'
  /** The match is over and its result shows; the host goes on with `toLobby()`, or `start()`s a rematch. */
  | 'results';

export interface LobbyState<R = unknown, S = SettingValues> {
  /** The invite code, in capitals. */
  readonly code: string;
  readonly phase: RoomPhase;
  /** Players and spectators, by id. */
  readonly players: readonly LobbyPlayer[];
  /** Who plays, at most. */
  readonly playersMax: number;
  /** Who only watches, at most. */
  readonly spectatorsMax: number;
  /** No one else may join. */
  readonly isLocked: boolean;
  /** In phase 'results': what the game's `result` returned. */
  readonly result: R | undefined;
  /** The lobby's own name, as strangers see it in the list; '' for none. */
  readonly name: string;
  /** Whether strangers see it in the list. */
  readonly isPublic: boolean;
  readonly hasPassword: boolean;
  /** Whether guests that no direct connection reaches may come through the broker's relay. */
  readonly isRelayAllowed: boolean;
  /** The game's settings, all of them. */
  readonly settings: S;
  /** Time left until the match starts, at the moment of this state; undefined: no countdown runs. */
  readonly countdownMs: number | undefined;
  /** Who may not come back, for the host's eyes; empty on a guest. */
  readonly bans: readonly LobbyBan[];
}

export interface LobbyBan {
  /** Pass it to `unban`. */
  readonly identity: string;
  /** What they were called. */
  readonly name: string;
}

export interface ChatMessage {
  readonly from: PlayerId;
  /** What they were called when they said it. */
  readonly name: string;
  /** Plain text, 1 to CHAT_LENGTH_MAX characters. Show it as text, never as markup. */
  readonly text: string;
  /** When it came, on the local clock (`performance.now()` in a browser). */
  readonly atMs: number;
  readonly isMine: boolean;
}

/** What the host may say about its lobby; what is left out stays. */
export interface LobbyOptions {
  /** Cut to 48 characters and freed of control characters. */
  readonly name?: string;
  readonly isPublic?: boolean;
  readonly isLocked?: boolean;
  /** '' for none. At most PASSWORD_LENGTH_MAX characters. */
  readonly password?: string;
  /** Who plays, at most: not below who plays already, not above the game's own. */
  readonly playersMax?: number;
  readonly isRelayAllowed?: boolean;
}
