/** Sparks, explosions and the camera's shudder: what an event looks like. Calm for those who asked their system for less motion. */
import { BlendModes, type GameObjects, type Scene } from 'phaser';
import { ringTexture, sparkTexture } from './textures.ts';

/** Particles alive at once, whatever happens: an old phone draws them too. */
const PARTICLES_MAX = 400;
const HIT_SPARKS = 10;
const EXPLOSION_SPARKS = 46;
const ENTER_SPARKS = 14;
/** Seen at the gun's mouth when it fires. */
const MUZZLE_SPARKS = 3;
const RING_MS = 520;
const WHITE = '#ffffff';

export const isMotionReduced = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;

export class Effects {
  readonly #scene: Scene;
  readonly #sparks: GameObjects.Particles.ParticleEmitter;
  readonly #embers: GameObjects.Particles.ParticleEmitter;

  constructor(scene: Scene) {
    this.#scene = scene;
    const emitter = (speedMax: number, lifespanMs: number, scale: number): GameObjects.Particles.ParticleEmitter =>
      scene.add
        .particles(0, 0, sparkTexture(scene, WHITE), {
          emitting: false,
          maxAliveParticles: PARTICLES_MAX,
          speed: { min: speedMax * 0.15, max: speedMax },
          lifespan: { min: lifespanMs * 0.4, max: lifespanMs },
          scale: { start: scale, end: 0 },
          alpha: { start: 1, end: 0 },
          blendMode: BlendModes.ADD,
        })
        .setDepth(5);
    this.#sparks = emitter(230, 380, 0.3);
    this.#embers = emitter(330, 900, 0.55);
  }

  muzzle(x: number, y: number, hex: string): void {
    this.#burst(this.#sparks, MUZZLE_SPARKS, { x, y, hex });
  }

  hit(x: number, y: number, hex: string): void {
    this.#burst(this.#sparks, HIT_SPARKS, { x, y, hex });
  }

  enter(x: number, y: number, hex: string): void {
    this.#burst(this.#sparks, ENTER_SPARKS, { x, y, hex });
    this.#ring(x, y, hex, 0.7);
  }

  explode(x: number, y: number, hex: string): void {
    this.#burst(this.#embers, EXPLOSION_SPARKS, { x, y, hex });
    this.#burst(this.#embers, EXPLOSION_SPARKS / 4, { x, y, hex: WHITE });
    this.#ring(x, y, hex, 1.6);
  }

  /** `strength` 0 to 1. */
  shake(strength: number): void {
    if (!isMotionReduced()) this.#scene.cameras.main.shake(140 + 120 * strength, 0.002 + 0.005 * strength);
  }

  #burst(
    emitter: GameObjects.Particles.ParticleEmitter,
    count: number,
    at: { readonly x: number; readonly y: number; readonly hex: string },
  ): void {
    // Those already flying keep their own texture.
    emitter.setTexture(sparkTexture(this.#scene, at.hex));
    emitter.explode(Math.ceil(isMotionReduced() ? count / 3 : count), at.x, at.y);
  }

  #ring(x: number, y: number, hex: string, scale: number): void {
    const ring = this.#scene.add.image(x, y, ringTexture(this.#scene, hex)).setScale(0.1).setDepth(4).setBlendMode(BlendModes.ADD);
    this.#scene.tweens.add({ targets: ring, scale, alpha: 0, duration: RING_MS, ease: 'Cubic.out', onComplete: () => ring.destroy() });
  }
}
