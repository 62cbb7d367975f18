/** How the arena comes onto screens of all sizes. */
import { expect, test } from 'vitest';
import { ARENA_HEIGHT, ARENA_WIDTH } from '../../../game/rules/arena-map.ts';
import { followTarget, framingFor, type Screen } from '../../../game/scenes/camera.ts';

const DESKTOP: Screen = { width: 1280, height: 800, insets: { top: 48, bottom: 0 } };
const PHONE: Screen = { width: 390, height: 844, insets: { top: 100, bottom: 150 } };
const ALL = Number.POSITIVE_INFINITY;

/** Where a point of the arena is on the screen. */
function onScreen(screen: Screen, ship: { x: number; y: number }, point = ship): { x: number; y: number } {
  const framing = framingFor(screen);
  const centre = followTarget({ x: 0, y: 0 }, ship, { framing, seconds: ALL });
  return { x: screen.width / 2 + (point.x - centre.x) * framing.zoom, y: screen.height / 2 + (point.y - centre.y) * framing.zoom };
}

test('a desktop shows the whole arena below the HUD', () => {
  const topLeft = onScreen(DESKTOP, { x: 800, y: 500 }, { x: 0, y: 0 });
  const bottomRight = onScreen(DESKTOP, { x: 800, y: 500 }, { x: ARENA_WIDTH, y: ARENA_HEIGHT });
  expect(topLeft.y).toBeGreaterThanOrEqual(DESKTOP.insets.top);
  expect(topLeft.x).toBeGreaterThanOrEqual(0);
  expect(bottomRight.x).toBeLessThanOrEqual(DESKTOP.width);
  expect(bottomRight.y).toBeLessThanOrEqual(DESKTOP.height);
});

test.each([
  ['phone', PHONE],
  ['phone held sideways', { width: 844, height: 390, insets: { top: 50, bottom: 0 } }],
  ['tablet', { width: 820, height: 1180, insets: { top: 60, bottom: 150 } }],
  ['large screen', { width: 2560, height: 1440, insets: { top: 48, bottom: 0 } }],
])('on a %s the own ship is never under HUD, thumbs or edge', (_, screen) => {
  for (let x = 16; x <= ARENA_WIDTH - 16; x += 28) {
    for (let y = 16; y <= ARENA_HEIGHT - 16; y += 22) {
      const at = onScreen(screen, { x, y });
      expect(at.x).toBeGreaterThan(0);
      expect(at.x).toBeLessThan(screen.width);
      expect(at.y).toBeGreaterThan(screen.insets.top);
      expect(at.y).toBeLessThan(screen.height - screen.insets.bottom);
    }
  }
});

test('a following window eases towards the ship at the same speed at every frame rate', () => {
  const framing = framingFor(PHONE);
  const target = { x: 800, y: 500 };
  let fine = { x: 700, y: 500 };
  for (let n = 0; n < 12; n++) fine = followTarget(fine, target, { framing, seconds: 1 / 120 });
  const coarse = followTarget({ x: 700, y: 500 }, target, { framing, seconds: 1 / 10 });
  expect(fine.x).toBeCloseTo(coarse.x, 6);
});
