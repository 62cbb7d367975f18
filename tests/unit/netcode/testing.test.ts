/** The simulator measures what it says: repeatable, silent where nothing is wrong, and loud where something was broken on purpose. */
import { describe, expect, test } from 'vitest';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { bool, cos, defineGame, event, float, int, sin, text, vec2 } from '../../../netcode/index.ts';
import { type Network, NETWORK_PROFILES, type NetworkProfile, type RecordedPacket, simulate } from '../../../netcode/testing.ts';
import { Histogram } from '../../../netcode/testing/histogram.ts';
import { randomInput } from '../../../netcode/testing/random-driver.ts';

const SPEED = 120;

/** Ships that circle, faster or slower as their player likes, and touch nobody. */
const circles = defineGame({
  id: 'circles',
  version: 1,
  sendRate: 60,
  input: { fast: bool() },
  entities: { ship: { pos: vec2({ min: 0, max: 1024, step: 1 / 32 }), turned: float({ min: 0, max: 7, step: 1 / 1024, smooth: 'none' }) } },
  onJoin(world, player) {
    world.spawn('ship', { owner: player, pos: [400 + player * 40, 400] });
  },
  step(world, inputs, { dt }) {
    for (const ship of world.all('ship')) {
      const angle = (ship.turned + dt) % (2 * Math.PI);
      const speed = inputs.of(ship.owner).fast ? SPEED : SPEED / 2;
      ship.turned = angle;
      ship.pos = { x: ship.pos.x + cos(angle) * speed * dt, y: ship.pos.y + sin(angle) * speed * dt };
    }
  },
});

/** What is the host's doing alone: the same ships, drawn far away in the next tick every two seconds. */
const teleporting = defineGame({
  ...circles.spec,
  id: 'teleporting',
  step(world, inputs, ctx) {
    circles.spec.step(world, inputs, ctx);
    if (ctx.tick % 120 === 0) for (const ship of world.all('ship')) ship.pos = { x: (ship.pos.x + 300) % 900, y: 500 };
  },
});

/** A rule that is not pure: a replayed step is not what it was the first time. */
const impure = defineGame({
  ...circles.spec,
  id: 'impure',
  step(world, inputs, ctx) {
    circles.spec.step(world, inputs, ctx);
    if (!ctx.isFirstTime && ctx.tick % 60 < 30) for (const ship of world.all('ship')) ship.pos.x += 10;
  },
});

const BASE = { peers: 3, seed: 5, seconds: 6 } as const;

/** Ten seconds of packets, each as late as `delayMs` says, or lost. */
function recording(delayMs: (sentMs: number) => number | undefined): RecordedPacket[] {
  return Array.from({ length: 2500 }, (_, i) => {
    const sentMs = i * 4;
    const delay = delayMs(sentMs);
    return { sentMs, arrivedMs: delay === undefined ? undefined : sentMs + delay };
  });
}

