/**
 * What every player holds down, as part of the state: one hidden entity a player in the match, so that whoever predicts others'
 * things can go on with what they did last instead of with nothing. Only games with a kind of policy `all` have these.
 */
import type { AnyGame } from '../define-game.ts';
import type { EntityId, PlayerId, Tick } from '../core/ids.ts';
import { heldNameOf } from '../wire/held-inputs.ts';
import type { Table, WorldState } from './world-state.ts';

/** The inputs of all seats, as rows of integers. */
interface InputRows {
  readonly data: Int32Array;
  readonly stride: number;
}

/** Which of the input's integers stands where in the entity's row. */
interface HeldPart {
  readonly at: number;
  readonly inputAt: number;
}

export class HeldInputs {
  readonly #kind: number;
  readonly #parts: readonly HeldPart[];

  private constructor(kind: number, parts: readonly HeldPart[]) {
    this.#kind = kind;
    this.#parts = parts;
  }

  /** Undefined for games that predict nothing of others. */
  static of(game: AnyGame): HeldInputs | undefined {
    const kind = game.kinds.at(-1)!;
    if (!kind.isHidden) return undefined;
    const parts = kind.layout.entries.flatMap(({ name, field, at }) => {
      const inputAt = game.input.entries.find((entry) => entry.name === heldNameOf(name))!.at;
      return field.parts.map((_, i) => ({ at: at + i, inputAt: inputAt + i }));
    });
    return new HeldInputs(kind.index, parts);
  }

  /** A player comes: theirs is the entity `id`. */
  join(state: WorldState, player: PlayerId, id: EntityId, tick: Tick): void {
    const table = this.#table(state);
    const row = table.insert(id);
    table.born[row] = tick;
    table.data[row * table.stride] = player;
  }

  leave(state: WorldState, player: PlayerId): void {
    const table = this.#table(state);
    for (let row = table.count - 1; row >= 0; row--) if (table.data[row * table.stride] === player) table.remove(row);
  }

  /** Puts into the state what was pressed in the tick that has just been stepped. */
  keep(state: WorldState, inputs: InputRows): void {
    const { data, stride, count } = this.#table(state);
    for (let row = 0; row < count; row++) {
      const from = data[row * stride]! * inputs.stride;
      for (const { at, inputAt } of this.#parts) data[row * stride + at] = inputs.data[from + inputAt]!;
    }
  }

  /** Fills the inputs with what the state says that players hold. */
  hold(state: WorldState, inputs: InputRows): void {
    const { data, stride, count } = this.#table(state);
    for (let row = 0; row < count; row++) {
      const to = data[row * stride]! * inputs.stride;
      for (const { at, inputAt } of this.#parts) inputs.data[to + inputAt] = data[row * stride + at]!;
    }
  }

  #table(state: WorldState): Table {
    return state.tables[this.#kind]!;
  }
}
