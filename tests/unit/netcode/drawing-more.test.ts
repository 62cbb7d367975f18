/** What is drawn where the two times meet: things that change sides, die in one of them, or are none of one's business. */
import { expect, test } from 'vitest';
import { type PredictedStates, ViewBuilder } from '../../../netcode/client/view-builder.ts';
import type { EntityId, Tick } from '../../../netcode/core/ids.ts';
import { defineGame, float } from '../../../netcode/index.ts';
import { StateHistory, WorldState } from '../../../netcode/world/world-state.ts';
import { ID, ME, OTHER, Screen, type Thing, TICK_MS, xOf } from '../../harness/draw-screen.ts';

const ship = (x: number, more: Thing = {}): Thing => ({ pos: [x, 0], vel: [0, 0], ...more });

/** A screen on which both times go on, things where `received` and `predicted` say. */
function screenOf(received: (tick: number) => readonly Thing[], predicted: (tick: number) => readonly Thing[]): Screen {
  const screen = new Screen();
  screen.present = 20.5;
  for (let tick = 1; tick <= 40; tick++) screen.receive(tick, ...received(tick));
  screen.replay(1, 60, predicted);
  return screen;
}

test("[DRAW10] one's own that has died in the present is not drawn in the past", () => {
  const both = (tick: number): Thing[] => [ship(100 + tick, { owner: ME })];
  const screen = screenOf(both, (tick) => (tick < 24 ? both(tick) : []));
  const counts = Array.from({ length: 8 }, () => screen.frame().length);
  // From 21.5 on; it is there up to the state that it is gone from.
  expect(counts).toEqual([1, 1, 0, 0, 0, 0, 0, 0]);
});

test('[DRAW6] what is gone is drawn up to the state without it, and not in it', () => {
  const screen = new Screen();
  // At 1, 2, 3 and 4, which is the newest.
  for (let tick = 1; tick <= 4; tick++) screen.receive(tick, ...(tick < 4 ? [ship(100)] : []));
  expect(Array.from({ length: 4 }, () => screen.frame().length)).toEqual([1, 1, 1, 0]);
});

test("[DRAW1] what is predicted of others' things moves nothing that is drawn of them", () => {
  const screen = screenOf(
    () => [ship(100)],
    () => [ship(100)],
  );
  screen.frame();
  screen.replay(10, 60, () => [ship(160)]);
  expect(xOf(screen.frame())).toBe(100);
});

test('[DRAW3] an error that a thing had is not that of another with its id', () => {
  const shot = (born: number, x: number): ((tick: number) => Thing[]) => {
    return (tick) => (tick < born ? [] : [ship(x, { owner: ME, born })]);
  };
  const screen = new Screen();
  screen.replay(10, 60, shot(15, 100));
  screen.present = 44.5;
  screen.frame();
  screen.replay(11, 60, shot(15, 140));
  expect(xOf(screen.frame())).toBeLessThan(110);
  // 20 ticks later: another press.
  screen.replay(12, 60, shot(35, 141));
  expect(xOf(screen.frame())).toBe(141);
});

test("[DRAW9] the host's own thing of long before is another one, too", () => {
  const screen = new Screen();
  screen.replay(10, 60, (tick) => (tick < 40 ? [] : [ship(100, { owner: ME, born: 40 })]));
  screen.present = 44.5;
  screen.frame();
  screen.replay(22, 60, () => [ship(150, { owner: ME, born: 12 })]);
  expect(xOf(screen.frame())).toBe(150);
});

test('[DRAW10] what comes back after it was not drawn comes at once where it is', () => {
  let owner = ME;
  let isThere = true;
  const received = (tick: number): Thing[] => (isThere ? [ship(100 + tick, { owner })] : []);
  const screen = new Screen();
  screen.past = 0.5;
  screen.present = 20.5;
  for (let n = 0; n < 30; n++) {
    if (n === 10) isThere = false;
    if (n === 20) [owner, isThere] = [OTHER, true];
    // The present keeps what the past has lost, as a state nobody draws any more.
    for (const tick of [1, 2, 3]) screen.receive(n + tick, ...received(n + tick));
    screen.predict(n, n + 40, (tick) => (n < 10 || n >= 20 ? [ship(300 + tick, { owner })] : []));
    const view = screen.frame();
    if (n >= 23) expect(xOf(view)).toBeCloseTo(100 + screen.past, 6);
  }
});

test("[DRAW1] under policy 'all' what others steer bends half as fast as one's own", () => {
  const game = defineGame({
    id: 'balls',
    version: 1,
    input: {},
    entities: { ball: { x: float({ min: 0, max: 4096, step: 1 / 64 }) } },
    policy: { ball: { predict: 'all' } },
    step: () => undefined,
  });
  const fill = (state: WorldState, tick: number, x: number): WorldState => {
    state.clear();
    state.tick = tick as Tick;
    const table = state.tables[0]!;
    for (const owner of [ME, OTHER]) {
      const row = table.insert((ID + owner) as EntityId);
      table.data[row * table.stride] = owner;
      table.data[row * table.stride + 1] = x * 64;
    }
    return state;
  };
  const states = new Map<number, WorldState>();
  const all = (x: number): void => {
    for (let tick = 1; tick < 100; tick++) states.set(tick, fill(new WorldState(game.kinds), tick, x));
  };
  all(100);
  const prediction: PredictedStates = {
    tick: 98 as Tick,
    authorityTick: 1 as Tick,
    isReplaying: false,
    stateAt: (tick) => states.get(tick),
  };
  const frames = new StateHistory(game.kinds, 128);
  fill(frames.claim(1 as Tick), 1, 100);
  const views = new ViewBuilder(game, ME);
  const draw = (present: number): number[] => {
    const moment = { prediction, isPredicting: true, present, frames, newestTick: 1 as Tick, past: 1, nowMs: present * TICK_MS };
    return views.build(moment).map((entity) => entity['x'] as number);
  };
  expect(draw(10.5)).toEqual([100, 100]);
  views.keepDrawn(prediction, 10.5);
  all(140);
  views.easeToCorrected(prediction);
  // Half of it in 100 ms, and in 200.
  const [mine, others] = draw(16.5);
  expect(mine).toBeCloseTo(120, 0);
  expect(draw(22.5)[1]).toBeCloseTo(120, 0);
  expect(others).toBeLessThan(110);
});

test('[DRAW3] an id that comes back is another thing: without the error, and of the kind that it is of now', () => {
  const screen = new Screen();
  const mine = (x: number) => (): Thing[] => [ship(x, { owner: ME })];
  screen.present = 20.5;
  screen.replay(10, 60, mine(100));
  screen.frame();
  screen.replay(11, 60, mine(150));
  expect(xOf(screen.frame())).toBeLessThan(110);
  screen.replay(12, 60, () => []);
  expect(screen.frame()).toHaveLength(0);
  screen.replay(13, 60, mine(150));
  expect(xOf(screen.frame())).toBe(150);
  screen.receive(1, { kind: 'snail', x: 70 });
  screen.past = 0;
  screen.replay(14, 60, () => []);
  expect(screen.frame()).toMatchObject([{ id: ID, kind: 'snail', x: 70 }]);
});
