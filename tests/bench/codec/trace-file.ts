/**
 * Traces from files, `--trace FILE`: JSON, or MessagePack of the same structure. README.md describes it. A file is read
 * strictly: what is wrong with it is said, with the place, since a bench that quietly measures nonsense is worse than none.
 */
import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { unpack } from 'msgpackr';
import { PLAYERS_MAX, type Tick } from '../../../netcode/core/ids.ts';
import { type AnyGame, defineGame } from '../../../netcode/define-game.ts';
import { arrayOf } from '../../../netcode/wire/array-field.ts';
import { any, text } from '../../../netcode/wire/bytes-fields.ts';
import { angle, bool, enumOf, float, int, ref, vec2, vec3 } from '../../../netcode/wire/fields.ts';
import { quat } from '../../../netcode/wire/quaternion.ts';
import type { AnyField, Extrapolation, Part, Receivers, Smoothing } from '../../../netcode/wire/schema.ts';
import type { Frame, FrameTable, Trace } from './trace.ts';

interface FieldJsonOptions {
  readonly to?: Receivers;
}

interface NumberJsonOptions extends FieldJsonOptions {
  readonly smooth?: Smoothing;
  readonly tolerance?: number;
  readonly predictor?: Extrapolation;
}

/** What a field is, in the words of the schema's functions; options mean what they mean there. */
type FieldJson =
  | ({ readonly type: 'int'; readonly min: number; readonly max: number } & NumberJsonOptions)
  | ({
      readonly type: 'float' | 'vec2' | 'vec3';
      readonly min: number;
      readonly max: number;
      readonly step: number;
      readonly velocity?: string;
    } & NumberJsonOptions)
  | ({ readonly type: 'angle' | 'quat'; readonly bits: number } & NumberJsonOptions)
  | ({ readonly type: 'enum'; readonly names: readonly [string, ...string[]] } & FieldJsonOptions)
  | ({ readonly type: 'bool' | 'ref' } & FieldJsonOptions)
  | ({ readonly type: 'text' | 'any'; readonly bytesMax: number } & FieldJsonOptions)
  | { readonly type: 'array'; readonly of: FieldJson; readonly length: number }
  | ({
      readonly type: 'parts';
      readonly parts: readonly Part[];
      readonly initial?: readonly number[];
      readonly step?: number;
      readonly velocity?: string;
      readonly isRotation?: boolean;
      /** In stored steps. */
      readonly tolerance?: number;
    } & NumberJsonOptions);

interface TraceJson {
  readonly name?: string;
  readonly snapshotsPerSecond: number;
  /** Simulation steps per second; the same as `snapshotsPerSecond` unless given. */
  readonly tickRate?: number;
  readonly warmUpFrames?: number;
  readonly kinds: readonly { readonly name: string; readonly fields: Readonly<Record<string, FieldJson>> }[];
  readonly frames: readonly {
    readonly tick: number;
    readonly nextCounter?: readonly number[];
    readonly tables: readonly { readonly ids: readonly number[]; readonly rows: readonly (readonly number[])[] }[];
  }[];
}

const DEFAULT_WARM_UP_SECONDS = 2;

export function loadTrace(path: string): Trace {
  const bytes = readFileSync(path);
  const json = (extname(path) === '.json' ? JSON.parse(bytes.toString('utf8')) : unpack(bytes)) as TraceJson;
  const name = json.name ?? basename(path, extname(path));
  const { snapshotsPerSecond, tickRate = snapshotsPerSecond } = json;
  const game = gameOf(json, tickRate);
  const frames = json.frames.map((_, index) => frameFrom(json, game, index));
  const warmUpFrames = json.warmUpFrames ?? Math.min(DEFAULT_WARM_UP_SECONDS * snapshotsPerSecond, frames.length >> 1);
  if (frames.length <= warmUpFrames)
    throw new RangeError(`${path}: ${frames.length} frames are no more than the ${warmUpFrames} of warm-up`);
  return { name, game, snapshotsPerSecond, warmUpFrames, frames };
}

function gameOf({ kinds, frames, snapshotsPerSecond }: TraceJson, tickRate: number): AnyGame {
  const entities = kinds.map(({ name, fields }) => {
    return [name, Object.fromEntries(Object.entries(fields).map(([field, json]) => [field, fieldOf(json)]))] as const;
  });
  const largest = Math.max(...frames.map(({ tables }) => tables.reduce((sum, { ids }) => sum + ids.length, 0)));
  return defineGame({
    id: 'trace',
    version: 1,
    tickRate,
    sendRate: snapshotsPerSecond,
    playersMax: PLAYERS_MAX,
    // Some room, as a game has.
    entitiesMax: Math.min(8192, 2 * largest + 1),
    input: {},
    entities: Object.fromEntries(entities),
    step: () => undefined,
  });
}

