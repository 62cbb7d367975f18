/** The relay of one broker, over real WebSockets: who is let in, what passes between the ends, and when a pair ends. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import {
  RELAY_CONTROL,
  RELAY_CONTROL_BYTES_MAX,
  RELAY_PEER_GONE,
  RELAY_REFUSED,
  RELAY_STATE,
  RELAY_STATE_BYTES_MAX,
  RELAY_VIOLATION,
  RELAY_VERSION,
  readRelayCredit,
} from '../../../netcode/wire/relay.ts';
import { DEFAULT_LIMITS } from '../../../peer-server/limits/limits.ts';
import { type RunningServer, type ServerOptions, startServer } from '../../../peer-server/server.ts';
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
} from '../../harness/relay-client.ts';

const TOKEN = 'a-token-for-the-scraper';
const PATIENCE = { timeout: 20_000, interval: 20 };
const running: RunningServer[] = [];
const clients: RelayClient[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function start(options: Partial<ServerOptions> = {}): Promise<RunningServer> {
  const server = await startServer({
    port: 0,
    host: '127.0.0.1',
    iceServers: [],
    metrics: { token: TOKEN, listen: undefined },
    ...options,
  });
  running.push(server);
  return server;
}

/** A broker whose clock the test sets. */
async function startWithClock(options: Partial<ServerOptions> = {}): Promise<RunningServer & { readonly clock: { nowMs: number } }> {
  const clock = { nowMs: 1_000 };
  const server = await start({ nowMs: () => clock.nowMs, lobbyTtlMs: 1e9, ...options });
  return Object.assign(server, { clock });
}

function kept<T extends readonly RelayClient[]>(...some: T): T {
  clients.push(...some);
  return some;
}

async function openPair(server: RunningServer, options: Parameters<typeof paired>[1] = {}) {
  const pair = await paired(server.port, options);
  kept(pair.guest, pair.host);
  return pair;
}

async function metrics({ url }: RunningServer): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } })).text();
}

async function metric(server: RunningServer, name: string): Promise<number> {
  const line = (await metrics(server)).split('\n').find((text) => text.startsWith(`${name} `));
  return line === undefined ? 0 : Number(line.slice(name.length));
}

describe('a pair', () => {
  test('both ends are told, whoever comes first, and frames pass both ways as they were sent', async () => {
    const server = await start();
    const { guest, host } = await openPair(server);
    const largest = { control: new Uint8Array(RELAY_CONTROL_BYTES_MAX).fill(7), state: new Uint8Array(RELAY_STATE_BYTES_MAX).fill(9) };
    guest.send(RELAY_CONTROL, largest.control);
    guest.send(RELAY_STATE, largest.state);
    host.send(RELAY_STATE, Uint8Array.of(1));
    const [control, state] = await host.arrived(2);
    expect([control![0], control!.length, state![0], state!.length]).toEqual([RELAY_CONTROL, 16_401, RELAY_STATE, 1_121]);
    expect([...(await guest.arrived(1))[0]!]).toEqual([RELAY_STATE, 1]);

    const lobby = await openLobby(server.port);
    const pair = newPair();
    const [early] = kept(await new RelayClient(server.port).hello(hostHello(lobby, pair)));
    const [late] = kept(await new RelayClient(server.port).hello(guestHello(lobby, pair)));
    expect([await early.answer(), await late.answer()]).toEqual([{ type: 'paired' }, { type: 'paired' }]);
  });

  test('state above 240 a second is dropped, and acknowledged like everything received', async () => {
    const server = await startWithClock();
    const { guest } = await openPair(server);
    for (let i = 0; i < 300; i++) guest.send(RELAY_STATE, numbered(i));
    await guest.until(() => guest.lastCredit !== undefined && readRelayCredit(guest.lastCredit) === 300);
    expect(await metric(server, 'volley_relay_frames_total{kind="state",outcome="limited"}')).toBe(60);
  });

  test('control arrives whole and in order, also what is said right before leaving', async () => {
    const { guest, host } = await openPair(await start());
    for (let i = 0; i < 1_000; i++) guest.send(RELAY_CONTROL, numbered(i));
    guest.webSocket.close();
    expect(await host.closed()).toBe(RELAY_PEER_GONE);
    expect(controlNumbers(host.frames)).toEqual(Array.from({ length: 1_000 }, (_, i) => i));
  });

  test.each(['guest', 'host'] as const)('when the %s vanishes, the other end is closed with 4001', async (who) => {
    const { guest, host } = await openPair(await start());
    const [leaver, left] = who === 'guest' ? [guest, host] : [host, guest];
    leaver.close();
    expect(await left.closed()).toBe(RELAY_PEER_GONE);
  });

  test('pairs are strangers to each other', async () => {
    const server = await start();
    const lobby = await openLobby(server.port);
    const [one, two] = [await openPair(server, { lobby }), await openPair(server, { lobby })];
    one.guest.send(RELAY_CONTROL, numbered(1));
    two.guest.send(RELAY_CONTROL, numbered(2));
    expect(controlNumbers(await one.host.arrived(1))).toEqual([1]);
    expect(controlNumbers(await two.host.arrived(1))).toEqual([2]);
    one.guest.close();
    await one.host.closed();
    two.host.send(RELAY_CONTROL, numbered(3));
    expect(controlNumbers(await two.guest.arrived(1))).toEqual([3]);
  });
});

