/**
 * How the arena comes onto the screen: whole if the screen is large enough to play on it so, else as a window that
 * follows the own ship. Pure figures: the scene applies them.
 */
import { ARENA_HEIGHT, ARENA_WIDTH } from '../rules/arena-map.ts';

/** Below this a ship is too small to steer by: the window follows instead. */
const WHOLE_ZOOM_MIN = 0.55;
/** A following window shows about this much of the arena along the screen's shorter side. */
const WINDOW_SIDE = 600; // px of the arena
const WINDOW_ZOOM_MAX = 0.9;
/** Space between the arena's edge and the screen's. */
const MARGIN = 14; // px of the screen
/** How fast the window catches up: the share of the way left after a second is e^-rate. */
const FOLLOW_RATE = 9;

/** What a HUD and thumbs leave of the screen, in CSS pixels. */
export interface Insets {
  readonly top: number;
  readonly bottom: number;
}

export interface Screen {
  /** In CSS pixels. */
  readonly width: number;
  readonly height: number;
  readonly insets: Insets;
}

export interface Framing {
  /** CSS pixels for one of the arena. */
  readonly zoom: number;
  /** Where the window may have its centre, in the arena; a single point if the whole arena shows. */
  readonly minX: number;
  readonly maxX: number;
  readonly minY: number;
  readonly maxY: number;
  readonly isWhole: boolean;
}

/** The range of the window's centre along one axis, or the arena's middle if the arena is smaller than the window. */
function centreRange(arenaSide: number, before: number, after: number): readonly [number, number] {
  const min = before;
  const max = arenaSide - after;
  const middle = (min + max) / 2;
  return min <= max ? [min, max] : [middle, middle];
}

export function framingFor({ width, height, insets }: Screen): Framing {
  const wholeZoom = Math.min((width - 2 * MARGIN) / ARENA_WIDTH, (height - insets.top - insets.bottom - 2 * MARGIN) / ARENA_HEIGHT);
  const isWhole = wholeZoom >= WHOLE_ZOOM_MIN;
  const zoom = isWhole ? wholeZoom : Math.min(Math.min(width, height) / WINDOW_SIDE, WINDOW_ZOOM_MAX);
  const halfX = width / 2 / zoom;
  const halfY = height / 2 / zoom;
  const margin = MARGIN / zoom;
  const [minX, maxX] = centreRange(ARENA_WIDTH, halfX - margin, halfX - margin);
  const [minY, maxY] = centreRange(ARENA_HEIGHT, halfY - margin - insets.top / zoom, halfY - margin - insets.bottom / zoom);
  return { zoom, minX, maxX, minY, maxY, isWhole };
}

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);

/** Where the window's centre goes after `seconds`, following a target. */
export function followTarget(
  centre: { readonly x: number; readonly y: number },
  target: { readonly x: number; readonly y: number },
  options: { readonly framing: Framing; readonly seconds: number },
): { x: number; y: number } {
  const { framing, seconds } = options;
  const share = 1 - Math.exp(-FOLLOW_RATE * seconds);
  return {
    x: clamp(centre.x + (target.x - centre.x) * share, framing.minX, framing.maxX),
    y: clamp(centre.y + (target.y - centre.y) * share, framing.minY, framing.maxY),
  };
}
