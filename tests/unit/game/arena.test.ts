/** The rules of the arena, one test a rule. */
import { expect, test } from 'vitest';
import type { PlayerId, Tick } from '../../../netcode/index.ts';
import { Sights } from '../../../netcode/host/sights.ts';
import { Captures } from '../../../netcode/snapshot/capture.ts';
import type { World } from '../../../netcode/world/world.ts';
import { ARENA_HEIGHT, ARENA_WIDTH, ENTRANCES, isBlocked, WALLS } from '../../../game/rules/arena-map.ts';
import { botInput } from '../../../game/rules/bot.ts';
import {
  BULLET_TICKS,
  COOLDOWN_TICKS,
  DEAD_TICKS,
  DOOMED_TICKS,
  ENDING_TICKS,
  GHOST_TICKS,
  HP_MAX,
  SAFE_TICKS,
  SHIP_RADIUS,
  SPEED_MAX,
  TICK_RATE,
} from '../../../game/rules/state.ts';
import { ArenaMatch } from './arena-match.ts';
import { KILLS_TO_WIN_DEFAULT as KILLS_TO_WIN, MINUTES_DEFAULT } from '../../../game/rules/settings.ts';

const speedOf = (ship: { vel: { x: number; y: number } }): number => Math.hypot(ship.vel.x, ship.vel.y);

test('every entrance is clear, and the map is the same seen from either end', () => {
  for (const { x, y } of ENTRANCES) expect(isBlocked(x, y, SHIP_RADIUS * 2)).toBe(false);
  for (const wall of WALLS) {
    expect(WALLS).toContainEqual({ ...wall, x: ARENA_WIDTH - wall.x - wall.width, y: ARENA_HEIGHT - wall.y - wall.height });
  }
});

test('players who start together start at different entrances', () => {
  const match = new ArenaMatch(8);
  const places = new Set([...match.world.all('ship')].map((ship) => `${ship.pos.x},${ship.pos.y}`));
  expect(places.size).toBe(8);
});

test('a ship enters as a ghost, is safe for a while and then alive', () => {
  const match = new ArenaMatch(1);
  expect(match.ship(1).life).toBe('ghost');
  match.step(GHOST_TICKS);
  expect(match.ship(1).life).toBe('safe');
  match.step(SAFE_TICKS);
  expect(match.ship(1).life).toBe('alive');
});

test('a ghost does not fly and does not fire', () => {
  const match = new ArenaMatch(1);
  match.control(1, { thrust: true, fire: true, turn: 1 });
  const { x, y } = match.ship(1).pos;
  match.step(GHOST_TICKS - 2);
  expect(match.ship(1).pos).toMatchObject({ x, y });
  expect(match.world.count('bullet')).toBe(0);
});

test('thrust never takes a ship beyond its top speed', () => {
  const match = new ArenaMatch(1);
  match.place(1, 60, 60);
  match.control(1, { thrust: true });
  for (let n = 0; n < 180; n++) {
    match.step();
    expect(speedOf(match.ship(1))).toBeLessThanOrEqual(SPEED_MAX + 0.2);
  }
  expect(speedOf(match.ship(1))).toBeGreaterThan(SPEED_MAX * 0.8);
});

test('a ship left alone comes to exact rest', () => {
  const match = new ArenaMatch(1);
  match.place(1, 100, 60).vel = { x: 300, y: 20 };
  match.step(TICK_RATE * 5);
  const rest = match.ship(1);
  expect(speedOf(rest)).toBe(0);
  const { x, y } = rest.pos;
  match.step(10);
  expect(match.ship(1).pos).toMatchObject({ x, y });
});

test('aiming turns a ship the shorter way and stops at the heading', () => {
  const match = new ArenaMatch(1);
  match.place(1, 300, 500, 3);
  match.control(1, { isAiming: true, heading: -3 });
  match.step();
  expect(Math.abs(match.ship(1).angle)).toBeGreaterThan(3);
  match.step(60);
  expect(match.ship(1).angle).toBeCloseTo(-3, 1);
});

test('no ship gets into a wall or out of the arena, whatever its direction', () => {
  const match = new ArenaMatch(1);
  for (let n = 0; n < 64; n++) {
    const heading = (n * Math.PI) / 32;
    match.place(1, 660, 500, heading);
    match.control(1, { thrust: true, isAiming: true, heading });
    for (let tick = 0; tick < 240; tick++) {
      match.step();
      const { x, y } = match.ship(1).pos;
      expect(isBlocked(x, y, SHIP_RADIUS - 0.1)).toBe(false);
    }
  }
});

