/** SPEC.md, SEEN rules: the world as a player saw it, and what touches what in it. */
import { describe, expect, test } from 'vitest';
import {
  angle,
  defineGame,
  type EntityId,
  float,
  NOBODY,
  type PlayerId,
  type SeenWorld,
  teleport,
  type Tick,
  u8,
  vec2,
  vec3,
  type WorldView,
} from '../../../netcode/index.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import type { AnyGame } from '../../../netcode/define-game.ts';
import { Sights } from '../../../netcode/host/sights.ts';
import { Captures } from '../../../netcode/snapshot/capture.ts';
import { Simulation } from '../../../netcode/world/simulation.ts';

const [P1, P2, P3] = [1, 2, 3] as PlayerId[] as [PlayerId, PlayerId, PlayerId];
const SPEED = 6;

const place = { min: -1024, max: 1024, step: 1 / 32 };
const entities = {
  /** Goes `speed` a tick along x. */
  cart: { pos: vec2({ ...place, smooth: 'linear' }), speed: float({ min: -64, max: 64, step: 1 / 32, smooth: 'none' }), life: u8() },
  /** On a leash of 100 ms; in space, and under another name; never taken back; predicted by all; without a place. */
  leashed: { pos: vec2(place) },
  bird: { at: vec3(place) },
  wall: { pos: vec2(place) },
  ball: { pos: vec2(place) },
  /** Leaps. */
  imp: { pos: vec2(place), leaptAt: teleport() },
  dial: { turn: angle() },
};
type World = WorldView<typeof entities>;
type Look = (seen: SeenWorld<typeof entities>, world: World) => void;

/** A match in which carts move, stepped as the host does it. What a test wants to look at, it looks at within the step. */
class Match {
  look: Look | undefined;
  /** Whose eyes. */
  viewer = P1;
  rules: ((world: World, tick: number) => void) | undefined;
  readonly game = defineGame({
    id: 'seen',
    version: 1,
    input: {},
    entities,
    policy: { leashed: { rewindMs: 100 }, wall: { rewindMs: 0 }, ball: { predict: 'all' }, cart: { rewindMs: 350 } },
    onLeave: (world, player) => {
      this.look?.(world.seenBy(this.viewer), world);
      for (const cart of world.all('cart')) if (cart.owner === player) world.despawn(cart.id);
    },
    step: (world, _inputs, { tick }) => {
      for (const cart of world.all('cart')) cart.pos.x += cart.speed;
      for (const kind of ['leashed', 'wall', 'ball'] as const) for (const thing of world.all(kind)) thing.pos.x += SPEED;
      for (const bird of world.all('bird')) bird.at.z += SPEED;
      this.rules?.(world, tick);
      this.look?.(world.seenBy(this.viewer), world);
    },
  });
  readonly simulation = new Simulation(this.game, 1);
  readonly captures = new Captures(this.game, 128);
  readonly sights = new Sights(this.captures);
  tick = 0;

  constructor() {
    this.simulation.start();
  }

  step(count = 1, left: readonly PlayerId[] = []): void {
    for (let n = 0; n < count; n++) {
      this.tick++;
      this.simulation.step(this.tick as Tick, { isFirstTime: true, isAuthority: true, sightOf: this.sights.of, left });
      this.captures.capture(this.simulation.state);
    }
  }

  /** Looks in the next step. */
  see<T>(look: (seen: SeenWorld<typeof entities>, world: World) => T): T {
    let result: { value: T } | undefined;
    this.look = (seen, world) => (result = { value: look(seen, world) });
    this.step();
    this.look = undefined;
    return result!.value;
  }

  spawn(kind: keyof typeof entities, init: object): EntityId {
    let id = 0 as EntityId;
    this.rules = (world) => (id = world.spawn(kind, init));
    this.step();
    this.rules = undefined;
    return id;
  }
}

