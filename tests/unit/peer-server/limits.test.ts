/** Limits by address: who is one party, what each may do, that memory is bounded, and that codes cannot be walked. */
import { array, assert, constantFrom, integer, ipV4, ipV6, property, record } from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addressKey, siteKey } from '../../../peer-server/limits/address-key.ts';
import { AddressTable } from '../../../peer-server/limits/address-table.ts';
import { GuessGate, type GuessRule } from '../../../peer-server/limits/guess-gate.ts';
import { DEFAULT_LIMITS, type LimitRules, Limits } from '../../../peer-server/limits/limits.ts';
import { charge, createBucket } from '../../../peer-server/limits/token-bucket.ts';

const ADA = '192.0.2.1';
const BOB = '192.0.2.2';

function limits(rules: Partial<LimitRules> = {}): { limits: Limits; clock: { nowMs: number } } {
  const clock = { nowMs: 0 };
  return { limits: new Limits({ nowMs: () => clock.nowMs, rules }), clock };
}

describe('one party', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8::1.2.3.4', '2001:db8:0:0::/64'],
    ['nonsense', 'unreadable'],
    ['', 'unreadable'],
    ['1.2.3', 'unreadable'],
    [undefined, 'unreadable'],
  ])('%s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  test('an IPv6 site is its /48; other addresses have none', () => {
    expect(siteKey('2001:db8:1:2::5')).toBe('2001:db8:1::/48');
    expect(siteKey('2001:db8::5')).toBe('2001:db8:0::/48');
    for (const address of [ADA, '::ffff:192.0.2.1', 'nonsense', undefined]) expect(siteKey(address)).toBeUndefined();
  });

  test('every address has a short key, and IPv6 addresses have their network in common', () => {
    assert(property(ipV4(), (address) => addressKey(address) === address));
    assert(property(ipV6(), (address) => addressKey(address).length <= 24));
  });
});

describe('the table', () => {
  test('forgets the one not heard of for longest', () => {
    const table = new AddressTable({ entriesMax: 2, create: () => ({}) });
    const [a, b] = [table.get('a'), table.get('b')];
    expect(table.get('a')).toBe(a);
    table.get('c');
    expect(table.peek('a')).toBe(a);
    expect(table.peek('b')).toBeUndefined();
    expect(table.get('b')).not.toBe(b);
    expect(table.size).toBe(2);
  });

  test('does not forget what is pinned', () => {
    const table = new AddressTable({ entriesMax: 3, create: () => ({ isPinned: false }), isPinned: ({ isPinned }) => isPinned });
    const a = table.get('a');
    a.isPinned = true;
    for (let i = 0; i < 100; i++) table.get(`other-${i}`);
    expect(table.peek('a')).toBe(a);
    expect(table.size).toBe(3);
  });
});