describe('who is let in', () => {
  /** What a hello of this kind is answered with. */
  async function reasonOf(server: RunningServer, hello: string | Uint8Array, options = {}): Promise<string> {
    const [client] = kept(await new RelayClient(server.port, options).opened());
    client.webSocket.send(hello);
    const answer = await client.answer();
    if (answer.type === 'paired') return 'paired';
    expect(answer.message).not.toBe('');
    expect(await client.closed()).toBe(RELAY_REFUSED);
    return answer.reason;
  }
  const text = (hello: object): string => JSON.stringify(hello);

  test('a hello that is none is refused', async () => {
    const server = await start();
    const lobby = await openLobby(server.port);
    const good = guestHello(lobby, newPair());
    for (const hello of ['', '{', 'null', '[]', text({ ...good, v: RELAY_VERSION + 1 }), text({ ...good, pair: 'short' }), 'x'.repeat(600)])
      expect(await reasonOf(server, hello)).toBe('bad-request');
    expect(await reasonOf(server, new TextEncoder().encode(text(good)))).toBe('bad-request');
    expect(await metric(server, 'volley_refusals_total{reason="relay-bad-request"}')).toBe(8);
  });

  test('a guest needs the code of a lobby that allows the relay; a host needs its owner token', async () => {
    const server = await start();
    const [open, shut] = [await openLobby(server.port), await openLobby(server.port, false)];
    const unknown: OpenLobby = { code: open.code === 'K7QX2M' ? 'K7QX2N' : 'K7QX2M', ownerToken: open.ownerToken };
    expect(await reasonOf(server, text(guestHello(unknown, newPair())))).toBe('unknown-code');
    expect(await reasonOf(server, text(hostHello(unknown, newPair())))).toBe('unknown-code');
    expect(await reasonOf(server, text(guestHello(shut, newPair())))).toBe('not-allowed');
    expect(await reasonOf(server, text(hostHello(shut, newPair())))).toBe('not-allowed');
    expect(await reasonOf(server, text(hostHello({ ...open, ownerToken: shut.ownerToken }, newPair())))).toBe('not-owner');
    expect(await reasonOf(server, text(hostHello({ ...open, ownerToken: 'x'.repeat(20) }, newPair())))).toBe('not-owner');
  });

  test('an end that is taken stays with who has it', async () => {
    const server = await start();
    const { guest, host, lobby, pair } = await openPair(server);
    expect(await reasonOf(server, text(guestHello(lobby, pair)))).toBe('busy');
    expect(await reasonOf(server, text(hostHello(lobby, pair)))).toBe('busy');
    guest.send(RELAY_CONTROL, numbered(5));
    expect(controlNumbers(await host.arrived(1))).toEqual([5]);
  });

  test('ends of two lobbies never meet, though they name the same pair', async () => {
    const server = await startWithClock();
    const [one, two] = [await openLobby(server.port), await openLobby(server.port)];
    const pair = newPair();
    const [guest] = kept(await new RelayClient(server.port).hello(guestHello(one, pair)));
    const [host] = kept(await new RelayClient(server.port).hello(hostHello(two, pair)));
    await vi.waitFor(async () => expect((await metrics(server)).includes('volley_relay_pairs 0')).toBe(true), PATIENCE);
    server.clock.nowMs += 10_000;
    for (const end of [guest, host]) expect(await end.answer()).toMatchObject({ type: 'refused', reason: 'no-peer' });
  });

  test('who waits for ten seconds alone, or says nothing for five, is sent away', async () => {
    const server = await startWithClock();
    const [mute] = kept(await new RelayClient(server.port).opened());
    server.clock.nowMs += 5_000;
    expect(await mute.answer()).toMatchObject({ type: 'refused', reason: 'bad-request' });
    const [alone] = kept(await new RelayClient(server.port).hello(guestHello(await openLobby(server.port), newPair())));
    await vi.waitFor(async () =>
      expect(await metric(server, 'volley_http_requests_total{method="POST",route="/api/lobbies",status="201"}')).toBe(1),
    );
    server.clock.nowMs += 10_000;
    expect(await alone.answer()).toMatchObject({ type: 'refused', reason: 'no-peer' });
    expect(await alone.closed()).toBe(RELAY_REFUSED);
  });

  test('pages of other sites get 403, and what leads nowhere 404', async () => {
    const server = await start();
    const [foreign] = kept(new RelayClient(server.port, { origin: 'https://evil.example' }));
    await foreign.closed();
    expect(foreign.refusedWith).toBe(403);
    const nowhere = new WebSocket(`ws://127.0.0.1:${server.port}/nowhere`);
    const status = await new Promise((resolve) => {
      nowhere.on('error', () => undefined);
      nowhere.on('unexpected-response', (_request, response) => resolve(response.statusCode));
    });
    expect(status).toBe(404);
    expect(await metric(server, 'volley_refusals_total{reason="relay-foreign-origin"}')).toBe(1);
  });

  test('wrong codes count as guesses of the address, here and in the API', async () => {
    const server = await startWithClock();
    const lobby = await openLobby(server.port);
    const from = '127.0.0.90';
    const wrong = text(guestHello({ code: lobby.code === 'K7QX2M' ? 'K7QX2N' : 'K7QX2M', ownerToken: '' }, newPair()));
    for (let i = 0; i <= DEFAULT_LIMITS.guesses.free; i++) expect(await reasonOf(server, wrong, { from })).toBe('unknown-code');
    expect(await reasonOf(server, wrong, { from })).toBe('too-many');
    // A right one is not answered either, and its lobby's host is.
    expect(await reasonOf(server, text(guestHello(lobby, newPair())), { from })).toBe('too-many');
    expect(await reasonOf(server, text(hostHello({ ...lobby, ownerToken: 'x'.repeat(43) }, newPair())), { from })).toBe('too-many');
    const pair = newPair();
    const [host] = kept(await new RelayClient(server.port, { from }).hello(hostHello(lobby, pair)));
    const [guest] = kept(await new RelayClient(server.port).hello(guestHello(lobby, pair)));
    expect(await Promise.all([host.answer(), guest.answer()])).toEqual([{ type: 'paired' }, { type: 'paired' }]);
    expect(await metric(server, 'volley_limits_total{limit="refusedGuesses"}')).toBe(4);
  });

  test('an address has 128 sockets, a lobby 64 guests, and the broker as many pairs as its operator says', async () => {
    const server = await start({ relayPairsMax: 66, limits: { socketRate: { burst: 2_000, perSecond: 100 } } });
    const lobby = await openLobby(server.port);
    const [guestsFrom, hostsFrom] = [{ from: '127.0.0.91' }, { from: '127.0.0.92' }];
    const pairs = await Promise.all(Array.from({ length: 64 }, () => openPair(server, { lobby, guest: guestsFrom, host: hostsFrom })));
    expect(await reasonOf(server, text(guestHello(lobby, newPair())))).toBe('too-many');
    await openPair(server);
    await openPair(server);
    expect(await reasonOf(server, text(guestHello(await openLobby(server.port), newPair())))).toBe('too-many');
    expect(await (await fetch(`${server.url}/healthz`)).json()).toMatchObject({ relayedPairs: 66 });
    // Places come back.
    for (const { guest } of pairs.slice(0, 2)) guest.close();
    await Promise.all(pairs.slice(0, 2).map(({ host }) => host.closed()));
    await openPair(server, { lobby });
    const idle = await Promise.all(Array.from({ length: 66 }, () => new RelayClient(server.port, guestsFrom).opened()));
    kept(...idle);
    const over = kept(await new RelayClient(server.port, guestsFrom).opened())[0];
    expect(await over.answer()).toMatchObject({ type: 'refused', reason: 'too-many' });
    expect(idle.filter(({ closeCode }) => closeCode !== undefined)).toEqual([]);
  });
});

