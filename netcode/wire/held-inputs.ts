/**
 * What players hold down, as it is relayed to all in games that predict others' things (policy `all`): the input's fields but
 * presses, which are over by the time they would arrive, and fields that concern their player alone (`to: 'owner'`).
 */
import type { AnyField, FieldMap } from './schema.ts';

/** The hidden kind of entity that holds them, one for each player in the match. */
export const HELD_INPUT = '~input';
/** Before the names of its fields, so that nothing takes them for a game's own: a heading that is held is no ship's heading. */
const MARK = '~';

/** The fields of such an entity. What is held stays as it is: nothing is blended, expected to go on, tolerated or secret. */
export function heldFieldsOf(input: FieldMap): FieldMap {
  const fields: Record<string, AnyField> = {};
  for (const [name, field] of Object.entries(input)) {
    if (field.isEdge === true || field.receivers === 'owner') continue;
    const { velocity: _velocity, isTeleport: _isTeleport, ...rest } = field;
    fields[MARK + name] = { ...rest, smoothing: 'none', predictor: 'hold', toleranceSteps: 0 };
  }
  return fields;
}

/** The input's field behind one of these. */
export const heldNameOf = (name: string): string => name.slice(MARK.length);
