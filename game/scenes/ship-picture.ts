/** One ship on the screen: hull, flame and name. It holds nothing of the match; every frame tells it what to show. */
import { BlendModes, type GameObjects, type Scene } from 'phaser';
import type { ShipView } from '../frames.ts';
import { SHIP_RADIUS } from '../rules/state.ts';
import type { PlayerColor } from '../ui/palette.ts';
import { flameTexture, SHIP_TEXTURE_SCALE, shipTexture } from './textures.ts';

const NAME_SIZE = 13; // px of the screen
const NAME_GAP = 14; // px of the arena, from the ship's edge
const FONT = 'system-ui, sans-serif';

export interface Label {
  readonly name: string;
  readonly color: PlayerColor;
  readonly isMine: boolean;
}

export interface PictureFrame {
  /** Canvas pixels for one of the arena. */
  readonly zoom: number;
  readonly pixelRatio: number;
  readonly timeMs: number;
  readonly isCalm: boolean;
}

export class ShipPicture {
  readonly #scene: Scene;
  readonly #hull: GameObjects.Image;
  readonly #flame: GameObjects.Image;
  readonly #name: GameObjects.Text;
  #hex = '';

  constructor(scene: Scene) {
    this.#scene = scene;
    this.#flame = scene.add.image(0, 0, flameTexture(scene)).setOrigin(1, 0.5).setBlendMode(BlendModes.ADD).setDepth(2);
    this.#hull = scene.add
      .image(0, 0, shipTexture(scene, '#ffffff'))
      .setScale(1 / SHIP_TEXTURE_SCALE)
      .setDepth(3);
    this.#name = scene.add.text(0, 0, '', { fontFamily: FONT, fontStyle: '600' }).setOrigin(0.5, 1).setDepth(6);
  }

  update(ship: ShipView, label: Label, frame: PictureFrame): void {
    const isVisible = ship.life !== 'dead';
    this.#hull.setVisible(isVisible);
    this.#name.setVisible(isVisible);
    this.#flame.setVisible(isVisible && ship.isThrusting);
    if (!isVisible) return;
    if (label.color.hex !== this.#hex) {
      this.#hex = label.color.hex;
      this.#hull.setTexture(shipTexture(this.#scene, this.#hex));
    }
    const { x, y } = ship.pos;
    this.#hull.setPosition(x, y).setRotation(ship.angle).setAlpha(alphaOf(ship, frame));
    this.#name.setPosition(x, y - SHIP_RADIUS - NAME_GAP).setAlpha(ship.life === 'ghost' ? 0.5 : 1);
    this.#updateName(label, frame);
    if (!ship.isThrusting) return;
    const flicker = frame.isCalm ? 1 : 0.8 + 0.4 * Math.abs(Math.sin(frame.timeMs * 0.045 + ship.id));
    const back = SHIP_RADIUS * 0.45;
    this.#flame
      .setPosition(x - Math.cos(ship.angle) * back, y - Math.sin(ship.angle) * back)
      .setRotation(ship.angle)
      .setScale(0.42 * flicker, 0.36);
  }

  /** Text is painted at the size it has on the screen, so that it is sharp at every zoom. */
  #updateName(label: Label, { zoom, pixelRatio }: PictureFrame): void {
    const color = label.isMine ? '#ffffff' : label.color.hex;
    const size = `${Math.round(NAME_SIZE * pixelRatio)}px`;
    const { style } = this.#name;
    if (this.#name.text !== label.name) this.#name.setText(label.name);
    if (style.color !== color) this.#name.setColor(color);
    if (style.fontSize !== size) this.#name.setFontSize(size).setShadow(0, 0, '#000000', 4 * pixelRatio, true, true);
    this.#name.setScale(1 / zoom);
  }

  destroy(): void {
    this.#hull.destroy();
    this.#flame.destroy();
    this.#name.destroy();
  }
}

/** A ghost is a shade, a ship that cannot be hurt yet flickers, one about to explode blinks. */
function alphaOf(ship: ShipView, { timeMs, isCalm }: PictureFrame): number {
  if (ship.life === 'ghost') return 0.3;
  if (ship.life === 'doomed') return isCalm ? 0.6 : 0.6 + 0.4 * Math.sin(timeMs * 0.07);
  if (ship.life !== 'safe') return 1;
  return isCalm ? 0.7 : 0.65 + 0.3 * Math.sin(timeMs * 0.02);
}
