/**
 * The lobby's truth, kept by the host: who is here, under which name and colour, ready or not. Plain data behind a few
 * rules, so that it can be handed over to another host one day.
 */
import type { PlayerId } from '../core/ids.ts';
import type { WireLobby, WirePlayer } from '../wire/control.ts';
import { cleanName, uniqueName } from './name.ts';
import { PLAYER_COLORS, type RoomPhase } from './room.ts';

/** Identities that were kicked; the oldest is forgiven beyond that. */
const BANNED_MAX = 256;

type Seat = { -readonly [K in keyof WirePlayer]: WirePlayer[K] } & { readonly identity: string };

export class LobbyModel {
  phase: RoomPhase = 'lobby';
  isLocked = false;
  code: string;
  result: unknown;
  /** Rises with every change, so that the session knows when to tell. */
  revision = 0;
  readonly playersMax: number;
  readonly #seats = new Map<PlayerId, Seat>();
  readonly #banned: string[] = [];

  constructor(options: { readonly code: string; readonly playersMax: number }) {
    this.code = options.code;
    this.playersMax = options.playersMax;
  }

  get isFull(): boolean {
    return this.#seats.size >= this.playersMax;
  }

  get players(): readonly WirePlayer[] {
    return [...this.#seats.values()].sort((a, b) => a.id - b.id);
  }

  isBanned(identity: string): boolean {
    return identity !== '' && this.#banned.includes(identity);
  }

  /** The seat that someone with this identity has, or undefined. */
  seatOf(identity: string): PlayerId | undefined {
    if (identity === '') return undefined;
    for (const seat of this.#seats.values()) if (seat.identity === identity) return seat.id;
    return undefined;
  }

  /** Gives the lowest free seat. The caller has asked `isFull`. */
  add(player: { readonly name: string; readonly identity: string; readonly isHost: boolean }): PlayerId {
    let id = 1 as PlayerId;
    while (this.#seats.has(id)) id = (id + 1) as PlayerId;
    const name = uniqueName(cleanName(player.name), this.#namesBut(id));
    this.#seats.set(id, {
      id,
      name,
      color: this.#freeColor(id - 1, id),
      isReady: false,
      isHost: player.isHost,
      isSilent: false,
      identity: player.identity,
    });
    this.revision++;
    return id;
  }

  remove(id: PlayerId): WirePlayer | undefined {
    const seat = this.#seats.get(id);
    if (seat === undefined) return undefined;
    this.#seats.delete(id);
    this.revision++;
    return seat;
  }

  ban(id: PlayerId): void {
    const identity = this.#seats.get(id)?.identity ?? '';
    if (identity === '') return;
    this.#banned.push(identity);
    if (this.#banned.length > BANNED_MAX) this.#banned.shift();
  }

  setName(id: PlayerId, name: string): void {
    this.#change(id, (seat) => (seat.name = uniqueName(cleanName(name), this.#namesBut(id))));
  }

  /** A colour that another player has is not given; the player keeps theirs. */
  setColor(id: PlayerId, color: number): void {
    if (color >= PLAYER_COLORS) return;
    this.#change(id, (seat) => (seat.color = this.#isColorFree(color, id) ? color : seat.color));
  }

  setReady(id: PlayerId, isReady: boolean): void {
    this.#change(id, (seat) => (seat.isReady = isReady));
  }

  setSilent(id: PlayerId, isSilent: boolean): void {
    this.#change(id, (seat) => (seat.isSilent = isSilent));
  }

  setLocked(isLocked: boolean): void {
    this.isLocked = isLocked;
    this.revision++;
  }

  setCode(code: string): void {
    this.code = code;
    this.revision++;
  }

  enter(phase: RoomPhase, result?: unknown): void {
    this.phase = phase;
    this.result = result;
    for (const seat of this.#seats.values()) seat.isReady = false;
    this.revision++;
  }

  toWire(): WireLobby {
    const players = this.players.map(({ id, name, color, isReady, isHost, isSilent }) => ({ id, name, color, isReady, isHost, isSilent }));
    return {
      code: this.code,
      phase: this.phase,
      players,
      playersMax: this.playersMax,
      isLocked: this.isLocked,
      result: this.result ?? null,
    };
  }

  #change(id: PlayerId, change: (seat: Seat) => void): void {
    const seat = this.#seats.get(id);
    if (seat === undefined) return;
    change(seat);
    this.revision++;
  }

  #namesBut(id: PlayerId): Set<string> {
    return new Set([...this.#seats.values()].filter((seat) => seat.id !== id).map((seat) => seat.name));
  }

  #isColorFree(color: number, id: PlayerId): boolean {
    return ![...this.#seats.values()].some((seat) => seat.id !== id && seat.color === color);
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
