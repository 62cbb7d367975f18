/** Where in its row an entity keeps its position: what interest and questions about the world measure distances by. */
import type { Layout } from './schema.ts';

/** `interest.leave` by default, as a multiple of `enter`: wide enough for what paces to and fro, and half again the area at most. */
const LEAVE_PER_ENTER = 1.25;

export interface Place {
  readonly at: number;
  /** What one stored step is worth, in the position's unit. */
  readonly step: number;
  /** Without a height: a `vec2`. */
  readonly isFlat: boolean;
}

/** A game's `interest`, compiled. Distances in the position's unit. */
export interface InterestRules {
  readonly enter: number;
  readonly leave: number;
  /** By kind; undefined for kinds that are known to everybody. */
  readonly places: readonly (Place | undefined)[];
}

/** The place of a field; undefined if there is none of that name. Throws TypeError, beginning with `what`, if it is no vector. */
export function placeOf(layout: Layout, by: string, what: string): Place | undefined {
  const entry = layout.entries.find((candidate) => candidate.name === by);
  if (entry === undefined) return undefined;
  const { field, at } = entry;
  const value: unknown = field.read(layout.initial, at);
  const isPoint = typeof value === 'object' && value !== null && 'x' in value && 'y' in value;
  const isFlat = isPoint && !('z' in value);
  if (!isPoint || field.step === undefined || field.parts.length !== (isFlat ? 2 : 3))
    throw new TypeError(`${what}, which is no vec2 or vec3`);
  return { at, step: field.step, isFlat };
}

/** Checks and compiles a game's `interest`; undefined if it has none. Throws RangeError or TypeError naming what makes no sense. */
export function interestRules(
  spec: { readonly by?: string; readonly enter: number; readonly leave?: number } | undefined,
  kinds: readonly { readonly name: string; readonly layout: Layout }[],
): InterestRules | undefined {
  if (spec === undefined) return undefined;
  const { by = 'pos', enter, leave = enter * LEAVE_PER_ENTER } = spec;
  if (!(enter > 0 && enter < Infinity)) throw new RangeError(`interest.enter ${enter} must be above 0 and finite`);
  if (!(leave >= enter && leave < Infinity)) throw new RangeError(`interest.leave ${leave} must be finite and at least enter, ${enter}`);
  const places = kinds.map(({ name, layout }) => placeOf(layout, by, `interest goes by '${name}.${by}'`));
  if (places.every((place) => place === undefined)) throw new TypeError(`interest goes by '${by}', which no kind of entity has`);
  return { enter, leave, places };
}
