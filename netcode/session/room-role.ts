/** What a page does in a room as its host, and what as a guest: the same calls, kept or refused by one, carried to the host by the other. */
import type { PlayerId } from '../core/ids.ts';
import type { LobbyOptions } from './lobby-state.ts';
import type { RoomStats } from './room-stats.ts';

export interface RoomRole {
  readonly role: 'host' | 'guest';
  setName(name: string): void;
  setColor(color: number): void;
  setReady(isReady: boolean): void;
  setTeam(team: number): void;
  setSpectating(isSpectating: boolean): void;
  setInVoice(isOn: boolean): void;
  /** The text has been checked. */
  say(text: string): void;
  start(options?: { readonly countdownMs?: number }): void;
  cancelStart(): void;
  toLobby(): void;
  kick(player: PlayerId): void;
  ban(player: PlayerId): void;
  unban(identity: string): void;
  assign(player: PlayerId, place: { readonly team?: number; readonly isSpectator?: boolean }): void;
  setSettings(changes: object): void;
  setLobby(options: LobbyOptions): void;
  passHost(player: PlayerId): Promise<void>;
  stats(): RoomStats;
  leave(): void;
  /** The room's pulse. */
  update(nowMs: number): void;
}
