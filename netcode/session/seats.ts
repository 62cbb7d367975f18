/**
 * Who is in the lobby: one seat each, players and spectators alike, under a number that stays theirs for as long as they stay.
 * Players get the lowest free number, spectators the highest, and who comes back the one they had if it is free. The rules that hold at any time are kept here: no two players of one
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

/** Those who left whose seats are remembered; the longest gone is forgotten. As many as can be in a lobby. */
const GONE_MAX = PLAYERS_MAX;

export class Seats {
  readonly #seats = new Map<PlayerId, Seat>();
  /** By identity. A page that is reloaded has left and comes again: what was theirs and is still free is theirs again. */
  readonly #gone = new Map<string, Pick<Seat, 'id' | 'color' | 'team'>>();
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
    const was = this.#gone.get(identity);
    this.#gone.delete(identity);
    const id = was === undefined || this.#seats.has(was.id) ? this.#freeNumber(isSpectator) : was.id;
    const states = { isReady: false, isSilent: false, isInVoice: false, isHost, isSpectator };
    const seat: Seat = { id, name: '', color: 0, team: 0, pingMs: undefined, path, peerId, identity, ...states };
    seat.color = this.#freeColor(was?.color ?? (id - 1) % PLAYER_COLORS, id);
    seat.team = was?.team ?? this.#smallestTeam(id);
    seat.name = this.#freeName(name, id);
    this.#seats.set(id, seat);
    return seat;
  }

  remove(id: PlayerId): boolean {
    const seat = this.#seats.get(id);
    if (seat === undefined) return false;
    this.#seats.delete(id);
    if (seat.identity !== '') this.#remember(seat);
    return true;
  }

  /** Whether they were here, and went by themselves. */
  wasHere(identity: string): boolean {
    return this.#gone.has(identity);
  }

  forget(identity: string): void {
    this.#gone.delete(identity);
  }

  rename(seat: Seat, name: string): void {
    seat.name = this.#freeName(name, seat.id);
  }

  /** A colour that another player has is not given; the player keeps theirs. */
  recolor(seat: Seat, color: number): void {
    if (isIndex(color, PLAYER_COLORS) && this.#isColorFree(color, seat.id)) seat.color = color;
  }

  /** Whether the team exists, and is theirs now. */
  setTeam(seat: Seat, team: number): boolean {
    if (!isIndex(team, this.#teams)) return false;
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

  #remember({ identity, id, color, team }: Seat): void {
    this.#gone.set(identity, { id, color, team });
    for (const longestGone of this.#gone.keys()) {
      if (this.#gone.size <= GONE_MAX) break;
      this.#gone.delete(longestGone);
    }
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

/** Whether it is one of a list of so many. */
export function isIndex(value: number, length: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < length;
}
