/** Links that go on over another path, in virtual time: what the session may rely on while carriers break, come back and are replaced. */
import { describe, expect, test } from 'vitest';
import type { PeerId } from '../../../netcode/core/ids.ts';
import { Sfc32 } from '../../../netcode/core/rng.ts';
import { writeHello } from '../../../netcode/transport/path-frames.ts';
import type { PathLink } from '../../../netcode/transport/path-link.ts';
import type { PathTransport } from '../../../netcode/transport/path-transport.ts';
import { DialError, type Link, type RelayTicket } from '../../../netcode/transport/transport.ts';
import { TwoPaths } from '../../contract/path-harness.ts';

const STEP_MS = 5;
/** Both sides say something this often, as rooms do. */
const HEARTBEAT_MS = 100;
const TICKET: RelayTicket = { code: 'K7QX2M' };

/** A host and a guest whose rooms look at their links again and again. */
class Pair {
  readonly world: TwoPaths;
  readonly hosts: PathTransport;
  readonly guests: PathTransport;
  host: Link | undefined;
  guest: PathLink | undefined;
  error: unknown;
  /** When each side last heard state of the other. */
  readonly heardMs = { host: 0, guest: 0 };
  readonly control: { readonly host: number[]; readonly guest: number[] } = { host: [], guest: [] };
  #sent = { host: 0, guest: 0 };

  constructor(seed: number, { hasTicket = true } = {}) {
    this.world = new TwoPaths(seed);
    this.hosts = this.world.createTransport();
    this.guests = this.world.createTransport();
    this.#dial(hasTicket ? TICKET : undefined);
  }

  get nowMs(): number {
    return this.world.clock.nowMs();
  }

  /** Lets time pass until it is so; undefined if it is not within so long. Resolves to the milliseconds it took. */
  async until(isTrue: () => boolean, withinMs: number): Promise<number | undefined> {
    const sinceMs = this.nowMs;
    while (!isTrue()) {
      if (this.nowMs - sinceMs > withinMs) return undefined;
      this.world.clock.advance(STEP_MS);
      this.world.pump();
      await Promise.resolve();
      this.#update();
    }
    return this.nowMs - sinceMs;
  }

