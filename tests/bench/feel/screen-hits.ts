/**
 * Hits of the demo's bullets as a spectator of a screen would count them, from what was drawn alone: a bullet of mine went
 * deep into a ship, between one drawn frame and the next, at the place where that ship was drawn. Held against the hits
 * that the host decided, bullet by bullet. The netcode's own count (`hit` in `simulate`) goes by events that it predicted
 * itself; this one would also see a prediction that agrees with the host and not with the screen.
 *
 * Only what is clear is judged: a bullet drawn more than 3 px deep in a ship must have hit, one that was never nearer than
 * 3 px must not. In its last tick a bullet is not drawn any more; it is taken to go on for two ticks, as it would have.
 */
import type { EntityId, PlayerId } from '../../../netcode/core/ids.ts';
import { defineGame, type ViewOf } from '../../../netcode/index.ts';
import { isBlocked, isClearLine } from '../../../game/rules/arena-map.ts';
import type { arena } from '../../../game/rules/arena.ts';
import { isFlying } from '../../../game/rules/ships.ts';
import { type ArenaWorld, BULLET_RADIUS, BULLET_TICKS, SHIP_RADIUS, TICK_RATE } from '../../../game/rules/state.ts';
import type { demoGame } from '../workloads/demo.ts';

const TOUCH_PX = SHIP_RADIUS + BULLET_RADIUS;
/** Neither hit nor miss, as far as a screen can tell. */
const UNCLEAR_PX = 3;
/** A bullet that vanished is followed for so long. */
const ON_TICKS = 2;
/** A bullet that is drawn for almost as many frames as it lives may have vanished of old age. */
const OLD_FRAMES = BULLET_TICKS - 4;
/** Where the host tells of a hit, the bullet is this near. */
const NEAR_PX = 60;
/** The host decides what a screen has shown within so many ticks: input lead and rewinding. */
const DECIDED_TICKS = 60;
/** A shot that never was leaves its id to a later one: what is drawn again after so long is another bullet. */
const SAME_BULLET_TICKS = 30;
/** And its word on who flew then is looked for as far around. */
const AROUND_TICKS = 30;

type DemoGame = typeof demoGame;
type DemoView = readonly ViewOf<typeof arena>[];
interface Point {
  readonly x: number;
  readonly y: number;
}

export interface ScreenReport {
  /** Bullets that clearly hit on the shooter's screen. */
  readonly seen: number;
  /** Of these, what the host did not count as a hit on that ship; and the part for which nothing below is the reason. */
  readonly denied: number;
  /** The ship was a wreck by then, or a ghost again. */
  readonly deniedOfGone: number;
  /** The shot itself never was: the shooter was dead, or the press came too late. */
  readonly deniedOfUnfired: number;
  /** Hits of the host's that clearly passed by on the shooter's screen. */
  readonly unseen: number;
  /** All hits of the host's. */
  readonly hits: number;
}

interface DrawnBullet extends Point {
  readonly velocity: Point;
  /** Frames that it has been drawn. */
  readonly frames: number;
}

interface DrawnShip extends Point {
  readonly owner: PlayerId;
  readonly isFlying: boolean;
}

interface Screen {
  readonly bullets: ReadonlyMap<EntityId, DrawnBullet>;
  readonly ships: ReadonlyMap<EntityId, DrawnShip>;
}

/** What a bullet did on its owner's screen. */
interface Trace {
  readonly id: EntityId;
  readonly shooter: PlayerId;
  /** How deep it went into each player's ship. */
  readonly depths: Map<PlayerId, number>;
  /** The host's tick when it went deepest. */
  tick: number;
  /** The host's tick when it was drawn last. */
  drawnTick: number;
  isUnclear: boolean;
}

/** What the host had of a bullet: until when, and whom it hit. */
interface HostBullet {
  readonly id: EntityId;
  readonly shooter: number;
  lastTick: number;
  hit: { readonly target: number; readonly tick: number } | undefined;
}

export class ScreenHits {
  /** To be played instead: the same rules, overheard where the host runs them. */
  readonly game: DemoGame;
  readonly #fromTick: number;
  readonly #screens = new Map<PlayerId, Screen>();
  readonly #traces: Trace[] = [];
  readonly #newestTraces = new Map<EntityId, Trace>();
  readonly #fired = new Map<EntityId, HostBullet>();
  /** By owner, the ticks at whose end the host had no flying ship of theirs. */
  readonly #grounded = new Map<number, Set<number>>();
  #hostWorld: ArenaWorld | undefined;
  #tick = 0;