test('ships that overlap part evenly', () => {
  const match = new ArenaMatch(2);
  match.place(1, 600, 500);
  match.place(2, 610, 500);
  match.step(3);
  const [a, b] = [match.ship(1), match.ship(2)];
  expect(b.pos.x - a.pos.x).toBeGreaterThanOrEqual(2 * SHIP_RADIUS - 0.1);
  expect(a.pos.x + b.pos.x).toBeCloseTo(1210, 1);
});

test('a held trigger fires once a cooldown, a press fires once', () => {
  const match = new ArenaMatch(1);
  match.place(1, 300, 650);
  match.control(1, { fire: true });
  match.step(COOLDOWN_TICKS * 3);
  expect(match.events.filter(({ type }) => type === 'shot')).toHaveLength(3);
  match.control(1, {});
  match.step(COOLDOWN_TICKS);
  match.control(1, { trigger: true });
  match.step();
  match.control(1, {});
  match.step(COOLDOWN_TICKS * 2);
  expect(match.events.filter(({ type }) => type === 'shot')).toHaveLength(4);
});

test('bullets end at walls and at the end of their time', () => {
  const match = new ArenaMatch(1);
  match.place(1, 690, 500);
  match.control(1, { trigger: true });
  match.step();
  match.control(1, {});
  match.step(12);
  expect(match.world.count('bullet')).toBe(0);
  match.place(1, 60, 60);
  match.control(1, { trigger: true });
  match.step();
  match.control(1, {});
  match.step(BULLET_TICKS - 1);
  expect(match.world.count('bullet')).toBe(1);
  match.step();
  expect(match.world.count('bullet')).toBe(0);
});

function shoot(match: ArenaMatch, shots: number): void {
  match.place(1, 300, 650);
  match.place(2, 420, 650);
  match.control(1, { fire: true });
  match.step(COOLDOWN_TICKS * (shots - 1) + 15);
  match.control(1, {});
}

test('as many hits as a ship has points kill it, and count for the shooter', () => {
  const match = new ArenaMatch(2);
  shoot(match, HP_MAX - 1);
  expect(match.ship(2)).toMatchObject({ hp: 1, life: 'alive' });
  shoot(match, 1);
  expect(match.ship(2).life).toBe('doomed');
  expect(match.score(1)).toEqual({ kills: 1, deaths: 0 });
  expect(match.score(2)).toEqual({ kills: 0, deaths: 1 });
  match.step(DOOMED_TICKS);
  expect(match.ship(2).life).toBe('dead');
  expect(match.events.find(({ type }) => type === 'explode')?.data).toMatchObject({ victim: 2, killer: 1 });
});

test('who is hit for the last time flies and fires on until the explosion, and can be hurt no more', () => {
  const match = new ArenaMatch(2);
  shoot(match, HP_MAX);
  const ship = match.ship(2);
  ship.lifeUntil = match.tick + DOOMED_TICKS;
  match.control(1, { fire: true });
  match.control(2, { thrust: true, fire: true });
  match.step(DOOMED_TICKS - 1);
  expect(match.ship(2)).toMatchObject({ life: 'doomed', hp: 0, isThrusting: true });
  expect(match.events.some(({ type, data }) => type === 'shot' && data['by'] === 2)).toBe(true);
  expect(match.events.some(({ type }) => type === 'explode')).toBe(false);
  match.step();
  expect(match.ship(2)).toMatchObject({ life: 'dead', vel: { x: 0, y: 0 } });
  expect(match.events.filter(({ type }) => type === 'explode')).toHaveLength(1);
  expect([match.score(1).kills, match.score(2).deaths]).toEqual([1, 1]);
});

test('every client knows of an explosion beforehand and predicts it to the tick', () => {
  const match = new ArenaMatch(2);
  shoot(match, HP_MAX);
  const names: string[] = [];
  for (let tick = match.tick + 1; match.ship(2).life === 'doomed'; tick++) {
    match.simulation.step(tick as Tick, {
      isFirstTime: true,
      onEvent: ({ type }) => names.push(match.simulation.game.eventTypes[type]!.name),
    });
  }
  expect([match.ship(2).life, names.filter((name) => name !== 'hit')]).toEqual(['dead', ['explode']]);
});

test('a wreck comes back whole, at the entrance farthest from the others', () => {
  const match = new ArenaMatch(2);
  shoot(match, HP_MAX);
  match.step(DOOMED_TICKS + DEAD_TICKS);
  expect(match.ship(2)).toMatchObject({ life: 'ghost', hp: HP_MAX });
  expect(match.ship(2).pos).toMatchObject(ENTRANCES[2]!);
});

