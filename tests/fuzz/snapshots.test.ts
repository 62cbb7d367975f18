/**
 * Mutated snapshot packets straight into the reader of snapshots: it takes them, refuses them, or finds them too late, and
 * what it takes is a state that the game could have. FUZZ_PACKETS sets how many; the seeds are fixed, and a failing packet is
 * printed with its seed.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { PlayerId, Tick } from '../../netcode/core/ids.ts';
import { mix32, Sfc32 } from '../../netcode/core/rng.ts';
import { type AnyGame, defineGame, type KindMap } from '../../netcode/define-game.ts';
import { any, angle, arrayOf, bool, enumOf, float, int, quat, ref, text, u8, vec2, vec3 } from '../../netcode/index.ts';
import { DONORS_MAX } from '../../netcode/snapshot/baselines.ts';
import { makeFrame, writeFrame } from '../../netcode/snapshot/frame.ts';
import { SnapshotModel } from '../../netcode/snapshot/snapshot-model.ts';
import { SnapshotReader } from '../../netcode/snapshot/snapshot-reader.ts';
import { BitReader, BitWriter } from '../../netcode/wire/bits.ts';
import type { SimEvent } from '../../netcode/world/simulation.ts';
import type { WorldState } from '../../netcode/world/world-state.ts';
import { schemaWithInits } from '../harness/schema-arbitrary.ts';
import { Churn, type KindValues, type Sent, SnapshotStream } from '../harness/snapshot-stream.ts';

/** What takes about half a minute on two cores of a usual runner; where there is time, FUZZ_PACKETS asks for more. */
const PACKETS = Number(process.env['FUZZ_PACKETS'] ?? 1_000_000);
const MUTANTS_PER_PACKET = 32;
/** Those that take themselves for another packet overwrite what the reader has, so they come last, and not with each packet. */
const WILD_MUTANTS = 8;
const WILD_EVERY = 4;
/** From this one on, a mutant that was taken may stay: the next ones come late. */
const STAYING_FROM = MUTANTS_PER_PACKET - 2 * WILD_MUTANTS;
/** One in so many states is looked at from end to end. */
const LOOK_EVERY = 8;
/** A reader may keep what is gone for a while, so it holds more than may live. */
const COPY_MAX = 4;
/** Far beyond what any packet takes, even where a machine is busy with something else. */
const SLOWEST_MS = 1000;
const ME = 1 as PlayerId;
const HEADER_BYTES = 5;
const BYTES_MAX = 1150;

interface Recording {
  readonly name: string;
  readonly game: AnyGame;
  readonly model: SnapshotModel;
  readonly packets: readonly Uint8Array[];
  readonly ticks: readonly Tick[];
}

interface Life {
  readonly name: string;
  readonly entities: KindMap;
  readonly values: KindValues;
  readonly hooks?: object;
  readonly bytesMax: number;
  readonly ackDelay: number;
}

/** What a client received of a match with loss, in which ids are given again and things happen. */
function record({ name, entities, values, hooks, bytesMax, ackDelay }: Life, seed: number): Recording {
  const spec = { id: 'fuzz', version: 1, sendRate: 60, entitiesMax: 40, input: {}, step: () => undefined };
  const game = defineGame({ ...spec, entities, events: { bang: { at: vec2({ min: 0, max: 9, step: 1 }), by: u8() }, end: {} }, ...hooks });
  const rng = new Sfc32(seed);
  const stream = new SnapshotStream(game, ME);
  stream.bytesMax = bytesMax;
  const churn = new Churn(stream, values, rng);
  const packets: Uint8Array[] = [];
  const ticks: Tick[] = [];
  const waiting: Sent[] = [];
  const events: SimEvent[] = [];
  for (let step = 0; step < 60; step++) {
    stream.advance(() => churn.step());
    const type = rng.below(2);
    const row = type === 0 ? Int32Array.of(rng.below(10), rng.below(10), rng.below(256)) : new Int32Array(0);
    if (rng.below(4) === 0) events.push({ tick: stream.tick as Tick, type, by: 0 as PlayerId, about: 0 as never, to: 0 as PlayerId, row });
    const { bytes, sent } = stream.send(events);
    if (rng.below(5) === 0) continue;
    // A packet that a client refuses has its test elsewhere; here it is as good as any other.
    if (typeof stream.receive(bytes) !== 'string') waiting.push(sent);
    packets.push(bytes);
    ticks.push(sent.tick);
    if (waiting.length > ackDelay) stream.acknowledge(waiting.shift()!);
  }
  return { name, game, model: new SnapshotModel(game), packets, ticks };
}