describe('what is seen', () => {
  test('[SEEN1] is where it was drawn: as many ticks back as the player saw it late, between two ticks', () => {
    const match = new Match();
    const id = match.spawn('cart', { owner: P2, pos: [0, 5], speed: SPEED });
    match.step(20);
    match.sights.delays[P1] = 9.5;
    const [x, y, now] = match.see((seen, world) => {
      const cart = seen.find('cart', id)!;
      return [cart.pos.x, cart.pos.y, world.find('cart', id)!.pos.x];
    });
    expect([x, y, now]).toEqual([69, 5, SPEED * 21]);
    expect(match.see((seen) => seen.sweep('cart', { from: { x: 60, y: 0 }, to: { x: 75, y: 0 }, radius: 6 })?.entity.id)).toBe(id);
  });

  test('[SEEN1] rounded to whole steps, as everything is that is stored', () => {
    const match = new Match();
    const id = match.spawn('cart', { owner: P2, speed: 1 / 32 });
    match.step(20);
    match.sights.delays[P1] = 9.25;
    expect(match.see((seen) => seen.find('cart', id)!.pos.x * 32)).toBe(12);
  });

  test('[SEEN2] is taken back no further than the kind allows, and not at all where it says 0', () => {
    const match = new Match();
    const carts = (['cart', 'leashed', 'wall'] as const).map((kind) =>
      match.spawn(kind, { owner: P2, ...(kind === 'cart' && { speed: SPEED }) }),
    );
    match.step(60);
    match.sights.delays[P1] = 40;
    const behind = match.see((seen, world) =>
      (['cart', 'leashed', 'wall'] as const).map((kind, i) => world.find(kind, carts[i]!)!.pos.x - seen.find(kind, carts[i]!)!.pos.x),
    );
    expect(behind).toEqual([SPEED * 21, SPEED * 6, 0]);
  });

  test("[SEEN3] of one's own, and of what all predict, is the present, and follows what the rules do in the step", () => {
    const match = new Match();
    const [mine, others, ball] = [
      match.spawn('cart', { owner: P1, speed: SPEED }),
      match.spawn('cart', { owner: P2, speed: SPEED }),
      match.spawn('ball', { owner: P2 }),
    ];
    match.step(20);
    match.sights.delays[P1] = 9.5;
    match.see((seen, world) => {
      const before = seen.find('cart', others)!.pos.x;
      expect(seen.find('cart', mine)!.pos.x).toBe(world.find('cart', mine)!.pos.x);
      expect(seen.find('ball', ball)!.pos.x).toBe(world.find('ball', ball)!.pos.x);
      for (const id of [mine, others]) world.find('cart', id)!.pos = { x: 500, y: 500 };
      world.find('ball', ball)!.pos.x = 700;
      expect([seen.find('cart', mine)!.pos.x, seen.find('cart', others)!.pos.x, seen.find('ball', ball)!.pos.x]).toEqual([
        500,
        before,
        700,
      ]);
    });
  });

  test('[SEEN4] neither is what lives no more, nor what was not there yet', () => {
    const match = new Match();
    const [gone, old] = [match.spawn('cart', { owner: P2 }), match.spawn('cart', { owner: P2 })];
    match.step(20);
    match.sights.delays[P1] = 8;
    match.rules = (world) => world.despawn(gone);
    const seen = (): EntityId[] =>
      match.see((world) => {
        const all = [...world.all('cart')].map(({ id }) => id);
        expect(world.circle('cart', { at: { x: 0, y: 0 }, radius: 10 }).map(({ id }) => id)).toEqual(all);
        return all;
      });
    expect(seen()).toEqual([old]);
    match.rules = undefined;
    expect(match.see((world) => [world.find('cart', gone), world.get(gone), world.count('cart')])).toEqual([undefined, undefined, 1]);
    const fresh = match.spawn('cart', { owner: P2 });
    expect(seen()).toEqual([old]);
    match.step(5);
    expect(seen()).toEqual([old]);
    expect(seen()).toEqual([old, fresh]);
  });

  test('[SEEN4] nor what left in this very tick; what changes hands in it stays where it was seen, once', () => {
    const match = new Match();
    const [theirs, others] = [match.spawn('cart', { owner: P2 }), match.spawn('cart', { owner: P3 })];
    match.step(20);
    match.sights.delays[P1] = 8;
    const seen: EntityId[][] = [];
    match.look = (world) => seen.push(world.circle('cart', { at: { x: 0, y: 0 }, radius: 10 }).map(({ id }) => id));
    match.step(1, [P2]);
    match.look = undefined;
    expect(seen).toEqual([[theirs, others], [others]]);
    match.see((world, present) => {
      const near = (): number[] => world.circle('cart', { at: { x: 0, y: 0 }, radius: 10 }).map(({ pos }) => pos.x);
      expect(near()).toEqual([0]);
      Object.assign(present.find('cart', others)!, { owner: P1, pos: { x: 4, y: 0 } });
      expect(near()).toEqual([0]);
    });
  });

  test('[SEEN5] is the present for nobody, for whoever has not said what they saw, and before anything was shown', () => {
    const match = new Match();
    const id = match.spawn('cart', { owner: P2, speed: SPEED });
    const behind = (): number => match.see((seen, world) => world.find('cart', id)!.pos.x - seen.find('cart', id)!.pos.x);
    match.sights.delays[P1] = 1.5;
    expect([match.tick, behind()]).toEqual([1, 0]);
    match.sights.delays.fill(5, 0, 2);
    expect(behind()).toBe(0);
    match.step(20);
    expect(behind()).toBe(5 * SPEED);
    for (const viewer of [NOBODY, P3]) {
      match.viewer = viewer;
      expect(behind()).toBe(0);
    }
  });

  test('[SEEN6] holds of what is not drawn smoothly what it was, and cannot be changed', () => {
    const match = new Match();
    const id = match.spawn('cart', { owner: P2, life: 3 });
    match.step(10);
    match.sights.delays[P1] = 5;
    match.see((seen, world) => {
      world.find('cart', id)!.life = 1;
      expect(seen.find('cart', id)!.life).toBe(3);
      expect(() => ((seen.find('cart', id) as { life: number }).life = 0)).toThrow("'cart.life' as a player saw it is past");
    });
    expect(match.see((seen, world) => [seen.find('cart', id)!.life, world.find('cart', id)!.life])).toEqual([3, 1]);
  });

  test('[SEEN7] differs from player to player within a step', () => {
    const match = new Match();
    const id = match.spawn('cart', { owner: P3, speed: SPEED });
    match.step(30);
    match.sights.delays[P1] = 5;
    match.sights.delays[P2] = 10;
    const places = match.see((_, world) => {
      const [a, b, c] = [P1, P2, P3].map((player) => world.seenBy(player).find('cart', id)!);
      return [a!.pos.x, b!.pos.x, c!.pos.x];
    });
    expect(places).toEqual([26, 21, 31].map((tick) => tick * SPEED));
  });

  test('[SEEN8] nonsense is refused by name', () => {
    const policy = (rewindMs: number) => () =>
      defineGame({ id: 'x', version: 1, input: {}, entities: { a: { n: u8() } }, policy: { a: { rewindMs } }, step: () => undefined });
    expect(policy(-1)).toThrow("'a' has rewindMs -1");
    expect(policy(1001)).toThrow("'a' has rewindMs 1001");
    expect(policy(Number.NaN)).toThrow(RangeError);
    expect(() => policy(1000)()).not.toThrow();
    const at = { x: 0, y: 0 };
    new Match().see((seen) => {
      expect(() => seen.circle('rock' as 'cart', { at, radius: 1 })).toThrow("there is no kind 'rock'");
      expect(() => seen.circle('dial', { at, radius: 1 })).toThrow("'dial' has no field 'pos'");
      expect(() => seen.circle('dial', { at, radius: 1, by: 'turn' })).toThrow("'dial.turn', which is no vec2");
      expect(() => seen.circle('cart', { at: { x: Number.NaN, y: 0 }, radius: 1 })).toThrow('no finite point');
    });
    const match = new Match();
    match.spawn('cart', {});
    match.see((seen) => expect(() => seen.circle('cart', { at, radius: Number.NaN })).toThrow('radius NaN'));
    match.see((_, world) => expect(() => world.seenBy(99 as PlayerId)).toThrow('player 99'));
  });
});

