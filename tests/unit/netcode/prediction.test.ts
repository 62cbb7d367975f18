/** What is predicted of others by what they hold, and what becomes of predicted events when packets and queues are full. */
import { expect, test } from 'vitest';
import { EventQueue } from '../../../netcode/client/event-queue.ts';
import { ReplayBudget, REPLAY_MS_MAX, RETRY_MS, RETRY_MS_MAX } from '../../../netcode/client/replay-budget.ts';
import { NO_ENTITY, NOBODY, type PlayerId, type Tick } from '../../../netcode/core/ids.ts';
import { bool, defineGame, event, float, text, u8, u16 } from '../../../netcode/index.ts';
import { ViewClaim } from '../../../netcode/host/view-claim.ts';
import { Handicap } from '../../../netcode/session/handicap.ts';
import type { SimEvent } from '../../../netcode/world/simulation.ts';
import { TestMatch } from '../../harness/match.ts';

const ME = 2 as PlayerId;
const OTHER = 3 as PlayerId;
const game = defineGame({
  id: 'duel',
  version: 1,
  input: {},
  entities: { ship: { hp: u8() } },
  events: { hit: { target: u16() }, missed: { target: u16() } },
  step: () => undefined,
});

const eventAt = (tick: number, target: number, more: Partial<SimEvent> = {}): SimEvent => ({
  tick: tick as Tick,
  type: 0,
  by: ME,
  about: NO_ENTITY,
  to: NOBODY,
  row: Int32Array.of(target),
  ...more,
});

function queueOf() {
  const log: string[] = [];
  const say = (verb: string, { row, type, by }: SimEvent): number =>
    log.push(`${verb} ${row[0]}${type === 0 ? '' : ', missed'}${by === OTHER ? ', by another' : ''}`);
  const queue = new EventQueue(game, ME, {
    show: (shown, isPredicted) => say(isPredicted ? 'predicted' : 'told', shown),
    retract: (shown) => say('retracted', shown),
  });
  return { queue, log };
}

test('[EVT3] a confirmation that found no room in many packets is waited for: nothing is taken back', async () => {
  const big = defineGame({
    id: 'talk',
    version: 1,
    sendRate: 60,
    input: { fire: event() },
    entities: { ship: { hp: u8() } },
    events: { fired: {}, story: { words: text({ bytesMax: 200 }) } },
    onJoin: (world, player) => world.spawn('ship', { owner: player }),
    step(world, inputs, { emit, isAuthority }) {
      for (const ship of world.all('ship')) {
        if (!inputs.of(ship.owner).fire) continue;
        // A packet has room for two of these; it takes eight round trips until the confirmation's turn comes.
        if (isAuthority) for (let n = 0; n < 16; n++) emit('story', { words: 'x'.repeat(200) });
        emit('fired', {}, { by: ship.owner });
      }
    },
  });
  const match = await TestMatch.start(big, { guests: 1, seed: 1, conditions: { delayMs: 75 } });
  match.run(2000);
  const { client, events } = match.players[1]!;
  client.setInput({ fire: true });
  match.run(3000);
  expect(events.filter(({ type }) => type === 1)).toHaveLength(16);
  expect(events.filter(({ type }) => type === 0).map(({ isPredicted }) => isPredicted)).toEqual([true]);
  expect(client.stats(match.clock.nowMs()).retractedEvents).toBe(0);
});

test('[EVT2] what is for another alone, or by another, is not predicted', () => {
  const { queue, log } = queueOf();
  queue.predict(eventAt(10, 1, { to: OTHER }));
  queue.predict(eventAt(10, 2, { by: OTHER }));
  queue.predict(eventAt(10, 3, { to: ME }));
  expect(log).toEqual(['predicted 3']);
});

test('[EVT2] another type of event, and the same by another player, confirm nothing', () => {
  const { queue, log } = queueOf();
  queue.predict(eventAt(10, 1));
  queue.receive([eventAt(10, 1, { type: 1 }), eventAt(10, 1, { by: OTHER }), eventAt(10, 1)], 0, 10 as Tick);
  queue.release(10);
  expect(log).toEqual(['predicted 1', 'told 1, missed', 'told 1, by another']);
});

test('[EVT1] events behind one that has not come wait for it', () => {
  const { queue, log } = queueOf();
  queue.receive([eventAt(10, 1, { by: NOBODY })], 1, 10 as Tick);
  queue.release(10);
  expect(log).toEqual([]);
  queue.receive([eventAt(9, 0, { by: NOBODY }), eventAt(10, 1, { by: NOBODY })], 0, 10 as Tick);
  queue.release(10);
  expect(log).toEqual(['told 0', 'told 1']);
});

