/** Room for who plays and who watches. */
import type { ArenaRoom } from '../frames.ts';

/** Whether somebody who watches may play, or somebody who plays may watch instead. */
export function canChangePlace({ players, playersMax, spectatorsMax }: ArenaRoom['lobby'], isSpectating: boolean): boolean {
  const watching = players.filter(({ isSpectator }) => isSpectator).length;
  return isSpectating ? players.length - watching < playersMax : watching < spectatorsMax;
}
