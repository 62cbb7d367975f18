/** SPEC.md's SNAP and ACK rules, packet by packet. */
import { describe, expect, test } from 'vitest';
import { type AckSink, Endpoint } from '../../../netcode/channel/endpoint.ts';
import type { EntityId, PlayerId } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { defineGame, int, u8 } from '../../../netcode/index.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import type { World } from '../../../netcode/world/world.ts';
import type { WorldState } from '../../../netcode/world/world-state.ts';
import { type Sent, SnapshotStream } from '../../harness/snapshot-stream.ts';

const game = defineGame({
  id: 's',
  version: 1,
  entitiesMax: 1024,
  input: {},
  entities: { crate: { x: int({ min: 0, max: 100_000, smooth: 'linear' }), y: int({ min: 0, max: 100_000 }) }, lamp: { on: u8() } },
  step: () => undefined,
});
class Stream extends SnapshotStream {
  constructor() {
    super(game);
  }
}

const put = (world: World, x: number) => world.spawn('crate', { x, y: 5 });

describe('snapshots', () => {
  test('[SNAP2] the first is full, the next a delta, an unchanged world costs next to nothing', () => {
    const stream = new Stream();
    stream.advance((world) => Array.from({ length: 30 }, (_, i) => put(world, i * 977)));
    const full = stream.send();
    expect(stream.receive(full.bytes)).toMatchObject({ tick: 1 });
    stream.acknowledge(full.sent);
    stream.advance((world) => ((world.first('crate') as unknown as { x: number }).x = 9));
    const delta = stream.send();
    expect(delta.bytes.length).toBeLessThan(full.bytes.length / 2);
    expect((stream.receive(delta.bytes) as WorldState).hash()).toBe(stream.state.hash());
    stream.acknowledge(delta.sent);
    // What moved lately is expected to move again, and says that it did not; that is forgotten soon.
    const calm = Array.from({ length: 12 }, () => {
      stream.advance(() => undefined);
      const { bytes, sent } = stream.send();
      expect((stream.receive(bytes) as WorldState).hash()).toBe(stream.state.hash());
      stream.acknowledge(sent);
      return bytes.length;
    });
    expect(Math.max(...calm)).toBeLessThan(12);
    expect(calm.at(-1)).toBeLessThan(7);
  });

  test('[SNAP3] what is not acknowledged is sent again, newest value only', () => {
    const stream = new Stream();
    stream.advance((world) => put(world, 1));
    const first = stream.send();
    stream.receive(first.bytes);
    stream.acknowledge(first.sent);
    stream.advance((world) => ((world.first('crate') as unknown as { x: number }).x = 2));
    stream.send();
    stream.advance(() => undefined);
    expect((stream.receive(stream.send().bytes) as WorldState).hash()).toBe(stream.state.hash());
  });

  test('[SNAP4] a value that went and came back is told, as long as the client may have seen it gone', () => {
    const stream = new Stream();
    stream.advance((world) => put(world, 1));
    const first = stream.send();
    stream.receive(first.bytes);
    stream.acknowledge(first.sent);
    stream.advance((world) => ((world.first('crate') as unknown as { x: number }).x = 2));
    stream.receive(stream.send().bytes);
    stream.advance((world) => ((world.first('crate') as unknown as { x: number }).x = 1));
    expect((stream.receive(stream.send().bytes) as WorldState).hash()).toBe(stream.state.hash());
  });

  test("[SNAP5] whatever is lost, late, doubled or acknowledged late, every decoded state equals the host's", () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const rng = new Sfc32(seed);
      const stream = new Stream();
      const inFlight: { at: number; bytes: Uint8Array; sent: Sent }[] = [];
      const acks: { at: number; sent: Sent }[] = [];
      let decoded = 0;
      for (let step = 0; step < 600; step++) {
        stream.advance((world) => {
          if (rng.below(3) === 0 && world.count('crate') < 60) put(world, rng.below(1000));
          if (rng.below(5) === 0) world.spawn('lamp', { on: rng.below(2), owner: rng.below(3) as PlayerId });
          for (const crate of world.all('crate')) {
            if (rng.below(4) === 0) (crate as unknown as { x: number }).x += rng.below(9) - 4;
            if (rng.below(40) === 0) world.despawn(crate.id);
          }
          for (const lamp of world.all('lamp')) if (rng.below(30) === 0) world.despawn(lamp.id);
        });
        const { bytes, sent } = stream.send();
        if (rng.below(5) !== 0) inFlight.push({ at: step + rng.below(6), bytes, sent });
        if (rng.below(20) === 0) inFlight.push({ at: step + rng.below(6), bytes, sent });
        for (const packet of inFlight.filter(({ at }) => at === step)) {
          const state = stream.receive(packet.bytes);
          if (typeof state === 'string') {
            expect(state).toBe('stale');
            continue;
          }
          decoded++;
          stream.expectCopy(state, packet.sent);
          if (rng.below(6) !== 0) acks.push({ at: step + 1 + rng.below(8), sent: packet.sent });
        }
        for (const ack of acks.filter(({ at }) => at === step)) stream.acknowledge(ack.sent);
      }
      expect(decoded).toBeGreaterThan(400);
    }
  });
});

