/**
 * A simple player: flies to the nearest enemy around the blocks, keeps its distance and leads its shots.
 * Pure: what it sees and who it is, in; what it does, out. It knows no more than a person at the screen.
 */
import { atan2, type PlayerId, type ViewOf } from '../../netcode/index.ts';
import { ARENA_HEIGHT, ARENA_WIDTH, ENTRANCES, isBlocked, isClearLine, WALLS } from './arena-map.ts';
import type { arena } from './arena.ts';
import { isFlying, turnBetween } from './ships.ts';
import { BULLET_SPEED, BULLET_TICKS, SHIP_RADIUS, TICK_RATE } from './state.ts';

export interface BotInput {
  readonly turn: number;
  readonly isAiming: boolean;
  readonly heading: number;
  readonly thrust: boolean;
  readonly brake: boolean;
  readonly fire: boolean;
}

type ArenaView = ViewOf<typeof arena>;
type ShipView = Extract<ArenaView, { kind: 'ship' }>;
interface Point {
  readonly x: number;
  readonly y: number;
}

const IDLE: BotInput = { turn: 0, isAiming: false, heading: 0, thrust: false, brake: false, fire: false };
/** Closer than this it stops pushing on: ramming helps nobody. */
const COMFORT = 230; // px
/** It shoots when its nose is this close to where it wants to hit. */
const AIM_TOLERANCE = 0.1; // rad
/** It looks this far ahead for walls. */
const LOOKAHEAD_SECONDS = 0.55;
/** How far from a block's corner it passes. */
const CLEARANCE = SHIP_RADIUS * 1.75;
const RANGE = ((BULLET_SPEED * BULLET_TICKS) / TICK_RATE) * 0.85; // px

const distanceBetween = (a: Point, b: Point): number => Math.sqrt((b.x - a.x) * (b.x - a.x) + (b.y - a.y) * (b.y - a.y));

/** Points beside the blocks' corners, from which the other side can be seen. */
const CORNERS: readonly Point[] = WALLS.flatMap((wall) => {
  const gap = CLEARANCE + 4;
  return [
    { x: wall.x - gap, y: wall.y - gap },
    { x: wall.x + wall.width + gap, y: wall.y - gap },
    { x: wall.x - gap, y: wall.y + wall.height + gap },
    { x: wall.x + wall.width + gap, y: wall.y + wall.height + gap },
  ];
});

function nearestEnemy(ships: readonly ShipView[], self: ShipView, hasTeams: boolean): ShipView | undefined {
  let nearest: ShipView | undefined;
  for (const ship of ships) {
    if (ship.owner === self.owner || !isFlying(ship) || (hasTeams && ship.team === self.team)) continue;
    if (nearest === undefined || distanceBetween(self.pos, ship.pos) < distanceBetween(self.pos, nearest.pos)) nearest = ship;
  }
  return nearest;
}

/** Where to fly to get to a point: the point itself if the way is clear, else the corner that makes the shortest detour. */
function nextStop(from: Point, to: Point): Point {
  if (isClearLine(from, to, SHIP_RADIUS)) return to;
  let best = to;
  let bestLength = Number.MAX_VALUE;
  for (const corner of CORNERS) {
    if (distanceBetween(from, corner) < CLEARANCE || !isClearLine(from, corner, SHIP_RADIUS)) continue;
    const detour = isClearLine(corner, to, SHIP_RADIUS) ? 0 : ARENA_WIDTH;
    const length = distanceBetween(from, corner) + distanceBetween(corner, to) + detour;
    if (length < bestLength) {
      best = corner;
      bestLength = length;
    }
  }
  return best;
}

/** Without an enemy it patrols: to the entrance a bit further round the middle than where it is. */
function patrolStop(self: ShipView): Point {
  const here = atan2(self.pos.y - ARENA_HEIGHT / 2, self.pos.x - ARENA_WIDTH / 2);
  let best = ENTRANCES[0]!;
  let bestTurn = Number.MAX_VALUE;
  for (const entrance of ENTRANCES) {
    const turn = turnBetween(here, atan2(entrance.y - ARENA_HEIGHT / 2, entrance.x - ARENA_WIDTH / 2));
    if (turn > 0.4 && turn < bestTurn) {
      best = entrance;
      bestTurn = turn;
    }
  }
  return nextStop(self.pos, best);
}

const directionTo = (from: Point, to: Point): number => atan2(to.y - from.y, to.x - from.x);

/** True if the ship will be in a wall soon at its present speed. */
function isAboutToCrash(ship: ShipView): boolean {
  const ahead = { x: ship.pos.x + ship.vel.x * LOOKAHEAD_SECONDS, y: ship.pos.y + ship.vel.y * LOOKAHEAD_SECONDS };
  return isBlocked(ahead.x, ahead.y, SHIP_RADIUS) || !isClearLine(ship.pos, ahead, SHIP_RADIUS);
}

/** What a bot in this seat does now. */
export function botInput(view: readonly ArenaView[], me: PlayerId): BotInput {
  const ships = view.filter((entity) => entity.kind === 'ship');
  const self = ships.find((ship) => ship.owner === me);
  if (self === undefined || !isFlying(self)) return IDLE;
  const hasTeams = view.some((entity) => entity.kind === 'match' && entity.hasTeams);
  const enemy = nearestEnemy(ships, self, hasTeams);
  if (enemy === undefined) return flyTo(self, patrolStop(self));
  if (!isClearLine(self.pos, enemy.pos, SHIP_RADIUS)) return flyTo(self, nextStop(self.pos, enemy.pos));

  const distance = distanceBetween(self.pos, enemy.pos);
  const flightSeconds = distance / BULLET_SPEED;
  const target = { x: enemy.pos.x + enemy.vel.x * flightSeconds, y: enemy.pos.y + enemy.vel.y * flightSeconds };
  const heading = directionTo(self.pos, target);
  const isOnTarget = Math.abs(turnBetween(self.angle, heading)) < AIM_TOLERANCE;
  return {
    turn: 0,
    isAiming: true,
    heading,
    thrust: distance > COMFORT && !isAboutToCrash(self),
    brake: distance < COMFORT || isAboutToCrash(self),
    fire: isOnTarget && distance < RANGE,
  };
}

/** Turns towards a stop and goes once it looks there, correcting for drift. */
function flyTo(self: ShipView, stop: Point): BotInput {
  const drift = { x: stop.x - self.vel.x * 0.5, y: stop.y - self.vel.y * 0.5 };
  const heading = directionTo(self.pos, drift);
  const isFacing = Math.abs(turnBetween(self.angle, heading)) < 0.6;
  const willCrash = isAboutToCrash(self);
  return { turn: 0, isAiming: true, heading, thrust: isFacing, brake: willCrash && !isFacing, fire: false };
}
