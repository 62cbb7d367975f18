/** The difference between two stored values, and its undoing: the short way round for cyclic parts, kept in range for the others. */
import type { Part, Row } from '../wire/schema.ts';

/** An entity's values: `row[at]…`. */
export interface Values {
  readonly row: Row;
  readonly at: number;
}

export function differ(a: Values, b: Values, stride: number): boolean {
  for (let i = 0; i < stride; i++) if (a.row[a.at + i] !== b.row[b.at + i]) return true;
  return false;
}

/** The difference that leads from one value to another, the short way round for cyclic parts. */
export function difference(part: Part, from: number, to: number): number {
  const plain = to - from;
  if (!part.isCyclic) return plain;
  const span = part.max - part.min + 1;
  if (plain > span / 2) return plain - span;
  return plain < -span / 2 ? plain + span : plain;
}

/** `from` changed by `by`, kept within the part's range: cyclic parts go round, others stop at the end. */
export function moved(part: Part, from: number, by: number): number {
  const value = from + by;
  if (!part.isCyclic) return value < part.min ? part.min : value > part.max ? part.max : value;
  const span = part.max - part.min + 1;
  return ((((value - part.min) % span) + span) % span) + part.min;
}