/** Where a target is at a part of a tick, taken from what was captured: the definition, apart from the code that is tested. */
function drawnAt(match: Match, id: EntityId, moment: number): { x: number; y: number } {
  const at = (tick: number): { x: number; y: number } => {
    const table = match.captures.at(tick as Tick)!.tables[0]!;
    const row = table.rowOf(id) * table.stride;
    return { x: table.data[row + 1]! / 32, y: table.data[row + 2]! / 32 };
  };
  const tick = Math.floor(moment);
  const [a, b] = [at(tick), at(tick + 1)];
  const alpha = moment - tick;
  return { x: a.x + (b.x - a.x) * alpha, y: a.y + (b.y - a.y) * alpha };
}

describe('what touches', () => {
  const SUBSTEPS = 4000;

  test('[SEEN9] a sweep finds what tiny steps along both ways find first, for any motion', () => {
    const seed = 11;
    const rng = new Sfc32(seed);
    const match = new Match();
    const ids = Array.from({ length: 6 }, (_, i) =>
      match.spawn('cart', { owner: P2, pos: [rng.between(-60, 60), rng.between(-30, 30)], speed: (i - 3) * 4 }),
    );
    // Carts stay where shots fall.
    match.rules = (world) => {
      for (const cart of world.all('cart')) if (Math.abs(cart.pos.x) > 80) cart.speed = Math.abs(cart.speed) * (cart.pos.x < 0 ? 1 : -1);
    };
    match.step(20);
    let hits = 0;
    for (let n = 0; n < 400; n++) {
      const delay = Math.floor(rng.between(16, 160)) / 16;
      match.sights.delays[P1] = delay;
      const from = { x: rng.between(-100, 100), y: rng.between(-60, 60) };
      const to = { x: from.x + rng.between(-80, 80), y: from.y + rng.between(-80, 80) };
      const radius = rng.between(1, 12);
      const hit = match.see((seen) => {
        const found = seen.sweep('cart', { from, to, radius });
        return found && { id: found.entity.id, part: found.part, at: found.at };
      });
      const moment = match.tick - delay;
      let first: { id: EntityId; part: number } | undefined;
      let nearest = Infinity;
      for (let step = 0; step <= SUBSTEPS && first === undefined; step++) {
        const part = step / SUBSTEPS;
        const at = { x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part };
        for (const id of ids) {
          const [before, now] = [drawnAt(match, id, moment - 1), drawnAt(match, id, moment)];
          const target = { x: before.x + (now.x - before.x) * part, y: before.y + (now.y - before.y) * part };
          const distance = Math.hypot(target.x - at.x, target.y - at.y);
          if (step > 0 || distance > radius) nearest = Math.min(nearest, Math.abs(distance - radius));
          if (distance <= radius) first ??= { id, part };
        }
      }
      const label = `seed ${seed}, shot ${n}`;
      // Stored places are rounded to 1/32: what only just touches may be either.
      if (first === undefined) expect(hit === undefined || nearest < 0.1, label).toBe(true);
      else if (hit === undefined) expect(nearest, label).toBeLessThan(0.1);
      else {
        hits++;
        expect(Math.abs(hit.part - first.part) * Math.hypot(to.x - from.x, to.y - from.y), label).toBeLessThan(1.5);
        expect(hit.at.x, label).toBeCloseTo(from.x + (to.x - from.x) * hit.part, 9);
      }
    }
    expect(hits).toBeGreaterThan(60);
  });

  test('[SEEN10] the exact figures: a graze counts, what begins inside is touched at once, the nearest first', () => {
    const match = new Match();
    match.viewer = NOBODY;
    const [a, b] = [match.spawn('cart', { pos: [10, 0] }), match.spawn('cart', { pos: [30, 0] })];
    const ray = (query: object) =>
      match.see((seen) => {
        const hit = seen.ray('cart', { from: { x: 0, y: 0 }, to: { x: 40, y: 0 }, radius: 5, ...query });
        return hit && [hit.entity.id, hit.part, hit.at];
      });
    expect(ray({})).toEqual([a, 5 / 40, { x: 5, y: 0 }]);
    expect(ray({ where: ({ id }: { id: EntityId }) => id !== a })).toEqual([b, 25 / 40, { x: 25, y: 0 }]);
    expect(ray({ radius: ({ id }: { id: EntityId }) => (id === a ? 1 : 28) })).toEqual([b, 2 / 40, { x: 2, y: 0 }]);
    expect(ray({ from: { x: 0, y: 5 }, to: { x: 40, y: 5 } })).toEqual([a, 10 / 40, { x: 10, y: 5 }]);
    expect(ray({ from: { x: 0, y: 5.01 }, to: { x: 40, y: 5.01 } })).toBeUndefined();
    expect(ray({ from: { x: 28, y: 0 }, to: { x: 0, y: 0 } })).toEqual([b, 0, { x: 28, y: 0 }]);
    expect(ray({ to: { x: 4, y: 0 } })).toBeUndefined();
    // Heights mean nothing to what has none.
    expect(ray({ from: { x: 0, y: 0, z: 99 }, to: { x: 40, y: 0, z: 99 } })).toEqual([a, 5 / 40, { x: 5, y: 0 }]);
    expect(ray({ to: { x: 0, y: 0 } })).toBeUndefined();
    // Inside both: the one whose middle is nearer.
    expect(ray({ from: { x: 22, y: 0 }, radius: 20 })).toEqual([b, 0, { x: 22, y: 0 }]);
    expect(match.see((seen) => seen.circle('cart', { at: { x: 24, y: 0 }, radius: 14 }).map(({ id }) => id))).toEqual([b, a]);
    expect(match.see((seen) => seen.circle('cart', { at: { x: 24, y: 0 }, radius: 13.9 }).map(({ id }) => id))).toEqual([b]);
  });

  test('[SEEN11] nothing passes through, however fast both are; what stands does not come along', () => {
    const match = new Match();
    match.sights.delays[P1] = 5;
    const id = match.spawn('cart', { owner: P2, pos: [0, 0], speed: 60 });
    match.step(10);
    const crossing = match.see((seen) => {
      const { x } = seen.find('cart', id)!.pos;
      const hit = (from: number, to: number) => seen.sweep('cart', { from: { x: from, y: 0 }, to: { x: to, y: 0 }, radius: 1 })?.part;
      // They pass each other in the tick, at the end of which they are far apart; a rear one is not caught up with.
      return [hit(x + 60, x - 120), hit(x - 70, x - 10), hit(x - 40, x - 40)];
    });
    expect(crossing[0]).toBeCloseTo((120 - 1) / 240, 9);
    expect(crossing.slice(1)).toEqual([undefined, 19 / 60]);
  });

  test("[SEEN12] one's own and present things move within the step as well", () => {
    const match = new Match();
    match.viewer = NOBODY;
    const id = match.spawn('cart', { owner: P2, pos: [0, 0], speed: 60 });
    match.step(3);
    const at = (x: number) =>
      match.see((seen, world) => {
        const now = world.find('cart', id)!.pos.x;
        return seen.sweep('cart', { from: { x: now + x, y: 0 }, to: { x: now + x, y: 0 }, radius: 2 })?.part;
      });
    expect([at(-30), at(-63), at(3)]).toEqual([28 / 60, undefined, undefined]);
  });

  test('[SEEN16] nothing is touched on the way of a leap that was declared, past or present', () => {
    const match = new Match();
    match.sights.delays[P1] = 4;
    const id = match.spawn('imp', { owner: P2 });
    match.step(10);
    match.rules = (world, tick) => {
      const imp = world.first('imp')!;
      if (tick === 20) [imp.pos.x, imp.leaptAt] = [100, tick];
      else if (tick === 21) imp.pos.x = 200;
    };
    const touched = (viewer: PlayerId, tick: number, x: number): EntityId | undefined => {
      match.viewer = viewer;
      expect(match.tick).toBe(tick - 1);
      return match.see((seen) => seen.sweep('imp', { from: { x, y: 0 }, to: { x, y: 0 }, radius: 2 })?.entity.id);
    };
    match.step(8);
    expect([touched(NOBODY, 20, 50), touched(NOBODY, 21, 150)]).toEqual([undefined, id]);
    match.step(2);
    expect([touched(P1, 24, 50), touched(P1, 25, 150)]).toEqual([undefined, id]);
  });

  test('[SEEN17] a question within a question is another one', () => {
    const match = new Match();
    match.viewer = NOBODY;
    const [a, b] = [match.spawn('cart', { pos: [10, 0] }), match.spawn('cart', { pos: [30, 0] })];
    const to = (x: number) => ({ from: { x: 0, y: 0 }, to: { x, y: 0 }, radius: 1 });
    const asked = match.see((seen) => {
      // Asks about the far one alone, for each that is touched.
      const where = (): boolean => seen.ray('cart', { ...to(100), where: ({ id }) => id === b })?.part === 29 / 100;
      return [seen.ray('cart', { ...to(40), where }), seen.ray('cart', to(40))].map((hit) => [hit?.entity.id, hit?.part]);
    });
    expect(asked).toEqual([
      [a, 9 / 40],
      [a, 9 / 40],
    ]);
  });

  test('[SEEN13] heights count between what has one', () => {
    const match = new Match();
    match.sights.delays[P1] = 4;
    const id = match.spawn('bird', { owner: P2, at: [5, 5, 0] });
    match.step(20);
    const seen = match.see((world) => {
      const { z } = world.find('bird', id)!.at;
      const ray = (height?: number) => {
        const at = (x: number) => (height === undefined ? { x, y: 5 } : { x, y: 5, z: height });
        const hit = world.ray('bird', { from: at(0), to: at(20), radius: 2, by: 'at' });
        return hit && [hit.part, hit.at.z];
      };
      const near = (height?: number) =>
        world.circle('bird', { at: { x: 5, y: 5, ...(height !== undefined && { z: height }) }, radius: 2, by: 'at' });
      return { z, rays: [ray(z), ray(z + 2.5), ray()], circles: [near(z + 1), near(z + 3), near()].map((list) => list.length) };
    });
    expect(seen).toEqual({ z: 17 * SPEED, rays: [[3 / 20, 17 * SPEED], undefined, [3 / 20, undefined]], circles: [1, 0, 1] });
  });
});

/** Used by nothing but the types: what compiles, and what must not. */
export function typesHold(world: World, game: AnyGame): unknown {
  const seen = world.seenBy(P1);
  const speed: number | undefined = seen.ray('cart', { from: { x: 0, y: 0 }, to: { x: 1, y: 0 }, radius: ({ life }) => life })?.entity
    .speed;
  const cart = seen.first('cart')!;
  // @ts-expect-error what was seen is past
  cart.life = 3;
  // @ts-expect-error so is where it was
  cart.pos.x = 3;
  // @ts-expect-error no such kind
  seen.all('rock');
  // @ts-expect-error no such field
  seen.circle('cart', { at: { x: 0, y: 0 }, radius: 1, by: 'place' });
  return [speed, game];
}
