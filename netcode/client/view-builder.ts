/**
 * Builds what is drawn: for each entity the time its policy says (the predicted present or the received past), blended
 * between two ticks, with corrections eased. Objects are kept from frame to frame, so drawing allocates next to nothing.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import type { EntityId, PlayerId, Tick } from '../core/ids.ts';
import type { StateHistory, WorldState } from '../world/world-state.ts';
import { blend, type BlendPlan, blendPlanOf } from '../world/blend.ts';
import { bracketAt } from './interpolation.ts';
import { Correction } from './correction.ts';
import type { Prediction } from './prediction.ts';

export type ViewEntity = { readonly id: EntityId; readonly kind: string; owner: PlayerId; isMine: boolean } & Record<string, unknown>;

export interface ViewMoment {
  readonly prediction: Prediction;
  /** The predicted time, in ticks. */
  readonly present: number;
  readonly frames: StateHistory;
  readonly newestTick: Tick;
  /** The interpolated time, in ticks. */
  readonly past: number;
  readonly nowMs: number;
}

interface KindView extends BlendPlan {
  readonly row: Float64Array;
}

export class ViewBuilder {
  readonly #player: PlayerId;
  readonly #kinds: readonly KindView[];
  readonly #correction = new Correction();
  readonly #drawn = new Map<EntityId, Float64Array>();
  readonly #list: ViewEntity[] = [];
  #pool = new Map<EntityId, ViewEntity>();
  #spare = new Map<EntityId, ViewEntity>();

  constructor(game: AnyGame, player: PlayerId) {
    this.#player = player;
    this.#kinds = game.kinds.map((kind) => ({
      ...blendPlanOf(kind),
      row: new Float64Array(kind.layout.parts.length),
    }));
  }

  build(moment: ViewMoment): readonly ViewEntity[] {
    this.#list.length = 0;
    this.#correction.decay(moment.nowMs);
    this.#forEachPredicted(moment.prediction, moment.present, (view, id) => {
      this.#correction.apply(id, view.row, view);
      this.#add(view, id);
    });
    this.#addInterpolated(moment);
    [this.#pool, this.#spare] = [this.#spare, this.#pool];
    this.#spare.clear();
    return this.#list;
  }

  /** Remembers where predicted things are drawn, before a replay. */
  keepDrawn(prediction: Prediction, present: number): void {
    this.#drawn.clear();
    this.#forEachPredicted(prediction, present, ({ row }, id) => this.#drawn.set(id, row.slice()));
  }

  /** After the replay: what moved keeps being drawn where it was, and eases from there. */
  easeToCorrected(prediction: Prediction, present: number): void {
    this.#forEachPredicted(prediction, present, (view, id) => {
      const drawn = this.#drawn.get(id);
      if (drawn !== undefined) this.#correction.absorb(id, drawn, view.row, view);
    });
  }

  #isPredicted(kind: Kind, owner: number): boolean {
    return kind.predict === 'all' || (kind.predict === 'owner' && owner === this.#player);
  }

  /** Visits every entity that is drawn in the present, its blended row in `view.row`. */
  #forEachPredicted(prediction: Prediction, present: number, visit: (view: KindView, id: EntityId) => void): void {
    const floor = Math.floor(present) as Tick;
    const newer = prediction.stateAt((floor + 1) as Tick) ?? prediction.stateAt(prediction.tick);
    if (newer === undefined) return;
    const older = prediction.stateAt(floor) ?? newer;
    const alpha = newer === older || newer.tick !== floor + 1 ? 1 : present - floor;
    for (const view of this.#kinds) {
      if (view.kind.predict === 'none') continue;
      const table = newer.tables[view.kind.index]!;
      const olderTable = older.tables[view.kind.index]!;
      for (let row = 0; row < table.count; row++) {
        if (!this.#isPredicted(view.kind, table.data[row * table.stride]!)) continue;
        const id = table.ids[row] as EntityId;
        const olderRow = olderTable.rowOf(id);
        blend(
          view.row,
          view,
          olderRow < 0
            ? { older: table, olderRow: row, newer: table, newerRow: row, alpha: 1 }
            : { older: olderTable, olderRow, newer: table, newerRow: row, alpha },
        );
        visit(view, id);
      }
    }
  }

  #addInterpolated({ frames, newestTick, past }: ViewMoment): void {
    const bracket = bracketAt(frames, newestTick, past);
    if (bracket === undefined) return;
    const { older, newer, alpha } = bracket;
    // Beyond the newest state, what it no longer holds is gone; before, what the older one holds is still there.
    const present: WorldState = alpha >= 1 ? newer : older;
    for (const view of this.#kinds) {
      if (view.kind.predict === 'all') continue;
      const table = present.tables[view.kind.index]!;
      for (let row = 0; row < table.count; row++) {
        if (this.#isPredicted(view.kind, table.data[row * table.stride]!)) continue;
        const id = table.ids[row] as EntityId;
        const olderTable = older.tables[view.kind.index]!;
        const newerTable = newer.tables[view.kind.index]!;
        const olderRow = olderTable.rowOf(id);
        const newerRow = newerTable.rowOf(id);
        if (olderRow < 0 || newerRow < 0) blend(view.row, view, { older: table, olderRow: row, newer: table, newerRow: row, alpha: 1 });
        else blend(view.row, view, { older: olderTable, olderRow, newer: newerTable, newerRow, alpha });
        this.#add(view, id);
      }
    }
  }

  #add({ kind, row }: KindView, id: EntityId): void {
    let entity = this.#pool.get(id);
    if (entity === undefined || entity.kind !== kind.name) entity = { id, kind: kind.name, owner: 0 as PlayerId, isMine: false };
    entity.owner = row[0] as PlayerId;
    entity.isMine = row[0] === this.#player;
    for (const { name, field, at } of kind.layout.entries) entity[name] = field.read(row, at);
    this.#spare.set(id, entity);
    this.#list.push(entity);
  }
}
