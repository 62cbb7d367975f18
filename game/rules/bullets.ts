/** Guns and what comes out of them: firing, flight, hits and who is credited with a kill. */
import { cos, type EntityId, type Inputs, NOBODY, type PlayerId, type Point, sin } from '../../netcode/index.ts';
import { isBlocked } from './arena-map.ts';
import { areMates, safestEntrance } from './lives.ts';
import { isFlying } from './ships.ts';
import {
  type ArenaContext,
  type ArenaWorld,
  BULLET_RADIUS,
  BULLET_SPEED,
  BULLET_TICKS,
  COOLDOWN_TICKS,
  COUNT_MAX,
  DOOMED_TICKS,
  type input,
  type Ship,
  SHIP_RADIUS,
} from './state.ts';

/** Ships whose trigger is pulled and whose gun is ready fire. A bullet flies straight from the nose, whatever the ship's own speed. */
export function fireGuns(world: ArenaWorld, inputs: Inputs<typeof input>, ctx: ArenaContext): void {
  for (const ship of world.all('ship')) {
    const control = inputs.of(ship.owner);
    if (!isFlying(ship) || !(control.fire || control.trigger) || ctx.tick < ship.readyAt) continue;
    const direction = { x: cos(ship.angle), y: sin(ship.angle) };
    const muzzle = { x: ship.pos.x + direction.x * SHIP_RADIUS, y: ship.pos.y + direction.y * SHIP_RADIUS };
    ship.readyAt = ctx.tick + COOLDOWN_TICKS;
    // Whoever shoots can be shot at.
    if (ship.life === 'safe') ship.life = 'alive';
    world.spawn('bullet', {
      owner: ship.owner,
      pos: muzzle,
      vel: { x: direction.x * BULLET_SPEED, y: direction.y * BULLET_SPEED },
      diesAt: ctx.tick + BULLET_TICKS,
    });
    ctx.emit('shot', { ...muzzle, by: ship.owner }, { by: ship.owner });
  }
}

interface Shot {
  readonly owner: PlayerId;
  /** Its way in this tick. */
  readonly from: Point;
  readonly to: Point;
}

/**
 * The ship of another player that a bullet touches on its way in this tick, and where: on the shooter's screen. If it is a wreck by
 * now, which that screen cannot know yet, the bullet still ends there: a shot that was seen to hit does not fly on. Nothing is hit
 * through a wall, and no team mate unless the host wants it so.
 */
function struckBy(
  world: ArenaWorld,
  { owner, from, to }: Shot,
  ctx: ArenaContext,
): { readonly ship: Ship; readonly at: Point } | undefined {
  const shooter = shipOf(world, owner);
  const isSpared = (ship: Pick<Ship, 'team'>): boolean =>
    !ctx.settings.friendlyFire && shooter !== undefined && areMates(ship, shooter, ctx);
  const hit = world.seenBy(owner).sweep('ship', {
    from,
    to,
    radius: SHIP_RADIUS + BULLET_RADIUS,
    where: (ship) => ship.owner !== owner && isFlying(ship) && !isSpared(ship),
  });
  const ship = hit && world.find('ship', hit.entity.id);
  if (hit === undefined || ship === undefined || isBlocked(hit.at.x, hit.at.y, BULLET_RADIUS)) return undefined;
  return { ship, at: hit.at };
}

/**
 * Moves bullets, removes those that are spent, and hurts whom they hit. A hit shows on the shooter's screen at once; what it does to
 * the other ship is for the host to say, who alone knows whether that can be hurt by now.
 */
export function flyBullets(world: ArenaWorld, ctx: ArenaContext, isScoring: boolean): void {
  const hits = new Map<EntityId, PlayerId[]>();
  for (const bullet of world.all('bullet')) {
    const { x, y } = bullet.pos;
    const to = { x: x + bullet.vel.x * ctx.dt, y: y + bullet.vel.y * ctx.dt };
    // On a client nobody knows what the others saw: whom their bullets hit is for the host to say.
    const isKnown = ctx.isAuthority || world.seenBy(bullet.owner).isKnown;
    const struck = isKnown ? struckBy(world, { owner: bullet.owner, from: { x, y }, to }, ctx) : undefined;
    bullet.pos = to;
    if (struck !== undefined) {
      const { ship, at } = struck;
      ctx.emit('hit', { x: at.x, y: at.y, target: ship.owner, by: bullet.owner }, { by: bullet.owner });
      if (ship.life === 'alive') hits.set(ship.id, [...(hits.get(ship.id) ?? []), bullet.owner]);
    }
    if (struck !== undefined || ctx.tick >= bullet.diesAt || isBlocked(to.x, to.y, BULLET_RADIUS)) world.despawn(bullet.id);
  }
  if (!isScoring || !ctx.isAuthority) return;
  for (const ship of world.all('ship')) {
    const shooters = hits.get(ship.id);
    if (shooters !== undefined) hurt(world, ship, shooters, ctx);
  }
}

/** All hits of one tick count at once; if they kill, one of the shooters is drawn, so that no seat is served first. */
function hurt(world: ArenaWorld, ship: Ship, shooters: readonly PlayerId[], ctx: ArenaContext): void {
  ship.hp -= shooters.length;
  if (ship.hp > 0) return;
  ship.life = 'doomed';
  ship.lifeUntil = ctx.tick + DOOMED_TICKS;
  ship.killer = shooters[ctx.rng.below(shooters.length)] ?? NOBODY;
  ship.entrance = safestEntrance(world, (other) => other.id !== ship.id && !areMates(other, ship, ctx));
  const killer = shipOf(world, ship.killer);
  const isFoul = killer !== undefined && areMates(killer, ship, ctx);
  for (const score of world.all('score')) {
    if (score.owner === ship.killer && !isFoul) score.kills = countUp(score.kills);
    if (score.owner === ship.owner) score.deaths = countUp(score.deaths);
  }
  const match = world.first('match');
  if (match === undefined || killer === undefined || isFoul || !match.hasTeams) return;
  if (killer.team === 0) match.kills0 = countUp(match.kills0);
  else match.kills1 = countUp(match.kills1);
}

/** Counts are bytes: sixteen players in ten minutes could go beyond, where the next would be none. */
const countUp = (count: number): number => Math.min(count + 1, COUNT_MAX);

function shipOf(world: ArenaWorld, owner: number): Ship | undefined {
  for (const ship of world.all('ship')) if (ship.owner === owner) return ship;
  return undefined;
}
