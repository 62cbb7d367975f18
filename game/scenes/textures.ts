/**
 * Everything the arena shows, painted once onto canvases: neon outlines with a glow, in each player's colour.
 * Painting the colour in, instead of tinting white pictures, looks the same with and without WebGL.
 */
import type { Scene } from 'phaser';
import { ARENA_HEIGHT, ARENA_WIDTH, WALLS } from '../rules/arena-map.ts';
import { SHIP_RADIUS } from '../rules/state.ts';

/** Pixels of a texture for one of the arena: ships stay sharp when the camera is close on a fine screen. */
export const SHIP_TEXTURE_SCALE = 3;
export const BULLET_TEXTURE_SCALE = 2;
/** Where a bullet is on its texture, from the left, as a share of the width: at its tip's middle. */
export const BULLET_TIP = 44 / 52;
/** The floor is soft light: half the pixels are enough. */
export const FLOOR_TEXTURE_SCALE = 0.5;
/** How far the floor's picture reaches beyond the arena. */
export const FLOOR_MARGIN = 120;

const SHIP_GLOW = 16;
const STAR_COUNT = 260;

function paint(scene: Scene, key: string, width: number, height: number, draw: (context: CanvasRenderingContext2D) => void): void {
  if (scene.textures.exists(key)) return;
  const texture = scene.textures.createCanvas(key, Math.ceil(width), Math.ceil(height));
  if (texture === null) throw new Error(`no canvas for texture '${key}'`);
  draw(texture.getContext());
  texture.refresh();
}

/** The outline of a ship that looks along x, as wide as what it collides with. */
function traceShip(context: CanvasRenderingContext2D): void {
  const r = SHIP_RADIUS;
  context.beginPath();
  context.moveTo(r * 1.1, 0);
  context.lineTo(-r * 0.85, r * 0.78);
  context.lineTo(-r * 0.45, 0);
  context.lineTo(-r * 0.85, -r * 0.78);
  context.closePath();
}

/** The texture of a ship in a colour. */
export function shipTexture(scene: Scene, hex: string): string {
  const key = `ship ${hex}`;
  const side = (SHIP_RADIUS + SHIP_GLOW) * 2 * SHIP_TEXTURE_SCALE;
  paint(scene, key, side, side, (context) => {
    context.translate(side / 2, side / 2);
    context.scale(SHIP_TEXTURE_SCALE, SHIP_TEXTURE_SCALE);
    context.lineJoin = 'round';
    context.shadowColor = hex;
    context.shadowBlur = 12 * SHIP_TEXTURE_SCALE;
    context.fillStyle = `${hex}59`;
    traceShip(context);
    context.fill();
    context.lineWidth = 2.4;
    context.strokeStyle = hex;
    context.stroke();
    context.shadowBlur = 0;
    context.lineWidth = 0.9;
    context.strokeStyle = '#ffffffcc';
    context.stroke();
  });
  return key;
}

/** The texture of a bullet in a colour: its tip at the right end, its trail to the left. */
export function bulletTexture(scene: Scene, hex: string): string {
  const key = `bullet ${hex}`;
  const width = 52 * BULLET_TEXTURE_SCALE;
  const height = 16 * BULLET_TEXTURE_SCALE;
  paint(scene, key, width, height, (context) => {
    context.scale(BULLET_TEXTURE_SCALE, BULLET_TEXTURE_SCALE);
    const trail = context.createLinearGradient(0, 0, 44, 0);
    trail.addColorStop(0, `${hex}00`);
    trail.addColorStop(1, hex);
    context.fillStyle = trail;
    context.beginPath();
    context.moveTo(0, 8);
    context.lineTo(44, 5.2);
    context.lineTo(44, 10.8);
    context.fill();
    const tip = context.createRadialGradient(44, 8, 0, 44, 8, 8);
    tip.addColorStop(0, '#ffffff');
    tip.addColorStop(0.35, hex);
    tip.addColorStop(1, `${hex}00`);
    context.fillStyle = tip;
    context.fillRect(36, 0, 16, 16);
  });
  return key;
}

