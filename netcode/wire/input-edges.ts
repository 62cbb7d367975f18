/** Presses: the fields of an input that last one tick (`event()`). */
import type { Layout } from './schema.ts';

/** Sets them to "not pressed". */
export function clearEdges(layout: Layout, row: Int32Array): void {
  for (const { field, at } of layout.entries) if (field.isEdge === true) row[at] = 0;
}