  constructor(game: DemoGame, fromTick: number) {
    this.#fromTick = fromTick;
    const { spec } = game;
    this.game = defineGame({
      ...spec,
      // Only the host's world begins at the beginning.
      onStart: (world, ctx) => {
        this.#hostWorld = world;
        spec.onStart?.(world, ctx);
      },
      step: (world, inputs, ctx) => {
        if (world !== this.#hostWorld) {
          spec.step(world, inputs, ctx);
          return;
        }
        this.#tick = ctx.tick;
        const emit: typeof ctx.emit = (type, data, options) => {
          if (type === 'hit') this.#hear(world, data as unknown as Point & { readonly target: number; readonly by: number });
          ctx.emit(type, data, options);
        };
        for (const bullet of world.all('bullet')) this.#note(bullet);
        spec.step(world, inputs, Object.create(ctx, { emit: { value: emit } }) as typeof ctx);
        for (const ship of world.all('ship')) if (!isFlying(ship)) this.#groundedOf(ship.owner).add(ctx.tick);
      },
    });
  }

  /** What a player's screen shows now, once a frame. */
  look(player: PlayerId, view: DemoView): void {
    const before = this.#screens.get(player);
    const now = screenOf(view, before);
    this.#screens.set(player, now);
    if (before === undefined) return;
    for (const [id, bullet] of before.bullets) this.#follow(player, id, { bullet, next: now.bullets.get(id), before, now });
  }

  /** Of guests' bullets: the host's player sees what the host has. */
  report(): ScreenReport {
    const count = { seen: 0, denied: 0, deniedOfGone: 0, deniedOfUnfired: 0, unseen: 0, hits: 0 };
    const isCounted = (shooter: number, tick: number): boolean =>
      shooter !== 1 && tick >= this.#fromTick && tick <= this.#tick - DECIDED_TICKS;
    const traceOf = new Map<HostBullet, Trace>();
    for (const trace of this.#traces) {
      const { id, shooter, depths, tick, isUnclear } = trace;
      const bullet = this.#fired.get(id);
      // The host had it when it was drawn, or a little later, when its tick came.
      const isFired = bullet !== undefined && bullet.lastTick >= tick && bullet.lastTick - BULLET_TICKS <= trace.drawnTick + DECIDED_TICKS;
      if (isFired) traceOf.set(bullet, trace);
      const targets = [...depths].filter(([, depth]) => depth > UNCLEAR_PX).map(([owner]) => owner);
      if (isUnclear || targets.length === 0 || !isCounted(shooter, tick)) continue;
      count.seen++;
      if (isFired && targets.some((owner) => owner === bullet.hit?.target)) continue;
      count.denied++;
      if (!isFired) count.deniedOfUnfired++;
      else if (targets.some((owner) => this.#wasGrounded(owner, tick))) count.deniedOfGone++;
    }
    for (const bullet of this.#fired.values()) {
      const { shooter, hit } = bullet;
      if (hit === undefined || !isCounted(shooter, hit.tick)) continue;
      count.hits++;
      const trace = traceOf.get(bullet);
      const depth = trace?.depths.get(hit.target as PlayerId) ?? -Infinity;
      if (trace?.isUnclear !== true && depth < -UNCLEAR_PX) count.unseen++;
    }
    return count;
  }

  #follow(
    player: PlayerId,
    id: EntityId,
    frame: { readonly bullet: DrawnBullet; readonly next: DrawnBullet | undefined; readonly before: Screen; readonly now: Screen },
  ): void {
    const { bullet, next, before, now } = frame;
    const onTicks = next === undefined ? ON_TICKS : 1;
    const seconds = onTicks / TICK_RATE;
    const end = next ?? { x: bullet.x + bullet.velocity.x * seconds, y: bullet.y + bullet.velocity.y * seconds };
    const trace = this.#traceOf(player, id);
    trace.drawnTick = this.#tick;
    for (const [shipId, ship] of before.ships) {
      const after = now.ships.get(shipId);
      if (after === undefined || !ship.isFlying) continue;
      const shipEnd = { x: ship.x + (after.x - ship.x) * onTicks, y: ship.y + (after.y - ship.y) * onTicks };
      const { distance, part } = nearest(bullet, end, ship, shipEnd);
      const depth = TOUCH_PX - distance;
      if (depth <= (trace.depths.get(ship.owner) ?? -Infinity)) continue;
      trace.depths.set(ship.owner, depth);
      if (depth <= -UNCLEAR_PX) continue;
      trace.tick = this.#tick;
      const touch = { x: bullet.x + (end.x - bullet.x) * part, y: bullet.y + (end.y - bullet.y) * part };
      const isBehindWall = isBlocked(touch.x, touch.y, BULLET_RADIUS) || !isClearLine(bullet, touch, BULLET_RADIUS);
      if (next === undefined && (bullet.frames >= OLD_FRAMES || isBehindWall)) trace.isUnclear = true;
    }
  }

  /** The host decided on a hit: of the shooter's bullets, it is the one at that place. */
  #hear(world: ArenaWorld, { x, y, target, by }: Point & { readonly target: number; readonly by: number }): void {
    let nearestPx = NEAR_PX;
    let struck: EntityId | undefined;
    for (const { id, owner, pos } of world.all('bullet')) {
      if (owner !== by) continue;
      const distance = Math.hypot(pos.x - x, pos.y - y);
      if (distance >= nearestPx) continue;
      nearestPx = distance;
      struck = id;
    }
    const bullet = struck === undefined ? undefined : this.#fired.get(struck);
    if (bullet !== undefined) bullet.hit = { target, tick: this.#tick };
  }

  #note({ id, owner }: { readonly id: EntityId; readonly owner: PlayerId }): void {
    const known = this.#fired.get(id);
    if (known === undefined) this.#fired.set(id, { id, shooter: owner, lastTick: this.#tick, hit: undefined });
    else known.lastTick = this.#tick;
  }

