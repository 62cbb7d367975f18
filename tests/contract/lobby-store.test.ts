/** Both lobby stores by one contract, the second on a real Redis; and what only a store that others can reach has to stand. */
import { randomInt } from 'node:crypto';
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../netcode/core/clock.ts';
import { LobbyDirectory } from '../../peer-server/lobby-directory.ts';
import { type LobbyStore, StoreUnavailableError } from '../../peer-server/lobby-store.ts';
import { RESTORE } from '../../peer-server/lobby-scripts.ts';
import { MemoryLobbyStore } from '../../peer-server/memory-lobby-store.ts';
import { RedisConnection } from '../../peer-server/redis-connection.ts';
import { RedisLobbyStore } from '../../peer-server/redis-lobby-store.ts';
import { ensureRedis, RedisProcess } from '../harness/redis.ts';
import { expectToAgree, lobbyOf, lobbyStoreContract, OWNER, type StoreLimits, STRANGER } from './lobby-store-contract.ts';

const LIMITS: StoreLimits = { ttlMs: 60_000, lobbiesMax: 100 };
const redisPath = ensureRedis();
if ('missing' in redisPath) console.warn(redisPath.missing);
/** Longest wait for what Redis or the connection to it should do. */
const HEAL_TIMEOUT_MS = 15_000;

describe('the memory store', () => {
  lobbyStoreContract(async (limits) => {
    const clock = new VirtualClock();
    const store = new MemoryLobbyStore({ ...limits, nowMs: () => clock.nowMs() });
    return {
      first: store,
      second: store,
      until: async (isOver) => {
        for (let i = 0; i < 100 && !(await isOver()); i++) clock.advance(limits.ttlMs / 4);
        expect(await isOver()).toBe(true);
      },
    };
  });
});

