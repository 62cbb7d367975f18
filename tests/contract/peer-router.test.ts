/** Who is where: one broker by itself, and several on a real Redis. */
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { VirtualClock } from '../../netcode/core/clock.ts';
import { ClusterPeerRouter } from '../../peer-server/cluster.ts';
import { hashPeerToken, ID_HOLD_MS, IdHolds, LocalPeerRouter, type PeerRouter, type RoutedFrame } from '../../peer-server/peer-router.ts';
import { RedisConnection } from '../../peer-server/redis-connection.ts';
import { ensureRedis, RedisProcess } from '../harness/redis.ts';

const redisPath = ensureRedis();
if ('missing' in redisPath) console.warn(redisPath.missing);
const HEAL_TIMEOUT_MS = 15_000;
/** What is promised after Redis was away; half of what the next regular renewal would take. */
const RENEWED_TIMEOUT_MS = 5_000;
const MINE = hashPeerToken('mine');
const THEIRS = hashPeerToken('theirs');

const offer = (src: string, connectionId = 'dc_1'): RoutedFrame => ({
  type: 'OFFER',
  src,
  payload: { connectionId, type: 'data', serialization: 'raw', sdp: { type: 'offer', sdp: 'v=0' } },
});
const candidate = (src: string, number: number): RoutedFrame => ({
  type: 'CANDIDATE',
  src,
  payload: { connectionId: 'dc_1', candidate: number },
});

/** Everything that reaches the clients of a broker. */
function listen(router: PeerRouter): { readonly frames: (RoutedFrame & { readonly dst: string })[]; readonly ended: string[] } {
  const heard = { frames: [] as (RoutedFrame & { readonly dst: string })[], ended: [] as string[] };
  router.onFrame((dst, frame) => {
    heard.frames.push({ dst, ...frame });
    return true;
  });
  router.onReplaced((id) => heard.ended.push(id));
  return heard;
}

/** What every router does for the clients of its own broker. */
function routerContract(open: () => Promise<PeerRouter>): void {
  test('[ROUTE1] a frame reaches a registered client as it was sent', async () => {
    const router = await open();
    const { frames } = listen(router);
    expect(await router.register('alice', MINE)).toBe('registered');
    expect(await router.route('alice', offer('bob'))).toBe('delivered-here');
    expect(frames).toEqual([{ dst: 'alice', ...offer('bob') }]);
  });

  test('[ROUTE2] who is not registered, or not any more, is unknown', async () => {
    const router = await open();
    const { frames } = listen(router);
    expect(await router.route('alice', offer('bob'))).toBe('unknown');
    await router.register('alice', MINE);
    router.unregister('alice', 'left');
    expect(await router.route('alice', offer('bob'))).toBe('unknown');
    router.unregister('alice', 'left');
    expect(frames).toEqual([]);
  });

  test('[ROUTE3] an id is its token’s: another token is refused, the same one may come again', async () => {
    const router = await open();
    expect(await router.register('alice', MINE)).toBe('registered');
    expect(await router.register('alice', THEIRS)).toBe('taken');
    expect(await router.register('alice', MINE)).toBe('registered');
  });

  test('[ROUTE4] who left frees the id at once; whose socket was lost keeps it', async () => {
    const router = await open();
    await router.register('alice', MINE);
    router.unregister('alice', 'left');
    expect(await router.register('alice', THEIRS)).toBe('registered');
    router.unregister('alice', 'lost');
    expect(await router.register('alice', MINE)).toBe('taken');
    expect(await router.route('alice', offer('bob'))).toBe('unknown');
    expect(await router.register('alice', THEIRS)).toBe('registered');
  });
}

describe('one broker', () => {
  routerContract(() => Promise.resolve(new LocalPeerRouter(() => 0)));

  test('lets a lost client’s id go after a while', () => {
    const clock = new VirtualClock();
    const router = new LocalPeerRouter(() => clock.nowMs());
    router.register('alice', MINE);
    router.unregister('alice', 'lost');
    clock.advance(ID_HOLD_MS - 1);
    expect(router.register('alice', THEIRS)).toBe('taken');
    clock.advance(1);
    expect(router.register('alice', THEIRS)).toBe('registered');
  });
});

