/** How ships enter, and how a match goes from its first second to its ranking. */
import type { PlayerId } from '../../netcode/index.ts';
import { ENTRANCES } from './arena-map.ts';
import { towardsMiddle } from './ships.ts';
import {
  type ArenaContext,
  type ArenaWorld,
  DEAD_TICKS,
  ENDING_TICKS,
  GHOST_TICKS,
  HP_MAX,
  KILLS_TO_WIN,
  MATCH_SECONDS,
  type MatchResult,
  SAFE_TICKS,
  type Ship,
  TICK_RATE,
} from './state.ts';

export function startMatch(world: ArenaWorld): void {
  world.spawn('match', { secondsLeft: MATCH_SECONDS });
}

/** A new player's ship and score. Seats have their own entrances, so that those who start together start apart. */
export function enterPlayer(world: ArenaWorld, player: PlayerId, ctx: ArenaContext): void {
  const entrance = ENTRANCES[(player - 1) % ENTRANCES.length]!;
  world.spawn('ship', {
    owner: player,
    pos: entrance,
    angle: towardsMiddle(entrance),
    hp: HP_MAX,
    life: 'ghost',
    lifeUntil: ctx.tick + GHOST_TICKS,
  });
  world.spawn('score', { owner: player });
}

/** The number of the entrance farthest from every other ship, and from where other wrecks will come back. */
export function safestEntrance(world: ArenaWorld, entering: Ship): number {
  let best = 0;
  let bestSquared = -1;
  ENTRANCES.forEach((entrance, number) => {
    let nearestSquared = Number.MAX_VALUE;
    for (const ship of world.all('ship')) {
      if (ship.id === entering.id) continue;
      const place = ship.life === 'doomed' || ship.life === 'dead' ? ENTRANCES[ship.entrance]! : ship.pos;
      const dx = place.x - entrance.x;
      const dy = place.y - entrance.y;
      nearestSquared = Math.min(nearestSquared, dx * dx + dy * dy);
    }
    if (nearestSquared > bestSquared) {
      best = number;
      bestSquared = nearestSquared;
    }
  });
  return best;
}

/** doomed -> dead -> ghost (at its entrance) -> safe (flies, cannot be hurt) -> alive. Every screen knows these ticks beforehand. */
export function advanceLives(world: ArenaWorld, ctx: ArenaContext): void {
  for (const ship of world.all('ship')) {
    if (ship.life === 'alive' || ctx.tick < ship.lifeUntil) continue;
    if (ship.life === 'doomed') {
      ship.life = 'dead';
      ship.lifeUntil = ctx.tick + DEAD_TICKS;
      ship.vel = { x: 0, y: 0 };
      ctx.emit('explode', { x: ship.pos.x, y: ship.pos.y, victim: ship.owner, killer: ship.killer }, { by: ship.owner });
    } else if (ship.life === 'dead') {
      const entrance = ENTRANCES[ship.entrance]!;
      ship.pos = { x: entrance.x, y: entrance.y };
      ship.warpedAt = ctx.tick;
      ship.angle = towardsMiddle(entrance);
      ship.hp = HP_MAX;
      ship.life = 'ghost';
      ship.lifeUntil = ctx.tick + GHOST_TICKS;
    } else if (ship.life === 'ghost') {
      ship.life = 'safe';
      ship.lifeUntil = ctx.tick + SAFE_TICKS;
      ctx.emit('enter', { x: ship.pos.x, y: ship.pos.y, player: ship.owner }, { by: ship.owner });
    } else {
      ship.life = 'alive';
    }
  }
}

/** Counts the seconds and ends the match at zero or when somebody has kills enough. */
export function advanceMatch(world: ArenaWorld, ctx: ArenaContext): void {
  const match = world.first('match');
  if (match === undefined || match.state === 'over') return;
  if (match.state === 'ending') {
    if (ctx.tick >= match.overAt) match.state = 'over';
    return;
  }
  if (ctx.tick % TICK_RATE === 0) match.secondsLeft -= 1;
  const isWon = [...world.all('score')].some((score) => score.kills >= KILLS_TO_WIN);
  if (!isWon && match.secondsLeft > 0) return;
  match.state = 'ending';
  match.overAt = ctx.tick + ENDING_TICKS;
}

/** Best first: more kills, then fewer deaths. Undefined while the match goes on. */
export function rankingOf(world: ArenaWorld): MatchResult | undefined {
  if (world.first('match')?.state !== 'over') return undefined;
  const ranking = [...world.all('score')].map(({ owner, kills, deaths }) => ({ player: owner as number, kills, deaths }));
  return { ranking: ranking.sort((a, b) => b.kills - a.kills || a.deaths - b.deaths || a.player - b.player) };
}

/** Whether hits still count: after the last kill they do not. */
export const isScoring = (world: ArenaWorld): boolean => world.first('match')?.state === 'running';
