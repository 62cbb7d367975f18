/** Lets the built-in bot play this page's ship: by a timer, since a hidden tab draws nothing and still has to play. */
import type { ArenaRoom, Frames } from '../frames.ts';
import { botInput } from '../rules/bot.ts';

/** A person decides a few times a second; thirty is plenty. */
const DECISION_MS = 33;

/** Plays until the returned function is called. */
export function followBot(room: ArenaRoom, frames: Frames): () => void {
  const timer = setInterval(() => room.setInput(botInput(frames.latest(), room.me)), DECISION_MS);
  return () => clearInterval(timer);
}