describe('a simulated match', () => {
  test('[FEEL1] the same options give the same report bit for bit, another seed another one', () => {
    const run = (seed: number) => simulate(circles, { ...BASE, network: 'bad-wifi', seed, seconds: 3 });
    expect(run(7)).toEqual(run(7));
    expect(run(8)).not.toEqual(run(7));
    expect(structuredClone(run(7))).toEqual(run(7));
  });

  test('[FEEL2] on a good network ships that touch nobody are never mispredicted, never stand, never leap', () => {
    const { guests, seats, seconds } = simulate(circles, { ...BASE, network: 'lan' });
    expect(seconds).toBeCloseTo(6, 1);
    expect(seats.map(({ player, isHost }) => [player, isHost])).toEqual([
      [1, true],
      [2, false],
      [3, false],
    ]);
    expect(guests).toMatchObject({ corrections: 0, mispredictionRate: 0, lateInputs: 0, incompleteSnapshots: 0 });
    for (const { own, others } of [...seats, guests]) {
      expect(own).toMatchObject({ freezes: 0, jumps: 0, phantoms: 0, worstJump: undefined });
      expect(others).toMatchObject({ freezes: 0, jumps: 0, phantoms: 0 });
      // What comes in the middle of a tick changes what was drawn of that tick: by less than a tick's way.
      expect(own.errorPx.max).toBeLessThan(SPEED / 2 / 60);
      expect(others.errorPx.max).toBeLessThan(0.1);
    }
    // Everybody's frames: one own ship, two others.
    expect(guests.own.samples).toBeGreaterThan(2 * 5.5 * 60);
    expect(guests.others.samples).toBeGreaterThan(2 * guests.own.samples - 50);
  });

  test('[FEEL3] a second without packets is seen: others go on for a while, then stand, and are elsewhere', () => {
    const gap = recording((sentMs) => (sentMs > 6000 && sentMs < 7000 ? undefined : 20));
    const { others } = simulate(circles, { ...BASE, network: { down: gap } }).guests;
    expect(others.freezes).toBeGreaterThanOrEqual(4);
    expect(others.longestFreezeMs).toBeGreaterThan(400);
    expect(others.longestFreezeMs).toBeLessThan(1100);
    expect(others.errorPx.max).toBeGreaterThan(10);
    expect(others.worstError).toMatchObject({ kind: 'ship', px: others.errorPx.max });
    expect(others.worstError!.tick).toBeGreaterThan(6 * 60);
    expect(others.worstError!.tick).toBeLessThan(7.5 * 60);
    const without = simulate(circles, { ...BASE, network: { down: recording(() => 20) } }).guests;
    expect(without.others).toMatchObject({ freezes: 0, jumps: 0 });
  });

  test('[FEEL4] a rule that is not pure is seen: mispredictions, error and jumps of own things', () => {
    const { mispredictionRate, own } = simulate(impure, { ...BASE, network: 'broadband' }).guests;
    expect(mispredictionRate).toBeGreaterThan(0.1);
    expect(own.jumps).toBeGreaterThan(2);
    expect(own.errorPx.p95).toBeGreaterThan(5);
  });

  test('[FEEL5] what the rules do is no jump: a teleport on the host is drawn as one', () => {
    const { own, others } = simulate(teleporting, { ...BASE, network: 'lan' }).guests;
    expect(own).toMatchObject({ freezes: 0, jumps: 0 });
    expect(others).toMatchObject({ freezes: 0, jumps: 0 });
    expect(own.errorPx.max).toBeLessThan(SPEED / 2 / 60);
  });

  test('[FEEL6] worse networks are worse', () => {
    const of = (network: NetworkProfile) => simulate(circles, { ...BASE, network }).guests;
    const [lan, broadband, wifi, bad, mobile, satellite] = (Object.keys(NETWORK_PROFILES) as NetworkProfile[]).map(of);
    const delays = [lan, broadband, wifi, mobile, satellite].map((guests) => guests!.drawnDelayMs.mean);
    expect(delays).toEqual(delays.toSorted((a, b) => a - b));
    const leads = [lan, broadband, wifi, mobile, satellite].map((guests) => guests!.predictionLeadMs.mean);
    expect(leads).toEqual(leads.toSorted((a, b) => a - b));
    expect(bad!.interpolationDelayMs.p50).toBeGreaterThan(wifi!.interpolationDelayMs.p50);
    expect(bad!.inputLateness).toBeGreaterThan(wifi!.inputLateness);
    expect(bad!.others.errorPx.max).toBeGreaterThan(broadband!.others.errorPx.max);
  });

  test('[FEEL7] a recording of a steady network is that network', () => {
    const recorded = simulate(circles, { ...BASE, network: { down: recording(() => 30) } });
    expect(recorded).toEqual(simulate(circles, { ...BASE, network: { delayMs: 30 } }));
  });

  test('[FEEL8] the policy can be another one: own things in the past as well, or everything in the present', () => {
    const network: Network = { delayMs: 50 };
    const drive = (_player: number, tick: number) => ({ fast: tick % 60 < 30 });
    const none = simulate(circles, { ...BASE, network, drive, policy: 'none' }).guests;
    expect(none.own.samples).toBe(0);
    const all = simulate(circles, { ...BASE, network, drive, policy: { ship: { predict: 'all' } } }).guests;
    // Others' keys are taken to be held on: wrong for as long as news of them are under way.
    expect(all.others.errorPx.max).toBeGreaterThan(1);
    expect(all.others.samples).toBeGreaterThan(all.own.samples);
  });

  test('[FEEL9] the driver is told player, tick and what that player sees', () => {
    const seen = new Map<number, number>();
    const { guests } = simulate(circles, {
      ...BASE,
      network: 'lan',
      drive(player, tick, _rng, view) {
        expect(tick).toBe(seen.get(player) ?? 0);
        seen.set(player, tick + 1);
        if (tick > 100) expect(view.filter(({ isMine }) => isMine).map(({ owner }) => owner)).toEqual([player]);
        return { fast: player === 1 };
      },
    });
    expect([...seen.keys()].toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
    expect(guests.mispredictionRate).toBe(0);
  });

  test('[FEEL14] errors are in pixels', () => {
    const network: Network = { delayMs: 60, jitterMs: 30, lossPct: 30, burstLength: 8 };
    const one = simulate(circles, { ...BASE, network }).guests.others.errorPx;
    const three = simulate(circles, { ...BASE, network, pixelsPerUnit: 3 }).guests.others.errorPx;
    expect(one.max).toBeGreaterThan(0.1);
    expect(three.max).toBeCloseTo(3 * one.max, 6);
  });

  test('[FEEL10] it ends when the match does', () => {
    const short = defineGame({
      ...circles.spec,
      id: 'short',
      onStart: (world) => void world.spawn('ship'),
      result: (world) => (world.first('ship')!.turned > 6 ? 'over' : undefined),
    });
    const { seconds } = simulate(short, { ...BASE, network: 'lan', seconds: 100 });
    expect(seconds).toBeGreaterThan(1.5);
    expect(seconds).toBeLessThan(3);
  });

  test('[FEEL11] nonsense is refused by name', () => {
    const run = (change: object) => () => simulate(circles, { ...BASE, network: 'lan', ...change });
    expect(run({ peers: 1 })).toThrow('peers 1');
    expect(run({ peers: 32 })).toThrow('peers 32');
    expect(run({ seconds: 0 })).toThrow('seconds 0');
    expect(run({ seed: -1 })).toThrow('seed -1');
    expect(run({ network: 'dial-up' })).toThrow("no network 'dial-up'");
    expect(run({ network: { lossPct: 101 } })).toThrow('lossPct 101');
    expect(run({ pixelsPerUnit: 0 })).toThrow('pixelsPerUnit 0');
    expect(run({ network: { down: [] } })).toThrow('one packet');
    expect(run({ network: { down: [{ sentMs: 5, arrivedMs: 4 }] } })).toThrow('cannot arrive at 4 ms');
    expect(
      run({
        network: {
          down: [
            { sentMs: 5, arrivedMs: 6 },
            { sentMs: 4, arrivedMs: 6 },
          ],
        },
      }),
    ).toThrow('goes back');
  });
});

/** Everybody shoots now and then. What is a hit, the host and who shoots may each decide by themselves. */
function duel(isHit: (isHost: boolean, shot: number) => boolean) {
  let hostWorld: unknown;
  return defineGame({
    id: 'duel',
    version: 1,
    input: { fire: event() },
    entities: { gun: { pos: vec2({ min: 0, max: 16, step: 1 }), shots: int({ min: 0, max: 999 }) } },
    events: { bang: {}, hit: {} },
    onStart: (world) => void (hostWorld = world),
    onJoin: (world, player) => void world.spawn('gun', { owner: player }),
    step(world, inputs, { emit }) {
      for (const gun of world.all('gun')) {
        if (!inputs.of(gun.owner).fire) continue;
        gun.shots += 1;
        emit('bang', {}, { by: gun.owner });
        if (isHit(world === hostWorld, gun.shots)) emit('hit', {}, { by: gun.owner });
      }
    },
  });
}

describe('hits', () => {
  const shoot = (isHit: (isHost: boolean, shot: number) => boolean) =>
    simulate(duel(isHit), { ...BASE, network: 'broadband', seconds: 12, hit: 'hit', drive: (_player, tick) => ({ fire: tick % 40 === 0 }) })
      .guests.hits;
  const shots = 2 * 12 * 1.5;

  test('[FEEL26] what host and shooter agree on is no dispute', () => {
    const hits = shoot(() => true)!;
    expect(hits).toMatchObject({ denied: 0, unseen: 0, disputeRate: 0, unseenRate: 0 });
    expect(Math.abs(hits.seen - shots)).toBeLessThanOrEqual(2);
  });

  test('[FEEL26] a hit that the host denies is counted, and one that the shooter did not see', () => {
    const denied = shoot((isHost, shot) => !isHost || shot % 4 !== 0)!;
    expect(denied.seen).toBeGreaterThan(shots - 3);
    expect(denied.disputeRate).toBeGreaterThan(0.15);
    expect(denied.disputeRate).toBeLessThan(0.35);
    const unseen = shoot((isHost) => isHost)!;
    expect(unseen).toMatchObject({ seen: 0, denied: 0, unseenRate: 1 });
    expect(Math.abs(unseen.unseen - shots)).toBeLessThanOrEqual(2);
  });

  test('[FEEL26] without being told which event is a hit there is no word of hits', () => {
    expect(
      simulate(
        duel(() => true),
        { ...BASE, network: 'lan', seconds: 1 },
      ).guests.hits,
    ).toBeUndefined();
    const run = () =>
      simulate(
        duel(() => true),
        {
          ...BASE,
          network: 'lan',
          // @ts-expect-error no event of the game's
          hit: 'miss',
        },
      );
    expect(run).toThrow("no event 'miss'");
  });
});

describe('machines', () => {
  const network: Network = { delayMs: 40, jitterMs: 5 };

  test('[FEEL27] clocks run as fast as they are told to, by turns too fast and too slow', () => {
    const ticks = new Map<number, number>();
    const drive = (player: number, tick: number) => {
      ticks.set(player, tick + 1);
      return { fast: tick % 50 < 25 };
    };
    simulate(circles, { ...BASE, network, drive, clockDriftPpm: 10_000 });
    const [host, fast, slow] = [1, 2, 3].map((player) => ticks.get(player)!);
    // Ten seconds, warm-up included: 600 ticks, and six more or less.
    expect(Math.abs(host! - 600)).toBeLessThanOrEqual(1);
    expect(Math.abs(fast! - 606)).toBeLessThanOrEqual(1);
    expect(Math.abs(slow! - 594)).toBeLessThanOrEqual(1);
  });

  test('[FEEL27] a clock that does not drift and steps that cost nothing change nothing', () => {
    const usual = simulate(circles, { ...BASE, network });
    expect(simulate(circles, { ...BASE, network, clockDriftPpm: 0 })).toEqual(usual);
    expect(simulate(circles, { ...BASE, network, stepCostMs: 0 })).toEqual(usual);
  });

  test('[FEEL28] a machine on which steps cost time draws fewer frames, and the others do not notice', () => {
    const fast = simulate(circles, { ...BASE, network, stepCostMs: 0.2 });
    expect(fast.guests).toMatchObject({ droppedFrames: 0, unpredictedFrames: 0, own: { jumps: 0, freezes: 0 } });
    const slow = simulate(circles, { ...BASE, network, stepCostMs: 40 });
    expect(slow.guests.droppedFrames).toBeGreaterThan(20);
    expect(slow.seats[0]).toMatchObject({ isHost: true, droppedFrames: 0, unpredictedFrames: 0 });
  });

  test('[FEEL29] one that is hopelessly slow gives prediction up, and says so', () => {
    const { guests } = simulate(circles, { ...BASE, network, stepCostMs: 100 });
    expect(guests.unpredictedFrames).toBeGreaterThan(60);
  });

  test('[FEEL11] nonsense is refused by name', () => {
    const run = (change: object) => () => simulate(circles, { ...BASE, network, ...change });
    expect(run({ clockDriftPpm: NaN })).toThrow('clockDriftPpm NaN');
    expect(run({ clockDriftPpm: 20_000 })).toThrow('clockDriftPpm 20000');
    expect(run({ stepCostMs: -1 })).toThrow('stepCostMs -1');
  });
});

test('[FEEL12] percentiles are at most 1 % above the exact ones, the largest is exact', () => {
  const rng = new Sfc32(3);
  const values = Array.from({ length: 5000 }, () => rng.float() ** 8 * 1000);
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  const sorted = values.toSorted((a, b) => a - b);
  for (const part of [0.5, 0.95, 0.99, 1]) {
    const exact = sorted[Math.ceil(values.length * part) - 1]!;
    expect(histogram.quantile(part)).toBeGreaterThanOrEqual(exact * (1 - 1e-6));
    expect(histogram.quantile(part)).toBeLessThanOrEqual(exact * 1.01);
  }
  expect(histogram.spread().max).toBe(Math.max(...values));
  expect(new Histogram().spread()).toEqual({ mean: 0, p50: 0, p95: 0, p99: 0, max: 0 });
});

test('[FEEL13] the random driver presses everything that can be pressed, within its range', () => {
  const { input } = defineGame({
    id: 'controls',
    version: 1,
    input: {
      fast: bool(),
      turn: int({ min: -1, max: 1 }),
      fire: event(),
      aim: vec2({ min: -1, max: 1, step: 0.5 }),
      name: text({ bytesMax: 8 }),
    },
    entities: { ship: {} },
    step: () => undefined,
  });
  const rng = new Sfc32(9);
  const seen = new Map<string, Set<string>>();
  for (let tick = 0; tick < 3600; tick++) {
    for (const [name, value] of Object.entries(randomInput(input, 60, rng)))
      seen.set(name, (seen.get(name) ?? new Set()).add(JSON.stringify(value)));
  }
  expect(seen.get('fast')).toEqual(new Set(['true', 'false']));
  expect([...seen.get('turn')!].toSorted()).toEqual(['-1', '0', '1']);
  expect(seen.get('fire')).toEqual(new Set(['true']));
  expect(seen.get('aim')!.size).toBeGreaterThan(20);
  for (const aim of seen.get('aim')!) expect(aim).toMatch(/^\{"x":-?[01](\.5)?,"y":-?[01](\.5)?\}$/);
  expect(seen.has('name')).toBe(false);
});