describe('when a pair ends', () => {
  test('an end that acknowledges nothing for ten seconds is dropped', async () => {
    const server = await startWithClock();
    const { guest, host } = await openPair(server, { host: { isMute: true } });
    guest.send(RELAY_STATE, numbered(1));
    await host.arrived(1);
    server.clock.nowMs += 9_999;
    host.send(RELAY_CONTROL, numbered(2));
    await guest.arrived(1);
    expect(host.closeCode).toBeUndefined();
    server.clock.nowMs += 1;
    expect(await guest.closed()).toBe(RELAY_PEER_GONE);
    await host.closed();
    expect(await metric(server, 'volley_refusals_total{reason="relay-stuck"}')).toBe(1);
  });

  test('an end that is sent a megabyte of control faster than it takes it is dropped', async () => {
    const server = await startWithClock();
    const { guest, host } = await openPair(server, { host: { isMute: true } });
    let sent = 0;
    while (guest.closeCode === undefined && sent < 200) {
      for (let i = 0; i < 15; i++) guest.send(RELAY_CONTROL, numbered(sent++, RELAY_CONTROL_BYTES_MAX));
      await guest.until(
        () => guest.closeCode !== undefined || (guest.lastCredit !== undefined && readRelayCredit(guest.lastCredit) === sent),
      );
      // It is alive, and slow; and the sender keeps to its rate.
      host.acknowledge(Math.min(host.received, 1 + Math.floor(sent / 15)));
      server.clock.nowMs += 4_000;
    }
    expect(await guest.closed()).toBe(RELAY_PEER_GONE);
    expect(sent * RELAY_CONTROL_BYTES_MAX).toBeGreaterThan(1_048_576);
    expect(await metric(server, 'volley_refusals_total{reason="relay-overflow"}')).toBe(1);
  });

  test('an end that answers no pings is dropped', async () => {
    const server = await startWithClock();
    const { guest, host } = await openPair(server, { host: { isSilent: true } });
    for (let pings = 0; pings < 2; pings++) {
      const pinged = new Promise((done) => host.webSocket.once('ping', done));
      server.clock.nowMs += 5_000;
      await pinged;
    }
    expect(host.closeCode).toBeUndefined();
    server.clock.nowMs += 5_000;
    expect(await guest.closed()).toBe(RELAY_PEER_GONE);
    expect(await metric(server, 'volley_refusals_total{reason="relay-silent"}')).toBe(1);
  });

  test('frames that are none are counted, and more than sixteen end the socket with 4008', async () => {
    const server = await start();
    const { guest, host } = await openPair(server);
    const junk = [
      Uint8Array.of(9, 1),
      Uint8Array.of(RELAY_STATE),
      new Uint8Array(1_200).fill(RELAY_STATE),
      Uint8Array.of(2, 255, 255, 0, 0),
    ];
    for (let i = 0; i < 15; i++) guest.webSocket.send(junk[i % 4]!);
    guest.webSocket.send('text');
    guest.send(RELAY_CONTROL, numbered(1));
    expect(controlNumbers(await host.arrived(1))).toEqual([1]);
    guest.webSocket.send(new Uint8Array(0));
    expect(await guest.closed()).toBe(RELAY_VIOLATION);
    expect(await host.closed()).toBe(RELAY_PEER_GONE);
    expect(host.frames).toHaveLength(1);
    expect(await metric(server, 'volley_relay_frames_total{kind="state",outcome="malformed"}')).toBe(8);
  });

  test('the pairs of a lobby end when its host forbids the relay, and not while it only misses a heartbeat or two', async () => {
    const server = await startWithClock({ lobbyTtlMs: 20_000 });
    const [forbidden, missing] = [await openPair(server), await openPair(server)];
    await fetch(`${server.url}/api/lobbies/${forbidden.lobby.code}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${forbidden.lobby.ownerToken}` },
      body: '{"isRelayAllowed":false}',
    });
    for (const end of [forbidden.guest, forbidden.host]) {
      expect(await end.answer()).toMatchObject({ type: 'refused', reason: 'not-allowed' });
      expect(await end.closed()).toBe(RELAY_REFUSED);
    }
    server.clock.nowMs += 21_000;
    missing.guest.send(RELAY_CONTROL, numbered(1));
    await missing.host.arrived(1);
    expect(missing.guest.closeCode).toBeUndefined();
  });

  test('shutting down closes both ends with 1012', async () => {
    const server = await start({ drainMs: 0 });
    const { guest, host } = await openPair(server);
    const [waiting] = kept(await new RelayClient(server.port).hello(guestHello(await openLobby(server.port), newPair())));
    const ended = server.shutDown();
    expect(await Promise.all([guest.closed(), host.closed(), waiting.closed()])).toEqual([1012, 1012, 1012]);
    await ended;
  });
});

