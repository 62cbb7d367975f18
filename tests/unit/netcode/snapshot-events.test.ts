/** Events on their way to a player, at both ends: what a packet takes of them, and what the client makes of their numbers. */
import { describe, expect, test } from 'vitest';
import { EventQueue } from '../../../netcode/client/event-queue.ts';
import { NO_ENTITY, NOBODY, type PlayerId, type Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { defineGame, text, u8 } from '../../../netcode/index.ts';
import type { SimEvent } from '../../../netcode/world/simulation.ts';
import { SnapshotStream } from '../../harness/snapshot-stream.ts';

const ME = 1 as PlayerId;
const EVENTS_PER_PACKET = 32;

const eventOf = (n: number, row = Int32Array.of(n)): SimEvent => ({
  tick: n as Tick,
  type: 0,
  by: NOBODY,
  about: NO_ENTITY,
  to: NOBODY,
  row,
});
const eventsFrom = (first: number, count: number): SimEvent[] => Array.from({ length: count }, (_, i) => eventOf(first + i));

const countGame = defineGame({
  id: 'count',
  version: 1,
  input: {},
  entities: { lamp: { on: u8() } },
  events: { count: { n: u8() } },
  step: () => undefined,
});

/** A queue that shows at once, and what it showed. */
function listen(): { queue: EventQueue; shown: number[]; receive: (events: readonly SimEvent[], firstNumber: number) => void } {
  const shown: number[] = [];
  const queue = new EventQueue(countGame, ME, { show: ({ row }) => shown.push(row[0]!), retract: () => undefined });
  const receive = (events: readonly SimEvent[], firstNumber: number): void => {
    queue.receive(events, firstNumber, 0 as Tick);
    queue.release(Infinity);
  };
  return { queue, shown, receive };
}

describe('events by their numbers', () => {
  test('[EVT1] what came before is not shown again, however the packets overlap', () => {
    const { shown, receive } = listen();
    for (const [first, count] of [
      [0, 3],
      [0, 3],
      [1, 4],
      [0, 5],
      [4, 1],
      [5, 2],
      [3, 3],
    ] as const)
      receive(eventsFrom(first, count), first);
    expect(shown).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  test('[EVT1] a packet whose events begin behind a gap is none that a host sends: nothing of it is shown', () => {
    const { shown, receive } = listen();
    receive(eventsFrom(0, 2), 0);
    receive(eventsFrom(3, 2), 3);
    expect(shown).toEqual([0, 1]);
    receive(eventsFrom(2, 3), 2);
    expect(shown).toEqual([0, 1, 2, 3, 4]);
  });

  test('[EVT1] numbers go round after 65,536, and none is shown twice or lost', () => {
    const { shown, receive } = listen();
    const rng = new Sfc32(1);
    const total = 70_000;
    let next = 0;
    let wrong = 0;
    while (next < total) {
      // Some that came before, as while an ack is on its way.
      const first = Math.max(0, next - rng.below(12));
      const count = Math.min(EVENTS_PER_PACKET, total - first);
      receive(eventsFrom(first, count), first & 0xffff);
      next = Math.max(next, first + count);
      if (shown.length !== next) wrong++;
    }
    expect([wrong, shown.length, shown.every((n, i) => n === i)]).toEqual([0, total, true]);
  });

  test('[EVT1] whatever is lost or late, a match of snapshots tells each event once and in order', () => {
    const game = defineGame({
      id: 'e',
      version: 1,
      input: {},
      entities: { lamp: { on: u8() } },
      events: { bang: { n: u8() } },
      step: () => undefined,
    });
    for (let seed = 0; seed < 5; seed++) {
      const rng = new Sfc32(seed);
      const stream = new SnapshotStream(game);
      const { shown, receive } = listen();
      const events: SimEvent[] = [];
      const late: (() => void)[][] = Array.from({ length: 400 }, () => []);
      for (let step = 0; step < 380; step++) {
        stream.advance(() => undefined);
        if (step < 300)
          for (let n = rng.below(4); n > 0; n--)
            events.push({ ...eventOf(events.length, Int32Array.of(events.length & 255)), tick: stream.tick as Tick });
        const { bytes, sent } = stream.send(events);
        if (step < 340 && rng.below(4) === 0) continue;
        late[step + (step < 340 ? rng.below(9) : 0)]!.push(() => {
          if (typeof stream.receive(bytes) === 'string') return;
          receive(stream.reader.events, stream.reader.firstEvent);
          if (rng.below(3) > 0 || step >= 340) stream.acknowledge(sent);
        });
        for (const arrive of late[step]!) arrive();
      }
      expect(shown).toEqual(events.map((_, n) => n & 255));
    }
  });
});

test('[EVT1] events that pile up take no more than half of a packet: what a player owns is told all the same', () => {
  const game = defineGame({
    id: 'h',
    version: 1,
    input: {},
    entities: { log: { line: text({ bytesMax: 80 }) } },
    events: { said: { what: text({ bytesMax: 16 }) } },
    step: () => undefined,
  });
  const stream = new SnapshotStream(game);
  stream.bytesMax = 200;
  const { layout } = game.eventTypes[0]!;
  const row = layout.initial.slice();
  layout.entries[0]!.field.write(row, 0, 'sixteen letters.');
  const line = (n: number): string => `${n}`.padEnd(80, 'x');
  stream.advance((world) => world.spawn('log', { owner: ME, line: line(0) }));
  stream.settle(3);
  const events: SimEvent[] = [];
  let told = 0;
  for (let n = 1; n <= 20; n++) {
    stream.advance((world) => Object.assign(world.first('log')!, { line: line(n) }));
    for (let i = 0; i < 20; i++) events.push({ ...eventOf(0, row), tick: stream.tick as Tick });
    const { bytes, sent } = stream.send(events);
    stream.expectCopy(stream.receive(bytes), sent);
    expect(sent.isComplete).toBe(true);
    told += stream.reader.events.length;
    stream.acknowledge(sent);
  }
  // It is not that they get nothing.
  expect(told).toBeGreaterThan(50);
});