test('where a wreck comes back is settled when it dies, apart from other wrecks, and its leap is declared', () => {
  const match = new ArenaMatch(3);
  match.place(1, 300, 650);
  for (const [player, y] of [
    [2, 630],
    [3, 670],
  ] as const)
    match.place(player, 420, y).hp = 1;
  const bullets = match.world as unknown as World;
  for (const y of [630, 670]) bullets.spawn('bullet', { owner: 1 as PlayerId, pos: { x: 395, y }, vel: { x: 660, y: 0 }, diesAt: 999 });
  bullets.commit();
  match.step();
  const entrances = [2, 3].map((player) => match.ship(player).entrance);
  expect([match.ship(2).life, match.ship(3).life, entrances]).toEqual(['doomed', 'doomed', [2, 1]]);
  // Whoever flies there now changes nothing any more.
  match.place(1, ENTRANCES[2]!.x, ENTRANCES[2]!.y);
  match.step(DOOMED_TICKS + DEAD_TICKS);
  [2, 3].forEach((player, n) => {
    expect(match.ship(player)).toMatchObject({ life: 'ghost', warpedAt: match.tick });
    expect(match.ship(player).pos).toMatchObject(ENTRANCES[entrances[n]!]!);
  });
});

/** A match whose first player sees the others some ticks late, as the host would have it. */
function matchSeenLate(delayTicks: number): { readonly match: ArenaMatch; readonly step: (count?: number) => void } {
  const match = new ArenaMatch(2);
  const captures = new Captures(match.simulation.game, 128);
  const sights = new Sights(captures);
  sights.delays[1] = delayTicks;
  const step = (count = 1): void => {
    for (let n = 0; n < count; n++) {
      match.step(1, { sightOf: sights.of });
      captures.capture(match.simulation.state);
    }
  };
  return { match, step };
}

test('a bullet hits what its shooter saw it hit, a quarter of a second late', () => {
  for (const isLate of [true, false]) {
    const { match, step } = matchSeenLate(isLate ? 15.5 : 0);
    match.place(1, 300, 650);
    match.place(2, 420, 690).vel = { x: 0, y: -360 };
    // By the time the bullet is there the ship is 6 px a tick further; 15 ticks earlier it was in the way.
    step(16);
    match.place(1, 300, 640);
    match.control(1, { trigger: true });
    step();
    match.control(1, {});
    const isFar = Math.abs(match.ship(2).pos.y - 640) > 2 * SHIP_RADIUS;
    step(14);
    expect([isFar, match.ship(2).hp, match.events.some(({ type }) => type === 'hit')]).toEqual([
      true,
      isLate ? HP_MAX - 1 : HP_MAX,
      isLate,
    ]);
  }
});

test('no further back than the limit', () => {
  const { match, step } = matchSeenLate(60);
  match.place(1, 300, 650);
  match.place(2, 420, 650);
  step(30);
  match.place(2, 420, 850);
  step(20);
  const shoot = (): boolean => {
    match.control(1, { trigger: true });
    step();
    match.control(1, {});
    step(20);
    return match.events.some(({ type }) => type === 'hit');
  };
  expect(shoot()).toBe(false);
});

test('a bullet still ends at what was seen flying and is a wreck by now, and does it no harm', () => {
  const { match, step } = matchSeenLate(12);
  match.place(1, 300, 650);
  match.place(2, 420, 650);
  step(20);
  const wreck = match.ship(2);
  wreck.life = 'dead';
  wreck.lifeUntil = match.tick + DEAD_TICKS;
  match.control(1, { trigger: true });
  step();
  match.control(1, {});
  step(11);
  expect(match.events.filter(({ type }) => type === 'hit')).toHaveLength(1);
  expect([match.world.count('bullet'), match.ship(2).hp, match.score(1).kills]).toEqual([0, HP_MAX, 0]);
  // Once it is seen as a wreck, bullets fly on.
  step(COOLDOWN_TICKS);
  match.control(1, { trigger: true });
  step();
  match.control(1, {});
  step(14);
  expect([match.events.filter(({ type }) => type === 'hit').length, match.world.count('bullet')]).toEqual([1, 1]);
});

test('nothing is hit behind a corner that ends the bullet', () => {
  const hits = (y: number): number => {
    const match = new ArenaMatch(2);
    match.place(2, 770, 636);
    const world = match.world as unknown as World;
    world.spawn('bullet', { owner: 1 as PlayerId, pos: { x: 751.875, y }, vel: { x: 660, y: 0 }, diesAt: 999 });
    world.commit();
    match.step(1);
    return match.events.filter(({ type }) => type === 'hit').length;
  };
  expect([hits(618), hits(626)]).toEqual([0, 1]);
});

