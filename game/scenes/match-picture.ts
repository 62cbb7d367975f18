/** What the scene is told about the match it draws. */
import type { Frames } from '../frames.ts';
import type { Roster } from '../ui/roster.ts';
import type { Insets } from './camera.ts';

/** A match as the scene needs it. */
export interface MatchPicture {
  readonly frames: Frames;
  readonly roster: Roster;
  readonly me: number;
  /** Whose ship the camera follows: one's own, or the one that a spectator watches. */
  target(): number | undefined;
  /** What of the screen is covered: the arena's edges stay clear of it. */
  insets(): Insets;
}
