/** When an entity moved last, as far as the client's copies tell: both sides know it before the packet says anything. */
import type { CopyCursor } from './copy-cursor.ts';
import { differ, type Values } from './delta.ts';

/**
 * 3 if the values in the baseline differ from those in the second copy, or it is not in there; else 2 for the third, 1 for the
 * fourth, 0 for none. Ids must ascend from call to call. What is as it was in the oldest copy counts as not moved at all.
 */
export function whenMoved(now: Values, id: number, stride: number, second: CopyCursor, third: CopyCursor, fourth: CopyCursor): number {
  const oldest = fourth.count > 0 ? fourth : third.count > 0 ? third : second;
  if (isSame(now, id, stride, oldest)) return 0;
  if (!isSame(now, id, stride, second)) return 3;
  if (!isSame(now, id, stride, third)) return 2;
  return 1;
}

function isSame(now: Values, id: number, stride: number, copy: CopyCursor): boolean {
  return copy.find(id) && !differ(now, copy, stride);
}