describe.skipIf('missing' in redisPath)('the Redis store', () => {
  let redis: RedisProcess | undefined;
  const connections: RedisConnection[] = [];

  beforeEach(async () => {
    redis ??= await RedisProcess.start('path' in redisPath ? redisPath.path : '');
    await redis.command('FLUSHALL');
  });
  afterEach(async () => {
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
  });
  afterAll(() => redis?.stop());

  async function connect(): Promise<RedisConnection> {
    const connection = new RedisConnection({ url: redis!.url });
    connections.push(connection);
    await vi.waitFor(() => expect(connection.isUp).toBe(true), HEAL_TIMEOUT_MS);
    return connection;
  }

  async function open(limits: StoreLimits): Promise<RedisLobbyStore> {
    const store = new RedisLobbyStore(await connect(), limits);
    // Subscribed when a message comes through.
    await hears(store);
    return store;
  }

  async function hears(store: LobbyStore): Promise<void> {
    let hasHeard = false;
    store.onChange(() => (hasHeard = true));
    await vi.waitFor(async () => {
      await redis!.command('PUBLISH', '{volley}:changes', '{"kind":"gone","code":"YYYYYY"}');
      expect(hasHeard).toBe(true);
    }, HEAL_TIMEOUT_MS);
    store.onChange(() => undefined);
  }

  describe('keeps the contract:', () => {
    lobbyStoreContract(async (limits) => ({
      first: await open(limits),
      second: await open(limits),
      until: (isOver) => vi.waitFor(async () => expect(await isOver()).toBe(true), { timeout: HEAL_TIMEOUT_MS, interval: 20 }),
    }));
  });

  test('agrees with the memory store on random work', async () => {
    const seed = randomInt(2 ** 31);
    const memory = new MemoryLobbyStore({ ...LIMITS, lobbiesMax: 4, nowMs: () => 0 });
    await expectToAgree(memory, await open({ ...LIMITS, lobbiesMax: 4 }), seed);
  });

  describe('poisoned values', () => {
    const KEY = '{volley}:lobby:AAAAAA';
    const good = (): string => {
      const { ownerTokenHash: _left, ...value } = lobbyOf('AAAAAA', { isPublic: true });
      return JSON.stringify(value);
    };

    test.each<[string, () => readonly (readonly string[])[]]>([
      ['of another type', () => [['SET', KEY, 'x']]],
      ['a list', () => [['RPUSH', KEY, 'x']]],
      ['without fields', () => [['HSET', KEY, 'x', 'y']]],
      ['that are no JSON', () => [['HSET', KEY, 'o', OWNER, 'v', '{{{', 'p', '1']]],
      ['that are null', () => [['HSET', KEY, 'o', OWNER, 'v', 'null', 'p', '1']]],
      ['nested without end', () => [['HSET', KEY, 'o', OWNER, 'v', '['.repeat(1900), 'p', '1']]],
      ['of a megabyte', () => [['HSET', KEY, 'o', OWNER, 'v', `"${'x'.repeat(1_000_000)}"`, 'p', '1']]],
      ['with an owner that is none', () => [['HSET', KEY, 'o', '<script>', 'v', good(), 'p', '1']]],
      ["with another lobby's code", () => [['HSET', KEY, 'o', OWNER, 'v', good().replace('"AAAAAA"', '"CCCCCC"'), 'p', '1']]],
      ['with a peer id that is none', () => [['HSET', KEY, 'o', OWNER, 'v', good().replace('host-AAAAAA', '<b>'), 'p', '1']]],
      ['with a name that breaks lines', () => [['HSET', KEY, 'o', OWNER, 'v', good().replace('"name":""', '"name":"a\\nb"'), 'p', '1']]],
      [
        'with numbers beyond all bounds',
        () => [['HSET', KEY, 'o', OWNER, 'v', good().replace('"players":1', '"players":1e300'), 'p', '1']],
      ],
      ['that never end', () => [['HSET', KEY, 'o', OWNER, 'v', good(), 'p', '1']]],
    ])('%s are passed over and counted, and honest lobbies are not touched', async (what, commands) => {
      const store = await open(LIMITS);
      const honest = lobbyOf('CCCCCC', { isPublic: true });
      await store.createIfAbsent(honest);
      for (const command of commands()) await redis!.command(...command);
      if (what !== 'that never end') await redis!.command('PEXPIRE', KEY, '60000');
      await redis!.command(
        'ZADD',
        '{volley}:public',
        '9999999999999',
        'AAAAAA',
        '9999999999999',
        'no code',
        '9999999999999',
        'x'.repeat(9000),
      );
      expect(await store.get('AAAAAA')).toBeUndefined();
      expect((await store.listPublic()).map(({ listing }) => listing.code)).toEqual(['CCCCCC']);
      expect(store.poisonedValues).toBe(4);
      expect(await store.createIfAbsent(lobbyOf('AAAAAA'))).toBe('taken');
      expect(await store.get('CCCCCC')).toEqual(honest);
      expect(await store.touch('CCCCCC', OWNER)).toBe(true);
    });

    test('in place of the indices are replaced', async () => {
      const store = await open(LIMITS);
      await store.createIfAbsent(lobbyOf('AAAAAA', { isPublic: true }));
      await redis!.command('SET', '{volley}:all', 'x');
      await redis!.command('SET', '{volley}:public', 'x');
      expect(await store.createIfAbsent(lobbyOf('CCCCCC', { isPublic: true }))).toBe('created');
      expect(await store.touch('AAAAAA', OWNER)).toBe(true);
      expect(await store.count()).toBe(2);
      expect(await store.listPublic()).toHaveLength(2);
    });

    test('on the channel are passed over and counted', async () => {
      const store = await open(LIMITS);
      const poisonedBefore = store.poisonedValues;
      const heard: unknown[] = [];
      store.onChange((change) => heard.push(change));
      const messages = [
        'x',
        '',
        'null',
        '[]',
        '{}',
        '{"kind":"put"}',
        '{"kind":"put","listing":{"code":"AAAAAA"}}',
        '{"kind":"gone","code":"<b>"}',
        '{"kind":"gone","code":["AAAAAA"]}',
        '{"kind":"missed"}',
        '{"kind":"__proto__","code":"AAAAAA"}',
        `{"kind":"gone","code":"AAAAAA","x":"${'x'.repeat(100_000)}"}`,
      ];
      for (const message of messages) await redis!.command('PUBLISH', '{volley}:changes', message);
      await redis!.command('PUBLISH', '{volley}:changes', '{"kind":"gone","code":"EEEEEE"}');
      await vi.waitFor(() => expect(heard).toEqual([{ kind: 'gone', code: 'EEEEEE' }]), HEAL_TIMEOUT_MS);
      expect(store.poisonedValues - poisonedBefore).toBe(messages.length);
    });
  });

  describe('while Redis', () => {
    const calls: readonly [string, (store: LobbyStore) => Promise<unknown>][] = [
      ['createIfAbsent', (store) => store.createIfAbsent(lobbyOf('DDDDDD'))],
      ['get', (store) => store.get('DDDDDD')],
      ['replace', (store) => store.replace(lobbyOf('DDDDDD'))],
      ['touch', (store) => store.touch('DDDDDD', OWNER)],
      ['delete', (store) => store.delete('DDDDDD', OWNER)],
      ['count', (store) => store.count()],
      ['listPublic', (store) => store.listPublic()],
    ];

    async function expectAllUnavailable(store: LobbyStore): Promise<void> {
      const outcomes = await Promise.allSettled(calls.map(([, call]) => call(store)));
      for (const [index, outcome] of outcomes.entries())
        expect(outcome, calls[index]![0]).toMatchObject({ status: 'rejected', reason: expect.any(StoreUnavailableError) });
    }

    async function expectHealed(store: LobbyStore): Promise<void> {
      await vi.waitFor(async () => expect(await store.count()).toBeGreaterThanOrEqual(0), { timeout: HEAL_TIMEOUT_MS, interval: 50 });
      await hears(store);
      expect(await store.createIfAbsent(lobbyOf('EEEEEE'))).toBe('created');
      expect(await store.delete('EEEEEE', OWNER)).toBe(true);
    }

    test('is dead every call fails as unavailable; restarted and empty, everything works again', async () => {
      const store = await open(LIMITS);
      await redis!.kill();
      await expectAllUnavailable(store);
      await redis!.startAgain();
      await expectHealed(store);
    });

    async function restart(...stores: readonly LobbyStore[]): Promise<void> {
      await redis!.kill();
      await Promise.all(stores.map(expectAllUnavailable));
      await redis!.startAgain();
      for (const store of stores) await vi.waitFor(() => store.count(), HEAL_TIMEOUT_MS);
    }

    test('restarts empty, the brokers put back every lobby whose owner they know, as its owner last changed it', async () => {
      const [first, second, third] = [await open(LIMITS), await open(LIMITS), await open(LIMITS)];
      const changed = lobbyOf('AAAAAA', { players: 5, isPublic: true });
      await first.createIfAbsent(lobbyOf('AAAAAA'));
      await second.replace(changed);
      await first.createIfAbsent(lobbyOf('CCCCCC', { isPublic: true }));
      await third.touch('CCCCCC', OWNER);
      const stranded = Array.from({ length: 90 }, (_, i) => lobbyOf(`GGG${'23456789A'[i % 9]}${'ACDEFGHJKM'[Math.floor(i / 9)]}G`));
      await Promise.all(stranded.map((lobby) => second.createIfAbsent(lobby)));
      await restart(first, second, third);
      expect(await third.get('AAAAAA')).toEqual(changed);
      expect(await third.get('CCCCCC')).toEqual(lobbyOf('CCCCCC', { isPublic: true }));
      expect(await first.count()).toBe(92);
      expect((await first.listPublic()).map(({ listing }) => listing.code).toSorted()).toEqual(['AAAAAA', 'CCCCCC']);
      expect(await second.touch('AAAAAA', OWNER)).toBe(true);
      // Also when the one who made it is gone: who renewed it knows it.
      await first.close();
      await connections[0]!.close();
      await restart(second, third);
      expect(await second.get('CCCCCC')).toEqual(lobbyOf('CCCCCC', { isPublic: true }));
    });

    test('restarts empty, what was closed stays closed', async () => {
      const [first, second] = [await open(LIMITS), await open(LIMITS)];
      for (const code of ['AAAAAA', 'CCCCCC']) await first.createIfAbsent(lobbyOf(code));
      await second.delete('AAAAAA', OWNER);
      await first.delete('CCCCCC', OWNER);
      // What comes after the news of the closing is heard after it.
      await hears(first);
      await restart(first, second);
      expect(await first.count()).toBe(0);
    });

    test('has forgotten a lobby nobody else gets its code for longer than it takes to put it back', async () => {
      const connection = await connect();
      const store = new RedisLobbyStore(connection, LIMITS);
      const restore = (owner: string, createdAtMs: number): Promise<unknown> => {
        const value = JSON.stringify({ ...lobbyOf('AAAAAA'), ownerTokenHash: undefined, createdAtMs });
        const keys = ['{volley}:lobby:AAAAAA', '{volley}:all', '{volley}:public'];
        return connection.run(RESTORE, keys, [owner, 'AAAAAA', value, '0', String(createdAtMs), '5', '60000', '{volley}:changes', '', '']);
      };
      await store.createIfAbsent(lobbyOf('AAAAAA', { ownerTokenHash: STRANGER, createdAtMs: 2000 }));
      expect(await restore(OWNER, 3000)).toBe('other');
      expect((await store.get('AAAAAA'))?.ownerTokenHash).toBe(STRANGER);
      expect(await restore(OWNER, 1000)).toBe('restored');
      expect((await store.get('AAAAAA'))?.ownerTokenHash).toBe(OWNER);
      expect(await restore(STRANGER, 2000)).toBe('other');
      expect(await restore(OWNER, 1000)).toBe('kept');
      expect(await store.touch('AAAAAA', STRANGER)).toBe(false);
      expect(await store.count()).toBe(1);
    });

    test('hangs every call fails as unavailable; when it goes on, everything works again', async () => {
      const store = await open(LIMITS);
      redis!.freeze();
      try {
        await expectAllUnavailable(store);
        await expectAllUnavailable(store);
      } finally {
        redis!.thaw();
      }
      await expectHealed(store);
    });

    test('is not there at the start, calls fail as unavailable until it is', async () => {
      await redis!.kill();
      const connection = new RedisConnection({ url: redis!.url });
      connections.push(connection);
      const store = new RedisLobbyStore(connection, LIMITS);
      await expectAllUnavailable(store);
      await redis!.startAgain();
      await expectHealed(store);
    });

    test('forgets its scripts nobody notices', async () => {
      const store = await open(LIMITS);
      await store.createIfAbsent(lobbyOf('AAAAAA'));
      await redis!.command('SCRIPT', 'FLUSH');
      expect(await store.touch('AAAAAA', OWNER)).toBe(true);
      await Promise.all(Array.from({ length: 20 }, () => store.touch('AAAAAA', OWNER)));
      expect(await store.get('AAAAAA')).toBeDefined();
    });

    test('cuts connections the store comes back, and reads anew what it may have missed', async () => {
      const [store, other] = [await open(LIMITS), await open(LIMITS)];
      const directory = new LobbyDirectory(store);
      await redis!.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await redis!.command('CLIENT', 'KILL', 'TYPE', 'normal');
      await vi.waitFor(() => other.createIfAbsent(lobbyOf('AAAAAA', { isPublic: true })), HEAL_TIMEOUT_MS);
      await vi.waitFor(() => expect(directory.publicLobbies.get('AAAAAA')).toBeDefined(), HEAL_TIMEOUT_MS);
      directory.publicLobbies.close();
    });
  });

  test('states are told once each, without address or password', async () => {
    const states: string[] = [];
    const url = redis!.url.replace('redis://', 'redis://default:hunter2@');
    const connection = new RedisConnection({ url: redis!.url, onState: (state, why) => states.push(`${state} ${why}`) });
    connections.push(connection);
    await vi.waitFor(() => expect(states).toHaveLength(1), HEAL_TIMEOUT_MS);
    await redis!.kill();
    await vi.waitFor(() => expect(states).toHaveLength(2), HEAL_TIMEOUT_MS);
    await redis!.startAgain();
    await vi.waitFor(() => expect(states).toHaveLength(3), HEAL_TIMEOUT_MS);
    expect(states.map((state) => state.split(' ')[0])).toEqual(['up', 'down', 'up']);
    expect(states.join()).not.toMatch(/127\.0\.0\.1|hunter2/);
    expect(() => new RedisConnection({ url: url.replace('redis:', 'http:') })).toThrow(TypeError);
  });
});
