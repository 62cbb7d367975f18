/** How ships move: steering, thrust, drag, walls and pushing each other. Every ship is treated alike, whatever its seat. */
import { atan2, cos, sin } from '../../netcode/index.ts';
import type { Inputs } from '../../netcode/index.ts';
import { ARENA_HEIGHT, ARENA_WIDTH, WALLS } from './arena-map.ts';
import {
  type ArenaWorld,
  BOUNCE,
  BRAKE,
  DRAG,
  FRICTION,
  type input,
  REST_SPEED,
  type Ship,
  SHIP_RADIUS,
  SPEED_MAX,
  THRUST,
  TURN_RATE,
} from './state.ts';

const TURN = 6.283185307179586;

/** Whether a ship takes part: flies, bumps and can be hit. Ghosts and wrecks do not. */
export const isFlying = (ship: { readonly life: string }): boolean =>
  ship.life === 'alive' || ship.life === 'safe' || ship.life === 'doomed';

/** The shortest way from one direction to another, in [-pi, pi). */
export function turnBetween(from: number, to: number): number {
  const difference = to - from;
  return difference - Math.floor(difference / TURN + 0.5) * TURN;
}

function steer(ship: Ship, control: ReturnType<Inputs<typeof input>['of']>, dt: number): void {
  const turnMax = TURN_RATE * dt;
  const wanted = control.isAiming ? turnBetween(ship.angle, control.heading) : control.turn * turnMax;
  ship.angle += Math.min(Math.max(wanted, -turnMax), turnMax);
}

/** Velocity after a tick of thrust, brake and drag. */
function accelerate(ship: Ship, control: ReturnType<Inputs<typeof input>['of']>, dt: number): { x: number; y: number } {
  let { x, y } = ship.vel;
  if (control.thrust) {
    x += cos(ship.angle) * THRUST * dt;
    y += sin(ship.angle) * THRUST * dt;
  }
  const speed = Math.sqrt(x * x + y * y);
  const slowing = speed * DRAG + FRICTION + (control.brake ? BRAKE : 0);
  const slowed = Math.min(speed - slowing * dt, SPEED_MAX);
  if (slowed < REST_SPEED && !control.thrust) return { x: 0, y: 0 };
  const factor = speed > 0 ? Math.max(slowed, 0) / speed : 0;
  return { x: x * factor, y: y * factor };
}

/** Moves a circle out of whatever it is in and turns its velocity away. `pos` and `vel` are changed. */
function collideWithWalls(pos: { x: number; y: number }, vel: { x: number; y: number }): void {
  for (const wall of WALLS) {
    const dx = pos.x - Math.min(Math.max(pos.x, wall.x), wall.x + wall.width);
    const dy = pos.y - Math.min(Math.max(pos.y, wall.y), wall.y + wall.height);
    const distance = Math.sqrt(dx * dx + dy * dy);
    // A centre inside a block cannot happen: a tick's way (7 px) is less than a radius.
    if (distance >= SHIP_RADIUS || distance === 0) continue;
    const nx = dx / distance;
    const ny = dy / distance;
    pos.x += nx * (SHIP_RADIUS - distance);
    pos.y += ny * (SHIP_RADIUS - distance);
    const into = vel.x * nx + vel.y * ny;
    if (into < 0) {
      vel.x -= nx * into * (1 + BOUNCE);
      vel.y -= ny * into * (1 + BOUNCE);
    }
  }
  const right = ARENA_WIDTH - SHIP_RADIUS;
  const bottom = ARENA_HEIGHT - SHIP_RADIUS;
  if (pos.x < SHIP_RADIUS || pos.x > right) {
    vel.x = (pos.x < SHIP_RADIUS ? 1 : -1) * Math.abs(vel.x) * BOUNCE;
    pos.x = Math.min(Math.max(pos.x, SHIP_RADIUS), right);
  }
  if (pos.y < SHIP_RADIUS || pos.y > bottom) {
    vel.y = (pos.y < SHIP_RADIUS ? 1 : -1) * Math.abs(vel.y) * BOUNCE;
    pos.y = Math.min(Math.max(pos.y, SHIP_RADIUS), bottom);
  }
}

/** One tick of flight for every ship that flies. */
export function flyShips(world: ArenaWorld, inputs: Inputs<typeof input>, dt: number): void {
  for (const ship of world.all('ship')) {
    if (!isFlying(ship)) {
      ship.isThrusting = false;
      continue;
    }
    const control = inputs.of(ship.owner);
    steer(ship, control, dt);
    const vel = accelerate(ship, control, dt);
    const pos = { x: ship.pos.x + vel.x * dt, y: ship.pos.y + vel.y * dt };
    collideWithWalls(pos, vel);
    ship.pos = pos;
    ship.vel = vel;
    ship.isThrusting = control.thrust;
  }
}

/**
 * Ships that overlap are moved apart, half each, and exchange part of their speed. All pairs are judged by where ships
 * were before any was moved, so the order of seats decides nothing.
 */
export function pushShipsApart(world: ArenaWorld): void {
  const bodies = [...world.all('ship')]
    .filter(isFlying)
    .map((ship) => ({ ship, x: ship.pos.x, y: ship.pos.y, vx: ship.vel.x, vy: ship.vel.y }));
  const pushes = bodies.map(() => ({ x: 0, y: 0, vx: 0, vy: 0, isTouched: false }));
  for (let i = 0; i < bodies.length; i++) {
    for (let j = i + 1; j < bodies.length; j++) pushPair(bodies[i]!, bodies[j]!, pushes[i]!, pushes[j]!);
  }
  bodies.forEach(({ ship, x, y, vx, vy }, n) => {
    const push = pushes[n]!;
    if (!push.isTouched) return;
    const pos = { x: x + push.x, y: y + push.y };
    const vel = { x: vx + push.vx, y: vy + push.vy };
    collideWithWalls(pos, vel);
    ship.pos = pos;
    ship.vel = vel;
  });
}

interface Body {
  readonly x: number;
  readonly y: number;
  readonly vx: number;
  readonly vy: number;
}
interface Push {
  x: number;
  y: number;
  vx: number;
  vy: number;
  isTouched: boolean;
}

function pushPair(a: Body, b: Body, pushA: Push, pushB: Push): void {
  const dx = b.x - a.x;
  const dy = b.y - a.y;
  const distance = Math.sqrt(dx * dx + dy * dy);
  if (distance >= 2 * SHIP_RADIUS) return;
  // Two ships on one spot part along x: any direction will do, as long as it is the same everywhere.
  const nx = distance > 0 ? dx / distance : 1;
  const ny = distance > 0 ? dy / distance : 0;
  const overlap = (2 * SHIP_RADIUS - distance) / 2;
  const closing = Math.max((a.vx - b.vx) * nx + (a.vy - b.vy) * ny, 0);
  const impulse = (closing * (1 + BOUNCE)) / 2;
  pushA.x -= nx * overlap;
  pushA.y -= ny * overlap;
  pushB.x += nx * overlap;
  pushB.y += ny * overlap;
  pushA.vx -= nx * impulse;
  pushA.vy -= ny * impulse;
  pushB.vx += nx * impulse;
  pushB.vy += ny * impulse;
  pushA.isTouched = true;
  pushB.isTouched = true;
}

/** The direction from a point to the middle of the arena: where ships look when they enter. */
export function towardsMiddle(from: { readonly x: number; readonly y: number }): number {
  return atan2(ARENA_HEIGHT / 2 - from.y, ARENA_WIDTH / 2 - from.x);
}
