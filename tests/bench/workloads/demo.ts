/** `demo16`: a match of the demo's own rules, sixteen of its bots in it, as the host would simulate it. */
import { NOBODY, type PlayerId, type Tick } from '../../../netcode/core/ids.ts';
import { defineGame, type ViewOf } from '../../../netcode/index.ts';
import { readFields, writeFields } from '../../../netcode/wire/schema.ts';
import { Simulation } from '../../../netcode/world/simulation.ts';
import { arena } from '../../../game/rules/arena.ts';
import { botInput } from '../../../game/rules/bot.ts';
import { type Frame, frameOf, type Trace } from '../codec/trace.ts';
import { WARM_UP_SECONDS, type Workload } from './workload.ts';

const PLAYERS = 16;
/** Ships enter, meet and begin to shoot. */
const LEAD_IN_TICKS = 240;
/** Bots look this often, each at its own moment: a person does not steer sixty times a second either. */
const REACTION_TICKS = 3;

export const demoGame = defineGame({ ...arena.spec, playersMax: PLAYERS, entitiesMax: 256 });

/** All entities as a screen would get them. */
function viewOf({ state }: Simulation): ViewOf<typeof arena>[] {
  return state.tables.flatMap(({ kind, ids, data, count, stride }) =>
    Array.from({ length: count }, (_, row) => {
      const fields = readFields(kind.layout, data, row * stride);
      const entity = { id: ids[row], kind: kind.name, owner: data[row * stride] ?? NOBODY, isMine: false, ...fields };
      return entity as unknown as ViewOf<typeof arena>;
    }),
  );
}

function recordDemo(seed: number, seconds: number): Trace {
  const simulation = new Simulation(demoGame, seed);
  const players = Array.from({ length: PLAYERS }, (_, i) => (i + 1) as PlayerId);
  const ticks = LEAD_IN_TICKS + (WARM_UP_SECONDS + seconds) * demoGame.tickRate;
  const frames: Frame[] = [];
  simulation.start();
  for (let tick = 1 as Tick; tick <= ticks; tick++) {
    const view = viewOf(simulation);
    for (const player of players) {
      if ((tick + player) % REACTION_TICKS !== 0) continue;
      const row = simulation.inputs.row(player);
      // What differs from match to match: who starts to play when.
      if (tick > (player * (seed % 97)) % LEAD_IN_TICKS) writeFields(demoGame.input, row, 0, { ...botInput(view, player) });
    }
    simulation.step(tick, { isFirstTime: true, isAuthority: true, ...(tick === 1 && { joined: players }) });
    if (tick > LEAD_IN_TICKS) frames.push(frameOf(simulation.state, frames.length));
  }
  return {
    name: 'demo16',
    game: demoGame,
    snapshotsPerSecond: demoGame.tickRate,
    warmUpFrames: WARM_UP_SECONDS * demoGame.tickRate,
    frames,
  };
}

export const demo16: Workload = { name: 'demo16', seeds: { train: 1016, test: 2016 }, record: recordDemo };
