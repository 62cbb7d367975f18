/**
 * The world as a player saw it (lag compensation). What a shooter aimed at was on their screen where it had been some ticks before:
 * rules that ask this world judge a shot by what the shooter saw. Their own things, and what every screen predicts, are as they are
 * now; everything else is taken back by the player's delay, no more than its kind allows, and blended as drawing does.
 *
 * Kinds are taken back when a step first asks for them, once for each player, into tables that are used again. What is of the
 * present is read through: it follows what the rules do during the step, while what is past stays as it is.
 */
import type { AnyGame, KindMap, Point, SeenWorld } from '../define-game.ts';
import { type EntityId, NOBODY, type PlayerId, type Tick } from '../core/ids.ts';
import { type Place, placeOf } from '../wire/place.ts';
import type { EntityAccessor } from './entity.ts';
import { PastKind, type Sight } from './past-kind.ts';
import { type Radius, radiusOf, requireRadius, TouchSearch } from './touch-search.ts';
import { Table, type WorldState } from './world-state.ts';

export type { Sight };
/** Undefined for players of whom nothing is known: they are taken to see the present. */
export type SightOf = (player: PlayerId) => Sight | undefined;

/** What is needed of the world of which this is the past. */
export interface Present {
  readonly state: WorldState;
  isGone(id: EntityId): boolean;
  entityAt(kind: number, row: number): EntityAccessor;
}

/** What all players' views of one step share. */
interface Shared {
  readonly game: AnyGame;
  readonly present: Present;
  /** Things as they were before the step, by kind. */
  readonly before: readonly Table[];
  readonly placeOf: (kind: number, by: string) => Place;
  readonly kindOf: (name: string) => number;
  tick: Tick;
  sightOf: SightOf | undefined;
  /** Counts the steps: what was built in another one is no longer good. */
  step: number;
}

export class SeenWorlds {
  readonly #shared: Shared;
  readonly #worlds: SeenBy[] = [];

  constructor(game: AnyGame, present: Present) {
    const places = game.kinds.map(() => new Map<string, Place>());
    const kinds = new Map(game.kinds.filter(({ isHidden }) => !isHidden).map(({ name, index }) => [name, index]));
    this.#shared = {
      game,
      present,
      before: game.kinds.map((kind) => new Table(kind)),
      placeOf(kind, by) {
        const known = places[kind]!.get(by);
        if (known !== undefined) return known;
        const { name, layout } = game.kinds[kind]!;
        const place = placeOf(layout, by, `seenBy asks for '${name}.${by}'`);
        if (place === undefined) throw new TypeError(`'${name}' has no field '${by}': say which one is its position (by)`);
        places[kind]!.set(by, place);
        return place;
      },
      kindOf(name) {
        const kind = kinds.get(name);
        if (kind === undefined) throw new TypeError(`there is no kind '${name}'`);
        return kind;
      },
      tick: 0 as Tick,
      sightOf: undefined,
      step: 0,
    };
  }

  /** Entities have come or gone: what was built is no longer good. */
  forget(): void {
    this.#shared.step++;
  }

  /** A step begins: what was seen in the one before is forgotten. */
  begin(tick: Tick, sightOf: SightOf | undefined): void {
    const shared = this.#shared;
    shared.tick = tick;
    shared.sightOf = sightOf;
    shared.step++;
    const { tables } = shared.present.state;
    for (let k = 0; k < tables.length; k++) {
      if (tables[k]!.count > 0) shared.before[k]!.copyFrom(tables[k]!);
      else shared.before[k]!.count = 0;
    }
  }

  of(player: PlayerId): SeenWorld<KindMap> {
    return (this.#worlds[player] ??= new SeenBy(this.#shared, player)) as unknown as SeenWorld<KindMap>;
  }
}

interface Query {
  readonly radius: Radius;
  readonly where?: (entity: EntityAccessor) => boolean;
  readonly by?: string;
}
interface SegmentQuery extends Query {
  readonly from: Point;
  readonly to: Point;
}
interface Hit {
  readonly entity: EntityAccessor;
  readonly at: Point;
  readonly part: number;
}
/** What `circle` found. */
interface Found {
  readonly entity: EntityAccessor;
  readonly squared: number;
  readonly id: EntityId;
}

/** One player's view: a `SeenWorld` of any game, untyped. */
class SeenBy {
  readonly #shared: Shared;
  readonly #player: PlayerId;
  readonly #pasts: (PastKind | undefined)[] = [];
  /** More than one only while a game's `where` asks a question itself. */
  readonly #searches: TouchSearch[] = [];
  #searching = 0;

  constructor(shared: Shared, player: PlayerId) {
    this.#shared = shared;
    this.#player = player;
  }

  get isKnown(): boolean {
    return this.#player !== NOBODY && this.#shared.sightOf?.(this.#player) !== undefined;
  }

  *all(kindName: string): Iterable<EntityAccessor> {
    const kind = this.#shared.kindOf(kindName);
    const past = this.#open(kind);
    const { count } = this.#shared.present.state.tables[kind]!;
    for (let row = 0; row < count; row++) {
      const entity = this.#entityAt(kind, past, row);
      if (entity !== undefined) yield entity;
    }
  }

  first(kindName: string): EntityAccessor | undefined {
    for (const entity of this.all(kindName)) return entity;
    return undefined;
  }

  count(kindName: string): number {
    let count = 0;
    for (const _ of this.all(kindName)) count++;
    return count;
  }

  get(id: EntityId): EntityAccessor | undefined {
    const { present, game } = this.#shared;
    const kind = present.state.tableOf(id)?.kind.index;
    return kind === undefined || game.kinds[kind]!.isHidden ? undefined : this.#find(kind, id);
  }

