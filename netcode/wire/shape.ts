/**
 * What two peers must agree on to read each other's packets, as plain data to be hashed: names, order, ranges and whatever
 * else tells the codec what to expect. How a field is drawn, its tolerance and who receives it are no part of it: peers
 * that differ in these still understand each other.
 */
import type { Layout } from './schema.ts';

/** Lists of lists of names, numbers and truths. */
export function shapeOfLayout({ entries, parts }: Layout): unknown {
  const fields = entries.map(({ name, field }) => {
    const { initial, predictor, isRotation, step = 1, velocity = '', isEdge = false } = field;
    return [name, [...initial], predictor, isRotation, step, velocity, isEdge];
  });
  // Of all parts: those before the first field count too.
  return [fields, parts.map(({ min, max, isCyclic, isBlob = false, isTick = false }) => [min, max, isCyclic, isBlob, isTick])];
}
