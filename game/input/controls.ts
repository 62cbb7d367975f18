/**
 * What the player's hands do, from keyboard and touch together, as one input for the room. Hands report here when they
 * move; nothing is sampled, so a press arrives even if no frame is drawn.
 */
import type { ArenaRoom } from '../frames.ts';

/** The part of the input that lasts while a key or finger is down. */
export interface Held {
  readonly turn: number;
  readonly isAiming: boolean;
  readonly heading: number;
  readonly thrust: boolean;
  readonly brake: boolean;
  readonly fire: boolean;
}

export const NEUTRAL: Held = { turn: 0, isAiming: false, heading: 0, thrust: false, brake: false, fire: false };

export class Controls {
  readonly #room: ArenaRoom;
  readonly #hands = new Map<'keyboard' | 'touch', Held>();

  constructor(room: ArenaRoom) {
    this.#room = room;
  }

  /** A hand's new position replaces its last one. */
  hold(hand: 'keyboard' | 'touch', held: Held): void {
    this.#hands.set(hand, held);
    this.#send();
  }

  /** The trigger was pulled just now, however short. */
  pull(): void {
    this.#room.setInput({ trigger: true });
  }

  release(): void {
    this.#hands.clear();
    this.#send();
  }

  #send(): void {
    const keyboard = this.#hands.get('keyboard') ?? NEUTRAL;
    const touch = this.#hands.get('touch') ?? NEUTRAL;
    this.#room.setInput({
      turn: keyboard.turn,
      isAiming: touch.isAiming,
      heading: touch.heading,
      thrust: keyboard.thrust || touch.thrust,
      brake: keyboard.brake || touch.brake,
      fire: keyboard.fire || touch.fire,
    });
  }
}
