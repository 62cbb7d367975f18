/**
 * The relay of several brokers on a real Redis: the ends of a pair meet wherever they come in, what one says reaches the other whole and in
 * order, and when a broker or Redis dies, whoever is concerned learns it within seconds and can begin anew, and nobody else notices.
 */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { RELAY_CONTROL, RELAY_PEER_GONE, RELAY_STATE } from '../../netcode/wire/relay.ts';
import { Cluster } from '../harness/cluster.ts';
import { NarrowPath } from '../harness/narrow-path.ts';
import { ensureRedis, RedisProcess } from '../harness/redis.ts';
import {
  controlNumbers,
  guestHello,
  hostHello,
  newPair,
  numbered,
  type OpenLobby,
  openLobby,
  paired,
  RelayClient,
  stateNumbers,
} from '../harness/relay-client.ts';

const redisPath = ensureRedis();
if ('missing' in redisPath) console.warn(redisPath.missing);
/** What is promised to a client whose broker was killed, or whose partner's was. */
const BACK_WITHIN_MS = 5_000;
const PATIENCE = { timeout: 15_000, interval: 50 };
const firstNumbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe.skipIf('missing' in redisPath)('relayed pairs of two brokers', { timeout: 60_000 }, () => {
  let redis: RedisProcess;
  let cluster: Cluster;
  let lobby: OpenLobby;
  const clients: RelayClient[] = [];

  beforeAll(async () => {
    redis = await RedisProcess.start('path' in redisPath ? redisPath.path : '');
    cluster = await Cluster.start(redis, { brokers: 3, lobbyTtlMs: 600_000 });
    await renewLobby();
  }, 60_000);
  afterAll(async () => {
    for (const client of clients) client.close();
    expect(cluster.crashes, cluster.errors).toBe(0);
    expect(cluster.errors).toBe('');
    await cluster.stop();
    await redis.stop();
  });

  /** After Redis was restarted: it is empty until hosts come back. */
  async function renewLobby(): Promise<void> {
    await vi.waitFor(async () => (lobby = await openLobby(cluster.ports[0]!)), PATIENCE);
  }

  async function pairAt(guestBroker: number, hostBroker: number) {
    const pair = await paired(cluster.ports[guestBroker]!, { lobby, hostPort: cluster.ports[hostBroker]! });
    clients.push(pair.guest, pair.host);
    return pair;
  }

  async function talks({ guest, host }: { readonly guest: RelayClient; readonly host: RelayClient }): Promise<void> {
    const [atHost, atGuest] = [host.frames.length, guest.frames.length];
    guest.send(RELAY_CONTROL, numbered(1));
    await host.arrived(atHost + 1);
    host.send(RELAY_CONTROL, numbered(2));
    await guest.arrived(atGuest + 1);
  }

  test.each([
    ['guest', 0, 1],
    ['host', 1, 0],
  ] as const)(
    'the ends meet when the %s comes first, and 2,000 control frames arrive whole and in order, both ways',
    async (first, a, b) => {
      const pair = newPair();
      const hellos = { guest: guestHello(lobby, pair), host: hostHello(lobby, pair) };
      const second = first === 'guest' ? 'host' : 'guest';
      const early = await new RelayClient(cluster.ports[a]!).hello(hellos[first]);
      const late = await new RelayClient(cluster.ports[b]!).hello(hellos[second]);
      clients.push(early, late);
      expect([await early.answer(), await late.answer()]).toEqual([{ type: 'paired' }, { type: 'paired' }]);
      for (let i = 0; i < 2_000; i++) for (const end of [early, late]) end.send(RELAY_CONTROL, numbered(i, 40));
      await Promise.all([early.arrived(2_000), late.arrived(2_000)]);
      for (const end of [early, late]) expect(controlNumbers(end.frames)).toEqual(firstNumbers(2_000));
      early.send(RELAY_CONTROL, numbered(2_000));
      early.webSocket.close();
      expect(await late.closed()).toBe(RELAY_PEER_GONE);
      expect(controlNumbers(late.frames)).toHaveLength(2_001);
    },
  );

  test('an end that is taken is taken at every broker, and free again once it has left', async () => {
    const pair = newPair();
    const first = await new RelayClient(cluster.ports[0]!).hello(guestHello(lobby, pair));
    // The entry is there when the broker has asked; a host at the same broker is not needed for that.
    await vi.waitFor(async () => expect(await redis.command('EXISTS', `{volley}:relay:${lobby.code}:${pair}`)).toContain(':1'), PATIENCE);
    const second = await new RelayClient(cluster.ports[1]!).hello(guestHello(lobby, pair));
    expect(await second.answer()).toMatchObject({ type: 'refused', reason: 'busy' });
    first.close();
    await vi.waitFor(async () => expect(await redis.command('EXISTS', `{volley}:relay:${lobby.code}:${pair}`)).toContain(':0'), PATIENCE);
    const third = await new RelayClient(cluster.ports[1]!).hello(guestHello(lobby, pair));
    const host = await new RelayClient(cluster.ports[2]!).hello(hostHello(lobby, pair));
    clients.push(first, second, third, host);
    expect([await third.answer(), await host.answer()]).toEqual([{ type: 'paired' }, { type: 'paired' }]);
  });

  test('a slow receiver at another broker gets the newest state, and control whole and in order', async () => {
    const path = await NarrowPath.open(cluster.ports[1]!, 10_000);
    const pair = await paired(cluster.ports[0]!, { lobby, hostPort: path.port });
    clients.push(pair.guest, pair.host);
    let [sent, behindMax] = [0, 0];
    pair.host.webSocket.on('message', (data: Buffer, isBinary: boolean) => {
      if (isBinary && data[0] === RELAY_STATE) behindMax = Math.max(behindMax, sent - data.readUInt32BE(1));
    });
    await new Promise<void>((done) => {
      const sending = setInterval(() => {
        pair.guest.send(RELAY_STATE, numbered(++sent, 1_000));
        if (sent % 20 === 0) pair.guest.send(RELAY_CONTROL, numbered(sent, 100));
        if (sent < 240) return;
        clearInterval(sending);
        done();
      }, 1000 / 60);
    });
    await pair.host.until(() => controlNumbers(pair.host.frames).length === 12 && stateNumbers(pair.host.frames).at(-1) === 240);
    await path.close();
    expect(controlNumbers(pair.host.frames)).toEqual(Array.from({ length: 12 }, (_, i) => 20 * (i + 1)));
    expect(behindMax).toBeLessThan(60);
  });

  test('values and messages that are none of ours disturb nobody', async () => {
    const pair = await pairAt(0, 1);
    const listed = await redis.command('PUBSUB', 'CHANNELS', '{volley}:relay-broker:*');
    const channels = listed.match(/\{volley\}:relay-broker:[\w-]+/g) ?? [];
    expect(channels).toHaveLength(3);
    const junk = [
      '',
      'x',
      '\u0001',
      `\u0001\u0002${'a'.repeat(9)}`,
      `\u0001\u0000${'b'.repeat(27)}`,
      `\u0001\u0004${'c'.repeat(13)}`,
      'z'.repeat(300_000),
    ];
    for (const channel of channels) for (const message of junk) await redis.command('PUBLISH', channel, message);
    await talks(pair);
    for (const [kind, ...value] of [
      ['SET', 'nonsense'],
      ['SET', 'a b c d e'],
      ['SET', 'x'.repeat(10_000)],
      ['SET', 'AAAAAAAAAAAA BBBBBBBBBBBB - -'],
      ['SET', '- - ../../x y'],
      ['LPUSH', '1'],
    ] as const) {
      const poisoned = newPair();
      await redis.command(kind, `{volley}:relay:${lobby.code}:${poisoned}`, ...value);
      const guest = await new RelayClient(cluster.ports[0]!).hello(guestHello(lobby, poisoned));
      const host = await new RelayClient(cluster.ports[1]!).hello(hostHello(lobby, poisoned));
      clients.push(guest, host);
      expect([await guest.answer(), await host.answer()]).toEqual([{ type: 'paired' }, { type: 'paired' }]);
    }
    await talks(pair);
  });

  test('while Redis is frozen for a second, pairs of two brokers wait, and lose no control', async () => {
    const pair = await pairAt(0, 1);
    await talks(pair);
    redis.freeze();
    for (let i = 0; i < 50; i++) pair.guest.send(RELAY_CONTROL, numbered(i + 10));
    await new Promise((done) => setTimeout(done, 1_000));
    redis.thaw();
    await pair.host.arrived(51);
    expect(controlNumbers(pair.host.frames).slice(1)).toEqual(firstNumbers(50).map((i) => i + 10));
    await talks(pair);
  });

  test('when a broker is killed, the other end learns it, and both meet again elsewhere, within five seconds', async () => {
    const [across, beside] = [await pairAt(0, 2), await pairAt(0, 1)];
    await talks(across);
    const killedAtMs = performance.now();
    await cluster.killBroker(2);
    expect(await across.guest.closed()).toBe(RELAY_PEER_GONE);
    const learntMs = performance.now() - killedAtMs;
    // Also under the same secret: what the dead broker entered counts for nothing.
    const guest = await new RelayClient(cluster.ports[0]!).hello(guestHello(lobby, across.pair));
    const host = await new RelayClient(cluster.ports[1]!).hello(hostHello(lobby, across.pair));
    clients.push(guest, host);
    expect([await guest.answer(), await host.answer()]).toEqual([{ type: 'paired' }, { type: 'paired' }]);
    const backMs = performance.now() - killedAtMs;
    console.log(`a broker was killed: the other end knew after ${Math.round(learntMs)} ms, both were back after ${Math.round(backMs)} ms`);
    expect(backMs).toBeLessThan(BACK_WITHIN_MS);
    await talks({ guest, host });
    await talks(beside);
    await cluster.startBroker(2);
  });

  test('when Redis is killed, pairs of one broker notice nothing, those of two end, and new ones meet once it is back', async () => {
    const [across, local] = [await pairAt(0, 1), await pairAt(1, 1)];
    await talks(across);
    const killedAtMs = performance.now();
    await redis.kill();
    across.guest.send(RELAY_STATE, numbered(1));
    expect(await Promise.all([across.guest.closed(), across.host.closed()])).toEqual([RELAY_PEER_GONE, RELAY_PEER_GONE]);
    console.log(`Redis was killed: pairs of two brokers ended after ${Math.round(performance.now() - killedAtMs)} ms`);
    await talks(local);
    await redis.startAgain();
    await renewLobby();
    await talks(local);
    await vi.waitFor(async () => talks(await pairAt(0, 2)), PATIENCE);
  });
});
