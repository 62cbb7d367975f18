/**
 * What the host keeps of each tick, once for all clients: the state as it goes out, and for each row the tick since which
 * it has been as it is. A client's packet then finds what its copy lacks by comparing one number an entity.
 *
 * A part with a tolerance stays as it was captured last until it is off by more: news below the tolerance are none. Fields
 * for the owner alone stand in a second history with their initial values instead: what everybody else gets.
 */
import type { AnyGame, Kind } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { StateHistory, type Table, type WorldState } from '../world/world-state.ts';
import { difference } from './delta.ts';

/** What `KindPlan` needs of one part. */
interface TolerantPart {
  readonly at: number;
  readonly steps: number;
  /** The part that says what this one means (of a rotation: which component is left out): if it changed, so did this. Or -1. */
  readonly gate: number;
}

interface KindPlan {
  readonly tolerant: readonly TolerantPart[];
  /** Parts that only the owner receives. */
  readonly secret: readonly number[];
}

export class Captures {
  /** The newest captured state, as its owner would see each entity. */
  newest: WorldState;
  readonly #full: StateHistory;
  /** The same with secrets left out; `#full` itself if there are none. */
  readonly #public: StateHistory;
  readonly #plans: readonly KindPlan[];
  #hasCaptured = false;

  constructor(game: AnyGame, ticks: number) {
    this.#plans = game.kinds.map(planOf);
    this.#full = new StateHistory(game.kinds, ticks);
    this.#public = this.#plans.some(({ secret }) => secret.length > 0) ? new StateHistory(game.kinds, ticks) : this.#full;
    this.newest = this.#full.claim(0 as Tick);
  }

  /** Whether some entities look different to their owner. */
  get hasSecrets(): boolean {
    return this.#public !== this.#full;
  }

  /** The state captured at a tick, or undefined if it is forgotten or never was. */
  at(tick: Tick): WorldState | undefined {
    return this.#full.at(tick);
  }

  /** The table of a kind at a tick that holds what a player may know of the entities of an owner. Rows are the same in both. */
  tableFor(player: PlayerId, owner: number, kind: number, tick: Tick): Table {
    return (owner === player ? this.#full : this.#public).at(tick)!.tables[kind]!;
  }

  capture(state: WorldState): void {
    const captured = this.#full.claim(state.tick);
    const before = this.#hasCaptured && captured !== this.newest ? this.newest : undefined;
    captured.copyFrom(state);
    for (let k = 0; k < captured.tables.length; k++) {
      const table = captured.tables[k]!;
      keepTolerated(table, before?.tables[k], this.#plans[k]!.tolerant);
      dateRows(table, before?.tables[k], state.tick);
    }
    if (this.hasSecrets) this.#publish(captured, before?.tick);
    this.newest = captured;
    this.#hasCaptured = true;
  }

  #publish(captured: WorldState, beforeTick: Tick | undefined): void {
    const before = beforeTick === undefined ? undefined : this.#public.at(beforeTick);
    const shown = this.#public.claim(captured.tick);
    shown.copyFrom(captured);
    for (let k = 0; k < shown.tables.length; k++) {
      const { secret } = this.#plans[k]!;
      if (secret.length === 0) continue;
      const table = shown.tables[k]!;
      const { initial } = table.kind.layout;
      for (let row = 0; row < table.count; row++) for (const part of secret) table.data[row * table.stride + part] = initial[part]!;
      dateRows(table, before?.tables[k], captured.tick);
    }
  }
}

function planOf({ layout }: Kind): KindPlan {
  const tolerant: TolerantPart[] = [];
  const secret: number[] = [];
  for (const { field, at } of layout.entries) {
    field.parts.forEach((_, i) => {
      if (field.receivers === 'owner') secret.push(at + i);
      if (field.toleranceSteps === 0 || (field.isRotation && i % 4 === 0)) return;
      tolerant.push({ at: at + i, steps: field.toleranceSteps, gate: field.isRotation ? at + i - (i % 4) : -1 });
    });
  }
  return { tolerant, secret };
}

/** Puts back what differs from the last capture by no more than its tolerance. */
function keepTolerated(table: Table, before: Table | undefined, parts: readonly TolerantPart[]): void {
  if (parts.length === 0 || before === undefined) return;
  const { ids, data, stride, count, kind } = table;
  let old = 0;
  for (let row = 0; row < count; row++) {
    while (old < before.count && before.ids[old]! < ids[row]!) old++;
    if (old >= before.count) return;
    if (before.ids[old] !== ids[row]) continue;
    for (const { at, steps, gate } of parts) {
      if (gate >= 0 && before.data[old * stride + gate] !== data[row * stride + gate]) continue;
      const was = before.data[old * stride + at]!;
      const now = row * stride + at;
      if (Math.abs(difference(kind.layout.parts[at]!, was, data[now]!)) <= steps) data[now] = was;
    }
  }
}

/** Fills `table.ticks`: the old date for rows that are as they were, else `tick`. */
function dateRows(table: Table, before: Table | undefined, tick: Tick): void {
  const { ids, data, ticks, stride, count } = table;
  const oldCount = before?.count ?? 0;
  let old = 0;
  for (let row = 0; row < count; row++) {
    const id = ids[row]!;
    while (old < oldCount && before!.ids[old]! < id) old++;
    let isSame = old < oldCount && before!.ids[old] === id;
    if (isSame) {
      const from = old * stride;
      const to = row * stride;
      for (let i = 0; i < stride; i++) {
        if (data[to + i] !== before!.data[from + i]) {
          isSame = false;
          break;
        }
      }
    }
    ticks[row] = isSame ? before!.ticks[old]! : tick;
  }
}
