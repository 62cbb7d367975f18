/** SPEC.md, WORLD rules: entities, their ids, and states that depend on nothing but their content. */
import { expect, test } from 'vitest';
import { defineGame, NOBODY, type PlayerId, u16, u8 } from '../../../netcode/index.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import type { EntityId } from '../../../netcode/core/ids.ts';
import { World } from '../../../netcode/world/world.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';

const game = defineGame({
  id: 'w',
  version: 1,
  entitiesMax: 64,
  input: {},
  entities: { rock: { size: u8() }, tree: { rings: u16() } },
  step: () => undefined,
});
const makeWorld = () => new World(game, new WorldState(game.kinds));
const P1 = 1 as PlayerId;

test('[WORLD1] what a step spawns is there from the next step on; what it despawns is gone at once', () => {
  const world = makeWorld();
  const id = world.spawn('rock', { owner: P1, size: 3 });
  expect([world.count('rock'), world.get(id)]).toEqual([0, undefined]);
  world.commit();
  expect(world.find('rock', id)).toMatchObject({ id, kind: 'rock', owner: P1, size: 3 });
  world.despawn(id);
  expect([world.count('rock'), world.get(id), [...world.all('rock')]]).toEqual([0, undefined, []]);
  world.commit();
  expect(world.state.entityCount).toBe(0);
});

test('[WORLD2] spawning and despawning while looping visits what was there, once', () => {
  const world = makeWorld();
  for (let i = 0; i < 5; i++) world.spawn('rock', { size: i });
  world.commit();
  const visited: number[] = [];
  for (const rock of world.all('rock')) {
    visited.push(rock['size' as never]);
    world.spawn('rock', { size: 100 });
    // The last of these is itself the first rock that this loop spawned.
    world.despawn((rock.id + 1) as EntityId);
  }
  expect(visited).toEqual([0, 2, 4]);
  world.commit();
  expect([...world.all('rock')].map((rock) => rock['size' as never])).toEqual([0, 2, 4, 100, 100]);
});

test('[WORLD3] the state does not depend on how it came about', () => {
  const a = makeWorld();
  const b = makeWorld();
  const ids = [4, 5, 6].map((size) => a.spawn('rock', { size }));
  a.commit();
  for (const size of [4, 99, 6]) b.spawn('rock', { size });
  b.commit();
  (b.find('rock', ids[1]!) as unknown as { size: number }).size = 5;
  b.spawn('tree');
  b.commit();
  b.despawn([...b.all('tree')][0]!.id);
  b.commit();
  expect(b.state.hash()).toBe(a.state.hash());
});

test('[WORLD4] copying a state copies everything, growing as needed', () => {
  const world = makeWorld();
  const rng = new Sfc32(1);
  for (let i = 0; i < 40; i++) world.spawn(rng.below(2) === 0 ? 'rock' : 'tree', { owner: rng.below(4) as PlayerId });
  world.commit();
  const copy = new WorldState(game.kinds);
  copy.copyFrom(world.state);
  expect(copy.hash()).toBe(world.state.hash());
  const before = copy.hash();
  world.despawn(world.state.tables[0]!.ids[0] as EntityId);
  world.commit();
  expect([copy.hash() === before, copy.hash() === world.state.hash()]).toEqual([true, false]);
});

test('[WORLD5] ids are not given twice while they are alive, even after the counter went round', () => {
  const world = makeWorld();
  const survivor = world.spawn('rock', { owner: P1 });
  world.commit();
  const seen = new Set<EntityId>();
  for (let i = 0; i < 70_000; i++) {
    const id = world.spawn('tree', { owner: P1 });
    expect(id).not.toBe(survivor);
    if (i < 65_000) expect(seen.has(id)).toBe(false);
    seen.add(id);
    world.despawn(id);
    world.commit();
  }
});

test('[WORLD6] too many entities, unknown kinds and unknown fields throw, naming them', () => {
  const world = makeWorld();
  expect(() => world.spawn('cloud')).toThrow("no kind 'cloud'");
  expect(() => world.spawn('rock', { weight: 1 })).toThrow("no field 'weight'");
  expect(() => world.spawn('rock', { owner: 32 as PlayerId })).toThrow('player 32 must be 0 to 31');
  for (let i = 0; i < 64; i++) world.spawn('rock', { owner: NOBODY });
  expect(() => world.spawn('rock')).toThrow('64 entities');
});