  async run(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  /** Whether each side heard the other since. */
  bothHeardSince(ms: number): boolean {
    return this.heardMs.host > ms && this.heardMs.guest > ms;
  }

  /** The next number goes over control. */
  say(side: 'host' | 'guest'): void {
    const number = this.#sent[side]++;
    this[side]!.sendControl(Uint8Array.of(number & 0xff, number >> 8));
  }

  said(side: 'host' | 'guest'): number[] {
    return Array.from({ length: this.#sent[side] }, (_, index) => index);
  }

  #dial(ticket: RelayTicket | undefined): void {
    this.guests.connect(this.hosts.localId, { timeoutMs: 12_000, relay: ticket }).then(
      (link) => (this.guest = link),
      (error: unknown) => (this.error = error),
    );
  }

  #update(): void {
    this.host ??= this.hosts.accept();
    for (const side of ['host', 'guest'] as const) {
      const link = this[side];
      if (link === undefined) continue;
      for (let message = link.receiveControl(); message !== undefined; message = link.receiveControl())
        this.control[side].push(message.bytes[0]! + 256 * message.bytes[1]!);
      while (link.receiveState() !== undefined) this.heardMs[side] = this.nowMs;
      if (this.nowMs % HEARTBEAT_MS === 0 && link.stateBufferedBytes() === 0) link.sendState(Uint8Array.of(1));
    }
  }
}

async function opened(seed = 1, options: { readonly hasTicket?: boolean } = {}): Promise<Pair & { host: Link; guest: PathLink }> {
  const pair = new Pair(seed, options);
  await pair.until(() => pair.bothHeardSince(0), 15_000);
  expect([pair.host?.end, pair.guest?.end]).toEqual([undefined, undefined]);
  return pair as Pair & { host: Link; guest: PathLink };
}

describe('a dial', () => {
  test('[PATH1] over a good path is direct, and asks no relay', async () => {
    const pair = await opened();
    await pair.run(20_000);
    expect([pair.guest.path, pair.host.path, pair.guest.pathChanges, pair.guest.carrier('relay')]).toEqual([
      'direct',
      'direct',
      0,
      undefined,
    ]);
  });

  test('[PATH2] over a blocked path is relayed within two seconds, and direct as soon as that is possible, without a hiccup', async () => {
    const pair = new Pair(2);
    pair.world.set('direct', false);
    const tookMs = await pair.until(() => pair.guest !== undefined, 20_000);
    expect(tookMs).toBeLessThan(2_000);
    await pair.until(() => pair.bothHeardSince(0), 1_000);
    expect([pair.guest!.path, pair.host!.path]).toEqual(['relay', 'relay']);
    await pair.run(20_000);
    pair.world.set('direct', true);
    let silenceMs = 0;
    const upgradedMs = await pair.until(() => {
      silenceMs = Math.max(silenceMs, pair.nowMs - pair.heardMs.host, pair.nowMs - pair.heardMs.guest);
      return pair.guest!.path === 'direct' && pair.host!.path === 'direct';
    }, 40_000);
    expect(upgradedMs).toBeLessThan(31_000);
    // Two heartbeats: the pace of this test, and the way of one.
    expect(silenceMs).toBeLessThanOrEqual(3 * HEARTBEAT_MS);
    await pair.run(6_000);
    expect([pair.guest!.pathChanges, pair.host!.pathChanges, pair.guest!.carrier('relay')]).toEqual([1, 1, undefined]);
  });

  test('[PATH2] over a blocked path without a ticket fails as ever', async () => {
    const pair = new Pair(3, { hasTicket: false });
    pair.world.set('direct', false);
    await pair.until(() => pair.error !== undefined, 20_000);
    expect(pair.error).toBeInstanceOf(DialError);
    expect((pair.error as DialError).failure).toBe('unreachable');
  });

  test('[PATH2] fails when neither path opens', async () => {
    const pair = new Pair(4);
    pair.world.set('direct', false);
    pair.world.set('relay', false);
    await pair.until(() => pair.error !== undefined, 20_000);
    expect((pair.error as DialError).failure).toBe('unreachable');
  });
});

describe('a direct path that is cut', () => {
  test.each([1, 2, 3, 4, 5])(
    '[PATH3] is replaced by the relay within two seconds, and taken again when it is back (seed %i)',
    async (seed) => {
      const pair = await opened(seed);
      await pair.run(2_000);
      pair.world.set('direct', false);
      const cutMs = pair.nowMs;
      // What was on its way still arrives.
      await pair.run(200);
      const relayedMs = await pair.until(() => pair.guest.path === 'relay' && pair.bothHeardSince(cutMs + 200), 20_000);
      expect(relayedMs).toBeLessThan(1_800);
      expect(pair.host.path).toBe('relay');
      await pair.run(3_000);
      pair.world.set('direct', true);
      await pair.until(() => pair.guest.path === 'direct' && pair.host.path === 'direct', 10_000);
      expect([pair.guest.end, pair.host.end, pair.guest.path, pair.host.path]).toEqual([undefined, undefined, 'direct', 'direct']);
    },
  );

  test('[PATH3] for good is redialled while the relay carries the link: another network may be better', async () => {
    const pair = await opened(6);
    pair.world.set('direct', false);
    // Longer than a browser believes in a path that is down.
    await pair.run(40_000);
    expect([pair.guest.path, pair.guest.end, pair.host.end]).toEqual(['relay', undefined, undefined]);
    pair.world.set('direct', true);
    expect(await pair.until(() => pair.guest.path === 'direct' && pair.host.path === 'direct', 35_000)).toBeDefined();
  });

  test('[PATH3] without a ticket is dialled anew, and the link goes on', async () => {
    const pair = await opened(7, { hasTicket: false });
    pair.say('guest');
    pair.world.set('direct', false);
    await pair.run(8_000);
    pair.say('guest');
    pair.say('host');
    pair.world.set('direct', true);
    const nowMs = pair.nowMs;
    expect(await pair.until(() => pair.bothHeardSince(nowMs), 5_000)).toBeDefined();
    await pair.run(3_000);
    expect([pair.control.host, pair.control.guest]).toEqual([[0, 1], [0]]);
  });

  test('[PATH4] ends nothing; what ends a link is a goodbye, over any carrier, and at once', async () => {
    const pair = await opened(8);
    pair.world.set('direct', false);
    await pair.until(() => pair.guest.path === 'relay', 5_000);
    pair.host.close();
    await pair.until(() => pair.guest.end !== undefined, 1_000);
    expect(pair.guest.end).toBe('closed-there');
  });

  test('[PATH4] with no other path ends the link in the end', async () => {
    const pair = await opened(9);
    pair.world.set('direct', false);
    pair.world.set('relay', false);
    const tookMs = await pair.until(() => pair.guest.end !== undefined && pair.host.end !== undefined, 60_000);
    expect([pair.guest.end, pair.host.end]).toEqual(['lost', 'lost']);
    // Carriers are given up after 16 s, and the link ten seconds later.
    expect(tookMs).toBeGreaterThan(20_000);
  });
});

describe('control', () => {
  test.each([11, 12, 13, 14, 15, 16])(
    '[PATH5] arrives whole, in order and once, whatever the carriers do, and state flows again (seed %i)',
    async (seed) => {
      const pair = await opened(seed);
      const rng = new Sfc32(seed);
      let isUp = { direct: true, relay: true };
      for (let round = 0; round < 60; round++) {
        const direct = rng.float() < 0.5;
        // One of the two is up; both may be.
        const next = { direct, relay: !direct || rng.float() < 0.7 };
        for (const path of ['direct', 'relay'] as const) if (next[path] !== isUp[path]) pair.world.set(path, next[path]);
        isUp = next;
        const ms = rng.between(50, 2_500);
        for (let passed = 0; passed < ms; passed += 50) {
          if (rng.float() < 0.4) pair.say('guest');
          if (rng.float() < 0.4) pair.say('host');
          await pair.run(50);
        }
        if (round % 10 !== 9) continue;
        pair.world.set('direct', true);
        pair.world.set('relay', true);
        isUp = { direct: true, relay: true };
        const nowMs = pair.nowMs;
        expect(await pair.until(() => pair.bothHeardSince(nowMs), 8_000), `round ${round}`).toBeDefined();
      }
      await pair.run(10_000);
      expect([pair.guest.end, pair.host.end]).toEqual([undefined, undefined]);
      expect(pair.control.host).toEqual(pair.said('guest'));
      expect(pair.control.guest).toEqual(pair.said('host'));
      expect(pair.guest.pathChanges).toBeGreaterThan(5);
      expect([pair.guest.counters.malformedDropped, pair.host.counters.malformedDropped]).toEqual([0, 0]);
    },
    60_000,
  );

  test('[PATH5] counts as one link: its counters go on over every change', async () => {
    const pair = await opened(17);
    const before = { ...pair.host.counters };
    pair.world.set('direct', false);
    await pair.until(() => pair.guest.path === 'relay' && pair.host.counters.statePacketsIn > before.statePacketsIn + 20, 10_000);
    pair.say('guest');
    await pair.run(1_000);
    expect(pair.host.counters.controlMessagesIn).toBe(before.controlMessagesIn + 1);
    expect(pair.host.counters.statePacketsIn).toBeGreaterThan(before.statePacketsIn + 20);
  });

  test('[PATH5] that finds no path is kept up to a bound, beyond which the link ends', async () => {
    const pair = await opened(18);
    pair.world.set('direct', false);
    pair.world.set('relay', false);
    const message = new Uint8Array(16_384);
    let sent = 0;
    while (pair.guest.sendControl(message)) sent += 1;
    expect([sent, pair.guest.end]).toEqual([63, 'overflow']);
  });
});

describe('a carrier', () => {
  /** One that is not the pair's, on the direct network, and says whatever the test likes. */
  async function stranger(pair: Pair): Promise<Link> {
    let link: Link | undefined;
    void pair.world.direct
      .createTransport('stranger' as PeerId)
      .connect(pair.hosts.localId, { timeoutMs: 5_000 })
      .then((opened) => (link = opened));
    await pair.until(() => link !== undefined, 5_000);
    return link!;
  }

  test('[PATH6] for the link of another peer is turned away, even with its name', async () => {
    const pair = await opened(21);
    const link = await stranger(pair);
    link.sendControl(writeHello(pair.guest.linkId, 0));
    await pair.until(() => link.end !== undefined, 2_000);
    expect([link.end, pair.hosts.strayCarriers, pair.host.end]).toEqual(['closed-there', 1, undefined]);
    await pair.run(1_000);
    expect([pair.hosts.accept(), pair.guest.end]).toEqual([undefined, undefined]);
  });

  test('[PATH6] that greets with anything else, or not at all, is turned away', async () => {
    const pair = await opened(22);
    const link = await stranger(pair);
    link.sendControl(Uint8Array.of(1, 2, 3));
    await pair.until(() => link.end !== undefined, 2_000);
    expect([link.end, pair.hosts.strayCarriers, pair.hosts.accept()]).toEqual(['closed-there', 1, undefined]);
  });

  test('[PATH6] for a link that is over is told so', async () => {
    const pair = await opened(23);
    pair.guest.close();
    await pair.until(() => pair.host.end !== undefined, 1_000);
    const link = await stranger(pair);
    link.sendControl(writeHello(pair.guest.linkId, 0));
    const accepted: (Link | undefined)[] = [];
    await pair.until(() => {
      accepted.push(pair.hosts.accept());
      return link.end !== undefined;
    }, 2_000);
    expect([link.receiveControl()?.bytes, accepted.find((other) => other !== undefined)]).toEqual([Uint8Array.of(7), undefined]);
  });
});
