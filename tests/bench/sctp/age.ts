/** State age from a log of arrivals: how old the newest state is that the receiver holds, looked at often. */

/** Looked at much more often than sixty times a second: the same distribution with less chance in it. */
const LOOK_EVERY_MS = 4;
/** What counts as stale, and as a stall. */
export const STALE_MS = 200;
const STALL_MS = 250;

export interface Ages {
  readonly sorted: Float64Array;
  /** Times without a newer state that lasted above 250 ms, and the longest of all. */
  readonly gaps: number;
  readonly gapMsMax: number;
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

interface Newest {
  readonly arrivedMs: number;
  readonly madeMs: number;
}

/** Arrivals that brought a newer state than all before, in order. */
function newestOf(arrived: readonly number[]): Newest[] {
  const all: Newest[] = [];
  for (let n = 0; n < arrived.length; n += 2) {
    const madeMs = arrived[n] as number;
    if (madeMs > (all.at(-1)?.madeMs ?? 0)) all.push({ madeMs, arrivedMs: arrived[n + 1] as number });
  }
  return all;
}

/** `arrived` as `Rig.arrived` gives it. */
export function agesOf(arrived: readonly number[], { fromMs, toMs }: Span): Ages {
  const newest = newestOf(arrived);
  const ages: number[] = [];
  let held = 0;
  for (let atMs = fromMs; atMs < toMs; atMs += LOOK_EVERY_MS) {
    while ((newest[held + 1]?.arrivedMs ?? Infinity) <= atMs) held += 1;
    ages.push(atMs - (newest[held]?.madeMs ?? fromMs));
  }
  const times = [fromMs, ...newest.map(({ arrivedMs }) => arrivedMs).filter((atMs) => atMs > fromMs && atMs < toMs), toMs];
  const gaps = times.slice(1).map((atMs, n) => atMs - (times[n] as number));
  return {
    sorted: Float64Array.from(ages).sort(),
    gaps: gaps.filter((ms) => ms > STALL_MS).length,
    gapMsMax: Math.max(...gaps),
  };
}

/** How long after `atMs` the receiver first held a state younger than `youngMs`. */
export function freshAfterMs(arrived: readonly number[], atMs: number, youngMs: number): number | undefined {
  const first = newestOf(arrived).find(({ arrivedMs, madeMs }) => arrivedMs > atMs && arrivedMs - madeMs < youngMs);
  return first === undefined ? undefined : first.arrivedMs - atMs;
}

export function quantile(sorted: ArrayLike<number>, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
}

export function shareAbove(sorted: Float64Array, limit: number): number {
  return sorted.filter((value) => value > limit).length / sorted.length;
}