const near = {
  interest: { enter: 30, leave: 40 },
  isVisible: (_: unknown, player: number, { id }: { readonly id: number }) => (id + player) % 5 !== 0,
};
const pos = vec2({ min: -64, max: 64, step: 1 / 4 });
const shape = {
  velocity: vec3({ min: -50, max: 50, step: 0.1 }),
  pos: vec3({ min: -100, max: 100, step: 0.01, velocity: 'velocity' }),
  spin: quat({ bits: 9 }),
  isAwake: bool(),
};
const bullet = {
  pos: vec2({ min: 0, max: 500, step: 0.1, velocity: 'flight' }),
  flight: vec2({ min: -90, max: 90, step: 0.5 }),
  until: int({ min: 0, max: 2 ** 31 - 1 }),
};
const ship = { pos: vec2({ min: 0, max: 500, step: 0.1 }), heading: angle({ bits: 9 }), energy: u8() };
const words = {
  name: text({ bytesMax: 20 }),
  note: any({ bytesMax: 30 }),
  bag: arrayOf(arrayOf(text({ bytesMax: 4 }), 2), 3),
  mood: enumOf(['calm', 'angry', 'gone']),
  target: ref(),
  trail: arrayOf(vec2({ min: 0, max: 9, step: 0.1 }), 3),
};

function lives(): Life[] {
  const rng = new Sfc32(1);
  const some = <T>(make: () => T): T[] => Array.from({ length: 8 }, make);
  const at = (size: number): [number, number, number] => [rng.between(-size, size), rng.between(-size, size), rng.between(-size, size)];
  const shapes = some(() => ({ pos: at(100), velocity: at(50), spin: [...at(1), 1.5], isAwake: rng.below(2) === 0 }));
  const bullets = some(() => ({ pos: at(500).slice(0, 2), flight: at(90).slice(0, 2), until: rng.below(200) }));
  const ships = some(() => ({ pos: at(500).slice(0, 2), heading: rng.between(0, 7), energy: rng.below(256) }));
  const said = some(() => ({
    name: ['', 'Ada', '\u{1f6f8}'][rng.below(3)],
    note: [null, { a: 1 }, [1, 'x'], 2 ** 40][rng.below(4)],
    bag: [['a', 'bee'], ['c']],
    mood: 'angry',
    target: rng.below(90_000),
    trail: [[1, 2]],
  }));
  const places = some(() => ({ pos: at(64).slice(0, 2), secret: rng.below(256) }));
  const spied = { pos, secret: u8({ to: 'owner' }) };
  const plain = {
    x: int({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1, smooth: 'linear' }),
    y: float({ min: 0, max: 1, step: 0.01, tolerance: 0.05 }),
  };
  const plains = some(() => ({ x: rng.u32() | 0, y: rng.float() }));
  const anyKinds = fc.array(
    schemaWithInits(6, { receivers: ['all', 'all', 'owner'], tolerances: [0, 0, 3], fieldsMax: 4, lengthMax: 3, bytesMax: 12 }),
    { minLength: 2, maxLength: 3 },
  );
  const sampled = fc.sample(anyKinds, { seed: 4, numRuns: 4 }).map((kinds, n): Life => ({
    name: `any schema ${n}`,
    entities: Object.fromEntries(kinds.map(([{ fields }], k) => [`kind${k}`, fields])),
    values: kinds.map(([, sets]) => sets),
    bytesMax: [100, BYTES_MAX][n % 2]!,
    ackDelay: 3,
  }));
  return [
    { name: 'shapes', entities: { shape }, values: [shapes], bytesMax: BYTES_MAX, ackDelay: 3 },
    { name: 'ships', entities: { ship, bullet }, values: [ships, bullets], bytesMax: 400, ackDelay: 2 },
    { name: 'words', entities: { words }, values: [said], bytesMax: BYTES_MAX, ackDelay: 1 },
    { name: 'little room', entities: { plain, ship }, values: [plains, ships], bytesMax: 60, ackDelay: 5 },
    { name: 'little room for shapes', entities: { shape, plain }, values: [shapes, plains], bytesMax: 90, ackDelay: 4 },
    { name: 'what is near', entities: { spied }, values: [places], hooks: near, bytesMax: 70, ackDelay: 3 },
    ...sampled,
  ];
}

/**
 * Fills `into` with one of the usual ways in which a packet goes wrong; returns its length. Unless `isWild` it goes wrong
 * behind what it says of itself and of other packets.
 */
