/**
 * What contexts expect before a packet has taught them anything, as text: one character a probability, 64 levels on a
 * logistic scale. The pool's few hundred numbers serve every part of every game: a part's contexts are told apart by how
 * well it has been predicted, which means the same everywhere. `npm run bench -- train` makes `default-priors.ts`. A game's
 * own priors (`trainPriors`) have one for each context of each kind instead, kind after kind.
 */
import { type Contexts, PROBABILITY_ONE } from '../wire/range-coder.ts';
import { PRIORS_COUNT } from './contexts.ts';

const LEVELS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
/** Logits of the lowest and highest level: probabilities of 1 in 1,100 and its opposite. */
const LOGIT_MAX = 7;
/** The levels in 2^-15. Written out, because `Math.exp` may differ in its last bit from engine to engine, and then nothing decodes. */
const PROBABILITIES = [
  33, 41, 52, 64, 80, 99, 123, 153, 191, 237, 294, 366, 454, 563, 698, 864, 1068, 1319, 1625, 1998, 2450, 2994, 3645, 4416, 5321, 6369,
  7567, 8914, 10401, 12012, 13720, 15489, 17279, 19048, 20756, 22367, 23854, 25201, 26399, 27447, 28352, 29123, 29774, 30318, 30770, 31143,
  31449, 31700, 31904, 32070, 32205, 32314, 32402, 32474, 32531, 32577, 32615, 32645, 32669, 32688, 32704, 32716, 32727, 32735,
] as const;

/** The probabilities of a text. Throws RangeError if it is not one of `count` levels. */
export function readPriors(text: string, count = PRIORS_COUNT): Contexts {
  if (text.length !== count) throw new RangeError(`${text.length} priors, where there are ${count}`);
  return Uint16Array.from(text, (symbol) => {
    const level = LEVELS.indexOf(symbol);
    if (level < 0) throw new RangeError(`'${symbol}' is no prior`);
    return PROBABILITIES[level]!;
  });
}

/** The same of a game's own priors. Throws RangeError that says what to do if they are for another shape of the game. */
export function readOwnPriors(text: string, count: number): Contexts {
  if (text.length !== count)
    throw new RangeError(`the game's own priors (${text.length}) were trained for another shape of it (${count}): run trainPriors again`);
  return readPriors(text, count);
}

/**
 * The text of what was counted: zeros and ones of each prior in turn. What was hardly ever met keeps what `before` says.
 */
export function writePriors(tally: ArrayLike<number>, before: Contexts): string {
  /** As many observations as the old value is worth. */
  const weight = 6;
  let text = '';
  for (let i = 0; i < before.length; i++) {
    const p = before[i]! / PROBABILITY_ONE;
    const ones = tally[i * 2 + 1]! + weight * p;
    const zeros = tally[i * 2]! + weight * (1 - p);
    const level = Math.floor(((Math.log(ones / zeros) + LOGIT_MAX) / (2 * LOGIT_MAX)) * LEVELS.length);
    text += LEVELS[Math.min(LEVELS.length - 1, Math.max(0, level))]!;
  }
  return text;
}
