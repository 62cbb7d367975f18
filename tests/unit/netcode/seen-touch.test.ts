/** SPEC.md, SEEN rules: what touches what in the world as a player saw it. */
import { expect, test } from 'vitest';
import { type EntityId, NOBODY, type PlayerId, type Tick } from '../../../netcode/index.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { P1, P2, SeenMatch, SPEED } from '../../harness/seen-match.ts';

/** Where a target is at a part of a tick, taken from what was captured: the definition, apart from the code that is tested. */
function drawnAt(match: SeenMatch, id: EntityId, moment: number): { x: number; y: number } {
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

const SUBSTEPS = 4000;

test('[SEEN9] a sweep finds what tiny steps along both ways find first, for any motion', () => {
  const seed = 11;
  const rng = new Sfc32(seed);
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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
  const match = new SeenMatch();
  match.viewer = NOBODY;
  const [a, b] = [match.spawn('cart', { pos: [10, 0] }), match.spawn('cart', { pos: [30, 0] })];
  const to = (x: number) => ({ from: { x: 0, y: 0 }, to: { x, y: 0 }, radius: 1 });
  const asked = match.see((seen) => {
    // Asks about the far one alone, for each that is touched.
    const where = (): boolean => seen.ray('cart', { ...to(100), where: ({ id }) => id === b })?.part === 29 / 100;
    return [seen.ray('cart', { ...to(40), where }), seen.ray('cart', to(40))].map((hit) => [hit?.entity.id, hit?.at.x]);
  });
  expect(asked).toEqual([
    [a, 9],
    [a, 9],
  ]);
});

test('[SEEN13] heights count between what has one', () => {
  const match = new SeenMatch();
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
