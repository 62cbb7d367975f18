/** SPEC.md's SNAP and ACK rules, packet by packet. */
import { describe, expect, test } from 'vitest';
import { Endpoint } from '../../../netcode/channel/endpoint.ts';
import type { PlayerId, Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { defineGame, int, u8 } from '../../../netcode/index.ts';
import { Baselines, HISTORY_TICKS, type SentSnapshot } from '../../../netcode/snapshot/baselines.ts';
import { readSnapshot } from '../../../netcode/snapshot/read-snapshot.ts';
import { writeSnapshot } from '../../../netcode/snapshot/write-snapshot.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import { World } from '../../../netcode/world/world.ts';
import { StateHistory, WorldState } from '../../../netcode/world/world-state.ts';

const game = defineGame({
  id: 's',
  version: 1,
  entitiesMax: 1024,
  input: {},
  entities: { crate: { x: int({ min: 0, max: 100_000 }), y: int({ min: 0, max: 100_000 }) }, lamp: { on: u8() } },
  step: () => undefined,
});
const P1 = 1 as PlayerId;

/** A world that changes at random, and a client that gets some of its snapshots. */
class Stream {
  readonly state = new WorldState(game.kinds);
  readonly world = new World(game, this.state);
  readonly history = new StateHistory(game.kinds, HISTORY_TICKS);
  readonly frames = new StateHistory(game.kinds, HISTORY_TICKS);
  readonly baselines = new Baselines();
  readonly writer = new BitWriter(1150);
  newestTick = 0 as Tick;
  tick = 0;
  bytesMax = 1150;

  advance(change: (world: World) => void): void {
    this.tick++;
    change(this.world);
    this.world.commit();
    this.state.tick = this.tick as Tick;
    this.history.claim(this.tick as Tick).copyFrom(this.state);
  }

  send(): { bytes: Uint8Array; sent: SentSnapshot } {
    this.writer.reset();
    const source = { game, state: this.state, history: this.history, events: [], player: P1, bytesMax: this.bytesMax };
    const sent = writeSnapshot(this.writer, source, this.baselines);
    expect(this.writer.isOverrun).toBe(false);
    return { bytes: this.writer.finish().slice(), sent };
  }

  receive(bytes: Uint8Array): WorldState | string {
    const snapshot = readSnapshot(new BitReader(bytes), { game, frames: this.frames, newestTick: this.newestTick, player: P1 });
    if (typeof snapshot === 'string') return snapshot;
    if (snapshot.state.tick > this.newestTick) this.newestTick = snapshot.state.tick;
    return snapshot.state;
  }
}

const put = (world: World, x: number) => world.spawn('crate', { x, y: 5 });

describe('snapshots', () => {
  test('[SNAP2] the first is full, the next a delta, an unchanged world costs next to nothing', () => {
    const stream = new Stream();
    stream.advance((world) => [1, 2, 3].forEach((x) => put(world, x)));
    const full = stream.send();
    expect(stream.receive(full.bytes)).toMatchObject({ tick: 1 });
    stream.baselines.acknowledge(full.sent);
    stream.advance((world) => ((world.first('crate') as unknown as { x: number }).x = 9));
    const delta = stream.send();
    expect(delta.bytes.length).toBeLessThan(full.bytes.length / 2);
    expect((stream.receive(delta.bytes) as WorldState).hash()).toBe(stream.state.hash());
    stream.baselines.acknowledge(delta.sent);
    stream.advance(() => undefined);
    expect(stream.send().bytes.length).toBeLessThan(8);
  });

  test('[SNAP3] what is not acknowledged is sent again, newest value only', () => {
    const stream = new Stream();
    stream.advance((world) => put(world, 1));
    const first = stream.send();
    stream.receive(first.bytes);
    stream.baselines.acknowledge(first.sent);
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
    stream.baselines.acknowledge(first.sent);
    stream.advance((world) => ((world.first('crate') as unknown as { x: number }).x = 2));
    stream.receive(stream.send().bytes);
    stream.advance((world) => ((world.first('crate') as unknown as { x: number }).x = 1));
    expect((stream.receive(stream.send().bytes) as WorldState).hash()).toBe(stream.state.hash());
  });

  test("[SNAP5] whatever is lost, late, doubled or acknowledged late, every decoded state equals the host's", () => {
    for (const seed of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const rng = new Sfc32(seed);
      const stream = new Stream();
      const inFlight: { at: number; bytes: Uint8Array; sent: SentSnapshot }[] = [];
      const acks: { at: number; sent: SentSnapshot }[] = [];
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
          expect([seed, state.tick, state.hash()]).toEqual([seed, packet.sent.tick, stream.history.at(packet.sent.tick)!.hash()]);
          if (rng.below(6) !== 0) acks.push({ at: step + 1 + rng.below(8), sent: packet.sent });
        }
        for (const ack of acks.filter(({ at }) => at === step)) stream.baselines.acknowledge(ack.sent);
      }
      expect(decoded).toBeGreaterThan(400);
    }
  });

  test('[SNAP6] with too little room nothing starves, and no packet is above its budget', () => {
    const stream = new Stream();
    stream.bytesMax = 200;
    const rng = new Sfc32(9);
    stream.advance((world) => {
      for (let i = 0; i < 300; i++) put(world, i);
    });
    const lastSeen = new Map<number, number>();
    for (let step = 0; step < 400; step++) {
      stream.advance((world) => {
        for (const crate of world.all('crate')) (crate as unknown as { x: number }).x += rng.below(3) - 1;
      });
      const { bytes, sent } = stream.send();
      expect(bytes.length).toBeLessThanOrEqual(200);
      const state = stream.receive(bytes) as WorldState;
      expect(state).toBeInstanceOf(WorldState);
      for (const id of stream.state.tables[0]!.ids.subarray(0, 300)) if (!sent.skipped.includes(id as never)) lastSeen.set(id, step);
      stream.baselines.acknowledge(sent);
    }
    expect(lastSeen.size).toBe(300);
    // 300 crates of some 27 bits in 200 bytes: each gets its turn in well under ten packets.
    for (const step of lastSeen.values()) expect(step).toBeGreaterThan(380);
  });

  test('[SNAP7] a thousand despawns at once fit into packets, and all are told', () => {
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
      stream.baselines.acknowledge(sent);
    }
    expect(stream.frames.at(stream.newestTick)!.entityCount).toBe(0);
    expect(stream.baselines.tracks.size).toBe(0);
  });
});

