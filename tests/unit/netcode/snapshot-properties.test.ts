/**
 * SPEC.md's SNAP rules for any schema that there may be, whatever happens to the packets; and at the borders: ids given
 * again, and what no packet can hold. fast-check prints seed, path and schemas of a failing case; SNAPSHOT_RUNS multiplies
 * how many there are.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type EntityId, NO_ENTITY, NOBODY, type PlayerId, type Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { type AnyGame, defineGame } from '../../../netcode/define-game.ts';
import { arrayOf, int, text, u8, vec2 } from '../../../netcode/index.ts';
import { EVENTS_PER_TICK_MAX, type SimEvent } from '../../../netcode/world/simulation.ts';
import type { WorldState } from '../../../netcode/world/world-state.ts';
import type { FieldMap } from '../../../netcode/wire/schema.ts';
import { type SchemaCase, schemaWithInits } from '../../harness/schema-arbitrary.ts';
import { Churn, type Packet, rewindIds, type Sent, SnapshotStream, type StreamClient } from '../../harness/snapshot-stream.ts';

const RUNS = Number(process.env['SNAPSHOT_RUNS'] ?? 1);
const ME = 1 as PlayerId;
const YOU = 2 as PlayerId;
/** Ids are 16 bits in a tick: packets across the border are as good as others. */
const START_TICKS = [0, 0, 1000, 65_530];

type KindCase = readonly [SchemaCase, readonly Readonly<Record<string, unknown>>[]];

/** Small enough that several entities fit into a full packet. */
const anyKinds = fc.array(
  schemaWithInits(5, { receivers: ['all', 'all', 'owner'], tolerances: [0, 0, 0, 3], fieldsMax: 4, lengthMax: 3, bytesMax: 12 }),
  { minLength: 1, maxLength: 3 },
);

const anyNetwork = fc.record({
  seed: fc.nat(),
  startTick: fc.constantFrom(...START_TICKS),
  sendRate: fc.constantFrom(60, 30, 20),
  steps: fc.integer({ min: 12, max: 25 }),
  lossPct: fc.constantFrom(0, 10, 40),
  /** Packets and acks arrive up to this many ticks late. */
  delayMax: fc.constantFrom(0, 3, 9),
  bytesMax: fc.oneof(fc.integer({ min: 40, max: 200 }), fc.constant(1150)),
});
type Network = typeof anyNetwork extends fc.Arbitrary<infer N> ? N : never;

const gameOf = (kinds: readonly KindCase[], sendRate: number, extra: FieldMap = {}, hooks: object = {}): AnyGame =>
  defineGame({
    id: 'any',
    version: 1,
    sendRate,
    entitiesMax: 64,
    input: {},
    entities: Object.fromEntries(kinds.map(([{ fields }], k) => [`kind${k}`, { ...fields, ...extra }])),
    step: () => undefined,
    ...hooks,
  });

/** A client whose packets get lost and late. */
class LossyClient {
  readonly client: StreamClient;
  readonly #network: Network;
  readonly #rng: Sfc32;
  readonly #inFlight: { readonly at: number; readonly packet: Packet }[] = [];
  readonly #acks: { readonly at: number; readonly packet: Packet }[] = [];

  constructor(client: StreamClient, network: Network, rng: Sfc32) {
    this.client = client;
    client.bytesMax = network.bytesMax;
    this.#network = network;
    this.#rng = rng;
  }

