/**
 * The bench's own 2D arena: 64 ships and about 200 bullets, written as any game would be. 31 seats have two or three ships
 * each: a leader that flies by the player's input, and wingmen that fly by themselves. Fields are quantised as a game that
 * minds its bandwidth would, and what counts down is stored as the tick at which it ends.
 */
import { type EntityId, type PlayerId, PLAYERS_MAX, type Tick } from '../../../netcode/core/ids.ts';
import { mix32 } from '../../../netcode/core/rng.ts';
import {
  angle,
  bool,
  cos,
  defineGame,
  type Entity,
  int,
  sin,
  type StepContext,
  moment,
  vec2,
  type WorldView,
} from '../../../netcode/index.ts';

const SHIPS = 64;
/** 65,536 positions a side: what fits 16 bits. */
const POSITION_STEP = 1 / 16; // px
const WORLD_SIZE = 65_535 * POSITION_STEP;
const TICK_RATE = 60;

const THRUST = 420; // px/s²
const DRAG = 0.9; // of the speed, per second
const TURN_RATE = 3.2; // rad/s
const SHIP_RADIUS = 18; // px
const HP_MAX = 100;
const DAMAGE = 20;
const BULLET_SPEED = 640; // px/s
const BULLET_TICKS = 92;
const COOLDOWN_TICKS = 16;
/** Wingmen think again this often. */
const WHIM_TICKS = 24;

const input = { turn: int({ min: -1, max: 1 }), thrust: bool(), fire: bool() };

const entities = {
  ship: {
    pos: vec2({ min: 0, max: WORLD_SIZE, step: POSITION_STEP, velocity: 'vel' }),
    vel: vec2({ min: -512, max: 512, step: 1 / 8 }),
    angle: angle({ bits: 11 }),
    hp: int({ min: 0, max: HP_MAX }),
    /** The tick from which the gun fires again. */
    readyAt: moment({ max: 65_535 }),
    isThrusting: bool(),
    isLeader: bool(),
  },
  bullet: {
    pos: vec2({ min: 0, max: WORLD_SIZE, step: POSITION_STEP, velocity: 'vel' }),
    vel: vec2({ min: -1024, max: 1024, step: 1 / 4 }),
    diesAt: moment({ max: 65_535 }),
  },
};

type World = WorldView<typeof entities>;
type Ship = Entity<typeof entities.ship, 'ship'>;
interface Control {
  readonly turn: number;
  readonly thrust: boolean;
  readonly fire: boolean;
}

/** What a wingman does now: drawn anew every `WHIM_TICKS`, at another moment for each ship. */
function whimOf(id: EntityId, tick: Tick): Control {
  const dice = mix32(id, Math.floor((tick + (mix32(id, 0) % WHIM_TICKS)) / WHIM_TICKS));
  return { turn: (dice % 3) - 1, thrust: (dice >>> 4) % 8 < 5, fire: (dice >>> 8) % 8 < 5 };
}

function fly(ship: Ship, { turn, thrust }: Control, dt: number): void {
  const heading = ship.angle + turn * TURN_RATE * dt;
  const push = thrust ? THRUST * dt : 0;
  let vx = ship.vel.x * (1 - DRAG * dt) + cos(heading) * push;
  let vy = ship.vel.y * (1 - DRAG * dt) + sin(heading) * push;
  const x = ship.pos.x + vx * dt;
  const y = ship.pos.y + vy * dt;
  if (x < SHIP_RADIUS || x > WORLD_SIZE - SHIP_RADIUS) vx = -vx;
  if (y < SHIP_RADIUS || y > WORLD_SIZE - SHIP_RADIUS) vy = -vy;
  ship.angle = heading;
  ship.vel = { x: vx, y: vy };
  ship.pos = { x, y };
  ship.isThrusting = thrust;
}

function shoot(world: World, ship: Ship, tick: Tick): void {
  const [dx, dy] = [cos(ship.angle), sin(ship.angle)];
  ship.readyAt = tick + COOLDOWN_TICKS;
  world.spawn('bullet', {
    owner: ship.owner,
    pos: { x: ship.pos.x + dx * SHIP_RADIUS, y: ship.pos.y + dy * SHIP_RADIUS },
    vel: { x: dx * BULLET_SPEED, y: dy * BULLET_SPEED },
    diesAt: tick + BULLET_TICKS,
  });
}

function moveBullets(world: World, ships: readonly Ship[], { tick, dt, rng }: StepContext<Record<never, never>>): void {
  // Read once: a step's entities are views, and each is met by 200 bullets.
  const bodies = ships.map((ship) => ({ ship, owner: ship.owner, x: ship.pos.x, y: ship.pos.y }));
  for (const bullet of world.all('bullet')) {
    const { x: vx, y: vy } = bullet.vel;
    const x = bullet.pos.x + vx * dt;
    const y = bullet.pos.y + vy * dt;
    bullet.pos = { x, y };
    const { owner } = bullet;
    const hit = bodies.find((body) => body.owner !== owner && (body.x - x) ** 2 + (body.y - y) ** 2 < SHIP_RADIUS ** 2);
    if (hit !== undefined) {
      hit.ship.hp -= DAMAGE;
      if (hit.ship.hp === 0) enter(hit.ship, rng.between(200, WORLD_SIZE - 200), rng.between(200, WORLD_SIZE - 200));
    }
    if (hit !== undefined || tick >= bullet.diesAt || x <= 0 || y <= 0 || x >= WORLD_SIZE || y >= WORLD_SIZE) world.despawn(bullet.id);
  }
}

function enter(ship: Ship, x: number, y: number): void {
  ship.pos = { x, y };
  ship.vel = { x: 0, y: 0 };
  ship.hp = HP_MAX;
}

export const arenaGame = defineGame({
  id: 'bench-arena',
  version: 1,
  tickRate: TICK_RATE,
  playersMax: PLAYERS_MAX,
  entitiesMax: 1024,
  input,
  entities,
  onStart(world, { rng }) {
    for (let i = 0; i < SHIPS; i++) {
      world.spawn('ship', {
        owner: (1 + (i % PLAYERS_MAX)) as PlayerId,
        pos: { x: rng.between(200, WORLD_SIZE - 200), y: rng.between(200, WORLD_SIZE - 200) },
        angle: rng.between(-3, 3),
        hp: HP_MAX,
        isLeader: i < PLAYERS_MAX,
      });
    }
  },
  step(world, inputs, ctx) {
    const ships: Ship[] = [];
    for (const ship of world.all('ship')) {
      const control = ship.isLeader ? inputs.of(ship.owner) : whimOf(ship.id, ctx.tick);
      fly(ship, control, ctx.dt);
      if (control.fire && ctx.tick >= ship.readyAt) shoot(world, ship, ctx.tick);
      ships.push(ship);
    }
    moveBullets(world, ships, ctx);
  },
});
