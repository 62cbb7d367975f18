/**
 * `cubes`: 901 cubes in three dimensions at 60 Hz, in the manner of the data Glenn Fiedler published with "Snapshot
 * Compression": 900 rest on a plane in a grid, and a larger one, pushed about by a player, rolls through them and drags
 * along what is near. Simulated by Rapier, quantised as Fiedler does: 512 positions a metre, orientation as the smallest
 * three components of the quaternion in nine bits each, and a bit that says that the cube rests.
 */
import RAPIER from '@dimforge/rapier3d-compat';
import type { EntityId, Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { writeFields } from '../../../netcode/wire/schema.ts';
import { bool, defineGame, float, quat } from '../../../netcode/index.ts';
import { WorldState } from '../../../netcode/world/world-state.ts';
import { type Frame, frameOf, type Trace } from '../codec/trace.ts';
import { WARM_UP_SECONDS, type Workload } from './workload.ts';

const RATE = 60;
const SIDE = 30;
const SPACING = 2; // m between the centres of neighbours
const PLAYER_HALF = 0.75; // m
/** Until everything that was put down lies still and the player has come among the cubes. */
const LEAD_IN_TICKS = 180;

/** Rough and springy: cubes tumble rather than slide. */
const FRICTION = 0.8;
const RESTITUTION = 0.4;
/** The player runs from one place among the cubes to the next, pushing as hard as it must, and hops now and then. */
const SPEED = 11; // m/s
const PUSH_MAX = 500; // N
const FIELD_HALF = 27; // m
const ARRIVAL = 3; // m
const PATIENCE_TICKS = 240;
/** It hops once in so many ticks, and sooner when it is stuck behind what it pushes. */
const HOP_ONE_IN = 150;
const STUCK_HOP_ONE_IN = 20;
const STUCK_SPEED = 1.5; // m/s
const HOP = 11; // Ns
/** Its pull on cubes within reach: tuned so that about 80 cubes differ from tick to tick. */
const PULL = 22; // N
const REACH = 5.25; // m

export const cubesGame = defineGame({
  id: 'bench-cubes',
  version: 1,
  tickRate: RATE,
  sendRate: RATE,
  entitiesMax: 1024,
  input: {},
  entities: {
    cube: {
      x: float({ min: -256, max: 256, step: 1 / 512 }),
      y: float({ min: -256, max: 256, step: 1 / 512 }),
      z: float({ min: 0, max: 32, step: 1 / 512 }),
      turn: quat({ bits: 9 }),
      isAtRest: bool(),
    },
  },
  step: () => undefined,
});

class CubeWorld {
  readonly #physics: RAPIER.World;
  readonly #bodies: RAPIER.RigidBody[] = [];
  readonly #rng: Sfc32;
  #target = { x: 0, y: 0, untilTick: PATIENCE_TICKS };

  constructor(seed: number) {
    this.#rng = new Sfc32(seed);
    this.#physics = new RAPIER.World({ x: 0, y: 0, z: -9.81 });
    this.#physics.timestep = 1 / RATE;
    const ground = this.#physics.createRigidBody(RAPIER.RigidBodyDesc.fixed().setTranslation(0, 0, -1));
    this.#physics.createCollider(RAPIER.ColliderDesc.cuboid(256, 256, 1), ground);
    const corner = (-(SIDE - 1) * SPACING) / 2;
    this.#add({ x: 0, y: 0, z: 3, half: PLAYER_HALF });
    for (let i = 0; i < SIDE * SIDE; i++) {
      this.#add({ x: corner + (i % SIDE) * SPACING, y: corner + Math.floor(i / SIDE) * SPACING, z: 0.5, half: 0.5 });
    }
  }

  #add({ x, y, z, half }: { x: number; y: number; z: number; half: number }): void {
    const body = this.#physics.createRigidBody(RAPIER.RigidBodyDesc.dynamic().setTranslation(x, y, z));
    this.#physics.createCollider(
      RAPIER.ColliderDesc.cuboid(half, half, half).setDensity(1).setFriction(FRICTION).setRestitution(RESTITUTION),
      body,
    );
    this.#bodies.push(body);
  }

  step(tick: number): void {
    const [player, ...cubes] = this.#bodies;
    this.#push(player!, tick);
    const at = player!.translation();
    for (const cube of cubes) {
      const position = cube.translation();
      const [x, y, z] = [at.x - position.x, at.y - position.y, at.z - position.z];
      const squared = x * x + y * y + z * z;
      if (squared > REACH * REACH || squared < 1) continue;
      const pull = PULL / RATE / Math.sqrt(squared);
      cube.applyImpulse({ x: x * pull, y: y * pull, z: z * pull }, true);
    }
    this.#physics.step();
  }

  #push(player: RAPIER.RigidBody, tick: number): void {
    const rng = this.#rng;
    const at = player.translation();
    const [dx, dy] = [this.#target.x - at.x, this.#target.y - at.y];
    const distance = Math.sqrt(dx * dx + dy * dy);
    if (distance < ARRIVAL || tick >= this.#target.untilTick) {
      this.#target = { x: rng.between(-FIELD_HALF, FIELD_HALF), y: rng.between(-FIELD_HALF, FIELD_HALF), untilTick: tick + PATIENCE_TICKS };
      return;
    }
    const velocity = player.linvel();
    const [x, y] = [(dx / distance) * SPEED - velocity.x, (dy / distance) * SPEED - velocity.y];
    const isStuck = velocity.x * velocity.x + velocity.y * velocity.y < STUCK_SPEED * STUCK_SPEED && Math.abs(velocity.z) < STUCK_SPEED;
    const isHop = rng.below(isStuck ? STUCK_HOP_ONE_IN : HOP_ONE_IN) === 0;
    const lacking = Math.sqrt(x * x + y * y);
    const push = Math.min(PUSH_MAX, lacking * player.mass() * 8) / RATE / Math.max(lacking, 0.001);
    player.applyImpulse({ x: x * push, y: y * push, z: isHop ? HOP : 0 }, true);
  }

  /** Cubes that sleep are not written: they are what they were. */
  write(state: WorldState): void {
    const table = state.tables[0]!;
    this.#bodies.forEach((body, row) => {
      const { x, y, z } = body.translation();
      writeFields(table.kind.layout, table.data, row * table.stride, { x, y, z, turn: body.rotation(), isAtRest: body.isSleeping() });
    });
  }

  free(): void {
    this.#physics.free();
  }
}

async function recordCubes(seed: number, seconds: number): Promise<Trace> {
  await RAPIER.init();
  const world = new CubeWorld(seed);
  const state = new WorldState(cubesGame.kinds);
  for (let id = 1; id <= SIDE * SIDE + 1; id++) state.tables[0]!.insert(id as EntityId);
  // The first is the player's.
  state.tables[0]!.data[0] = 1;
  const ticks = LEAD_IN_TICKS + (WARM_UP_SECONDS + seconds) * RATE;
  const frames: Frame[] = [];
  for (let tick = 1 as Tick; tick <= ticks; tick++) {
    world.step(tick);
    if (tick <= LEAD_IN_TICKS) continue;
    world.write(state);
    state.tick = tick;
    frames.push(frameOf(state, frames.length));
  }
  world.free();
  return { name: 'cubes', game: cubesGame, snapshotsPerSecond: RATE, warmUpFrames: WARM_UP_SECONDS * RATE, frames };
}

/** How much a match moves depends on its luck, from 40 to 120 cubes a tick: these two are near 80. */
export const cubes: Workload = { name: 'cubes', seeds: { train: 5, test: 2901 }, record: recordCubes };