describe('requests, lobbies, connections, sockets', () => {
  test('each address has its own allowance', () => {
    const { limits: it, clock } = limits({ requests: { burst: 3, perSecond: 1 } });
    for (let i = 0; i < 3; i++) expect(it.takeRequest(ADA)).toBe(0);
    expect(it.takeRequest(ADA)).toBe(1000);
    expect(it.takeRequest(BOB, 3)).toBe(0);
    clock.nowMs = 1000;
    expect(it.takeRequest(ADA)).toBe(0);
    expect(it.counters.refusedRequests).toBe(1);
  });

  test('lobbies are counted apart', () => {
    const { limits: it } = limits({ lobbies: { burst: 1, perSecond: 0.1 } });
    expect(it.takeLobby(ADA)).toBe(0);
    expect(it.takeLobby(ADA)).toBe(10_000);
    expect(it.takeLobby('2001:db8::1')).toBe(0);
    expect(it.takeLobby('2001:db8::2')).toBe(10_000);
    expect(it.counters.refusedLobbies).toBe(2);
  });

  test('connections are capped at a time, and a place given back twice is one place', () => {
    const { limits: it } = limits({ connections: 2 });
    const first = it.openConnection(ADA);
    it.openConnection(ADA);
    expect(it.openConnection(ADA)).toBeUndefined();
    expect(it.openConnection(BOB)).toBeDefined();
    first?.release();
    first?.release();
    expect(it.openConnection(ADA)).toBeDefined();
    expect(it.openConnection(ADA)).toBeUndefined();
    expect(it.counters.refusedConnections).toBe(2);
  });

  test('connections are also capped in how fast they come', () => {
    const { limits: it, clock } = limits({ connectionRate: { burst: 5, perSecond: 1 } });
    for (let i = 0; i < 5; i++) it.openConnection(ADA)?.release();
    expect(it.openConnection(ADA)).toBeUndefined();
    clock.nowMs = 1000;
    expect(it.openConnection(ADA)).toBeDefined();
  });

  test('sockets are capped at a time and in how fast they come', () => {
    const { limits: it, clock } = limits({ sockets: 2, socketRate: { burst: 3, perSecond: 1 } });
    const open = () => {
      const lease = it.openSocket(ADA);
      return typeof lease === 'number' ? undefined : lease;
    };
    const first = open();
    open();
    expect(it.openSocket(ADA)).toBe(10_000);
    first?.release();
    expect(open()).toBeDefined();
    clock.nowMs = 999;
    expect(it.counters.refusedSockets).toBe(1);
  });

  test("a client's frames and bytes are charged to it, and to its address", () => {
    const rule = (burst: number) => ({ burst, perSecond: 10 });
    const { limits: it, clock } = limits({
      peerFrames: rule(10),
      peerBytes: rule(1000),
      addressFrames: rule(15),
      addressBytes: rule(10_000),
    });
    const open = () => {
      const lease = it.openSocket(ADA);
      if (typeof lease === 'number') throw new Error('refused');
      return lease;
    };
    const [one, two] = [open(), open()];
    for (let i = 0; i < 10; i++) expect(one.charge(1, 1)).toBe(0);
    expect(one.charge(1, 1)).toBe(100);
    // The neighbour at the same address has frames of its own, the address has 4 left.
    for (let i = 0; i < 4; i++) expect(two.charge(1, 1)).toBe(0);
    expect(two.charge(1, 1)).toBe(100);
    clock.nowMs = 10_000;
    expect(one.charge(0, 2000)).toBe(100_000);
    expect(it.counters.overdrawnFrames).toBe(2);
  });

  test("a client's budget is a token bucket, for frames and for bytes", () => {
    const frames = { burst: 20, perSecond: 3 };
    const bytes = { burst: 900, perSecond: 70 };
    const plenty = { burst: 1e9, perSecond: 1e9 };
    const step = record({
      pauseMs: integer({ min: 0, max: 5000 }),
      frames: integer({ min: 0, max: 30 }),
      bytes: integer({ min: 0, max: 1500 }),
    });
    assert(
      property(array(step, { maxLength: 60 }), (steps) => {
        const { limits: it, clock } = limits({ peerFrames: frames, peerBytes: bytes, addressFrames: plenty, addressBytes: plenty });
        const lease = it.openSocket(ADA);
        if (typeof lease === 'number') throw new Error('refused');
        const buckets = [createBucket(frames, 0), createBucket(bytes, 0)] as const;
        for (const { pauseMs, ...costs } of steps) {
          clock.nowMs += pauseMs;
          const waitMs = Math.max(
            charge(buckets[0], frames, costs.frames, clock.nowMs),
            charge(buckets[1], bytes, costs.bytes, clock.nowMs),
          );
          // Two ways of reckoning the same, each rounded up.
          expect(Math.abs(lease.charge(costs.frames, costs.bytes) - waitMs)).toBeLessThanOrEqual(1);
        }
      }),
    );
  });

  test('rules that let nothing through are refused by name', () => {
    expect(() => limits({ sockets: 0 })).toThrow('limits: sockets 0 must be at least 1');
    expect(() => limits({ lobbies: { burst: 0, perSecond: 1 } })).toThrow('limits: lobbies: burst 0');
    expect(() => limits({ guesses: { ...DEFAULT_LIMITS.guesses, free: 0 } })).toThrow('guesses: 0 free ones');
    expect(() => limits({ addressesMax: Number.NaN })).toThrow('addressesMax');
  });

  test('whatever addresses come, memory is bounded and no open connection is forgotten', () => {
    const action = record({ host: integer({ min: 0, max: 300 }), kind: constantFrom('request', 'guess', 'open', 'close') });
    assert(
      property(array(action, { maxLength: 400 }), (actions) => {
        const { limits: it } = limits({ addressesMax: 40, connections: 3 });
        const open: { readonly host: number; readonly release: () => void }[] = [];
        for (const { host, kind } of actions) {
          const address = `10.0.${host >> 8}.${host & 255}`;
          if (kind === 'request') it.takeRequest(address);
          if (kind === 'guess') it.takeGuess(address);
          // Fewer than the table has rows, as the server sees to.
          if (kind === 'open' && open.length < 30) {
            const lease = it.openConnection(address);
            const held = open.filter((other) => other.host === host).length;
            expect(lease === undefined).toBe(held >= 3);
            if (lease !== undefined) open.push({ host, release: () => lease.release() });
          }
          if (kind === 'close') open.shift()?.release();
          expect(it.addresses).toBeLessThanOrEqual(40);
        }
      }),
    );
  });
});

