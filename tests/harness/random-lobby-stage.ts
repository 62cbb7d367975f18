/** Where a random lobby takes place: pages that people use, and a broker that dies and comes back, in the simulator or for real. */
import type { ChatMessage, HostOptions, JoinFailure, JoinOptions, LobbyState, PlayerId, RoomEnd } from '../../netcode/index.ts';
import type { SessionRoom } from '../../netcode/session/session-room.ts';

/** A method of a room, and what it is called with. */
export type Call = readonly [method: keyof SessionRoom & string, ...args: readonly unknown[]];

/** What a page shows of its room. */
export interface Seen {
  readonly role: 'host' | 'guest';
  readonly me: PlayerId;
  readonly lobby: LobbyState;
  readonly chat: readonly Pick<ChatMessage, 'from' | 'text'>[];
  /** Set once the room is over. */
  readonly end: RoomEnd | undefined;
  /** The host role is being passed on. */
  readonly isPassing: boolean;
  readonly isBrokerReachable: boolean;
}

/** Somebody's page, whether it is in a room or not. */
export interface PersonPage {
  /** Opens a room; resolves to its code. */
  host(options: Omit<HostOptions, 'settings'>): Promise<string>;
  join(code: string, options: JoinOptions): Promise<JoinFailure | 'in'>;
  /** What the room answered; undefined if it refused with an Error that says why. A promise of the room's is not awaited. */
  call(call: Call): Promise<unknown>;
  see(): Promise<Seen | undefined>;
  /** It goes with its goodbye, and comes back without a room. */
  reload(): Promise<void>;
  /** It dies without a word, and another takes its place. */
  crash(): Promise<void>;
}

export interface Stage {
  /** What the broker answers for the code. */
  lookUp(code: string): Promise<object | undefined>;
  stopBroker(): Promise<void>;
  /** After a while. It remembers nothing. */
  startBroker(draw: (count: number) => number): Promise<void>;
  /** Settings of the game that the pages play. */
  settings(draw: (count: number) => number): object;
  /** Lets a little time pass, or none. */
  pause(draw: (count: number) => number): Promise<void>;
  /** Waits until there is nothing to complain about. Throws Error with the last complaint. */
  settle(complaint: () => Promise<string | undefined>): Promise<void>;
  /** How many the lobby takes: fewer than there are people. */
  readonly places: { readonly playersMax: number; readonly spectatorsMax: number };
  /** Whether it may take a dozen seconds to find out that somebody is dead. */
  readonly isPatient: boolean;
}
