/** SPEC.md, HELD rules: what players hold is part of the state where others' things are predicted. And who is the authority. */
import { expect, test } from 'vitest';
import { bool, defineGame, event, type EntityId, float, int, NOBODY, type PlayerId, type Tick, u8, vec2 } from '../../../netcode/index.ts';
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import type { AnyGame } from '../../../netcode/define-game.ts';
import { findDivergence, Recorder } from '../../../netcode/host/recording.ts';
import { Host } from '../../../netcode/host/host.ts';
import { interestGridOf, Interest, priorityOf } from '../../../netcode/snapshot/interest.ts';
import { VirtualClock } from '../../../netcode/core/clock.ts';
import { loopbackPair } from '../../../netcode/transport/loopback.ts';
import { STATE_PACKET_BYTES_MAX } from '../../../netcode/transport/transport.ts';
import { Simulation } from '../../../netcode/world/simulation.ts';
import { World } from '../../../netcode/world/world.ts';
import { SnapshotStream } from '../../harness/snapshot-stream.ts';

const [P1, P2] = [1, 2] as PlayerId[] as [PlayerId, PlayerId];

const base = {
  id: 'held',
  version: 1,
  sendRate: 60,
  entitiesMax: 4,
  input: {
    thrust: bool(),
    steer: float({ min: -1, max: 1, step: 1 / 8 }),
    owner: u8(),
    jump: event(),
    secret: int({ min: 0, max: 9, to: 'owner' }),
  },
  entities: { craft: { pos: vec2({ min: 0, max: 4096, step: 1 / 32 }), jumps: u8(), secrets: u8() } },
} as const;

const gameOf = (predict: 'all' | 'owner') =>
  defineGame({
    ...base,
    policy: { craft: { predict } },
    onJoin: (world, player) => void world.spawn('craft', { owner: player, pos: [100, 100] }),
    step(world, inputs) {
      for (const craft of world.all('craft')) {
        const { thrust, steer, owner, jump, secret } = inputs.of(craft.owner);
        craft.pos.x += thrust ? 3 : 0;
        craft.pos.y += steer + owner / 32;
        craft.jumps += jump ? 1 : 0;
        craft.secrets += secret;
      }
    },
  });

/** A row of inputs: thrust, steer in eighths, owner, jump, secret. */
const pressed = (...parts: number[]): Int32Array => Int32Array.from(parts);

function play(game: AnyGame): Simulation {
  const simulation = new Simulation(game, 1);
  simulation.start();
  simulation.step(1 as Tick, { isFirstTime: true, joined: [P1, P2] });
  return simulation;
}

test('[HELD1] while an input is held, another client predicts what it does exactly', () => {
  const game = gameOf('all');
  const host = play(game);
  host.inputs.set(P2, pressed(1, -5, 7, 0, 0));
  host.step(2 as Tick, { isFirstTime: true });
  const client = new Simulation(game, 1);
  client.state.copyFrom(host.state);
  for (let tick = 3; tick < 40; tick++) {
    host.step(tick as Tick, { isFirstTime: true });
    client.holdInputs();
    client.inputs.set(P1, pressed(0, 0, 0, 0, 0));
    client.step(tick as Tick, { isFirstTime: true });
    expect(client.state.hash(), `tick ${tick}`).toBe(host.state.hash());
  }
  expect(host.state.tables[0]!.data[host.state.tables[0]!.stride + 1]).toBe((100 + 38 * 3) * 32);
});

test('[HELD2] presses and what is secret are not told, nor held', () => {
  const game = gameOf('all');
  const host = play(game);
  host.inputs.set(P2, pressed(1, 0, 0, 1, 5));
  host.step(2 as Tick, { isFirstTime: true });
  host.holdInputs();
  expect([...host.inputs.row(P2)]).toEqual([1, 0, 0, 0, 0]);
  expect(game.kinds[1]!.layout.entries.map(({ name }) => name)).toEqual(['~thrust', '~steer', '~owner']);
});

test("[HELD3] a player has it from joining to leaving, whatever the rules do; it is nobody's to see, to take or to count", () => {
  const game = defineGame({ ...gameOf('all').spec, onLeave: () => undefined });
  const host = play(game);
  const world = new World(game, host.state);
  const [held] = host.state.tables.slice(-1);
  expect([held!.count, [...held!.ids.subarray(0, 2)].map((id) => world.get(id as EntityId))]).toEqual([2, [undefined, undefined]]);
  for (const id of held!.ids.subarray(0, 2)) {
    world.despawn(id as EntityId);
    expect(world.seenBy(P1).get(id as EntityId)).toBeUndefined();
  }
  world.despawnOwnedBy(P1);
  world.commit();
  expect([held!.count, world.count('craft')]).toEqual([2, 1]);
  for (const look of [world, world.seenBy(P1) as unknown as World])
    expect(() => [...look.all('~input')]).toThrow("there is no kind '~input'");
  for (let n = 0; n < 3; n++) world.spawn('craft');
  expect(() => world.spawn('craft')).toThrow('4 entities (entitiesMax) live already');
  world.commit();
  expect(world.count('craft')).toBe(4);
  for (const craft of world.all('craft')) world.despawn(craft.id);
  world.commit();
  host.step(2 as Tick, { isFirstTime: true, left: [P1] });
  expect([held!.count, held!.data[0]]).toEqual([1, P2]);
  host.step(3 as Tick, { isFirstTime: true, left: [P2], joined: [P1] });
  expect([held!.count, held!.data[0]]).toEqual([1, P1]);
});

