/**
 * The entities out of which new ones of the same owner may come: those that the client knew and whose present values it has
 * by the time it reads what is new. For each, both states.
 */
import { PLAYERS_MAX } from '../core/ids.ts';
import type { Row } from '../wire/schema.ts';

const NOTHING = new Int32Array(0);

/** A parent's values now, `present[presentAt]…`, and in the baseline, `past[pastAt]…`, some ticks before. */
export class Parent {
  present: Row = NOTHING;
  presentAt = 0;
  past: Row = NOTHING;
  pastAt = 0;
  ticks = 0;
  owner = 0;
}

export class Parents {
  readonly #all: Parent[] = [];
  readonly #counts = new Int32Array(PLAYERS_MAX + 1);
  #count = 0;

  clear(): void {
    this.#count = 0;
    this.#counts.fill(0);
  }

  /** The next one, to be filled; its owner is given at once. */
  add(owner: number): Parent {
    if (this.#count === this.#all.length) this.#all.push(new Parent());
    const parent = this.#all[this.#count++]!;
    parent.owner = owner;
    this.#counts[owner]!++;
    return parent;
  }

  countOf(owner: number): number {
    return this.#counts[owner]!;
  }

  /** The number of an owner's n-th parent. */
  find(owner: number, n: number): number {
    let left = n;
    for (let i = 0; i < this.#count; i++) {
      if (this.#all[i]!.owner !== owner) continue;
      if (left-- === 0) return i;
    }
    return 0;
  }

  at(n: number): Parent {
    return this.#all[n]!;
  }
}
