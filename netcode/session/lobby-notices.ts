/** What is worth a line on the screen when the lobby has changed: told from one state and the next, so that all pages say the same. */
import type { LobbyPlayer, LobbyState } from './lobby-state.ts';
import type { Notice } from './room.ts';

export function noticesBetween(before: LobbyState, after: LobbyState): Notice[] {
  const notices: Notice[] = [];
  const add = (code: Notice['code'], message: string): void => void notices.push({ code, message });
  for (const player of after.players) {
    const known = before.players.find(({ id }) => id === player.id);
    if (known !== undefined) addChanges(known, player, add);
    else if (!player.isMe) add('player-joined', player.isSpectator ? `${player.name} came to watch.` : `${player.name} joined.`);
  }
  for (const player of before.players) if (!after.players.some(({ id }) => id === player.id)) add('player-left', `${player.name} left.`);
  if (before.code !== after.code) add('code-changed', `The invite code is ${after.code} now: the old one was given to another lobby.`);
  if (before.countdownMs === undefined && after.countdownMs !== undefined) add('countdown', 'The match is about to start.');
  if (before.countdownMs !== undefined && after.countdownMs === undefined && after.phase !== 'playing')
    add('countdown-cancelled', 'The match does not start yet.');
  return notices;
}

function addChanges(before: LobbyPlayer, after: LobbyPlayer, add: (code: Notice['code'], message: string) => void): void {
  const { name, isMe, isHost } = after;
  if (isHost && !before.isHost) add('host-changed', isMe ? 'You are the host now.' : `${name} is the host now.`);
  if (after.isSpectator && !before.isSpectator) add('spectating', isMe ? 'You are watching now.' : `${name} is watching now.`);
  if (!after.isSpectator && before.isSpectator) add('playing', isMe ? 'You are playing now.' : `${name} is playing now.`);
  if (after.isSilent === before.isSilent || isMe) return;
  if (!after.isSilent) add('peer-back', isHost ? 'The connection is back.' : `${name} is back.`);
  else add('peer-silent', `${isHost ? 'The host' : name} does not answer. Waiting for the connection to come back…`);
}
