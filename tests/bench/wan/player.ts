/**
 * What the bench asks of a player, whatever it runs in: the real game in a Chromium or a Firefox, or the netcode in Node.
 * A player plays by itself, keeps a log of what passes through its state channels, and is measured by that log alone.
 */
import type { RoomStats } from '../../../netcode/index.ts';
import type { Wan, WanSide } from './wan.ts';

/** A binary message on a channel that never retransmits, as the page's own calls and events saw it. */
export interface Packet {
  /** ms since 1970, with fractions. All players' clocks are this machine's: differences of two players' times count. */
  readonly atMs: number;
  /** Of its bytes (`packet-hash.ts`): the packet that came is the packet that went. */
  readonly hash: number;
  readonly bytes: number;
  /** The low two bits of its first byte: 1 input, 2 snapshot, 3 heartbeat or probe. */
  readonly type: number;
  /** `bufferedAmount` right after the send; 0 when received. */
  readonly waiting: number;
  /** Which of the player's state channels, in the order in which they were made. */
  readonly channel: number;
}

export interface PlayerLog {
  /** In order of time. */
  readonly sent: readonly Packet[];
  readonly received: readonly Packet[];
  /** How late timers of 10 ms were, p99: a player that the machine does not let run is noise. */
  readonly jankMs: number;
}

/** The room's own figures, beside what was measured from outside. */
export type PlayerStats = Partial<RoomStats>;

export interface Player {
  /** The invite code, once the player is in the room. */
  code(): Promise<string>;
  /** A host's that waits to be told (`isWaiting`): starts the match as soon as all guests are ready. */
  start(): Promise<void>;
  /** Resolves as soon as the match runs here. */
  playing(): Promise<void>;
  stats(): Promise<PlayerStats>;
  /** Forgets the log so far. */
  begin(): Promise<void>;
  /** Since `begin`, or since it was opened. */
  log(): Promise<PlayerLog>;
  close(): Promise<void>;
}

export type PlayerKind = 'chromium' | 'firefox' | 'node';
export const PLAYER_KINDS: readonly PlayerKind[] = ['chromium', 'firefox', 'node'];

export interface PlayerSetup {
  /** Runs in this WAN's namespace of `side`: see `Wan.wrapperFor` and `Wan.prefixFor`. */
  readonly wan: Wan;
  readonly side: WanSide;
  /** Where the server is that has both the game's page and the broker, without a slash at its end. */
  readonly url: string;
  readonly role: 'host' | 'guest';
  /** Of the room that a guest joins. */
  readonly code?: string;
  readonly name: string;
  /** A host starts the match as soon as there are two players, unless it waits to be told. */
  readonly isWaiting?: boolean;
}
