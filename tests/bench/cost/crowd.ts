/** The demo at its fullest: sixteen ships that nobody can sink, and always the same number of bullets in the air. */
import { cos, defineGame, sin } from '../../../netcode/index.ts';
import { BULLET_SPEED, BULLET_TICKS, HP_MAX, SHIP_RADIUS } from '../../../game/rules/state.ts';
import { demoGame } from '../workloads/demo.ts';

/** Between one bullet that is added and the next; any odd part of a turn would do. */
const TURN_BETWEEN = 2.4; // rad

/** The demo's rules; what bullets are spent is made up for from ships' noses, all around, so that `bullets` fly. */
export function crowdGame(bullets: number): typeof demoGame {
  const { spec } = demoGame;
  return defineGame({
    ...spec,
    id: 'volley-crowd',
    entitiesMax: 64 + 2 * bullets,
    result: () => undefined,
    step(world, inputs, ctx) {
      spec.step(world, inputs, ctx);
      const ships = [...world.all('ship')];
      for (const ship of ships) ship.hp = HP_MAX;
      if (ships.length === 0) return;
      for (let n = world.count('bullet'); n < bullets; n++) {
        const { owner, pos } = ships[(ctx.tick + n) % ships.length]!;
        const heading = ((ctx.tick * 7 + n) * TURN_BETWEEN) % (2 * Math.PI);
        const [dx, dy] = [cos(heading), sin(heading)];
        world.spawn('bullet', {
          owner,
          pos: { x: pos.x + dx * SHIP_RADIUS, y: pos.y + dy * SHIP_RADIUS },
          vel: { x: dx * BULLET_SPEED, y: dy * BULLET_SPEED },
          diesAt: ctx.tick + BULLET_TICKS,
        });
      }
    },
  });
}
