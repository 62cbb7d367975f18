/** What is drawn over the ships each frame: health, shields, the mark of the own ship, and arrows to enemies beyond the screen's edge. */
import type { Cameras, GameObjects } from 'phaser';
import type { ShipView } from '../frames.ts';
import { isFlying } from '../rules/ships.ts';
import { HP_MAX, SHIP_RADIUS } from '../rules/state.ts';
import type { Insets } from './camera.ts';

const PIP_WIDTH = 8;
const PIP_HEIGHT = 3.5;
const PIP_GAP = 2;
const BAR_TOP = SHIP_RADIUS + 11;
const SHIELD_RADIUS = SHIP_RADIUS + 8;
/** Around a ship that is about to explode. */
const DOOMED_RADIUS = SHIP_RADIUS + 3;
const DOOMED_COLOR = 0xff5a3c;
const OWN_RADIUS = SHIP_RADIUS + 13;
const ARROW_SIZE = 9; // px of the screen
const ARROW_INSET = 22; // px of the screen

export interface Overlay {
  readonly ships: readonly ShipView[];
  readonly camera: Cameras.Scene2D.Camera;
  readonly pixelRatio: number;
  /** Covered by HUD and thumbs: arrows stay between. */
  readonly insets: Insets;
  /** Whether the whole arena shows: then nobody is beyond the edge. */
  readonly isWhole: boolean;
  colorOf(player: number): number;
}

export function drawOverlay(graphics: GameObjects.Graphics, overlay: Overlay): void {
  graphics.clear();
  for (const ship of overlay.ships) {
    if (!isFlying(ship)) continue;
    const color = overlay.colorOf(ship.owner);
    drawHealth(graphics, ship, color);
    if (ship.life === 'doomed') graphics.lineStyle(2.5, DOOMED_COLOR, 0.9).strokeCircle(ship.pos.x, ship.pos.y, DOOMED_RADIUS);
    if (ship.life === 'safe') graphics.lineStyle(1.5, color, 0.8).strokeCircle(ship.pos.x, ship.pos.y, SHIELD_RADIUS);
    if (ship.isMine) drawOwnMark(graphics, ship);
    else if (!overlay.isWhole) drawArrow(graphics, ship, overlay);
  }
}

function drawHealth(graphics: GameObjects.Graphics, ship: ShipView, color: number): void {
  const width = HP_MAX * PIP_WIDTH + (HP_MAX - 1) * PIP_GAP;
  for (let n = 0; n < HP_MAX; n++) {
    graphics.fillStyle(n < ship.hp ? color : 0x2a3052, n < ship.hp ? 1 : 0.9);
    graphics.fillRect(ship.pos.x - width / 2 + n * (PIP_WIDTH + PIP_GAP), ship.pos.y - BAR_TOP, PIP_WIDTH, PIP_HEIGHT);
  }
}

/** Four short arcs around the own ship: found at a glance, also by who cannot tell the colours. */
function drawOwnMark(graphics: GameObjects.Graphics, ship: ShipView): void {
  graphics.lineStyle(1.5, 0xffffff, 0.45);
  for (let n = 0; n < 4; n++) {
    const from = (n * Math.PI) / 2 + Math.PI / 4 - 0.3;
    graphics.beginPath();
    graphics.arc(ship.pos.x, ship.pos.y, OWN_RADIUS, from, from + 0.6);
    graphics.strokePath();
  }
}

function drawArrow(graphics: GameObjects.Graphics, ship: ShipView, { camera, pixelRatio, insets, colorOf }: Overlay): void {
  const pixel = pixelRatio / camera.zoom;
  const { x: left, y: top, right, bottom } = camera.worldView;
  const inset = ARROW_INSET * pixel;
  if (ship.pos.x >= left && ship.pos.x <= right && ship.pos.y >= top && ship.pos.y <= bottom) return;
  const x = Math.min(Math.max(ship.pos.x, left + inset), right - inset);
  const y = Math.min(Math.max(ship.pos.y, top + insets.top * pixel + inset), bottom - insets.bottom * pixel - inset);
  const angle = Math.atan2(ship.pos.y - y, ship.pos.x - x);
  const size = ARROW_SIZE * pixel;
  const corner = (turn: number, length: number): [number, number] => [
    x + Math.cos(angle + turn) * length,
    y + Math.sin(angle + turn) * length,
  ];
  graphics.fillStyle(colorOf(ship.owner), 0.9).fillTriangle(...corner(0, size), ...corner(2.4, size), ...corner(-2.4, size));
}