  #traceOf(shooter: PlayerId, id: EntityId): Trace {
    const newest = this.#newestTraces.get(id);
    if (newest !== undefined && this.#tick - newest.drawnTick <= SAME_BULLET_TICKS) return newest;
    const depths = new Map<PlayerId, number>();
    const trace = { id, shooter, depths, tick: this.#tick, drawnTick: this.#tick, isUnclear: false };
    this.#newestTraces.set(id, trace);
    this.#traces.push(trace);
    return trace;
  }

  #groundedOf(owner: number): Set<number> {
    const known = this.#grounded.get(owner) ?? new Set();
    this.#grounded.set(owner, known);
    return known;
  }

  #wasGrounded(owner: number, around: number): boolean {
    const ticks = this.#groundedOf(owner);
    for (let tick = around - AROUND_TICKS; tick <= around + AROUND_TICKS; tick++) if (ticks.has(tick)) return true;
    return false;
  }
}

/** A copy: what a view holds is used again for the next frame. */
function screenOf(view: DemoView, before: Screen | undefined): Screen {
  const bullets = new Map<EntityId, DrawnBullet>();
  const ships = new Map<EntityId, DrawnShip>();
  for (const entity of view) {
    if (entity.kind === 'bullet' && entity.isMine) {
      const { pos, vel, id } = entity;
      bullets.set(id, { x: pos.x, y: pos.y, velocity: { x: vel.x, y: vel.y }, frames: (before?.bullets.get(id)?.frames ?? 0) + 1 });
    }
    if (entity.kind === 'ship' && !entity.isMine)
      ships.set(entity.id, { x: entity.pos.x, y: entity.pos.y, owner: entity.owner, isFlying: isFlying(entity) });
  }
  return { bullets, ships };
}

/** How near two points come that go straight from one place to another in the same time, and in which part of it. */
function nearest(a: Point, aEnd: Point, b: Point, bEnd: Point): { readonly distance: number; readonly part: number } {
  const [x, y] = [a.x - b.x, a.y - b.y];
  const [dx, dy] = [aEnd.x - bEnd.x - x, aEnd.y - bEnd.y - y];
  const squared = dx * dx + dy * dy;
  const part = squared === 0 ? 0 : Math.min(1, Math.max(0, -(x * dx + y * dy) / squared));
  return { distance: Math.hypot(x + dx * part, y + dy * part), part };
}
