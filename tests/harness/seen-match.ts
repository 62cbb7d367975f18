/** A small world of things that move, looked at through players' eyes within its steps: for tests of what was seen. */
import {
  angle,
  defineGame,
  type EntityId,
  float,
  type PlayerId,
  type SeenWorld,
  teleport,
  type Tick,
  u8,
  vec2,
  vec3,
  type WorldView,
} from '../../netcode/index.ts';
import { Sights } from '../../netcode/host/sights.ts';
import { Captures } from '../../netcode/snapshot/capture.ts';
import { Simulation } from '../../netcode/world/simulation.ts';

export const [P1, P2, P3] = [1, 2, 3] as PlayerId[] as [PlayerId, PlayerId, PlayerId];
/** A tick. */
export const SPEED = 6;

const place = { min: -1024, max: 1024, step: 1 / 32 };
export const entities = {
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
export type SeenTestWorld = WorldView<typeof entities>;
type Look = (seen: SeenWorld<typeof entities>, world: SeenTestWorld) => void;

/** A match in which carts move, stepped as the host does it. What a test wants to look at, it looks at within the step. */
export class SeenMatch {
  look: Look | undefined;
  /** Whose eyes. */
  viewer = P1;
  rules: ((world: SeenTestWorld, tick: number) => void) | undefined;
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
  see<T>(look: (seen: SeenWorld<typeof entities>, world: SeenTestWorld) => T): T {
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
