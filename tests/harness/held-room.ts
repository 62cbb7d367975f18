/** The room that a page of a random lobby is in, in the simulator or in a browser: what it is asked to do, and what it shows. */
import type { SessionRoom } from '../../netcode/session/session-room.ts';
import type { Call, Seen } from './random-lobby-stage.ts';

export type RoomCalls = Pick<SessionRoom, Call[0] | 'on'>;

export class HeldRoom {
  #room: RoomCalls | undefined;
  #end: Seen['end'];
  #passing = 0;

  get isOpen(): boolean {
    return this.#room !== undefined && this.#end === undefined;
  }

  /** Undefined: the page is in no room any more. */
  enter(room: RoomCalls | undefined): void {
    this.#room = room;
    this.#end = undefined;
    this.#passing = 0;
    room?.on('closed', ({ end }) => {
      if (this.#room === room) this.#end = end;
    });
  }

  /** The answer; undefined if the room refuses, saying why. A promise of the room's is not awaited. */
  call([method, ...args]: Call): unknown {
    const room = this.#room;
    if (room === undefined) return undefined;
    try {
      const answer: unknown = (room[method] as (...args: readonly unknown[]) => unknown).apply(room, args);
      if (!(answer instanceof Promise)) return answer;
      this.#passing++;
      const settle = (): void => {
        if (this.#room === room) this.#passing--;
      };
      answer.then(settle, settle);
    } catch (error) {
      // What a room refuses is an Error or a RangeError; all else is a defect.
      if (error instanceof TypeError || error instanceof ReferenceError) throw error;
    }
    return undefined;
  }

  see(): Seen | undefined {
    if (this.#room === undefined) return undefined;
    const { role, me, lobby, chat } = this.#room;
    return { role, me, lobby, chat, end: this.#end, isPassing: this.#passing > 0, isBrokerReachable: this.#room.stats().isBrokerReachable };
  }
}