function mutate(into: Uint8Array, packets: readonly Uint8Array[], at: number, isWild: boolean, rng: Sfc32): number {
  const bytes = packets[at]!;
  const from = isWild ? 0 : Math.min(HEADER_BYTES, bytes.length);
  let { length } = bytes;
  into.set(bytes);
  const way = rng.below(20);
  if (way === 0) length = from + rng.below(length + 1 - from);
  else if (way === 1) for (let more = rng.below(80); more > 0; more--) into[length++] = rng.below(256);
  else if (way === 2) for (let i = from; i < length; i++) into[i] = rng.below(256);
  else if (way === 3) {
    // As another went on.
    const other = packets[rng.below(packets.length)]!;
    const cut = from + rng.below(Math.max(1, other.length - from));
    into.set(other.subarray(cut), cut);
    length = Math.max(cut, other.length);
  } else if (way === 4) {
    length = from + rng.below(40);
    for (let i = from; i < length; i++) into[i] = [0, 255, rng.below(256)][rng.below(3)]!;
  } else if (way < 9) for (let n = rng.below(4) + 1; n > 0 && from < length; n--) into[from + rng.below(length - from)] = rng.below(256);
  else if (from < length) for (let n = rng.below(3) + 1; n > 0; n--) into[from + rng.below(length - from)]! ^= 1 << rng.below(8);
  return length;
}

/** What is wrong with a state, or empty. */
function mistakeIn(state: WorldState, { entitiesMax }: AnyGame): string {
  if (state.entityCount > COPY_MAX * entitiesMax) return `${state.entityCount} entities`;
  for (const { kind, ids, ticks, data, stride, count } of state.tables) {
    const { parts, entries } = kind.layout;
    for (let row = 0; row < count; row++) {
      if (ids[row]! < 1 || (row > 0 && ids[row]! <= ids[row - 1]!)) return `${kind.name} ${ids[row]} follows ${ids[row - 1]}`;
      if (ids[row]! >>> 16 > 31 || (ids[row]! & 0xffff) === 0) return `${kind.name} ${ids[row]} is no id`;
      if (ticks[row]! > state.tick || ticks[row]! < 0) return `${kind.name} ${ids[row]} is of tick ${ticks[row]} in ${state.tick}`;
      for (let i = 0; i < stride; i++) {
        const value = data[row * stride + i]!;
        if (value < parts[i]!.min || value > parts[i]!.max) return `part ${i} of ${kind.name} ${ids[row]} is ${value}`;
      }
      for (const { field, at } of entries) field.read(data, row * stride + at);
    }
  }
  return '';
}

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

interface Tally {
  packets: number;
  slowestMs: number;
  readonly outcomes: Record<'ok' | 'malformed' | 'stale', number>;
}

/** One match, each packet after several mutants of it. `isPoisoned`: what the reader took of them stays, and the rest builds on it. */
function fuzz(recording: Recording, seed: number, isPoisoned: boolean, tally: Tally): void {
  const { game, model, packets, ticks, name } = recording;
  const rng = new Sfc32(seed);
  const header = new BitReader(new Uint8Array(0));
  const buffer = new Uint8Array(2 * BYTES_MAX + 100);
  let reader = new SnapshotReader(game, { model, player: ME, newestTick: 0 as Tick });
  const read = (bytes: Uint8Array) => {
    header.open(bytes);
    return reader.read(bytes, header);
  };
  for (let at = 0; at < packets.length; at++) {
    for (let n = 0; n < MUTANTS_PER_PACKET; n++) {
      const { newestTick } = reader;
      const bytes = buffer.subarray(0, mutate(buffer, packets, at, at % WILD_EVERY === 0 && n >= MUTANTS_PER_PACKET - WILD_MUTANTS, rng));
      const startMs = performance.now();
      let mistake = '';
      try {
        const outcome = read(bytes);
        tally.outcomes[outcome]++;
        if (outcome === 'ok' && rng.below(LOOK_EVERY) === 0) mistake = mistakeIn(reader.state, game);
        if (outcome === 'ok' && (!isPoisoned || n < STAYING_FROM || reader.newestTick > newestTick + 40)) {
          reader.frames.forget(reader.state.tick);
          reader.newestTick = newestTick;
        }
      } catch (error) {
        mistake = String(error instanceof Error ? error.stack : error);
      }
      if (mistake !== '') throw new Error(`${name}, seed ${seed}, packet ${at}, mutant ${n}, ${hexOf(bytes)}: ${mistake}`);
      tally.slowestMs = Math.max(tally.slowestMs, performance.now() - startMs);
      tally.packets++;
    }
    const isTaken = reader.frames.at(ticks[at]!) !== undefined;
    const outcome = read(packets[at]!);
    if (outcome === 'ok' || (isPoisoned && (isTaken || outcome === 'malformed'))) continue;
    // A mutant overwrote what this one refers to: all over again, up to here.
    reader = new SnapshotReader(game, { model, player: ME, newestTick: 0 as Tick });
    for (let i = 0; i <= at; i++) read(packets[i]!);
  }
}