test('ids held for lost clients are bounded, and those lost last are held', () => {
  const holds = new IdHolds(() => 0);
  const [lost, kept] = [55_000, 10_000];
  for (let i = 0; i < lost; i++) holds.add(`peer-${i}`, MINE);
  const held = Array.from({ length: lost }, (_, i) => holds.ownerOf(`peer-${i}`) === MINE);
  expect(held.slice(-kept)).toEqual(Array.from({ length: kept }, () => true));
  expect(held.filter(Boolean).length).toBeLessThanOrEqual(2 * kept);
});

describe.skipIf('missing' in redisPath)('several brokers', () => {
  let redis: RedisProcess | undefined;
  const closers: (() => Promise<void>)[] = [];

  beforeEach(async () => {
    redis ??= await RedisProcess.start('path' in redisPath ? redisPath.path : '');
    await redis.command('FLUSHALL');
  });
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });
  afterAll(() => redis?.stop());

  interface Broker {
    readonly router: ClusterPeerRouter;
    readonly connection: RedisConnection;
    readonly heard: ReturnType<typeof listen>;
  }

  async function open(): Promise<Broker> {
    const connection = new RedisConnection({ url: redis!.url });
    const router = new ClusterPeerRouter(connection);
    closers.push(async () => {
      await router.close();
      await connection.close();
    });
    await vi.waitFor(() => expect(connection.isUp).toBe(true), HEAL_TIMEOUT_MS);
    const heard = listen(router);
    return { router, connection, heard };
  }

  const entryOf = async (id: string): Promise<string> => (await redis!.command('GET', `{volley}:peer:${id}`)).split('\r\n')[1] ?? '';

  describe('keep the contract, each by itself:', () => {
    routerContract(async () => (await open()).router);
  });

  test('a frame reaches a client of another broker, and the answer comes back', async () => {
    const [a, b] = [await open(), await open()];
    await a.router.register('alice', MINE);
    await b.router.register('bob', THEIRS);
    expect(await a.router.route('bob', offer('alice'))).toBe('sent');
    await vi.waitFor(() => expect(b.heard.frames).toEqual([{ dst: 'bob', ...offer('alice') }]), HEAL_TIMEOUT_MS);
    const answer: RoutedFrame = { type: 'ANSWER', src: 'bob', payload: { connectionId: 'dc_1', sdp: {} } };
    expect(await b.router.route('alice', answer)).toBe('sent');
    await vi.waitFor(() => expect(a.heard.frames).toEqual([{ dst: 'alice', ...answer }]), HEAL_TIMEOUT_MS);
  });

  test('frames of one sender arrive in their order, also right after Redis forgot its scripts', async () => {
    const [a, b] = [await open(), await open()];
    await b.router.register('bob', THEIRS);
    await a.router.route('bob', offer('alice'));
    const sent = Array.from({ length: 300 }, (_, i) => candidate('alice', i));
    const answers = await Promise.all(sent.map((frame) => a.router.route('bob', frame)));
    expect(new Set(answers)).toEqual(new Set(['sent']));
    await vi.waitFor(() => expect(b.heard.frames).toHaveLength(301), HEAL_TIMEOUT_MS);
    expect(b.heard.frames.slice(1).map(({ payload }) => (payload as { candidate: number }).candidate)).toEqual(sent.map((_, i) => i));
  });

  test('an id cannot be had with another token at another broker, not even after its own broker died', async () => {
    const [a, b] = [await open(), await open()];
    await a.router.register('alice', MINE);
    expect(await b.router.register('alice', THEIRS)).toBe('taken');
    await a.router.close();
    await a.connection.close();
    expect(await b.router.register('alice', THEIRS)).toBe('taken');
    // Nobody listens at the dead broker: the caller learns at once.
    expect(await b.router.route('alice', offer('bob'))).toBe('unknown');
    expect(await b.router.register('alice', MINE)).toBe('registered');
    expect(await b.router.route('alice', offer('bob'))).toBe('delivered-here');
  });

  test('an id cannot be had with another token from a broker whose clock is late', async () => {
    const { router } = await open();
    const sinceMs = Date.now() + 3_600_000;
    await redis!.command('SET', '{volley}:peer:alice', `${MINE} other-broker registration ${sinceMs}`);
    expect(await router.register('alice', THEIRS)).toBe('taken');
    expect(await router.register('alice', MINE)).toBe('registered');
    // Later than the one it replaces, which would win it back otherwise.
    expect(Number((await entryOf('alice')).split(' ')[3])).toBeGreaterThan(sinceMs);
    expect(await router.route('alice', offer('bob'))).toBe('delivered-here');
  });

  test('a client that left one broker after it had moved to another stays registered there', async () => {
    const { router } = await open();
    await router.register('alice', MINE);
    // As if the other broker's news were still on their way.
    await redis!.command('SET', '{volley}:peer:alice', `${MINE} other-broker registration ${Date.now()}`);
    router.unregister('alice', 'left');
    await router.register('bob', THEIRS);
    expect(await entryOf('alice')).toContain('other-broker');
  });

  test('the token itself is nowhere in Redis', async () => {
    const { router } = await open();
    await router.register('alice', hashPeerToken('my-secret-token'));
    expect(await entryOf('alice')).toContain(hashPeerToken('my-secret-token'));
    expect(await entryOf('alice')).not.toContain('my-secret-token');
  });

  test('a client that turns up at another broker is ended at the first, and frames follow it', async () => {
    const [a, b] = [await open(), await open()];
    await a.router.register('alice', MINE);
    expect(await b.router.register('alice', MINE)).toBe('registered');
    await vi.waitFor(() => expect(a.heard.ended).toEqual(['alice']), HEAL_TIMEOUT_MS);
    expect(await a.router.route('alice', offer('bob'))).toBe('sent');
    await vi.waitFor(() => expect(b.heard.frames).toHaveLength(1), HEAL_TIMEOUT_MS);
    // Late news of the first broker change nothing.
    a.router.unregister('alice', 'left');
    expect(await a.router.route('alice', offer('bob'))).toBe('sent');
    expect(b.heard.ended).toEqual([]);
  });

  test('a client that goes to and fro is at the last place, whatever the messages’ order', async () => {
    const brokers = [await open(), await open(), await open()];
    for (let i = 0; i < 30; i++) await brokers[i % 3]!.router.register('alice', MINE);
    const last = brokers[29 % 3]!;
    await vi.waitFor(async () => {
      const answers = await Promise.all(brokers.map(({ router }) => router.route('alice', offer('bob'))));
      expect(answers).toEqual(['sent', 'sent', 'delivered-here']);
    }, HEAL_TIMEOUT_MS);
    expect(last.heard.ended.length).toBeLessThan(10);
  });

  test('an offer that finds nobody at the broker it was sent to is answered with EXPIRE', async () => {
    const [a, b] = [await open(), await open()];
    await a.router.register('alice', MINE);
    await b.router.register('bob', THEIRS);
    b.router.onFrame(() => false);
    expect(await a.router.route('bob', offer('alice'))).toBe('sent');
    await vi.waitFor(() => expect(a.heard.frames).toEqual([{ dst: 'alice', type: 'EXPIRE', src: 'bob' }]), HEAL_TIMEOUT_MS);
  });

  test('Redis restarted and empty: the brokers enter their clients again, and frames flow', async () => {
    const [a, b] = [await open(), await open()];
    for (let i = 0; i < 500; i++) await a.router.register(`alice-${i}`, MINE);
    await b.router.register('bob', THEIRS);
    await redis!.kill();
    await vi.waitFor(() => expect(a.connection.isUp || b.connection.isUp).toBe(false), HEAL_TIMEOUT_MS);
    // Its own clients a broker serves by itself meanwhile; others are unknown at once.
    expect(await b.router.route('bob', offer('carol'))).toBe('delivered-here');
    expect(await b.router.route('alice-0', offer('bob'))).toBe('unknown');
    await redis!.startAgain();
    await vi.waitFor(async () => expect(await b.router.route('alice-499', offer('bob'))).toBe('sent'), RENEWED_TIMEOUT_MS);
    expect(await b.router.register('alice-250', THEIRS)).toBe('taken');
    expect(a.heard.ended).toEqual([]);
  });

  test('an id taken at another broker while Redis was away goes back to who had it before', async () => {
    const [a, b] = [await open(), await open()];
    await a.router.register('alice', MINE);
    const registeredAtMs = Date.now();
    // The brokers' clocks count in milliseconds.
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(registeredAtMs));
    await redis!.kill();
    await vi.waitFor(() => expect(b.connection.isUp).toBe(false), HEAL_TIMEOUT_MS);
    expect(await b.router.register('alice', THEIRS)).toBe('registered');
    await redis!.startAgain();
    await vi.waitFor(() => expect(b.heard.ended).toEqual(['alice']), HEAL_TIMEOUT_MS);
    expect(a.heard.ended).toEqual([]);
    expect(await b.router.route('alice', offer('bob'))).toBe('sent');
    await vi.waitFor(() => expect(a.heard.frames).toHaveLength(1), HEAL_TIMEOUT_MS);
  });

  test('poisoned entries are nobody’s: they can be registered, and lead nowhere', async () => {
    const { router } = await open();
    const poisons = [
      ['SET', '{volley}:peer:alice', 'x'],
      ['SET', '{volley}:peer:alice', `${MINE} broker registration notanumber`],
      ['SET', '{volley}:peer:alice', 'x'.repeat(1_000_000)],
      ['RPUSH', '{volley}:peer:alice', 'x'],
      ['HSET', '{volley}:peer:alice', 'x', 'y'],
    ];
    for (const poison of poisons) {
      await redis!.command('DEL', '{volley}:peer:alice');
      await redis!.command(...poison);
      expect(await router.route('alice', offer('bob'))).toBe('unknown');
      expect(await router.register('alice', MINE)).toBe('registered');
      expect(await router.route('alice', offer('bob'))).toBe('delivered-here');
      router.unregister('alice', 'left');
    }
  });

  test('poisoned messages are dropped and counted, and reach no client', async () => {
    const { router, heard } = await open();
    await router.register('alice', MINE);
    const frame = { ...offer('bob'), dst: 'alice' };
    const deep = `{"type":"OFFER","src":"bob","dst":"alice","payload":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
    const poisons = [
      '',
      'x',
      'null',
      '[]',
      '{}',
      deep,
      JSON.stringify({ ...frame, src: undefined }),
      JSON.stringify({ ...frame, src: '<b>' }),
      JSON.stringify({ ...frame, src: { toString: 1 } }),
      JSON.stringify({ ...frame, dst: '../x' }),
      JSON.stringify({ ...frame, type: 'OPEN' }),
      JSON.stringify({ ...frame, type: 'HEARTBEAT' }),
      JSON.stringify({ ...frame, payload: undefined }),
      JSON.stringify({ ...frame, payload: { connectionId: 7 } }),
      JSON.stringify({ type: 'LEAVE', src: 'bob' }),
      JSON.stringify({ ...frame, payload: { ...(frame.payload as object), x: 'x'.repeat(200_000) } }),
    ];
    for (const poison of poisons) await redis!.command('PUBLISH', `{volley}:broker:${router.brokerId}`, poison);
    await redis!.command('PUBLISH', `{volley}:broker:${router.brokerId}`, '{"type":"REPLACED","id":"alice","registration":"guessed"}');
    await redis!.command('PUBLISH', `{volley}:broker:${router.brokerId}`, JSON.stringify({ ...frame, ...candidate('carol', 1) }));
    await vi.waitFor(() => expect(heard.frames).toEqual([{ dst: 'alice', ...candidate('carol', 1) }]), HEAL_TIMEOUT_MS);
    expect(router.counters.badMessages).toBe(poisons.length);
    expect(heard.ended).toEqual([]);
  });
});
