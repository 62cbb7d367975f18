/**
 * The arena: up to sixteen ships, one gun each, until the time is up or somebody has kills enough, alone or in two teams. This object
 * is the whole game as the netcode knows it; what its parts do stands in the files beside it.
 */
import { defineGame } from '../../netcode/index.ts';
import { flyBullets, fireGuns } from './bullets.ts';
import { advanceLives, advanceMatch, enterPlayer, isScoring, rankingOf, startMatch } from './lives.ts';
import { flyShips, pushShipsApart } from './ships.ts';
import { modeOf, settings } from './settings.ts';
import { entities, events, input, PLAYERS_MAX, TEAMS, TICK_RATE } from './state.ts';

export const arena = defineGame({
  id: 'volley-arena',
  version: 3,
  tickRate: TICK_RATE,
  sendRate: TICK_RATE,
  playersMax: PLAYERS_MAX,
  teams: TEAMS,
  settings,
  mode: modeOf,
  // 16 ships, 16 scores, a match and at most 6 bullets in flight a ship, with room to spare.
  entitiesMax: 160,
  input,
  entities,
  events,
  policy: {
    // What is shot at: 150 ms there and back and 30 ms of jitter put it about 260 ms behind on the shooter's screen, and a hit that was
    // seen should be one. Whoever is hit behind cover was in the open a third of a second ago at most.
    ship: { rewindMs: 350 },
    score: { predict: 'none' },
    match: { predict: 'none' },
  },
  onStart: startMatch,
  onJoin: enterPlayer,
  step(world, inputs, ctx) {
    advanceLives(world, ctx);
    flyShips(world, inputs, ctx.dt);
    pushShipsApart(world);
    flyBullets(world, ctx, isScoring(world));
    fireGuns(world, inputs, ctx);
    advanceMatch(world, ctx);
  },
  result: rankingOf,
});
