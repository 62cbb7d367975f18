/**
 * What is remembered of each party, in bounded memory whoever comes: at most `entriesMax`, and the one not heard of for
 * longest is forgotten first. Forgetting forgives, so an attacker with more addresses than the table has rows gains
 * what it has anyway: a fresh allowance for each address.
 */

export interface AddressTableOptions<T> {
  readonly entriesMax: number;
  readonly create: () => T;
  /** Such an entry may not be forgotten: it counts something that is still there. They must be fewer than `entriesMax`. */
  readonly isPinned?: (entry: T) => boolean;
}

export class AddressTable<T> {
  readonly #options: AddressTableOptions<T>;
  /** In the order in which they were last asked for. */
  readonly #entries = new Map<string, T>();

  constructor(options: AddressTableOptions<T>) {
    if (!(options.entriesMax >= 1)) throw new RangeError(`address table of ${options.entriesMax} rows must have at least 1`);
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The party's entry if it has one. */
  peek(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** The party's entry, made if need be. */
  get(key: string): T {
    const present = this.#entries.get(key);
    if (present !== undefined) this.#entries.delete(key);
    else if (this.#entries.size >= this.#options.entriesMax) this.#forgetOldest();
    const entry = present ?? this.#options.create();
    this.#entries.set(key, entry);
    return entry;
  }

  #forgetOldest(): void {
    const { isPinned } = this.#options;
    let rowsLeft = this.#entries.size;
    for (const [key, entry] of this.#entries) {
      this.#entries.delete(key);
      if (isPinned?.(entry) !== true) return;
      // It goes to the end, so that the next search does not meet it first again.
      this.#entries.set(key, entry);
      rowsLeft -= 1;
      if (rowsLeft === 0) return;
    }
  }
}
