/**
 * A match as data: seed, and for each tick who came, who left, what everyone pressed, and the hash of the state after
 * it. Replaying it gives the same hashes on any machine; a difference names the tick where a rule was not pure.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { type InputTable, Simulation } from '../world/simulation.ts';
import type { WorldState } from '../world/world-state.ts';

/** Ticks recorded at most: one hour at 60 Hz, about 100 bytes a tick. */
const RECORDED_TICKS_MAX = 216_000;

export interface RecordedTick {
  readonly joined: readonly PlayerId[];
  readonly left: readonly PlayerId[];
  /** The inputs that differ from the tick before. */
  readonly changed: readonly { readonly player: PlayerId; readonly row: readonly number[] }[];
  readonly hash: number;
}

/** Plain data: survives JSON and structured clone. */
export interface Recording {
  readonly gameId: string;
  readonly gameVersion: number;
  readonly seed: number;
  readonly startHash: number;
  readonly ticks: readonly RecordedTick[];
}

export class Recorder {
  readonly #game: AnyGame;
  readonly #seed: number;
  readonly #ticks: RecordedTick[] = [];
  #startHash = 0;
  #last: Int32Array | undefined;

  constructor(game: AnyGame, seed: number) {
    this.#game = game;
    this.#seed = seed;
  }

  begin(state: WorldState): void {
    this.#startHash = state.hash();
  }

  record(
    _tick: Tick,
    step: {
      readonly inputs: InputTable;
      readonly joined: readonly PlayerId[];
      readonly left: readonly PlayerId[];
      readonly state: WorldState;
    },
  ): void {
    if (this.#ticks.length >= RECORDED_TICKS_MAX) return;
    const { data, stride } = step.inputs;
    const changed: { player: PlayerId; row: number[] }[] = [];
    for (let player = 0; player * stride < data.length; player++) {
      const row = [...data.subarray(player * stride, (player + 1) * stride)];
      const before = this.#last ?? initialInputs(this.#game, data.length);
      if (row.some((value, i) => value !== before[player * stride + i])) changed.push({ player: player as PlayerId, row });
    }
    this.#last = data.slice();
    this.#ticks.push({ joined: step.joined, left: step.left, changed, hash: step.state.hash() });
  }

  recording(): Recording {
    return { gameId: this.#game.id, gameVersion: this.#game.version, seed: this.#seed, startHash: this.#startHash, ticks: this.#ticks };
  }
}

function initialInputs(game: AnyGame, length: number): Int32Array {
  const { initial } = game.input;
  return Int32Array.from({ length }, (_, i) => initial[i % initial.length]!);
}

/** The first tick whose state differs from the recorded one (0: the start), or undefined if all agree. */
export function findDivergence(game: AnyGame, recording: Recording): { tick: number; expected: number; actual: number } | undefined {
  if (recording.gameId !== game.id || recording.gameVersion !== game.version) {
    throw new Error(`the recording is of ${recording.gameId} version ${recording.gameVersion}, not of ${game.id} version ${game.version}`);
  }
  const simulation = new Simulation(game, recording.seed);
  simulation.start();
  const startHash = simulation.state.hash();
  if (startHash !== recording.startHash) return { tick: 0, expected: recording.startHash, actual: startHash };
  for (const [i, { joined, left, changed, hash }] of recording.ticks.entries()) {
    for (const { player, row } of changed) simulation.inputs.set(player, Int32Array.from(row));
    simulation.step((i + 1) as Tick, { isFirstTime: true, ...(joined.length > 0 && { joined }), ...(left.length > 0 && { left }) });
    const actual = simulation.state.hash();
    if (actual !== hash) return { tick: i + 1, expected: hash, actual };
  }
  return undefined;
}