/** A soft dot in a colour, white in its middle: a spark. */
export function sparkTexture(scene: Scene, hex: string): string {
  const key = `spark ${hex}`;
  paint(scene, key, 32, 32, (context) => {
    const glow = context.createRadialGradient(16, 16, 0, 16, 16, 16);
    glow.addColorStop(0, '#ffffff');
    glow.addColorStop(0.3, `${hex}d0`);
    glow.addColorStop(1, `${hex}00`);
    context.fillStyle = glow;
    context.fillRect(0, 0, 32, 32);
  });
  return key;
}

/** The flame behind a thrusting ship: its root at the right end. */
export function flameTexture(scene: Scene): string {
  paint(scene, 'flame', 60, 32, (context) => {
    const heat = context.createLinearGradient(60, 0, 0, 0);
    heat.addColorStop(0, '#ffffff');
    heat.addColorStop(0.25, '#ffe08a');
    heat.addColorStop(0.6, '#ff7a2acc');
    heat.addColorStop(1, '#ff3d0000');
    context.fillStyle = heat;
    context.shadowColor = '#ff9a3c';
    context.shadowBlur = 8;
    context.beginPath();
    context.moveTo(58, 8);
    context.quadraticCurveTo(30, 4, 2, 16);
    context.quadraticCurveTo(30, 28, 58, 24);
    context.fill();
  });
  return 'flame';
}

/** A ring that an explosion throws out. */
export function ringTexture(scene: Scene, hex: string): string {
  const key = `ring ${hex}`;
  paint(scene, key, 160, 160, (context) => {
    context.strokeStyle = hex;
    context.shadowColor = hex;
    context.shadowBlur = 14;
    context.lineWidth = 5;
    context.beginPath();
    context.arc(80, 80, 62, 0, Math.PI * 2);
    context.stroke();
  });
  return key;
}

/** The light on the floor: stars, a grid and the glow of the walls. Lines that must be sharp are drawn over it. */
export function floorTexture(scene: Scene): string {
  const width = ARENA_WIDTH + 2 * FLOOR_MARGIN;
  const height = ARENA_HEIGHT + 2 * FLOOR_MARGIN;
  paint(scene, 'floor', width * FLOOR_TEXTURE_SCALE, height * FLOOR_TEXTURE_SCALE, (context) => {
    context.scale(FLOOR_TEXTURE_SCALE, FLOOR_TEXTURE_SCALE);
    context.translate(FLOOR_MARGIN, FLOOR_MARGIN);
    const light = context.createRadialGradient(ARENA_WIDTH / 2, ARENA_HEIGHT / 2, 60, ARENA_WIDTH / 2, ARENA_HEIGHT / 2, ARENA_WIDTH * 0.6);
    light.addColorStop(0, '#141a3c');
    light.addColorStop(1, '#080a1a');
    context.fillStyle = light;
    context.fillRect(0, 0, ARENA_WIDTH, ARENA_HEIGHT);
    paintStars(context);
    context.shadowColor = '#4b6bff';
    context.shadowBlur = 26 * FLOOR_TEXTURE_SCALE;
    context.strokeStyle = '#4b6bff';
    context.lineWidth = 5;
    // Twice, for a glow that is seen.
    for (let n = 0; n < 2; n++) {
      context.strokeRect(0, 0, ARENA_WIDTH, ARENA_HEIGHT);
      for (const wall of WALLS) context.strokeRect(wall.x, wall.y, wall.width, wall.height);
    }
  });
  return 'floor';
}

/** Stars at fixed places: a small generator of its own, so that the sky is the same every time. */
function paintStars(context: CanvasRenderingContext2D): void {
  let seed = 20261;
  const next = (): number => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  for (let n = 0; n < STAR_COUNT; n++) {
    const size = 1 + next() * 2;
    context.fillStyle = `rgba(200, 215, 255, ${0.12 + next() * 0.4})`;
    context.fillRect(next() * ARENA_WIDTH, next() * ARENA_HEIGHT, size, size);
  }
}
