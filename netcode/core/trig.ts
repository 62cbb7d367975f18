/**
 * Sine, cosine and arctangent from + - * / alone. `Math.sin` may differ in its last bits from engine to engine,
 * and a rule that uses it drifts between Chromium and Firefox; these give the same bits everywhere.
 * Error below 2e-9 within a few thousand turns: far below any field's precision.
 */
const TURN = 6.283185307179586;
const QUARTER = 1.5707963267948966;

/** The sine of an angle in radians. */
export function sin(radians: number): number {
  let x = radians - Math.floor(radians / TURN + 0.5) * TURN;
  if (x > QUARTER) x = TURN / 2 - x;
  else if (x < -QUARTER) x = -TURN / 2 - x;
  const s = x * x;
  // Taylor series to x^15; its next term at a quarter turn is below 7e-12.
  return x * (1 - (s / 6) * (1 - (s / 20) * (1 - (s / 42) * (1 - (s / 72) * (1 - (s / 110) * (1 - (s / 156) * (1 - s / 210)))))));
}

/** The cosine of an angle in radians. */
export function cos(radians: number): number {
  return sin(radians + QUARTER);
}

/** The direction of (x, y) in radians, in [-pi, pi]; 0 for (0, 0). */
export function atan2(y: number, x: number): number {
  if (x === 0 && y === 0) return 0;
  const ax = Math.abs(x);
  const ay = Math.abs(y);
  const isSteep = ay > ax;
  // Halve the angle twice (tan(a/2) = t / (1 + sqrt(1 + t^2))) so that the series converges fast.
  let t = isSteep ? ax / ay : ay / ax;
  t = t / (1 + Math.sqrt(1 + t * t));
  t = t / (1 + Math.sqrt(1 + t * t));
  const s = t * t;
  let sum = 0;
  for (let n = 19; n >= 1; n -= 2) sum = 1 / n - s * sum;
  let result = 4 * t * sum;
  if (isSteep) result = QUARTER - result;
  if (x < 0) result = TURN / 2 - result;
  return y < 0 ? -result : result;
}