describe('invite codes', () => {
  const RULE: GuessRule = { free: 5, forgiveMs: 60_000, delayMs: 1000, delayMaxMs: 60_000 };
  const gateAt = (entriesMax = 100, rule = RULE) => {
    const clock = { nowMs: 0 };
    return { gate: new GuessGate(rule, entriesMax, () => clock.nowMs), clock };
  };

  test('some wrong ones are free, then each doubles the wait', () => {
    const { gate, clock } = gateAt();
    for (let i = 0; i < 5; i++) {
      expect(gate.waitMs(ADA)).toBe(0);
      gate.book(ADA);
    }
    expect(gate.waitMs(ADA)).toBe(0);
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      gate.book(ADA);
      waits.push(gate.waitMs(ADA));
      clock.nowMs += gate.waitMs(ADA);
    }
    // What is forgiven meanwhile makes one of them as long as the one before.
    expect(waits).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 32_000, 60_000]);
    expect(gate.waitMs(BOB)).toBe(0);
  });

  test('a good one costs nothing, even in the middle of bad ones', () => {
    const { gate } = gateAt();
    for (let i = 0; i < 1000; i++) gate.book(ADA).takeBack();
    for (let i = 0; i < 5; i++) gate.book(ADA);
    expect(gate.waitMs(ADA)).toBe(0);
    const sixth = gate.book(ADA);
    expect(gate.waitMs(ADA)).toBeGreaterThan(0);
    sixth.takeBack();
    expect(gate.waitMs(ADA)).toBe(0);
  });

  test('a thousand at the same moment are a thousand', () => {
    const { gate } = gateAt();
    let passed = 0;
    for (let i = 0; i < 1000; i++) {
      if (gate.waitMs(ADA) > 0) continue;
      gate.book(ADA);
      passed++;
    }
    expect(passed).toBe(6);
  });

  test('an IPv6 site has the allowance of sixteen addresses, however many networks it has', () => {
    const { gate } = gateAt(10_000);
    let passed = 0;
    for (let network = 0; network < 5000; network++) {
      const address = `2001:db8:1:${network.toString(16)}::1`;
      if (gate.waitMs(address) > 0) continue;
      gate.book(address);
      passed++;
    }
    expect(passed).toBe(5 * 16 + 1);
    expect(gate.waitMs('2001:db8:2::1')).toBe(0);
  });

  test('in the long run an address has one wrong guess per forgiven one, whatever its timing', () => {
    const { free, forgiveMs, delayMs, delayMaxMs } = RULE;
    const doublings = Math.ceil(Math.log2(delayMaxMs / delayMs));
    assert(
      property(array(integer({ min: 0, max: 120_000 }), { minLength: 1, maxLength: 300 }), (pauses) => {
        const { gate, clock } = gateAt();
        let passed = 0;
        for (const pauseMs of pauses) {
          clock.nowMs += pauseMs;
          // Whoever is refused waits exactly as long as it must.
          clock.nowMs += gate.waitMs(ADA);
          gate.book(ADA);
          passed++;
        }
        expect(passed).toBeLessThanOrEqual(free + doublings + 2 + clock.nowMs / forgiveMs);
      }),
    );
  });

  test('as shipped: a day of the most patient guessing is a few hundred codes', () => {
    const { guesses, addressesMax } = DEFAULT_LIMITS;
    const { gate, clock } = gateAt(addressesMax, guesses);
    let passed = 0;
    const dayMs = 86_400_000;
    for (clock.nowMs = 0; clock.nowMs < dayMs; clock.nowMs += gate.waitMs(ADA)) {
      gate.book(ADA);
      passed++;
    }
    expect(passed).toBeLessThanOrEqual(60 + 7 + 1 + 144);
    expect(passed).toBeGreaterThan(150);
  });
});
