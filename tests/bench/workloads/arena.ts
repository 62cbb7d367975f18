/** `arena30` and `arena60`: the bench's own arena, one match of it, sent 30 and 60 times a second. */
import { type PlayerId, PLAYERS_MAX, type Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { writeFields } from '../../../netcode/wire/schema.ts';
import { Simulation } from '../../../netcode/world/simulation.ts';
import { type Frame, frameOf, type Trace } from '../codec/trace.ts';
import { arenaGame } from './arena-game.ts';
import { WARM_UP_SECONDS, type Workload } from './workload.ts';

/** By then as many bullets fly as ever will. */
const LEAD_IN_TICKS = 180;

/** Players who hold a key for a while, let go, and press another. */
class Players {
  readonly #rng: Sfc32;
  readonly #until = new Int32Array(PLAYERS_MAX + 1);

  constructor(seed: number) {
    this.#rng = new Sfc32(seed);
  }

  press(simulation: Simulation, tick: Tick): void {
    for (let player = 1; player <= PLAYERS_MAX; player++) {
      if (tick < this.#until[player]!) continue;
      const rng = this.#rng;
      this.#until[player] = tick + 6 + rng.below(50);
      const row = simulation.inputs.row(player as PlayerId);
      writeFields(arenaGame.input, row, 0, { turn: rng.below(3) - 1, thrust: rng.below(8) < 5, fire: rng.below(8) < 5 });
    }
  }
}

function recordArena(name: string, snapshotsPerSecond: number, { seed, seconds }: { seed: number; seconds: number }): Trace {
  const simulation = new Simulation(arenaGame, seed);
  const players = new Players(seed);
  const stride = arenaGame.tickRate / snapshotsPerSecond;
  const ticks = LEAD_IN_TICKS + (WARM_UP_SECONDS + seconds) * arenaGame.tickRate;
  const frames: Frame[] = [];
  simulation.start();
  for (let tick = 1 as Tick; tick <= ticks; tick++) {
    players.press(simulation, tick);
    simulation.step(tick, { isFirstTime: true });
    if (tick > LEAD_IN_TICKS && tick % stride === 0) frames.push(frameOf(simulation.state, frames.length));
  }
  return { name, game: arenaGame, snapshotsPerSecond, warmUpFrames: WARM_UP_SECONDS * snapshotsPerSecond, frames };
}

const seeds = { train: 1001, test: 2002 };

export const arena30: Workload = { name: 'arena30', seeds, record: (seed, seconds) => recordArena('arena30', 30, { seed, seconds }) };
export const arena60: Workload = { name: 'arena60', seeds, record: (seed, seconds) => recordArena('arena60', 60, { seed, seconds }) };
