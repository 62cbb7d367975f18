/**
 * What goes into a packet that cannot hold everything: the most urgent, as many as fit. Urgency is priority times the ticks
 * since the client was last told of an entity, so whatever waits becomes the most urgent in the end: nothing starves.
 * (The priority accumulator of Glenn Fiedler's "State Synchronization", with time itself as the accumulator.)
 */
import type { PlayerId, Tick } from '../core/ids.ts';
import { lowerBound } from '../world/world-state.ts';
import { type Baselines, type DatedIds, VALUE_AGE_MAX } from './baselines.ts';
import type { BodyWriter } from './body-writer.ts';
import { type Draft, ID_END } from './draft.ts';
import { GONE, KEEP, LEFT_OUT } from './fate.ts';

/** Attempts to find how many fit; the first that fits well enough ends it. */
const ATTEMPTS_MAX = 8;
/** Less of the room used than this is worth another attempt. */
const FULL_ENOUGH = 0.92;
/** Items too large for a packet that are passed over in it, at most, and how many are tried behind one. */
const SKIPPED_MAX = 8;
const FIRST_BEHIND_SKIPPED = 8;
/** A guess aims at this much of the room. */
const AIM = 0.97;
/** Items are numbered within a sort key by this many: several times the entities a game can have. */
const ITEMS_MAX = 65_536;
/** What has waited for so long comes before everything else; what is known is about to be too old to be told as a change. */
const EXPIRING_TICKS = VALUE_AGE_MAX * 0.75;
const EXPIRING_PRIORITY = 4096;
/** One's own things are as urgent as what is about to expire, from the first tick on. */
const OWN_PRIORITY = EXPIRING_PRIORITY * EXPIRING_TICKS;
/** What is gone costs little to tell, and nothing looks worse than what is not there any more. */
const GONE_PRIORITY = OWN_PRIORITY;
/** Ticks that count as staleness at most, so that urgency and item fit into one number. */
const STALENESS_MAX = 4096;
/** Urgencies are told apart to this fraction. */
const URGENCY_STEPS = 16;

export type PriorityOf = (player: PlayerId, kind: number, id: number) => number;

export class Selection {
  readonly #priorityOf: PriorityOf | undefined;
  /** Items in the order of kinds and ids. */
  #kinds = new Uint8Array(0);
  /** The number of the entry, or minus one minus the number among the new. */
  #indexes = new Int32Array(0);
  #toldTicks = new Int32Array(0);
  /** Urgency and item in one number, most urgent last once sorted. */
  #keys = new Float64Array(0);
  #itemCount = 0;
  #chosen = 0;
  /** The most urgent items that are too large for this packet even by themselves. */
  #skipped = 0;
  #attempts = 0;
  /** The most that fit so far, and the least that did not. */
  #fitting = 0;
  #tooMany = 0;
  #isFinal = false;

  constructor(priorityOf: PriorityOf | undefined) {
    this.#priorityOf = priorityOf;
  }

  /** Ranks all items of a draft, and chooses what may fit: `writtenCount` of them filled the room when tried in another order. */
  begin(draft: Draft, to: { readonly player: PlayerId; readonly baselines: Baselines }, writtenCount: number): void {
    this.#reserve(draft.itemCount);
    this.#itemCount = 0;
    for (let k = 0; k < draft.kinds.length; k++) this.#rank(draft, k, to);
    this.#keys.fill(Infinity, this.#itemCount);
    this.#keys.sort();
    this.#attempts = this.#fitting = this.#skipped = 0;
    this.#tooMany = this.#itemCount;
    this.#isFinal = false;
    this.#choose(draft, Math.min(this.#itemCount - 1, Math.floor(writtenCount * AIM)));
  }

