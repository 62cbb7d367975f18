/** Who was who: names and colours by seat, kept for those who left in the middle of a match so that feed and table still name them. */
import type { LobbyPlayer } from '../../netcode/index.ts';
import { colorOf, type PlayerColor, teamOf } from './palette.ts';

interface Entry {
  readonly name: string;
  readonly color: PlayerColor;
  readonly isMe: boolean;
}

export class Roster {
  readonly #entries = new Map<number, Entry>();

  /** Learns of everyone in the room. Seats are few, so what it remembers is bounded by them. In teams, everybody has their team's colour. */
  learn(players: readonly LobbyPlayer[], hasTeams: boolean): void {
    for (const { id, name, color, team, isMe } of players)
      this.#entries.set(id, { name, color: hasTeams ? teamOf(team) : colorOf(color), isMe });
  }

  nameOf(player: number): string {
    return this.#entries.get(player)?.name ?? `Player ${player}`;
  }

  colorOf(player: number): PlayerColor {
    return this.#entries.get(player)?.color ?? colorOf(-1);
  }

  isMe(player: number): boolean {
    return this.#entries.get(player)?.isMe ?? false;
  }
}