describe('acks', () => {
  test('[ACK1] tells which packets arrived, through loss and reordering, and never twice', () => {
    const rng = new Sfc32(4);
    const [a, b] = [new Endpoint<number>(), new Endpoint<number>()];
    const writer = new BitWriter(64);
    const arrived: number[] = [];
    const acked: number[] = [];
    for (let n = 0; n < 3000; n++) {
      writer.reset();
      a.remember(a.writeHeader(writer, n * 16), n, n * 16);
      if (rng.below(4) !== 0) {
        const header = Endpoint.readHeader(new BitReader(writer.finish().slice()));
        expect(b.isDuplicate(header.sequence)).toBe(false);
        b.receive(header, n * 16 + 40, () => undefined);
        expect(b.isDuplicate(header.sequence)).toBe(true);
        arrived.push(n);
      }
      writer.reset();
      b.remember(b.writeHeader(writer, n * 16 + 45), n, n * 16 + 45);
      if (rng.below(4) !== 0)
        a.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 16 + 85, (content) => acked.push(content));
    }
    expect(new Set(acked).size).toBe(acked.length);
    expect(acked.filter((n) => !arrived.includes(n))).toEqual([]);
    expect(acked.length).toBeGreaterThan(arrived.length - 40);
    expect(Math.abs((100 * a.packetsLost) / 3000 - 25)).toBeLessThan(3);
    expect(Math.abs(b.receivedLossPct - 25)).toBeLessThan(10);
  });

  test('[ACK3] loss is told of what should have arrived: none without loss, half when every other packet is gone', () => {
    const [a, b] = [new Endpoint<number>(), new Endpoint<number>()];
    const writer = new BitWriter(64);
    for (let n = 0; n < 600; n++) {
      writer.reset();
      a.writeHeader(writer, n);
      if (n < 300 || n % 2 === 0) b.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n, () => undefined);
      if (n === 299) expect(b.receivedLossPct).toBe(0);
    }
    expect(b.receivedLossPct).toBe(50);
  });

  test('[ACK2] the round trip leaves out the time the other side waited before it answered', () => {
    const [a, b] = [new Endpoint<number>(), new Endpoint<number>()];
    const writer = new BitWriter(64);
    for (let n = 0; n < 100; n++) {
      writer.reset();
      a.remember(a.writeHeader(writer, n * 100), n, n * 100);
      b.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 100 + 30, () => undefined);
      writer.reset();
      b.remember(b.writeHeader(writer, n * 100 + 50), n, n * 100 + 50);
      a.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 100 + 80, () => undefined);
    }
    expect(a.rttMs).toBeCloseTo(60, 0);
  });
});
