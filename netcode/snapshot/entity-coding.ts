/**
 * One entity on the wire, for both directions at once (`BitCoder`): a change against what both sides expect, or a new
 * entity against its owner's things. The encoder's `target` holds the values; the decoder's receives them.
 */
import type { EntityId } from '../core/ids.ts';
import { type BitCoder, codeCount, codeNumber } from '../wire/bit-coder.ts';
import type { Row } from '../wire/schema.ts';
import { COUNTER_BITS, spawnerOf, type Table } from '../world/world-state.ts';
import { difference, moved } from './delta.ts';
import { AS_EXPECTED, type KindModel } from './snapshot-model.ts';

/** One entity's values: `row[at]…`. */
export interface Values {
  readonly row: Row;
  readonly at: number;
}

/** Codes an entity against the expectation that the model's predictor holds. Returns whether it was as expected. */
export function codeChange(coder: BitCoder, model: KindModel, target: Values, wasExpected: boolean): boolean {
  const { predictor, kind, entityBase } = model;
  const { expected, scales, surprise } = predictor;
  const { parts } = kind.layout;
  let isExpected = coder.isEncoding && parts.every((_, i) => target.row[target.at + i] === expected[i]);
  isExpected = coder.bit(isExpected ? 1 : 0, entityBase + AS_EXPECTED + surprise * 2 + (wasExpected ? 1 : 0)) === 1;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const value = target.row[target.at + i]!;
    const rest = isExpected
      ? 0
      : codeNumber(coder, coder.isEncoding ? difference(part, expected[i]!, value) : 0, model.changeBase(i, scales[i]!));
    if (!coder.isEncoding) target.row[target.at + i] = moved(part, expected[i]!, rest);
  }
  return isExpected;
}

/** Where a new entity's values are expected. */
export interface SpawnHints {
  /** The kind that the model's spawn plan names, at the default baseline: the entities that both sides know. */
  readonly known: Table | undefined;
  /** The same kind now, if the receiver's copy of what it knows is complete. */
  readonly current: Table | undefined;
  /** The new entity of this kind before it in the packet. */
  readonly previous: Values | undefined;
}

/** Codes all values of an entity that the receiver does not have. */
export function codeNew(coder: BitCoder, model: KindModel, id: EntityId, target: Values, hints: SpawnHints): void {
  const { kind, spawn } = model;
  const { parts, initial } = kind.layout;
  const { previous } = hints;
  let reference: Values | undefined;
  for (let i = 0; i < parts.length; i++) {
    const part = parts[i]!;
    const from = spawn.parts[i]!;
    let expected = previous === undefined ? initial[i]! : previous.row[previous.at + i]!;
    if (i === 0) expected = spawnerOf(id);
    else if (from >= 0 && reference !== undefined) expected = reference.row[reference.at + from]!;
    const rest = codeNumber(coder, coder.isEncoding ? difference(part, expected, target.row[target.at + i]!) : 0, model.newBase(i));
    if (!coder.isEncoding) target.row[target.at + i] = moved(part, expected, rest);
    if (i === 0) reference = firstOwnedBy(target.row[target.at]!, hints);
  }
}

/** The first known thing of the same owner: as it is now, or else as it was. */
function firstOwnedBy(owner: number, { known, current }: SpawnHints): Values | undefined {
  if (known === undefined || owner === 0) return undefined;
  for (let row = 0; row < known.count; row++) {
    if (known.data[row * known.stride] !== owner) continue;
    const now = current?.rowOf(known.ids[row] as EntityId) ?? -1;
    return now < 0 ? { row: known.data, at: row * known.stride } : { row: current!.data, at: now * current!.stride };
  }
  return undefined;
}

const SPAWNER_BITS = 5;
const COUNTER_MASK = (1 << COUNTER_BITS) - 1;

/** Codes an id above `previous` (0 at first). When decoding, undefined if what was read is none. */
export function codeId(coder: BitCoder, id: EntityId, previous: EntityId): EntityId | undefined {
  const isSame = coder.raw(spawnerOf(id) === spawnerOf(previous) ? 1 : 0, 1) === 1;
  if (isSame) {
    const result = previous + 1 + codeCount(coder, id - previous - 1, 1);
    return spawnerOf(result as EntityId) === spawnerOf(previous) ? (result as EntityId) : undefined;
  }
  const spawner = coder.raw(spawnerOf(id), SPAWNER_BITS);
  const counter = coder.raw(id & COUNTER_MASK, COUNTER_BITS);
  const result = (spawner << COUNTER_BITS) | counter;
  return result > previous && counter !== 0 ? (result as EntityId) : undefined;
}
