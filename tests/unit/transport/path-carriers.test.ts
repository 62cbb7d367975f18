/** Carriers by hand, in virtual time: what one side of a link may rely on, whatever the other one, or the network, makes of its carriers. */
import { describe, expect, test } from 'vitest';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { readPathFrame, writeHello, writeSign } from '../../../netcode/transport/path-frames.ts';
import type { PathLink } from '../../../netcode/transport/path-link.ts';
import type { Link, RelayTicket, Transport } from '../../../netcode/transport/transport.ts';
import { TwoPaths } from '../../contract/path-harness.ts';

const STEP_MS = 5;
const PATIENCE_MS = 20_000;
const LINK_ID = 'ab'.repeat(16);
const MALLORY = 'mallory' as PeerId;
/** Heartbeats, as rooms send them. */
const HEARTBEAT_MS = 50;
const FINE = { delayMs: 20 };
const DEAD = { delayMs: 20, lossPct: 100 };

class World extends TwoPaths {
  /** What rooms do in every step. */
  onStep = (): void => undefined;

  async until(isTrue: () => boolean, withinMs = PATIENCE_MS): Promise<void> {
    const sinceMs = this.clock.nowMs();
    while (!isTrue()) {
      if (this.clock.nowMs() - sinceMs > withinMs) throw new Error(`still not so after ${withinMs} ms`);
      this.clock.advance(STEP_MS);
      this.pump();
      await Promise.resolve();
      this.onStep();
    }
  }

  async run(ms: number): Promise<void> {
    const endMs = this.clock.nowMs() + ms;
    await this.until(() => this.clock.nowMs() >= endMs, ms);
  }

  async dial(transport: Transport, to: PeerId): Promise<Link> {
    let link: Link | undefined;
    void transport.connect(to, { timeoutMs: PATIENCE_MS }).then((opened) => (link = opened));
    await this.until(() => link !== undefined);
    return link!;
  }
}

/** A host, and a peer that greeted it over both ways and does as it is told. The direct one was first. */
async function dialledByHand(seed: number) {
  const world = new World(seed);
  const hosts = world.createTransport();
  const direct = await world.dial(world.direct.createTransport(MALLORY), hosts.localId);
  let host: Link | undefined;
  world.onStep = () => {
    host ??= hosts.accept();
    while (host?.receiveControl() !== undefined);
  };
  direct.sendControl(writeHello(LINK_ID, 0));
  await world.until(() => host !== undefined);
  const relay = await world.dial(world.relay.createTransport(MALLORY), hosts.localId);
  relay.sendControl(writeHello(LINK_ID, 0));
  const link = host as PathLink;
  await world.until(() => link.carrier('relay')?.isTaken === true);
  expect([link.path, link.end]).toEqual(['direct', undefined]);
  return { world, link, direct, relay };
}

/** A host and a guest whose rooms look at their links again and again, on two good paths. */
function talking(ticket: RelayTicket) {
  const world = new World(1);
  world.direct.setDefaultConditions(FINE);
  world.relay.setDefaultConditions({ delayMs: 60 });
  const [hosts, guests] = [world.createTransport(), world.createTransport()];
  const heardMs = { host: 0, guest: 0 };
  const pair = {
    world,
    heardMs,
    hostId: hosts.localId,
    guestId: guests.localId,
    host: undefined as PathLink | undefined,
    guest: undefined as PathLink | undefined,
  };
  void guests.connect(hosts.localId, { timeoutMs: 12_000, relay: ticket }).then((link) => (pair.guest = link));
  world.onStep = () => {
    pair.host ??= hosts.accept() as PathLink | undefined;
    const nowMs = world.clock.nowMs();
    for (const side of ['host', 'guest'] as const) {
      const link = pair[side];
      if (link === undefined) continue;
      while (link.receiveControl() !== undefined);
      while (link.receiveState() !== undefined) heardMs[side] = nowMs;
      if (nowMs % HEARTBEAT_MS === 0 && link.stateBufferedBytes() === 0) link.sendState(Uint8Array.of(1));
    }
  };
  return pair;
}

describe('a carrier that the other side closes without a word', () => {
  test('[PATH12] ends nothing while there is another, whichever was used; the last one ends the link', async () => {
    for (const first of ['direct', 'relay'] as const) {
      const { world, link, ...carriers } = await dialledByHand(1);
      const other = first === 'direct' ? 'relay' : 'direct';
      carriers[first].close();
      await world.until(() => link.carrier(first) === undefined);
      await world.run(1_000);
      expect([link.end, link.path]).toEqual([undefined, other]);
      link.sendControl(Uint8Array.of(7));
      const messages: number[] = [];
      await world.until(() => {
        const frame = readPathFrame(carriers[other].receiveControl()?.bytes ?? Uint8Array.of());
        if (frame?.kind === 'data') messages.push(frame.message[0]!);
        return messages.length > 0;
      });
      expect(messages).toEqual([7]);
      carriers[other].close();
      await world.until(() => link.end !== undefined);
      expect(link.end).toBe('closed-there');
    }
  });
});

