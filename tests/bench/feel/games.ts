/** What is played for the feel: the demo with and without contact, rays, and skiffs; and who is at the controls. */
import type { PlayerId } from '../../../netcode/core/ids.ts';
import type { Rng } from '../../../netcode/core/rng.ts';
import { atan2, cos, defineGame, sin, type ViewOf } from '../../../netcode/index.ts';
import { simulate, type SimulateOptions, type SimulationReport } from '../../../netcode/testing.ts';
import type { arena } from '../../../game/rules/arena.ts';
import { botInput } from '../../../game/rules/bot.ts';
import { fireGuns, flyBullets } from '../../../game/rules/bullets.ts';
import { advanceLives, advanceMatch, isScoring } from '../../../game/rules/lives.ts';
import { flyShips, isFlying, turnBetween } from '../../../game/rules/ships.ts';
import { SHIP_RADIUS } from '../../../game/rules/state.ts';
import { skiffGame } from '../../harness/skiff-game.ts';
import { demoGame } from '../workloads/demo.ts';
import { ScreenHits, type ScreenReport } from './screen-hits.ts';

/** What a run chooses. */
export type FeelOptions = Pick<SimulateOptions, 'peers' | 'network' | 'seed' | 'seconds' | 'clockDriftPpm' | 'stepCostMs'> & {
  readonly policy?: 'owner' | 'all';
};

export interface FeelResult {
  readonly report: SimulationReport;
  /** Hits as drawn, where that can be told. */
  readonly screen?: ScreenReport;
}

export interface FeelGame {
  readonly name: string;
  readonly what: string;
  play(options: FeelOptions): FeelResult;
}

/** Bots look this often, each at its own moment: a person does not steer sixty times a second either. */
const REACTION_TICKS = 3;
/** Without a goal, a hand changes its mind about this often. */
const HAND_TICKS = 20;
/** Before what is counted, in ticks: the simulator's warm-up. */
const WARM_UP_TICKS = 4 * demoGame.tickRate;

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

/**
 * The demo with guns, but without contact. Where a shooter's own ship is pushed about by others, no client knows in time where the
 * host will have it fire from; without that, every dispute is one of rewinding.
 */
const gunsGame = defineGame({
  ...demoGame.spec,
  id: 'volley-guns',
  step(world, inputs, ctx) {
    advanceLives(world, ctx);
    flyShips(world, inputs, ctx.dt);
    flyBullets(world, ctx, isScoring(world));
    fireGuns(world, inputs, ctx);
    advanceMatch(world, ctx);
  },
});

const RAY_PX = 700;
const RAY_TICKS = 12;
/** Whoever shoots by rays aims this much better than a ship is wide, and now and then beside it. */
const RAY_AIM_PX = SHIP_RADIUS * 1.25;

/** Ships that fly through each other and fire rays: what a ray hits is what the shooter saw on its way. It harms nobody. */
const railGame = defineGame({
  ...demoGame.spec,
  id: 'volley-rail',
  policy: { ...demoGame.spec.policy, ship: { rewindMs: 350 } },
  step(world, inputs, ctx) {
    advanceLives(world, ctx);
    flyShips(world, inputs, ctx.dt);
    for (const ship of world.all('ship')) {
      if (!isFlying(ship) || !inputs.of(ship.owner).fire || ctx.tick < ship.readyAt) continue;
      ship.readyAt = ctx.tick + RAY_TICKS;
      const { x, y } = ship.pos;
      const to = { x: x + cos(ship.angle) * RAY_PX, y: y + sin(ship.angle) * RAY_PX };
      const where = (other: { readonly owner: PlayerId; readonly life: string }) => other.owner !== ship.owner && isFlying(other);
      const struck = world.seenBy(ship.owner).ray('ship', { from: { x, y }, to, radius: SHIP_RADIUS, where });
      ctx.emit('shot', { x, y, by: ship.owner }, { by: ship.owner });
      if (struck === undefined) continue;
      const { x: atX, y: atY } = struck.at;
      ctx.emit('hit', { x: atX, y: atY, target: struck.entity.owner, by: ship.owner }, { by: ship.owner });
    }
    advanceMatch(world, ctx);
  },
});

type DemoView = readonly ViewOf<typeof arena>[];

const bot = (player: PlayerId, tick: number, _rng: Rng, view: DemoView) =>
  (tick + player) % REACTION_TICKS === 0 ? { ...botInput(view, player) } : {};

/** Turns to the nearest ship on its screen and fires when it looks at it; flies about at random. */
function gunner(player: PlayerId, tick: number, rng: Rng, view: DemoView) {
  const flight = (tick + player * 7) % HAND_TICKS === 0 ? { thrust: rng.below(3) > 0, brake: rng.below(5) === 0 } : {};
  const ships = view.filter((entity) => entity.kind === 'ship');
  const self = ships.find(({ isMine }) => isMine);
  if (self === undefined) return flight;
  const away = ({ pos }: (typeof ships)[number]): number => Math.hypot(pos.x - self.pos.x, pos.y - self.pos.y);
  const target = ships.filter((ship) => !ship.isMine && isFlying(ship)).sort((a, b) => away(a) - away(b))[0];
  if (target === undefined) return flight;
  const heading = atan2(target.pos.y - self.pos.y, target.pos.x - self.pos.x);
  const missPx = Math.abs(turnBetween(self.angle, heading)) * away(target);
  return { ...flight, isAiming: true, heading, fire: missPx < RAY_AIM_PX && away(target) < RAY_PX };
}

const arenaHand = (player: PlayerId, tick: number, rng: Rng) =>
  (tick + player * 7) % HAND_TICKS === 0 ? { turn: rng.below(3) - 1, thrust: rng.below(3) > 0, brake: rng.below(5) === 0 } : {};

const skiffHand = (player: PlayerId, tick: number, rng: Rng) =>
  (tick + player * 7) % HAND_TICKS === 0 ? { turn: rng.below(3) - 1, thrust: rng.below(3) > 0, fire: rng.below(3) === 0 } : {};

function playBots(game: typeof demoGame, options: FeelOptions): FeelResult {
  const screen = new ScreenHits(game, WARM_UP_TICKS);
  const report = simulate(screen.game, {
    ...options,
    hit: 'hit',
    drive(player, tick, rng, view) {
      screen.look(player, view);
      return bot(player, tick, rng, view);
    },
  });
  return { report, screen: screen.report() };
}

export const FEEL_GAMES: readonly FeelGame[] = [
  {
    name: 'demo-apart',
    what: "the demo's ships without contact and without shots, steered at random",
    play: (options) => ({ report: simulate(apartGame, { ...options, drive: arenaHand }) }),
  },
  { name: 'demo', what: "the demo's rules, played by its bots", play: (options) => playBots(demoGame, options) },
  {
    name: 'demo-guns',
    what: "the demo's rules without contact of ships, played by its bots",
    play: (options) => playBots(gunsGame, options),
  },
  {
    name: 'rail',
    what: "the demo's ships without contact, firing rays at what their players see",
    play: (options) => ({ report: simulate(railGame, { ...options, hit: 'hit', drive: gunner }) }),
  },
  {
    name: 'skiff',
    what: 'skiffs that drift and shoot, steered at random',
    play: (options) => ({ report: simulate(skiffGame, { ...options, drive: skiffHand }) }),
  },
];

export const feelGame = (name: string): FeelGame => FEEL_GAMES.find((game) => game.name === name)!;