/** A game whose lamps say how urgent they are. */
const PRIORITIES = [1 / 16, 1 / 4, 1, 4, 16] as const;
const urgent = defineGame({
  id: 'u',
  version: 1,
  sendRate: 60,
  input: {},
  entities: { mover: { x: int({ min: 0, max: 1_000_000, smooth: 'linear' }), rank: u8() } },
  step: () => undefined,
  priority: (_world, _player, { rank }) => PRIORITIES[rank] ?? 1,
});

describe('too little room', () => {
  test('[SNAP5] what moved before a packet that was too small is known to have moved after it', () => {
    const stream = new Stream();
    const rng = new Sfc32(2);
    const move = (world: World): void => {
      for (const crate of world.all('crate')) (crate as unknown as { x: number }).x += 1 + rng.below(500);
    };
    stream.advance((world) => Array.from({ length: 30 }, (_, i) => put(world, i * 977)));
    for (let n = 0; n < 20; n++) {
      stream.advance(n < 12 ? move : () => undefined);
      stream.bytesMax = n === 10 ? 20 : 1150;
      const { bytes, sent } = stream.send();
      expect(sent.isComplete).toBe(n !== 10);
      stream.expectCopy(stream.receive(bytes), sent);
      stream.acknowledge(sent);
    }
  });

  test('[SNAP6] nothing starves: each waits no longer than its priority and the others allow, and the urgent are told more often', () => {
    const stream = new SnapshotStream(urgent);
    stream.bytesMax = 60;
    const rng = new Sfc32(9);
    const count = 60;
    const rankOf = (row: number): number => row % PRIORITIES.length;
    stream.advance((world) => Array.from({ length: count }, (_, row) => world.spawn('mover', { x: row * 9000, rank: rankOf(row) })));
    const toldAt = new Int32Array(count);
    const tellings = new Int32Array(count);
    const longest = new Int32Array(count);
    let capacity = Infinity;
    const steps = 3000;
    for (let step = 1; step <= steps; step++) {
      stream.advance((world) => {
        // Nobody can foretell this: everything is news in every packet.
        for (const mover of world.all('mover')) (mover as unknown as { x: number }).x = rng.below(1_000_000);
      });
      const { bytes, sent } = stream.send();
      stream.expectCopy(stream.receive(bytes), sent);
      stream.acknowledge(sent);
      expect(sent.isComplete).toBe(false);
      const { ids, ticks } = sent.views[0]!;
      let told = 0;
      for (let i = 0; i < ids.length; i++) {
        if (ticks[i] !== sent.tick) continue;
        const row = stream.state.tables[0]!.rowOf(ids[i] as EntityId);
        longest[row] = Math.max(longest[row]!, step - toldAt[row]!);
        toldAt[row] = step;
        tellings[row]!++;
        told++;
      }
      capacity = Math.min(capacity, told);
    }
    expect(capacity).toBeGreaterThan(3);
    for (let row = 0; row < count; row++) {
      const priority = PRIORITIES[rankOf(row)]!;
      // In the second half of a wait of W packets another one goes first only if it waited W / 2 times the ratio of the
      // priorities itself, so at most once more than that ratio says; or if it has waited for 48 ticks. So what found room,
      // capacity x W / 2, is no more than the sum over the others of ratio + 2 + W / 2 / 48.
      let ratios = 0;
      for (let other = 0; other < count; other++) if (other !== row) ratios += 2 + PRIORITIES[rankOf(other)]! / priority;
      const bound = Math.ceil((2 / (capacity - count / 48)) * ratios) + 1;
      expect([row, Math.max(longest[row]!, steps - toldAt[row]!) <= bound]).toEqual([row, true]);
    }
    // The lowest did get their turns, and the test was long enough to see more than one of them.
    expect(Math.min(...tellings)).toBeGreaterThan(3);
    const perRank = PRIORITIES.map((_, rank) => tellings.filter((_told, row) => rankOf(row) === rank).reduce((sum, n) => sum + n, 0));
    // The two lowest may both live on what comes to everybody after 48 ticks.
    expect(perRank[1]! / perRank[0]!).toBeGreaterThanOrEqual(1);
    for (let rank = 2; rank < perRank.length; rank++) expect(perRank[rank]! / perRank[rank - 1]!).toBeGreaterThan(1.5);
  });

  test('[SNAP6] however much there is, the own ones go first', () => {
    const stream = new Stream();
    stream.bytesMax = 40;
    const rng = new Sfc32(6);
    stream.advance((world) =>
      Array.from({ length: 400 }, (_, i) => world.spawn('crate', { x: i, owner: (i === 200 ? 1 : 0) as PlayerId })),
    );
    const mine = [...stream.world.all('crate')].find(({ owner }) => owner === stream.player)!.id;
    let [wait, longest] = [0, 0];
    for (let step = 0; step < 400; step++) {
      stream.advance((world) => {
        for (const crate of world.all('crate')) Object.assign(crate, { x: rng.below(100_000) });
      });
      const { bytes, sent } = stream.send();
      stream.expectCopy(stream.receive(bytes), sent);
      stream.acknowledge(sent);
      wait = stream.isTold(sent, mine) ? 0 : wait + 1;
      longest = Math.max(longest, wait);
    }
    expect(longest).toBeLessThan(8);
  });

  test('[SNAP6] what is gone is told soon, however much there is to tell', () => {
    const stream = new Stream();
    stream.bytesMax = 60;
    const rng = new Sfc32(4);
    stream.advance((world) => Array.from({ length: 200 }, (_, i) => put(world, 20_000 + i * 300)));
    const move = (world: World): void => {
      for (const crate of world.all('crate')) (crate as unknown as { x: number }).x += rng.below(99) - 49;
    };
    const gone = new Map<EntityId, number>();
    let longest = 0;
    for (let step = 0; step < 300; step++) {
      stream.advance((world) => {
        move(world);
        if (step < 60 || step % 4 !== 0) return;
        const { ids, count } = stream.state.tables[0]!;
        const id = ids[rng.below(count)] as EntityId;
        gone.set(id, step);
        world.despawn(id);
      });
      const { bytes, sent } = stream.send();
      const copy = stream.receive(bytes) as WorldState;
      stream.expectCopy(copy, sent);
      stream.acknowledge(sent);
      for (const [id, since] of gone) {
        longest = Math.max(longest, step - since);
        if (copy.tableOf(id) === undefined) gone.delete(id);
      }
    }
    // A round of all takes some ten packets or more; at 16 times their urgency it goes with the first.
    expect(longest).toBeLessThanOrEqual(2);
  });

  test('[SNAP8] a first state trickles in once, not once for each packet of a round trip', () => {
    /** Packets until each entity was in one of them, and until one was complete. */
    const packetsFor = (ackDelay: number): { arrived: number; complete: number } => {
      const stream = new Stream();
      stream.bytesMax = 500;
      const rng = new Sfc32(5);
      stream.advance((world) => Array.from({ length: 400 }, () => world.spawn('crate', { x: rng.below(100_000), y: rng.below(100_000) })));
      const waiting: Sent[] = [];
      const known = new Set<number>();
      let arrived = 0;
      for (let packets = 1; packets < 400; packets++) {
        const { bytes, sent } = stream.send();
        const copy = stream.receive(bytes) as WorldState;
        stream.expectCopy(copy, sent);
        for (let row = 0; row < copy.tables[0]!.count; row++) known.add(copy.tables[0]!.ids[row]!);
        if (known.size === 400) arrived ||= packets;
        if (sent.isComplete) return { arrived, complete: packets };
        waiting.push(sent);
        if (waiting.length > ackDelay) stream.acknowledge(waiting.shift()!);
        stream.advance(() => undefined);
      }
      throw new Error(`${known.size} of 400 arrived`);
    };
    const onePass = packetsFor(0).arrived;
    expect(onePass).toBeGreaterThan(3);
    const late = packetsFor(6);
    expect(late.arrived).toBeLessThanOrEqual(1.5 * onePass);
    // What came last has to be acknowledged before a packet can do without it.
    expect(late.complete).toBeLessThanOrEqual(late.arrived + 8);
  });

  test('[SNAP8] a first state that does not fit trickles through, and then every packet is complete, acks late as they are', () => {
    const stream = new Stream();
    stream.bytesMax = 500;
    const rng = new Sfc32(3);
    const speeds = Array.from({ length: 400 }, () => rng.below(60) - 30);
    stream.advance((world) => speeds.forEach((_, i) => put(world, 20_000 + i * 150)));
    const waiting: Sent[] = [];
    let incomplete = 0;
    for (let step = 0; step < 120; step++) {
      stream.advance((world) => {
        let i = 0;
        for (const crate of world.all('crate')) (crate as unknown as { x: number }).x += speeds[i++]!;
      });
      const { bytes, sent } = stream.send();
      stream.expectCopy(stream.receive(bytes), sent);
      waiting.push(sent);
      if (waiting.length > 6) stream.acknowledge(waiting.shift()!);
      if (step >= 60 && !sent.isComplete) incomplete++;
    }
    expect(incomplete).toBe(0);
  });

  test('[SNAP7] a thousand despawns at once fit into a packet, and all are told', () => {
    const stream = new Stream();
    stream.advance((world) => {
      for (let i = 0; i < 1000; i++) world.spawn('lamp');
    });
    for (let i = 0; i < 40; i++) {
      stream.advance((world) => {
        if (i === 20) for (const lamp of world.all('lamp')) world.despawn(lamp.id);
      });
      const { bytes, sent } = stream.send();
      expect(bytes.length).toBeLessThanOrEqual(1150);
      const state = stream.receive(bytes) as WorldState;
      if (i === 19) expect(state.entityCount).toBe(1000);
      stream.acknowledge(sent);
    }
    expect(stream.reader.state.entityCount).toBe(0);
  });
});

