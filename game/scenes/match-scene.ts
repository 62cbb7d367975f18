/**
 * Draws a running match: every frame it takes the newest picture of the room and shows it. It keeps no state of the
 * match; what it remembers are only the pictures of entities, by id.
 */
import { BlendModes, type GameObjects, Scene } from 'phaser';
import { atan2, type EventOf } from '../../netcode/index.ts';
import type { ArenaView, BulletView, ShipView } from '../frames.ts';
import { ARENA_HEIGHT, ARENA_WIDTH, WALLS } from '../rules/arena-map.ts';
import type { arena } from '../rules/arena.ts';
import { type Framing, followTarget, framingFor } from './camera.ts';
import { Effects, isMotionReduced } from './effects.ts';
import type { MatchPicture } from './match-picture.ts';
import { drawOverlay } from './overlay.ts';
import { ShipPicture } from './ship-picture.ts';

import { BULLET_TEXTURE_SCALE, BULLET_TIP, bulletTexture, FLOOR_MARGIN, FLOOR_TEXTURE_SCALE, floorTexture } from './textures.ts';

export class MatchScene extends Scene {
  static readonly KEY = 'match';
  #picture: MatchPicture | undefined;
  #effects: Effects | undefined;
  #overlay: GameObjects.Graphics | undefined;
  readonly #ships = new Map<number, ShipPicture>();
  readonly #bullets = new Map<number, GameObjects.Image>();
  #pixelRatio = 1;
  #centre = { x: ARENA_WIDTH / 2, y: ARENA_HEIGHT / 2 };
  #hasCentre = false;

  constructor() {
    super(MatchScene.KEY);
  }

  setPixelRatio(pixelRatio: number): void {
    this.#pixelRatio = pixelRatio;
  }

  /** Phaser calls this at every start of the scene, with a world of game objects that is empty again. */
  create(picture: MatchPicture): void {
    this.#picture = picture;
    this.#ships.clear();
    this.#bullets.clear();
    this.#hasCentre = false;
    this.add
      .image(-FLOOR_MARGIN, -FLOOR_MARGIN, floorTexture(this))
      .setOrigin(0)
      .setScale(1 / FLOOR_TEXTURE_SCALE)
      .setDepth(0);
    drawWalls(this.add.graphics().setDepth(1));
    this.#overlay = this.add.graphics().setDepth(6);
    this.#effects = new Effects(this);
    this.events.once('shutdown', () => {
      this.#picture = undefined;
      this.#effects = undefined;
      this.#overlay = undefined;
    });
  }

  override update(timeMs: number, deltaMs: number): void {
    const picture = this.#picture;
    if (picture === undefined) return;
    const view = picture.frames.take();
    const ships = view.filter((entity) => entity.kind === 'ship');
    const insets = picture.insets();
    const framing = framingFor({ width: this.scale.width / this.#pixelRatio, height: this.scale.height / this.#pixelRatio, insets });
    const target = picture.target();
    this.#moveCamera(
      ships.find((ship) => ship.owner === target),
      framing,
      deltaMs / 1000,
    );
    this.#showShips(ships, framing, timeMs);
    this.#showBullets(view.filter((entity) => entity.kind === 'bullet'));
    if (this.#overlay === undefined) return;
    drawOverlay(this.#overlay, {
      ships,
      insets,
      camera: this.cameras.main,
      pixelRatio: this.#pixelRatio,
      isWhole: framing.isWhole,
      colorOf: (player) => picture.roster.colorOf(player).rgb,
    });
  }

  showEvent(event: EventOf<typeof arena>): void {
    const picture = this.#picture;
    const effects = this.#effects;
    if (picture === undefined || effects === undefined) return;
    const { x, y } = event.data;
    const hexOf = (player: number): string => picture.roster.colorOf(player).hex;
    switch (event.type) {
      case 'shot':
        return effects.muzzle(x, y, hexOf(event.data.by));
      case 'hit':
        effects.hit(x, y, hexOf(event.data.target));
        if (event.data.target === picture.me) effects.shake(0.2);
        return;
      case 'explode':
        effects.explode(x, y, hexOf(event.data.victim));
        return effects.shake(event.data.victim === picture.me ? 1 : 0.3);
      case 'enter':
        return effects.enter(x, y, hexOf(event.data.player));
    }
  }

  #moveCamera(followed: ShipView | undefined, framing: Framing, seconds: number): void {
    const target = followed?.pos ?? this.#centre;
    // The first time the window is where the ship is; from then on it follows.
    this.#centre = followTarget(this.#centre, target, {
      framing,
      seconds: this.#hasCentre ? Math.min(seconds, 0.1) : Number.POSITIVE_INFINITY,
    });
    if (followed !== undefined) this.#hasCentre = true;
    this.cameras.main.setZoom(framing.zoom * this.#pixelRatio).centerOn(this.#centre.x, this.#centre.y);
  }

  #showShips(ships: readonly ShipView[], framing: Framing, timeMs: number): void {
    const { roster } = this.#picture!;
    const frame = { zoom: framing.zoom * this.#pixelRatio, pixelRatio: this.#pixelRatio, timeMs, isCalm: isMotionReduced() };
    for (const ship of ships) {
      const picture = this.#ships.get(ship.id) ?? new ShipPicture(this);
      this.#ships.set(ship.id, picture);
      picture.update(ship, { name: roster.nameOf(ship.owner), color: roster.colorOf(ship.owner), isMine: ship.isMine }, frame);
    }
    dropMissing(this.#ships, ships);
  }

  #showBullets(bullets: readonly BulletView[]): void {
    const { roster } = this.#picture!;
    for (const bullet of bullets) {
      const image = this.#bullets.get(bullet.id) ?? this.#addBullet(roster.colorOf(bullet.owner).hex);
      this.#bullets.set(bullet.id, image);
      image.setPosition(bullet.pos.x, bullet.pos.y).setRotation(atan2(bullet.vel.y, bullet.vel.x));
    }
    dropMissing(this.#bullets, bullets);
  }

  #addBullet(hex: string): GameObjects.Image {
    const image = this.add
      .image(0, 0, bulletTexture(this, hex))
      .setScale(1 / BULLET_TEXTURE_SCALE)
      .setBlendMode(BlendModes.ADD)
      .setDepth(2);
    return image.setOrigin(BULLET_TIP, 0.5);
  }
}

/** Removes the pictures of entities that are gone. */
function dropMissing(pictures: Map<number, { destroy(): void }>, entities: readonly ArenaView[]): void {
  if (pictures.size === entities.length) return;
  const living = new Set<number>(entities.map(({ id }) => id));
  for (const [id, picture] of pictures) {
    if (living.has(id)) continue;
    picture.destroy();
    pictures.delete(id);
  }
}

/** The lines of the walls: drawn as shapes, sharp at every zoom. */
function drawWalls(graphics: GameObjects.Graphics): void {
  graphics.lineStyle(3, 0x8fa6ff, 1).strokeRect(0, 0, ARENA_WIDTH, ARENA_HEIGHT);
  for (const wall of WALLS) {
    graphics.fillStyle(0x1b2452, 1).fillRect(wall.x, wall.y, wall.width, wall.height);
    graphics.lineStyle(2.5, 0x8fa6ff, 1).strokeRect(wall.x, wall.y, wall.width, wall.height);
  }
}
