/** A match's state channel while its link goes over to another path, and over a stream, in virtual time. */
import { describe, expect, test } from 'vitest';
import { StateChannel } from '../../../netcode/channel/state-channel.ts';
import type { StateLink } from '../../../netcode/channel/state-link.ts';
import type { PathLink } from '../../../netcode/transport/path-link.ts';
import type { Link } from '../../../netcode/transport/transport.ts';
import { SNAPSHOT_PACKET } from '../../../netcode/wire/packet.ts';
import { TwoPaths } from '../../contract/path-harness.ts';

const TICK_MS = 1000 / 60;
const MATCH = 5;
const SNAPSHOT_BYTES = 300;

/** One end that sends a snapshot a tick where there is room, and takes what comes. */
class End {
  readonly channel: StateChannel;
  readonly ackedTicks: number[] = [];
  readonly receivedMs: number[] = [];
  #tick = 0;

  constructor(link: StateLink) {
    this.channel = new StateChannel(link);
    this.channel.enterMatch(MATCH, (tick) => this.ackedTicks.push(tick));
  }

  update(nowMs: number): void {
    for (let packet = this.channel.receive(nowMs); packet !== undefined; packet = this.channel.receive(nowMs)) {
      this.receivedMs.push(nowMs);
      this.channel.accept(packet);
    }
    this.#tick += 1;
    const room = this.channel.roomForSnapshot(nowMs);
    if (room > 0) {
      const writer = this.channel.begin(SNAPSHOT_PACKET, nowMs);
      writer.align();
      writer.append(new Uint8Array(SNAPSHOT_BYTES), Math.min(SNAPSHOT_BYTES, room - 30));
      this.channel.send(this.#tick as never, nowMs);
    }
    this.channel.update(nowMs);
  }

  receivedSince(ms: number): number {
    return this.receivedMs.filter((atMs) => atMs >= ms).length;
  }
}

async function playing(seed: number) {
  const world = new TwoPaths(seed);
  const [hosts, guests] = [world.createTransport(), world.createTransport()];
  let guest: PathLink | undefined;
  let host: Link | undefined;
  void guests.connect(hosts.localId, { timeoutMs: 12_000, relay: { code: 'K7QX2M' } }).then((link) => (guest = link));
  const step = async (): Promise<void> => {
    world.clock.advance(TICK_MS);
    world.pump();
    await Promise.resolve();
    host ??= hosts.accept();
  };
  while (host === undefined || guest === undefined) await step();
  const ends = [new End(host), new End(guest)] as const;
  const run = async (ms: number): Promise<void> => {
    const untilMs = world.clock.nowMs() + ms;
    while (world.clock.nowMs() < untilMs) {
      await step();
      for (const end of ends) end.update(world.clock.nowMs());
    }
  };
  /** A wall that one side's packets do not get through, or no longer. The other side's do. */
  const wall = (side: 'host' | 'guest', isUp: boolean): void => {
    const [from, to] = side === 'host' ? [hosts.localId, guests.localId] : [guests.localId, hosts.localId];
    world.direct.setConditions(from, to, { delayMs: 20, isDown: isUp });
  };
  return { world, ends, run, guest, wall };
}

describe('a channel whose link goes over to another path', () => {
  test.each([1, 2, 3])('[PATH7] measures it anew, and plays on at once, there and back (seed %i)', async (seed) => {
    const { world, ends, run, guest } = await playing(seed);
    await run(3_000);
    for (const { channel } of ends) expect(channel.rttMs).toBeLessThan(75);
    world.set('direct', false);
    await run(2_000);
    expect(guest.path).toBe('relay');
    for (const [path, least, most] of [
      ['relay', 85, 140],
      ['direct', 35, 75],
    ] as const) {
      if (path === 'direct') {
        world.set('direct', true);
        await run(6_000);
      }
      expect(guest.path).toBe(path);
      const sinceMs = world.clock.nowMs();
      await run(2_000);
      for (const end of ends) {
        expect(end.receivedSince(sinceMs), path).toBeGreaterThan(110);
        expect(end.channel.rttMs, path).toBeGreaterThan(least);
        expect(end.channel.rttMs, path).toBeLessThan(most);
      }
    }
  });

  test.each([
    ['guest', 5],
    ['guest', 6],
    ['host', 5],
    ['host', 6],
  ] as const)('[PATH9] goes over when nothing that the %s sends arrives, though the other is heard (seed %i)', async (side, seed) => {
    const { world, ends, run, guest, wall } = await playing(seed);
    await run(3_000);
    wall(side, true);
    await run(2_500);
    expect(guest.path).toBe('relay');
    const changes = guest.pathChanges;
    const sinceMs = world.clock.nowMs();
    await run(5_000);
    for (const end of ends) expect(end.receivedSince(sinceMs)).toBeGreaterThan(250);
    // What of the old path is still heard is no reason to go back.
    expect([guest.path, guest.pathChanges]).toEqual(['relay', changes]);
    wall(side, false);
    await run(10_000);
    expect(guest.path).toBe('direct');
  });

  test.each([7, 8, 9])('[PATH9] stays where it is while a path loses much, but not all (seed %i)', async (seed) => {
    const { world, run, guest } = await playing(seed);
    world.direct.setDefaultConditions({ delayMs: 50, jitterMs: 5, lossPct: 15, burstLength: 2 });
    await run(120_000);
    expect([guest.path, guest.pathChanges, guest.carrier('relay')]).toEqual(['direct', 0, undefined]);
  });

  test('[PATH7] goes on numbering and acknowledging: every tick is acknowledged once, and none that was not sent', async () => {
    const { world, ends, run } = await playing(4);
    for (let round = 0; round < 6; round++) {
      await run(2_500);
      world.set('direct', round % 2 === 1);
    }
    for (const { ackedTicks, channel } of ends) {
      expect(new Set(ackedTicks).size).toBe(ackedTicks.length);
      expect(ackedTicks.length).toBeGreaterThan(500);
      expect([channel.malformedPackets, channel.strayPackets]).toEqual([0, 0]);
    }
  });
});

describe('a channel over a stream', () => {
  const ONE_WAY_MS = 100;

  /** One end of a stream: everything arrives in order, a tenth of a second later, or later still while it is stopped. */
  class StreamEnd implements StateLink {
    readonly isStream = true;
    other!: StreamEnd;
    waiting = 0;
    packets = 0;
    readonly asked: number[] = [];
    readonly #underWay: { readonly bytes: Uint8Array; atMs: number }[] = [];

    stateBufferedBytes(lane = 0): number {
      return lane === 0 ? this.waiting : Infinity;
    }

    sendState(bytes: Uint8Array): boolean {
      this.packets += 1;
      this.other.#underWay.push({ bytes: bytes.slice(), atMs: nowMs + ONE_WAY_MS });
      return true;
    }

    openLanes(count: number): void {
      this.asked.push(count);
    }

    receiveState(): { readonly bytes: Uint8Array; readonly atMs: number } | undefined {
      const first = this.#underWay[0];
      return first !== undefined && first.atMs <= nowMs ? this.#underWay.shift() : undefined;
    }

    delayAll(ms: number): void {
      for (const packet of this.#underWay) packet.atMs += ms;
    }
  }

  let nowMs = 0;

  function streaming() {
    nowMs = 0;
    const [a, b] = [new StreamEnd(), new StreamEnd()];
    [a.other, b.other] = [b, a];
    const ends = [new End(a), new End(b)] as const;
    const run = (ms: number): void => {
      for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += TICK_MS) for (const end of ends) end.update(nowMs);
    };
    return { a, b, ends, run };
  }

  test('[PATH8] leaves it to the stream to say when there is room: packets are as large as the path carries, whatever the round trip', () => {
    const { ends, run } = streaming();
    run(3_000);
    let least = Infinity;
    for (let n = 0; n < 60; n++) {
      run(TICK_MS);
      least = Math.min(least, ends[0].channel.roomForSnapshot(nowMs));
    }
    // SCTP's first window would leave each packet of this round trip 800 bytes.
    expect(least).toBeGreaterThan(1_000);
  });

  test('[PATH8] finds no lane that stalls, and says nothing twice, when the stream stands still', () => {
    const { a, b, ends, run } = streaming();
    run(2_000);
    for (const end of [a, b]) end.delayAll(1_500);
    run(4_000);
    for (const { channel } of ends) expect([channel.stalls, channel.repeatedPackets]).toEqual([0, 0]);
    const sinceMs = nowMs;
    run(1_000);
    expect(ends[0].receivedSince(sinceMs)).toBeGreaterThan(50);
  });

  test('[PATH8] says nothing while something waits: what goes then is new', () => {
    const { a, ends, run } = streaming();
    run(500);
    const before = a.packets;
    a.waiting = 1;
    run(3_000);
    expect([a.packets, ends[0].channel.heldBackPackets]).toEqual([before, 1]);
    a.waiting = 0;
    run(TICK_MS);
    expect(a.packets).toBe(before + 1);
  });
});
