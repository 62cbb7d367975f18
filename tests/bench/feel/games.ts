/** What is played for the feel: the demo with and without contact, and skiffs; and who is at the controls. */
import type { PlayerId } from '../../../netcode/core/ids.ts';
import type { Rng } from '../../../netcode/core/rng.ts';
import { defineGame, type ViewOf } from '../../../netcode/index.ts';
import { simulate, type SimulateOptions, type SimulationReport } from '../../../netcode/testing.ts';
import type { arena } from '../../../game/rules/arena.ts';
import { botInput } from '../../../game/rules/bot.ts';
import { advanceLives, advanceMatch } from '../../../game/rules/lives.ts';
import { flyShips } from '../../../game/rules/ships.ts';
import { skiffGame } from '../../harness/skiff-game.ts';
import { demoGame } from '../workloads/demo.ts';

/** What a run chooses. */
export type FeelOptions = Pick<SimulateOptions, 'players' | 'network' | 'seed' | 'seconds'> & { readonly policy?: 'owner' | 'all' };

export interface FeelGame {
  readonly name: string;
  readonly what: string;
  play(options: FeelOptions): SimulationReport;
}

/** Bots look this often, each at its own moment: a person does not steer sixty times a second either. */
const REACTION_TICKS = 3;
/** Without a goal, a hand changes its mind about this often. */
const HAND_TICKS = 20;

/** The demo, but ships fly through each other and guns are silent: what a player's ship does depends on their input alone. */
const apartGame = defineGame({
  ...demoGame.spec,
  id: 'volley-apart',
  step(world, inputs, ctx) {
    advanceLives(world, ctx);
    flyShips(world, inputs, ctx.dt);
    advanceMatch(world, ctx);
  },
});

const bot = (player: PlayerId, tick: number, _rng: Rng, view: readonly ViewOf<typeof arena>[]) =>
  (tick + player) % REACTION_TICKS === 0 ? { ...botInput(view, player) } : {};

const arenaHand = (player: PlayerId, tick: number, rng: Rng) =>
  (tick + player * 7) % HAND_TICKS === 0 ? { turn: rng.below(3) - 1, thrust: rng.below(3) > 0, brake: rng.below(5) === 0 } : {};

const skiffHand = (player: PlayerId, tick: number, rng: Rng) =>
  (tick + player * 7) % HAND_TICKS === 0 ? { turn: rng.below(3) - 1, thrust: rng.below(3) > 0, fire: rng.below(3) === 0 } : {};

export const FEEL_GAMES: readonly FeelGame[] = [
  {
    name: 'demo-apart',
    what: "the demo's ships without contact and without shots, steered at random",
    play: (options) => simulate(apartGame, { ...options, drive: arenaHand }),
  },
  { name: 'demo', what: "the demo's rules, played by its bots", play: (options) => simulate(demoGame, { ...options, drive: bot }) },
  {
    name: 'skiff',
    what: 'skiffs that drift and shoot, steered at random',
    play: (options) => simulate(skiffGame, { ...options, drive: skiffHand }),
  },
];
