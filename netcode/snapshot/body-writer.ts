/**
 * A packet's body: the entities, range-coded. Written from a draft as often as it takes to fit; mirrored by the reader.
 *
 * For each kind: which of the resting entities are mentioned, then what became of these and of all that moved lately. Then
 * what is new of each kind.
 */
import { writeCount } from '../wire/count.ts';
import { RangeEncoder } from '../wire/range-coder.ts';
import type { Draft, KindDraft } from './draft.ts';
import { CHANGE, GONE, KEEP } from './fate.ts';
import { GapWriter } from './gaps.ts';
import type { KindModel, SnapshotModel } from './snapshot-model.ts';
import { ValueWriter } from './value-coder.ts';

export class BodyWriter {
  /** Bytes of the last body; more than `bytes` holds if it ran over. */
  length = 0;
  /** Items in the last body, up to where it ran over. */
  writtenCount = 0;
  readonly #model: SnapshotModel;
  readonly #encoder: RangeEncoder;
  readonly #values: ValueWriter;
  readonly #gaps = new GapWriter();
  #hasCounters = false;

  /** `encoder` may be one that looks on, for training. */
  constructor(model: SnapshotModel, bytesMax: number, encoder = new RangeEncoder(bytesMax)) {
    this.#model = model;
    this.#encoder = encoder;
    this.#values = new ValueWriter(encoder);
  }

  get bytes(): Uint8Array {
    return this.#encoder.buffer;
  }

  write(draft: Draft): void {
    const encoder = this.#encoder;
    const { kinds } = this.#model;
    const packet = this.#model.begin();
    encoder.reset();
    this.writtenCount = 0;
    this.#hasCounters = false;
    encoder.bits(draft.leftOutCount === 0 ? 1 : 0, 1);
    for (let k = 0; k < kinds.length; k++) this.#writeKnown(draft, kinds[k]!, packet);
    for (let k = 0; k < kinds.length; k++) this.#writeNew(draft, kinds[k]!, packet);
    const length = encoder.finish();
    this.length = encoder.isOverrun ? encoder.length : length;
  }

  #writeKnown(draft: Draft, model: KindModel, packet: number): void {
    const k = model.kind.index;
    const kind = draft.kinds[k]!;
    const { first, second, third, fourth, entryCount, indexes, actions, rows, movedWhen, table } = kind;
    if (first.count === 0) return;
    this.#writeMentions(kind);
    if (entryCount === 0) return;
    const values = this.#values;
    const { entities } = model;
    model.begin(packet);
    values.contexts = model.contexts;
    entities.begin(draft.tick);
    second.index = third.index = fourth.index = 0;
    for (let n = 0; n < entryCount; n++) {
      const action = actions[n]!;
      const isNews = action === CHANGE || action === GONE;
      const moved = movedWhen[n]!;
      if (moved === 0 && !isNews) continue;
      if (values.isOverrun) return;
      if (isNews) this.writtenCount++;
      first.moveTo(indexes[n]!);
      entities.open(first.ids[indexes[n]!]!, first, kind);
      // What is gone, or waits, has no values to write: any will do.
      const row = action === CHANGE ? rows[n]! : 0;
      const { data } = action === CHANGE ? draft.tableOf(k, row) : table;
      if (moved === 0) entities.codeResting(values, action, data, row * table.stride);
      else entities.codeMoving(values, isNews ? action : KEEP, data, row * table.stride, moved);
    }
  }

  /** Which of those that did not move lately are mentioned: the gaps between them. */
  #writeMentions({ first, entryCount, indexes, actions, movedWhen, movedCount }: KindDraft): void {
    const resting = first.count - movedCount;
    if (resting === 0) return;
    let mentioned = 0;
    for (let n = 0; n < entryCount; n++) if (movedWhen[n] === 0 && (actions[n] === CHANGE || actions[n] === GONE)) mentioned++;
    const encoder = this.#encoder;
    const gaps = this.#gaps;
    gaps.begin(encoder, resting, mentioned);
    let moved = 0;
    for (let n = 0; n < entryCount; n++) {
      if (movedWhen[n] !== 0) moved++;
      else if (actions[n] === CHANGE || actions[n] === GONE) gaps.write(encoder, indexes[n]! - moved);
    }
  }

  #writeNew(draft: Draft, model: KindModel, packet: number): void {
    const encoder = this.#encoder;
    const k = model.kind.index;
    const { newRows, newCount, isNewLeftOut, table } = draft.kinds[k]!;
    let count = 0;
    for (let n = 0; n < newCount; n++) if (isNewLeftOut[n] === 0) count++;
    writeCount(encoder, count, 0);
    if (count === 0) return;
    const { births } = model;
    const { parents, nextCounters } = this.#model;
    const values = this.#values;
    model.begin(packet);
    values.contexts = model.contexts;
    births.begin(draft.tick);
    if (!this.#hasCounters) draft.countIds(nextCounters);
    this.#hasCounters = true;
    parents.clear();
    if (births.descent.kind >= 0) draft.findParents(births.descent.kind, parents);
    for (let n = 0; n < newCount; n++) {
      if (isNewLeftOut[n] !== 0) continue;
      if (encoder.isOverrun) return;
      this.writtenCount++;
      const row = newRows[n]!;
      births.codeId(values, table.ids[row]!, nextCounters);
      const { data, stride } = draft.tableOf(k, row);
      births.code(values, data, row * stride, table.born[row]!, parents);
    }
  }
}