test(
  '[FUZZ6] a reader of snapshots survives a million mutated packets of many games',
  () => {
    const recordings = lives().map((life, n) => record(life, n));
    const tally: Tally = { packets: 0, slowestMs: 0, outcomes: { ok: 0, malformed: 0, stale: 0 } };
    for (let round = 0; tally.packets < PACKETS; round++)
      for (const [n, recording] of recordings.entries())
        if (tally.packets < PACKETS) fuzz(recording, mix32(round, n), round % 3 === 2, tally);
    const { ok, malformed, stale } = tally.outcomes;
    expect(ok + malformed + stale).toBe(tally.packets);
    expect(tally.slowestMs).toBeLessThan(SLOWEST_MS);
    // All three happen often, or else the mutants are too wild or too tame to find anything.
    expect(Math.min(ok, malformed, 20 * stale) / tally.packets).toBeGreaterThan(0.05);
    if (process.env['FUZZ_PACKETS'] !== undefined) console.log(JSON.stringify(tally));
  },
  15 * 60_000,
);

test('[FUZZ7] a baseline before the first tick is malformed', () => {
  const game = defineGame({ id: 'fuzz', version: 1, input: {}, entities: { lamp: { on: u8() } }, step: () => undefined });
  const reader = new SnapshotReader(game, { model: new SnapshotModel(game), player: ME, newestTick: 0 as Tick });
  for (let tick = 0; tick < 3; tick++) {
    for (let age = tick + 1; age < 128; age++) {
      // 16 bits of the tick, 7 of the age, one of the counter: it is that of the baseline. Then there is nothing.
      for (let zeros = 0; zeros < 8; zeros++) {
        const bytes = Uint8Array.of(tick, 0, age | 0x80, ...new Uint8Array(zeros));
        expect([tick, age, reader.read(bytes, new BitReader(bytes))]).toEqual([tick, age, 'malformed']);
      }
    }
  }
});

test('[FUZZ8] a copy holds no more than four times what may live, however many copies come together in it', () => {
  const game = defineGame({
    id: 'fuzz',
    version: 1,
    sendRate: 60,
    entitiesMax: 16,
    input: {},
    entities: { word: { is: text({ bytesMax: 12 }) } },
    step: () => undefined,
  });
  const outcomes: string[] = [];
  let most = 0;
  for (const bytesMax of [60, 100, 140, 180]) {
    const stream = new SnapshotStream(game, ME);
    stream.bytesMax = bytesMax;
    const rng = new Sfc32(6);
    const waiting: Sent[] = [];
    // All is new in each tick, and not all of it finds room: what has come since the first acknowledged copy all counts.
    for (let tick = 0; tick < 60; tick++) {
      stream.advance((world) => {
        for (const { id } of world.all('word')) world.despawn(id);
      });
      stream.advance((world) => Array.from({ length: 15 }, () => world.spawn('word', { is: `${rng.u32()}` })));
      const { bytes, sent } = stream.send();
      const copy = stream.receive(bytes);
      if (typeof copy === 'string') {
        outcomes.push(`${bytesMax} B: packet ${tick} is ${copy}`);
        break;
      }
      most = Math.max(most, copy.entityCount);
      waiting.push(sent);
      if (waiting.length > 12) stream.acknowledge(waiting.shift()!);
    }
  }
  expect([most <= COPY_MAX * game.entitiesMax ? 'bounded' : most, ...outcomes]).toEqual(['bounded']);
});

test('[FUZZ8] nor does one that a host puts together which says of nothing that it is gone', () => {
  const game = defineGame({
    id: 'fuzz',
    version: 1,
    sendRate: 60,
    entitiesMax: 16,
    input: {},
    entities: { lamp: { on: u8({ smooth: 'linear' }) } },
    step: () => undefined,
  });
  const stream = new SnapshotStream(game, ME);
  stream.bytesMax = 18;
  const ticks: Tick[] = [];
  // None is acknowledged, so each stands by itself, with other entities in it.
  for (let n = 0; n < 20; n++) {
    stream.advance((world) => {
      for (const { id } of world.all('lamp')) world.despawn(id);
    });
    stream.advance((world) => Array.from({ length: 16 }, (_, i) => world.spawn('lamp', { on: (n * 97 + i * 61) & 255 })));
    const { bytes, sent } = stream.send();
    stream.expectCopy(stream.receive(bytes), sent);
    expect(sent.isComplete).toBe(false);
    ticks.unshift(sent.tick);
  }
  const writer = new BitWriter(100);
  const [firstTick, ...donors] = ticks;
  const frame = { ...makeFrame(), tick: (stream.tick + 1) as Tick, firstTick: firstTick!, donorCount: DONORS_MAX };
  frame.donorTicks.set(donors.slice(0, DONORS_MAX));
  writeFrame(writer, frame, { interval: 1, isComplete: () => false });
  // No events, and a body of zeros: all of what may move did as expected.
  writer.bits(0, 2);
  const copy = stream.receive(writer.finish().slice());
  expect(typeof copy === 'string' ? 0 : copy.entityCount).toBeLessThanOrEqual(COPY_MAX * game.entitiesMax);
});
