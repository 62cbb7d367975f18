/** What all types of field share: their options, checked, and the making of parts. Internal to the makers of fields. */
import type { AnyField, Extrapolation, Part, Receivers, Smoothing } from './schema.ts';

/** Options of every field. They say how an *entity's* field is sent: on fields of inputs and events they mean nothing. */
export interface FieldOptions {
  /** Who is told: `all` (default), or `owner` for what only the entity's owner may know (a hand of cards). */
  readonly to?: Receivers;
}

/** Options of fields that are numbers. */
export interface NumberOptions extends FieldOptions {
  /** How it is drawn between two snapshots. `hermite` is for what names a `velocity`. */
  readonly smooth?: Smoothing;
  /**
   * In the value's own unit (of vectors: for each component): a change by no more than this since the value was last
   * captured is not worth sending, so what players see may be off by as much. Default 0. Rounded down to whole steps.
   */
  readonly tolerance?: number;
  /** How both sides expect the value to go on, for coding. Default: `hold` if `smooth` is `none`, else `linear`. */
  readonly predictor?: Extrapolation;
}

/** Steps are counted with this much indulgence: 0.3 is three steps of 0.1, though the division says 2.999…. */
const STEP_SLACK = 1e-6;

export function partOf(min: number, max: number, { isCyclic = false, isBlob = false } = {}): Part {
  if (!Number.isInteger(min) || !Number.isInteger(max) || min > max || min < -INT32_MAX || max > INT32_MAX) {
    throw new RangeError(`field range ${min}..${max} is not a range of 32-bit integers`);
  }
  return { min, max, isCyclic, isBlob };
}

export const INT32_MAX = 2_147_483_647;

function requireOneOf<T extends string>(option: string, value: T, names: readonly T[]): T {
  if (!names.includes(value)) throw new TypeError(`${option} '${value}' must be '${names.join("' or '")}'`);
  return value;
}

type Manners = Pick<AnyField, 'smoothing' | 'predictor' | 'receivers' | 'toleranceSteps' | 'isRotation'>;

/**
 * How a field is drawn, coded and sent. `step` is what one stored step is worth in the unit of the tolerance.
 * Throws TypeError or RangeError naming the option that makes no sense.
 */
export function mannersOf(options: NumberOptions, defaults: { readonly smooth: Smoothing; readonly step: number }): Manners {
  const { tolerance = 0, to = 'all' } = options;
  if (typeof tolerance !== 'number' || !(tolerance >= 0 && tolerance < Infinity))
    throw new RangeError(`field tolerance ${String(tolerance)} must be a number from 0 up`);
  const smoothing = requireOneOf('smooth', options.smooth ?? defaults.smooth, ['linear', 'hermite', 'none']);
  return {
    smoothing,
    predictor: requireOneOf('predictor', options.predictor ?? (smoothing === 'none' ? 'hold' : 'linear'), ['hold', 'linear']),
    receivers: requireOneOf('to', to, ['all', 'owner']),
    toleranceSteps: Math.min(INT32_MAX, Math.floor(tolerance / defaults.step + STEP_SLACK)),
    isRotation: false,
  };
}

/** The same for fields that are no numbers. */
export function plainMannersOf({ to = 'all' }: FieldOptions): Manners {
  return mannersOf({ to }, { smooth: 'none', step: 1 });
}

/** Round half up, as `Math.round` does, but never `-0`. */
export function clampRound(value: number, min: number, max: number): number {
  if (typeof value !== 'number' || Number.isNaN(value)) throw new TypeError(`field value ${String(value)} is not a number`);
  return value <= min ? min : value >= max ? max : Math.floor(value + 0.5);
}

export const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max);
