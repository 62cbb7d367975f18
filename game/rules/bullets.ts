/** Guns and what comes out of them: firing, flight, hits and who is credited with a kill. */
import { cos, type EntityId, type Inputs, NOBODY, type PlayerId, sin } from '../../netcode/index.ts';
import { isBlocked } from './arena-map.ts';
import { isFlying } from './ships.ts';
import {
  type ArenaContext,
  type ArenaWorld,
  BULLET_RADIUS,
  BULLET_SPEED,
  BULLET_TICKS,
  COOLDOWN_TICKS,
  DEAD_TICKS,
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

/** The flying ship of another player that a bullet touches, the nearest if there are several. */
function struckBy(
  bullet: { readonly owner: PlayerId; readonly pos: { readonly x: number; readonly y: number } },
  ships: readonly Ship[],
): Ship | undefined {
  let nearest: Ship | undefined;
  let nearestSquared = (SHIP_RADIUS + BULLET_RADIUS) * (SHIP_RADIUS + BULLET_RADIUS);
  for (const ship of ships) {
    const dx = ship.pos.x - bullet.pos.x;
    const dy = ship.pos.y - bullet.pos.y;
    const squared = dx * dx + dy * dy;
    if (ship.owner === bullet.owner || !isFlying(ship) || squared >= nearestSquared) continue;
    nearest = ship;
    nearestSquared = squared;
  }
  return nearest;
}

/** Moves bullets, removes those that are spent, and hurts whom they hit. */
export function flyBullets(world: ArenaWorld, ctx: ArenaContext, isScoring: boolean): void {
  const ships = [...world.all('ship')];
  const hits = new Map<EntityId, PlayerId[]>();
  for (const bullet of world.all('bullet')) {
    bullet.pos = { x: bullet.pos.x + bullet.vel.x * ctx.dt, y: bullet.pos.y + bullet.vel.y * ctx.dt };
    const struck = struckBy(bullet, ships);
    if (struck !== undefined) {
      ctx.emit('hit', { x: bullet.pos.x, y: bullet.pos.y, target: struck.owner, by: bullet.owner });
      if (struck.life === 'alive') hits.set(struck.id, [...(hits.get(struck.id) ?? []), bullet.owner]);
    }
    if (struck !== undefined || ctx.tick >= bullet.diesAt || isBlocked(bullet.pos.x, bullet.pos.y, BULLET_RADIUS)) world.despawn(bullet.id);
  }
  if (!isScoring) return;
  for (const ship of ships) {
    const shooters = hits.get(ship.id);
    if (shooters !== undefined) hurt(world, ship, shooters, ctx);
  }
}

/** All hits of one tick count at once; if they kill, one of the shooters is drawn, so that no seat is served first. */
function hurt(world: ArenaWorld, ship: Ship, shooters: readonly PlayerId[], ctx: ArenaContext): void {
  ship.hp -= shooters.length;
  if (ship.hp > 0) return;
  const killer = shooters[ctx.rng.below(shooters.length)] ?? NOBODY;
  ship.life = 'dead';
  ship.lifeUntil = ctx.tick + DEAD_TICKS;
  ship.vel = { x: 0, y: 0 };
  for (const score of world.all('score')) {
    if (score.owner === killer) score.kills += 1;
    if (score.owner === ship.owner) score.deaths += 1;
  }
  ctx.emit('explode', { x: ship.pos.x, y: ship.pos.y, victim: ship.owner, killer });
}
