/** Predicted events and what becomes of them: confirmed, or retracted. */
import { expect, test } from 'vitest';
import { EventQueue } from '../../../netcode/client/event-queue.ts';
import { NO_ENTITY, NOBODY, type PlayerId, type Tick } from '../../../netcode/core/ids.ts';
import { defineGame, float, u8 } from '../../../netcode/index.ts';
import { type SimEvent } from '../../../netcode/world/simulation.ts';

const ME = 2 as PlayerId;

const game = defineGame({
  id: 'duel',
  version: 1,
  input: {},
  entities: { ship: { hp: u8() } },
  events: { hit: { target: u8(), x: float({ min: 0, max: 100, step: 1 }) } },
  step: () => undefined,
});

const hit = (tick: number, target: number, x = 50): SimEvent => ({
  tick: tick as Tick,
  type: 0,
  by: ME,
  about: NO_ENTITY,
  to: NOBODY,
  row: Int32Array.of(target, x),
});

function queueOf() {
  const log: string[] = [];
  const say = (verb: string, { tick, row }: SimEvent): number => log.push(`${verb} ${tick} of ${row[0]}`);
  const queue = new EventQueue(game, ME, {
    show: (event, isPredicted) => say(isPredicted ? 'predicted' : 'told', event),
    retract: (event) => say('retracted', event),
  });
  let number = 0;
  return {
    queue,
    log,
    tell: (hostTick: number, ...events: SimEvent[]) => {
      queue.receive(events, number, hostTick as Tick);
      number += events.length;
      queue.release(Infinity);
    },
  };
}

test('[EVT2] a predicted event is shown once: its confirmation is swallowed, though it comes for a later tick and was a little elsewhere', () => {
  const { queue, log, tell } = queueOf();
  queue.predict(hit(10, 3, 50));
  tell(14, hit(13, 3, 54));
  tell(60);
  expect(log).toEqual(['predicted 10 of 3']);
  expect(queue.retracted).toBe(0);
});

test('[EVT3] a predicted event that the host does not confirm is retracted, once, when its confirmation can come no more', () => {
  const { queue, log, tell } = queueOf();
  queue.predict(hit(10, 3));
  tell(22);
  expect(log).toEqual(['predicted 10 of 3']);
  tell(23);
  tell(24);
  expect(log).toEqual(['predicted 10 of 3', 'retracted 10 of 3']);
  expect(queue.retracted).toBe(1);
});

test('[EVT3] what happened to somebody else is no confirmation: both are told', () => {
  const { log, queue, tell } = queueOf();
  queue.predict(hit(10, 3));
  tell(12, hit(11, 4));
  tell(30);
  expect(log).toEqual(['predicted 10 of 3', 'told 11 of 4', 'retracted 10 of 3']);
});

test('[EVT3] a packet full of events may have left the confirmation to the next', () => {
  const { log, queue, tell } = queueOf();
  queue.predict(hit(10, 3));
  const others = Array.from({ length: 32 }, (_, i) => ({ ...hit(11, i), by: NOBODY }));
  tell(40, ...others);
  tell(41, hit(11, 3));
  tell(60);
  expect(log.filter((line) => !line.startsWith('told'))).toEqual(['predicted 10 of 3']);
});