test('whoever is not the host shows a hit and leaves what it does to the host', () => {
  const match = new ArenaMatch(2);
  match.place(1, 300, 650);
  match.place(2, 340, 650).hp = 1;
  const spawner = match.world as unknown as World;
  spawner.spawn('bullet', { owner: 1 as PlayerId, pos: { x: 315, y: 650 }, vel: { x: 660, y: 0 }, diesAt: 999 });
  spawner.commit();
  const events: { readonly name: string; readonly by: number }[] = [];
  match.simulation.step((match.tick + 1) as Tick, {
    isFirstTime: true,
    sightOf: (player) => (player === 1 ? { delayTicks: 0, bracketAt: () => undefined } : undefined),
    onEvent: ({ type, by }) => events.push({ name: match.simulation.game.eventTypes[type]!.name, by }),
  });
  expect(events).toEqual([{ name: 'hit', by: 1 }]);
  expect([match.world.count('bullet'), match.ship(2).hp, match.ship(2).life, match.score(1).kills]).toEqual([0, 1, 'alive', 0]);
});

test('whoever has just entered cannot be hurt, until they shoot', () => {
  const match = new ArenaMatch(2);
  match.place(1, 300, 650);
  const safe = match.place(2, 420, 650);
  safe.life = 'safe';
  safe.lifeUntil = match.tick + 1000;
  match.control(1, { fire: true });
  match.step(60);
  expect(match.ship(2)).toMatchObject({ life: 'safe', hp: HP_MAX });
  match.control(2, { trigger: true });
  match.step();
  expect(match.ship(2).life).toBe('alive');
});

test('two who kill each other in one tick both score', () => {
  const match = new ArenaMatch(2);
  match.place(1, 300, 650, 0).hp = 1;
  match.place(2, 420, 650, Math.PI).hp = 1;
  match.control(1, { trigger: true });
  match.control(2, { trigger: true });
  match.step();
  match.control(1, {});
  match.control(2, {});
  match.step(15);
  expect(match.score(1)).toEqual({ kills: 1, deaths: 1 });
  expect(match.score(2)).toEqual({ kills: 1, deaths: 1 });
});

test('a match ends when its time is up', () => {
  const match = new ArenaMatch(2);
  match.step(MINUTES_DEFAULT * 60 * TICK_RATE - 2);
  expect(match.world.first('match')?.state).toBe('running');
  match.step(1);
  expect(match.world.first('match')?.state).toBe('ending');
  match.step(ENDING_TICKS);
  expect(match.result()?.ranking).toHaveLength(2);
});

test('a match ends at the last kill, after which hits no longer count', () => {
  const match = new ArenaMatch(2);
  for (const score of match.world.all('score')) if (score.owner === 1) score.kills = KILLS_TO_WIN - 1;
  shoot(match, HP_MAX);
  expect(match.world.first('match')?.state).toBe('ending');
  expect(match.result()).toBeUndefined();
  match.place(2, 420, 650).hp = 1;
  shoot(match, 2);
  expect(match.score(1).kills).toBe(KILLS_TO_WIN);
  match.step(ENDING_TICKS);
  expect(match.result()).toEqual({
    teams: undefined,
    ranking: [
      { player: 1, team: 0, kills: KILLS_TO_WIN, deaths: 0 },
      { player: 2, team: 0, kills: 0, deaths: 1 },
    ],
  });
});

test('whoever leaves takes ship and score along', () => {
  const match = new ArenaMatch(2);
  match.step(1, { left: [2 as PlayerId] });
  expect([...match.world.all('ship')].map((ship) => ship.owner)).toEqual([1]);
  expect(match.world.count('score')).toBe(1);
});

test('eight bots play a match to its end, and every one of them moves about', () => {
  const match = new ArenaMatch(8, 7);
  const reach = new Map<number, { min: number; max: number }>();
  while (match.result() === undefined) {
    const view = match.view();
    for (let player = 1; player <= 8; player++) {
      match.control(player, botInput(view, player as PlayerId));
      const { x } = match.ship(player).pos;
      const seen = reach.get(player) ?? { min: x, max: x };
      reach.set(player, { min: Math.min(seen.min, x), max: Math.max(seen.max, x) });
    }
    match.step();
  }
  expect(match.result()?.ranking[0]?.kills).toBe(KILLS_TO_WIN);
  for (const { min, max } of reach.values()) expect(max - min).toBeGreaterThan(200);
});
