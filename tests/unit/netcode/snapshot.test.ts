/** SPEC.md's SNAP and ACK rules, packet by packet. */
import { describe, expect, test } from 'vitest';
import { Endpoint } from '../../../netcode/channel/endpoint.ts';
import type { EntityId, PlayerId, Tick } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { defineGame, int, u8 } from '../../../netcode/index.ts';
import { Baselines, HISTORY_TICKS, type SentSnapshot, valueTickIn } from '../../../netcode/snapshot/baselines.ts';
import { readSnapshot } from '../../../netcode/snapshot/read-snapshot.ts';
import { writeSnapshot } from '../../../netcode/snapshot/write-snapshot.ts';
import { BitReader, BitWriter } from '../../../netcode/wire/bits.ts';
import { RangeDecoder, RangeEncoder } from '../../../netcode/wire/range-coder.ts';
import { SnapshotModel } from '../../../netcode/snapshot/snapshot-model.ts';
import { World } from '../../../netcode/world/world.ts';
import { StateHistory, WorldState } from '../../../netcode/world/world-state.ts';

const game = defineGame({
  id: 's',
  version: 1,
  entitiesMax: 1024,
  input: {},
  entities: { crate: { x: int({ min: 0, max: 100_000, smooth: 'linear' }), y: int({ min: 0, max: 100_000 }) }, lamp: { on: u8() } },
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
  readonly encoder = new RangeEncoder(1150);
  readonly model = new SnapshotModel(game);
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
    const source = { game, model: this.model, state: this.state, history: this.history, events: [], player: P1, bytesMax: this.bytesMax };
    const sent = writeSnapshot(this.encoder, source, this.baselines, () => undefined);
    expect(this.encoder.isOverrun).toBe(false);
    return { bytes: this.encoder.finish().slice(), sent };
  }

  receive(bytes: Uint8Array): WorldState | string {
    const snapshot = readSnapshot(new RangeDecoder(bytes), {
      game,
      model: this.model,
      frames: this.frames,
      newestTick: this.newestTick,
      player: P1,
    });
    if (typeof snapshot === 'string') return snapshot;
    if (snapshot.state.tick > this.newestTick) this.newestTick = snapshot.state.tick;
    return snapshot.state;
  }
}

/** The client's copy is what the host knows it to be: every entity with the value of the tick that the view says. */
function expectCopy(stream: Stream, copy: WorldState, sent: SentSnapshot): void {
  const { view, tick } = sent;
  if (view === undefined) {
    expect([copy.tick, copy.hash()]).toEqual([tick, stream.history.at(tick)!.hash()]);
    return;
  }
  for (const table of copy.tables) {
    const k = table.kind.index;
    expect([...table.ids.subarray(0, table.count)]).toEqual([...view.ids[k]!]);
    for (let row = 0; row < table.count; row++) {
      const then = stream.history.at(view.ticks[k]![row] as Tick)!.tables[k]!;
      const at = then.rowOf(table.ids[row] as EntityId) * table.stride;
      expect([...table.data.subarray(row * table.stride, (row + 1) * table.stride)]).toEqual([
        ...then.data.subarray(at, at + table.stride),
      ]);
    }
  }
}

const put = (world: World, x: number) => world.spawn('crate', { x, y: 5 });