const DEAF: AckSink = { acked: () => undefined, arrived: () => undefined };

function send(from: Endpoint, writer: BitWriter, tick: number, nowMs: number): void {
  const sequence = from.takeSequence();
  from.writeHeader(writer, sequence, nowMs);
  from.remember({ sequence, sentAtMs: nowMs, sizeBytes: writer.byteLength, lane: 0, laneNumber: tick + 1, match: 1, tick });
}

describe('acks', () => {
  test('[ACK1] tells which packets arrived, through loss and reordering, and never twice', () => {
    const rng = new Sfc32(4);
    const [a, b] = [new Endpoint(), new Endpoint()];
    const writer = new BitWriter(64);
    const arrived: number[] = [];
    const acked: number[] = [];
    for (let n = 0; n < 3000; n++) {
      writer.reset();
      send(a, writer, n, n * 16);
      if (rng.below(4) !== 0) {
        const header = Endpoint.readHeader(new BitReader(writer.finish().slice()));
        expect(b.isDuplicate(header.sequence)).toBe(false);
        b.receive(header, n * 16 + 40, DEAF);
        expect(b.isDuplicate(header.sequence)).toBe(true);
        arrived.push(n);
      }
      writer.reset();
      send(b, writer, n, n * 16 + 45);
      if (rng.below(4) !== 0)
        a.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 16 + 85, {
          ...DEAF,
          acked: ({ tick }) => acked.push(tick),
        });
    }
    expect(new Set(acked).size).toBe(acked.length);
    expect(acked.filter((n) => !arrived.includes(n))).toEqual([]);
    expect(acked.length).toBeGreaterThan(arrived.length - 40);
    expect(Math.abs((100 * a.packetsLost) / 3000 - 25)).toBeLessThan(3);
    expect(Math.abs(b.receivedLossPct - 25)).toBeLessThan(10);
  });

  test('[ACK3] loss is told of what should have arrived: none without loss, half when every other packet is gone', () => {
    const [a, b] = [new Endpoint(), new Endpoint()];
    const writer = new BitWriter(64);
    let answer: BitWriter;
    for (let n = 0; n < 600; n++) {
      writer.reset();
      send(a, writer, n, n);
      if (n < 300 || n % 2 === 0) b.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n, DEAF);
      if (n === 299) expect(b.receivedLossPct).toBe(0);
      b.writeHeader((answer = new BitWriter(64)), 0, n);
      // 33 acks of nothing but arrivals are one bit.
      if (n === 299) expect(answer.byteLength).toBe(7);
    }
    expect(b.receivedLossPct).toBe(50);
  });

  test('[ACK2] the round trip leaves out the time the other side waited before it answered', () => {
    const [a, b] = [new Endpoint(), new Endpoint()];
    const writer = new BitWriter(64);
    for (let n = 0; n < 100; n++) {
      writer.reset();
      send(a, writer, n, n * 100);
      b.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 100 + 30, DEAF);
      writer.reset();
      send(b, writer, n, n * 100 + 50);
      a.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 100 + 80, DEAF);
    }
    expect(a.rttMs).toBeCloseTo(60, 0);
  });
});