describe("'use'", () => {
  test('[PATH13] to and fro repeats nothing on a carrier that had it: nobody is made to send more than was said', async () => {
    const { world, link, direct, relay } = await dialledByHand(2);
    const BYTES = 3_000;
    const MESSAGES = 40;
    for (let n = 0; n < MESSAGES; n++) link.sendControl(new Uint8Array(BYTES).fill(n));
    const bytesIn = { direct: 0, relay: 0 };
    const take = () => {
      for (const [kind, carrier] of [
        ['direct', direct],
        ['relay', relay],
      ] as const)
        for (let got = carrier.receiveControl(); got !== undefined; got = carrier.receiveControl()) bytesIn[kind] += got.bytes.byteLength;
    };
    for (let n = 0; n < 100 && link.end === undefined; n++) {
      (n % 2 === 0 ? relay : direct).sendControl(writeSign('use'));
      await world.run(30);
      take();
    }
    await world.run(5_000);
    take();
    expect(link.end).toBeUndefined();
    // Each message once on each carrier, which may have lost it, and a few bytes of answers.
    for (const kind of ['direct', 'relay'] as const) {
      expect(bytesIn[kind]).toBeGreaterThan(BYTES * MESSAGES);
      expect(bytesIn[kind]).toBeLessThan(BYTES * MESSAGES * 1.05);
    }
  });

  test('[PATH14] is the dialling side’s word alone: from the other one it is nonsense, and costs the link when it goes on', async () => {
    const world = new World(3);
    const guests = world.createTransport();
    const byHand = world.direct.createTransport(MALLORY);
    world.relay.createTransport(MALLORY);
    let carrier: Link | undefined;
    world.onStep = () => (carrier ??= byHand.accept());
    const link = (await world.dial(guests, MALLORY)) as PathLink;
    await world.until(() => carrier !== undefined);
    carrier!.sendControl(writeHello(link.linkId, 0));
    await world.until(() => {
      void link.end;
      return link.carrier('direct')?.isTaken === true;
    });
    for (let n = 1; n <= 9; n++) {
      expect(link.end).toBeUndefined();
      carrier!.sendControl(writeSign('use'));
      await world.until(() => link.counters.malformedDropped === n);
    }
    expect([link.pathChanges, link.end]).toEqual([0, 'overflow']);
  });

  test.each([900, 1_600, 3_000])(
    '[PATH15] that a broken path held up for %i ms, and that comes behind a newer one, does not part the two sides for good',
    async (heldUpMs) => {
      const pair = talking({ code: 'K7QX2M' });
      const { world, heardMs } = pair;
      const set = (way: 'there' | 'back', conditions: object) =>
        way === 'there'
          ? world.direct.setConditions(pair.guestId, pair.hostId, conditions)
          : world.direct.setConditions(pair.hostId, pair.guestId, conditions);
      await world.run(6_000);
      for (const way of ['there', 'back'] as const) set(way, DEAD);
      await world.until(() => pair.guest!.path === 'relay' && pair.host!.path === 'relay');
      await world.run(500);
      // The path comes back, is believed by the guest, and loses the guest's word of it on its way.
      for (const way of ['there', 'back'] as const) set(way, FINE);
      await world.until(() => pair.host!.carrier('direct')!.silentMs <= STEP_MS);
      set('there', DEAD);
      await world.until(() => pair.guest!.path === 'direct');
      set('back', DEAD);
      await world.run(heldUpMs);
      set('there', FINE);
      const sinceMs = world.clock.nowMs();
      let silenceMs = 0;
      await world.until(() => {
        const nowMs = world.clock.nowMs();
        silenceMs = Math.max(silenceMs, nowMs - heardMs.host, nowMs - heardMs.guest);
        return nowMs - sinceMs >= 15_000;
      });
      expect([pair.host!.end, pair.guest!.end, pair.host!.path, pair.guest!.path]).toEqual([undefined, undefined, 'relay', 'relay']);
      expect(silenceMs).toBeLessThan(6_000);
    },
  );
});

test('[PATH10] a ticket is looked at whenever the relay is to be dialled: allowed later, it is the way out; forbidden later, it is none', async () => {
  const ticket: { code: string | undefined } = { code: undefined };
  const pair = talking(ticket);
  const { world, heardMs } = pair;
  await world.run(3_000);
  world.direct.setDefaultConditions({ ...FINE, isDown: true });
  await world.run(5_000);
  expect([pair.guest!.path, pair.guest!.carrier('relay')]).toEqual(['direct', undefined]);
  ticket.code = 'K7QX2M';
  const allowedMs = world.clock.nowMs();
  await world.until(() => Math.min(heardMs.host, heardMs.guest) > allowedMs, 2_000);
  expect([pair.guest!.path, pair.host!.path]).toEqual(['relay', 'relay']);
  world.direct.setDefaultConditions(FINE);
  // Until the relay is not needed any more.
  await world.until(() => pair.guest!.path === 'direct' && pair.guest!.carrier('relay') === undefined, 60_000);
  ticket.code = undefined;
  world.direct.setDefaultConditions({ ...FINE, isDown: true });
  await world.run(5_000);
  expect([pair.guest!.path, pair.guest!.carrier('relay'), pair.guest!.end]).toEqual(['direct', undefined, undefined]);
});
