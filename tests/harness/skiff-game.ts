/** A small game for tests: skiffs that steer, stop by drag, fire pellets and bump score on a hit. */
import { angle, bool, cos, defineGame, event, float, int, ref, sin, u8, vec2 } from '../../netcode/index.ts';

export const skiffGame = defineGame({
  id: 'skiff',
  version: 1,
  sendRate: 60,
  entitiesMax: 512,
  input: { turn: int({ min: -1, max: 1 }), thrust: bool(), fire: event() },
  entities: {
    skiff: {
      pos: vec2({ min: 0, max: 1024, step: 1 / 32 }),
      vel: vec2({ min: -512, max: 512, step: 1 / 16 }),
      heading: angle({ bits: 10 }),
      score: u8(),
    },
    pellet: { pos: vec2({ min: 0, max: 1024, step: 1 / 32 }), vel: vec2({ min: -1024, max: 1024, step: 1 / 4 }), life: u8() },
    buoy: { bob: float({ min: 0, max: 1, step: 1 / 256 }) },
  },
  events: { fired: { by: ref() }, hit: { target: ref() } },
  policy: { buoy: { predict: 'none' } },
  onStart(world) {
    for (let i = 0; i < 3; i++) world.spawn('buoy', { bob: i / 4 });
  },
  onJoin(world, player, { rng }) {
    world.spawn('skiff', { owner: player, pos: [rng.between(200, 800), rng.between(200, 800)], heading: rng.between(-3, 3) });
  },
  step(world, inputs, { dt, emit }) {
    for (const skiff of world.all('skiff')) {
      const { turn, thrust, fire } = inputs.of(skiff.owner);
      skiff.heading += turn * 3 * dt;
      const push = thrust ? 400 * dt : 0;
      skiff.vel.x = skiff.vel.x * 0.98 + cos(skiff.heading) * push;
      skiff.vel.y = skiff.vel.y * 0.98 + sin(skiff.heading) * push;
      if (!thrust && Math.abs(skiff.vel.x) + Math.abs(skiff.vel.y) < 6) skiff.vel = { x: 0, y: 0 };
      skiff.pos.x += skiff.vel.x * dt;
      skiff.pos.y += skiff.vel.y * dt;
      if (fire) {
        world.spawn('pellet', { owner: skiff.owner, pos: skiff.pos, vel: [cos(skiff.heading) * 600, sin(skiff.heading) * 600], life: 60 });
        emit('fired', { by: skiff.id }, { by: skiff.owner });
      }
    }
    for (const pellet of world.all('pellet')) {
      pellet.pos.x += pellet.vel.x * dt;
      pellet.pos.y += pellet.vel.y * dt;
      pellet.life -= 1;
      if (pellet.life === 0) world.despawn(pellet.id);
      for (const skiff of world.all('skiff')) {
        if (skiff.owner === pellet.owner) continue;
        if (Math.abs(skiff.pos.x - pellet.pos.x) + Math.abs(skiff.pos.y - pellet.pos.y) > 30) continue;
        skiff.score += 1;
        emit('hit', { target: skiff.id });
        world.despawn(pellet.id);
      }
    }
    for (const buoy of world.all('buoy')) buoy.bob = buoy.bob >= 1 ? 0 : buoy.bob + 1 / 64;
  },
});