test('[HELD4] a game that predicts nothing of others has none of it, and the shape it would have', () => {
  const { policy: _, ...plain } = gameOf('owner').spec;
  const game = gameOf('owner');
  expect([game.kinds.length, game.shape, game.entitiesMax]).toEqual([1, defineGame(plain).shape, 4]);
  expect(gameOf('all').shape).not.toBe(game.shape);
  expect(gameOf('all').kinds.map(({ name, isHidden }) => [name, isHidden])).toEqual([
    ['craft', false],
    ['~input', true],
  ]);
  const simulation = play(game);
  simulation.inputs.set(P2, pressed(1, 0, 0, 0, 0));
  simulation.holdInputs();
  expect([...simulation.inputs.row(P2)]).toEqual([0, 0, 0, 0, 0]);
  expect(() => defineGame({ ...base, entities: { '~input': { n: u8() } }, step: () => undefined })).toThrow(
    "the kind '~input' begins with ~",
  );
  const onlyPresses = defineGame({ ...base, input: { jump: event() }, policy: { craft: { predict: 'all' } }, step: () => undefined });
  expect(onlyPresses.kinds).toHaveLength(1);
});

test('[HELD5] hooks are not asked about it, every player is told of it, and it travels with the rest', () => {
  const asked = new Set<string>();
  const game = defineGame({
    ...base,
    input: { pos: vec2({ min: 0, max: 10, step: 1 }), thrust: bool() },
    policy: { craft: { predict: 'all' } },
    interest: { enter: 10 },
    isVisible: (_world, _player, entity) => asked.add(entity.kind).size < 0,
    priority: (_world, _player, entity) => asked.add(entity.kind).size,
    onJoin: (world, player) => void world.spawn('craft', { owner: player, pos: [player * 5, 0] }),
    step: () => undefined,
  });
  const host = play(game);
  const world = new World(game, host.state);
  const interest = new Interest(game, P1);
  const grid = interestGridOf(game)!;
  grid.rebuild(host.state);
  interest.update(grid, world);
  const priority = priorityOf(game, world)!;
  expect([...host.state.tables[1]!.ids.subarray(0, 2)].map((id) => priority(P1, 1, id))).toEqual([1, 1]);
  expect([interest.counts[0], interest.counts[1], [...asked]]).toEqual([1, 2, ['craft']]);
});

test("[HELD6] a client's copy has it, with whatever else found room", () => {
  const game = gameOf('all');
  const host = play(game);
  const stream = new SnapshotStream(game);
  for (let tick = 2; tick < 20; tick++) {
    host.inputs.set(P2, pressed(tick & 1, tick % 8, 0, 0, 0));
    host.step(tick as Tick, { isFirstTime: true });
    expect(stream.settle(1, () => stream.state.copyFrom(host.state))).toBe(1);
    const copy = stream.reader.state;
    const client = new Simulation(game, 1);
    client.state.copyFrom(copy);
    client.holdInputs();
    expect([...client.inputs.row(P2)]).toEqual([tick & 1, tick % 8, 0, 0, 0]);
  }
});

test('[SEEN14] only the host is the authority, and whoever plays its recording again', () => {
  const said: boolean[] = [];
  const game = defineGame({ ...base, step: (_world, _inputs, ctx) => void said.push(ctx.isAuthority) });
  new Simulation(game, 1).step(1 as Tick, { isFirstTime: true });
  expect(said.splice(0)).toEqual([false]);
  const recorder = new Recorder(game, 1);
  const clock = new VirtualClock();
  const host = new Host(game, { match: 1, seed: 1, nowMs: 0, packetBytesMax: STATE_PACKET_BYTES_MAX, recorder });
  host.addPlayer(P1, new StateChannel(loopbackPair(clock)[1]));
  host.update(1000 / 60 + 1);
  expect(said.splice(0)).toEqual([true]);
  expect(findDivergence(game, recorder.recording())).toBeUndefined();
  expect(said).toEqual([true]);
});

test('[SEEN15] a recording holds what players saw: without it, or with another, the match is another', () => {
  const game = defineGame({
    ...base,
    entities: { ...base.entities, mark: { x: float({ min: 0, max: 4096, step: 1 / 32 }) } },
    onStart: (world) => {
      world.spawn('craft', { owner: P2, pos: [0, 0] });
      world.spawn('mark', { owner: NOBODY });
    },
    step(world) {
      for (const craft of world.all('craft')) craft.pos.x += 4;
      world.first('mark')!.x = world.seenBy(P1).first('craft')!.pos.x;
    },
  });
  const recorder = new Recorder(game, 1);
  const host = new Host(game, { match: 1, seed: 1, nowMs: 0, packetBytesMax: STATE_PACKET_BYTES_MAX, recorder });
  host.addPlayer(P1, new StateChannel(loopbackPair(new VirtualClock())[1]));
  const client = host.clients.get(P1)!;
  let delay = 0;
  Object.defineProperty(client, 'viewDelayTicks', { get: () => delay });
  for (let tick = 1; tick <= 60; tick++) {
    if (tick > 20) delay = 3.5 + (tick % 8) / 16;
    host.update((tick * 1000) / 60 + 1);
  }
  const recording = structuredClone(recorder.recording());
  expect(recording.ticks).toHaveLength(60);
  expect(recording.ticks[20]!.seen).toEqual([{ player: P1, delayTicks: 3.5 + 5 / 16 }]);
  expect(findDivergence(game, recording)).toBeUndefined();
  const blind = recording.ticks.map((tick) => ({ ...tick, seen: [] }));
  expect(findDivergence(game, { ...recording, ticks: blind })?.tick).toBe(21);
  expect(() => findDivergence(game, { ...recording, format: 1 })).toThrow('format 1, not 3');
});
