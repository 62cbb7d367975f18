/**
 * Trains a game's own priors: plays it as a host would, with inputs that the caller makes up, and counts what its snapshots
 * are made of. The text that comes out goes into the game's `priors`. Deterministic: the same options give the same text.
 */
import type { Game, KindMap } from '../define-game.ts';
import { type PlayerId, PLAYERS_MAX, type Tick } from '../core/ids.ts';
import { mix32, type Rng, Sfc32 } from '../core/rng.ts';
import { Training } from '../snapshot/training.ts';
import { STATE_PACKET_BYTES_MAX } from '../transport/transport.ts';
import { clearEdges } from '../wire/input-edges.ts';
import { type FieldMap, type InitsOf, writeFields } from '../wire/schema.ts';
import { Simulation } from '../world/simulation.ts';

/** Longest training: an hour of a match. */
const SECONDS_MAX = 3600;
/** Tells the inputs' luck from that of the matches. */
const INPUT_STREAM = 0x1a9f;

export interface TrainPriorsOptions<I extends FieldMap = FieldMap> {
  /** Game time, 3,600 at most. A minute is plenty for most games. If the game's `result` ends a match, another one begins. */
  readonly seconds: number;
  /** How many play, from 1 to the game's `playersMax`. They have the ids 1, 2, …, and join in the first tick. */
  readonly players: number;
  /** Names the matches and the luck given to `input`. A whole number of 32 bits. */
  readonly seed: number;
  /**
   * What a player presses in a tick, as for `room.setInput`: fields not named stay as they are, `event()` fields last this one
   * tick. Best is what real players do (a recording, a bot); keys held for a while and let go will do.
   */
  input(player: PlayerId, tick: Tick, rng: Rng): InitsOf<I>;
}

/**
 * Plays a game with the given inputs and returns its own priors as a text: one character for each context of each kind of
 * entity. Throws RangeError on options that make no sense, and what the game's rules or `input` throw.
 *
 * @example
 * const priors = trainPriors(pong, { seconds: 60, players: 2, seed: 1, input: (_player, tick, rng) => (tick % 20 === 0 ? { move: rng.below(3) - 1 } : {}) })
 * writeFileSync('pong-priors.ts', `export const PONG_PRIORS = '${priors}'\n`)
 * // and in the game: defineGame({ ..., priors: PONG_PRIORS })
 */
export function trainPriors<I extends FieldMap, E extends KindMap, V extends KindMap, R>(
  game: Game<I, E, V, R>,
  options: TrainPriorsOptions<I>,
): string {
  const { seconds, players, seed } = options;
  if (!(seconds > 0 && seconds <= SECONDS_MAX)) throw new RangeError(`seconds ${seconds} must be above 0 and at most ${SECONDS_MAX}`);
  const playersMax = Math.min(game.playersMax, PLAYERS_MAX);
  if (!Number.isInteger(players) || players < 1 || players > playersMax)
    throw new RangeError(`players ${players} must be a whole number from 1 to ${playersMax}`);
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffff_ffff)
    throw new RangeError(`seed ${seed} must be a whole number of 32 bits from 0 up`);
  const training = new Training(game, STATE_PACKET_BYTES_MAX);
  const seats = Array.from({ length: players }, (_, i) => (i + 1) as PlayerId);
  let ticksLeft = Math.ceil(seconds * game.tickRate);
  for (let match = 0; ticksLeft > 0; match++) {
    ticksLeft -= playMatch(game, { training, seats, seed: mix32(seed, match), ticksMax: ticksLeft, input: options.input });
  }
  return training.ownPriors();
}

interface TrainingPlan<I extends FieldMap> {
  readonly training: Training;
  readonly seats: readonly PlayerId[];
  readonly seed: number;
  readonly ticksMax: number;
  readonly input: TrainPriorsOptions<I>['input'];
}

/** Plays until the game has a result, or for `ticksMax`. Returns how many ticks that were. */
function playMatch<I extends FieldMap, E extends KindMap, V extends KindMap, R>(game: Game<I, E, V, R>, plan: TrainingPlan<I>): number {
  const { seats, ticksMax } = plan;
  const simulation = new Simulation(game, plan.seed);
  const match = plan.training.match({ state: simulation.state, players: seats, snapshotsPerSecond: game.sendRate });
  const rng = new Sfc32(mix32(plan.seed, INPUT_STREAM));
  const sendInterval = game.tickRate / game.sendRate;
  simulation.start();
  for (let tick = 1 as Tick; tick <= ticksMax; tick++) {
    for (const player of seats) {
      const row = simulation.inputs.row(player);
      clearEdges(game.input, row);
      writeFields(game.input, row, 0, plan.input(player, tick, rng));
    }
    simulation.step(tick, { isFirstTime: true, isAuthority: true, ...(tick === 1 && { joined: seats }) });
    match.capture();
    if (tick % sendInterval === 0) match.send();
    if (simulation.result() !== undefined) return tick;
  }
  return ticksMax;
}
