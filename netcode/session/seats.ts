/**
 * Who is in the lobby: one seat each, players and spectators alike, under a number that stays theirs for as long as they stay.
 * Players get the lowest free number, spectators the highest. The rules that hold at any time are kept here: no two players of one
 * name or colour, no more of them than there is room for, one host.
 */
import { type PeerId, type PlayerId, PLAYERS_MAX } from '../core/ids.ts';
import type { WirePlayer } from '../wire/control-lobby.ts';
import { PLAYER_COLORS, type PlayerPath } from './lobby-state.ts';
import { cleanName, uniqueName } from './name.ts';

export type Seat = { -readonly [K in keyof WirePlayer]: WirePlayer[K] } & { readonly identity: string };

export interface Newcomer {
  readonly name: string;
  readonly identity: string;
  readonly isHost: boolean;
  readonly isSpectator: boolean;
  readonly path: PlayerPath;
  readonly peerId: PeerId;
}

export class Seats {
  readonly #seats = new Map<PlayerId, Seat>();
  readonly #teams: number;

  /** `teams` is the game's number of teams. */
  constructor(teams: number, seats: readonly Seat[] = []) {
    this.#teams = teams;
    for (const seat of seats) this.#seats.set(seat.id, { ...seat });
  }

  /** By number. */
  get all(): readonly Seat[] {
    return [...this.#seats.values()].sort((a, b) => a.id - b.id);
  }

  get players(): readonly Seat[] {
    return [...this.#seats.values()].filter(({ isSpectator }) => !isSpectator);
  }

  get spectatorCount(): number {
    return this.#seats.size - this.players.length;
  }

  get isFull(): boolean {
    return this.#seats.size >= PLAYERS_MAX;
  }

  get(id: PlayerId): Seat | undefined {
    return this.#seats.get(id);
  }

  /** The seat that someone with this identity has. */
  of(identity: string): Seat | undefined {
    return identity === '' ? undefined : [...this.#seats.values()].find((seat) => seat.identity === identity);
  }

  /** Whoever calls it has asked whether there is room. */
  add({ name, identity, isHost, isSpectator, path, peerId }: Newcomer): Seat {
    const id = this.#freeNumber(isSpectator);
    const states = { isReady: false, isSilent: false, isInVoice: false, isHost, isSpectator };
    const seat: Seat = { id, name: '', color: 0, team: 0, pingMs: undefined, path, peerId, identity, ...states };
    seat.color = this.#freeColor((id - 1) % PLAYER_COLORS, id);
    seat.team = this.#smallestTeam(id);
    seat.name = this.#freeName(name, id);
    this.#seats.set(id, seat);
    return seat;
  }

  remove(id: PlayerId): boolean {
    return this.#seats.delete(id);
  }

  rename(seat: Seat, name: string): void {
    seat.name = this.#freeName(name, seat.id);
  }

  /** A colour that another player has is not given; the player keeps theirs. */
  recolor(seat: Seat, color: number): void {
    if (color < PLAYER_COLORS && this.#isColorFree(color, seat.id)) seat.color = color;
  }

  /** Whether the team exists, and is theirs now. */
  setTeam(seat: Seat, team: number): boolean {
    if (team >= this.#teams) return false;
    seat.team = team;
    return true;
  }

  setSpectating(seat: Seat, isSpectator: boolean): void {
    seat.isReady = false;
    seat.isSpectator = isSpectator;
    if (isSpectator) return;
    if (!this.#isColorFree(seat.color, seat.id)) seat.color = this.#freeColor(seat.color, seat.id);
    seat.team = this.#smallestTeam(seat.id);
  }

  /** The team that lacks somebody most. */
  #smallestTeam(id: PlayerId): number {
    const sizes = Array.from({ length: Math.max(1, this.#teams) }, () => 0);
    for (const seat of this.players) if (seat.id !== id && seat.team < sizes.length) sizes[seat.team]!++;
    return sizes.indexOf(Math.min(...sizes));
  }

  #freeNumber(isFromAbove: boolean): PlayerId {
    let id = isFromAbove ? PLAYERS_MAX : 1;
    while (this.#seats.has(id as PlayerId)) id += isFromAbove ? -1 : 1;
    return id as PlayerId;
  }

  #freeName(wanted: string, id: PlayerId): string {
    return uniqueName(cleanName(wanted), new Set([...this.#seats.values()].filter((seat) => seat.id !== id).map(({ name }) => name)));
  }

  #isColorFree(color: number, id: PlayerId): boolean {
    return !this.players.some((seat) => seat.id !== id && seat.color === color);
  }

  /** The first free colour from `wanted` on. With more players than colours some share one. */
  #freeColor(wanted: number, id: PlayerId): number {
    for (let i = 0; i < PLAYER_COLORS; i++) {
      const color = (wanted + i) % PLAYER_COLORS;
      if (this.#isColorFree(color, id)) return color;
    }
    return wanted % PLAYER_COLORS;
  }
}
