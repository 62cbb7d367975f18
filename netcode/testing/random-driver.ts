/** Somebody at the controls who knows nothing of the game: holds keys for a while, lets go, presses now and then. */
import type { Rng } from '../core/rng.ts';
import type { Layout } from '../wire/schema.ts';

/** A person changes their mind about a control about this often. */
const CHANGES_PER_SECOND = 2;
const PRESSES_PER_SECOND = 2;

/** What a player presses in one tick: the fields that change. */
export function randomInput(layout: Layout, tickRate: number, rng: Rng): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  for (const { name, field } of layout.entries) {
    if (field.isEdge === true) {
      if (rng.float() * tickRate < PRESSES_PER_SECOND) input[name] = true;
    } else if (rng.float() * tickRate < CHANGES_PER_SECOND && field.parts.every(({ isBlob }) => isBlob !== true)) {
      const row = Int32Array.from(field.parts, ({ min, max }) => min + rng.below(max - min + 1));
      input[name] = field.read(row, 0);
    }
  }
  return input;
}
