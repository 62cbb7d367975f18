/** What one may do to somebody in the room: everybody may stop listening, the host may move, promote and send away. */
import type { LobbyPlayer } from '../../netcode/index.ts';
import type { ArenaRoom } from '../frames.ts';
import { TEAM_NAMES } from './palette.ts';
import type { MenuItem } from './popup-menu.ts';

export type Tell = (message: string) => void;

/** The items of a player's menu, as things stand. Empty for oneself. */
export function actionsFor(room: ArenaRoom, player: LobbyPlayer, tell: Tell): readonly MenuItem[] {
  if (player.isMe) return [];
  const mute = {
    label: room.isMuted(player.id) ? 'Hear in chat again' : 'Mute in chat',
    run: () => room.mute(player.id, !room.isMuted(player.id)),
  };
  if (room.role !== 'host') return [mute];
  // Who left meanwhile, or a seat that was taken meanwhile, is no defect of the page.
  const attempt = (action: () => void) => (): void => {
    try {
      action();
    } catch (error) {
      tell(error instanceof Error ? error.message : 'That did not work.');
    }
  };
  return [
    mute,
    ...placeItems(room, player, attempt),
    ...(room.lobby.phase === 'playing'
      ? []
      : [{ label: 'Make host', confirm: `Make ${player.name} the host?`, run: () => void passTo(room, player, tell) }]),
    { label: 'Kick', confirm: `Kick ${player.name}?`, run: attempt(() => room.kick(player.id)) },
    { label: 'Ban', confirm: `Ban ${player.name} for good?`, run: attempt(() => room.ban(player.id)) },
  ];
}

function placeItems(room: ArenaRoom, player: LobbyPlayer, attempt: (action: () => void) => () => void): MenuItem[] {
  const { id, isSpectator } = player;
  const watch = {
    label: isSpectator ? 'Let play' : 'Let watch',
    run: attempt(() => room.assign(id, { isSpectator: !isSpectator })),
  };
  if (room.lobby.settings.mode !== 'teams' || room.lobby.phase === 'playing' || isSpectator) return [watch];
  const others = TEAM_NAMES.map((name, team) => ({ name, team })).filter(({ team }) => team !== player.team);
  return [...others.map(({ name, team }) => ({ label: `Move to team ${name}`, run: attempt(() => room.assign(id, { team })) })), watch];
}

async function passTo(room: ArenaRoom, { id, name }: LobbyPlayer, tell: Tell): Promise<void> {
  tell(`Making ${name} the host…`);
  try {
    await room.passHost(id);
  } catch (error) {
    tell(error instanceof Error ? error.message : `${name} could not become the host.`);
  }
}
