/** SPEC.md's rules of the match, in virtual time at every kind of loss: host and clients over a conditioned network. */
import { describe, expect, test } from 'vitest';
import { TestMatch, type TestPlayer } from '../harness/match.ts';
import { skiffGame } from '../harness/skiff-game.ts';
import { findDivergence } from '../../netcode/host/recording.ts';
import type { Sfc32 } from '../../netcode/core/rng.ts';

const CONDITIONS = {
  'no loss': { delayMs: 40, jitterMs: 8 },
  'no delay at all': {},
  '5 % loss': { delayMs: 60, jitterMs: 15, lossPct: 5, reorder: true },
  '30 % loss': { delayMs: 50, jitterMs: 10, lossPct: 30 },
  '15 % loss in bursts, duplicates and reordering': {
    delayMs: 75,
    jitterMs: 30,
    lossPct: 15,
    burstLength: 4,
    duplicatePct: 5,
    reorder: true,
  },
} as const;

const FIRED = 0;
const HIT = 1;

/** Everyone presses at random, changing their mind a few times a second. */
function randomly(player: TestPlayer, _nowMs: number, rng: Sfc32): void {
  if (rng.float() < 0.02) player.client.setInput({ turn: rng.below(3) - 1, thrust: rng.float() < 0.6, fire: rng.float() < 0.5 });
}

/** What a client draws of the skiffs, as plain data in the order of ids. */
function skiffsOf(match: TestMatch, { client }: TestPlayer): unknown[] {
  const skiffs = client.view(match.clock.nowMs()).filter(({ kind }) => kind === 'skiff');
  return skiffs.map((skiff) => structuredClone({ ...skiff, isMine: undefined })).sort((a, b) => a.id - b.id);
}

for (const [name, conditions] of Object.entries(CONDITIONS)) {
  describe(`with ${name}`, () => {
    test('[SNAP1] all players see what the host sees when input stops', async () => {
      const match = await TestMatch.start(skiffGame, { guests: 3, seed: 7, conditions });
      match.drive = randomly;
      match.run(8000);
      match.drive = undefined;
      for (const player of match.players) player.client.setInput({ turn: 0, thrust: false, fire: false });
      match.run(7000);
      const [host, ...guests] = match.players.map((player) => skiffsOf(match, player));
      expect(host).toHaveLength(4);
      for (const guest of guests) expect(guest).toEqual(host);
      for (const { client } of match.players) expect(client.stats(match.clock.nowMs()).malformedPackets).toBe(0);
    });

    test('[SIM1] the match replayed from its inputs has the same hash at every tick', async () => {
      const match = await TestMatch.start(skiffGame, { guests: 2, seed: 11, conditions });
      match.drive = randomly;
      match.run(5000);
      const recording = structuredClone(match.recorder.recording());
      expect(recording.ticks.length).toBeGreaterThan(290);
      expect(findDivergence(skiffGame, recording)).toBeUndefined();
    });

    test('[EVT1] every event reaches every player exactly once', async () => {
      const match = await TestMatch.start(skiffGame, { guests: 2, seed: 13, conditions });
      match.drive = randomly;
      match.run(6000);
      match.drive = undefined;
      match.run(2000);
      const hits = match.players.map(({ events }) => events.filter(({ type }) => type === HIT).map(({ tick }) => tick));
      for (const seen of hits) expect(seen).toEqual(hits[0]);
      const shots = match.players.map(({ events }) => events.filter(({ type }) => type === FIRED).length);
      expect(shots[0]).toBeGreaterThan(10);
      // Two presses that both came too late count as one.
      for (const seen of shots) expect(Math.abs(seen - shots[0]!)).toBeLessThanOrEqual(2);
    });

    test('[SIM2] the same seed gives the same match, bit for bit', async () => {
      const hashes = [];
      for (let run = 0; run < 2; run++) {
        const match = await TestMatch.start(skiffGame, { guests: 2, seed: 17, conditions });
        match.drive = randomly;
        match.run(2000);
        hashes.push(match.recorder.recording().ticks.at(-1)!.hash);
      }
      expect(hashes[0]).toBe(hashes[1]);
    });
  });
}

test('[PRED1] an input moves the own skiff in the very next drawing, whatever the delay', async () => {
  const match = await TestMatch.start(skiffGame, { guests: 1, seed: 5, conditions: { delayMs: 150 } });
  match.run(3000);
  const guest = match.players[1]!;
  const mine = () => guest.client.view(match.clock.nowMs()).find(({ kind, isMine }) => kind === 'skiff' && isMine)!;
  const before = mine()['heading'] as number;
  guest.client.setInput({ turn: 1 });
  match.run(36);
  expect(mine()['heading'] as number).toBeGreaterThan(before);
});

test('[PRED2] a press between two ticks fires once, even if it was released before the tick', async () => {
  const match = await TestMatch.start(skiffGame, { guests: 1, seed: 5, conditions: { delayMs: 60, lossPct: 20 } });
  match.run(3000);
  const guest = match.players[1]!;
  guest.client.setInput({ fire: true });
  guest.client.setInput({ fire: false });
  match.run(3000);
  expect(match.players[0]!.events.filter(({ type }) => type === FIRED)).toHaveLength(1);
  expect(guest.events.filter(({ type }) => type === FIRED)).toEqual([
    { type: FIRED, tick: expect.any(Number) as number, isPredicted: true },
  ]);
});

test('[INP1] without loss and jitter no input comes late and nothing is mispredicted', async () => {
  const match = await TestMatch.start(skiffGame, { guests: 1, seed: 5, conditions: { delayMs: 50 } });
  match.run(3000);
  const { inputs } = match.host.clients.get(match.players[1]!.id)!;
  const late = inputs.lateInputs;
  const { corrections } = match.players[1]!.client.stats(match.clock.nowMs());
  match.drive = randomly;
  match.run(5000);
  expect(inputs.lateInputs).toBe(late);
  expect(match.players[1]!.client.stats(match.clock.nowMs()).corrections).toBe(corrections);
});

test('[TICK1] a host that is pulsed rarely, as a busy tab is, keeps its tick', async () => {
  const match = await TestMatch.start(skiffGame, { guests: 0, seed: 5 });
  for (let i = 0; i < 20; i++) {
    match.clock.advance(100);
    match.host.update(match.clock.nowMs());
  }
  expect(match.host.tick).toBe(120);
});

test('[TICK2] after a sleep of the machine the match goes on where it was', async () => {
  const match = await TestMatch.start(skiffGame, { guests: 1, seed: 5, conditions: { delayMs: 20 } });
  match.run(1000);
  const before = match.host.tick;
  match.clock.advance(60_000);
  match.run(2000);
  expect(match.host.tick - before).toBeLessThan(200);
  expect(match.host.skippedTicks).toBeGreaterThan(3500);
  expect(match.players[1]!.client.stats(match.clock.nowMs()).snapshotsPerSecond).toBeGreaterThan(55);
});