  find(kindName: string, id: EntityId): EntityAccessor | undefined {
    return this.#find(this.#shared.kindOf(kindName), id);
  }

  ray(kindName: string, query: SegmentQuery): Hit | undefined {
    return this.#firstTouched(kindName, query, false);
  }

  sweep(kindName: string, query: SegmentQuery): Hit | undefined {
    return this.#firstTouched(kindName, query, true);
  }

  circle(kindName: string, query: Query & { readonly at: Point }): EntityAccessor[] {
    const { at, radius, where, by } = query;
    const found: Found[] = [];
    this.#firstTouched(
      kindName,
      { from: at, to: at, radius, ...(where !== undefined && { where }), ...(by !== undefined && { by }) },
      false,
      found,
    );
    return found.sort((a, b) => a.squared - b.squared || a.id - b.id).map(({ entity }) => entity);
  }

  /** With `found`: collects all that is touched, instead of the first. */
  #firstTouched(kindName: string, query: SegmentQuery, isSweep: boolean, found?: Found[]): Hit | undefined {
    const kind = this.#shared.kindOf(kindName);
    const place = this.#shared.placeOf(kind, query.by ?? 'pos');
    if (typeof query.radius === 'number') requireRadius(query.radius);
    const past = this.#open(kind);
    const search = (this.#searches[this.#searching] ??= new TouchSearch());
    search.begin(query.from, query.to, place);
    this.#searching++;
    try {
      if (past !== undefined) this.#searchPast(search, past, { query, isSweep, found });
      this.#searchPresent(search, kind, past, { query, isSweep, found });
    } finally {
      this.#searching--;
    }
    const { best } = search;
    return best && { entity: best, at: search.place, part: search.bestPart };
  }

  #searchPast(search: TouchSearch, past: PastKind, { query, isSweep, found }: Question): void {
    const { radius } = query;
    const { now, entities } = past;
    if (isSweep) past.openBefore();
    const before = isSweep ? past.before : now;
    for (let row = 0; row < now.count; row++) {
      const reach = typeof radius === 'number' ? radius : radiusOf(radius, entities.at(row));
      const part = search.partTo(before, row, now, row, reach);
      if (part < Infinity) consider(search, part, entities.at(row), this.#shared.present, query, found);
    }
  }

  /** What is not of the past: one's own, or everything. */
  #searchPresent(search: TouchSearch, kind: number, past: PastKind | undefined, { query, isSweep, found }: Question): void {
    const { present, before } = this.#shared;
    const { radius } = query;
    const table = present.state.tables[kind]!;
    const old = before[kind]!;
    const leap = this.#pasts[kind]!.teleportAt;
    for (let row = 0; row < table.count; row++) {
      if (past !== undefined && table.data[row * table.stride] !== this.#player) continue;
      const id = table.ids[row] as EntityId;
      if (past !== undefined && past.now.rowOf(id) >= 0) continue;
      const reach = typeof radius === 'number' ? radius : radiusOf(radius, present.entityAt(kind, row));
      let isMoving = false;
      let oldRow = -1;
      if (isSweep) {
        // Rows stay where they are during a step, unless somebody came or went at its beginning.
        oldRow = row < old.count && old.ids[row] === id ? row : old.rowOf(id);
        // What is new, or has leapt, comes from nowhere.
        isMoving = oldRow >= 0 && (leap < 0 || old.data[oldRow * old.stride + leap] === table.data[row * table.stride + leap]);
      }
      const part = isMoving ? search.partTo(old, oldRow, table, row, reach) : search.partTo(table, row, table, row, reach);
      if (part < Infinity) consider(search, part, present.entityAt(kind, row), present, query, found);
    }
  }

  #find(kind: number, id: EntityId): EntityAccessor | undefined {
    const row = this.#shared.present.state.tables[kind]!.rowOf(id);
    return row < 0 ? undefined : this.#entityAt(kind, this.#open(kind), row);
  }

  #entityAt(kind: number, past: PastKind | undefined, row: number): EntityAccessor | undefined {
    const { present } = this.#shared;
    const table = present.state.tables[kind]!;
    const id = table.ids[row] as EntityId;
    if (present.isGone(id)) return undefined;
    const pastRow = past === undefined ? -1 : past.now.rowOf(id);
    if (pastRow >= 0) return past!.entities.at(pastRow);
    return past === undefined || table.data[row * table.stride] === this.#player ? present.entityAt(kind, row) : undefined;
  }

  /** A kind as the player saw it; undefined: as it is now. */
  #open(kind: number): PastKind | undefined {
    const { game, step, tick, sightOf, present } = this.#shared;
    const past = (this.#pasts[kind] ??= new PastKind(game.kinds[kind]!, game.tickRate));
    if (past.step !== step) {
      past.step = step;
      const sight = this.#player === NOBODY ? undefined : sightOf?.(this.#player);
      past.build(present.state.tables[kind]!, this.#player, sight, tick);
    }
    return past.isPresent ? undefined : past;
  }
}

interface Question {
  readonly query: SegmentQuery;
  readonly isSweep: boolean;
  readonly found: Found[] | undefined;
}

/** Takes note of what is touched, if it lives and is meant. */
function consider(search: TouchSearch, part: number, entity: EntityAccessor, present: Present, { where }: Query, found?: Found[]): void {
  const { squared } = search;
  const { id } = entity;
  if (present.isGone(id) || (found === undefined && !search.isFirst(part, id))) return;
  if (where !== undefined && !where(entity)) return;
  if (found === undefined) search.take(entity, part, squared);
  else found.push({ entity, squared, id });
}
