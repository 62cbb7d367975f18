/**
 * The arena as numbers: its size, its walls and where ships enter. The rules collide with these and the scene draws
 * these, so what a player sees is what stops a bullet. The map is the same seen from either end: no seat is better.
 */
export const ARENA_WIDTH = 1600;
export const ARENA_HEIGHT = 1000;

/** An axis-aligned block, in pixels of the arena. */
export interface Wall {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

export const WALLS: readonly Wall[] = [
  { x: 756, y: 380, width: 88, height: 240 },
  { x: 370, y: 230, width: 210, height: 44 },
  { x: 1020, y: 230, width: 210, height: 44 },
  { x: 370, y: 726, width: 210, height: 44 },
  { x: 1020, y: 726, width: 210, height: 44 },
  { x: 190, y: 420, width: 44, height: 160 },
  { x: 1366, y: 420, width: 44, height: 160 },
];

/** Where ships enter. Seats one and two start in opposite corners, and so on: nobody starts close to another. */
export const ENTRANCES: readonly { readonly x: number; readonly y: number }[] = [
  { x: 150, y: 150 },
  { x: 1450, y: 850 },
  { x: 1450, y: 150 },
  { x: 150, y: 850 },
  { x: 800, y: 130 },
  { x: 800, y: 870 },
  { x: 520, y: 500 },
  { x: 1080, y: 500 },
];

/** Where those start who begin a match together: at the entrances, and as many places more. */
const STARTS = [
  ...ENTRANCES,
  { x: 475, y: 130 },
  { x: 1125, y: 870 },
  { x: 1125, y: 130 },
  { x: 475, y: 870 },
  { x: 90, y: 500 },
  { x: 1510, y: 500 },
  { x: 300, y: 350 },
  { x: 1300, y: 650 },
] as const;
/** How far beside its mirror image a start lies: that one may be somebody's. */
const MIRRORED_GAP = 70;
/** How far from the middle those start whose place is in it. */
const MIDDLE_GAP = 240;

/** Where the player of a seat starts. In a team everybody starts on their own side: the first one's is the left. No two places are the same. */
export function startOf(seat: number, team?: number): { readonly x: number; readonly y: number } {
  const start = STARTS[(seat - 1) % STARTS.length]!;
  if (team === undefined) return start;
  const side = team === 0 ? -1 : 1;
  const middle = ARENA_WIDTH / 2;
  if (start.x === middle) return { x: middle + side * MIDDLE_GAP, y: start.y };
  if (start.x > middle === side > 0) return start;
  return { x: ARENA_WIDTH - start.x, y: start.y + (start.y < ARENA_HEIGHT / 2 ? MIRRORED_GAP : -MIRRORED_GAP) };
}

/** Whether a circle around (x, y) touches a block or leaves the arena. */
export function isBlocked(x: number, y: number, radius: number): boolean {
  if (x < radius || y < radius || x > ARENA_WIDTH - radius || y > ARENA_HEIGHT - radius) return true;
  for (const wall of WALLS) {
    const right = wall.x + wall.width;
    const bottom = wall.y + wall.height;
    if (x <= wall.x - radius || y <= wall.y - radius || x >= right + radius || y >= bottom + radius) continue;
    const dx = x - Math.min(Math.max(x, wall.x), right);
    const dy = y - Math.min(Math.max(y, wall.y), bottom);
    if (dx * dx + dy * dy < radius * radius) return true;
  }
  return false;
}

/** Whether a straight line from one point to another keeps `radius` away from every block (sampled every `radius` pixels). */
export function isClearLine(
  from: { readonly x: number; readonly y: number },
  to: { readonly x: number; readonly y: number },
  radius: number,
): boolean {
  const dx = to.x - from.x;
  const dy = to.y - from.y;
  const samples = Math.ceil(Math.sqrt(dx * dx + dy * dy) / radius);
  for (let n = 1; n < samples; n++) {
    if (isBlocked(from.x + (dx * n) / samples, from.y + (dy * n) / samples, radius)) return false;
  }
  return true;
}
