/** How ships enter, and how a match goes from its first second to its ranking. */
import type { PlayerId } from '../../netcode/index.ts';
import { ENTRANCES, startOf } from './arena-map.ts';
import { towardsMiddle } from './ships.ts';
import {
  type ArenaContext,
  type ArenaJoinContext,
  type ArenaWorld,
  DEAD_TICKS,
  ENDING_TICKS,
  GHOST_TICKS,
  HP_MAX,
  type MatchResult,
  SAFE_TICKS,
  type Ship,
  TEAMS,
  TICK_RATE,
} from './state.ts';

export function startMatch(world: ArenaWorld, { settings }: ArenaContext): void {
  world.spawn('match', { secondsLeft: settings.minutes * 60, hasTeams: settings.mode === 'teams' });
}

/** Whether two ships are on one side. */
export const areMates = (a: Pick<Ship, 'team'>, b: Pick<Ship, 'team'>, { settings }: Pick<ArenaContext, 'settings'>): boolean =>
  settings.mode === 'teams' && a.team === b.team;

/** A new player's ship and score. Seats have their own places, so that those who start together start apart; who comes later is kept away from enemies. */
export function enterPlayer(world: ArenaWorld, player: PlayerId, ctx: ArenaJoinContext): void {
  const hasTeams = ctx.settings.mode === 'teams';
  const team = hasTeams ? Math.min(ctx.team, TEAMS - 1) : 0;
  const isFirst = world.first('ship') === undefined;
  const entrance = isFirst
    ? startOf(player, hasTeams ? team : undefined)
    : ENTRANCES[safestEntrance(world, (ship) => !areMates(ship, { team }, ctx))]!;
  world.spawn('ship', {
    owner: player,
    pos: entrance,
    angle: towardsMiddle(entrance),
    hp: HP_MAX,
    life: 'ghost',
    lifeUntil: ctx.tick + GHOST_TICKS,
    team,
  });
  world.spawn('score', { owner: player });
}

/** The number of the entrance farthest from every ship that counts, and from where wrecks of these will come back. */
export function safestEntrance(world: ArenaWorld, counts: (ship: Ship) => boolean): number {
  let best = 0;
  let bestSquared = -1;
  ENTRANCES.forEach((entrance, number) => {
    let nearestSquared = Number.MAX_VALUE;
    for (const ship of world.all('ship')) {
      if (!counts(ship)) continue;
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
  const goal = ctx.settings.killsToWin;
  const isWon = match.hasTeams
    ? Math.max(match.kills0, match.kills1) >= goal
    : [...world.all('score')].some((score) => score.kills >= goal);
  if (!isWon && match.secondsLeft > 0) return;
  match.state = 'ending';
  match.overAt = ctx.tick + ENDING_TICKS;
}

/** Best first: more kills, then fewer deaths. Undefined while the match goes on. */
export function rankingOf(world: ArenaWorld): MatchResult | undefined {
  const match = world.first('match');
  if (match?.state !== 'over') return undefined;
  const teams = new Map([...world.all('ship')].map((ship) => [ship.owner, ship.team]));
  const ranking = [...world.all('score')].map(({ owner, kills, deaths }) => ({
    player: owner as number,
    team: teams.get(owner) ?? 0,
    kills,
    deaths,
  }));
  return {
    teams: match.hasTeams ? [match.kills0, match.kills1] : undefined,
    ranking: ranking.sort((a, b) => b.kills - a.kills || a.deaths - b.deaths || a.player - b.player),
  };
}

/** Whether hits still count: after the last kill they do not. */
export const isScoring = (world: ArenaWorld): boolean => world.first('match')?.state === 'running';
