/**
 * Looks entities up in a copy in ascending order of their ids: one walk through a table instead of a search for each, and
 * no object for each either. What `seek` found is in the seeker itself until the next call.
 */
import type { EntityId } from '../core/ids.ts';
import type { Row } from '../wire/schema.ts';
import type { StateHistory, WorldState } from '../world/world-state.ts';
import type { SentSnapshot } from './baselines.ts';
import type { Known } from './predictor.ts';

const NOTHING = new Int32Array(0);

export class Seeker implements Known {
  row: Row = NOTHING;
  at = 0;
  tick = 0;
  #ids: Int32Array = NOTHING;
  #count = 0;
  #next = 0;
  #stride = 0;
  /** Of an incomplete copy: the tick whose value each entity has, and where that value is. */
  #ticks: Int32Array | undefined;
  #history: StateHistory | undefined;
  #kind = 0;

  /** Begins with one kind of a state; finds nothing in `undefined`. */
  open(state: WorldState | undefined, kind: number): this {
    const table = state?.tables[kind];
    this.#ticks = undefined;
    this.#next = 0;
    this.#ids = table?.ids ?? NOTHING;
    this.#count = table?.count ?? 0;
    this.row = table?.data ?? NOTHING;
    this.#stride = table?.stride ?? 0;
    this.tick = state?.tick ?? 0;
    return this;
  }

  /** Begins with one kind of the client's copy of a snapshot. To the client every value in it is of the copy's tick. */
  openCopy(copy: { readonly sent: SentSnapshot; readonly state: WorldState } | undefined, history: StateHistory, kind: number): this {
    this.open(copy?.state, kind);
    if (copy?.sent.view === undefined) return this;
    this.#ids = copy.sent.view.ids[kind]!;
    this.#count = this.#ids.length;
    this.#ticks = copy.sent.view.ticks[kind]!;
    this.#history = history;
    this.#kind = kind;
    return this;
  }

  /** Whether the copy has an entity; ids must ascend from call to call. */
  seek(id: EntityId): boolean {
    while (this.#next < this.#count && this.#ids[this.#next]! < id) this.#next++;
    if (this.#next >= this.#count || this.#ids[this.#next] !== id) return false;
    if (this.#ticks === undefined) {
      this.at = this.#next * this.#stride;
      return true;
    }
    const table = this.#history!.at(this.#ticks[this.#next] as never)!.tables[this.#kind]!;
    this.row = table.data;
    this.at = table.rowOf(id) * table.stride;
    return true;
  }

  /** The tick whose value the entity just found has. */
  get valueTick(): number {
    return this.#ticks === undefined ? this.tick : this.#ticks[this.#next]!;
  }
}
