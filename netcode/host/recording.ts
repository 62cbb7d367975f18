/**
 * A match as data: seed, and for each tick who came, who left, what everyone pressed and how far in the past they saw the others, and
 * the hash of the state after it. Replaying it gives the same hashes on any machine; a difference names the tick where a rule was
 * not pure.
 */
import type { AnyGame } from '../define-game.ts';
import type { PlayerId, Tick } from '../core/ids.ts';
import { HISTORY_TICKS } from '../snapshot/baselines.ts';
import { Captures } from '../snapshot/capture.ts';
import { changedSettings, type SettingValues } from '../wire/settings.ts';
import { type InputTable, Simulation } from '../world/simulation.ts';
import type { WorldState } from '../world/world-state.ts';
import { Sights } from './sights.ts';

/** Ticks recorded at most: one hour at 60 Hz, about 100 bytes a tick. */
const RECORDED_TICKS_MAX = 216_000;
/** What a recording holds; 1 was without what players saw, 2 without settings and teams. */
export const RECORDING_FORMAT = 3;

export interface RecordedTick {
  readonly joined: readonly PlayerId[];
  /** Of each who joined. */
  readonly teams: readonly number[];
  readonly left: readonly PlayerId[];
  /** The inputs that differ from the tick before. */
  readonly changed: readonly { readonly player: PlayerId; readonly row: readonly number[] }[];
  /** How many ticks behind this one players saw the others, as the host honoured it, where it differs from the tick before. At first 0. */
  readonly seen: readonly { readonly player: PlayerId; readonly delayTicks: number }[];
  readonly hash: number;
}

/** Plain data: survives JSON and structured clone. */
export interface Recording {
  readonly format: number;
  readonly gameId: string;
  readonly gameVersion: number;
  readonly seed: number;
  /** What had been chosen in the lobby. */
  readonly settings: SettingValues;
  readonly startHash: number;
  readonly ticks: readonly RecordedTick[];
}

export class Recorder {
  readonly #game: AnyGame;
  readonly #seed: number;
  readonly #settings: SettingValues;
  readonly #ticks: RecordedTick[] = [];
  #startHash = 0;
  #last: Int32Array | undefined;
  #lastDelays: Float64Array | undefined;

  constructor(game: AnyGame, seed: number, settings: SettingValues = game.defaultSettings) {
    this.#game = game;
    this.#seed = seed;
    this.#settings = settings;
  }

  begin(state: WorldState): void {
    this.#startHash = state.hash();
  }

  record(
    _tick: Tick,
    step: {
      readonly inputs: InputTable;
      /** By seat, as in `Sights`. */
      readonly delays: Float64Array;
      readonly joined: readonly PlayerId[];
      readonly teams: readonly number[];
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
    const seen: { player: PlayerId; delayTicks: number }[] = [];
    step.delays.forEach((delayTicks, player) => {
      if (delayTicks !== (this.#lastDelays?.[player] ?? 0)) seen.push({ player: player as PlayerId, delayTicks });
    });
    this.#lastDelays = step.delays.slice();
    this.#ticks.push({ joined: step.joined, teams: step.teams, left: step.left, changed, seen, hash: step.state.hash() });
  }

  recording(): Recording {
    const { id, version } = this.#game;
    return {
      format: RECORDING_FORMAT,
      gameId: id,
      gameVersion: version,
      seed: this.#seed,
      settings: this.#settings,
      startHash: this.#startHash,
      ticks: this.#ticks,
    };
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
  if (recording.format !== RECORDING_FORMAT) throw new Error(`the recording is of format ${recording.format}, not ${RECORDING_FORMAT}`);
  const simulation = new Simulation(game, recording.seed, changedSettings(game.settings, game.defaultSettings, recording.settings));
  const captures = new Captures(game, HISTORY_TICKS);
  const sights = new Sights(captures);
  simulation.start();
  const startHash = simulation.state.hash();
  if (startHash !== recording.startHash) return { tick: 0, expected: recording.startHash, actual: startHash };
  for (const [i, { joined, teams, left, changed, seen, hash }] of recording.ticks.entries()) {
    for (const { player, row } of changed) simulation.inputs.set(player, Int32Array.from(row));
    for (const { player, delayTicks } of seen) sights.delays[player] = delayTicks;
    simulation.step((i + 1) as Tick, {
      isFirstTime: true,
      isAuthority: true,
      sightOf: sights.of,
      ...(joined.length > 0 && { joined, teams }),
      ...(left.length > 0 && { left }),
    });
    captures.capture(simulation.state);
    const actual = simulation.state.hash();
    if (actual !== hash) return { tick: i + 1, expected: hash, actual };
  }
  return undefined;
}