function fieldOf(json: FieldJson): AnyField {
  switch (json.type) {
    case 'int':
      return int(json);
    case 'float':
      return float(json);
    case 'vec2':
      return vec2(json);
    case 'vec3':
      return vec3(json);
    case 'angle':
      return angle(json);
    case 'quat':
      return quat(json);
    case 'enum':
      return enumOf(json.names, json);
    case 'bool':
      return bool(json);
    case 'ref':
      return ref(json);
    case 'text':
      return text(json);
    case 'any':
      return any(json);
    case 'array':
      return arrayOf(fieldOf(json.of), json.length);
    case 'parts':
      return {
        ...int({ ...json, min: 0, max: 0 }),
        parts: json.parts,
        initial: json.initial ?? json.parts.map(({ min, max }) => Math.min(Math.max(0, min), max)),
        isRotation: json.isRotation ?? false,
        ...(json.step !== undefined && { step: json.step }),
        ...(json.velocity !== undefined && { velocity: json.velocity }),
      };
    default:
      throw new TypeError(`a trace's field cannot be of type '${String((json as { type?: unknown }).type)}'`);
  }
}

function frameFrom({ frames }: TraceJson, game: AnyGame, index: number): Frame {
  const { tick, nextCounter, tables } = frames[index]!;
  if (!Number.isInteger(tick) || tick < 0) throw new RangeError(`frame ${index}: tick ${tick} is not a whole number`);
  if (index > 0 && tick <= frames[index - 1]!.tick)
    throw new RangeError(`frame ${index}: tick ${tick} does not follow ${frames[index - 1]!.tick}`);
  const counters = new Int32Array(PLAYERS_MAX + 1).fill(1);
  counters.set(nextCounter ?? []);
  return {
    index,
    tick: tick as Tick,
    nextCounter: counters,
    tables: game.kinds.map((kind, k) => tableFrom(tables[k] ?? { ids: [], rows: [] }, kind.layout.parts, `frame ${index}, ${kind.name}`)),
  };
}

function tableFrom({ ids, rows }: TraceJson['frames'][number]['tables'][number], parts: readonly Part[], where: string): FrameTable {
  if (ids.length !== rows.length) throw new RangeError(`${where}: ${ids.length} ids, ${rows.length} rows`);
  rows.forEach((row, r) => {
    if (r > 0 && ids[r]! <= ids[r - 1]!) throw new RangeError(`${where}: id ${ids[r]} does not follow ${ids[r - 1]}`);
    if (row.length !== parts.length)
      throw new RangeError(`${where}, id ${ids[r]}: ${row.length} integers, not ${parts.length} (the owner's seat is the first)`);
    parts.forEach(({ min, max }, i) => {
      const value = row[i]!;
      if (!Number.isInteger(value) || value < min || value > max)
        throw new RangeError(`${where}, id ${ids[r]}: ${value} is not ${min} to ${max}`);
    });
  });
  return { ids: Int32Array.from(ids), data: Int32Array.from(rows.flat()) };
}

function partsJson({ parts, initial, step, velocity, smoothing, predictor, receivers, toleranceSteps, isRotation }: AnyField): FieldJson {
  return {
    type: 'parts',
    parts,
    initial,
    smooth: smoothing,
    predictor,
    ...(receivers !== 'all' && { to: receivers }),
    ...(toleranceSteps > 0 && { tolerance: toleranceSteps }),
    ...(isRotation && { isRotation }),
    ...(step !== undefined && { step }),
    ...(velocity !== undefined && { velocity }),
  };
}

/** The inverse, with every field as its bare parts: for programs that want the bench's own traces. */
export function traceToJson({ name, game, snapshotsPerSecond, warmUpFrames, frames }: Trace): string {
  const json: TraceJson = {
    name,
    snapshotsPerSecond,
    tickRate: game.tickRate,
    warmUpFrames,
    kinds: game.kinds.map((kind) => ({
      name: kind.name,
      fields: Object.fromEntries(kind.layout.entries.map(({ name, field }) => [name, partsJson(field)])),
    })),
    frames: frames.map(({ tick, nextCounter, tables }) => ({
      tick,
      nextCounter: [...nextCounter],
      tables: tables.map(({ ids, data }, k) => {
        const stride = game.kinds[k]!.layout.parts.length;
        return { ids: [...ids], rows: Array.from(ids, (_, row) => [...data.subarray(row * stride, (row + 1) * stride)]) };
      }),
    })),
  };
  return JSON.stringify(json);
}
