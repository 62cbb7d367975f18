/**
 * Which contexts a kind of entity has, and which prior each begins with. The priors are pooled: parts of all kinds and games
 * share them, because their contexts are told apart by how well a part has been predicted, which means the same everywhere.
 *
 *     for each kind:  flags | rotation's largest | signs | numbers | for each held part: HELD_CONTEXTS
 */
import type { Kind } from '../define-game.ts';
import { NUMBER_CONTEXTS } from '../wire/number.ts';

/** Is everything as expected? steady (2) x the one before (2) x due (3) x edge (2). */
export const AS_EXPECTED = 0;
/** Is it gone? steady (2) x due (3) x edge (2); and of those that did not move lately: one. */
export const GONE = AS_EXPECTED + 24;
export const RESTING_GONE = GONE + 12;
/** Is it as in the baseline? moved when (3) x first switch (2) x the two before (4). */
export const KEPT = RESTING_GONE + 1;
/** Did the bytes of a text change? */
export const BLOB_SAME = KEPT + 24;
/** Is a rotation's largest component the one expected to be, and else the next? By the margin between them (10). */
export const LARGEST_FIRST = BLOB_SAME + 1;
export const MARGINS = 10;
export const LARGEST_SECOND = LARGEST_FIRST + MARGINS;
export const LARGEST_OTHER = LARGEST_SECOND + MARGINS;
/** Of a new entity: is its owner its spawner, does it come from its parent? */
export const NEW_OWN = LARGEST_OTHER + 1;
export const NEW_PARENT = NEW_OWN + 1;
/** Signs: of moving parts and of rotations' by how far they are expected to go (4) x which of the group (3); others one each. */
export const SIGN_FREE = NEW_PARENT + 1;
export const SIGN_ROTATION = SIGN_FREE + 12;
export const SIGN_DRIVEN = SIGN_ROTATION + 12;
export const SIGN_OTHER = SIGN_DRIVEN + 3;
/** Numbers by themselves; each has a sign in SIGN_OTHER and NUMBER_CONTEXTS. */
export const HELD_CHANGE = 0;
export const TICK_CHANGE = 1;
export const NEW_AGE = 2;
export const NEW_TICK = 3;
export const NEW_VELOCITY = 4;
export const NEW_PLACE = 5;
export const NEW_OTHER = 6;
export const NEW_WHICH = 7;
export const NEW_ID = 8;
const OTHER_NUMBERS = 9;
const FLAGS = SIGN_OTHER + OTHER_NUMBERS;

/** How far off a part may be, in classes of powers of two of an eighth of a step. */
export const SCALES = 13;
/** Number contexts of moving parts: of free ones, and of driven ones, each by whether something switched (2) and scale. */
export const NUMBER_FREE = FLAGS;
export const NUMBER_DRIVEN = NUMBER_FREE + 2 * SCALES * NUMBER_CONTEXTS;
export const NUMBER_OTHER = NUMBER_DRIVEN + 2 * SCALES * NUMBER_CONTEXTS;
const SHARED_CONTEXTS = NUMBER_OTHER + OTHER_NUMBERS * NUMBER_CONTEXTS;

/** Is a held part as it was? Changed when (3) x something else changed (2) x due (4) for values; for switches, see `held`. */
export const HELD_CONTEXTS = 24;
const PRIOR_VALUE = SHARED_CONTEXTS;
const PRIOR_SWITCH = PRIOR_VALUE + HELD_CONTEXTS;
/** Priors that there are. */
export const PRIORS_COUNT = PRIOR_SWITCH + HELD_CONTEXTS;

/** The first context of the n-th held part. */
export const heldBase = (n: number): number => SHARED_CONTEXTS + n * HELD_CONTEXTS;

/** The prior of each context of a kind. */
export function priorsOf(kind: Kind, held: Int32Array): Uint16Array {
  const priors: number[] = Array.from({ length: SHARED_CONTEXTS }, (_, i) => i);
  for (const at of held) {
    const { min, max } = kind.layout.parts[at]!;
    const first = min === 0 && max === 1 ? PRIOR_SWITCH : PRIOR_VALUE;
    for (let i = 0; i < HELD_CONTEXTS; i++) priors.push(first + i);
  }
  return Uint16Array.from(priors);
}

/** The usual digits of a number whose scale is in a class: its middle, in powers of two of an eighth. */
export const usualDigitsOf = (scale: number): number => Math.max(0, scale - 4);