  exchange(now: number): void {
    const { lossPct, delayMax } = this.#network;
    const rng = this.#rng;
    const packet = this.client.send();
    for (let copies = rng.below(100) < lossPct ? 0 : rng.below(10) === 0 ? 2 : 1; copies > 0; copies--)
      this.#inFlight.push({ at: now + rng.below(delayMax + 1), packet });
    for (const { packet } of this.#inFlight.filter(({ at }) => at === now)) {
      const copy = this.client.receive(packet.bytes);
      // What came twice: everything else is young enough.
      if (copy === 'stale' && this.client.reader.frames.at(packet.sent.tick) !== undefined) continue;
      this.client.expectCopy(copy, packet.sent);
      if (rng.below(100) >= lossPct) this.#acks.push({ at: now + 1 + rng.below(delayMax + 1), packet });
    }
    for (const { at, packet } of this.#acks) if (at === now) this.client.acknowledge(packet.sent);
  }

  /** All acks arrive, then all packets, until there is nothing left to say. */
  settle(stream: SnapshotStream): void {
    const { client } = this;
    for (const { packet } of this.#acks) client.acknowledge(packet.sent);
    client.bytesMax = 1150;
    for (let n = 0; n < 40; n++) {
      stream.advance(() => undefined);
      const { bytes, sent } = client.send();
      const copy = client.receive(bytes);
      client.expectCopy(copy, sent);
      client.acknowledge(sent);
      if (sent.isComplete) {
        client.expectUpToDate(copy);
        return;
      }
    }
    throw new Error('never complete');
  }
}

function play(stream: SnapshotStream, churn: () => void, network: Network, rng: Sfc32): void {
  const clients = [new LossyClient(stream.first, network, rng)];
  for (let step = 0; step < network.steps; step++) {
    stream.advance(churn);
    // One who comes late is told everything, by the same writer.
    if (step === 8) clients.push(new LossyClient(stream.join(YOU), network, rng));
    for (const client of clients) client.exchange(step);
  }
  for (const client of clients) client.settle(stream);
}

const churnOf = (
  stream: SnapshotStream,
  kinds: readonly (readonly [SchemaCase, readonly Readonly<Record<string, unknown>>[]])[],
  rng: Sfc32,
): Churn =>
  new Churn(
    stream,
    kinds.map(([, values]) => values),
    rng,
  );

test('[SNAP5] any schema: every packet that arrives gives the copy that the host expects, and in the end all that the player may know', () => {
  fc.assert(
    fc.property(anyKinds, anyNetwork, (kinds, network) => {
      const stream = new SnapshotStream(gameOf(kinds, network.sendRate), ME, network.startTick);
      const rng = new Sfc32(network.seed);
      const churn = churnOf(stream, kinds, rng);
      play(stream, () => churn.step(), network, rng);
    }),
    { numRuns: 250 * RUNS },
  );
});

test('[SNAP5] any schema: the same where ids of what is gone are given again, to any kind of entity', () => {
  fc.assert(
    fc.property(anyKinds, anyNetwork, (kinds, network) => {
      const stream = new SnapshotStream(gameOf(kinds, network.sendRate), ME, network.startTick);
      const rng = new Sfc32(network.seed);
      const churn = churnOf(stream, kinds, rng);
      churn.isRecycling = true;
      play(stream, () => churn.step(), network, rng);
    }),
    { numRuns: 150 * RUNS },
  );
});

const hooks = {
  interest: { enter: 30, leave: 40 },
  isVisible: (_world: unknown, player: number, { id }: { readonly id: number }) => (id + player) % 7 !== 0,
  priority: (_world: unknown, player: number, { id }: { readonly id: number }) => 2 ** (((id + player) % 11) - 5),
};

test('[SNAP5] any schema: the same where each player knows what is near and not hidden', () => {
  const pos = vec2({ min: -64, max: 64, step: 1 / 4 });
  fc.assert(
    fc.property(
      anyKinds,
      anyNetwork,
      fc.subarray(['interest', 'isVisible', 'priority'] as const, { minLength: 1 }),
      (kinds, network, names) => {
        const some = Object.fromEntries(names.map((name) => [name, hooks[name]]));
        const stream = new SnapshotStream(gameOf(kinds, network.sendRate, { pos }, some), ME, network.startTick);
        const rng = new Sfc32(network.seed);
        const places = Array.from({ length: 12 }, () => [rng.between(-64, 64), rng.between(-64, 64)]);
        const values = kinds.map(([, sets]) => places.map((pos, i) => ({ ...sets[i % sets.length], pos })));
        const churn = new Churn(stream, values, rng);
        play(stream, () => churn.step(), network, rng);
      },
    ),
    { numRuns: 200 * RUNS },
  );
});

const lampsAndCrates = defineGame({
  id: 'l',
  version: 1,
  input: {},
  entitiesMax: 1024,
  entities: { crate: { x: int({ min: 0, max: 100_000, smooth: 'linear' }), y: int({ min: 0, max: 100_000 }) }, lamp: { on: u8() } },
  step: () => undefined,
});

describe('ids given again', () => {
  test('[SNAP5] to the same kind or to another, between the baseline and now', () => {
    const stream = new SnapshotStream(lampsAndCrates);
    stream.advance((world) => Array.from({ length: 10 }, (_, i) => world.spawn('crate', { x: i })));
    stream.settle(3);
    for (const kind of ['crate', 'lamp', 'crate', 'lamp', 'lamp']) {
      const ids = [...stream.state.tables[0]!.ids.slice(0, 10), ...stream.state.tables[1]!.ids.slice(0, 10)];
      stream.advance((world) => ids.forEach((id) => world.despawn(id as EntityId)));
      rewindIds(stream);
      stream.advance((world) => Array.from({ length: 10 }, () => world.spawn(kind)));
      const table = stream.state.tables[kind === 'crate' ? 0 : 1]!;
      expect([...table.ids.subarray(0, table.count)]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
      expect(stream.settle(1)).toBe(1);
    }
  });

  test('[SNAP5] to another kind, when not everything finds room', () => {
    for (const [before, after] of [
      ['crate', 'lamp'],
      ['lamp', 'crate'],
    ] as const) {
      // The least that one of them fits into, and more.
      for (let bytesMax = 20; bytesMax < 60; bytesMax++) {
        const stream = new SnapshotStream(lampsAndCrates);
        const rng = new Sfc32(bytesMax);
        stream.advance((world) => Array.from({ length: 20 }, () => world.spawn(before, { owner: ME })));
        stream.settle(3);
        stream.advance((world) => {
          for (const { id } of world.all(before)) world.despawn(id);
        });
        rewindIds(stream, ME);
        stream.bytesMax = bytesMax;
        // Own ones are as urgent as what is gone.
        const init = () => (after === 'crate' ? { x: rng.below(100_000), y: rng.below(100_000) } : { on: rng.below(256) });
        stream.advance((world) => Array.from({ length: 20 }, () => world.spawn(after, { ...init(), owner: ME })));
        stream.settle(40);
      }
    }
  });

  test('[SNAP5] late joiners are told of the ids that there are, and what their own next one is', () => {
    const stream = new SnapshotStream(lampsAndCrates);
    stream.advance((world) => Array.from({ length: 30 }, (_, i) => world.spawn('crate', { x: i, owner: (i % 3) as PlayerId })));
    stream.settle(3);
    for (let i = 0; i < 300; i++)
      stream.advance((world) => (i % 10 === 0 ? world.despawn(world.first('crate')!.id) : world.spawn('crate', { x: i })));
    rewindIds(stream, 2 as PlayerId);
    const late = stream.join(2 as PlayerId);
    for (let n = 0; n < 5; n++) {
      stream.advance((world) => world.spawn('lamp', { owner: 2 as PlayerId }));
      const { bytes, sent } = late.send();
      late.expectCopy(late.receive(bytes), sent);
      late.acknowledge(sent);
    }
    late.expectUpToDate(late.reader.state);
    // The first client was away for longer than the host remembers: it gets everything anew.
    stream.settle(1);
  });
});

describe('more than a packet holds', () => {
  test('[SNAP5] what waits for longer than values keep their age, and acks as late as the host remembers', () => {
    let oldest = 0;
    for (const [ackDelay, count, bytesMax] of [
      [3, 400, 30],
      [40, 400, 60],
      [100, 60, 60],
      [126, 20, 200],
      [127, 20, 200],
      [128, 20, 200],
      [140, 20, 200],
    ] as const) {
      const stream = new SnapshotStream(lampsAndCrates);
      stream.bytesMax = bytesMax;
      const rng = new Sfc32(ackDelay);
      const waiting: Sent[] = [];
      stream.advance((world) => Array.from({ length: count }, () => world.spawn('crate', { x: rng.below(100_000) })));
      for (let step = 0; step < 300; step++) {
        stream.advance((world) => {
          // Half of them lie still most of the time: what is as it was may count as younger than it is.
          for (const crate of world.all('crate'))
            if (crate.id % 2 === 0 || rng.below(200) === 0) Object.assign(crate, { x: rng.below(100_000) });
          const crate = world.first('crate');
          if (step % 40 === 0 && crate !== undefined) world.despawn(crate.id);
        });
        const { bytes, sent } = stream.send();
        stream.expectCopy(stream.receive(bytes), sent);
        oldest = Math.max(oldest, sent.tick - sent.oldestTick);
        waiting.push(sent);
        if (waiting.length > ackDelay) stream.acknowledge(waiting.shift()!);
      }
    }
    // Else nothing of this was put to the test.
    expect(oldest).toBeGreaterThan(64);
  });

  test('[SNAP6] of events as well: what does not fit waits, and the packet stays within its budget', () => {
    const wordy = defineGame({
      id: 'w',
      version: 1,
      input: {},
      entities: { lamp: { on: u8() } },
      events: { said: { what: text({ bytesMax: 120 }) } },
      step: () => undefined,
    });
    const stream = new SnapshotStream(wordy);
    const { layout } = wordy.eventTypes[0]!;
    stream.advance((world) => world.spawn('lamp'));
    const eventOf = (n: number): SimEvent => {
      const row = layout.initial.slice();
      layout.entries[0]!.field.write(row, 0, `${n}`.padEnd(120, '.'));
      return { tick: (1 + Math.floor(n / 4)) as Tick, type: 0, by: NOBODY, about: NO_ENTITY, to: NOBODY, row };
    };
    // Three ticks of four each: 120 bytes apiece.
    const events = Array.from({ length: 12 }, (_, n) => eventOf(n));
    stream.advance(() => undefined);
    stream.advance(() => undefined);
    const heard: string[] = [];
    for (let n = 0; n < 12 && heard.length < 12; n++) {
      const { bytes, sent } = stream.send(events);
      stream.expectCopy(stream.receive(bytes), sent);
      heard.push(...stream.reader.events.map(({ row }) => String(parseInt(String(layout.entries[0]!.field.read(row, 0)), 10))));
      stream.acknowledge(sent);
      stream.advance(() => undefined);
    }
    expect(heard).toEqual(events.map((_, n) => `${n}`));
  });

  test('[EVT1] a tick of more events than a packet holds does not stop those behind it', () => {
    const noisy = defineGame({
      id: 'n',
      version: 1,
      input: {},
      entities: { lamp: {} },
      events: { bang: { n: u8() } },
      step: () => undefined,
    });
    const stream = new SnapshotStream(noisy);
    const events = Array.from({ length: EVENTS_PER_TICK_MAX }, (_, n): SimEvent => ({
      tick: 1 as Tick,
      type: 0,
      by: NOBODY,
      about: NO_ENTITY,
      to: NOBODY,
      row: Int32Array.of(n),
    }));
    const heard: number[] = [];
    for (let n = 0; n < 10; n++) {
      stream.advance(() => undefined);
      const { bytes, sent } = stream.send(events);
      stream.expectCopy(stream.receive(bytes), sent);
      heard.push(...stream.reader.events.map(({ row }) => row[0]!));
      stream.acknowledge(sent);
    }
    expect(heard).toEqual(events.map((_, n) => n));
  });

  test('[SNAP6] an entity too large for the budget does not stop the others, and one too large for any is refused', () => {
    const withPages = (pages: number) =>
      defineGame({
        id: 'f',
        version: 1,
        input: {},
        entities: { book: { pages: arrayOf(text({ bytesMax: 250 }), pages) }, lamp: { on: u8() } },
        step: () => undefined,
      });
    expect(() => withPages(4)).toThrow("'book' takes 1013 bytes: no more than 800 fit into a packet");
    const stream = new SnapshotStream(withPages(3));
    stream.bytesMax = 60;
    stream.advance((world) => {
      world.spawn('book', { pages: Array.from({ length: 3 }, () => 'x'.repeat(250)) });
      for (let i = 0; i < 20; i++) world.spawn('lamp', { on: i });
    });
    let copy: WorldState | string = '';
    for (let n = 0; n < 10; n++) {
      const { bytes, sent } = stream.send();
      copy = stream.receive(bytes);
      stream.expectCopy(copy, sent);
      stream.acknowledge(sent);
      stream.advance(() => undefined);
    }
    expect((copy as WorldState).tables[1]!.count).toBe(20);
  });
});
