/** SPEC.md, SEEN rules: the world as a player saw it. What touches what in it is in seen-touch.test.ts. */
import { expect, test } from 'vitest';
import { defineGame, type EntityId, NOBODY, type PlayerId, type Tick, u8 } from '../../../netcode/index.ts';
import { Simulation } from '../../../netcode/world/simulation.ts';
import { P1, P2, P3, SeenMatch, type SeenTestWorld, SPEED } from '../../harness/seen-match.ts';

test('[SEEN1] is where it was drawn: as many ticks back as the player saw it late, between two ticks', () => {
  const match = new SeenMatch();
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
  const match = new SeenMatch();
  const id = match.spawn('cart', { owner: P2, speed: 1 / 32 });
  match.step(20);
  match.sights.delays[P1] = 9.25;
  expect(match.see((seen) => seen.find('cart', id)!.pos.x * 32)).toBe(12);
});

test('[SEEN2] is taken back no further than the kind allows, and not at all where it says 0', () => {
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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
    expect([seen.find('cart', mine)!.pos.x, seen.find('cart', others)!.pos.x, seen.find('ball', ball)!.pos.x]).toEqual([500, before, 700]);
  });
});

test('[SEEN4] neither is what lives no more, nor what was not there yet', () => {
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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

test('[SEEN5] says of whom it knows what they saw: of nobody, and of no other player where one predicts', () => {
  const match = new SeenMatch();
  const known = (viewer: PlayerId): boolean => {
    match.viewer = viewer;
    return match.see((seen) => seen.isKnown);
  };
  expect([NOBODY, P1, P3].map(known)).toEqual([false, true, true]);
  const simulation = new Simulation(match.game, 1);
  simulation.start();
  let isKnown: readonly boolean[] = [];
  match.look = (_seen, world) => (isKnown = [P1, P2].map((player) => world.seenBy(player).isKnown));
  simulation.step(1 as Tick, {
    isFirstTime: true,
    sightOf: (player) => (player === P2 ? { delayTicks: 0, bracketAt: () => undefined } : undefined),
  });
  expect(isKnown).toEqual([false, true]);
});

test('[SEEN6] holds of what is not drawn smoothly what it was, and cannot be changed', () => {
  const match = new SeenMatch();
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
  const match = new SeenMatch();
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
  new SeenMatch().see((seen) => {
    expect(() => seen.circle('rock' as 'cart', { at, radius: 1 })).toThrow("there is no kind 'rock'");
    expect(() => seen.circle('dial', { at, radius: 1 })).toThrow("'dial' has no field 'pos'");
    expect(() => seen.circle('dial', { at, radius: 1, by: 'turn' })).toThrow("'dial.turn', which is no vec2");
    expect(() => seen.circle('cart', { at: { x: Number.NaN, y: 0 }, radius: 1 })).toThrow('no finite point');
  });
  const match = new SeenMatch();
  match.spawn('cart', {});
  match.see((seen) => expect(() => seen.circle('cart', { at, radius: Number.NaN })).toThrow('radius NaN'));
  match.see((_, world) => expect(() => world.seenBy(99 as PlayerId)).toThrow('player 99'));
});

/** Used by nothing but the types: what compiles, and what must not. */
export function typesHold(world: SeenTestWorld): unknown {
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
  return speed;
}