describe('snapshots', () => {
  test('[SNAP2] the first is full, the next a delta, an unchanged world costs next to nothing', () => {
    const stream = new Stream();
    stream.advance((world) => Array.from({ length: 30 }, (_, i) => put(world, i * 977)));
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
          expectCopy(stream, state, packet.sent);
          if (rng.below(6) !== 0) acks.push({ at: step + 1 + rng.below(8), sent: packet.sent });
        }
        for (const ack of acks.filter(({ at }) => at === step)) stream.baselines.acknowledge(ack.sent);
      }
      expect(decoded).toBeGreaterThan(400);
    }
  });

  test('[SNAP6] with too little room nothing starves, and no packet is above its budget', () => {
    const stream = new Stream();
    stream.bytesMax = 60;
    const rng = new Sfc32(9);
    stream.advance((world) => {
      for (let i = 0; i < 300; i++) put(world, i);
    });
    const wait = new Map<number, number>();
    let longestWait = 0;
    for (let step = 0; step < 400; step++) {
      stream.advance((world) => {
        for (const crate of world.all('crate')) (crate as unknown as { x: number }).x += rng.below(3) - 1;
      });
      const { bytes, sent } = stream.send();
      expect(bytes.length).toBeLessThanOrEqual(60);
      const copy = stream.receive(bytes) as WorldState;
      expectCopy(stream, copy, sent);
      stream.baselines.acknowledge(sent);
      for (let n = 0; n < 300; n++) {
        const id = stream.state.tables[0]!.ids[n] as EntityId;
        wait.set(id, valueTickIn(sent, stream.state, 0, id) === sent.tick ? 0 : (wait.get(id) ?? 0) + 1);
        longestWait = Math.max(longestWait, wait.get(id)!);
      }
    }
    expect(wait.size).toBe(300);
    // At first all 300 are new, and some ten fit; later each gets its turn within fewer packets than that.
    expect(longestWait).toBeLessThan(60);
    expect(Math.max(...wait.values())).toBeLessThan(20);
  });

  test('[SNAP8] a first state that does not fit trickles through, and then every packet is complete, acks late as they are', () => {
    const stream = new Stream();
    stream.bytesMax = 500;
    const rng = new Sfc32(3);
    const speeds = Array.from({ length: 400 }, () => rng.below(60) - 30);
    stream.advance((world) => speeds.forEach((_, i) => put(world, 20_000 + i * 150)));
    const waiting: SentSnapshot[] = [];
    let incomplete = 0;
    for (let step = 0; step < 120; step++) {
      stream.advance((world) => {
        let i = 0;
        for (const crate of world.all('crate')) (crate as unknown as { x: number }).x += speeds[i++]!;
      });
      const { bytes, sent } = stream.send();
      expectCopy(stream, stream.receive(bytes) as WorldState, sent);
      waiting.push(sent);
      if (waiting.length > 6) stream.baselines.acknowledge(waiting.shift()!);
      if (step >= 60 && sent.view !== undefined) incomplete++;
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
      stream.baselines.acknowledge(sent);
    }
    expect(stream.frames.at(stream.newestTick)!.entityCount).toBe(0);
  });
});

function send(from: Endpoint<number>, writer: BitWriter, content: number, nowMs: number): void {
  const sequence = from.takeSequence();
  from.writeHeader(writer, sequence, nowMs);
  from.remember(sequence, content, nowMs);
}

describe('acks', () => {
  test('[ACK1] tells which packets arrived, through loss and reordering, and never twice', () => {
    const rng = new Sfc32(4);
    const [a, b] = [new Endpoint<number>(), new Endpoint<number>()];
    const writer = new BitWriter(64);
    const arrived: number[] = [];
    const acked: number[] = [];
    for (let n = 0; n < 3000; n++) {
      writer.reset();
      send(a, writer, n, n * 16);
      if (rng.below(4) !== 0) {
        const header = Endpoint.readHeader(new BitReader(writer.finish().slice()));
        expect(b.isDuplicate(header.sequence)).toBe(false);
        b.receive(header, n * 16 + 40, () => undefined);
        expect(b.isDuplicate(header.sequence)).toBe(true);
        arrived.push(n);
      }
      writer.reset();
      send(b, writer, n, n * 16 + 45);
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
      send(a, writer, n, n);
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
      send(a, writer, n, n * 100);
      b.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 100 + 30, () => undefined);
      writer.reset();
      send(b, writer, n, n * 100 + 50);
      a.receive(Endpoint.readHeader(new BitReader(writer.finish().slice())), n * 100 + 80, () => undefined);
    }
    expect(a.rttMs).toBeCloseTo(60, 0);
  });
});