describe('how fast', () => {
  test('control above its rate waits and arrives whole', async () => {
    const server = await startWithClock();
    const { guest, host } = await openPair(server);
    for (let i = 0; i < 20; i++) guest.send(RELAY_CONTROL, numbered(i, 16_000));
    // A burst of 256 KB and the frame that makes the debt, at a clock that stands still.
    await host.arrived(17);
    await vi.waitFor(() => {
      server.clock.nowMs += 100;
      expect(host.frames).toHaveLength(20);
    }, PATIENCE);
    expect(controlNumbers(host.frames)).toEqual(Array.from({ length: 20 }, (_, i) => i));
  });

  test('the relay says in its metrics what passed', async () => {
    const server = await start();
    const { guest, host } = await openPair(server);
    for (let i = 0; i < 10; i++) guest.send(RELAY_CONTROL, numbered(i, 99));
    host.send(RELAY_STATE, numbered(1, 49));
    await host.arrived(10);
    await guest.arrived(1);
    const text = await metrics(server);
    expect(text).toMatch(/^volley_relay_pairs 1$/m);
    expect(text).toMatch(/^volley_relay_frames_total\{kind="control",outcome="relayed"\} 10$/m);
    expect(text).toMatch(/^volley_relay_frames_total\{kind="state",outcome="relayed"\} 1$/m);
    expect(text).toMatch(/^volley_relay_frames_total\{kind="other",outcome="malformed"\} 0$/m);
    expect(text).toMatch(/^volley_relay_bytes_total\{kind="control"\} 1000$/m);
    expect(text).toMatch(/^volley_relay_bytes_total\{kind="state"\} 50$/m);
    expect(stateNumbers(guest.frames)).toEqual([1]);
  });
});
