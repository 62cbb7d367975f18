/**
 * What contexts expect before a packet has taught them anything, as text: one character a probability, 64 levels on a
 * logistic scale. The same few hundred numbers serve every part of every game: a part's contexts are told apart by how
 * well it has been predicted, which means the same everywhere. `npm run bench -- train` makes `default-priors.ts`.
 */
import { type Contexts, PROBABILITY_ONE } from '../wire/range-coder.ts';
import { PRIORS_COUNT } from './contexts.ts';

const LEVELS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Logits of the lowest and highest level: probabilities of 1 in 1,100 and its opposite. */
const LOGIT_MAX = 7;

/** The probabilities of a text. Throws RangeError if it is not one of PRIORS_COUNT levels. */
export function readPriors(text: string): Contexts {
  if (text.length !== PRIORS_COUNT) throw new RangeError(`${text.length} priors, where there are ${PRIORS_COUNT}`);
  return Uint16Array.from(text, (symbol) => {
    const level = LEVELS.indexOf(symbol);
    if (level < 0) throw new RangeError(`'${symbol}' is no prior`);
    const logit = ((level + 0.5) / LEVELS.length) * 2 * LOGIT_MAX - LOGIT_MAX;
    return Math.round(PROBABILITY_ONE / (1 + Math.exp(-logit)));
  });
}

/**
 * The text of what was counted: zeros and ones of each prior in turn. What was hardly ever met keeps what `before` says.
 */
export function writePriors(tally: ArrayLike<number>, before: Contexts): string {
  /** As many observations as the old value is worth. */
  const weight = 6;
  let text = '';
  for (let i = 0; i < PRIORS_COUNT; i++) {
    const p = before[i]! / PROBABILITY_ONE;
    const ones = tally[i * 2 + 1]! + weight * p;
    const zeros = tally[i * 2]! + weight * (1 - p);
    const level = Math.floor(((Math.log(ones / zeros) + LOGIT_MAX) / (2 * LOGIT_MAX)) * LEVELS.length);
    text += LEVELS[Math.min(LEVELS.length - 1, Math.max(0, level))]!;
  }
  return text;
}