test("[EVT1] others' events show when their tick is drawn, one's own that were not predicted at once, each once", () => {
  const { queue, log } = queueOf();
  queue.receive([eventAt(10, 1, { by: OTHER }), eventAt(10, 2), eventAt(12, 3, { by: NOBODY })], 0, 12 as Tick);
  for (const moment of [5, 9.9, 10, 11.9, 12, 13]) {
    log.push(`${moment}`);
    queue.release(moment);
  }
  expect(log).toEqual(['5', 'told 2', '9.9', '10', 'told 1, by another', '11.9', '12', 'told 3', '13']);
});

test('[EVT1] 512 events wait at most: beyond that the oldest shows early', () => {
  const { queue, log } = queueOf();
  for (let n = 0; n < 520; n += 20) {
    const events = Array.from({ length: 20 }, (_, i) => eventAt(1000, n + i, { by: NOBODY }));
    queue.receive(events, n, 900 as Tick);
  }
  expect(log).toEqual(Array.from({ length: 8 }, (_, i) => `told ${i}`));
  queue.release(1000);
  expect(log).toEqual(Array.from({ length: 520 }, (_, i) => `told ${i}`));
});

test('[EVT2] 128 predicted events are confirmed, each once; of one more the oldest is taken back', () => {
  const { queue, log } = queueOf();
  for (let n = 0; n < 129; n++) queue.predict(eventAt(10, n));
  expect(log.filter((line) => !line.startsWith('predicted'))).toEqual(['retracted 0']);
  for (let n = 1; n < 129; n++) queue.receive([eventAt(11, n)], n - 1, 11 as Tick);
  queue.receive([], 128, 60 as Tick);
  queue.release(60);
  expect(log.filter((line) => !line.startsWith('predicted'))).toEqual(['retracted 0']);
});

test('[HELD1] what another player steers is drawn in the present without a mistake while they hold what they hold', async () => {
  const balls = defineGame({
    id: 'balls',
    version: 1,
    sendRate: 60,
    input: { go: bool() },
    entities: { ball: { x: float({ min: 0, max: 4096, step: 1 / 64 }) } },
    policy: { ball: { predict: 'all' } },
    onJoin: (world, player) => world.spawn('ball', { owner: player }),
    step(world, inputs) {
      for (const ball of world.all('ball')) if (inputs.of(ball.owner).go) ball.x += 2;
    },
  });
  const match = await TestMatch.start(balls, { guests: 1, seed: 1, conditions: { delayMs: 75 } });
  const [host, guest] = match.players;
  host!.client.setInput({ go: true });
  match.run(3000);
  const ahead = new Set<number>();
  for (let n = 0; n < 60; n++) {
    match.run(16);
    const ball = guest!.client.view(match.clock.nowMs()).find(({ isMine }) => !isMine)!;
    ahead.add(Math.round(((ball['x'] as number) - 2 * guest!.client.presentTick!) * 1e6));
  }
  expect(ahead.size).toBe(1);
});

test('[LOAD3] prediction that fails is tried again twice as late each time, at most a minute, and after good times soon', () => {
  let nowMs = 0;
  const budget = new ReplayBudget(() => nowMs);
  const fail = (): number => {
    budget.beginSlice();
    nowMs += REPLAY_MS_MAX + 1;
    budget.endSlice(false);
    const fromMs = nowMs;
    while (budget.isGivenUp) nowMs += 1000;
    return nowMs - fromMs;
  };
  expect(Array.from({ length: 6 }, fail)).toEqual([1, 2, 4, 8, 12, 12].map((times) => times * RETRY_MS));
  expect(12 * RETRY_MS).toBe(RETRY_MS_MAX);
  nowMs += RETRY_MS;
  expect(fail()).toBe(RETRY_MS);
});

test('[VIEW3] a claim may have moved on in ticks whose inputs did not come', () => {
  const claim = new ViewClaim(60);
  claim.honour(100 as Tick, 8);
  // The leap that is believed.
  claim.honour(101 as Tick, 20);
  expect([claim.honour(111 as Tick, 22), claim.honour(112 as Tick, 22.5), claim.refusedClaims]).toEqual([22, 22.25, 1]);
});

test('[ADV1] of two guests the nearer one counts: the host is not held back for one who is far away', () => {
  const handicap = new Handicap(false);
  handicap.update(0, 40, [340, 140]);
  expect(handicap.advantageMs).toBe(100);
});
