/** What tests of drawing share: a game, states made by hand, and a screen that shows them frame by frame. */
import { type PredictedStates, type ViewEntity, ViewBuilder, type ViewMoment } from '../../netcode/client/view-builder.ts';
import type { EntityId, PlayerId, Tick } from '../../netcode/core/ids.ts';
import { defineGame } from '../../netcode/define-game.ts';
import { angle, float, u8, vec2 } from '../../netcode/index.ts';
import { teleport } from '../../netcode/wire/fields.ts';
import { blendPlanOf } from '../../netcode/world/blend.ts';
import { StateHistory, WorldState } from '../../netcode/world/world-state.ts';

export const RANGE = { min: 0, max: 1600, step: 1 / 64 };
export const SPEEDS = { min: -1000, max: 1000, step: 1 / 64 };
export const game = defineGame({
  id: 'draw',
  version: 1,
  input: {},
  entities: {
    ship: {
      pos: vec2({ ...RANGE, velocity: 'vel' }),
      vel: vec2({ ...SPEEDS, smooth: 'none' }),
      facing: angle(),
      warpedAt: teleport(),
    },
    kite: { x: float({ ...RANGE, smooth: 'hermite', velocity: 'speed' }), speed: float({ ...SPEEDS, smooth: 'none' }) },
    snail: { x: float(RANGE), hp: float({ min: 0, max: 100, step: 1 }), lives: u8() },
  },
  policy: { kite: { predict: 'none' }, snail: { predict: 'none' } },
  step: () => undefined,
});
export const TICK_MS = 1000 / 60;
export const FRAME_MS = 1000 / 60;
export const [SHIP, KITE, SNAIL] = game.kinds.map((kind) => blendPlanOf(kind, game.tickRate));
export const ME = 1 as PlayerId;
export const OTHER = 2 as PlayerId;
export const ID = 65_537 as EntityId;

export interface Thing {
  readonly kind?: 'ship' | 'kite' | 'snail';
  readonly id?: EntityId;
  readonly owner?: PlayerId;
  readonly born?: number;
  readonly [field: string]: unknown;
}

/** A state that holds these things, the values of which not named are as they are first. */
export function fill(state: WorldState, tick: number, things: readonly Thing[]): WorldState {
  state.clear();
  state.tick = tick as Tick;
  for (const { kind = 'ship', id = ID, owner = OTHER, born = 0, ...fields } of things) {
    const table = state.tables.find((candidate) => candidate.kind.name === kind)!;
    const row = table.insert(id);
    table.born[row] = born;
    table.data[row * table.stride] = owner;
    for (const { name, field, at } of table.kind.layout.entries) {
      if (fields[name] !== undefined) field.write(table.data, row * table.stride + at, fields[name]);
    }
  }
  return state;
}
export const stateOf = (tick: number, ...things: Thing[]): WorldState => fill(new WorldState(game.kinds), tick, things);

/** A player's screen: received states, predicted ones, and a frame for each moment. */
export class Screen {
  readonly frames = new StateHistory(game.kinds, 128);
  readonly predicted = new Map<number, WorldState>();
  readonly views = new ViewBuilder(game, ME);
  readonly prediction: PredictedStates & { tick: Tick; authorityTick: Tick };
  newestTick = 0 as Tick;
  isPredicting = true;
  /** How far the past is behind, and the present ahead. */
  past = 0;
  present = 0;
  nowMs = 1000;

  constructor() {
    this.prediction = { tick: 0 as Tick, authorityTick: -1 as Tick, isReplaying: false, stateAt: (tick) => this.predicted.get(tick) };
  }

  moment(): ViewMoment {
    const { prediction, present, frames, newestTick, past, nowMs, isPredicting } = this;
    return { prediction, present, frames, newestTick, past, nowMs, isPredicting };
  }

  receive(tick: number, ...things: Thing[]): void {
    this.views.keepInterpolated(this.moment());
    fill(this.frames.claim(tick as Tick), tick, things);
    this.newestTick = Math.max(this.newestTick, tick) as Tick;
    this.views.easeInterpolated(this.moment());
  }

  /** States from `fromTick` on, by tick; what the last replay left if `isReplay` is not set. */
  predict(fromTick: number, toTick: number, things: (tick: number) => readonly Thing[]): void {
    for (let tick = fromTick; tick <= toTick; tick++) this.predicted.set(tick, stateOf(tick, ...things(tick)));
    this.prediction.tick = toTick as Tick;
  }

  replay(authorityTick: number, toTick: number, things: (tick: number) => readonly Thing[]): void {
    this.views.keepDrawn(this.prediction, this.present);
    this.prediction.authorityTick = authorityTick as Tick;
    this.predict(authorityTick, toTick, things);
    this.glimpse(things);
    this.views.easeToCorrected(this.prediction);
  }

  /** The tick after the newest, with an input that may still change. */
  glimpse(things: (tick: number) => readonly Thing[]): void {
    const tick = this.prediction.tick + 1;
    this.predicted.set(tick, stateOf(tick, ...things(tick)));
  }

  frame(ticks = 1): readonly ViewEntity[] {
    this.nowMs += ticks * TICK_MS;
    this.past += ticks;
    this.present += ticks;
    return this.views.build(this.moment());
  }
}

export const xOf = (view: readonly ViewEntity[], id = ID): number => {
  const entity = view.find((candidate) => candidate.id === id)!;
  return 'x' in entity ? (entity['x'] as number) : (entity['pos'] as { x: number }).x;
};
/** The largest change of motion from frame to frame. */
export const sharpest = (path: readonly number[]): number =>
  Math.max(...path.slice(2).map((x, i) => Math.abs(x - 2 * path[i + 1]! + path[i]!)));