  /** Whether the body just written will do; if not, the next choice is made. */
  isSettled(draft: Draft, body: BodyWriter, bytesMax: number): boolean {
    if (this.#isFinal) return true;
    this.#attempts++;
    const isFitting = body.length <= bytesMax;
    if (isFitting) this.#fitting = this.#chosen;
    else this.#tooMany = this.#chosen;
    if (!isFitting && this.#chosen === 1 && this.#skipped < SKIPPED_MAX) {
      // Whatever is behind it must not wait for it.
      this.#skipped++;
      this.#attempts = 0;
      this.#tooMany = this.#itemCount - this.#skipped + 1;
      this.#choose(draft, Math.min(this.#tooMany - 1, FIRST_BEHIND_SKIPPED));
      return false;
    }
    const room = this.#tooMany - this.#fitting;
    const isFull = body.length >= FULL_ENOUGH * bytesMax || room <= 1;
    if (isFitting && (isFull || this.#attempts >= ATTEMPTS_MAX)) return true;
    if (this.#attempts >= ATTEMPTS_MAX) {
      this.#isFinal = true;
      this.#choose(draft, this.#fitting);
      return false;
    }
    const perByte = (isFitting ? this.#chosen : body.writtenCount) / Math.max(1, Math.min(body.length, body.bytes.length));
    const guess = Math.floor(perByte * AIM * bytesMax);
    this.#choose(draft, Math.min(this.#tooMany - 1, Math.max(this.#fitting + (isFitting ? 1 : 0), guess)));
    return false;
  }

  /** Notes in `baselines.leftOut` what waits, and when the client was last told of it. */
  noteLeftOut(draft: Draft, { leftOut }: Baselines): void {
    for (const list of leftOut) list.count = 0;
    for (let item = 0; item < this.#itemCount; item++) {
      const k = this.#kinds[item]!;
      const { actions, indexes, isNewLeftOut, first, table, newRows } = draft.kinds[k]!;
      const index = this.#indexes[item]!;
      if (index >= 0 ? (actions[index]! & LEFT_OUT) === 0 : isNewLeftOut[-1 - index] === 0) continue;
      leftOut[k]!.add(index >= 0 ? first.ids[indexes[index]!]! : table.ids[newRows[-1 - index]!]!, this.#toldTicks[item]!);
    }
  }

  #reserve(items: number): void {
    if (items <= this.#keys.length) return;
    const size = Math.min(ITEMS_MAX, items * 2);
    this.#kinds = new Uint8Array(size);
    this.#indexes = new Int32Array(size);
    this.#toldTicks = new Int32Array(size);
    this.#keys = new Float64Array(size);
  }

  #rank(draft: Draft, k: number, { player, baselines }: { readonly player: PlayerId; readonly baselines: Baselines }): void {
    const { first, indexes, actions, rows, entryCount, newRows, newCount, table } = draft.kinds[k]!;
    const waiting = baselines.leftOut[k]!;
    const { lastSentTick } = baselines;
    let news = 0;
    for (let n = 0; n <= entryCount; n++) {
      const id = n < entryCount ? first.ids[indexes[n]!]! : ID_END;
      for (; news < newCount && table.ids[newRows[news]!]! < id; news++) {
        const row = newRows[news]!;
        const toldTick = toldOf(waiting, table.ids[row]!, lastSentTick);
        this.#add(draft, { k, index: -1 - news, toldTick, priority: this.#priority(player, draft, k, row) });
      }
      if (n === entryCount || actions[n] === KEEP) continue;
      let priority = actions[n] === GONE ? GONE_PRIORITY : this.#priority(player, draft, k, rows[n]!);
      if (draft.tick - first.tickAt(indexes[n]!) > EXPIRING_TICKS) priority = Math.max(priority, EXPIRING_PRIORITY);
      this.#add(draft, { k, index: n, toldTick: toldOf(waiting, id, lastSentTick), priority });
    }
  }

  #priority(player: PlayerId, draft: Draft, k: number, row: number): number {
    const { table } = draft.kinds[k]!;
    if (table.data[row * table.stride] === player) return OWN_PRIORITY;
    return this.#priorityOf === undefined ? 1 : this.#priorityOf(player, k, table.ids[row]!);
  }

  #add(draft: Draft, item: { readonly k: number; readonly index: number; readonly toldTick: number; readonly priority: number }): void {
    const n = this.#itemCount++;
    const staleness = Math.min(STALENESS_MAX, Math.max(1, draft.tick - item.toldTick));
    const isOverdue = item.index < 0 && staleness > EXPIRING_TICKS;
    const priority = isOverdue ? Math.max(item.priority, EXPIRING_PRIORITY) : item.priority;
    this.#kinds[n] = item.k;
    this.#indexes[n] = item.index;
    this.#toldTicks[n] = item.toldTick;
    const urgency = Math.floor(priority * staleness * URGENCY_STEPS);
    // Among the equally urgent the first come first.
    this.#keys[n] = -(urgency * ITEMS_MAX) + n;
  }

  /** Marks all but the `count` most urgent items that may fit as left out. */
  #choose(draft: Draft, count: number): void {
    this.#chosen = count;
    for (let i = 0; i < this.#itemCount; i++) {
      const isChosen = i >= this.#skipped && i < this.#skipped + count;
      const key = this.#keys[i]!;
      const item = key - Math.floor(key / ITEMS_MAX) * ITEMS_MAX;
      const { actions, isNewLeftOut } = draft.kinds[this.#kinds[item]!]!;
      const index = this.#indexes[item]!;
      if (index < 0) isNewLeftOut[-1 - index] = isChosen ? 0 : 1;
      else if (isChosen) actions[index]! &= ~LEFT_OUT;
      else actions[index]! |= LEFT_OUT;
    }
    draft.leftOutCount = this.#itemCount - count;
  }
}

/** When the client was last told of an entity: with the last packet, unless that left it out. */
function toldOf(waiting: DatedIds, id: number, lastSentTick: Tick): number {
  const at = lowerBound(waiting.ids, waiting.count, id);
  return at < waiting.count && waiting.ids[at] === id ? waiting.ticks[at]! : lastSentTick;
}
